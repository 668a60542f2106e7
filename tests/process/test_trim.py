"""trim_cube against NumPy: what goes at the edges and in the middle, and that tasks agree about it."""
import json
import os
import time
from pathlib import Path

import numpy
import pytest
import rasterio

from test_cubes import cube_of, load, run
from test_random_graphs import write_scene
from test_udf import node

WIDTH, HEIGHT = 1500, 90  # more than one block
DATES = ["2023-05-01T10:00:00Z", "2023-05-11T10:00:00Z", "2023-06-01T10:00:00Z", "2023-06-11T10:00:00Z"]


def write(folder, values):
    for t, date in enumerate(DATES):
        write_scene(folder, t, date, {b: values[t, i] for i, b in enumerate("ABC")}, WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """(t, bands, y, x): data in two far corners of a box, nothing in date 1 and in band B; zeros here and there."""
    folder = tmp_path_factory.mktemp("trim")
    r = numpy.random.default_rng(3)
    values = numpy.zeros((4, 3, HEIGHT, WIDTH), "uint8")
    values[0, 0, 7:40, 1300:1488] = r.integers(0, 3, (33, 188))
    values[2, 2, 50:80, 5:30] = r.integers(0, 3, (30, 25))
    values[3, 0, 45, 300] = 9
    write(folder, values)
    return folder, numpy.where(values == 0, numpy.nan, values.astype(float))


def trimmed(values, labels):
    """Of a cube whose last axes are y and x, and the labels of the others."""
    valid = ~numpy.isnan(values)
    for axis, name in enumerate(list(labels)):
        keep = valid.any(tuple(a for a in range(valid.ndim) if a != axis))
        values, valid = values.compress(keep, axis), valid.compress(keep, axis)
        labels = {**labels, name: [label for label, k in zip(labels[name], keep) if k]}
    rows, columns = (numpy.flatnonzero(valid.any(tuple(a for a in range(valid.ndim) if a != axis)))
                     for axis in (valid.ndim - 2, valid.ndim - 1))
    return values[..., rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1], labels


def compare(found, values, labels):
    (data, result), (expected, labels) = found, trimmed(values, labels)
    numpy.testing.assert_array_equal(data, expected)
    for name, names in labels.items():
        assert [label[:10] if isinstance(label, str) else label for label in result["labels"][name]] == names


DAYS = [date[:10] for date in DATES]


def bands():
    return load(bands=["A", "B", "C"])


def test_edges_and_labels(scenes, tmp_path):
    """An empty date in the middle and an empty band go, rows and columns at the edges alone; the grid moves with them."""
    compare(cube_of(scenes[0], tmp_path, {**bands(), "trim": node("trim_cube")}), scenes[1], {"t": DAYS, "bands": list("ABC")})
    done = run(scenes[0], tmp_path, {**bands(), "trim": {**node("trim_cube"), "result": True}})
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "out").glob("*.tif"))
    assert len(files) == 3
    with rasterio.open(files[0]) as file:
        assert (file.transform.c, file.transform.f) == (500000 + 50, 5100000 - 70)
        assert (file.width, file.height, file.count) == (1483, 73, 2)


