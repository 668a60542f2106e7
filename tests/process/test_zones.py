"""Vector cubes: statistics under geometries, masks and the like against Shapely, which says what belongs
to a geometry, and NumPy."""
import csv
import functools
import http.server
import itertools
import json
import os
import shutil
import threading

import numpy
import pytest
import rasterio
import rasterio.warp
import shapely
import shapely.geometry

from test_cubes import load, node, run
from test_random_graphs import X0, Y0, write_scene

WIDTH, HEIGHT = 1300, 1100  # more than one tile each way
UTM = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
DATES = ["2023-05-01T10:00:00Z", "2023-05-04T10:00:00Z"]


def features(*geometries, crs=None, properties=None):
    found = [{"type": "Feature", "properties": (properties or [None] * len(geometries))[i], "geometry": g}
             for i, g in enumerate(geometries)]
    return {"type": "FeatureCollection", "features": found, **({"crs": crs} if crs else {})}


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [[list(p) for p in ring] + [list(ring[0])] for ring in rings]}


def at(column, row):
    """A place on the grid, in pixels from the upper left corner."""
    return [X0 + 10 * column, Y0 - 10 * row]


def corners(left, top, right, bottom):
    return [at(left, top), at(right, top), at(right, bottom), at(left, bottom)]


def call(process, **arguments):
    return {"process_graph": {"r": {"process_id": process, "result": True,
                                    "arguments": {"data": {"from_parameter": "data"}, **arguments}}}}


@functools.lru_cache(maxsize=None)
def mask_of(text, transform, width, height):
    """By Shapely, among the pixels around the geometry."""
    mask = numpy.zeros((height, width), bool)
    geometry = json.loads(text)
    if not geometry:
        return mask
    shape = shapely.union_all(shapely.get_parts(shapely.geometry.shape(geometry)))  # parts may overlap
    west, south, east, north = shape.bounds
    left, right = (int(numpy.clip((x - transform.c) / transform.a + d, 0, width)) for x, d in ((west, -2), (east, 3)))
    top, bottom = (int(numpy.clip((y - transform.f) / transform.e + d, 0, height)) for y, d in ((north, -2), (south, 3)))
    columns, rows = numpy.meshgrid(numpy.arange(left, right) + 0.5, numpy.arange(top, bottom) + 0.5)
    x, y, half = transform.c + transform.a * columns, transform.f + transform.e * rows, transform.a / 2
    shapely.prepare(shape)
    mask[top:bottom, left:right] = (
        shapely.intersects_xy(shape, x, y) if "Polygon" in geometry["type"] else
        shapely.intersects(shape, shapely.box(x - half, y - half, x + half, y + half)))
    return mask


