"""Processes on cubes against plain arithmetic on the numbers of made-up scenes."""
import json
import subprocess
from datetime import datetime, timezone

import numpy
import pytest

from conftest import BINARY
from test_random_graphs import H, W, write_scene


def run(folder, tmp_path, nodes):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"process_graph": nodes}))
    return subprocess.run([str(BINARY), "run", str(path), "--from", str(folder), "--output", str(tmp_path / "out")],
                          capture_output=True, text=True, timeout=120)


def load(**more):
    return {"load": {"process_id": "load_collection",
                     "arguments": {"id": "made", "spatial_extent": None, "temporal_extent": None, **more}}}


def node(process, data="load", **arguments):
    return {"process_id": process, "arguments": {"data": {"from_node": data}, **arguments}}


def cube_of(folder, tmp_path, nodes):
    """The cube of the last node: values, NaN for no-data."""
    nodes = {**nodes, "save": {**node("save_result", list(nodes)[-1], format="JSON"), "result": True}}
    done = run(folder, tmp_path, nodes)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "save.json").read_text())
    return numpy.array(result["data"], float), result


def value_of(folder, tmp_path, nodes):
    nodes[list(nodes)[-1]]["result"] = True
    done = run(folder, tmp_path, nodes)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["value"]


@pytest.fixture(scope="module")
def months(tmp_path_factory):
    """A scene on the 10th of each month from November 2019 to December 2021: band A is the number of
    the month since then + 1, everywhere."""
    folder = tmp_path_factory.mktemp("months")
    dates = [datetime(2019 + (10 + i) // 12, (10 + i) % 12 + 1, 10, 12, tzinfo=timezone.utc) for i in range(26)]
    for i, date in enumerate(dates):
        values = {b: [[i + 1] * W] * H for b in "ABC"}
        write_scene(folder, i, date.strftime("%Y-%m-%dT%H:%M:%SZ"), values)
    return folder, dates


def mean_where(dates, condition):
    return numpy.mean([i + 1 for i, d in enumerate(dates) if condition(d)])


@pytest.mark.parametrize("start, december", [("2019-11-01", True), ("2020-01-01", False)])
def test_normals_of_seasons(months, tmp_path, start, december):
    """A winter that begins before the first year counts only when its December is there."""
    folder, dates = months
    nodes = {**load(temporal_extent=[start, "2022-01-01"], bands=["A"]),
             "n": node("climatological_normal", period="season", climatology_period=[2020, 2021])}
    got, result = cube_of(folder, tmp_path, nodes)
    assert result["dims"] == ["t", "bands", "y", "x"] or set(result["dims"]) == {"t", "bands", "y", "x"}
    winter = [d for d in dates if d.strftime("%Y-%m") in ("2020-12", "2021-01", "2021-02")]
    if december:
        winter += [d for d in dates if d.strftime("%Y-%m") in ("2019-12", "2020-01", "2020-02")]
    want = [mean_where(dates, lambda d: d in winter)]
    want += [mean_where(dates, lambda d, m=m: d.month in m and d.year in (2020, 2021)) for m in ((3, 4, 5), (6, 7, 8), (9, 10, 11))]
    assert got.reshape(4, -1)[:, 0] == pytest.approx(want)


def test_normals_of_wet_seasons_and_days(months, tmp_path):
    folder, dates = months
    nodes = {**load(bands=["A"]), "n": node("climatological_normal", period="tropical-season", climatology_period=[2020, 2021])}
    got, _ = cube_of(folder, tmp_path, nodes)
    assert got.reshape(2, -1)[:, 0] == pytest.approx([
        mean_where(dates, lambda d: (2019, 11) <= (d.year, d.month) <= (2021, 4) and d.month in (11, 12, 1, 2, 3, 4)),
        mean_where(dates, lambda d: d.year in (2020, 2021) and 5 <= d.month <= 10)])
    nodes["n"]["arguments"]["period"] = "day"
    got, _ = cube_of(folder, tmp_path, nodes)
    days = got.reshape(365, -1)[:, 0]
    known = {d.timetuple().tm_yday - (1 if d.year == 2020 and d.month > 2 else 0) for d in dates if d.year > 2019}
    assert {i + 1 for i in range(365) if not numpy.isnan(days[i])} == known
    assert days[99] == pytest.approx(mean_where(dates, lambda d: d.year in (2020, 2021) and d.month == 4))


def test_dimension_labels_are_arguments(months, tmp_path):
    """What the catalogue answered can be computed with."""
    folder, _ = months
    nodes = {**load(temporal_extent=["2020-03-01", "2020-06-01"]), "l": node("dimension_labels", dimension="t")}
    assert value_of(folder, tmp_path, nodes) == ["2020-03-10T12:00:00Z", "2020-04-10T12:00:00Z", "2020-05-10T12:00:00Z"]
    nodes = {**load(), "l": node("dimension_labels", dimension="y")}
    assert value_of(folder, tmp_path, nodes) == [5100000 - 5 - 10 * i for i in range(H)]
    nodes = {**load(bands=["A"]), "l": node("dimension_labels", dimension="t"),
             "e": node("array_element", "l", index=3),
             "s": {"process_id": "date_shift", "arguments": {"date": {"from_node": "e"}, "value": 1, "unit": "month"}},
             "f": node("filter_temporal", extent=[{"from_node": "e"}, {"from_node": "s"}])}
    got, _ = cube_of(folder, tmp_path, nodes)
    assert got.shape == (1, 1, H, W) and (got == 4).all()


def test_empty_cube_takes_the_shape_of_another(months, tmp_path):
    folder, _ = months
    nodes = {**load(temporal_extent=["2020-03-01", "2020-04-01"], bands=["A"]),
             "c": {"process_id": "create_data_cube", "arguments": {}},
             "b": node("add_dimension", "c", name="bands", label="Z", type="bands"),
             "m": {"process_id": "merge_cubes", "arguments": {"cube1": {"from_node": "b"}, "cube2": {"from_node": "load"}}}}
    got, result = cube_of(folder, tmp_path, nodes)
    assert result["dims"] == ["bands", "t", "y", "x"]
    assert numpy.isnan(got[0]).all() and (got[1] == 5).all()


def test_inspect_tells_and_passes_on(months, tmp_path):
    folder, _ = months
    nodes = {**load(temporal_extent=["2020-03-01", "2020-04-01"], bands=["A"]), "i": node("inspect", message="here it is"),
             "side": node("inspect", message="not seen by the result", level="warning")}
    nodes = {**nodes, "save": {**node("save_result", "i", format="JSON"), "result": True}}
    done = run(folder, tmp_path, nodes)
    assert done.returncode == 0, done.stderr
    assert "here it is" in done.stderr and "not seen by the result" in done.stderr
    assert "2020-03-10T12:00:00Z" in done.stderr


ERRORS = [
    (node("aggregate_temporal", intervals=[["2020-01-01", "2020-01-01"]]), "reducer", "It is '2020-01-01' to '2020-01-01'"),
    (node("aggregate_temporal", intervals=[["2020-01-01", "2020-02-01"], ["2020-01-01", "2020-03-01"]]), "reducer",
     "There are two '2020-01-01'"),
    (node("aggregate_temporal", intervals=[["2020-01-01", "06:00:00"]]), "reducer", "no interval"),
    (node("aggregate_temporal", intervals=[["2020-01-01", "2020-02-01"]], labels=["a", "b"]), "reducer", "2 labels and 1 intervals"),
    (node("aggregate_temporal_period", period="month", dimension="bands"), "reducer", "no temporal dimension"),
    (node("aggregate_temporal_period", period="century"), "reducer", "'decade-ad'"),
    (node("dimension_labels", dimension="z"), None, "There is no dimension 'z'"),
    (node("filter_labels", dimension="z"), "condition", "There is no dimension 'z'"),
    (node("filter_labels", dimension="t"), "condition", "must give a boolean"),
    (node("flatten_dimensions", dimensions=["t", "bands"], target_dimension="x"), None, "It is 'x'"),
    (node("unflatten_dimension", dimension="bands", target_dimensions=["p", "q"]), None, "has 1 parts, expected 2"),
    (node("anomaly", normals={"from_node": "load"}, period="month"), None, "is none of the period 'month'"),
    (node("resample_cube_temporal", target={"from_node": "load"}, dimension="bands"), None, "is not temporal in both"),
    (node("climatological_normal", period="month", climatology_period=[2021, 2020]), None, "expected two years"),
]


@pytest.mark.parametrize("one, callback, message", ERRORS)
def test_errors(months, tmp_path, one, callback, message):
    folder, _ = months
    one = json.loads(json.dumps(one))
    if callback:
        of = {"data": {"from_parameter": "data"}} if callback == "reducer" else {"data": [{"from_parameter": "value"}]}
        one["arguments"][callback] = {"process_graph": {"r": {"process_id": "first", "arguments": of, "result": True}}}
    one["result"] = True
    done = run(folder, tmp_path, {**load(), "one": one})
    assert done.returncode != 0 and message in done.stderr, done.stderr
