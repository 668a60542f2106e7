"""Random process graphs, run by `sentier run` on small made-up scenes and by the reference evaluator:
both must give the same cube. A failure prints the seed and the graph."""
import json
import math
import os
import random
import subprocess

import numpy
import pytest
import rasterio
from rasterio.transform import from_origin

import reference as ref
from conftest import BINARY, SLOW_BUILD
from random_graphs import DATES, H, W, X0, Y0, Builder

BANDS = {"A": "uint16", "B": "uint16", "C": "uint8"}
FOUND = [2326]  # which have found a fault
FIRST = int(os.environ.get("SENTIER_RANDOM_GRAPHS_FROM", 0))
GRAPHS = int(os.environ.get("SENTIER_RANDOM_GRAPHS", 40 if SLOW_BUILD else 150))


def write_scene(folder, number, date, values, width=W, height=H):
    name = f"S{number}"
    (folder / name).mkdir(parents=True)
    assets = {}
    for band, dtype in BANDS.items():
        path = folder / name / f"{band}.tif"
        with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=1, dtype=dtype, nodata=0,
                           crs="EPSG:32633", transform=from_origin(X0, Y0, 10, 10)) as file:
            file.write(numpy.array(values[band], dtype), 1)
        assets[band] = {"href": f"{band}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                        "eo:bands": [{"name": band}], "proj:shape": [height, width],
                        "proj:transform": [10, 0, X0, 0, -10, Y0],
                        "raster:bands": [{"nodata": 0, "data_type": dtype}]}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": "made",
            "bbox": [15.0, 46.0, 15.1, 46.1], "links": [], "assets": assets,
            "geometry": {"type": "Polygon", "coordinates": [[[15, 46], [15.1, 46], [15.1, 46.1], [15, 46.1], [15, 46]]]},
            "properties": {"datetime": date, "proj:epsg": 32633, "platform": "made"}}
    (folder / name / f"{name}.json").write_text(json.dumps(item))


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    r = random.Random(5)
    data = {}
    for t, date in enumerate(DATES):
        values = {}
        for band, dtype in BANDS.items():
            top = 12 if dtype == "uint8" else 400
            values[band] = [[0 if r.random() < 0.2 else r.choice([1, 2, r.randrange(1, top)]) for _ in range(W)]
                            for _ in range(H)]
            for y in range(H):
                for x in range(W):
                    data[(date, band, y, x)] = values[band][y][x] or None
        write_scene(folder, t, date, values)
    cube = ref.Cube([("t", DATES), ("bands", list(BANDS)), ("y", list(range(H))), ("x", list(range(W)))], data)
    return folder, cube


def flat(nested):
    if isinstance(nested, list):
        for one in nested:
            yield from flat(one)
    else:
        yield nested


def same(got, want):
    if want is None or (isinstance(want, float) and not math.isfinite(want)):
        return got is None
    if got is None or isinstance(want, bool) != isinstance(got, bool):
        return got is not None and float(got) == float(want)
    return abs(got - want) <= 2e-4 * max(1.0, abs(want))


@pytest.mark.parametrize("seed", [*FOUND, *range(FIRST, FIRST + GRAPHS)])
def test_random_graph(seed, scenes, tmp_path):
    folder, cube = scenes
    builder = Builder(seed, cube)
    for _ in range(builder.random.randrange(2, 9)):
        builder.step()
    name, want, _, _ = builder.pool[-1]
    graph = {"process_graph": {**builder.nodes, "save": {"process_id": "save_result", "result": True,
             "arguments": {"data": {"from_node": name}, "format": "JSON"}}}}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph))
    done = subprocess.run([str(BINARY), "run", str(path), "--from", str(folder), "--output", str(tmp_path / "out")],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + json.dumps(graph)
    result = json.loads((tmp_path / "out" / "save.json").read_text())
    dims = list(want.dims)
    if "data" in result:
        assert result["dims"] == ref.names(want), json.dumps(graph)
        got = list(flat(result["data"]))
    else:  # statistics at dates
        t = ref.names(want).index("t")
        assert list(result) == [str(label) for label in want.dims[t][1]], json.dumps(graph)
        dims = [dims[t]] + dims[:t] + dims[t + 1:]
        got = list(flat(list(result.values())))
    keys = list(ref.cells(dims))
    at = [[n for n, _ in dims].index(n) for n in ref.names(want)]
    expected = [want.data[tuple(k[i] for i in at)] for k in keys]
    assert len(got) == len(expected), json.dumps(graph)
    for k, g, w in zip(keys, got, expected):
        assert same(g, w), f"seed {seed}: cell {k}: expected {w}, got {g}\n{json.dumps(graph)}"
