"""What the tests of jobs share: synthetic scenes, jobs of many tasks, and the processes of a service."""
import hashlib
import os
import signal
import subprocess
import time
from pathlib import Path

import requests
from conftest import BINARY

COLLECTION = "sentinel-2-l2a-synthetic"


def synthesize(folder, size=1024, dates=2):
    subprocess.run([str(BINARY), "catalog", "synthesize", str(folder), "--dates", str(dates), "--size", str(size)],
                   check=True, capture_output=True)
    return sorted(p for p in Path(folder).iterdir() if p.is_dir())


def stripes(count, lon=(15.0, 15.13), lat=(45.962, 46.053)):
    """A process graph of `count` results, each of a narrower area: as many blocks, so as many tasks."""
    graph = {
        "load": {"process_id": "load_collection",
                 "arguments": {"id": COLLECTION, "spatial_extent": None, "temporal_extent": None, "bands": ["B04", "B08"]}},
        "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "load"}, "red": "B04", "nir": "B08"}},
        "mean": {"process_id": "reduce_dimension",
                 "arguments": {"data": {"from_node": "ndvi"}, "dimension": "t", "reducer": {"process_graph": {
                     "mean": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}}},
    }
    step = (lon[1] - lon[0]) / 2 / count
    for i in range(count):
        extent = {"west": lon[0] + i * step, "east": lon[1], "south": lat[0], "north": lat[1]}
        graph[f"box{i}"] = {"process_id": "filter_bbox", "arguments": {"data": {"from_node": "mean"}, "extent": extent}}
        graph[f"save{i}"] = {"process_id": "save_result",
                             "arguments": {"data": {"from_node": f"box{i}"}, "format": "GTiff"}}
    graph["save0"]["result"] = True
    return graph


class Jobs:
    """A user's openEO jobs over plain HTTP; a server that is down for a moment is asked again."""

    def __init__(self, service, session):
        self.service, self.session = service, session

    def call(self, method, path, **options):
        end = time.time() + 60
        while True:
            try:
                answer = self.session.request(method, self.service.base + "/openeo/1.2" + path, timeout=30, **options)
                if answer.status_code not in (502, 503):
                    return answer
            except requests.RequestException:
                pass
            assert time.time() < end, f"{method} {path}: no answer"
            time.sleep(0.1)

    def create(self, graph, start=True, **more):
        answer = self.call("POST", "/jobs", json={"process": {"process_graph": graph}, **more})
        assert answer.status_code == 201, answer.text
        job = answer.headers["OpenEO-Identifier"]
        if start:
            answer = self.call("POST", f"/jobs/{job}/results")
            assert answer.status_code == 202, answer.text
        return job

    def get(self, job):
        return self.call("GET", f"/jobs/{job}").json()

    def logs(self, job):
        return self.call("GET", f"/jobs/{job}/logs").json()["logs"]

    def wait(self, job, timeout=240, states=("finished", "error", "canceled")):
        end = time.time() + timeout
        while time.time() < end:
            now = self.get(job)
            if now["status"] in states:
                return now
            time.sleep(0.1)
        raise TimeoutError(now)

    def wait_tasks(self, job, done, timeout=60):
        """Until so many tasks of the job are done."""
        end = time.time() + timeout
        while int(self.service.sql(f"SELECT n_done FROM jobs WHERE id = '{job}'")) < done:
            assert time.time() < end, self.get(job)
            time.sleep(0.02)

    def digest(self, job):
        """Of all result files: names and bytes."""
        folder = Path(self.service.data) / "results" / job
        digest = hashlib.sha256()
        for file in sorted(folder.iterdir()):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
        return digest.hexdigest()


def processes_under(pid):
    """(pid, name, arguments) of all descendants."""
    children, found, todo = {}, [], [pid]
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text()
            arguments = (folder / "cmdline").read_text().split("\0")
        except OSError:
            continue
        name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
        if rest[0] != "Z":
            children.setdefault(int(rest[1]), []).append((int(folder.name), name, arguments))
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child[0])
    return found


def pids(service, kind):
    """Of the service's processes: "task", "zygote", "worker", "serve" or "postgres" (the postmaster)."""
    found = []
    for pid, name, arguments in processes_under(service.process.pid):
        if kind == "postgres":
            match = name == "postgres" and arguments[0].endswith("/postgres")
        else:
            match = name == f"sentier-{kind}" or name == f"sentier {kind}"
        if match:
            found.append(pid)
    return found


def kill(pid, sign=signal.SIGKILL):
    """False when it is gone already."""
    try:
        os.kill(pid, sign)
        return True
    except ProcessLookupError:
        return False