def belongs(geometry, transform, width, height):
    """Which pixels belong to a geometry."""
    return mask_of(json.dumps(geometry), transform, width, height)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Two dates of two bands with gaps; the number of the date is added to each value."""
    folder = tmp_path_factory.mktemp("zones")
    r = numpy.random.default_rng(11)
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    stack = []
    for t, date in enumerate(DATES):
        a = (1000 + 300 * numpy.sin(x / 17) + 200 * numpy.cos(y / 11) + r.integers(0, 50, (HEIGHT, WIDTH)) + t).astype("uint16")
        a[r.random((HEIGHT, WIDTH)) < 0.1] = 0
        a[300:340, 500:560] = 0
        b = r.integers(1, 4, (HEIGHT, WIDTH)).astype("uint16")
        write_scene(folder, t, date, {"A": a, "B": b, "C": numpy.ones_like(b)}, WIDTH, HEIGHT)
        stack.append([numpy.where(a == 0, numpy.nan, a.astype(float)), b.astype(float)])
    return folder, numpy.array(stack), rasterio.transform.from_origin(X0, Y0, 10, 10)


SHAPES = [
    polygon([at(900, 900), at(1250, 950), at(1100, 1080)]),                    # on four tiles
    polygon(corners(10.5, 10.5, 20.5, 15.5)),                                  # edges through centres
    polygon(corners(100, 100, 160, 160), corners(120.5, 120.5, 140.5, 140.5)),  # a hole, its edge through centres
    {"type": "MultiPolygon", "coordinates": [polygon(corners(30, 30, 40, 35))["coordinates"],
                                             polygon(corners(35, 32, 60, 50))["coordinates"]]},  # parts overlap
    polygon([at(130, 130), at(700, 135), at(131, 520)]),                       # overlaps the third
    polygon(corners(505, 305, 555, 335)),                                      # no-data alone
    polygon(corners(5.1, 5.1, 5.4, 5.4)),                                      # between centres
    polygon(corners(-50, -50, -20, -20)),                                      # outside
    polygon(corners(-50, 1090, 20, 1200)),                                     # half outside
    None,
    {"type": "Point", "coordinates": at(77.2, 88.9)},
    {"type": "MultiPoint", "coordinates": [at(1.3, 2.4), at(1200.1, 1050.7), at(2000, 2000)]},
    {"type": "LineString", "coordinates": [at(1000.3, 1000.2), at(1100.7, 1040.9), at(1050.1, 1099.6)]},
]


def over(process_id, data, **arguments):
    return {"process_id": process_id, "arguments": {"data": {"from_node": data}, **arguments}}


def aggregate(reducer, geometries=None, data="load", **more):
    return {"g": {"process_id": "load_geojson",
                  "arguments": {"data": geometries or features(*SHAPES, crs=UTM)}},
            "agg": node("aggregate_spatial", data, geometries={"from_node": "g"}, reducer=reducer, **more)}


def saved(folder, tmp_path, nodes, format="JSON", last=None):
    nodes = {**nodes, "save": {**node("save_result", last or list(nodes)[-1], format=format), "result": True}}
    done = run(folder, tmp_path, nodes)
    assert done.returncode == 0, done.stderr
    return next((tmp_path / "out").glob("save.*"))


def series(folder, tmp_path, nodes, **more):
    """[date][geometry][column] of a time series."""
    result = json.loads(saved(folder, tmp_path, nodes, **more).read_text())
    return numpy.array([result[date] for date in sorted(result)], float), sorted(result)


def expected(stack, transform, of, shapes=SHAPES):
    """of(values) for each date, geometry, band; where no pixel belongs to a geometry there is nothing."""
    masks = [belongs(g, transform, stack.shape[-1], stack.shape[-2]) for g in shapes]
    return numpy.array([[[of(band[m]) if m.any() else numpy.nan for band in date] for m in masks] for date in stack])


def ignoring(function):
    def of(x):
        x = x[~numpy.isnan(x)]
        return function(x) if len(x) else numpy.nan
    return of


REDUCERS = {
    "mean": (call("mean"), ignoring(numpy.mean)),
    "median": (call("median"), ignoring(numpy.median)),
    "min": (call("min"), ignoring(numpy.min)),
    "max": (call("max"), ignoring(numpy.max)),
    "sum": (call("sum"), ignoring(numpy.sum)),
    "sd": (call("sd"), ignoring(lambda x: numpy.std(x, ddof=1) if len(x) > 1 else numpy.nan)),
    "variance": (call("variance"), ignoring(lambda x: numpy.var(x, ddof=1) if len(x) > 1 else numpy.nan)),
    "count": (call("count"), lambda x: numpy.sum(~numpy.isnan(x))),
    "count of all": (call("count", condition=True), len),
    "mean that no-data ends": (call("mean", ignore_nodata=False), numpy.mean),
    "median that no-data ends": (call("median", ignore_nodata=False), numpy.median),
    "share": ({"process_graph": {
        "n": {"process_id": "count", "arguments": {"data": {"from_parameter": "data"}, "condition": {"process_graph": {
            "gt": {"process_id": "gt", "arguments": {"x": {"from_parameter": "x"}, "y": 1100}, "result": True}}}}},
        "all": {"process_id": "count", "arguments": {"data": {"from_parameter": "data"}, "condition": True}},
        "d": {"process_id": "divide", "arguments": {"x": {"from_node": "n"}, "y": {"from_node": "all"}}, "result": True}}},
        lambda x: numpy.sum(x > 1100) / len(x)),
    "range of squares": ({"process_graph": {
        "sq": {"process_id": "array_apply", "arguments": {"data": {"from_parameter": "data"}, "process": {"process_graph": {
            "m": {"process_id": "multiply", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "x"}}, "result": True}}}}},
        "max": {"process_id": "max", "arguments": {"data": {"from_node": "sq"}}},
        "min": {"process_id": "min", "arguments": {"data": {"from_node": "sq"}}},
        "d": {"process_id": "subtract", "arguments": {"x": {"from_node": "max"}, "y": {"from_node": "min"}}, "result": True}}},
        ignoring(lambda x: numpy.max(x)**2 - numpy.min(x)**2)),
    "mean of some": ({"process_graph": {
        "f": {"process_id": "array_filter", "arguments": {"data": {"from_parameter": "data"}, "condition": {"process_graph": {
            "gt": {"process_id": "gt", "arguments": {"x": {"from_parameter": "x"}, "y": 1000}, "result": True}}}}},
        "m": {"process_id": "mean", "arguments": {"data": {"from_node": "f"}}, "result": True}}},
        ignoring(lambda x: numpy.mean(x[x > 1000]) if (x > 1000).any() else numpy.nan)),
    "a quantile": ({"process_graph": {
        "q": {"process_id": "quantiles", "arguments": {"data": {"from_parameter": "data"}, "probabilities": [0.1, 0.9]}},
        "e": {"process_id": "array_element", "arguments": {"data": {"from_node": "q"}, "index": 1}, "result": True}}},
        ignoring(lambda x: numpy.quantile(x, 0.9))),
}


def test_geometries_beyond_the_data(scene, tmp_path):
    """They have no data, even where all of them lie there."""
    beyond = features(polygon(corners(3000, 3000, 3010, 3010)), {"type": "Point", "coordinates": at(-50, -50)}, crs=UTM)
    nodes = {**load(bands=["A"]), "agg": node("aggregate_spatial", geometries=beyond, reducer=call("mean"), target_dimension="n")}
    rows = json.loads(saved(scene[0], tmp_path, nodes).read_text())
    assert rows == {date: [[None, 0, 0]] * 2 for date in DATES}


@pytest.mark.parametrize("name", REDUCERS)
def test_reducers(scene, tmp_path, name):
    folder, stack, transform = scene
    reducer, of = REDUCERS[name]
    got, dates = series(folder, tmp_path, {**load(bands=["A", "B"]), **aggregate(reducer)})
    assert dates == [d.replace("Z", ".000Z") if d not in dates else d for d in DATES]
    numpy.testing.assert_allclose(got, expected(stack, transform, of), rtol=1e-6)


def test_counts(scene, tmp_path):
    """target_dimension: value, total_count, valid_count."""
    folder, stack, transform = scene
    nodes = {**load(bands=["A"]), **aggregate(call("mean"), target_dimension="stats")}
    got, _ = series(folder, tmp_path, nodes)
    masks = [belongs(g, transform, WIDTH, HEIGHT) for g in SHAPES]
    want = [[[ignoring(numpy.mean)(date[0][m]), m.sum(), numpy.isfinite(date[0][m]).sum()] for m in masks] for date in stack]
    numpy.testing.assert_allclose(got, numpy.array(want), rtol=1e-6)


def test_several_results(scene, tmp_path):
    """A callback that gives an array makes a dimension of it."""
    folder, stack, transform = scene
    reducer = call("quantiles", probabilities=[0.25, 0.5, 0.75])
    got, _ = series(folder, tmp_path, {**load(bands=["A"]), **aggregate(reducer)})
    for k, q in enumerate((0.25, 0.5, 0.75)):
        want = expected(stack[:, :1], transform, ignoring(lambda x: numpy.quantile(x, q)))
        numpy.testing.assert_allclose(got[:, :, k], want[:, :, 0], rtol=1e-6)


def test_little_memory(scene, tmp_path, monkeypatch):
    """With ever less memory the results are the same to the byte (at last in bands of rows), until it is refused."""
    folder = scene[0]
    nodes = {**load(bands=["A", "B"]), **aggregate(REDUCERS["a quantile"][0])}
    whole = saved(folder, tmp_path, nodes, format="CSV").read_bytes()
    nodes["save"] = {**node("save_result", "agg", format="CSV"), "result": True}
    least, most = 1, 400 * os.cpu_count()
    while most - least > 1:  # the least memory that suffices
        budget = (least + most) // 2
        monkeypatch.setenv("SENTIER_RASTER_BLOCK_BUDGET", f"{budget}M")
        done = run(folder, tmp_path, nodes)
        assert done.returncode == 0 or "it may use" in done.stderr, done.stderr
        if done.returncode == 0:
            most = budget
            assert (tmp_path / "out" / "save.csv").read_bytes() == whole
        else:
            least = budget


def test_steps_before_and_after(scene, tmp_path):
    """A computed column, then arithmetic on the series, a reduction over time and a merge."""
    folder, stack, transform = scene
    nodes = {
        **load(bands=["A", "B"]),
        "ratio": node("reduce_dimension", dimension="bands", reducer={"process_graph": {
            "a": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "index": 0}},
            "b": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "index": 1}},
            "d": {"process_id": "divide", "arguments": {"x": {"from_node": "a"}, "y": {"from_node": "b"}}, "result": True}}}),
        **aggregate(call("mean"), data="ratio"),
        "twice": over("apply", "agg", process={"process_graph": {
            "m": {"process_id": "multiply", "arguments": {"x": {"from_parameter": "x"}, "y": 2}, "result": True}}}),
        "later": node("filter_temporal", "twice", extent=["2023-05-03", "2023-05-09"]),
        "mean": node("reduce_dimension", "twice", dimension="t", reducer=call("mean")),
        "max": node("reduce_dimension", "later", dimension="t", reducer=call("max")),
        "mean1": node("add_dimension", "mean", name="s", label="mean", type="other"),
        "max1": node("add_dimension", "max", name="s", label="max", type="other"),
        "both": {"process_id": "merge_cubes", "arguments": {"cube1": {"from_node": "mean1"}, "cube2": {"from_node": "max1"}}},
    }
    result = json.loads(saved(folder, tmp_path, nodes).read_text())
    assert result["dims"] == ["geometry", "s"] and result["labels"]["s"] == ["mean", "max"]
    ratio = (stack[:, 0] / stack[:, 1]).astype("float32").astype(float)[:, None]
    want = 2 * expected(ratio, transform, ignoring(numpy.mean))[:, :, 0]
    got = numpy.array(result["data"], float)
    with numpy.errstate(all="ignore"):
        numpy.testing.assert_allclose(got[:, 0], numpy.nanmean(want, 0), rtol=1e-6)
    numpy.testing.assert_allclose(got[:, 1], want[1], rtol=1e-6)


def test_tables(scene, tmp_path):
    """CSV: a row for each date and geometry; GeoJSON: values beside the properties, in degrees."""
    folder, stack, transform = scene
    given = features(*SHAPES, crs=UTM, properties=[{"name": f"field {i}", "of,it": i} for i in range(len(SHAPES))])
    nodes = {**load(bands=["A", "B"]), **aggregate(call("mean"), given)}
    with open(saved(folder, tmp_path, nodes, format="csv")) as file:
        rows = list(csv.DictReader(file))
    want = expected(stack, transform, ignoring(numpy.mean))
    assert list(rows[0]) == ["date", "feature_index", "A", "B"] and len(rows) == 2 * len(SHAPES)
    got = [[float(row[b] or "nan") for b in "AB"] for row in rows]
    numpy.testing.assert_allclose(numpy.array(got).reshape(want.shape), want, rtol=1e-6)
    found = json.loads(saved(folder, tmp_path, nodes, format="GeoJSON").read_text())["features"]
    label = rows[0]["date"] + "~B"
    for i, feature in enumerate(found):
        assert feature["properties"]["name"] == f"field {i}" and feature["properties"]["of,it"] == i
        value = feature["properties"][label]
        assert value is None if numpy.isnan(want[0, i, 1]) else value == pytest.approx(want[0, i, 1], rel=1e-6)
        if SHAPES[i]:
            here = rasterio.warp.transform_geom("EPSG:32633", "EPSG:4326", SHAPES[i], precision=-1)
            assert shapely.geometry.shape(feature["geometry"]).equals_exact(shapely.geometry.shape(here), 1e-8)
        else:
            assert feature["geometry"] is None


def band_of(folder, tmp_path, nodes):
    with rasterio.open(saved(folder, tmp_path, nodes, format="GTiff")) as file:
        return file.read(1, masked=True).astype(float).filled(numpy.nan), file.transform


POLYGONS = [g for g in SHAPES if g is None or "Polygon" in g["type"]]


@pytest.mark.parametrize("inside, replacement", itertools.product([False, True], [None, 7]))
def test_mask_polygon(scene, tmp_path, inside, replacement):
    folder, stack, transform = scene
    nodes = {**load(bands=["A"], temporal_extent=["2023-05-01", "2023-05-02"]),
             "mask": node("mask_polygon", mask=features(*POLYGONS, crs=UTM), inside=inside, replacement=replacement),
             "one": node("reduce_dimension", "mask", dimension="t", reducer=call("first"))}
    got, _ = band_of(folder, tmp_path, nodes)
    in_any = numpy.any([belongs(g, transform, WIDTH, HEIGHT) for g in POLYGONS], axis=0)
    gone = in_any if inside else ~in_any
    data = stack[0, 0]
    numpy.testing.assert_array_equal(got, numpy.where(gone & ~numpy.isnan(data), numpy.nan if replacement is None else replacement, data))


def test_filter_spatial(scene, tmp_path):
    """Cut to the outermost pixels that belong to a geometry; no-data between."""
    folder, stack, transform = scene
    some = [SHAPES[0], SHAPES[2], SHAPES[10], SHAPES[12]]
    nodes = {**load(bands=["A"], temporal_extent=["2023-05-01", "2023-05-02"]),
             "cut": node("filter_spatial", geometries=features(*some, crs=UTM)),
             "one": node("reduce_dimension", "cut", dimension="t", reducer=call("first"))}
    got, its = band_of(folder, tmp_path, nodes)
    in_any = numpy.any([belongs(g, transform, WIDTH, HEIGHT) for g in some], axis=0)
    left, top, right, bottom = 77, 88, 1250, 1100  # the pixel of the point, the corners of triangle and line
    assert (its.c, its.f) == (X0 + 10 * left, Y0 - 10 * top)
    want = numpy.where(in_any, stack[0, 0], numpy.nan)
    numpy.testing.assert_array_equal(got, want[top:top + got.shape[0], left:left + got.shape[1]])
    assert got.shape == (bottom - top, right - left)


def cube(folder, tmp_path, nodes):
    return json.loads(saved(folder, tmp_path, nodes).read_text())


NUMBERED = features(*[polygon(corners(10 * i, 10, 10 * i + 5, 15)) for i in range(5)], crs=UTM,
                    properties=[{"n": i, "list": list(range(i)), "yes": i > 2, "text": "x"} for i in range(5)])


def test_properties_as_values(scene, tmp_path):
    folder = scene[0]
    of = lambda names: {"g": {"process_id": "load_geojson", "arguments": {"data": NUMBERED, "properties": names}}}
    two = cube(folder, tmp_path, of(["n", "yes"]))
    assert two["labels"]["properties"] == ["n", "yes"]
    assert two["data"] == [[i, i > 2] for i in range(5)]
    rows = cube(folder, tmp_path, of(["list"]))
    assert rows["labels"]["properties"] == [0, 1, 2, 3]
    assert rows["data"] == [[k if k < i else None for k in range(4)] for i in range(5)]
    done = run(folder, tmp_path, {"g": {**of(["text"])["g"], "result": True}})
    assert "Property 'text' of feature 0 is a string" in done.stderr


def test_fewer_geometries(scene, tmp_path):
    """Filters of vector cubes keep the values of what stays: given ones and computed ones."""
    folder, stack, transform = scene
    nodes = {**load(bands=["A"]), "g": {"process_id": "load_geojson", "arguments": {"data": NUMBERED, "properties": ["n"]}},
             "agg": node("aggregate_spatial", geometries={"from_node": "g"}, reducer=call("mean")),
             "box": node("filter_bbox", "agg", extent=dict(zip(("west", "north", "east", "south"), [*at(9, 9), *at(36, 16)]), crs=32633)),
             "other": {"process_id": "load_geojson", "arguments": {"data": features(
                 polygon(corners(12, 12, 13, 13)), {"type": "Point", "coordinates": at(32, 12)}, crs=UTM)}},
             "some": node("filter_vector", "box", geometries={"from_node": "other"})}
    got, _ = series(folder, tmp_path, nodes)
    want = expected(stack[:, :1], transform, ignoring(numpy.mean), [f["geometry"] for f in NUMBERED["features"]])
    numpy.testing.assert_allclose(got, want[:, [1, 3]], rtol=1e-6)
    given = cube(folder, tmp_path, {"g": nodes["g"], "other": nodes["other"], "some": node(
        "filter_vector", "g", geometries={"from_node": "other"}, relation="disjoint")})
    assert given["data"] == [[0], [2], [4]]


@pytest.mark.parametrize("distance", [25, -12])
def test_buffer(scene, tmp_path, distance):
    folder, stack, transform = scene
    nodes = {**load(bands=["A"]), **aggregate(call("count", condition=True)),
             "wide": {"process_id": "vector_buffer", "arguments": {"geometries": {"from_node": "g"}, "distance": distance}}}
    nodes["agg"]["arguments"]["geometries"] = {"from_node": "wide"}
    got, _ = series(folder, tmp_path, nodes, last="agg")
    grown = [g and shapely.union_all(shapely.get_parts(shapely.geometry.shape(g))).buffer(distance, quad_segs=8) for g in SHAPES]
    grown = [g and not g.is_empty and shapely.geometry.mapping(g) or None for g in grown]
    numpy.testing.assert_array_equal(got, expected(stack[:, :1], transform, len, grown))


def test_reproject(scene, tmp_path):
    """There and back the numbers are the same, and degrees are no unit of a buffer."""
    folder, stack, transform = scene
    nodes = {**load(bands=["A"]), **aggregate(call("mean")),
             "back": {"process_id": "vector_reproject", "arguments": {"data": {"from_node": "agg"}, "projection": 4326}}}
    got, _ = series(folder, tmp_path, nodes)
    numpy.testing.assert_allclose(got, expected(stack[:, :1], transform, ignoring(numpy.mean)), rtol=1e-6)
    done = run(folder, tmp_path, {"g": {"process_id": "load_geojson", "arguments": {"data": features(None)}}, "b": {
        "process_id": "vector_buffer", "arguments": {"geometries": {"from_node": "g"}, "distance": 5}, "result": True}})
    assert "UnitMismatch" in done.stderr or "does not count metres" in done.stderr


WRONG = [
    ({"type": "GeometryCollection", "geometries": []}, "a GeometryCollection cannot be used"),
    ({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]}, "/coordinates/0: expected a ring of at least 4 positions"),
    ({"type": "Polygon", "coordinates": [[[0, 95], [1, 1], [2, 0], [0, 95]]]}, "/coordinates/0/0: expected a latitude in [-90, 90]"),
    (features({"type": "Pont", "coordinates": [1, 2]}), "/features/0/geometry/type: expected a type of GeoJSON geometry, found 'Pont'"),
    ({"type": "FeatureCollection", "features": [{"type": "Polygon"}]}, "/features/0/type: expected 'Feature', found 'Polygon'"),
    (features({"type": "Point", "coordinates": [1, 2]}, crs={"type": "name", "properties": {"name": "EPSG:999999"}}),
     "the reference system 'EPSG:999999' is not known"),
]


@pytest.mark.parametrize("wrong, message", WRONG)
def test_wrong_geojson(scene, tmp_path, wrong, message):
    done = run(scene[0], tmp_path, {"g": {"process_id": "load_geojson", "arguments": {"data": wrong}, "result": True}})
    assert done.returncode != 0 and message in done.stderr and "(node 'g', /process_graph/g/arguments/data)" in done.stderr


def test_what_is_refused(scene, tmp_path):
    folder = scene[0]
    order = {"process_graph": {"e": {"process_id": "array_element", "arguments": {
        "data": {"from_parameter": "data"}, "index": 0}, "result": True}}}
    for nodes, message in [
        ({**load(bands=["A"]), **aggregate(order)}, "The result depends on single pixels"),
        ({**load(bands=["A"]), **aggregate(call("mean"), target_dimension="t")}, "It is 't'."),
        ({**load(bands=["A"]), "m": node("mask_polygon", mask=features({"type": "Point", "coordinates": [1, 2]}))},
         "geometry 0 is a point, expected a Polygon or MultiPolygon"),
        ({**load(bands=["A"]), **aggregate(call("mean")), "again": node("aggregate_spatial", "agg", geometries={"from_node": "g"},
                                                                        reducer=call("mean"))}, "dimensions x and y"),
        ({**load(bands=["A"]), **aggregate(call("mean")), "m": {"process_id": "merge_cubes", "arguments": {
            "cube1": {"from_node": "load"}, "cube2": {"from_node": "agg"}}}}, "a raster cube and a vector cube cannot be merged"),
        ({**load(bands=["A"]), **aggregate(call("mean")), "s": node("save_result", "agg", format="GTiff")}, "GTiff cannot hold a vector cube"),
        ({**load(bands=["A"]), "s": node("save_result", format="GeoJSON")}, "GeoJSON cannot hold a raster cube"),
    ]:
        nodes[list(nodes)[-1]]["result"] = True
        done = run(folder, tmp_path, nodes)
        assert done.returncode != 0 and message in done.stderr, done.stderr


def test_fields_of_real_scenes(shared, tmp_path):
    """NDVI of fields around Zagreb, in degrees; clouds are masked before."""
    fields = [polygon([(15.2, 45.5), (15.25, 45.5), (15.26, 45.55), (15.2, 45.55)]),
              polygon([(15.9, 45.4), (16.0, 45.45), (15.95, 45.6)], [(15.93, 45.47), (15.96, 45.47), (15.945, 45.5)]),
              polygon([(15.0, 46.02), (15.4, 46.03), (15.3, 46.2)])]
    nodes = {"load": {"process_id": "load_collection", "arguments": {
        "id": "sentinel-2-l2a", "spatial_extent": None, "temporal_extent": None, "bands": ["B04", "B08"]}},
        "ndvi": node("ndvi", red="B04", nir="B08"), **aggregate(call("mean"), features(*fields), data="ndvi")}
    folder = tmp_path / "scenes"
    names = sorted(p.name for p in (shared / "data/s2/33TW").glob("*33TWL*"))
    for name in names:
        shutil.copytree(shared / "data/s2/33TW" / name, folder / name)
    got, dates = series(folder, tmp_path, nodes)
    want = {}
    for name in names:
        bands = {}
        for band in ("B04", "B08"):
            with rasterio.open(next((folder / name).glob(f"*{band}*"))) as file:
                bands[band] = file.read(1).astype("float32")
        with numpy.errstate(all="ignore"):
            value = (bands["B08"] - bands["B04"]) / (bands["B08"] + bands["B04"])
        value[(bands["B04"] == 0) | (bands["B08"] == 0)] = numpy.nan
        here = [rasterio.warp.transform_geom("EPSG:4326", "EPSG:32633", f, precision=-1) for f in fields]
        transform = rasterio.transform.from_origin(499980, 5100000, 120, 120)
        masks = [belongs(g, transform, value.shape[1], value.shape[0]) for g in here]
        want[name.split("_")[2]] = [ignoring(lambda x: x.astype(float).mean())(value[m]) for m in masks]
    assert [d[:10].replace("-", "") for d in dates] == sorted(want)
    numpy.testing.assert_allclose(got[:, :, 0], [want[d] for d in sorted(want)], rtol=1e-5)


PARTS = [SHAPES[0], SHAPES[1], SHAPES[2], SHAPES[4], SHAPES[5], SHAPES[6], SHAPES[7], SHAPES[8], None, SHAPES[10],
         polygon(corners(200, 300, 203, 302)),                                                 # whole pixels, and no others
         polygon([at(400.3, 400.2), at(420.9, 402.1), at(402.2, 403.3), at(431.7, 425.4), at(399.9, 424.8)]),
         {"type": "MultiPolygon", "coordinates": [polygon(corners(1021.3, 1020.7, 1026.6, 1027.1), corners(1022.5, 1021.9, 1024.4, 1024.2))["coordinates"],
                                                  polygon([at(1026.6, 1027.1), at(1030, 1031), at(1024.05, 1033.3)])["coordinates"]]}]


def covered(geometry):
    """The share of each pixel that is covered, by the areas of Shapely's intersections; of the pixels of a point all."""
    weights = numpy.zeros((HEIGHT, WIDTH))
    if not geometry:
        return weights
    if geometry["type"] == "Point":
        return belongs(geometry, rasterio.transform.from_origin(X0, Y0, 10, 10), WIDTH, HEIGHT).astype(float)
    shape = shapely.geometry.shape(geometry)
    west, south, east, north = shape.bounds
    left, right = (int(numpy.clip((x - X0) / 10 + d, 0, WIDTH)) for x, d in ((west, -2), (east, 3)))
    top, bottom = (int(numpy.clip((Y0 - y) / 10 + d, 0, HEIGHT)) for y, d in ((north, -2), (south, 3)))
    x, y = numpy.meshgrid(X0 + 10. * numpy.arange(left, right), Y0 - 10. * numpy.arange(top, bottom))
    boxes = shapely.box(x, y - 10, x + 10, y)
    shapely.prepare(shape)
    inside = shapely.contains(shape, boxes)
    edge = shapely.intersects(shape, boxes) & ~inside
    weights[top:bottom, left:right][inside] = 1
    weights[top:bottom, left:right][edge] = shapely.area(shapely.intersection(boxes[edge], shape)) / 100
    return numpy.where(weights > 1e-9, weights, 0)


