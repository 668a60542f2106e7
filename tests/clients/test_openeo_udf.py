"""Users' functions through a service with openEO's Python client: jobs, synchronous requests, files, the log."""
import http.server
import textwrap
import threading

import numpy
import openeo
import pytest
import rasterio
import requests
from openeo.rest import OpenEoApiError
from openeo.rest.job import JobFailedException

pytestmark = [pytest.mark.sanitizer, pytest.mark.sandbox]
EXTENT = {"west": 15.2, "south": 45.6, "east": 15.21, "north": 45.61}
HALF = textwrap.dedent("""
    import xarray
    from openeo.udf import inspect

    def apply_datacube(cube: xarray.DataArray, context: dict) -> xarray.DataArray:
        print("seen", cube.dims)
        inspect(data=[1, 2], message="with a debugger's eyes", level="warning")
        return cube / context.get("by", 2)
""")


@pytest.fixture(scope="module")
def connection(scenes):
    return openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")


@pytest.fixture(scope="module")
def cube(connection):
    return connection.load_collection("sentinel-2-l2a", bands=["B04", "B08"], spatial_extent=EXTENT,
                                      temporal_extent=["2023-08-10", "2023-08-20"])


@pytest.fixture(scope="module")
def plain(cube, tmp_path_factory):
    file = tmp_path_factory.mktemp("plain") / "max.tif"
    cube.max_time().download(file)
    return pixels(file)


def pixels(file):
    with rasterio.open(file) as tif:
        return numpy.where(tif.read() == tif.nodata, numpy.nan, tif.read().astype(float))


def test_runtimes(connection):
    runtime = connection.list_udf_runtimes()["Python"]
    assert runtime["type"] == "language" and runtime["default"] == "3" and {"numpy", "xarray"} <= set(runtime["versions"]["3"]["libraries"])
    assert connection.describe_process("run_udf")["parameters"][1]["name"] == "udf"


def test_batch_job(connection, cube, plain, tmp_path):
    """apply and reduce_dimension in one job; what the code says is in its log."""
    udf = openeo.UDF(HALF, context={"by": 4})
    greatest = openeo.UDF("def apply_datacube(cube, context):\n    return cube.max('t')\n", runtime="Python")
    job = cube.apply(process=udf).reduce_dimension(dimension="t", reducer=greatest).create_job(out_format="GTiff")
    job.start_and_wait(print=lambda *_: None, max_poll_interval=0.3)
    file, = job.get_results().download_files(tmp_path, include_stac_metadata=False)
    numpy.testing.assert_allclose(pixels(file), plain / 4, rtol=1e-6)
    logs = {entry["message"]: entry for entry in job.logs()}
    assert any(m.startswith("seen ('t', 'bands', 'y', 'x')") for m in logs), list(logs)
    assert logs["with a debugger's eyes"]["level"] == "warning" and logs["with a debugger's eyes"]["data"]["data"] == [1, 2]


def test_changed_labels_at_once(cube, tmp_path):
    """How many bands come back is found when it runs: a synchronous request, too."""
    code = "def apply_datacube(cube, context):\n    return cube.sel(bands=['B08'])\n"
    cube.max_time().apply_dimension(dimension="bands", process=openeo.UDF(code, runtime="Python")).filter_bands(["B08"]).download(tmp_path / "b.tif")
    assert pixels(tmp_path / "b.tif").shape[0] == 1


def test_failure_is_explained(cube):
    job = cube.apply(process=openeo.UDF("def apply_datacube(cube, context):\n    return cube.no_such_thing\n", runtime="Python")) \
        .create_job(out_format="GTiff")
    with pytest.raises(JobFailedException):
        job.start_and_wait(print=lambda *_: None, max_poll_interval=0.3)
    errors = [entry for entry in job.logs(level="error")]
    assert any("failed in line 2: AttributeError" in e["message"] for e in errors), errors
    assert any('File "<udf>", line 2, in apply_datacube' in e["message"] for e in errors), errors
    assert sum("failed in line 2" in e["message"] for e in errors) == 1  # not tried again


def run_of(udf):
    return {"process_graph": {"u": {"process_id": "run_udf", "result": True, "arguments": {
        "data": {"from_parameter": "x"}, "udf": udf, "runtime": "Python", "context": {}}}}}


def test_uploaded_file(connection, cube, plain, tmp_path):
    (tmp_path / "half.py").write_text(HALF)
    connection.upload_file(tmp_path / "half.py", "code/half.py")
    for path in ("code/half.py", "/code/half.py", "./code/half.py"):
        assert connection.validate_process_graph(cube.process("apply", data=cube, process=run_of(path)).flat_graph()) == []
    cube.process("apply", data=cube, process=run_of("code/half.py")).max_time().download(tmp_path / "h.tif")
    numpy.testing.assert_allclose(pixels(tmp_path / "h.tif"), plain / 2, rtol=1e-6)
    for path in ("code/other.py", "../alice/code/half.py", "/etc/passwd"):
        errors = connection.validate_process_graph(cube.process("apply", data=cube, process=run_of(path)).flat_graph())
        assert [e["code"] for e in errors] == ["FileNotFound"], errors
    bob = openeo.connect(connection.root_url).authenticate_basic("bob", "open sesame")
    assert [e["code"] for e in bob.validate_process_graph(
        cube.process("apply", data=cube, process=run_of("code/half.py")).flat_graph())] == ["FileNotFound"]


def test_addresses(connection, cube):
    """Code is not fetched from inside of the network."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(HALF.encode())

        def log_message(self, *arguments):
            asked.append(arguments)

    asked = []
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        errors = connection.validate_process_graph(cube.process("apply", data=cube, process=run_of(
            f"http://127.0.0.1:{server.server_port}/half.py")).flat_graph())
        assert len(errors) == 1 and "is not a public address" in errors[0]["message"], errors
        assert not asked
    finally:
        server.shutdown()
        server.server_close()


def test_estimate(cube):
    """What depends on the code is not guessed."""
    code = openeo.UDF("def apply_datacube(cube, context):\n    return cube.sel(bands=['B08'])\n", runtime="Python")
    job = cube.max_time().apply_dimension(dimension="bands", process=code).create_job(out_format="GTiff")
    with pytest.raises(OpenEoApiError, match="EstimateComplexity"):
        job.estimate()


def test_validation_of_strangers(scenes):
    graph = {"process_graph": {"l": {"process_id": "load_collection", "arguments": {
        "id": "sentinel-2-l2a", "spatial_extent": None, "temporal_extent": None}},
        "a": {"process_id": "apply", "arguments": {"data": {"from_node": "l"}, "process": run_of("http://example.com/x.py")}, "result": True}}}
    errors = requests.post(scenes.base + "/openeo/1.2/validation", json=graph, timeout=30).json()["errors"]
    assert [e["code"] for e in errors] == ["FeatureUnsupported"], errors
