"""apply_polygon against NumPy: the cube under each polygon, cut by pixel centres."""
import numpy
import pytest
from shapely.geometry import MultiPolygon, Point, Polygon, mapping

from test_udf import HEIGHT, HERE, WIDTH, array_udf, bands, callback, cube_of, failure_of, node, scenes  # noqa: F401

X, Y = 500000, 5100000
FIELDS = [Polygon([(X + 12, Y - 13), (X + 701, Y - 40), (X + 650, Y - 333), (X + 100, Y - 250)],
                  [[(X + 300, Y - 100), (X + 400, Y - 100), (X + 400, Y - 200), (X + 300, Y - 200)]]),
          MultiPolygon([Polygon([(X + 1000, Y - 20), (X + 1200, Y - 20), (X + 1100, Y - 380)]),
                        Polygon([(X + 2500, Y + 100), (X + 3100, Y + 100), (X + 3100, Y - 200), (X + 2500, Y - 300)])]),
          Polygon([(X + 320, Y - 120), (X + 370, Y - 120), (X + 370, Y - 180), (X + 320, Y - 180)])]  # in the hole of the first


def collection(*shapes):
    return {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}},
            "features": [{"type": "Feature", "properties": {}, "geometry": s and mapping(s)} for s in shapes]}


def inside(shape):
    return numpy.array([[shape.intersects(Point(X + 10 * c + 5, Y - 10 * r - 5)) for c in range(WIDTH)] for r in range(HEIGHT)])


INSIDE = [inside(shape) for shape in FIELDS]


def at(name, /, data=HERE, **arguments):
    return {"process_id": name, "arguments": {"data": data, **arguments}}


def of_array(name, **more):
    return {"process_graph": {"a": {"process_id": name, "arguments": {"data": HERE, **more}, "result": True}}}


def minus(**nodes):
    """The data less what the nodes make of it."""
    last = list(nodes)[-1]
    subtract = {"process_graph": {"s": {"process_id": "subtract", "arguments": {
        "x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}}, "result": True}}}
    return {"process_graph": {**nodes, "d": {"process_id": "merge_cubes", "result": True, "arguments": {
        "cube1": HERE, "cube2": {"from_node": last}, "overlap_resolver": subtract}}}}


def wanted(values, function, mask_value=numpy.nan, which=(0, 1, 2)):
    """`function` on the cube under each polygon."""
    result = numpy.full(values.shape, numpy.nan)
    for i in which:
        rows, columns = numpy.nonzero(INSIDE[i])
        box = (..., slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
        made = function(numpy.where(INSIDE[i][box[1:]], values[box], mask_value))
        result[box] = numpy.where(INSIDE[i][box[1:]], made, result[box])
    return result


def apply(process, shapes=FIELDS, **more):
    return {**bands(), "fields": {"process_id": "load_geojson", "arguments": {"data": collection(*shapes)}},
            "p": node("apply_polygon", geometries={"from_node": "fields"}, process=process, **more)}


def test_what_looks_at_no_other_pixels(scenes, tmp_path):  # noqa: F811
    twice = {"process_graph": {"a": {**at("apply", process={"process_graph": {"m": {"process_id": "multiply", "arguments": {
        "x": {"from_parameter": "x"}, "y": 2}, "result": True}}}), "result": True}}}
    values, result = cube_of(scenes, tmp_path, apply(twice, FIELDS + [None]))
    numpy.testing.assert_allclose(values, wanted(scenes[1], lambda v: v * 2))
    assert result["dims"] == ["t", "bands", "y", "x"] and result["labels"]["bands"] == ["A", "B"]


def test_means_of_polygons(scenes, tmp_path):  # noqa: F811
    nodes = apply(minus(m=at("reduce_spatial", reducer=of_array("mean"))))
    nodes["p"]["arguments"]["geometries"] = nodes.pop("fields")["arguments"]["data"]  # GeoJSON, as clients write it
    values, _ = cube_of(scenes, tmp_path, nodes)
    numpy.testing.assert_allclose(values, wanted(scenes[1], lambda v: v - numpy.nanmean(v, (-2, -1), keepdims=True)), rtol=1e-5, atol=1e-3)


def test_pixels_outside_have_a_value(scenes, tmp_path):  # noqa: F811
    values, _ = cube_of(scenes, tmp_path, apply(minus(m=at("reduce_spatial", reducer=of_array("max"))), mask_value=5000))
    numpy.testing.assert_allclose(values, wanted(scenes[1], lambda v: v - numpy.nanmax(v, (-2, -1), keepdims=True), 5000), rtol=1e-6)


@pytest.mark.sandbox
def test_udf(scenes, tmp_path):  # noqa: F811
    """A function sees one polygon at a time, with its coordinates."""
    code = array_udf("return cube - cube.min(('y', 'x')) + (cube.x - 500005) / 10 + context['more']")
    values, _ = cube_of(scenes, tmp_path, apply(callback(code, context={"from_parameter": "context"}), context={"more": 3}))
    numpy.testing.assert_allclose(values, wanted(scenes[1], lambda v: v - numpy.nanmin(v, (-2, -1), keepdims=True) + 3)
                                  + numpy.arange(WIDTH), rtol=1e-6)


@pytest.mark.parametrize("more, message", [
    (dict(shapes=[FIELDS[0], Polygon([(X + 650, Y - 40), (X + 800, Y - 40), (X + 800, Y - 300), (X + 640, Y - 300)])]),
     "Geometries 0 and 1 have pixels in common"),
    (dict(shapes=[Point(X + 5, Y - 5)]), "geometry 0 is a point, expected a Polygon or MultiPolygon"),
    (dict(shapes=[None]), "expected at least one polygon"),
    (dict(mask_value="none"), "a pixel cannot hold a string"),
    (dict(process={"process_graph": {"r": {**at("reduce_dimension", dimension="t", reducer=of_array("max")), "result": True}}}),
     "whose dimensions, pixels or numbers of labels are not those of its data")])
def test_refused(scenes, tmp_path, more, message):  # noqa: F811
    process = more.pop("process", minus(m=at("reduce_spatial", reducer=of_array("mean"))))
    assert message in failure_of(scenes, tmp_path, apply(process, **more))


def test_neighbours_share_borders(scenes, tmp_path):  # noqa: F811
    """Polygons that only touch do not overlap."""
    left = Polygon([(X, Y), (X + 200, Y), (X + 200, Y - 200), (X, Y - 200)])
    right = Polygon([(X + 200, Y), (X + 400, Y), (X + 400, Y - 200), (X + 200, Y - 200)])
    values, _ = cube_of(scenes, tmp_path, apply(minus(m=at("reduce_spatial", reducer=of_array("mean"))), [left, right]))
    for part in (slice(0, 20), slice(20, 40)):
        v = scenes[1][..., :20, part]
        numpy.testing.assert_allclose(values[..., :20, part], v - numpy.nanmean(v, (-2, -1), keepdims=True), rtol=1e-5, atol=1e-3)
