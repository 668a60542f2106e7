"""Kernels against SciPy's correlation, resampling against GDAL's warper run over the whole image."""
import json
import os
import subprocess

import numpy
import pytest
import rasterio
import scipy.ndimage
from rasterio.transform import from_origin

from conftest import BINARY
from test_cubes import load, node
from test_random_graphs import X0, Y0, write_scene

WIDTH, HEIGHT = 1300, 1100  # more than one tile each way


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("around")
    r = numpy.random.default_rng(3)
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    a = (1000 + 300 * numpy.sin(x / 17) + 200 * numpy.cos(y / 11) + r.integers(0, 50, (HEIGHT, WIDTH))).astype("uint16")
    a[r.random((HEIGHT, WIDTH)) < 0.1] = 0
    a[300:340, 500:560] = 0
    c = r.integers(1, 6, (HEIGHT, WIDTH)).astype("uint8")
    write_scene(folder, 0, "2023-05-01T10:00:00Z", {"A": a, "B": a, "C": c}, WIDTH, HEIGHT)
    return folder, a, c


def result_of(scene, tmp_path, nodes, **env):
    """The one band of the result: values, no-data as NaN, and its profile."""
    last = list(nodes)[-1]
    nodes = {**nodes, "save": {**node("save_result", last, format="GTiff"), "result": True}}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"process_graph": nodes}))
    done = subprocess.run([str(BINARY), "run", str(path), "--from", str(scene[0]), "--output", str(tmp_path / "out")],
                          capture_output=True, text=True, timeout=300, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    file, = (tmp_path / "out").glob("*.tif")
    with rasterio.open(file) as data:
        values = data.read(1).astype(float)
        if data.nodata is not None:
            values[values == data.nodata] = numpy.nan
        return values, data.profile


def convolved(image, kernel, border, replacement, factor):
    image = numpy.where(numpy.isfinite(image), image, replacement)
    mode = {"replicate": "nearest", "reflect": "reflect", "reflect_pixel": "mirror", "wrap": "wrap"}.get(border)
    more = {"mode": mode} if mode else {"mode": "constant", "cval": border}
    return factor * scipy.ndimage.correlate(image, numpy.array(kernel, float), **more)


def close(got, want, rel, abs):
    """As pytest.approx() has it, which looks at one pixel after the other."""
    return got.shape == want.shape and (numpy.abs(got - want) <= numpy.maximum(rel * numpy.abs(want), abs)).all()


GAUSS = [[a * b for a in (1, 4, 6, 4, 1)] for b in (1, 4, 6, 4, 1)]
EDGES = [[1, 2, 0.5], [0, 0, -3], [-1, -2, 4]]


@pytest.mark.parametrize("kernel, border, replacement, factor", [
    (EDGES, 0, 0, 1), (EDGES, 7.5, -2, 0.5), (EDGES, "replicate", 0, 1), (EDGES, "reflect", 100, 2), (GAUSS, "reflect_pixel", 0, 1 / 256),
    (GAUSS, "wrap", 0, 1), ([[1, -2, 1, 3, 5]], "wrap", 0, 1), ([[1], [2], [5]], "reflect", 0, 1), ([[3]], 0, 9, 1),
    ([[1] * 15] * 15, "reflect", 0, 1 / 225)])
def test_kernels(scene, tmp_path, kernel, border, replacement, factor):
    image = numpy.where(scene[1] == 0, numpy.nan, scene[1].astype(float))
    arguments = {"kernel": kernel, "border": border, "replace_invalid": replacement, "factor": factor}
    got, profile = result_of(scene, tmp_path, {**load(bands=["A"]), "k": node("apply_kernel", **arguments)})
    want = convolved(image, kernel, border, replacement, factor)
    assert profile["dtype"] == "float32" and close(got, want, rel=2e-6, abs=1e-3)


def test_kernel_on_small_images(scene, tmp_path):
    """The border is that of the cube, also where the kernel is larger than it."""
    box = {"west": X0 + 100, "east": X0 + 140, "north": Y0 - 200, "south": Y0 - 230, "crs": 32633}
    image = scene[1][20:23, 10:14].astype(float)
    for border in ("reflect", "reflect_pixel", "wrap", "replicate", 3):
        out = tmp_path / str(border)
        out.mkdir()
        nodes = {**load(bands=["A"]), "b": node("filter_bbox", extent=box),
                 "k": node("apply_kernel", "b", kernel=[list(range(9))] * 7, border=border)}
        got, _ = result_of(scene, out, nodes)
        assert got == pytest.approx(convolved(image, [list(range(9))] * 7, border, 0, 1))


def test_chains_of_kernels(scene, tmp_path):
    """Neighbours of neighbours, a filter in between, and both used side by side."""
    box = {"west": X0 + 3000, "east": X0 + 12500, "north": Y0 - 1000, "south": Y0 - 10500, "crs": 32633}
    image = numpy.where(scene[1] == 0, numpy.nan, scene[1].astype(float))
    plus = {"process_graph": {"p": {"process_id": "subtract", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}},
                                    "result": True}}}
    nodes = {**load(bands=["A"]), "one": node("apply_kernel", kernel=GAUSS, factor=1 / 256, border="replicate"),
             "cut": node("filter_bbox", "one", extent=box), "two": node("apply_kernel", "cut", kernel=EDGES, border="reflect"),
             "sum": {"process_id": "merge_cubes", "arguments": {"cube1": {"from_node": "two"}, "cube2": {"from_node": "cut"},
                                                                "overlap_resolver": plus}}}
    got, _ = result_of(scene, tmp_path, nodes)
    one = convolved(image, GAUSS, "replicate", 0, 1 / 256)[100:1050, 300:1250]
    assert close(got, convolved(one, EDGES, "reflect", 0, 1) - one, rel=1e-5, abs=1e-2)


