"""Users' functions over cubes (run_udf) against NumPy: where they may be called, how they may be written, and what
becomes of those that go wrong."""
import json
import os
import re
import resource
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest

from conftest import BINARY
from test_cubes import load
from test_random_graphs import write_scene

pytestmark = pytest.mark.sandbox

WIDTH, HEIGHT = 300, 40
DATES = ["2023-05-01T10:00:00Z", "2023-05-11T10:00:00Z", "2023-06-01T10:00:00Z"]
HERE = {"from_parameter": "data"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Three dates of the bands A and B (t, bands, y, x) with gaps."""
    folder = tmp_path_factory.mktemp("udf")
    r = numpy.random.default_rng(8)
    values = r.integers(0, 400, (3, 2, HEIGHT, WIDTH)).astype("uint16")
    for t, date in enumerate(DATES):
        c = r.integers(1, 6, (HEIGHT, WIDTH)).astype("uint8")
        write_scene(folder, t, date, {"A": values[t, 0], "B": values[t, 1], "C": c}, WIDTH, HEIGHT)
    return folder, numpy.where(values == 0, numpy.nan, values.astype(float))


def node(name, data="load", /, **arguments):
    return {"process_id": name, "arguments": {"data": {"from_node": data}, **arguments}}


def bands(*names):
    return load(bands=list(names or ("A", "B")))


def udf(code, data=HERE, **more):
    return {"process_id": "run_udf", "arguments": {"data": data, "udf": textwrap.dedent(code), "runtime": "Python", **more}}


def callback(code, parameter="data", **more):
    return {"process_graph": {"u": {**udf(code, {"from_parameter": parameter}, **more), "result": True}}}


def array_udf(body, before=""):
    return before + "\nimport xarray, numpy\n\ndef apply_datacube(cube: xarray.DataArray, context: dict) -> xarray.DataArray:\n" \
        + textwrap.indent(textwrap.dedent(body), "    ")


def run(scenes, tmp_path, nodes, *options, preexec_fn=None, **env):
    path = tmp_path / "graph.json"
    path.write_text(json.dumps({"process_graph": nodes}))
    return subprocess.run([str(BINARY), "run", str(path), "--from", str(scenes[0]), "--output", str(tmp_path / "out"),
                           *options], capture_output=True, text=True, timeout=300, preexec_fn=preexec_fn,
                          env={**os.environ, "SENTIER_UDF_PYTHON": sys.executable, **env})


def cube_of(scenes, tmp_path, nodes, **env):
    """The values of the last node by the names of its dimensions, and all labels."""
    nodes = {**nodes, "save": {**node("save_result", list(nodes)[-1], format="JSON"), "result": True}}
    done = run(scenes, tmp_path, nodes, **env)
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "out" / "save.json").read_text())
    return numpy.array(result["data"], float), result


def failure_of(scenes, tmp_path, nodes, **env):
    nodes = {**nodes, "save": {**node("save_result", list(nodes)[-1], format="GTiff"), "result": True}}
    done = run(scenes, tmp_path, nodes, **env)
    assert done.returncode == 1, done.stderr
    return done.stderr


# ---- where UDFs are called ----

def test_apply(scenes, tmp_path):
    """All dimensions are there, in the order that UDFs are written for; coordinates are those of the cube."""
    code = array_udf("""
        assert cube.dims == ("t", "bands", "y", "x"), cube.dims
        assert list(cube.bands.values) == ["A", "B"]
        assert str(cube.t.values[1]) == "2023-05-11T10:00:00.000000000"
        assert float(cube.y[0]) > float(cube.y[-1]) and abs(float(cube.x[1] - cube.x[0])) == 10
        print("one part", cube.shape)
        return cube * context["factor"] + (cube.x - 500005) / 10 + (5099995 - cube.y) / 1000
    """)
    values, result = cube_of(scenes, tmp_path, {**bands(), "a": node("apply", process=callback(
        code, "x", context={"from_parameter": "context"}), context={"factor": 2})})
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    numpy.testing.assert_allclose(values, scenes[1] * 2 + x + y / 100, rtol=1e-6)
    assert result["dims"] == ["t", "bands", "y", "x"] and result["labels"]["bands"] == ["A", "B"]


def test_reduce(scenes, tmp_path):
    """One of several calls, over what the callback makes; and without a dimension at all."""
    graph = callback(array_udf("return cube.max('t')"))["process_graph"]
    graph["u"]["arguments"]["data"] = {"from_node": "twice"}
    del graph["u"]["result"]
    graph["twice"] = {"process_id": "array_apply", "arguments": {"data": HERE, "process": {"process_graph": {
        "m": {"process_id": "multiply", "arguments": {"x": {"from_parameter": "x"}, "y": 2}, "result": True}}}}}
    graph["plus"] = {"process_id": "add", "arguments": {"x": {"from_node": "u"}, "y": 1}, "result": True}
    values, result = cube_of(scenes, tmp_path, {
        **bands(), "r": node("reduce_dimension", dimension="t", reducer={"process_graph": graph}),
        "s": node("reduce_dimension", "r", dimension="bands",
                  reducer=callback(array_udf("return cube.sum('bands', skipna=False, keepdims=True)")))})
    numpy.testing.assert_allclose(values, (numpy.nanmax(scenes[1], 0) * 2 + 1).sum(0), rtol=1e-6)
    assert result["dims"] == ["y", "x"]


def test_labels_change(scenes, tmp_path):
    """apply_dimension: fewer and other labels, as made-up pixels show, or as apply_metadata says."""
    code = array_udf("""
        a, b = cube.sel(bands="A", drop=True), cube.sel(bands="B", drop=True)
        return xarray.concat([(a - b) / (a + b), a * b, b], "bands").assign_coords(bands=["nd", "product", "B"])
    """)
    told = array_udf("return cube.isel(t=slice(0, 2)).assign_coords(t=['first', 'second'])", """
        from openeo.metadata import CollectionMetadata

        def apply_metadata(metadata: CollectionMetadata, context: dict) -> CollectionMetadata:
            assert metadata.band_names == ["nd", "product", "B"], metadata.band_names
            return metadata.rename_labels(dimension="bands", target=["nd", "product", "B"])
    """.replace("\n        ", "\n"))
    values, result = cube_of(scenes, tmp_path, {
        **bands(), "d": node("apply_dimension", dimension="bands", process=callback(code)),
        "e": node("apply_dimension", "d", dimension="bands", process=callback(told.replace(
            "return cube.isel(t=slice(0, 2)).assign_coords(t=['first', 'second'])", "return cube[:, ::-1]"))),
        "f": node("apply_dimension", "e", dimension="t", process=callback(array_udf("return cube.isel(t=[2, 0])"))),
        "g": node("filter_bands", "f", bands=["nd"])})
    a, b = scenes[1][:, 0], scenes[1][:, 1]
    numpy.testing.assert_allclose(values, b[[2, 0]][:, None], rtol=1e-6)
    assert result["labels"]["bands"] == ["nd"] and [t[:10] for t in result["labels"]["t"]] == ["2023-06-01", "2023-05-01"]


NEIGHBOURS = array_udf("""
    assert cube.shape[-2:] == (context["h"], context["w"]) or context["w"] == 0, cube.shape
    mean = cube.mean(("y", "x"))
    return cube - mean + (cube.x - 500005) / 10
""")


def test_neighborhood(scenes, tmp_path):
    """Windows with an overlap, smaller ones at the borders; they know their coordinates."""
    values, result = cube_of(scenes, tmp_path, {**bands(), "n": node(
        "apply_neighborhood", process=callback(NEIGHBOURS, context={"w": 0, "h": 0}),
        size=[{"dimension": "x", "value": 64, "unit": "px"}, {"dimension": "y", "value": 32, "unit": "px"}],
        overlap=[{"dimension": "x", "value": 3, "unit": "px"}, {"dimension": "y", "value": 2, "unit": "px"}])})
    padded = numpy.pad(scenes[1], ((0, 0), (0, 0), (2, 2), (3, 3)), constant_values=numpy.nan)
    wanted = numpy.empty_like(scenes[1])
    for y in range(0, HEIGHT, 32):
        for x in range(0, WIDTH, 64):
            ny, nx = min(32, HEIGHT - y), min(64, WIDTH - x)
            around = padded[..., y:y + ny + 4, x:x + nx + 6]
            wanted[..., y:y + ny, x:x + nx] = (scenes[1][..., y:y + ny, x:x + nx]
                                               - numpy.nanmean(around, (-2, -1))[..., None, None])
    numpy.testing.assert_allclose(values, wanted + numpy.arange(WIDTH), rtol=1e-5, atol=1e-3)


def test_whole_cube(scenes, tmp_path):
    """On a cube itself the function sees all of it, and may give other dimensions."""
    code = array_udf("""
        assert cube.sizes["x"] in (300, 16) and cube.sizes["y"] in (40, 16)
        total = cube.sum("t", skipna=False).rename(bands="sums")
        return total - total.min(("y", "x"))
    """)
    values, result = cube_of(scenes, tmp_path, {**bands(), "u": udf(code, {"from_node": "load"})})
    sums = scenes[1].sum(0)
    numpy.testing.assert_allclose(values, sums - numpy.nanmin(sums, (1, 2))[:, None, None], rtol=1e-6)
    assert result["dims"] == ["y", "x", "sums"] or result["dims"] == ["sums", "y", "x"]


def test_months(scenes, tmp_path):
    values, result = cube_of(scenes, tmp_path, {**bands(), "m": node(
        "aggregate_temporal_period", period="month", reducer=callback(array_udf("return cube.mean('t') + cube.sizes['t']")))})
    with numpy.errstate(all="ignore"):
        wanted = numpy.stack([numpy.nanmean(scenes[1][:2], 0) + 2, scenes[1][2] + 1])
    numpy.testing.assert_allclose(values, wanted, rtol=1e-6)


def means_of_fields():
    """The nodes of a vector cube: means of two fields of 10 x 10 pixels, side by side."""
    rings = [[[x, 5100000], [x, 5099900], [x + 100, 5099900], [x + 100, 5100000], [x, 5100000]] for x in (500000, 500100)]
    fields = {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}},
              "features": [{"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}} for ring in rings]}
    return {**bands(), "z": node("aggregate_spatial", geometries=fields, reducer={"process_graph": {
        "m": {"process_id": "mean", "arguments": {"data": HERE}, "result": True}}})}


def series_of(scenes, tmp_path, nodes):
    """[date][field][band] of what came out, and of the means that went in."""
    done = run(scenes, tmp_path, {**nodes, "save": {**node("save_result", "u", format="JSON"), "result": True}})
    assert done.returncode == 0, done.stderr
    series = json.loads((tmp_path / "out" / "save.json").read_text())
    means = [numpy.nanmean(scenes[1][:, :, :10, x:x + 10], (2, 3)) for x in (0, 10)]
    return numpy.array([series[t] for t in DATES], float), numpy.stack(means, 1)


def test_fields(scenes, tmp_path):
    """The series of fields: a vector cube."""
    found, means = series_of(scenes, tmp_path, {**means_of_fields(), "u": node("apply_dimension", "z", dimension="t", process=callback(
        array_udf("assert cube.dims[:2] == ('t', 'bands') and cube.sizes['geometry'] == 2, cube.dims\nreturn cube.cumsum('t')")))})
    numpy.testing.assert_allclose(found, numpy.cumsum(means, 0), rtol=1e-6)


def test_on_a_vector_cube(scenes, tmp_path):
    """The function sees all fields at once, whether it stands alone or in apply_dimension."""
    found, means = series_of(scenes, tmp_path, {**means_of_fields(), "u": udf(array_udf(
        "assert cube.sizes['geometry'] == 2 and cube.sizes['t'] == 3, cube.dims\nreturn cube - cube.mean('geometry')"), {"from_node": "z"})})
    numpy.testing.assert_allclose(found, means - means.mean(1, keepdims=True), rtol=1e-5, atol=1e-6)


# ---- how they are written ----

STYLES = {
    "no annotations": "def apply_datacube(cube, context):\n    return cube + 1\n",
    "XarrayDataCube": """
        from openeo.udf import XarrayDataCube

        def apply_datacube(cube: XarrayDataCube, context: dict) -> XarrayDataCube:
            array = cube.get_array()
            return XarrayDataCube(array + 1)
    """,
    "old name": """
        import xarray
        from openeo.udf.xarraydatacube import XarrayDataCube
        from typing import Dict

        def apply_hypercube(cube: XarrayDataCube, context: Dict) -> XarrayDataCube:
            array: xarray.DataArray = cube.get_array()
            return XarrayDataCube(array=array + 1)
    """,
    "series": """
        import pandas

        def apply_timeseries(series: pandas.Series, context: dict) -> pandas.Series:
            assert isinstance(series.index, pandas.DatetimeIndex)
            return series + 1
    """,
    "UdfData": """
        from openeo.udf import UdfData, XarrayDataCube

        def apply_udf_data(data: UdfData):
            cube = data.get_datacube_list()[0]
            data.set_datacube_list([XarrayDataCube(cube.get_array() + data.user_context.get("more", 1))])
    """,
    "UdfData under another name": """
        from openeo.udf.udf_data import UdfData
        from openeo.udf import XarrayDataCube

        def transform(data: UdfData) -> UdfData:
            return UdfData(datacube_list=[XarrayDataCube(c.array + 1) for c in data.datacube_list], proj=data.proj)
    """,
}


@pytest.mark.parametrize("real", [False, True], ids=["own openeo", "real openeo"])
def test_styles(scenes, tmp_path, real):
    """One interpreter runs all of them, one after the other. Without the client's package a small one of ours is there."""
    nodes, last = bands(), "load"
    for i, (name, code) in enumerate(STYLES.items()):
        code = code if real else "import sys\nsys.modules.pop('openeo', None)\n" + textwrap.dedent(code)
        nodes[f"n{i}"] = node("apply_dimension" if name == "series" else "apply", last,
                              **({"dimension": "t"} if name == "series" else {}),
                              process=callback(textwrap.dedent(code), "data" if name == "series" else "x"))
        last = f"n{i}"
    values, result = cube_of(scenes, tmp_path, nodes)
    numpy.testing.assert_allclose(values, scenes[1] + len(STYLES), rtol=1e-6)


def test_log(scenes, tmp_path):
    """print(), inspect() and logging end in the log, with the node; C libraries' output, too."""
    code = array_udf("""
        print("hello", cube.shape)
        inspect(data={"n": numpy.float32(1.5), "nothing": None}, message="looked at", level="warning")
        logging.getLogger("mine").error("logged")
        os.write(1, b"from below\\n")
        return cube
    """, "import os, logging\nfrom openeo.udf import inspect\n")
    done = run(scenes, tmp_path, {**bands(), "a": node("apply", process=callback(code, "x")),
                                  "save": {**node("save_result", "a", format="GTiff"), "result": True}})
    assert done.returncode == 0, done.stderr
    for line in ("u: info: hello (3, 2, 40, ", 'u: warning: looked at {"n": 1.5, "nothing": null}', "u: error: logged",
                 "u: info: from below"):
        assert line in done.stderr.replace('{"n":1.5,"nothing":null}', '{"n": 1.5, "nothing": null}'), done.stderr


# ---- what goes wrong ----

MEMORY = r"MemoryError.* \(it may use 300 MiB of memory: udf.memory\)|more than 300 MiB of memory \(udf.memory\)"
SHAPES = {
    "raise ValueError('no such thing')": r"/process_graph/u: the UDF failed in line \d+: ValueError: no such thing",
    "return cube.values": r"gives a bare NumPy array, expected an xarray.DataArray",
    "return None": r"gives nothing \(None\), expected an xarray.DataArray",
    "return cube.isel(x=slice(1, None))":
        r"the UDF gives \(t: 3, bands: 2, y: 40, x: \d+\), expected \(t: 3, bands: 2, y: 40, x: \d+\)",
    "return cube.isel(t=0)": r"the UDF gives dimensions \(bands: 2, y: 40, x: \d+\), expected \(t: 3, bands: 2",
    "return cube.astype(str)": r"gives values of type <U\d+, expected numbers",
    "return cube.to_dataset(name='all')": r"gives an xarray.Dataset, expected",
    "sys.exit('bye')": r"SystemExit: bye",
    "os._exit(3)": r"the process of the UDF ended: it ended with status 3",
    "os.kill(os.getpid(), 9)": r"the process of the UDF ended: it was ended by signal 9",
    "x = numpy.ones((1 << 30,))\nreturn cube": MEMORY,
    "x = [bytearray(1 << 20) for i in range(2000)]\nreturn cube": MEMORY,
    "while os.fork() >= 0: pass": r"started more than 64 processes|BlockingIOError|more than 300 MiB",
    "[threading.Thread(target=time.sleep, args=(100,)).start() for i in range(500)]":
        r"more than 64 processes|can't start new thread|more than 300 MiB",
    "[os.write(int(f), b'junk' * 100) for f in os.listdir('/proc/self/fd') if int(f) > 2]\nreturn cube":
        r"answered with something that is no message|Error",
}
ENDLESS = {
    "while True: pass": r"was ended, because a call took more than 2 s",
    "while True: os.write(1, b'x' * 1000)": r"was ended, because a call took more than 2 s",
}


def all_fail(scenes, tmp_path, bodies, **env):
    def told_by(i, body):
        (tmp_path / str(i)).mkdir()
        code = array_udf(body, "import os, sys, threading, time\n")
        return failure_of(scenes, tmp_path / str(i), {**bands(), "a": node("apply", process=callback(code, "x"))}, **env)
    with ThreadPoolExecutor(4) as pool:
        for body, told in zip(bodies, pool.map(told_by, range(len(bodies)), bodies)):
            assert re.search(bodies[body], told), (body, told)


def test_wrong_results_and_ends(scenes, tmp_path):
    """Whatever a function does, the job says what went wrong and where."""
    all_fail(scenes, tmp_path, SHAPES, SENTIER_UDF_MEMORY="300M")


def test_memory_is_shared(scenes, tmp_path):
    """What the interpreter may take is taken off the bound of the process: where it does not fit, it is not started."""
    nodes = {**bands(), "a": node("apply", process=callback(array_udf("return cube"), "x")),
             "save": {**node("save_result", "a", format="GTiff"), "result": True}}
    for most, fits in ((4 << 30, True), (1 << 30, False)):
        done = run(scenes, tmp_path, nodes, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY)))
        assert (done.returncode == 0) == fits, done.stderr
    assert "/process_graph/u: the interpreter of a UDF may take 1024 MiB (udf.memory), of which " in done.stderr


