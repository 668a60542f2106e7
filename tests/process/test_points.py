"""Points of geometries against Shapely."""
import json
import math
import subprocess

import numpy
import pytest
from pyproj import Transformer
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, mapping, shape
from shapely.ops import transform

from conftest import BINARY

TO_UTM = Transformer.from_crs(4326, 32633, always_xy=True).transform
X, Y = 500000, 5100000
WITH_HOLE = Polygon([(X, Y), (X + 95, Y + 10), (X + 100, Y + 90), (X + 20, Y + 105)],
                    [[(X + 40, Y + 40), (X + 70, Y + 40), (X + 70, Y + 70), (X + 40, Y + 70)]])
TWO = MultiPolygon([Polygon([(X + 200, Y), (X + 233, Y), (X + 233, Y + 33), (X + 200, Y + 33)]),
                    Polygon([(X + 300, Y + 5), (X + 350, Y + 5), (X + 325, Y + 55)])])
SMALL = Polygon([(X + 1, Y + 1), (X + 2, Y + 1), (X + 1.1, Y + 1.2)])
LINE = LineString([(X, Y), (X + 100, Y), (X + 100, Y + 7), (X + 30, Y + 7), (X + 30, Y + 300)])
POINT = Point(X + 5, Y + 6)
SHAPES = [WITH_HOLE, TWO, SMALL, LINE, POINT, None]


def collection(shapes, crs=32633):
    return {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{crs}"}},
            "features": [{"type": "Feature", "id": f"f{i}", "properties": {"n": i},
                          "geometry": s and json.loads(json.dumps(mapping(s)))} for i, s in enumerate(shapes)]}


def run(tmp_path, process, shapes, crs=32633, **arguments):
    graph = {"load": {"process_id": "load_geojson", "arguments": {"data": collection(shapes, crs), "properties": ["n"]}},
             "p": {"process_id": process, "arguments": {"data": {"from_node": "load"}, **arguments}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "p"}, "format": "GeoJSON"}, "result": True}}
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"process_graph": graph}))
    return subprocess.run([str(BINARY), "run", str(path), "--output", str(tmp_path / "out")], capture_output=True, text=True, timeout=120)


def points_of(tmp_path, process, shapes=SHAPES, **arguments):
    done = run(tmp_path, process, shapes, **arguments)
    assert done.returncode == 0, done.stderr
    features = json.loads((tmp_path / "out" / "save.geojson").read_text())["features"]
    return [(f, transform(TO_UTM, shape(f["geometry"])) if f["geometry"] else None) for f in features]


def flat(geometry):
    return numpy.array([(p.x, p.y) for p in getattr(geometry, "geoms", [geometry])])


def cells(polygon, d):
    x0, y0, x1, y1 = polygon.bounds
    centres = [(x0 + (c + 0.5) * d, y1 - (r + 0.5) * d) for r in range(math.ceil((y1 - y0) / d)) for c in range(math.ceil((x1 - x0) / d))]
    return [c for c in centres if polygon.contains(Point(c))]


def test_regular(tmp_path):
    made = points_of(tmp_path, "vector_to_regular_points", distance=10)
    assert [f["geometry"] and f["geometry"]["type"] for f, _ in made] == ["MultiPoint"] * 5 + [None]
    assert [f.get("id") for f, _ in made] == [f"f{i}" for i in range(6)] and [f["properties"]["n"] for f, _ in made] == list(range(6))
    wanted = [cells(WITH_HOLE, 10), cells(TWO.geoms[0], 10) + cells(TWO.geoms[1], 10), [SMALL.exterior.coords[0]]]
    for (_, points), expected in zip(made, wanted):
        numpy.testing.assert_allclose(flat(points), expected, atol=1e-4)
    line = flat(made[3][1])
    assert tuple(line[0].round(3)) == (X, Y) and all(LINE.distance(Point(p)) < 1e-4 for p in line)
    steps = numpy.hypot(*numpy.diff(line, axis=0).T)
    numpy.testing.assert_allclose(steps, 10, atol=1e-3)
    positions = [LINE.project(Point(p)) for p in line]
    assert positions == sorted(positions) and LINE.length - positions[-1] < 20
    numpy.testing.assert_allclose(flat(made[4][1]), [[X + 5, Y + 6]], atol=1e-4)


def test_one_by_one(tmp_path):
    """Each point is a row of its own, with the values and properties of its geometry and without its id."""
    made = points_of(tmp_path, "vector_to_regular_points", distance=10, group=False)
    counts = [len(cells(WITH_HOLE, 10)), len(cells(TWO.geoms[0], 10) + cells(TWO.geoms[1], 10)), 1]
    numbers = [f["properties"]["n"] for f, _ in made]
    assert [numbers.count(i) for i in range(3)] == counts and numbers.count(4) == 1 and numbers.count(5) == 1
    assert all(f["geometry"] is None or f["geometry"]["type"] == "Point" for f, _ in made) and not any("id" in f for f, _ in made[:-1])


def test_units(tmp_path):
    done = run(tmp_path, "vector_to_regular_points", [Point(15, 46)], crs=4326, distance=10)
    assert done.returncode == 1 and "does not count metres" in done.stderr
    done = run(tmp_path, "vector_to_regular_points", SHAPES, distance=0)
    assert done.returncode == 1 and "distance" in done.stderr


def inside(points, geometry):
    return all(geometry.distance(Point(p)) < 1e-4 for p in flat(points))


@pytest.mark.parametrize("arguments, counts", [
    ({}, [1, 1, 1, 1, 1]), ({"geometry_count": 7}, [7, 7, 7, 7, 1]), ({"total_count": 12}, [3, 3, 2, 2, 1]),
    ({"total_count": 1000, "geometry_count": 3}, [3, 3, 3, 3, 1])])
def test_random(tmp_path, arguments, counts):
    made = points_of(tmp_path, "vector_to_random_points", seed=11, **arguments)
    assert [len(flat(p)) for _, p in made[:5]] == counts and made[5][1] is None
    assert all(inside(p, s) for (_, p), s in zip(made[:5], SHAPES))
    again = points_of(tmp_path, "vector_to_random_points", seed=11, **arguments)
    assert [f for f, _ in again] == [f for f, _ in made]
    other = points_of(tmp_path, "vector_to_random_points", **arguments)
    assert [f["geometry"] for f, _ in other[:4]] != [f["geometry"] for f, _ in made[:4]]


def test_every_place_is_as_likely(tmp_path):
    """Of polygons the shares of their areas, of lines those of their lengths."""
    made = points_of(tmp_path, "vector_to_random_points", [TWO, LINE], geometry_count=4000, seed=3)
    left = numpy.mean(flat(made[0][1])[:, 0] < X + 270)
    assert abs(left - TWO.geoms[0].area / TWO.area) < 0.03
    high = numpy.mean(flat(made[1][1])[:, 1] > Y + 150)
    assert abs(high - 150 / LINE.length) < 0.03


def test_points_are_taken_once(tmp_path):
    from shapely.geometry import MultiPoint
    all_of_them = MultiPoint([(X + i, Y) for i in range(20)])
    made = flat(points_of(tmp_path, "vector_to_random_points", [all_of_them], geometry_count=15, seed=5)[0][1]).round(2)
    assert len({tuple(p) for p in made}) == 15
    assert len(flat(points_of(tmp_path, "vector_to_random_points", [all_of_them], geometry_count=50, seed=5)[0][1])) == 20


def test_too_few(tmp_path):
    done = run(tmp_path, "vector_to_random_points", SHAPES, total_count=5)
    assert done.returncode == 1 and "There are 6 geometries, the total is 5." in done.stderr
