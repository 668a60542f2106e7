"""How published process graphs deviate from the definitions: what is always taken, with a line in the log, and what only the
dialect of the Copernicus Data Space takes."""
import json
import subprocess
import time

import numpy
import pytest
from conftest import BINARY
from rasterio.transform import from_origin
from real_scenes import (DATA, X, Y, along, apply, band, call, divide, each, graph_of, load, merge, reduce, subtract, write_item)

DATES = [f"2023-05-0{d}T10:00:00Z" for d in (1, 4, 7)]


@pytest.fixture(scope="module")
def data(service, tmp_path_factory):
    """Three dates of the bands A and B, and of a class C, 3 x 2 pixels."""
    folder = tmp_path_factory.mktemp("dialect")
    folder.chmod(0o755)
    values = numpy.arange(1, 1 + 3 * 3 * 6, dtype="uint16").reshape(3, 3, 2, 3) ** 2 % 97 + 1
    values[:, 2] %= 3
    values[:, 2] += 1
    for date, bands in zip(DATES, values):
        write_item(folder, "dialect", "D" + date[8:10], date, from_origin(500000, 5100000, 10, 10), 32633, dict(zip("ABC", bands)), nodata=0)
    service.command("catalog", "import", folder)
    with service.session("alice") as session:
        yield service, session, values.astype(float)


def api(service, path):
    return service.base + "/openeo/1.2" + path


def asked(data, cube, **more):
    service, session, _ = data
    graph = graph_of(call("save_result", data=cube, format="JSON"))
    return session.post(api(service, "/result"), json={"process": graph, **more}, timeout=60)


def by_job(data, cube, **more):
    """The result of a job, and what its log says."""
    service, session, _ = data
    graph = graph_of(call("save_result", data=cube, format="JSON"))
    answer = session.post(api(service, "/jobs"), json={"process": graph, **more}, timeout=30)
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]
    assert session.post(job + "/results", timeout=30).status_code == 202
    end = time.time() + 60
    while session.get(job, timeout=30).json()["status"] in ("queued", "running") and time.time() < end:
        time.sleep(0.05)
    lines = session.get(job + "/logs?level=debug", timeout=30).json()["logs"]
    asset, = [a for a in session.get(job + "/results", timeout=30).json()["assets"].values() if a["type"] == "application/json"]
    result = session.get(asset["href"], timeout=30).json()
    session.delete(job, timeout=30)
    return result, [line["message"] for line in lines]


def mean(data=DATA):
    return call("mean", data=data)


def median_over_t(bands):
    return reduce(load("dialect", bands), "t", call("median", data=DATA))


