"""Whole process graphs: ours, openeo-processes-dask, xarray with odc-stac, and what decoding and packing take alone.

    bench_openeo.py BUILD-FOLDER DATA-FOLDER [CASE...]

Everything runs on the same files, one after the other, in the same run. Compare ratios, not seconds. Each is a process of
its own: wall time from start to end, CPU time and peak memory as the kernel counted them."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cases
import numpy
import rasterio

HERE = Path(__file__).resolve().parent
build, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
FLOOR = build / "tests/bench/openeo/bench_floor"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LIMIT = int(os.environ.get("BENCH_OPENEO_LIMIT", "900"))  # seconds that a peer gets
OWN_GOAL, GDAL_GOAL, FASTER, LEANER = 1.15, 1.10, 5, 5


class Measure:
    def __init__(self, command, **more):
        start = time.monotonic()
        process = subprocess.Popen([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **more)
        killer = threading.Timer(LIMIT, lambda: os.killpg(process.pid, signal.SIGKILL))  # with what it started itself
        killer.start()
        errors = []
        reader = threading.Thread(target=lambda: errors.append(process.stderr.read()))
        reader.start()
        self.out = process.stdout.read().decode()
        reader.join()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        self.wall, self.cpu, self.peak = time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
        self.problem = None if status == 0 else f"ended with {process.returncode}: {errors[0].decode(errors='replace')[-300:]}"

    def show(self, what):
        print(f"  {what:<44} " + (f"{self.wall:7.2f} s   CPU {self.cpu:7.2f} s   peak {self.peak:6.0f} MB" if not self.problem
                                  else self.problem.strip().splitlines()[-1][:120]), flush=True)
        return self


def best(runs):
    return min(runs, key=lambda m: m.wall)


def size_of(folder):
    return sum(f.stat().st_size for f in folder.iterdir()) / 1e6


def ours(name, work, like_peers=False):
    """As users get it, with overviews; or with what the peers write: DEFLATE at GDAL's level, no overviews."""
    path, graph = work / "graph.json", cases.CASES[name][4]()
    if like_peers:
        graph["process_graph"]["save"]["arguments"].update(format="GTiff", options={"overviews": False, "compression_level": 6})
    path.write_text(json.dumps(graph))
    out = work / ("like-peers" if like_peers else "ours")
    runs = []
    for _ in range(ROUNDS):
        shutil.rmtree(out, ignore_errors=True)
        runs.append(Measure([build / "sentier", "run", path, "--from", folder / cases.CASES[name][1], "--output", out]))
        if runs[-1].problem:
            sys.exit(f"{name}: {runs[-1].problem}")
    return best(runs).show(f"sentier run{', as the peers write' if like_peers else ''} ({size_of(out):.0f} MB)"), sorted(out.iterdir())


def peer(name, which, work):
    out = work / which
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return Measure([sys.executable, HERE / "peers.py", name, which, folder, out]).show(
        {"xarray": "xarray, odc-stac, dask", "processes": "openeo-processes-dask"}[which]), out


def seconds(*arguments):
    return min(float(subprocess.run([str(a) for a in (FLOOR, *arguments)], capture_output=True, text=True, check=True).stdout) for _ in range(ROUNDS))


def floors(name, made, work):
    """(own, GDAL): decoding the inputs plus packing each of the results."""
    _, collection, n, bands, _ = cases.CASES[name]
    window = [cases.FIELDS_AT] * 2 + [cases.FIELDS_SIDE] * 2 if name == "zones" else [0, 0, cases.SIZE, cases.SIZE]
    inputs = cases.files(folder, collection, n, bands)
    images = [f for f in made if f.suffix == ".tif"]
    found = []
    for door in "own", "gdal":
        decode = seconds("decode", door, *window, *inputs)
        pack = seconds("pack", door, images[0], work) * len(images) if images else 0
        print(f"  {'decoding and packing alone, ' + ('our own' if door == 'own' else 'GDAL'):<44} {decode + pack:7.2f} s   ({decode:.2f} + {pack:.2f})", flush=True)
        found.append(decode + pack)
    return found


def differ(name, made, theirs):
    """The largest difference where both have numbers, in the middle of the result. The peers' warp allows itself an eighth of
    a pixel, which is many digital numbers."""
    if made[0].suffix == ".json":
        mine = json.loads(made[0].read_text())
        mine = numpy.array([mine[d] for d in sorted(mine)], float).squeeze()
        other = numpy.array(json.loads((theirs / "result.json").read_text()), float).squeeze()
        other = other if other.shape == mine.shape else other.T
        return float(numpy.nanmax(numpy.abs(mine - other)))
    with rasterio.open(made[0]) as a, rasterio.open(sorted(theirs.glob("*.tif"))[0]) as b:
        x, y = a.xy(a.height // 2, a.width // 2)
        values = []
        for file in a, b:
            row, column = file.index(x, y)
            values.append(file.read(1, window=((row, row + 512), (column, column + 512))).astype(float))
        return float(numpy.nanmax(numpy.abs(values[0] - values[1])))


def run(name, work):
    print(f"## {cases.CASES[name][0]} of {cases.SIZE} x {cases.SIZE}" if name != "zones" else f"## {cases.CASES[name][0]}", flush=True)
    mine, made = ours(name, work)
    own, gdal = floors(name, made, work)
    same = ours(name, work, like_peers=True)[0] if name != "zones" else mine
    pointwise = name in ("ndvi_median", "evi_months", "zones")
    print(f"  ratio to decoding and packing: {mine.wall / own:.2f} by our own" + (f" (goal {OWN_GOAL})" if pointwise else "") +
          f", {mine.wall / gdal:.2f} by GDAL" + (f" (goal {GDAL_GOAL})" if pointwise else ""))
    good = not pointwise or mine.wall / gdal <= GDAL_GOAL
    for which in "xarray", "processes":
        measured, out = peer(name, which, work)
        if not measured.problem:
            print(f"    {measured.wall / same.wall:.1f} times our time for the same files, {measured.wall / mine.wall:.1f} times that for ours with overviews, "
                  f"{measured.peak / mine.peak:.1f} times our memory (goals: {FASTER}, {FASTER}, {LEANER}); wrote {size_of(out):.0f} MB; "
                  f"largest difference {differ(name, made, out):.2g}", flush=True)
            good &= measured.wall / mine.wall >= FASTER and measured.peak / mine.peak >= LEANER
    return good


def main():
    chosen = sys.argv[3:] or [*cases.CASES, "composite", "memory", "latency"]
    folder.mkdir(parents=True, exist_ok=True)
    cases.prepare(folder, FLOOR)
    missed = []
    with tempfile.TemporaryDirectory(prefix="work-", dir=folder) as work:
        for name in chosen:
            if name in cases.CASES:
                good = run(name, Path(work))
            else:
                import more
                good = getattr(more, name)(build, folder, Path(work), Measure)
            missed += [] if good else [name]
    if missed:
        print("goals missed: " + ", ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