@pytest.mark.parametrize("kernel, border", [([[1] * 13], "replicate"), ([[1] * 5] * 5, "reflect")])
def test_kernels_on_averages(scene, tmp_path, kernel, border):
    """Beyond the edge of what was resampled stand columns of it, which are few: gdalwarp would take them for pixels across 180
    degrees."""
    coarse = {**load(bands=["A"]), "r": node("resample_spatial", resolution=240, method="average")}
    (tmp_path / "coarse").mkdir()
    image, _ = result_of(scene, tmp_path / "coarse", coarse)
    got, _ = result_of(scene, tmp_path, {**coarse, "k": node("apply_kernel", "r", kernel=kernel, border=border)})
    assert close(got, convolved(image, kernel, border, 0, 1), rel=1e-5, abs=1e-2)


METHODS = ["near", "bilinear", "cubic", "cubicspline", "lanczos", "average", "mode", "max", "min", "med", "q1", "q3", "rms", "sum"]


def warped(folder, image, profile, method):
    """By gdalwarp with exact positions, over the whole image. Around it lies no-data: gdalwarp has ways of its own at the
    edges of a file."""
    with rasterio.open(folder / "from.tif", "w", driver="GTiff", width=WIDTH + 16, height=HEIGHT + 16, count=1, dtype="float64",
                       nodata=numpy.nan, crs="EPSG:32633", transform=from_origin(X0 - 80, Y0 + 80, 10, 10)) as file:
        file.write(numpy.pad(image, 8, constant_values=numpy.nan), 1)
    t, width, height = profile["transform"], profile["width"], profile["height"]
    box = [repr(v) for v in (t.c, t.f + height * t.e, t.c + width * t.a, t.f)]
    subprocess.run(["gdalwarp", "-q", "-overwrite", "-et", "0", "-wm", "2000", "-r", method, "-t_srs",
                    f"EPSG:{profile['crs'].to_epsg()}", "-te", *box, "-ts", str(width), str(height), str(folder / "from.tif"),
                    str(folder / "to.tif")], check=True, timeout=300)
    with rasterio.open(folder / "to.tif") as file:
        return file.read(1)


