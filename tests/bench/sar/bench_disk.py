"""The disk and the memory that ortho-s1-grd takes while it works, through the server: passes of two frames over six tiles (cut to
a strip across the frames' border), each in two polarisations; twelve files for a pass. What lies in the folder of temporaries is
looked at all the time: frames must not become more with the tiles, since what was begun is ended first. Then a whole tile of a
product in a zip, for the memory of its task. Usage: bench_disk.py BUILD-FOLDER"""
import json
import os
import sys
import tempfile
import threading
import time
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import rasterio

sys.path[:0] = [str(Path(__file__).resolve().parents[2]), str(Path(__file__).resolve().parents[2] / "api")]
build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
from conftest import SHARED, Service  # noqa: E402
from jobs_common import pids  # noqa: E402

FRAMES = ["S1A_IW_GRDH_1SDV_20150222T170725_20150222T170750_004739_005DD8_CEAB",
          "S1A_IW_GRDH_1SDV_20150222T170750_20150222T170815_004739_005DD8_3768"]
WHOLE, TILE = "S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255", "36KWE"
STRIP = {"bbox": [8.8, 50.42, 11.6, 50.58]}
PASSES, WORKERS, MOST_FRAMES = 9, 2, 12
COLLECTION = "sentinel-1-grd"


def make_heights(path):
    with rasterio.open(path, "w", driver="GTiff", width=400, height=800, count=1, dtype="float32", crs="EPSG:4326",
                       transform=rasterio.transform.from_origin(0, 60, 0.1, 0.1)) as file:
        file.write(np.full((800, 400), 300, "f4"), 1)


def add_passes(service, session, folder):
    """Items of later passes that show to the same two products, unpacked."""
    items, places = [], []
    for name in FRAMES:
        with zipfile.ZipFile(SHARED / f"data/s1/{name}.SAFE.zip") as archive:
            archive.extractall(folder)
        service.command("catalog", "import", folder / f"{name}.SAFE")
        item = session.get(f"{service.base}/stac/collections/{COLLECTION}/items/{name}", timeout=30).json()
        endpoint = json.loads(service.command("catalog", "place", "show", COLLECTION, name).splitlines()[0])["endpoint"]
        for i in range(1, PASSES):
            later = json.loads(json.dumps(item))
            later["id"] = name.replace("004739", f"{4739 + 175 * i:06}")
            later["properties"]["sat:absolute_orbit"] += 175 * i
            for key in ("datetime", "start_datetime", "end_datetime"):
                time_ = datetime.fromisoformat(item["properties"][key].replace("Z", "+00:00")) + timedelta(days=12 * i)
                later["properties"][key] = time_.isoformat().replace("+00:00", "Z")
            items.append(later)
            places.append({"collection": COLLECTION, "item": later["id"], "endpoint": endpoint, "state": "online",
                           "href": str(folder / f"{name}.SAFE")})
    (folder / "items.ndjson").write_text("\n".join(map(json.dumps, items)))
    service.command("catalog", "add", folder / "items.ndjson")
    service.command("catalog", "place", "set", input="\n".join(map(json.dumps, places)))


class Sampler(threading.Thread):
    """{name of a temporary: its bytes on disk} again and again, and the most memory that a task's process ever had."""

    def __init__(self, service):
        super().__init__(daemon=True)
        self.service, self.samples, self.memory, self.over = service, [], 0, False
        self.start()

    def look(self):
        seen = {}
        for path in (self.service.data / "scratch").glob("*/*"):
            try:
                seen[path.name] = path.stat().st_blocks * 512
            except OSError:
                pass
        self.samples.append(seen)

    def look_at_memory(self):
        for pid in pids(self.service, "task"):
            try:
                lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                self.memory = max([self.memory, *(int(line.split()[1]) >> 10 for line in lines if line.startswith("VmHWM"))])
            except OSError:
                pass

    def run(self):
        while not self.over:
            self.look()
            if len(self.samples) % 10 == 0:
                self.look_at_memory()
            time.sleep(0.01)


def run(service, session, inputs):
    """What the sampler saw, and the size of the results."""
    sampler, began = Sampler(service), time.monotonic()
    answer = session.post(f"{service.base}/ogc/processes/ortho-s1-grd/execution", json={"inputs": inputs}, timeout=60,
                          headers={"Prefer": "respond-async"})
    job = answer.headers["Location"]
    while session.get(job, timeout=30).json()["status"] not in ("successful", "failed"):
        time.sleep(0.2)
    seconds, id = time.monotonic() - began, job.rsplit("/", 1)[1]
    sampler.over = True
    sampler.join()
    if session.get(job, timeout=30).json()["status"] == "failed":
        sys.exit(session.get(job, timeout=30).text)
    files = service.sql(f"SELECT count(*) FROM job_steps WHERE job = '{id}' AND (step->'inputs'->'scenes') IS NOT NULL")
    frames = set(service.sql(f"SELECT number FROM job_steps WHERE job = '{id}' AND name = 'geocode' "
                             "AND (step->'inputs'->'scenes') IS NULL").split())
    of_frames = [[size for name, size in s.items() if name.split(".")[0] in frames] for s in sampler.samples]
    results = sum(p.stat().st_blocks * 512 for p in (service.data / "results" / id).iterdir())
    return {"files": int(files), "frames": len(frames), "most": max(map(len, of_frames)), "peak": max(map(sum, of_frames)),
            "all": max(sum(s.values()) for s in sampler.samples), "results": results, "memory": sampler.memory, "seconds": seconds}


def tell(what, r):
    print(f"{what}: {r['files']} files of {r['frames']} frames in {r['seconds']:.0f} s; frames on disk at once: at most {r['most']}, "
          f"{r['peak'] / 1e6:.0f} MB; folder of temporaries at most {r['all'] / 1e6:.0f} MB, results {r['results'] / 1e6:.0f} MB; a task's "
          f"process at most {r['memory']} MB", flush=True)


def main():
    with tempfile.TemporaryDirectory(prefix="bench-s1-disk-") as name:
        folder = Path(name)
        make_heights(folder / "dem.tif")
        service = Service(folder / "site", f"sar.dem={folder / 'dem.tif'}", "sar.geoid=none", workers=WORKERS)
        service.start()
        try:
            service.add_user("alice")
            session = service.session("alice")
            add_passes(service, session, folder)
            service.command("catalog", "import", SHARED / f"data/s1/{WHOLE}.SAFE.zip")
            strip = {"bbox": STRIP, "clip": True, "coverage": 0, "data-type": "int16"}
            few = run(service, session, {**strip, "datetime": ["2015-02-22", "2015-02-23"]})
            tell("one pass", few)
            many = run(service, session, {**strip, "datetime": ["2015-02-22", "2016-02-22"]})
            tell(f"{PASSES} passes", many)
            tell("a whole tile", run(service, session, {"product-title": WHOLE, "tiles": [TILE], "polarisations": ["VV"]}))
        finally:
            service.stop()
    good = many["files"] >= 100 and many["most"] <= MOST_FRAMES and many["peak"] <= 2 * few["peak"]
    print("frames stay bounded" if good else f"more than {MOST_FRAMES} frames at once, or twice as much as one pass takes")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
