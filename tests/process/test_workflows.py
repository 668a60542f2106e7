"""What users of openEO do with real data, sent to a service; each result against NumPy on the same pixels.

A workflow is a function that returns a graph and what must come out: an array, with the names of its dimensions."""
import types
import warnings

import numpy
import pandas
import pyproj
import pytest
import rasterio
import shapely
from real_scenes import (DATA, NAN, X, Y, add, along, apply, band, call, divide, each, graph_of, ljubljana, load, merge, multiply,
                         parameter, reduce, subtract, togo, zagreb)

WORKFLOWS = {}
pytestmark = pytest.mark.filterwarnings("ignore:.*georef")


def workflow(dims="t y x", **tolerance):
    def named(function):
        WORKFLOWS[function.__name__] = (function, dims.split(), tolerance)
        return function
    return named


@pytest.fixture(scope="module")
def data(service, shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    folder.chmod(0o755)
    s1, s2 = togo(shared, folder)
    made = types.SimpleNamespace(z=zagreb(shared, folder), l=ljubljana(shared, folder), s1=s1, s2=s2, folder=folder, service=service,
                                 alice=service.session("alice"))
    service.command("catalog", "import", folder)
    yield made
    made.alice.close()


def computed(data, graph):
    answer = data.alice.post(data.service.base + "/openeo/1.2/result", json={"process": graph}, timeout=120)
    assert answer.status_code == 200, answer.text
    return answer


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflow(data, name):
    function, dims, tolerance = WORKFLOWS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # means of nothing
        cube, *want = function(data)
    result = computed(data, graph_of(call("save_result", data=cube, format="JSON"))).json()
    got, want, labels = values_of(result, dims), want[0], (want[1:] or [{}])[0]
    for dimension, expected in labels.items():
        assert result["labels"][dimension] == expected
    want = want(result, got) if callable(want) else numpy.array(want, float)
    assert got.shape == want.shape
    assert numpy.isfinite(want).any()
    numpy.testing.assert_allclose(got, want, **{"rtol": 2e-6, "atol": 2e-6, **tolerance})


def values_of(result, dims):
    if "data" not in result:  # a time series of fields
        return numpy.array([result[date] for date in sorted(result)], float)
    assert sorted(result["dims"]) == sorted(dims)
    return numpy.array(result["data"], float).transpose([result["dims"].index(d) for d in dims])


# ---- what several workflows have in common ----

CLEAR = [4, 5, 6, 7, 11]


def any_of(value, numbers):
    found = call("eq", x=value, y=numbers[0])
    for n in numbers[1:]:
        found = call("or", x=found, y=call("eq", x=value, y=n))
    return found


def clear_scene(bands):
    """`bands` of zagreb where the scene classification says land or water."""
    cloudy = reduce(load("zagreb", ["SCL"]), "bands", call("not", x=any_of(band("SCL"), CLEAR)))
    return call("mask", data=load("zagreb", bands), mask=cloudy)


def clear(z):
    cloudy = numpy.isfinite(z["SCL"]) & ~numpy.isin(z["SCL"], CLEAR)
    return {b: numpy.where(cloudy, NAN, z[b]) for b in z.bands}


def difference(a, b):
    return divide(subtract(a, b), add(a, b))


def index_of(a, b):
    return (a - b) / (a + b)


def clear_ndvi(l):
    return numpy.where(l["CLM"] == 1, NAN, l["NDVI"])


def cloudless(dates=None):
    """NDVI of ljubljana without clouds, a cube of t, y, x."""
    clouds = reduce(load("ljubljana-clouds", ["CLM"], dates), "bands", call("eq", x=band("CLM"), y=2))
    return call("mask", data=reduce(load("ljubljana", ["NDVI"], dates), "bands", call("first", data=DATA)), mask=clouds)


def groups(cube, keys, of):
    """of(values) over the dates of each key, keys in their order."""
    return numpy.array([of(cube[[k == key for k in keys]]) for key in dict.fromkeys(keys)])


FIELDS = [shapely.Polygon([(499980 + 120 * (300 + x), 5100000 - 120 * (420 + y)) for x, y in corners]) for corners in (
    [(5.2, 5.1), (40.3, 5.1), (40.3, 30.7), (5.2, 30.7)], [(60.1, 10.3), (130.2, 20.4), (75.3, 60.2)],
    [(90.1, 70.1), (120.3, 65.2), (140.1, 90.4), (110.7, 120.8), (85.2, 100.3)],
    [(150.2, 100.1), (178.4, 100.1), (178.4, 138.3), (150.2, 110.6)], [(20.3, 80.2), (21.8, 80.2), (20.7, 82.9)])]


def fields():
    utm = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}
    return {"type": "FeatureCollection", "crs": utm, "features": [
        {"type": "Feature", "properties": {}, "geometry": shapely.geometry.mapping(f)} for f in FIELDS]}