def weighted(statistic):
    """Of values and weights where there are data; no-data where no pixel is covered."""
    def of(values, weights):
        there = numpy.isfinite(values)
        if not len(values) or (not there.any() and statistic is not share):
            return numpy.nan
        return statistic(values[there], weights[there])
    return of


def share(v, w):
    return w.sum()


def spread(v, w):
    mean = (v * w).sum() / w.sum()
    return (w * (v - mean) ** 2).sum() / (w.sum() - 1) if w.sum() > 1 else numpy.nan


def weighted_quantile(probability):
    """With S(k) = (k - 1) w(k) + (n - 1) (w(1) + .. + w(k - 1)): linear between the places S(k) / S(n)."""
    def of(v, w):
        order = numpy.argsort(v, kind="stable")
        v, w = v[order], w[order]
        places = numpy.arange(len(v)) * w + (len(v) - 1) * (numpy.cumsum(w) - w)
        return v[0] if len(v) == 1 else numpy.interp(probability * (len(v) - 1) * w.sum(), places, v)
    return of


@pytest.mark.parametrize("reducer, statistic", [
    (call("mean"), lambda v, w: (v * w).sum() / w.sum()), (call("sum"), lambda v, w: (v * w).sum()), (call("count"), share),
    (call("min"), lambda v, w: v.min()), (call("max"), lambda v, w: v.max()), (call("variance"), spread),
    (call("sd"), lambda v, w: numpy.sqrt(spread(v, w))), (call("median"), weighted_quantile(0.5)),
    (call("quantiles", probabilities=[0.9]), weighted_quantile(0.9))])
