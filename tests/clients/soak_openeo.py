"""make soak-openeo: users who poll and submit while a bulk job fills the machine. Usage: soak_openeo.py BUILD-FOLDER

SOAK_USERS (200) threads for SOAK_SECONDS (600), each with a session of its own: short synchronous requests, small jobs from POST to
finished, and polls of lists, logs and documents. Nothing may be answered with 5xx, or not at all; 95 of 100 short jobs must
start within SOAK_WAIT_MS (2000) of being started, by the clock of the database; and the bulk job must go on."""
import collections
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
build = Path(sys.argv[1]).resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/process")]
import numpy  # noqa: E402
import requests  # noqa: E402
from conftest import Service  # noqa: E402
from rasterio.transform import from_origin  # noqa: E402
from real_scenes import DATA, X, apply, call, graph_of, load, multiply, reduce, write_item  # noqa: E402

USERS, SECONDS, WAIT_MS = (int(os.environ.get(f"SOAK_{name}", value)) for name, value in (("USERS", 200), ("SECONDS", 600), ("WAIT_MS", 2000)))
answers, slow, problems = collections.Counter(), collections.defaultdict(list), []
lock, end = threading.Lock(), [0.0]


def scenes(folder, dates=8, size=4096):
    """A cube that keeps a worker busy for long, and a small one."""
    dice = numpy.random.default_rng(1)
    for i in range(dates):
        write_item(folder, "large", f"large-{i}", f"2023-05-{i + 1:02}T10:00:00Z", from_origin(500000, 5100000, 10, 10), 32633,
                   {b: dice.integers(1, 4000, (size, size)).astype("uint16") for b in "AB"}, nodata=0)
    write_item(folder, "small", "small-0", "2023-05-01T10:00:00Z", from_origin(500000, 5100000, 10, 10), 32633,
               {"A": dice.integers(1, 4000, (64, 64)).astype("uint16")}, nodata=0)


def bulk():
    """Medians of smoothed dates: minutes of work in many tasks."""
    kernel = call("apply_kernel", data=load("large", ["A", "B"]), kernel=[[1] * 31] * 31, factor=1 / 961)
    return graph_of(call("save_result", data=reduce(kernel, "t", call("median", data=DATA)), format="COG"))


def small():
    first = reduce(load("small", ["A"]), "t", call("first", data=DATA))
    return graph_of(call("save_result", data=apply(first, multiply(X, 0.5)), format="GTiff"))


class User(threading.Thread):
    def __init__(self, service, token, number):
        super().__init__(daemon=True)
        self.base, self.dice = service.base + "/openeo/1.2", random.Random(number)
        self.session = requests.Session()
        self.session.headers["Authorization"] = "Bearer " + token
        self.jobs = []

    def ask(self, method, path, expected=(200,), **more):
        begun = time.monotonic()
        try:
            answer = self.session.request(method, path if path.startswith("http") else self.base + path, timeout=120, **more)
        except requests.RequestException as error:
            with lock:
                problems.append(f"{method} {path.split('?')[0][:60]}: {type(error).__name__}")
            return None
        with lock:
            answers[answer.status_code] += 1
            slow[f"{method} {'/'.join(p for p in path.split('/') if len(p) < 20)[-20:]}"].append(time.monotonic() - begun)
            if answer.status_code >= 500 or answer.status_code not in (*expected, 429):
                problems.append(f"{method} {path[:60]}: {answer.status_code} {answer.text[:200]}")
        return answer

    def submit(self):
        answer = self.ask("POST", "/jobs", (201,), json={"process": small()})
        if answer is None or answer.status_code != 201:
            return
        job = "/jobs/" + answer.headers["OpenEO-Identifier"]
        self.ask("POST", job + "/results", (202,))
        while time.monotonic() < end[0] + 60:
            answer = self.ask("GET", job)
            if answer is None or answer.status_code != 200 or answer.json()["status"] not in ("queued", "running"):
                break
            time.sleep(self.dice.uniform(0.2, 1))
        if answer is not None and answer.status_code == 200 and answer.json()["status"] != "finished":
            problems.append(f"a job ended as {answer.json()['status']}")
        self.ask("GET", job + "/results")
        self.jobs.append(job)
        if len(self.jobs) > 20:
            self.ask("DELETE", self.jobs.pop(0), (204,))

    def run(self):
        time.sleep(self.dice.uniform(0, 2))
        while time.monotonic() < end[0]:
            what = self.dice.random()
            if what < 0.06:
                self.submit()
            elif what < 0.12:
                self.ask("POST", "/result", json={"process": small()})
            elif what < 0.2 and self.jobs:
                self.ask("GET", self.dice.choice(self.jobs) + "/logs")
            else:
                self.ask("GET", self.dice.choice(["/", "/jobs?limit=20", "/collections", "/processes", "/me", "/file_formats"]))
            time.sleep(self.dice.uniform(0.5, 3))


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))] if values else float("nan")


def measure(service, bulk_job):
    """Waits of started short jobs in ms, from queued to at work, and how far the bulk job is."""
    rows = service.sql("SELECT 1000 * extract(epoch FROM started - queued) FROM jobs WHERE started IS NOT NULL AND face = 'openeo' "
                       f"AND id <> '{bulk_job}'").split()
    state, done, tasks = service.sql("SELECT j.state, count(*) FILTER (WHERE t.state = 'd'), count(*) FROM jobs j JOIN tasks t ON t.job = j.id "
                                     f"WHERE j.id = '{bulk_job}' GROUP BY 1").split("|")
    return [float(r) for r in rows], state, f"{done} of {tasks} tasks"


def main():
    with tempfile.TemporaryDirectory(prefix="sentier-soak-") as folder:
        os.chmod(folder, 0o755)
        made = Path(folder) / "scenes"
        made.mkdir()
        scenes(made)
        service = Service(Path(folder) / "service", workers=1).start()
        try:
            service.command("catalog", "import", made)
            tokens = []
            for i in range(min(USERS, 40)):  # several sessions of a user, as notebooks are
                service.add_user(f"user{i}")
                tokens.append(service.token(f"user{i}"))
            service.add_user("bulk")
            with service.session("bulk") as session:
                job = session.post(service.base + "/openeo/1.2/jobs", json={"process": bulk()}, timeout=30)
                bulk_job = job.headers["OpenEO-Identifier"]
                session.post(service.base + f"/openeo/1.2/jobs/{bulk_job}/results", timeout=30)
            time.sleep(2)
            end[0] = time.monotonic() + SECONDS
            users = [User(service, tokens[i % len(tokens)], i) for i in range(USERS)]
            for user in users:
                user.start()
            for user in users:
                user.join()
            waits, state, progress = measure(service, bulk_job)
        finally:
            service.stop()
    print(f"{USERS} users, {SECONDS} s: {sum(answers.values())} answers {dict(answers)}")
    for what, seconds in sorted(slow.items(), key=lambda s: -quantile(s[1], .95))[:6]:
        print(f"  {what:<28} p50 {1000 * quantile(seconds, .5):6.0f} ms   p95 {1000 * quantile(seconds, .95):6.0f} ms   ({len(seconds)})")
    print(f"{len(waits)} short jobs: wait p50 {quantile(waits, .5):.0f} ms, p95 {quantile(waits, .95):.0f} ms (goal: under {WAIT_MS})")
    print(f"bulk job: state {state}, {progress}")
    for problem, n in collections.Counter(problems).most_common(10):
        print(f"{n} x {problem}")
    return 1 if problems or quantile(waits, .95) >= WAIT_MS or not waits else 0


if __name__ == "__main__":
    sys.exit(main())