def by_field(z, values, of):
    """[date][field][band] of `values` [date][band][y][x]"""
    columns, rows = numpy.meshgrid(*z.centres())
    inside = [shapely.intersects_xy(f, columns, rows) for f in FIELDS]
    assert all(i.any() for i in inside)
    return numpy.array([[[of(b[i]) for b in date] for i in inside] for date in values])


def aggregate(data, result):
    return call("aggregate_spatial", data=data, geometries=fields(), reducer=graph_of(result))


# ---- optical scenes ----


@workflow("t geometry bands")
def ndvi_series_of_fields(d):
    c = clear(d.z)
    cube = call("ndvi", data=clear_scene(["B04", "B08"]), nir="B08", red="B04", target_band="NDVI")
    cube = aggregate(call("filter_bands", data=cube, bands=["NDVI"]), call("mean", data=DATA))
    return cube, by_field(d.z, index_of(c["B08"], c["B04"])[:, None], numpy.nanmean)


@workflow("y x")
def evi_composite(d):
    c = {b: v / 10000 for b, v in clear(d.z).items()}
    b02, b04, b08 = (multiply(band(b), 0.0001) for b in ("B02", "B04", "B08"))
    below = add(subtract(add(b08, multiply(6, b04)), multiply(7.5, b02)), 1)
    cube = reduce(clear_scene(["B02", "B04", "B08"]), "bands", multiply(2.5, divide(subtract(b08, b04), below)))
    evi = 2.5 * (c["B08"] - c["B04"]) / (c["B08"] + 6 * c["B04"] - 7.5 * c["B02"] + 1)
    return reduce(cube, "t", call("median", data=DATA)), numpy.nanmedian(evi, 0)


def detected(scl):
    """What the classes of Sen2Cor say of clouds and shadows."""
    found = numpy.stack([numpy.isin(scl, classes) for classes in ([8, 9, 10], [3])], 1)
    return numpy.where(numpy.isin(scl, range(2, 12))[:, None], found, NAN)


@workflow("t bands y x")
def clouds_and_shadows(d):
    cube = call("cloud_detection", data=load("zagreb", ["B04", "SCL"]), method="Sen2Cor")
    return cube, detected(d.z["SCL"]), {"bands": ["cloud", "shadow"]}


@workflow("t bands y x")
def clouds_where_classes_are_none(d):
    """Numbers between classes and beyond the last tell nothing."""
    classes = apply(load("zagreb", ["SCL"]), multiply(X, 1.5))
    want = detected(d.z["SCL"] * 1.5)
    assert numpy.isnan(want).any()
    return call("cloud_detection", data=classes, method="Sen2Cor", options={}), want


@workflow("bands y x")
def composite_without_detected_clouds(d):
    """Pixels with a disturbance go, by a detection whose method is left open."""
    found = call("cloud_detection", data=load("zagreb", ["SCL"]), method=None)
    scene = call("mask", data=load("zagreb", ["B04", "B08"]), mask=reduce(found, "bands", call("max", data=DATA)))
    gone = numpy.isin(d.z["SCL"], [3, 8, 9, 10])
    want = [numpy.nanmedian(numpy.where(gone, NAN, d.z[b]), 0) for b in ("B04", "B08")]
    return reduce(scene, "t", call("median", data=DATA)), numpy.array(want)


@workflow("y x")
def change_between_two_weeks(d):
    """Classes of the difference of two means; where one is missing there is none."""
    ndvi = reduce(clear_scene(["B04", "B08"]), "bands", difference(band("B08"), band("B04")))
    before, after = (reduce(call("filter_temporal", data=ndvi, extent=e), "t", call("mean", data=DATA))
                     for e in (["2023-08-10", "2023-08-15"], ["2023-08-15", "2023-08-21"]))
    change = merge(after, before, subtract(X, Y))
    less, more = call("lt", x=X, y=-0.05), call("gt", x=X, y=0.05)
    classes = apply(change, call("if", value=less, accept=1, reject=call("if", value=more, accept=3, reject=call(
        "if", value=call("is_valid", x=X), accept=2))))
    n = index_of(clear(d.z)["B08"], clear(d.z)["B04"])
    change = numpy.nanmean(n[2:], 0) - numpy.nanmean(n[:2], 0)
    return classes, numpy.select([change < -0.05, change > 0.05, numpy.isfinite(change)], [1, 3, 2], NAN)


