"""A small time series by openEO's processes: three dates in two polarisations over mountains, 3000 x 3000 pixels, through `sentier run`
on two cores. The product is that of bench_s1.py, a date of which the others are copies. Usage: bench_series.py BUILD-FOLDER FOLDER"""
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from scene import EPSG, LEFT, TOP, make_heights, make_products

build, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
shared = Path(os.environ.get("SENTIER_SHARED", Path(__file__).resolve().parents[4] / "shared"))
DATES, SIDE = ["2021-01-19", "2021-01-31", "2021-02-12"], 30000
CASES = [("gamma0 of the ellipsoid", "sar_backscatter", {"coefficient": "gamma0-ellipsoid"}),
         ("gamma0 of the terrain", "sar_backscatter", {"coefficient": "gamma0-terrain"}),
         ("ready for analysis", "ard_normalized_radar_backscatter", {})]


def make_date(product, date, into):
    """A copy of the product at another date, its measurements linked, both with speckle."""
    def moved(text):
        return text.replace(DATES[0], date).replace(DATES[0].replace("-", ""), date.replace("-", ""))

    speckled, = (product / "measurement").glob("*-vv-*")
    for path in filter(Path.is_file, product.rglob("*")):
        target = into / moved(product.name) / moved(str(path.relative_to(product)))
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.name == "measurement":
            os.link(speckled, target)
        elif path.suffix in (".xml", ".safe"):
            target.write_text(moved(path.read_text()))
        else:
            shutil.copy(path, target)


def extent():
    west, north = LEFT + 40000, TOP - 40000
    return {"west": west, "east": west + SIDE, "north": north, "south": north - SIDE, "crs": EPSG}


def measure(name, process, arguments, scenes, heights):
    graph = {"load": {"process_id": "load_collection", "arguments": {
                 "id": "sentinel-1-grd", "spatial_extent": extent(), "temporal_extent": [DATES[0], "2021-02-13"], "bands": ["VV", "VH"]}},
             "sar": {"process_id": process, "arguments": {"data": {"from_node": "load"}, **arguments}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "sar"}, "format": "GTiff"}, "result": True}}
    path, made = folder / "graph.json", folder / "made"
    path.write_text(json.dumps({"process_graph": graph}))
    shutil.rmtree(made, ignore_errors=True)
    words = [build / "sentier", "run", path, "--from", scenes, "--output", made, "--set", f"sar.dem={heights}", "--set", "sar.geoid=none"]
    start = time.monotonic()
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    assert status == 0
    files = len(list(made.iterdir()))
    shutil.rmtree(made)
    print(f"{name}: {files} files, {wall:.1f} s, {usage.ru_utime + usage.ru_stime:.1f} s of CPU, peak {usage.ru_maxrss >> 10} MB", flush=True)


folder.mkdir(parents=True, exist_ok=True)
product, scenes = make_products(shared, folder)[0], folder / "series"
shutil.rmtree(scenes, ignore_errors=True)
for date in DATES:
    make_date(product, date, scenes)
for case in CASES:
    measure(*case, scenes, make_heights(folder / "heights"))