def test_parts_of_pixels(scene, tmp_path, reducer, statistic):
    """Pixels count by the share of them that a polygon covers, whichever tiles they are computed in."""
    folder, stack, _ = scene
    nodes = {**load(bands=["A"]), **aggregate(reducer, features(*PARTS, crs=UTM), context={"partial_pixels": True})}
    got, result = series(folder, tmp_path, nodes)
    shares = [covered(g) for g in PARTS]
    want = numpy.array([[weighted(statistic)(a[s > 0], s[s > 0]) for s in shares] for a in stack[:, 0]])
    got = numpy.array(got, float).reshape(want.shape)
    numpy.testing.assert_allclose(got, want, rtol=1e-7)


def test_parts_of_pixels_at_the_edge_of_a_load(scene, tmp_path):
    """What is read reaches as far as any part of a pixel does; the counts are sums of shares; other contexts stay what they were."""
    folder, stack, _ = scene
    shape = polygon([at(700.6, 500.7), at(702.4, 500.9), at(701.1, 502.3)])
    nodes = {**load(bands=["A"]), **aggregate(call("mean"), features(shape, crs=UTM), target_dimension="n", context={"partial_pixels": True})}
    got, _ = series(folder, tmp_path, nodes)
    weights = covered(shape)
    value = stack[0, 0][weights > 0]
    weights = weights[weights > 0]
    there = numpy.isfinite(value)
    want = [(value * weights)[there].sum() / weights[there].sum(), weights.sum(), weights[there].sum()]
    numpy.testing.assert_allclose(numpy.array(got, float)[0].ravel(), want, rtol=1e-7)
    for reducer, context, message in [(call("product"), {"partial_pixels": True}, "A product of parts of pixels"),
                                      (call("mean"), {"partial_pixels": 1}, "'partial_pixels' is the number 1")]:
        nodes.update(aggregate(reducer, features(shape, crs=UTM), context=context))
        assert message in run(folder, tmp_path, {**nodes, "save": {**node("save_result", "agg", format="JSON"), "result": True}}).stderr