@workflow("bands y x")
def best_pixel_by_greenness(d):
    """All bands of the date with the highest NDVI."""
    scene = clear_scene(["B02", "B03", "B04", "B08"])
    ndvi = reduce(scene, "bands", difference(band("B08"), band("B04")))
    best = reduce(ndvi, "t", call("max", data=DATA))
    others = merge(ndvi, best, call("neq", x=X, y=Y))
    chosen = reduce(call("mask", data=scene, mask=others), "t", call("first", data=DATA))
    c = clear(d.z)
    n = index_of(c["B08"], c["B04"])
    rank = numpy.where(numpy.isnan(n), -2, n).argmax(0)
    best = numpy.array([numpy.take_along_axis(c[b], rank[None], 0)[0] for b in ("B02", "B03", "B04", "B08")])
    return chosen, numpy.where(numpy.isnan(n).all(0), NAN, best), {"bands": ["B02", "B03", "B04", "B08"]}


@workflow("bands y x")
def medoid_like_composite(d):
    """The date whose near infrared lies nearest to the median."""
    scene = clear_scene(["B03", "B08"])
    infrared = reduce(scene, "bands", band("B08"))
    apart = merge(infrared, reduce(infrared, "t", call("median", data=DATA)), call("absolute", x=subtract(X, Y)))
    others = merge(apart, reduce(apart, "t", call("min", data=DATA)), call("gt", x=X, y=Y))
    chosen = reduce(call("mask", data=scene, mask=others), "t", call("first", data=DATA))
    c = clear(d.z)
    away = numpy.abs(c["B08"] - numpy.nanmedian(c["B08"], 0))
    rank = numpy.where(numpy.isnan(away), numpy.inf, away).argmin(0)
    best = numpy.array([numpy.take_along_axis(c[b], rank[None], 0)[0] for b in ("B03", "B08")])
    return chosen, numpy.where(numpy.isnan(away).all(0), NAN, best)


@workflow("bands y x")
def quantiles_as_bands(d):
    ndvi = reduce(clear_scene(["B04", "B08"]), "bands", difference(band("B08"), band("B04")))
    cube = along(ndvi, "t", call("quantiles", data=DATA, probabilities=[0.1, 0.5, 0.9]), target_dimension="bands")
    cube = call("rename_labels", data=cube, dimension="bands", target=["p10", "p50", "p90"])
    c = clear(d.z)
    return cube, numpy.nanquantile(index_of(c["B08"], c["B04"]), [0.1, 0.5, 0.9], 0), {"bands": ["p10", "p50", "p90"]}


@workflow("t geometry bands")
def water_area_of_fields(d):
    water = reduce(load("zagreb", ["B03", "B08"]), "bands", call("gt", x=difference(band("B03"), band("B08")), y=-0.3))
    area = multiply(call("count", data=DATA, condition=graph_of(call("eq", x=X, y=True))), 120 * 120)
    n = index_of(d.z["B03"], d.z["B08"])
    return aggregate(water, area), by_field(d.z, (n > -0.3)[:, None], lambda v: 14400 * v.sum())


@workflow("t geometry bands")
def shares_of_scene_classes(d):
    share = divide(call("count", data=DATA, condition=graph_of(any_of(X, [3, 8, 9, 10]))), call("count", data=DATA, condition=True))
    return (aggregate(load("zagreb", ["SCL"]), share),
            by_field(d.z, d.z["SCL"][:, None], lambda v: numpy.isin(v, [3, 8, 9, 10]).sum() / len(v)))


@workflow("bands y x")
def observations(d):
    """How many clear dates, and which share of all."""
    clear_ones = call("count", data=DATA)
    cube = along(reduce(clear_scene(["B04"]), "bands", band("B04")), "t",
                 call("array_create", data=[clear_ones, divide(clear_ones, call("count", data=DATA, condition=True))]),
                 target_dimension="bands")
    n = numpy.isfinite(clear(d.z)["B04"]).sum(0)
    return cube, [n, n / 5]