def test_endless(scenes, tmp_path):
    all_fail(scenes, tmp_path, ENDLESS, SENTIER_UDF_TIME="2s")


def test_no_way_out(scenes, tmp_path):
    """No network, no files, no environment, nobody else's processes."""
    code = array_udf("""
        attempts = {
            "network": lambda: socket.create_connection(("127.0.0.1", 22), 1),
            "names": lambda: socket.getaddrinfo("example.com", 80),
            "passwords": lambda: open("/etc/shadow").read(),
            "service": lambda: open(context["file"]).read(),
            "write": lambda: open("/usr/x", "w"),
            "home": lambda: os.listdir("/root"),
            "environment": lambda: os.environ["SENTIER_SECRET"],
            "processes": lambda: [int(p) for p in os.listdir("/proc") if p.isdigit() and "sentier" in
                                  open("/proc/%s/cmdline" % p).read().split("\\0")[0]][0],
            "kill": lambda: os.kill(context["pid"], 0),
            "mount": lambda: subprocess.run(["mount", "-t", "tmpfs", "x", "/dev/shm"], check=True),
        }
        for name, attempt in attempts.items():
            try:
                print(name, "WORKS", attempt())
            except Exception as e:
                print(name, "refused", type(e).__name__)
        return cube
    """, "import os, socket, subprocess\n")
    done = run(scenes, tmp_path, {**bands(), "a": node("apply", process=callback(
        code, "x", context={"file": __file__, "pid": os.getpid()})),
        "save": {**node("save_result", "a", format="GTiff"), "result": True}}, SENTIER_SECRET="x")
    assert done.returncode == 0, done.stderr
    assert "WORKS" not in done.stderr and done.stderr.count("refused") == 2 * 10, done.stderr  # of two parts