TAKEN = {
    "one value in apply_dimension": (
        lambda: along(load("dialect", ["A", "B"]), "t", mean()), "gives one value",
        lambda v: v[:, :2].mean(0)[None], "t bands y x"),
    "a process for one value on an array": (
        lambda: along(load("dialect", ["A"]), "t", subtract(DATA, call("median", data=DATA))), "applied to each element",
        lambda v: v[:, :1] - numpy.median(v[:, :1], 0), "t bands y x"),
    "two arrays one by one": (
        lambda: along(load("dialect", ["A"]), "t", divide(DATA, each(DATA, call("add", x=X, y=1)))), "applied to each element",
        lambda v: v[:, :1] / (v[:, :1] + 1), "t bands y x"),
    "a comparison of an array": (
        lambda: reduce(load("dialect", ["A"]), "t", call("any", data=call("eq", x=DATA, y=50))), "applied to each element",
        lambda v: (v[:, :1] == 50).any(0), "bands y x"),
    "a target dimension with several labels": (
        lambda: along(load("dialect", ["A", "B"]), "t", call("quantiles", data=DATA, probabilities=[0.25, 0.75]), target_dimension="bands"),
        "has 2 labels, expected one",
        lambda v: numpy.quantile(v[:, :2], [0.25, 0.75], 0).swapaxes(0, 1).reshape(4, 2, 3), "bands y x"),
    "a dimension with one label that the other cube lacks": (
        lambda: merge(load("dialect", ["A"]), reduce(load("dialect", ["B"]), "bands", band("B")), subtract(X, Y)), None,
        lambda v: (v[:, 0] - v[:, 1])[:, None], "t bands y x"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_always_taken(data, name):
    cube, notice, want, dims = TAKEN[name]
    result, lines = by_job(data, cube())
    assert sorted(result["dims"]) == sorted(dims.split())
    got = numpy.array(result["data"], float).transpose([result["dims"].index(d) for d in dims.split()])
    numpy.testing.assert_allclose(got, want(data[2]), rtol=1e-6)
    if notice:
        assert [line for line in lines if notice in line], lines


def renamed():
    return call("rename_labels", data=median_over_t(["A", "B"]), dimension="bands", target=["one", "two"])


def class_mask(keep_bands):
    mask = apply(load("dialect", ["C"]), call("eq", x=X, y=2))
    return mask if keep_bands else reduce(load("dialect", ["C"]), "bands", call("eq", x=band("C"), y=2))


def masked_bands():
    return call("mask", data=load("dialect", ["A", "B"]), mask=class_mask(True))


def masked_without():
    return call("mask", data=reduce(load("dialect", ["A", "B"]), "bands", subtract(band("A"), band("B"))), mask=class_mask(True))


DEVIATIONS = {
    "labels renamed by position": (renamed, "LabelsNotEnumerated", "replaced by their positions",
                                   lambda v: numpy.median(v[:, :2], 0), "bands y x"),
    "one band of a mask for all bands": (masked_bands, "IncompatibleDataCubes", "taken for all of them",
                                         lambda v: numpy.where(v[:, 2:] == 2, numpy.nan, v[:, :2]), "t bands y x"),
    "one band of a mask for none": (masked_without, "IncompatibleDataCubes", "taken for all of them",
                                    lambda v: numpy.where(v[:, 2] == 2, numpy.nan, v[:, 0] - v[:, 1]), "t y x"),
}


@pytest.mark.parametrize("name", DEVIATIONS)
def test_what_cdse_takes(data, name):
    cube, code, notice, want, dims = DEVIATIONS[name]
    for refused in asked(data, cube()), asked(data, cube(), dialect="openeo"):
        assert (refused.status_code, refused.json()["code"]) == (400, code), refused.text
    result, lines = by_job(data, cube(), job_options={"dialect": "cdse"})
    answer = asked(data, cube(), dialect="cdse")
    assert answer.status_code == 200 and answer.json() == result, answer.text
    got = numpy.array(result["data"], float).transpose([result["dims"].index(d) for d in dims.split()])
    numpy.testing.assert_allclose(got, want(data[2]), rtol=1e-6)
    assert [line for line in lines if notice in line], lines
    if name.startswith("labels"):
        assert result["labels"]["bands"] == ["one", "two"]


@pytest.mark.parametrize("options, place", [({"dialect": "french"}, "/dialect: expected openeo or cdse, found"),
                                            ({"job_options": {"dialect": 3}}, "/job_options/dialect: expected openeo or cdse"),
                                            ({"job_options": {"dialect": "x"}}, "/job_options/dialect: expected openeo or cdse")])
def test_unknown_dialects(data, options, place):
    refused = asked(data, renamed(), **options)
    assert refused.status_code == 400 and place in refused.json()["message"], refused.text


def test_a_job_keeps_its_dialect(data):
    """PATCH with another process checks it in the job's dialect, or in the one that it names."""
    service, session, _ = data
    plain = graph_of(call("save_result", data=median_over_t(["A"]), format="JSON"))
    odd = graph_of(call("save_result", data=renamed(), format="JSON"))
    job = session.post(api(service, "/jobs"), json={"process": plain}, timeout=30).headers["Location"]
    assert session.patch(job, json={"process": odd}, timeout=30).status_code == 400
    assert session.patch(job, json={"process": odd, "dialect": "cdse"}, timeout=30).status_code == 204
    assert session.patch(job, json={"process": odd}, timeout=30).status_code == 204
    assert session.get(job + "/estimate", timeout=30).status_code == 200
    assert session.patch(job, json={"process": odd, "dialect": "openeo"}, timeout=30).status_code == 400
    session.delete(job, timeout=30)


@pytest.mark.parametrize("log_level, kept", [(None, ["info", "warning"]), ("debug", ["debug", "info", "warning"]), ("warning", ["warning"]),
                                             ("error", [])])
def test_a_log_keeps_what_the_job_wants(data, log_level, kept):
    """What is less severe is not stored at all."""
    cube = median_over_t(["A"])
    for level in "debug", "info", "warning":
        cube = call("inspect", data=cube, message=f"{level} is inspected", level=level)
    _, lines = by_job(data, cube, **({"log_level": log_level} if log_level else {}))
    assert sorted(line.split()[0] for line in lines if "is inspected" in line) == kept


def test_the_servers_default(make_service, tmp_path):
    """Also of `sentier run`, and of what is validated."""
    label = call("add_dimension", data=call("create_data_cube"), name="bands", label="B1", type="bands")
    process = graph_of(call("rename_labels", data=label, dimension="bands", target=["one"]))
    service = make_service("jobs.dialect=cdse")
    service.add_user("alice")
    with service.session("alice") as session:
        def errors():
            return session.post(api(service, "/validation"), json=process, timeout=30).json()["errors"]

        assert errors() == []
        assert session.post(api(service, "/jobs"), json={"process": process}, timeout=30).status_code == 201
        refused = session.post(api(service, "/jobs"), json={"process": process, "dialect": "openeo"}, timeout=30)
        assert refused.json()["code"] == "LabelsNotEnumerated"
    (tmp_path / "graph.json").write_text(json.dumps(process))
    for setting, expected in ("cdse", ""), ("openeo", "Labels can be replaced by position only"), ("french", "jobs.dialect: expected openeo or cdse"):
        done = subprocess.run([str(BINARY), "run", str(tmp_path / "graph.json"), "--output", str(tmp_path), "--set", f"jobs.dialect={setting}"],
                              capture_output=True, text=True, timeout=60)
        assert expected in done.stderr and (done.returncode == 0) == (not expected), done.stderr