@workflow("t bands y x", atol=2e-3)
def tasselled_cap(d):
    weights = [[0.3510, 0.3813, 0.3437, 0.7196], [-0.3599, -0.3533, -0.4734, 0.6633], [0.2578, 0.2305, 0.0883, 0.1071]]
    names = ["B02", "B03", "B04", "B08"]
    sums = [call("sum", data=[multiply(band(b), w) for b, w in zip(names, row)]) for row in weights]
    cube = along(load("zagreb", names), "bands", call("array_create", data=sums))
    cube = call("rename_labels", data=cube, dimension="bands", target=["brightness", "greenness", "wetness"])
    with numpy.errstate(invalid="ignore"):
        want = numpy.einsum("kb,tbyx->tkyx", weights, numpy.nan_to_num(d.z.values[:, :4]))
    nothing = numpy.isnan(d.z.values[:, :4]).all(1)[:, None]
    return cube, numpy.where(nothing, NAN, want), {"bands": ["brightness", "greenness", "wetness"]}


@workflow("t y x")
def land_cover_by_conditions(d):
    ndvi, ndwi = difference(band("B08"), band("B04")), difference(band("B03"), band("B08"))
    snow = any_of(band("SCL"), [11])
    classes = call("if", value=any_of(band("SCL"), [3, 8, 9, 10]), accept=None, reject=call(
        "if", value=call("gt", x=ndwi, y=0), accept=1, reject=call(
            "if", value=call("between", x=ndvi, min=0.3, max=0.6), accept=2, reject=call(
                "if", value=call("and", x=call("gt", x=ndvi, y=0.6), y=call("not", x=snow)), accept=3, reject=4))))
    z = d.z
    n, w = index_of(z["B08"], z["B04"]), index_of(z["B03"], z["B08"])
    want = numpy.select([numpy.isin(z["SCL"], [3, 8, 9, 10]), w > 0, (n >= 0.3) & (n <= 0.6), (n > 0.6) & (z["SCL"] != 11)],
                        [NAN, 1, 2, 3], 4)
    return reduce(load("zagreb", ["B03", "B04", "B08", "SCL"]), "bands", classes), want


@workflow("t bands y x", rtol=2e-5, atol=1e-2)
def smoothed_and_edges(d):
    """A Gaussian, then a Laplacian of it, at the cube's border too."""
    gauss = numpy.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1])
    laplace = numpy.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    cube = call("apply_kernel", data=load("zagreb", ["B08"]), kernel=gauss.tolist(), factor=1 / 256, border="replicate")
    cube = call("apply_kernel", data=cube, kernel=laplace.tolist(), border="reflect")

    def around(image, weights, mode):
        h = len(weights) // 2
        wide = numpy.pad(numpy.nan_to_num(image), h, mode=mode)
        return sum(weights[j, i] * wide[j:j + image.shape[0], i:i + image.shape[1]]
                   for j in range(2 * h + 1) for i in range(2 * h + 1))
    return cube, [[around(around(image, gauss / 256, "edge"), laplace, "symmetric")] for image in d.z["B08"]]


@workflow("t bands y x")
def pyramid_of_windows(d):
    cube = call("aggregate_spatial_window", data=load("zagreb", ["B04"]), reducer=graph_of(call("mean", data=DATA)), size=[5, 7])
    cube = call("aggregate_spatial_window", data=cube, reducer=graph_of(call("max", data=DATA)), size=[4, 4])
    means = numpy.nanmean(d.z["B04"].reshape(5, 20, 7, 36, 5), (2, 4))
    return cube, means.reshape(5, 5, 4, 9, 4).max((2, 4))[:, None]


@workflow("t bands y x")
def local_contrast(d):
    """A fine cube against a coarse one that was made of it and brought back to its grid."""
    fine = load("zagreb", ["B03"])
    coarse = call("aggregate_spatial_window", data=fine, reducer=graph_of(call("mean", data=DATA)), size=[4, 4])
    back = call("resample_cube_spatial", data=coarse, target=fine, method="near")
    means = numpy.nanmean(d.z["B03"].reshape(5, 35, 4, 45, 4), (2, 4)).repeat(4, 1).repeat(4, 2)
    return merge(fine, back, divide(X, Y)), (d.z["B03"] / means)[:, None]


@workflow("t bands y x")
def other_projection_nearest(d):
    cube = call("resample_spatial", data=load("zagreb", ["B08", "SCL"], ["2023-08-15", "2023-08-16"]), projection=3035, resolution=150,
                method="near")

    def want(result, got):
        x, y = numpy.meshgrid(result["labels"]["x"], result["labels"]["y"])
        x, y = pyproj.Transformer.from_crs(3035, 32633, always_xy=True).transform(x, y)
        t = d.z.transform
        column, row = (x - t.c) / t.a, (y - t.f) / t.e
        on_edge = (numpy.abs(column - numpy.rint(column)) < 0.002) | (numpy.abs(row - numpy.rint(row)) < 0.002)
        assert on_edge.mean() < 0.01  # either pixel is right
        column, row = numpy.floor(column).astype(int), numpy.floor(row).astype(int)
        inside = (column >= 0) & (row >= 0) & (column < 180) & (row < 140)
        assert inside.sum() > 0.97 * 140 * 180 * 120**2 / 150**2
        image = d.z.values[2:3, [3, 4]][..., row.clip(0, 139), column.clip(0, 179)]
        return numpy.where(on_edge, got, numpy.where(inside, image, NAN))
    return cube, want