def compare(got, want, apart=1e-4):
    """Up to rounding; a few pixels (their share) may lie right on an edge."""
    inside = numpy.isfinite(got) & numpy.isfinite(want)
    assert (numpy.isfinite(got) != numpy.isfinite(want)).mean() < apart
    off = numpy.abs(got - want)[inside]
    assert (off > 1e-3 * numpy.abs(want[inside]) + 1e-2).mean() < apart


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("resolution", [25, 7])
def test_resolutions(scene, tmp_path, method, resolution):
    band, image = ("C", scene[2]) if method == "mode" else ("A", scene[1])
    image = numpy.where(image == 0, numpy.nan, image.astype(float))
    got, profile = result_of(scene, tmp_path, {**load(bands=[band]), "r": node("resample_spatial", resolution=resolution, method=method)})
    assert profile["transform"] == from_origin(X0, Y0, resolution, resolution)
    assert profile["width"] == -(-WIDTH * 10 // resolution) and profile["height"] == -(-HEIGHT * 10 // resolution)
    kept = method in ("near", "mode", "max", "min", "med")
    assert profile["dtype"] == (("uint8" if band == "C" else "uint16") if kept else "float32")
    want = warped(tmp_path, image, profile, method)
    if method == "sum":  # pixels that only touch: a part of 1e-11, which is a matter of rounding
        got[got < 1e-6] = want[want < 1e-6] = numpy.nan
    compare(got, want)


@pytest.mark.parametrize("method", ["near", "bilinear", "cubic", "cubicspline", "lanczos", "average", "max"])
def test_projections(scene, tmp_path, method):
    image = numpy.where(scene[1] == 0, numpy.nan, scene[1].astype(float))
    got, profile = result_of(scene, tmp_path, {**load(bands=["A"]), "r": node("resample_spatial", projection=3035, method=method)})
    assert profile["crs"].to_epsg() == 3035 and profile["transform"].a == pytest.approx(10, rel=0.01)
    compare(got, warped(tmp_path, image, profile, method))


@pytest.mark.parametrize("align, x, y", [("upper-left", X0, Y0), ("lower-left", X0, Y0 - 10 * HEIGHT + 38 * 300),
                                         ("upper-right", X0 + 10 * WIDTH - 44 * 300, Y0)])
def test_align(scene, tmp_path, align, x, y):
    """One corner stays; the other sides grow to whole pixels."""
    _, profile = result_of(scene, tmp_path, {**load(bands=["A"]), "r": node("resample_spatial", resolution=[300, 300], align=align)})
    if align == "lower-left":
        y = Y0 - 10 * HEIGHT + 37 * 300
    assert (profile["width"], profile["height"]) == (44, 37)
    assert profile["transform"] == from_origin(x, y, 300, 300)


def test_target_cube(scene, tmp_path):
    """The target gives the pixels, also where they reach beyond the data; and resampled cubes are computed on."""
    image = numpy.where(scene[1] == 0, numpy.nan, scene[1].astype(float))
    box = {"west": X0 + 5000, "east": X0 + 9000, "north": Y0 - 1000, "south": Y0 - 4000, "crs": 32633}
    double = {"process_graph": {"m": {"process_id": "multiply", "arguments": {"x": {"from_parameter": "x"}, "y": 2}, "result": True}}}
    nodes = {**load(bands=["A"]), "t": node("resample_spatial", projection=3857, resolution=60),
             "b": node("filter_bbox", extent=box), "r": node("resample_cube_spatial", "b", target={"from_node": "t"}, method="average"),
             "d": {"process_id": "apply", "arguments": {"data": {"from_node": "r"}, "process": double}}, "n": node("apply_kernel", "d", kernel=[[1]], replace_invalid=-1)}
    got, profile = result_of(scene, tmp_path, nodes)
    cut = numpy.full_like(image, numpy.nan)
    cut[100:400, 500:900] = image[100:400, 500:900]
    want = warped(tmp_path, cut, profile, "average") * 2
    got[got == -1] = numpy.nan
    compare(got, want, 1e-3)


@pytest.mark.parametrize("replacement", [None, 7])
def test_masks_of_other_pixels(scene, tmp_path, replacement):
    """A mask that was computed on pixels of 30 m, and reaches over a part of the data: the nearest pixel counts, and there is
    no mask beyond its edges."""
    box = {"west": X0 + 3000, "east": X0 + 9000, "north": Y0 - 1500, "south": Y0 - 6000, "crs": 32633}
    above = {"process_graph": {"g": {"process_id": "gt", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "context"}},
                                     "result": True}}}
    nodes = {**load(bands=["A"]), "c": load(bands=["C"])["load"], "r": node("resample_spatial", "c", resolution=30, method="near"),
             "g": {"process_id": "apply", "arguments": {"data": {"from_node": "r"}, "process": above, "context": 3}}, "d": node("drop_dimension", "b", name="bands"),
             "b": node("filter_bbox", "g", extent=box), "m": node("mask", mask={"from_node": "d"}, replacement=replacement)}
    got, profile = result_of(scene, tmp_path, nodes)
    want = numpy.where(scene[1] == 0, numpy.nan, scene[1].astype(float))
    coarse = scene[2][1::3, 1::3] > 3
    fine = numpy.repeat(numpy.repeat(coarse, 3, 0), 3, 1)
    part = numpy.zeros_like(want, bool)
    part[150:600, 300:900] = fine[150:600, 300:900]
    want[part] = numpy.nan if replacement is None else replacement
    assert profile["dtype"] == "uint16" and numpy.array_equal(got, want, equal_nan=True)