@pytest.fixture
def web(tmp_path):
    """A server of files on a private address."""
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "fields.geojson").write_text(json.dumps(features(*SHAPES, crs=UTM)))
    (folder / "large.geojson").write_text(json.dumps(features(polygon(corners(1, 1, 5, 5)))) + " " * (5 << 20))
    (folder / "none.geojson").write_text("{}")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_load_url(scene, tmp_path, web, monkeypatch):
    """Geometries from the web: from private addresses only where the operator says so, and small."""
    folder, stack, transform = scene
    nodes = {**load(bands=["A"]), **aggregate(call("mean"))}

    def of(name, format="geojson"):
        nodes["g"] = {"process_id": "load_url", "arguments": {"url": f"{web}/{name}", "format": format}}
        return {**nodes, "save": {**node("save_result", "agg", format="JSON"), "result": True}}

    refused = run(folder, tmp_path, of("fields.geojson"))
    assert "'127.0.0.1' is not a public address" in refused.stderr
    monkeypatch.setenv("SENTIER_JOBS_URL_HOSTS", "127.0.0.1")
    of("fields.geojson")
    got, _ = series(folder, tmp_path, nodes)
    numpy.testing.assert_allclose(got, expected(stack[:, :1], transform, ignoring(numpy.mean)), rtol=1e-6)
    for name, message in [("large.geojson", "the answer is too large"), ("gone.geojson", "the server answered 404"),
                          ("none.geojson", "expected GeoJSON, found an object without a 'type'")]:
        assert message in run(folder, tmp_path, of(name)).stderr
    assert "'CSV' is no input format" in run(folder, tmp_path, of("fields.geojson", "CSV")).stderr
