"""sentier ortho against the Orfeo ToolBox (SARCalibration, then OrthoRectification) and against its own floor (reading the
part of the image, writing the COG): one tile of 10980 x 10980 pixels, one polarisation, the same DEM and geoid.
Usage: bench_s1.py BUILD-FOLDER DATA-FOLDER"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np
import rasterio
from rasterio.windows import Window

import scene

BUILD, FOLDER = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
SHARED = pathlib.Path(os.environ.get("SENTIER_SHARED", pathlib.Path(__file__).resolve().parents[3].parent / "shared"))
GEOID = "/usr/share/proj/egm96_15.gtx"
RUNS, SIDE, PIXELS = 3, 1000, 10980
EXACT = scene.LEFT + 40020, scene.TOP - 40020  # upper left of what is compared exactly


def run(command, cores=2, **environment):
    """Wall, CPU in seconds and memory in MB of a command."""
    began = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", ",".join(map(str, range(cores))), *map(str, command)], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, env={**os.environ, **environment})
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{' '.join(map(str, command))}\n{said}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said


def median(command, cores=2):
    runs = [run(command, cores) for _ in range(RUNS)]
    return [statistics.median(r[i] for r in runs) for i in range(3)] + [runs[0][3]]


def tell(name, wall, cpu, memory, note=""):
    print(f"{name:36} {wall:7.1f} s wall {cpu:7.1f} s CPU {memory:7.0f} MB  {note}", flush=True)


def orfeo(source, out, left, top, pixels, spacing, method):
    return run(["otbcli_OrthoRectification", "-io.in", source, "-io.out", f"{out}?&gdal:co:COMPRESS=DEFLATE", "float", "-interpolator",
                method, "-map", "utm", "-map.utm.zone", scene.EPSG % 100, "-map.utm.northhem", "false",
                "-outputs.ulx", left, "-outputs.uly", top, "-outputs.spacingx", 10, "-outputs.spacingy", -10, "-outputs.sizex",
                pixels, "-outputs.sizey", pixels, "-opt.gridspacing", spacing, "-elev.dem", FOLDER / "dem", "-elev.geoid", GEOID,
                "-opt.ram", 4096])


def measurement(product, polarisation):
    return next(path for path in (product / "measurement").iterdir() if f"-{polarisation}-" in path.name)


def compare_places(coded, problems):
    """Where each pixel is taken from: by OTB's own columns and lines, with a grid as fine as the pixels."""
    theirs = []
    for polarisation in "vh", "vv":
        out = FOLDER / f"exact_{polarisation}.tif"
        orfeo(measurement(coded, polarisation), out, *EXACT, SIDE, 10, "linear")
        with rasterio.open(out) as file:
            theirs.append(file.read(1).astype("float64"))
    places = FOLDER / "places"
    run([BUILD / "tests/bench/sar/ortho_parts", "places", coded, "VV", FOLDER / "dem", scene.EPSG, *EXACT, SIDE, places])
    ours = np.fromfile(places, "float32").reshape(2, SIDE, SIDE)
    for name, mine, other, most in zip(["line", "column"], ours, theirs, [0.05, 0.01]):
        off = mine - other
        print(f"{name:8} off OTB's: mean {off.mean():+.4f}, deviation {off.std():.4f}, at most {abs(off).max():.4f}")
        if abs(off).mean() > most:
            problems.append(f"{name}s are not those of OTB within {most}")


def compare_tiles(ours, theirs):
    """OTB finds places on a grid of 40 m and linear between: not every pixel is the same."""
    equal = both = one = 0
    with rasterio.open(ours) as a, rasterio.open(theirs) as b:
        for first in range(0, PIXELS, 1098):
            window = Window(0, first, PIXELS, 1098)
            x, y = a.read(1, window=window).astype("float64"), b.read(1, window=window).astype("float64")
            valid = (x > 0) & (y > 0)
            ratio = x[valid] / y[valid]
            both, one = both + valid.sum(), one + ((x > 0) != (y > 0)).sum()
            equal += (abs(ratio - 1) < 1e-5).sum()
    print(f"pixels with the same value: {100 * equal / both:.2f} % of {both}; valid in one only: {one}")


def main():
    problems = []
    FOLDER.mkdir(parents=True, exist_ok=True)
    speckled, coded = scene.make_products(SHARED, FOLDER)
    scene.make_heights(FOLDER / "dem")
    out = FOLDER / "out"
    ortho = [BUILD / "sentier", "ortho", speckled, "--tile", scene.TILE, "--dem", FOLDER / "dem", "--output", out]
    run(ortho)  # the files come into the page cache
    both = median(ortho)
    tile = pathlib.Path(both[3].split(": ")[0])
    tell("ortho, 2 cores", *both[:3], both[3].split(": ")[1].strip())
    one = median(ortho + ["--threads", "1"], cores=1)
    tell("ortho, 1 core", *one[:3], f"{one[0] / both[0]:.2f} times the time of two")
    parts = [BUILD / "tests/bench/sar/ortho_parts", "floor", speckled, "VV", FOLDER / "dem", scene.EPSG, scene.LEFT, scene.TOP, 2,
             FOLDER / "floor.tif"]
    floors = [json.loads(run(parts)[3]) for _ in range(RUNS)]
    floor = statistics.median(f["read"] + f["write"] for f in floors)
    print(f"floor: {floor:.2f} s (reading {floors[0]['lines']} lines of {floors[0]['columns']} numbers {floors[0]['read']:.2f}, writing "
          f"{floors[0]['write']:.2f}); ortho takes {both[0] / floor:.2f} times as long")
    calibrated, theirs = FOLDER / "otb_calibrated.tif", FOLDER / "otb_tile.tif"
    first = run(["otbcli_SARCalibration", "-in", measurement(speckled, "vv"), "-lut", "gamma", "-removenoise", "true", "-out",
                 calibrated, "float", "-ram", 4096])
    tell("OTB SARCalibration", *first[:3])
    second = orfeo(calibrated, theirs, scene.LEFT, scene.TOP, PIXELS, 40, "nn")
    tell("OTB OrthoRectification", *second[:3])
    faster = (first[0] + second[0]) / both[0]
    print(f"ortho is {faster:.1f} times as fast")
    compare_tiles(tile, theirs)
    compare_places(coded, problems)
    for good, what in [(both[0] <= 8, "8 s"), (max(both[2], one[2]) <= 1536, "1.5 GB"), (faster >= 10, "10 times OTB")]:
        if not good:
            problems.append(f"{what}: missed")
    print("\n".join(problems) or "all goals are met")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