def test_computed(scenes, tmp_path):
    """What a mask before it hides is gone as well, what is computed after it is made of what stayed; and twice."""
    masked = numpy.where(scenes[1] == 2, numpy.nan, scenes[1])
    masked[0] = numpy.nan
    graph = {
        **bands(),
        "late": node("filter_temporal", extent=["2023-05-02", "2023-07-01"]),
        "is2": node("apply", "late", process={"process_graph": {"e": {
            "process_id": "eq", "arguments": {"x": {"from_parameter": "x"}, "y": 2}, "result": True}}}),
        "mask": node("mask", "late", mask={"from_node": "is2"}),
        "trim": node("trim_cube", "mask"),
        "max": node("reduce_dimension", "trim", dimension="t", reducer={"process_graph": {"m": {
            "process_id": "max", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}),
        "a": node("filter_bands", "max", bands=["A"]),
        "again": node("trim_cube", "a"),
        "plus": node("apply", "again", process={"process_graph": {"p": {
            "process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": 1}, "result": True}}}),
    }
    data, result = cube_of(scenes[0], tmp_path, graph)
    assert data.shape == (1, 1, 1) and data.item() == 10 and result["labels"]["bands"] == ["A"]
    del graph["a"], graph["again"], graph["plus"]
    compare(cube_of(scenes[0], tmp_path, graph), numpy.fmax.reduce(masked), {"bands": list("ABC")})


def test_regular_numbers(scenes, tmp_path):
    """Along numbers in even steps the middle stays; what has no rows and columns has labels all the same."""
    same = {"process_graph": {"m": {"process_id": "multiply", "arguments": {"x": {"from_parameter": "data"}, "y": 1},
                                    "result": True}}}
    reduced = {**bands(), "mean": node("reduce_spatial", reducer={"process_graph": {"m": {
        "process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}), "trim": node("trim_cube", "mean")}
    data, result = cube_of(scenes[0], tmp_path, {**bands(), "n": node("apply_dimension", dimension="t", target_dimension="n",
                                                                    process=same), "trim": node("trim_cube", "n")})
    assert result["labels"]["n"] == [0, 1, 2, 3] and result["labels"]["bands"] == ["A", "C"]
    assert numpy.isnan(data.take(1, result["dims"].index("n"))).all()
    data, result = cube_of(scenes[0], tmp_path, reduced)
    assert result["labels"]["bands"] == ["A", "C"] and data.shape == (3, 2)


def test_nothing(scenes, tmp_path):
    done = run(scenes[0], tmp_path, {**load(bands=["B"]), "trim": {**node("trim_cube"), "result": True}})
    assert done.returncode == 1
    assert "No pixel of the cube is valid: of its 4 planes nothing would be left. (node 'trim', " in done.stderr


def test_vectors_are_refused(scenes, tmp_path):
    points = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [15.0, 46.0]}}
    done = run(scenes[0], tmp_path, {**bands(), "zones": node("aggregate_spatial", geometries=points, reducer={"process_graph": {
        "m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}),
        "trim": {**node("trim_cube", "zones"), "result": True}})
    assert done.returncode == 1 and "Found a vector cube, expected a raster cube. (node 'trim', " in done.stderr


def test_what_is_known_is_not_computed(tmp_path):
    """Of a date that holds something just what may lie outside of the box of all; of one that seems empty everything."""
    side, blocks = 1024, 12
    for t, date in enumerate(DATES):
        write_scene(tmp_path / "scenes", t, date, {b: numpy.full((16, side * blocks), t != 1, "uint8") for b in "ABC"}, side * blocks, 16)
    done = run(tmp_path / "scenes", tmp_path, {**load(bands=["A"]), "trim": {**node("trim_cube"), "result": True}})
    assert done.returncode == 0, done.stderr
    computed = json.loads(done.stdout)["read"]["pixels"] / (16 * side)
    survey = computed - 3 * blocks  # what is made of the three dates that stay
    # the first block of each date, the last one of any; and what is begun before they are known
    assert blocks + 3 + 1 <= survey <= blocks + 3 + 3 + os.cpu_count()


# ---- through a service ----

@pytest.fixture(scope="module")
def ann(scenes, make_service):
    """Each block is a task of its own."""
    service = make_service("jobs.task_seconds=0", "jobs.max_tasks=20", "worker.slots=2")
    service.command("catalog", "import", scenes[0])
    service.add_user("ann")
    session = service.session("ann")

    def call(method, path, **body):
        return session.request(method, service.base + "/openeo/1.2" + path, json=body or None, timeout=60)
    return service, call


def process(*names, **more):
    return {"process": {"process_graph": {**load(bands=list(names)), "trim": node("trim_cube"), "late": node(
        "filter_temporal", "trim", extent=["2023-05-20", "2023-06-05"]), "save": {**node("save_result", "late", format="GTiff"),
                                                                                "result": True}}}, **more}


def wait(call, job):
    for _ in range(600):
        now = call("GET", f"/jobs/{job}").json()
        if now["status"] in ("finished", "error"):
            return now["status"]
        time.sleep(0.1)
    raise TimeoutError(now)


def job_of(call, *names):
    job = call("POST", "/jobs", **process(*names)).headers["OpenEO-Identifier"]
    assert call("POST", f"/jobs/{job}/results").status_code == 202
    return job, wait(call, job)


def test_tasks_and_requests(scenes, ann, tmp_path):
    """All tasks of a job see what the first one saw; a synchronous request gives the same."""
    service, call = ann
    job, status = job_of(call, "A", "C")
    assert status == "finished", call("GET", f"/jobs/{job}/logs").text
    assert int(service.sql(f"SELECT n_tasks FROM jobs WHERE id = '{job}'")) == 2 + 2
    # all was looked at, then what stayed of one date was read
    pixels = call("GET", f"/jobs/{job}").json()["usage"]["input_pixel"]["value"] * 1e6
    assert round(pixels) == 4 * 2 * WIDTH * HEIGHT + 2 * 1483 * 73
    answer = call("POST", "/result", **process("A", "C"))
    assert answer.status_code == 200, answer.text
    (tmp_path / "sync.tif").write_bytes(answer.content)
    file, = (Path(service.data) / "results" / job).glob("*.tif")
    for path in (file, tmp_path / "sync.tif"):
        with rasterio.open(path) as tif:
            found = numpy.where(tif.read() == 0, numpy.nan, tif.read().astype(float))
        numpy.testing.assert_array_equal(found, scenes[1][2, [0, 2], 7:80, 5:1488])
    assert not list((Path(service.data) / "scratch").glob(f"*{job}*"))


def test_before_pixels_are_read(ann):
    """Neither validation nor an estimate looks at pixels."""
    call = ann[1]
    assert call("POST", "/validation", **process("A", "C")["process"]).json() == {"errors": []}
    job = call("POST", "/jobs", **process("A")).headers["OpenEO-Identifier"]
    answer = call("GET", f"/jobs/{job}/estimate")
    assert (answer.status_code, answer.json()["code"]) == (500, "EstimateComplexity")


def test_nothing_in_a_job(ann):
    call = ann[1]
    job, status = job_of(call, "B")
    assert status == "error"
    last = [entry for entry in call("GET", f"/jobs/{job}/logs").json()["logs"] if entry["level"] == "error"][-1]
    assert last["code"] == "DataCubeEmpty" and "No pixel of the cube is valid" in last["message"]
    assert call("POST", "/result", **process("B")).json()["code"] == "DataCubeEmpty"
