"""fit_curve and predict_curve against SciPy's curve_fit and NumPy's lstsq, pixel by pixel."""
from datetime import datetime, timedelta, timezone

import numpy
import pytest
import scipy.optimize

from test_cubes import cube_of, load, node, run
from test_random_graphs import H, W, write_scene

YEAR = 31557600


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """Thirty dates of two years: A a wave over a year, B a growth to a limit, both with noise and gaps. One pixel has two
    values, one none."""
    folder = tmp_path_factory.mktemp("season")
    r = numpy.random.default_rng(6)
    dates = [datetime(2021, 1, 5, 10, tzinfo=timezone.utc) + timedelta(days=int(d)) for d in sorted(r.choice(730, 30, replace=False))]
    x = numpy.array([d.timestamp() for d in dates])
    wave = 2 * numpy.pi * x / YEAR
    base, size = r.uniform(2000, 4000, (H, W)), r.uniform(200, 900, (H, W))
    phase, speed = r.uniform(0, 6, (H, W)), r.uniform(2, 8, (H, W))
    years = (x - x[0]) / YEAR
    a = base + size * numpy.cos(wave[:, None, None] + phase) + r.normal(0, 20, (30, H, W))
    b = base * (1 - numpy.exp(-speed * years[:, None, None])) + 50 + r.normal(0, 20, (30, H, W))
    missing = r.random((30, H, W)) < 0.3
    missing[2:, 0, 1] = True
    missing[:, 0, 2] = True
    for i, date in enumerate(dates):
        write_scene(folder, i, date.strftime("%Y-%m-%dT%H:%M:%SZ"), {
            k: numpy.where(missing[i], 0, numpy.maximum(1, v[i])) for k, v in (("A", a), ("B", b), ("C", b * 0))})
    return folder, x, {k: numpy.where(missing, numpy.nan, numpy.maximum(1, v).astype("uint16").astype(float)) for k, v in (("A", a), ("B", b))}


def op(process, x, y):
    return {"process_id": process, "arguments": {"x": x, "y": y}}


def of(name):
    return {"from_node": name}


def element(i):
    return {"process_id": "array_element", "arguments": {"data": {"from_parameter": "parameters"}, "index": i}}


X = {"from_parameter": "x"}


def model(**nodes):
    nodes[list(nodes)[-1]]["result"] = True
    return {"process_graph": nodes}


WAVE = model(p0=element(0), p1=element(1), p2=element(2), w=op("multiply", X, 2 * numpy.pi / YEAR),
             c={"process_id": "cos", "arguments": {"x": of("w")}}, s={"process_id": "sin", "arguments": {"x": of("w")}},
             a=op("multiply", of("p1"), of("c")), b=op("multiply", of("p2"), of("s")),
             sum={"process_id": "sum", "arguments": {"data": [of("p0"), of("a"), of("b")]}})


def growth(start):
    """p0 * (1 - exp(-p1 * years))"""
    return model(p0=element(0), p1=element(1), t=op("subtract", X, start), y=op("divide", of("t"), YEAR), m=op("multiply", of("y"), of("p1")),
                 n=op("multiply", of("m"), -1), e={"process_id": "exp", "arguments": {"p": of("n")}}, o=op("subtract", 1, of("e")),
                 r=op("multiply", of("p0"), of("o")))


def fit(function, parameters, **more):
    process = {"process_graph": {"f": {"process_id": "fit_curve", "arguments": {
        "data": {"from_parameter": "data"}, "parameters": parameters, "function": function, **more}, "result": True}}}
    return along("t", process, target_dimension="parameter")


def along(dimension, process, **more):
    return {"process_id": "apply_dimension", "arguments": {"data": of("load"), "dimension": dimension, "process": process, **more}}


def parameters_of(season, tmp_path, band, *arguments, **more):
    got, result = cube_of(season[0], tmp_path, {**load(bands=[band]), "f": fit(*arguments, **more)})
    order = [result["dims"].index(d) for d in ("parameter", "bands", "y", "x")]
    return got.transpose(order)[:, 0]


def expected(season, band, function, start):
    want = numpy.full((len(start), H, W), numpy.nan)
    for at in numpy.ndindex(H, W):
        y = season[2][band][(slice(None), *at)]
        there = numpy.isfinite(y)
        if there.sum() >= len(start):
            want[(slice(None), *at)] = scipy.optimize.curve_fit(function, season[1][there], y[there], start, xtol=1e-14, ftol=1e-14)[0]
    return want


def test_waves(season, tmp_path):
    """A model that is linear in its parameters: the one solution."""
    got = parameters_of(season, tmp_path, "A", WAVE, [1, 1, 1])
    w = 2 * numpy.pi * season[1] / YEAR
    design = numpy.stack([numpy.ones_like(w), numpy.cos(w), numpy.sin(w)], 1)
    for at in numpy.ndindex(H, W):
        y = season[2]["A"][(slice(None), *at)]
        there = numpy.isfinite(y)
        if there.sum() < 3:
            assert numpy.isnan(got[(slice(None), *at)]).all()
        else:
            want = numpy.linalg.lstsq(design[there], y[there], rcond=None)[0]
            assert numpy.abs(got[(slice(None), *at)] - want).max() < 1e-9 * numpy.abs(want).max()
    assert numpy.isnan(got).sum() == 6


