"""OGC API - Processes against pygeoapi and PyWPS, in one run on one machine. Usage: bench_ogc.py BUILD-FOLDER

Latency of a submission (201), empty jobs a second to their end, the memory of the servers, 10,000 accepted jobs while workers are
killed at random, and the list of jobs with a million rows. BENCH_OGC_JOBS, _PEER_JOBS, _KILLED and _ROWS make it smaller,
BENCH_OGC_PARTS names what is measured: "jobs killed list"."""
import concurrent.futures
import http.client
import os
import random
import signal
import sys
import tempfile
import threading
import time
from json import dumps
from pathlib import Path

HERE = Path(__file__).resolve().parent
build = Path(sys.argv[1]).resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
sys.path[:0] = [str(HERE.parent.parent), str(HERE)]
import requests  # noqa: E402
from conftest import Service, free_port  # noqa: E402
from peers import Busy, Pygeoapi, Pywps  # noqa: E402

JOBS = int(os.environ.get("BENCH_OGC_JOBS", "3000"))
PEER_JOBS = int(os.environ.get("BENCH_OGC_PEER_JOBS", "300"))
KILLED = int(os.environ.get("BENCH_OGC_KILLED", "10000"))
ROWS = int(os.environ.get("BENCH_OGC_ROWS", "1000000"))
PARTS = os.environ.get("BENCH_OGC_PARTS", "jobs killed list").split()
CLIENTS = 8
WITH_FILE = {"inputs": {"number": 1}, "outputs": {"number": {"transmissionMode": "reference"}}}


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def timed(work):
    begun = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begun)


class Light:
    """What requests.Session does here, at a fraction of its time: the client shares the cores with the servers."""

    def __init__(self, base):
        self.connection = http.client.HTTPConnection(base.split("//")[1], timeout=120)

    def call(self, method, url, body=None, headers=None):
        path = url.split("/", 3)[3]
        self.connection.request(method, "/" + path, body, headers or {})
        answer = self.connection.getresponse()
        answer.text = answer.read().decode(errors="replace")
        answer.status_code = answer.status
        return answer

    def post(self, url, json=None, headers=None, timeout=None):
        return self.call("POST", url, dumps(json), {"Content-Type": "application/json", **{k: v for k, v in (headers or {}).items()}})

    def get(self, url, timeout=None):
        return self.call("GET", url)


class Ours:
    """The echo process; `file`: with an output that must be a file, which a worker makes."""
    name = "sentier"

    def __init__(self, service, session, file=False):
        self.service, self.session, self.file = service, session, file
        self.base = service.base
        self.url = service.base + "/ogc/processes/echo/execution"

    def submit(self, session, wait):
        answer = session.post(self.url, json={"inputs": {"number": 1}, "outputs": {"number": {"transmissionMode": "reference"} if self.file else {}}}, timeout=120,
                              headers={"Authorization": self.session.headers["Authorization"], **({} if wait else {"Prefer": "respond-async"})})
        assert answer.status_code in ((200, 204) if wait else (201,)), answer.text
        return answer

    def done(self, session):
        return int(self.service.sql("SELECT count(*) FROM jobs WHERE state = 3"))

    def memory(self):
        """Of the server alone, and of the processes that belong to it without the database."""
        rss = {}
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                line = (status.parent / "cmdline").read_bytes().split(b"\0")
                if Path(os.fsdecode(line[0])).name == "sentier" and os.fsencode(str(self.service.data)) in b" ".join(line):
                    kind = os.fsdecode(line[1])
                    rss[kind] = rss.get(kind, 0) + int(next(t for t in status.read_text().splitlines() if t.startswith("VmRSS")).split()[1])
            except (OSError, StopIteration, IndexError):
                continue
        return rss.get("serve", 0)


def latency(peer, count):
    with requests.Session() as session:
        peer.submit(session, False)
        return [timed(lambda: peer.submit(session, False)) for _ in range(count)]


def to_completion(peer, count, wait):
    """Jobs a second, from the first submission to the end of the last job."""
    with requests.Session() as session:
        before = 0 if wait else peer.done(session)
        local = threading.local()

        def one(_):
            if not hasattr(local, "session"):
                local.session = Light(peer.base)
            while time.perf_counter() - begun < 60:
                try:
                    return peer.submit(local.session, wait)
                except Busy:
                    time.sleep(0.01)
            late.append(True)

        late, begun = [], 0
        begun = time.perf_counter()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(one, range(count)))
        if late:
            return None
        while not wait and peer.done(session) - before < count:
            if time.perf_counter() - begun > 60:
                return None
            time.sleep(0.05)
        return count / (time.perf_counter() - begun)


def measure(peer, count):
    with requests.Session() as session:
        before = peer.done(session)
    result = {"latency": latency(peer, min(count, 100))}
    deadline = time.time() + 60
    with requests.Session() as session:
        while peer.done(session) < before + min(count, 100) + 1 and time.time() < deadline:
            time.sleep(0.05)
    result["sync"] = to_completion(peer, count, True)
    result["async"] = to_completion(peer, count, False)
    result["memory"] = peer.memory()
    show = lambda value: f"{value:8.1f}" if value else "   never"
    print(f"{peer.name:10} 201: p50 {quantile(result['latency'], .5):6.1f} ms, p95 {quantile(result['latency'], .95):6.1f} ms; jobs/s "
          f"{show(result['async'])}; waited for {show(result['sync'])}/s; memory {result['memory'] / 1024:.0f} MB", flush=True)
    return result


def workers(service):
    """Workers, their zygotes and their tasks: all bear the worker's command line."""
    pids = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = command.read_bytes().split(b"\0")
            if Path(os.fsdecode(words[0])).name == "sentier" and os.fsencode(str(service.data)) in b" ".join(words) and words[1] == b"worker":
                pids.append(int(command.parent.name))
        except (OSError, IndexError):
            continue
    return pids