@workflow("y x", rtol=1e-4, atol=1e-3)
def other_projection_bilinear(d):
    """The middle of the image: what happens at borders is tested elsewhere."""
    ndvi = reduce(load("ljubljana", ["NDVI"], ["2015-07-11", "2015-07-12"]), "bands", band("NDVI"))
    cube = call("resample_spatial", data=reduce(ndvi, "t", call("first", data=DATA)), projection=3857, resolution=12, method="bilinear")
    to_utm = pyproj.Transformer.from_crs(3857, 32633, always_xy=True)
    west, south, east, north = pyproj.Transformer.from_crs(32633, 3857, always_xy=True).transform_bounds(
        *rasterio.transform.array_bounds(40, 50, d.l.transform))
    box = {"west": west + 60, "east": east - 60, "south": south + 60, "north": north - 60, "crs": 3857}

    def want(result, got):
        x, y = to_utm.transform(*numpy.meshgrid(result["labels"]["x"], result["labels"]["y"]))
        t, image = d.l.transform, d.l["NDVI"][0]
        u, v = (x - t.c) / t.a - 0.5, (y - t.f) / t.e - 0.5
        i, j = numpy.floor(u).astype(int), numpy.floor(v).astype(int)
        a, b = u - i, v - j
        return ((1 - b) * ((1 - a) * image[j, i] + a * image[j, i + 1]) + b * ((1 - a) * image[j + 1, i] + a * image[j + 1, i + 1]))
    return call("filter_bbox", data=cube, extent=box), want


@workflow("t y x")
def inside_of_polygons(d):
    """Two fields, the data around them cut off; what lies outside is no-data."""
    collection = fields()
    collection["features"] = collection["features"][1:3]
    cube = call("filter_spatial", data=load("zagreb", ["B08"], ["2023-08-13", "2023-08-16"]), geometries=collection)
    columns, rows = d.z.centres()
    inside = shapely.intersects_xy(shapely.union_all(FIELDS[1:3]), *numpy.meshgrid(columns, rows))
    i, j = inside.any(0).nonzero()[0], inside.any(1).nonzero()[0]
    cut = numpy.where(inside, d.z["B08"][1:3], NAN)[:, j[0]:j[-1] + 1, i[0]:i[-1] + 1]
    return reduce(cube, "bands", band("B08")), cut, {"x": columns[i[0]:i[-1] + 1].tolist()}


@workflow("t y x")
def dates_by_their_names(d):
    """Text and date processes on labels: every second clear week."""
    named = call("or", x=call("text_contains", data=parameter("value"), pattern="-08-1"), y=call(
        "date_between", x=parameter("value"), min="2023-08-20", max="2023-08-31"))
    not_first = call("gt", x=call("date_difference", date1="2023-08-10T10:00:31Z", date2=parameter("value"), unit="day"), y=0.5)
    cube = call("filter_labels", data=load("zagreb", ["B02"]), dimension="t", condition=graph_of(call("and", x=named, y=not_first)))
    return reduce(cube, "bands", band("B02")), d.z["B02"][1:], {"t": d.z.dates[1:]}


@workflow("t y x")
def deviation_from_the_image(d):
    """Each pixel against the mean of its image."""
    cube = reduce(load("zagreb", ["B08"]), "bands", band("B08"))
    means = call("reduce_spatial", data=cube, reducer=graph_of(call("mean", data=DATA)))
    return merge(cube, means, subtract(divide(X, Y), 1)), d.z["B08"] / numpy.nanmean(d.z["B08"], (1, 2), keepdims=True) - 1


