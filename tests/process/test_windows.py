"""Reducers of pixels beside each other against NumPy: whole images, and windows of them."""
import json
import subprocess

import numpy
import pytest

from conftest import BINARY
from test_around import HEIGHT, WIDTH, scene  # noqa: F401
from test_cubes import cube_of, load, node
from test_random_graphs import X0, Y0


def reducer(process, **arguments):
    return {"process_graph": {"r": {"process_id": process, "arguments": {"data": {"from_parameter": "data"}, **arguments}, "result": True}}}


def valid(image):
    return numpy.where(image == 0, numpy.nan, image.astype(float))


REDUCERS = [("mean", {}, numpy.nanmean), ("sum", {}, numpy.nansum), ("min", {}, numpy.nanmin), ("max", {}, numpy.nanmax),
            ("median", {}, numpy.nanmedian), ("sd", {}, lambda v: numpy.nanstd(v, ddof=1)),
            ("variance", {}, lambda v: numpy.nanvar(v, ddof=1)), ("count", {}, lambda v: numpy.isfinite(v).sum()),
            ("count", {"condition": True}, numpy.size), ("mean", {"ignore_nodata": False}, lambda v: numpy.nan)]


@pytest.mark.parametrize("process, arguments, want", REDUCERS)
def test_whole_images(scene, tmp_path, process, arguments, want):  # noqa: F811
    """An image larger than what is read at once; the result is a cube without x and y."""
    got, result = cube_of(scene[0], tmp_path, {**load(bands=["A", "B"]), "r": node("reduce_spatial", reducer=reducer(process, **arguments))})
    assert sorted(result["dims"]) == ["bands", "t"] and "crs" not in result
    expected = [want(valid(scene[1]))] * 2
    assert got.reshape(-1) == pytest.approx(numpy.array(expected, float), rel=1e-6, nan_ok=True)


def test_several_numbers_of_one_image(scene, tmp_path):  # noqa: F811
    """Quantiles, and arithmetic on what pixels were reduced to."""
    at = {"data": {"from_parameter": "data"}}
    graph = {"process_graph": {
        "f": {"process_id": "array_filter", "arguments": {**at, "condition": {"process_graph": {"g": {
            "process_id": "gt", "arguments": {"x": {"from_parameter": "x"}, "y": 900}, "result": True}}}}},
        "q": {"process_id": "quantiles", "arguments": {"data": {"from_node": "f"}, "probabilities": [0.1, 0.9]}},
        "a": {"process_id": "array_element", "arguments": {"data": {"from_node": "q"}, "index": 0}},
        "b": {"process_id": "array_element", "arguments": {"data": {"from_node": "q"}, "index": 1}},
        "d": {"process_id": "subtract", "arguments": {"x": {"from_node": "b"}, "y": {"from_node": "a"}}, "result": True}}}
    got, _ = cube_of(scene[0], tmp_path, {**load(bands=["A"]), "r": node("reduce_spatial", reducer=graph)})
    image = valid(scene[1])
    low, high = numpy.quantile(image[image > 900], [0.1, 0.9])
    assert got.reshape(-1) == pytest.approx([high - low], rel=1e-6)


def test_one_number_beside_an_image(scene, tmp_path):  # noqa: F811
    """What was made of the whole image meets each of its pixels."""
    minus = {"process_graph": {"s": {"process_id": "subtract", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}},
                                     "result": True}}}
    box = {"west": X0, "east": X0 + 400, "north": Y0, "south": Y0 - 300, "crs": 32633}
    nodes = {**load(bands=["A"]), "m": node("reduce_spatial", reducer=reducer("mean")),
             "d": {"process_id": "merge_cubes", "arguments": {"cube1": {"from_node": "load"}, "cube2": {"from_node": "m"},
                                                              "overlap_resolver": minus}},
             "b": node("filter_bbox", "d", extent=box)}
    got, _ = cube_of(scene[0], tmp_path, nodes)
    image = valid(scene[1])
    assert got[0, 0] == pytest.approx((image - numpy.nanmean(image))[:30, :40], rel=1e-4, abs=1e-3, nan_ok=True)


@pytest.mark.parametrize("size, boundary, align", [([7, 3], "pad", "upper-left"), ([16, 16], "trim", "lower-right"),
                                                   ([1100, 5], "pad", "lower-left"), ([1, 1200], "pad", "upper-right")])
@pytest.mark.parametrize("process, want", [("mean", numpy.nanmean), ("median", numpy.nanmedian), ("max", numpy.nanmax)])
def test_windows(scene, tmp_path, size, boundary, align, process, want):  # noqa: F811
    nodes = {**load(bands=["A"]), "w": node("aggregate_spatial_window", reducer=reducer(process), size=size, boundary=boundary, align=align)}
    got, result = cube_of(scene[0], tmp_path, nodes)
    image, (w, h) = valid(scene[1]), size
    ahead, left = ("lower" in align) * (-HEIGHT % h), ("right" in align) * (-WIDTH % w)
    if boundary == "pad":
        image = numpy.pad(image, ((ahead, -HEIGHT % h - ahead), (left, -WIDTH % w - left)), constant_values=numpy.nan)
        x, y = X0 - 10 * left, Y0 + 10 * ahead
    else:
        rows, columns = HEIGHT // h * h, WIDTH // w * w
        image = image[HEIGHT - rows:, WIDTH - columns:]
        x, y = X0 + 10 * (WIDTH - columns), Y0 - 10 * (HEIGHT - rows)
    blocks = image.reshape(image.shape[0] // h, h, image.shape[1] // w, w).transpose(0, 2, 1, 3)
    expected = numpy.array([[want(b) if numpy.isfinite(b).any() else numpy.nan for b in row] for row in blocks.reshape(*blocks.shape[:2], -1)])
    assert got[0, 0] == pytest.approx(expected, rel=1e-6, nan_ok=True)
    assert result["labels"]["x"][0] == x + 5 * w and result["labels"]["y"][0] == y - 5 * h


ERRORS = [
    (node("reduce_spatial", reducer=reducer("array_element", index=0)), "have no order"),
    (node("reduce_spatial", reducer=reducer("sort")), "expected a number, boolean or null"),
    (node("aggregate_spatial_window", reducer=reducer("mean"), size=[0, 3]), "at least 1"),
    (node("aggregate_spatial_window", reducer=reducer("mean"), size=[70000, 3]), "from 1 to 65536"),
    (node("aggregate_spatial_window", reducer=reducer("mean"), size=[3000, 3], boundary="trim"), "no window of 3000 x 3 fits"),
    ({"process_id": "save_result", "arguments": {"format": "GTiff"}}, "GTiff holds images"),
]


@pytest.mark.parametrize("one, message", ERRORS)
def test_errors(scene, tmp_path, one, message):  # noqa: F811
    nodes = {**load(), "mean": node("reduce_spatial", reducer=reducer("mean")), "one": {**one, "result": True}}
    if one["process_id"] == "save_result":
        one["arguments"]["data"] = {"from_node": "mean"}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"process_graph": nodes}))
    done = subprocess.run([str(BINARY), "run", str(path), "--from", str(scene[0]), "--output", str(tmp_path / "out")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and message in done.stderr, done.stderr