def killed(service, session, count):
    """Accepted jobs that did not end well, or ended twice, while processes of workers are killed."""
    stop = threading.Event()
    kills = [0]

    def kill():
        while not stop.wait(random.uniform(0.2, 1)):
            for pid in random.sample(workers(service), 1) if workers(service) else []:
                try:
                    os.kill(pid, signal.SIGKILL)
                    kills[0] += 1
                except ProcessLookupError:
                    pass

    ours, accepted, local = Ours(service, session, True), [], threading.local()

    def one(_):
        if not hasattr(local, "session"):
            local.session = Light(ours.base)
        accepted.append(ours.submit(local.session, False).headers["Location"].rsplit("/", 1)[1])

    thread = threading.Thread(target=kill)
    thread.start()
    begun = time.perf_counter()
    try:
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(one, range(count)))
        while int(service.sql("SELECT count(*) FROM jobs WHERE state IN (1, 2)")):
            time.sleep(0.2)
    finally:
        stop.set()
        thread.join()
    seconds = time.perf_counter() - begun
    good = 0
    for first in range(0, len(accepted), 1000):
        ids = ",".join(accepted[first:first + 1000])
        good += int(service.sql(f"SELECT count(*) FROM jobs j WHERE state = 3 AND id = ANY('{{{ids}}}')"
                                " AND (SELECT count(*) FROM job_assets a WHERE a.job = j.id) = 1"
                                " AND (SELECT count(*) FROM job_logs l WHERE l.job = j.id AND message LIKE 'Finished%') = 1"))
    files = sum((service.data / "results" / job / "result.json").stat().st_size > 0 for job in accepted)
    print(f"{len(accepted)} accepted, {kills[0]} processes of workers killed, {len(accepted) - good} lost or done twice, "
          f"{len(accepted) - files} without their file, {seconds:.0f} s; memory of the server {ours.memory() / 1024:.0f} MB", flush=True)
    return len(accepted) - min(good, files)


def listing(service, session, rows):
    """p95 of pages of ten among so many jobs."""
    owner = service.sql("SELECT id FROM users WHERE name = 'bench'")
    service.sql("INSERT INTO jobs(id, owner, face, process_id, title, process, request, state, created, updated, started, finished)"
                f" SELECT gen_random_uuid(), '{owner}', 'ogc', CASE WHEN n % 3 = 0 THEN 'ndvi-composite' ELSE 'echo' END, 'x', '{{}}', '{{\"outputs\":{{}}}}',"
                " CASE WHEN n % 100 = 0 THEN 4 ELSE 3 END, t, t, t, t + (n % 1000) * interval '1 s'"
                f" FROM (SELECT n, now() - n * interval '1 s' AS t FROM generate_series(1, {rows}) n) g", timeout=170)
    service.sql("VACUUM ANALYZE jobs")  # as the database does for itself after a while
    worst = 0
    deep = service.sql(f"SELECT id FROM jobs WHERE owner = '{owner}' ORDER BY created DESC, id DESC OFFSET {rows // 2} LIMIT 1")
    middle = service.sql(f"SELECT to_char(now() - {rows // 2} * interval '1 s', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
    for query in ("", f"after={deep}", "type=process", "status=successful", "status=failed", "status=running", "status=failed,dismissed", f"status=failed&after={deep}",
                  "processID=echo", "processID=none", f"processID=ndvi-composite&after={deep}", "datetime=2020-01-01T00:00:00Z/..", f"datetime=../{middle}",
                  "minDuration=1", "minDuration=990", "minDuration=5000", "maxDuration=1", "maxDuration=990", "minDuration=500&maxDuration=500",
                  f"minDuration=990&after={deep}", "minDuration=990&status=failed"):
        times = [timed(lambda: session.get(f"{service.base}/ogc/jobs?{query}", timeout=60).raise_for_status()) for _ in range(100)]
        worst = max(worst, quantile(times, .95))
        print(f"GET /ogc/jobs of {rows} rows, {query.replace(deep, 'ID'):36} p50 {quantile(times, .5):6.2f} ms, p95 {quantile(times, .95):6.2f} ms", flush=True)
    print(f"memory of the server {Ours(service, session).memory() / 1024:.0f} MB", flush=True)
    return worst


def measure_peers(folder):
    peers = {}
    for kind in (Pygeoapi, Pywps):
        peer = kind(folder / kind.name, free_port()).start()
        try:
            peers[kind.name] = measure(peer, PEER_JOBS)
        finally:
            peer.stop()
    return peers


def compare(peers, ours, worked):
    for name, peer in peers.items():
        for kind in ("async", "sync"):
            if peer[kind]:
                print(f"{kind} jobs/s: {ours[kind] / peer[kind]:.1f} times {name} (goal: 20), {worked[kind] / peer[kind]:.1f} times where a worker makes a file")


def main():
    lost = 0
    with tempfile.TemporaryDirectory(prefix="sentier-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        peers = measure_peers(folder) if "jobs" in PARTS else {}
        service = Service(folder / "service", "jobs.user_jobs=0", workers=1).start()
        try:
            service.add_user("bench")
            session = service.session("bench")
            if "jobs" in PARTS:
                ours = measure(Ours(service, session), JOBS)
                files = Ours(service, session, True)
                files.name = "by worker"
                compare(peers, ours, measure(files, JOBS))
            if "killed" in PARTS:
                lost = killed(service, session, KILLED)
            if "list" in PARTS:
                print(f"slowest list p95 {listing(service, session, ROWS):.1f} ms (goal: 10)")
        finally:
            service.stop()
    return 1 if lost else 0


sys.exit(main())