def test_flood(scenes, tmp_path):
    """What is said is bounded, and said to be."""
    code = array_udf("for i in range(3000): print('line', i)\nreturn cube")
    done = run(scenes, tmp_path, {**bands(), "a": node("apply", process=callback(code, "x")),
                                  "save": {**node("save_result", "a", format="GTiff"), "result": True}})
    assert done.returncode == 0 and "The UDF says too much" in done.stderr
    assert 900 < done.stderr.count("info: line") <= 2000


REFUSED = {
    "InvalidRuntime": (dict(runtime="R"), "runtime is not supported. Found 'R', expected 'Python'"),
    "InvalidVersion": (dict(version="2.7"), "version is not supported. Found '2.7', expected '3' or '3"),
    "no function": (dict(udf="x = 1\n"), "the UDF has none of the functions apply_datacube"),
    "syntax": (dict(udf="def apply_datacube(cube, context)\n  return cube\n"), "failed in line 1: SyntaxError"),
    "file": (dict(udf="mine.py"), "There are no uploaded files here, such as 'mine.py'"),
    "private address": (dict(udf="http://127.0.0.1/x.py"), "127.0.0.1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(scenes, tmp_path, name):
    changed, message = REFUSED[name]
    graph = callback(array_udf("return cube"), "x")
    graph["process_graph"]["u"]["arguments"].update(changed)
    assert message in failure_of(scenes, tmp_path, {**bands(), "a": node("apply", process=graph)})


def test_not_offered(scenes, tmp_path):
    told = failure_of(scenes, tmp_path, {**bands(), "a": node("apply", process=callback(array_udf("return cube"), "x"))},
                      SENTIER_UDF_PYTHON="none")
    assert "Process 'run_udf' is not offered" in told


def test_inside_of_others(scenes, tmp_path):
    """A callback within the callback has no lines that a UDF could see."""
    inner = {"process_graph": {"a": {"process_id": "array_apply", "arguments": {
        "data": HERE, "process": callback(array_udf("return cube"), "x")}},
        "m": {"process_id": "max", "arguments": {"data": {"from_node": "a"}}, "result": True}}}
    told = failure_of(scenes, tmp_path, {**bands(), "r": node("reduce_dimension", dimension="t", reducer=inner)})
    assert "UDFs are run on cubes, and in the callbacks of" in told
    fields = means_of_fields()
    fields["z"]["arguments"]["reducer"] = callback(array_udf("return cube.mean()"))
    assert "UDFs are run on cubes, and in the callbacks of apply, apply_dimension" in failure_of(scenes, tmp_path, fields)