@workflow("y x")
def users_process_with_parameters(d):
    """Stored once, used twice with other values: the second call takes its defaults."""
    nir, red = (call("array_element", data=DATA, label=parameter(name)) for name in ("nir", "red"))
    soil = parameter("soil")
    savi = multiply(add(1, soil), divide(subtract(nir, red), add(add(nir, red), multiply(soil, 10000))))
    graph = graph_of(reduce(parameter("cube"), "bands", savi))
    parameters = [{"name": "cube", "description": "", "schema": {"type": "object", "subtype": "datacube"}},
                  {"name": "soil", "description": "", "schema": {"type": "number"}, "optional": True, "default": 0.5},
                  {"name": "nir", "description": "", "schema": {"type": "string"}, "optional": True, "default": "B08"},
                  {"name": "red", "description": "", "schema": {"type": "string"}}]
    url = d.service.base + "/openeo/1.2/process_graphs/soil_adjusted"
    assert d.alice.put(url, json={**graph, "parameters": parameters}, timeout=30).status_code == 200
    scene = load("zagreb", ["B03", "B04", "B08"], ["2023-08-15", "2023-08-16"])
    cubes = [call("soil_adjusted", cube=scene, red="B04"), call("soil_adjusted", cube=scene, red="B03", soil=0.25)]
    r = d.z.values[2]

    def savi(red, soil):
        return (1 + soil) * (r[3] - r[red]) / (r[3] + r[red] + soil * 10000)
    return reduce(merge(*cubes, subtract(X, Y)), "t", call("first", data=DATA)), savi(2, 0.5) - savi(1, 0.25)


# ---- time series ----


@workflow("t y x")
def gaps_filled(d):
    days = d.l.days.astype("int64").astype(float)
    flat = clear_ndvi(d.l).reshape(68, -1)
    want = flat.copy()
    for i, series in enumerate(flat.T):
        known = numpy.isfinite(series)
        if known.sum() >= 2:
            between = (days >= days[known][0]) & (days <= days[known][-1])
            want[between, i] = numpy.interp(days[between], days[known], series[known])
    return along(cloudless(), "t", call("array_interpolate_linear", data=DATA)), want.reshape(68, 40, 50)


def by_period(period, key, labels=None, reducer="mean", of=lambda v: numpy.nanmean(v, 0)):
    def made(d):
        cube = call("aggregate_temporal_period", data=cloudless(), period=period, reducer=graph_of(call(reducer, data=DATA)))
        keys = [key(pandas.Timestamp(day)) for day in d.l.days]
        n = clear_ndvi(d.l)
        every = labels(keys)
        want = numpy.array([of(n[[k == e for k in keys]]) if e in keys else numpy.full(n.shape[1:], NAN) for e in every])
        return cube, want, {"t": every}
    return made


MONTHS = [f"{2015 + m // 12}-{m % 12 + 1:02}" for m in range(6, 36)]


@workflow()
def monthly_means(d):
    return by_period("month", lambda t: t.strftime("%Y-%m"), lambda keys: MONTHS)(d)


@workflow()
def dekad_maxima(d):
    def key(t):
        return f"{t.year}-{(t.month - 1) * 3 + min((t.day - 1) // 10, 2) + 1:02}"

    def every(keys):
        return [f"{y}-{k:02}" for y in (2015, 2016, 2017) for k in range(1, 37) if keys[0] <= f"{y}-{k:02}" <= keys[-1]]
    return by_period("dekad", key, every, "max", lambda v: numpy.nanmax(v, 0))(d)


@workflow()
def medians_of_seasons(d):
    """A winter belongs to the year of its December."""
    def key(t):
        year = t.year - (t.month < 3)
        return f"{year}-{['djf', 'mam', 'jja', 'son'][t.month % 12 // 3]}"

    def every(keys):
        return list(dict.fromkeys(key(t) for t in pandas.date_range(d.l.days[0], d.l.days[-1], freq="D")))
    return by_period("season", key, every, "median", lambda v: numpy.nanmedian(v, 0))(d)


@workflow()
def growing_seasons(d):
    """Sums over intervals with names."""
    intervals = [["2015-04-01", "2015-10-01"], ["2016-04-01", "2016-10-01"], ["2017-04-01", "2017-10-01"]]
    cube = call("aggregate_temporal", data=cloudless(), intervals=intervals, labels=["first", "second", "third"],
                reducer=graph_of(call("sum", data=DATA)))
    n = clear_ndvi(d.l)
    sums = [n[(d.l.days >= numpy.datetime64(a)) & (d.l.days < numpy.datetime64(b))] for a, b in intervals]
    return cube, [numpy.where(numpy.isnan(s).all(0), NAN, numpy.nansum(s, 0)) for s in sums], {"t": ["first", "second", "third"]}