def test_growth(season, tmp_path):
    """A model that is not linear, from a guess that is far away."""
    x0 = season[1][0]
    got = parameters_of(season, tmp_path, "B", growth(x0), [1000, 1])
    want = expected(season, "B", lambda x, a, b: a * (1 - numpy.exp(-b * (x - x0) / YEAR)), [1000, 1])
    there = numpy.isfinite(want).all(0) & (numpy.isfinite(season[2]["B"]).sum(0) > 2)
    assert there.sum() == H * W - 2
    assert got[:, there] == pytest.approx(want[:, there], rel=1e-5)


def test_no_data_may_count(season, tmp_path):
    got = parameters_of(season, tmp_path, "A", WAVE, [1, 1, 1], ignore_nodata=False)
    whole = numpy.isfinite(season[2]["A"]).all(0)
    assert (numpy.isfinite(got) == whole).all()


def test_parameters_that_nothing_settles(season, tmp_path):
    """Two of which only the sum counts."""
    double = model(a=element(0), b=element(1), s=op("add", of("a"), of("b")))
    assert numpy.isnan(parameters_of(season, tmp_path, "A", double, [1, 2])).all()


@pytest.mark.parametrize("dimension", ["parameter", "t"])
def test_predictions(season, tmp_path, dimension):
    """At new dates, in the place of the parameters."""
    labels = ["2023-03-01", "2023-06-01T12:00:00Z"]
    nodes = {**load(bands=["A"]), "f": fit(WAVE, [1, 1, 1]),
             "p": {"process_id": "predict_curve", "arguments": {"parameters": of("f"), "function": WAVE, "dimension": dimension, "labels": labels}}}
    got, result = cube_of(season[0], tmp_path, nodes)
    assert result["labels"][dimension] == labels
    order = [result["dims"].index(d) for d in (dimension, "bands", "y", "x")]
    times = numpy.array([datetime(2023, 3, 1, tzinfo=timezone.utc).timestamp(), datetime(2023, 6, 1, 12, tzinfo=timezone.utc).timestamp()])
    (tmp_path / "fit").mkdir()
    p = parameters_of(season, tmp_path / "fit", "A", WAVE, [1, 1, 1])
    w = (2 * numpy.pi * times / YEAR)[:, None, None]
    want = p[0] + p[1] * numpy.cos(w) + p[2] * numpy.sin(w)
    assert got.transpose(order)[:, 0] == pytest.approx(want, rel=1e-9, nan_ok=True)


def test_numbers_as_labels(season, tmp_path):
    line = model(a=element(0), b=element(1), m=op("multiply", of("b"), X), s=op("add", of("a"), of("m")))
    dates = [datetime.fromtimestamp(t, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for t in season[1]]
    nodes = {**load(bands=["A"]), "n": node("rename_labels", dimension="t", target=list(range(30)), source=dates), "f": fit(line, [0, 0]),
             "p": {"process_id": "predict_curve", "arguments": {"parameters": of("f"), "function": line, "dimension": "t", "labels": [40, 2.5]}}}
    nodes["f"]["arguments"]["data"] = of("n")
    got, result = cube_of(season[0], tmp_path, nodes)
    got = got.transpose([result["dims"].index(d) for d in ("t", "bands", "y", "x")])[:, 0]
    y = season[2]["A"][:, 1, 1]
    there = numpy.isfinite(y)
    assert got[:, 1, 1] == pytest.approx(numpy.polyval(numpy.polyfit(numpy.arange(30)[there], y[there], 1), [40, 2.5]), rel=1e-9)


ERRORS = [
    (fit(WAVE, []), "minItems|at least 1|1 element"),
    (fit(WAVE, [1, "a"]), "number"),
    (fit(WAVE, [1] * 33), "at most 32 can be fitted"),
    (fit(WAVE, [1, 1]), "ArrayElementNotAvailable|has 2 elements|no element|index 2"),
    (along("bands", fit(WAVE, [1, 1, 1])["arguments"]["process"]), "neither a number nor a date"),
    ({"process_id": "predict_curve", "arguments": {"parameters": of("load"), "function": WAVE, "dimension": "t"}}, "name the labels"),
    ({"process_id": "predict_curve", "arguments": {"parameters": of("load"), "function": WAVE, "dimension": "d", "labels": [1]}}, "0 dimensions that parameters"),
    ({"process_id": "predict_curve", "arguments": {"parameters": of("load"), "function": WAVE, "dimension": "t", "labels": [1, "2020-01-01"]}},
     "either numbers or dates"),
    ({"process_id": "predict_curve", "arguments": {"parameters": of("load"), "function": WAVE, "dimension": "x", "labels": [1]}}, "not offered along 'x'"),
]


@pytest.mark.parametrize("one, message", ERRORS)
def test_errors(season, tmp_path, one, message):
    done = run(season[0], tmp_path, {**load(bands=["A"]), "one": {**one, "result": True}})
    assert done.returncode != 0 and any(m in done.stderr for m in message.split("|")), done.stderr