def test_same_result_in_little_memory(scene, tmp_path):
    """Bands of rows give the bytes of whole tiles."""
    nodes = {**load(bands=["A"]), "k": node("apply_kernel", kernel=EDGES, border="wrap"),
             "r": node("resample_spatial", "k", resolution=13, method="cubic")}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, _ = result_of(scene, tmp_path / "a", nodes)
    two, _ = result_of(scene, tmp_path / "b", nodes, SENTIER_RASTER_BLOCK_BUDGET="300M")
    assert numpy.array_equal(one, two, equal_nan=True)


ERRORS = [
    ({"process_id": "apply_kernel", "arguments": {"kernel": [[1, 2], [3, 4], [5, 6]]}}, "It has 2 x 3"),
    ({"process_id": "apply_kernel", "arguments": {"kernel": []}}, "It has 0 x 0"),
    ({"process_id": "apply_kernel", "arguments": {"kernel": [[1], [1, 2, 3], [1]]}}, "row 1 has 3 weights"),
    ({"process_id": "apply_kernel", "arguments": {"kernel": [[1]], "border": "mirror"}}, "'reflect_pixel'"),
    ({"process_id": "resample_spatial", "arguments": {}}, "a resolution or a projection is needed"),
    ({"process_id": "resample_spatial", "arguments": {"projection": 999999}}, "EPSG:999999 is not known"),
    ({"process_id": "resample_spatial", "arguments": {"resolution": -1}}, "at least 0"),
    ({"process_id": "resample_spatial", "arguments": {"resolution": 5, "method": "gauss"}}, "'lanczos'"),
]


@pytest.mark.parametrize("one, message", ERRORS)
def test_errors(scene, tmp_path, one, message):
    one["arguments"]["data"] = {"from_node": "load"}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"process_graph": {**load(), "one": {**one, "result": True}}}))
    done = subprocess.run([str(BINARY), "run", str(path), "--from", str(scene[0]), "--output", str(tmp_path / "out")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and message in done.stderr, done.stderr