@workflow()
def anomalies_of_months(d):
    """Each month against the mean of all dates of this month in both years."""
    cube = cloudless(["2016-01-01", "2018-01-01"])
    normal = call("climatological_normal", data=cube, period="month", climatology_period=[2016, 2017])
    months = call("aggregate_temporal_period", data=cube, period="month", reducer=graph_of(call("mean", data=DATA)))
    n = clear_ndvi(d.l)
    key = d.l.days.astype("datetime64[M]").astype(int) - 46 * 12
    want = [numpy.nanmean(n[key == m], 0) - numpy.nanmean(n[(key >= 0) & (key % 12 == m % 12)], 0) for m in range(24)]
    return call("anomaly", data=months, normals=normal, period="month"), want, {"t": [f"{2016 + m // 12}-{m % 12 + 1:02}" for m in range(24)]}


@workflow()
def cumulative_greenness(d):
    cube = along(cloudless(["2016-03-01", "2016-11-01"]), "t", call("cumsum", data=DATA))
    n = clear_ndvi(d.l)[(d.l.days >= numpy.datetime64("2016-03-01")) & (d.l.days < numpy.datetime64("2016-11-01"))]
    return cube, numpy.where(numpy.isnan(n), NAN, numpy.nancumsum(n, 0))


SUMMER = ["2016-02-01", "2016-12-01"]


def summer(d):
    some = (d.l.days >= numpy.datetime64(SUMMER[0])) & (d.l.days < numpy.datetime64(SUMMER[1]))
    return clear_ndvi(d.l)[some], ((d.l.days[some] - numpy.datetime64("2016-01-01")) / numpy.timedelta64(1, "D"))


def day_number():
    return call("date_difference", date1="2016-01-01T00:00:00Z", date2=parameter("label"), unit="day")


def days_of_clear():
    """The days of the year that have data."""
    return each(DATA, call("if", value=call("is_valid", x=X), accept=day_number()))


@workflow("y x")
def start_of_season(d):
    """The number of the first date on which NDVI exceeds 0.5."""
    n, _ = summer(d)
    green = each(DATA, call("gt", x=X, y=0.5))
    rank = (n > 0.5).argmax(0)
    return reduce(cloudless(SUMMER), "t", call("array_find", data=green, value=True)), numpy.where((n > 0.5).any(0), rank, NAN)


@workflow("y x")
def day_of_the_maximum(d):
    """Callbacks in callbacks; the inner one sees the array of the outer."""
    n, days = summer(d)
    highest = call("eq", x=X, y=call("max", data=DATA))
    day = each(DATA, call("if", value=highest, accept=day_number()))
    rank = numpy.where(numpy.isnan(n), -2, n).argmax(0)
    return reduce(cloudless(SUMMER), "t", call("first", data=day)), numpy.where(numpy.isnan(n).all(0), NAN, days[rank])


@workflow("y x", rtol=2e-4, atol=1e-7)
def linear_trend(d):
    """The slope of a line through the clear dates, by its formula: sums over x - mean(x)."""
    from_mean = each(DATA, multiply(subtract(X, call("mean", data=DATA)), day_number()))
    squares = each(days_of_clear(), multiply(subtract(X, call("mean", data=days_of_clear())), X))
    graph = divide(call("sum", data=from_mean), call("sum", data=squares))
    n, days = summer(d)
    t = numpy.where(numpy.isnan(n), NAN, days[:, None, None])
    want = numpy.nansum((n - numpy.nanmean(n, 0)) * t, 0) / numpy.nansum((t - numpy.nanmean(t, 0)) * t, 0)
    return reduce(cloudless(SUMMER), "t", graph), want


@workflow()
def standard_scores(d):
    n, _ = summer(d)
    score = each(DATA, divide(subtract(X, call("mean", data=DATA)), call("sd", data=DATA)))
    return along(cloudless(SUMMER), "t", score), (n - numpy.nanmean(n, 0)) / numpy.nanstd(n, 0, ddof=1)


@workflow()
def change_since_the_date_before(d):
    before = call("array_element", data=DATA, index=call("max", data=[subtract(parameter("index"), 1), 0]), return_nodata=True)
    n, _ = summer(d)
    return (along(cloudless(SUMMER), "t", each(DATA, subtract(X, before))), n - numpy.concatenate([n[:1], n[:-1]]))


@workflow("t y x")
def smallest_three(d):
    n, _ = summer(d)
    ordered = call("sort", data=DATA, nodata=True)
    three = call("array_create", data=[call("array_element", data=ordered, index=i) for i in range(3)])
    return along(cloudless(SUMMER), "t", three), numpy.sort(n, 0)[:3]


