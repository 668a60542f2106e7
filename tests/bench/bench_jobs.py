"""Jobs: from POST to running and to finished, an empty job on an idle worker. Usage: bench_jobs.py BUILD-FOLDER

The clock of the client and of the database is the same one, so both ends are measured without
asking for the status meanwhile: the client reads it before it sends, the database when it claims
the job's task and when it commits the end."""
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
from conftest import Service  # noqa: E402

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "200"))


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def show(what, values, goal=""):
    print(f"{what:<34} p50 {quantile(values, .5):7.1f} ms   p90 {quantile(values, .9):7.1f} ms   "
          f"p99 {quantile(values, .99):7.1f} ms{goal}")


def query(service, sql):
    done = subprocess.run(["psql", "-h", str(service.data / "db"), "-U", "sentier", "-qAt", "-F", " ", "-c", sql,
                           "sentier"], capture_output=True, text=True, check=True)
    return [line.split() for line in done.stdout.splitlines()]


def measure(service, session):
    sent, answered, ids = {}, {}, []
    for i in range(ROUNDS + 10):
        start = time.time()
        answer = session.post(service.base + "/ogc/processes/echo/execution", headers={"Prefer": "respond-async"},
                              json={"inputs": {"string": f"round {i}"}}, timeout=30)
        end = time.time()
        assert answer.status_code == 201, answer.text
        job = answer.json()["jobID"]
        ids.append(job)
        sent[job], answered[job] = start, end
        while session.get(service.base + f"/ogc/jobs/{job}", timeout=30).json()["status"] in ("accepted", "running"):
            time.sleep(0.005)
        time.sleep(0.02)  # the worker is idle again
    rows = query(service, "SELECT id, state, extract(epoch FROM started), extract(epoch FROM finished) FROM jobs")
    times = {row[0]: (row[1], float(row[2]), float(row[3])) for row in rows}
    assert all(times[job][0] == "3" for job in ids), "a job did not finish"
    ids = ids[10:]  # the first ones warm caches
    show("POST answered (201, durable)", [1000 * (answered[j] - sent[j]) for j in ids])
    show("POST to running", [1000 * (times[j][1] - sent[j]) for j in ids], "   goal: p50 under 20 ms")
    show("POST to finished, empty job", [1000 * (times[j][2] - sent[j]) for j in ids])
    return statistics.median(1000 * (times[j][1] - sent[j]) for j in ids)


def main():
    with tempfile.TemporaryDirectory(prefix="sentier-bench-") as folder:
        os.chmod(folder, 0o755)
        service = Service(folder, "worker.slots=1")
        service.start()
        try:
            service.add_user("bench")
            median = measure(service, service.session("bench"))
        finally:
            service.stop()
    return 0 if median < 20 else 1


if __name__ == "__main__":
    sys.exit(main())
