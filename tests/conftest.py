"""What tests with a running service share: `sentier up` on a temporary data folder and a free port."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("SENTIER_BINARY", ROOT / "build" / "sentier"))
SHARED = Path(os.environ.get("SENTIER_SHARED", ROOT.parent / "shared"))
SLOW_BUILD = "sanitizer" in str(BINARY)  # time limits are wider there
sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("api", "oidc", "stac")]


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: minutes rather than seconds")
    config.addinivalue_line("markers", "sanitizer: also run against the ASan/UBSan build")
    config.addinivalue_line("markers", "once: many requests of one kind: by ./check run against the ASan/UBSan build alone, which sees more")
    config.addinivalue_line("markers", "sandbox: runs commands of users, which some containers do not allow")


def no_sandbox():
    """Why the commands of users cannot run on this machine, or None."""
    try:
        done = subprocess.run(["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"], capture_output=True, text=True, timeout=60)
    except FileNotFoundError as error:
        return str(error)
    return None if done.returncode == 0 else done.stderr.strip()


# these take longest, in this order
LONG_FILES = ["test_jobs.py", "test_http.py", "test_schemathesis.py", "test_ogc_openapi.py", "test_ingest.py", "test_changes.py", "test_results.py",
              "test_around.py", "test_places.py", "test_reading.py", "test_validators.py", "test_harvest.py", "test_demo.py", "test_doors.py",
              "test_tokens.py", "test_udf.py", "test_zones.py", "test_random_graphs.py", "test_ortho.py", "test_fetch.py", "test_soak.py"]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Long files begin first: ./check runs two files at a time, and none is to be left alone at the end. Where the kernel gives no
    namespaces (in most containers), commands of users are not offered: their tests say so."""
    reason = no_sandbox()
    for item in items if reason else []:
        if item.get_closest_marker("sandbox"):
            item.add_marker(pytest.mark.skip(reason=reason))
    rank = {name: n for n, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: rank.get(item.path.name, len(rank)))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def cpu_seconds(pid):
    """What a process has used so far, in its own code and the kernel's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fastest(work, times=5):
    """The shortest of several runs, in seconds: what the product makes one wait for, it does each time; what else the
    machine has to do comes and goes. Answers of HTTP must be 200."""
    seconds = []
    for _ in range(times):
        begun = time.monotonic()
        answer = work()
        seconds.append(time.monotonic() - begun)
        assert getattr(answer, "status_code", 200) == 200, answer.text
    return min(seconds)


class Service:
    """One `sentier up`. `settings` are "section.key=value" texts."""

    def __init__(self, data, *settings, workers=1, env=None):
        self.data, self.settings, self.workers = Path(data), list(settings), workers
        self.env = {**os.environ, **(env or {})}
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.log = self.data / "service.log"

    def start(self, timeout=60):
        self.data.mkdir(parents=True, exist_ok=True)
        # the database runs as another user when the tests run as root
        for folder in [self.data, *self.data.parents]:
            if folder == Path(tempfile.gettempdir()) or folder == Path("/"):
                break
            folder.chmod(folder.stat().st_mode | 0o055)
        command = [str(BINARY), "up", "--data", str(self.data), "--port", str(self.port), "--workers", str(self.workers)]
        for setting in self.settings:
            command += ["--set", setting]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.env)
        end = time.time() + timeout
        while time.time() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"up ended with {self.process.returncode}:\n{self.tail()}")
            try:
                if requests.get(self.base + "/readyz", timeout=2).status_code == 200:
                    return self
            except requests.RequestException:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"not ready after {timeout} s:\n{self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""

    def stop(self, timeout=40):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise
        code = self.process.returncode if self.process else None
        self.process = None
        return code

    def end(self):
        """Stops; what the sanitizers found on the way is a failure."""
        self.stop()
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        found = re.search(r"ERROR: \w+Sanitizer|runtime error:", text)
        assert not found, text[max(0, found.start() - 200):][:6000]

    def command(self, *arguments, input=None, check=True, timeout=300):
        """Runs `sentier ARGUMENTS --data ...`; its standard output."""
        done = subprocess.run([str(BINARY), *map(str, arguments), "--data", str(self.data)], input=input,
                              capture_output=True, text=True, env=self.env, timeout=timeout)
        if check and done.returncode != 0:
            raise RuntimeError(f"{arguments} ended with {done.returncode}: {done.stderr}")
        return done.stdout if check else done

    def sql(self, statement, timeout=60):
        """Runs SQL on the private database: its rows as text, columns separated by |."""
        end = time.time() + 30
        while True:
            done = subprocess.run(["psql", "-h", str(self.data / "db"), "-U", "sentier", "-qAtc", statement, "sentier"],
                                  capture_output=True, text=True, timeout=timeout)
            if done.returncode == 0:
                return done.stdout.strip()
            if time.time() > end or "ERROR" in done.stderr:
                raise RuntimeError(done.stderr)
            time.sleep(0.1)  # it is being started again

    def add_user(self, name, password="open sesame", role="user"):
        self.command("user", "add", name, "--role", role, input=password + "\n")
        return name, password

    def token(self, name, password="open sesame"):
        answer = requests.get(self.base + "/openeo/1.2/credentials/basic", auth=(name, password), timeout=30)
        answer.raise_for_status()
        return "basic//" + answer.json()["access_token"]

    def session(self, name, password="open sesame"):
        """A requests session that is logged in."""
        session = requests.Session()
        session.headers["Authorization"] = "Bearer " + self.token(name, password)
        return session


# fixtures of several files must be known here: one that a file imports is made for that file alone
from stac_fixtures import catalogue, everything, schemas  # noqa: E402, F401


@pytest.fixture(scope="session")
def shared():
    """The folder of real sample data and specifications; tests that need it are skipped without."""
    if not (SHARED / "data").is_dir():
        pytest.skip("no sample data beside the checkout")
    return SHARED


def maker():
    with contextlib.ExitStack() as ends:  # each is ended, whatever another's end says

        def make(*settings, start=True, **options):
            folder = tempfile.mkdtemp(prefix="sentier-test-")
            ends.callback(shutil.rmtree, folder, ignore_errors=True)
            service = Service(folder, *settings, **options)
            ends.callback(service.end)
            return service.start() if start else service

        yield make


@pytest.fixture(scope="module")
def make_service():
    """make_service("section.key=value", ..., workers=2): a started service on a folder of its own, until the file's end."""
    yield from maker()


@pytest.fixture(scope="session")
def make_lasting_service():
    """As make_service, for what several files share."""
    yield from maker()


@pytest.fixture(scope="session")
def service(make_lasting_service):
    """One service for all tests that do not disturb it, with users alice and bob."""
    service = make_lasting_service(f"udf.python={sys.executable}", workers=1)
    service.add_user("alice")
    service.add_user("bob")
    return service


@pytest.fixture(scope="session")
def scenes(service, shared):
    """`service` with the five dates of tile 33TWL."""
    service.command("catalog", "import", *sorted((shared / "data/s2/33TW").glob("*33TWL*")))
    return service