@workflow("bands y x")
def amplitude(d):
    n, _ = summer(d)
    both = call("extrema", data=DATA)
    low, high = (call("array_element", data=both, index=i) for i in (0, 1))
    cube = along(cloudless(SUMMER), "t", call("array_concat", array1=both, array2=[subtract(high, low)]), target_dimension="bands")
    low, high = numpy.nanmin(n, 0), numpy.nanmax(n, 0)
    return cube, [low, high, high - low]


# ---- radar, and both together ----


@workflow("bands y x", rtol=1e-5)
def radar_statistics(d):
    """Decibels averaged as power, and statistics of the year as bands."""
    power = apply(load("togo-s1", ["VV", "VH"]), call("power", base=10, p=divide(X, 10)))
    mean = apply(reduce(power, "t", call("mean", data=DATA)), multiply(10, call("log", x=X, base=10)))
    p = 10 ** (d.s1.values / 10)
    return mean, 10 * numpy.log10(p.mean(0)), {"bands": ["VV", "VH"]}


@workflow("bands y x")
def features_of_both_sensors(d):
    """The ratio of polarisations and an optical index, merged as bands, over the dry season."""
    season = ["2019-11-01", "2020-02-01"]
    ratio = reduce(load("togo-s1", dates=season), "bands", subtract(band("VH"), band("VV")))
    ndvi = reduce(load("togo-s2", dates=season), "bands", difference(band("B8"), band("B4")))
    ratio, ndvi = (call("add_dimension", data=c, name="bands", label=name, type="bands") for c, name in ((ratio, "ratio"), (ndvi, "NDVI")))
    both = reduce(merge(ratio, ndvi), "t", call("mean", data=DATA))
    some = slice(9, 12)
    return (both, [(d.s1["VH"] - d.s1["VV"])[some].mean(0), index_of(d.s2["B8"], d.s2["B4"])[some].mean(0)], {"bands": ["ratio", "NDVI"]})


@workflow("y x")
def burn_severity(d):
    """dNBR between two seasons in the classes of EFFIS."""
    nbr = reduce(load("togo-s2", ["B8", "B12"]), "bands", difference(band("B8"), band("B12")))
    before, after = (reduce(call("filter_temporal", data=nbr, extent=e), "t", call("mean", data=DATA))
                     for e in (["2019-09-01", "2019-11-01"], ["2019-12-01", "2020-02-01"]))
    steps = [0.02, 0.05, 0.1, 0.27]
    classes = call("sum", data=[call("if", value=call("gt", x=X, y=s), accept=1, reject=0) for s in steps])
    n = index_of(d.s2["B8"], d.s2["B12"])
    change = n[7:9].mean(0) - n[10:12].mean(0)
    return apply(merge(before, after, subtract(X, Y)), classes), sum((change > s).astype(float) for s in steps)


@workflow("t y x", rtol=1e-5, atol=1e-5)
def optical_where_radar_is_dry(d):
    """A mask from one sensor on another, and a merge whose overlap takes the larger."""
    dry = apply(reduce(load("togo-s1", ["VH"]), "bands", band("VH")), call("gt", x=X, y=-20))
    moist = reduce(load("togo-s2", ["B8", "B11"]), "bands", difference(band("B8"), band("B11")))
    green = reduce(load("togo-s2", ["B4", "B8"]), "bands", difference(band("B8"), band("B4")))
    cube = merge(call("mask", data=moist, mask=dry, replacement=-1), green, call("max", data=[X, Y]))
    m = numpy.where(d.s1["VH"] > -20, -1, index_of(d.s2["B8"], d.s2["B11"]))
    return cube, numpy.fmax(m, index_of(d.s2["B8"], d.s2["B4"]))


# ---- pictures ----


def test_picture_in_true_colour(data):
    cube = reduce(load("zagreb", ["B04", "B03", "B02"], ["2023-08-13", "2023-08-14"]), "t", call("first", data=DATA))
    cube = apply(cube, call("linear_scale_range", x=X, inputMin=100, inputMax=2500, outputMin=0, outputMax=255))
    answer = computed(data, graph_of(call("save_result", data=cube, format="PNG")))
    with rasterio.MemoryFile(answer.content) as memory, memory.open() as file:
        got = file.read().astype(float)
    want = numpy.clip((data.z.values[1, [2, 1, 0]] - 100) / 2400, 0, 1) * 255
    known = numpy.isfinite(want)
    assert (numpy.abs(got[:3] - want)[known] <= 0.5001).all()
    if len(got) == 4:
        assert (got[3] == 255 * known.all(0)).all()
