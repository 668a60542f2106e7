"""Every public call of openEO's Python client: those that no other test makes are made here, what builds process graphs is held
against validation, and what cannot be called of a back-end like this one is listed with the reason."""
import inspect
import json
import re
from pathlib import Path

import openeo
import pytest
import rasterio
import shapely
from conftest import no_sandbox
from openeo.rest.capabilities import OpenEoCapabilities
from openeo.rest.connection import Connection
from openeo.rest.datacube import DataCube
from openeo.rest.job import BatchJob, JobResults
from openeo.rest.service import Service
from openeo.rest.udp import RESTUserDefinedProcess
from openeo.rest.userfile import UserFile
from openeo.rest.vectorcube import VectorCube

BOX = {"west": 15.2, "south": 45.6, "east": 15.201, "north": 45.601}
FIELD = shapely.box(15.2, 45.6, 15.2005, 45.6005)
PASSED_ON = "by another of the client's own calls"
NO_SUCH = "asks for a process that openEO's library has not"
LEFT_OUT = {  # ARCHITECTURE.md says why a process is not offered
    "atmospheric_correction": "not offered", "ard_surface_reflectance": "not offered", "ard_normalized_radar_backscatter": "not offered",
    "sar_backscatter": "tests/process has the process", "fit_class_random_forest": "not offered", "fit_regr_random_forest": "not offered",
    "predict_random_forest": "not offered", "load_ml_model": "not offered", "raster_to_vector": NO_SUCH, "vector_to_raster": NO_SUCH,
    "resolution_merge": NO_SUCH, "load_disk_collection": NO_SUCH, "load_result": "a process before load_stac",
    "reduce_tiles_over_time": "asks for version 'latest' of a runtime", "reduce_temporal_udf": "asks for version 'latest' of a runtime",
    "polygonal_histogram_timeseries": "a reducer 'histogram' that openEO's library has not", "process_with_node": PASSED_ON,
    "authenticate_oidc_authorization_code": "opens a browser; tests/clients/test_openeo_oidc.py walks the flow by hand",
    "authenticate_oidc": PASSED_ON, "authenticate_oidc_client_credentials": PASSED_ON,
    "authenticate_oidc_resource_owner_password_credentials": "a flow that OAuth 2.1 has no more, and our tests' provider neither",
    "execute_local_udf": "runs in the client's process", "from_node": PASSED_ON, "from_metadata": PASSED_ON, "upload": PASSED_ON,
    "collection_items": "items are on the STAC face, to which a collection's links lead", "update_service": "the client has not written it", "fit_curve": "as defined before 2.0.0", "predict_curve": "as defined before 2.0.0", "preview": "a map for notebooks", "deep_get": PASSED_ON,
    "chunk_polygon": "an older apply_polygon", "create_collection": "an older name of load_collection", "imagecollection": "an older name of load_collection",
}


@pytest.fixture(scope="module")
def connection(scenes):
    return openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")


@pytest.fixture(scope="module")
def cube(connection):
    return connection.load_collection("sentinel-2-l2a", bands=["B04", "B08"], spatial_extent=BOX, temporal_extent=["2023-08-10", "2023-08-20"])


def test_no_call_is_forgotten():
    tests = "".join(p.read_text() for p in Path(__file__).parent.parent.glob("*/*.py"))
    for one in (Connection, OpenEoCapabilities, BatchJob, JobResults, Service, RESTUserDefinedProcess, UserFile, DataCube, VectorCube):
        public = {n for n, v in inspect.getmembers(one) if not n.startswith("_") and callable(v)}
        assert not {n for n in public if n not in LEFT_OUT and not re.search(rf"\.{n}\(", tests)}, one


def test_connection(connection, scenes, cube):
    api = scenes.base + "/openeo/1.3"
    assert connection.build_url("/jobs") == api + "/jobs" == cube.connection.build_url("jobs")
    assert Connection.version_discovery(scenes.base) == api
    assert "1.3.0" in str(connection.version_info())
    connection.assert_user_defined_process_support()
    assert connection.capabilities().ext_federation_backend_details() is None
    assert connection.collection_metadata("sentinel-2-l2a").band_names[:2] == connection.describe_collection("sentinel-2-l2a")["cube:dimensions"]["bands"]["values"][:2]
    assert "sentinel-2-l2a" in {c["id"] for c in connection.list_collections()}
    formats = connection.list_file_types()
    assert "netCDF" in connection.list_input_formats() and set(connection.list_output_formats()) <= set(formats) | {"COG"}
    assert connection.as_curl(cube).endswith(f" {api}/result") and "Bearer" in connection.as_curl(cube, obfuscate_auth=True)
    assert scenes.base in connection.web_editor().replace("%3A", ":").replace("%2F", "/")
    other = openeo.connect(scenes.base).authenticate_bearer_token(connection.auth.bearer)
    assert other.describe_account()["name"] == "alice"


def test_files(connection, tmp_path):
    (tmp_path / "a.txt").write_text("of a file")
    file = connection.get_file("calls/a.txt").upload(tmp_path / "a.txt")
    assert file.to_dict()["path"] == "calls/a.txt" and file.download(tmp_path / "b.txt").read_text() == "of a file"
    file.delete()


def test_jobs_and_results(connection, cube, tmp_path):
    job = cube.max_time().send_job("GTiff", title="calls")
    assert job.describe_job()["title"] == "calls" and job.estimate_job()["duration"]
    job.start_job()
    while job.status() in ("queued", "running"):
        pass  # a status is held until there is another one
    assert job.status() == "finished"
    assert job.get_results_metadata_url() == f"/jobs/{job.job_id}/results" and job.get_results_metadata_url(full=True).startswith("http")
    assert job.list_results()["assets"] and connection.job_results(job.job_id)["assets"] and connection.job(job.job_id).status() == "finished"
    assert len(connection.job_logs(job.job_id, None)) == len(job.logs()) > 0
    results = job.get_results()
    assert results.get_job_id() == job.job_id and len(results.get_assets()) == 1
    results.download_file(tmp_path / "file.tif")
    job.download_result(tmp_path / "result.tif")
    assert len(job.download_results(tmp_path / "all")) >= 1
    job.get_result().download_file(tmp_path / "again.tif")
    assert (tmp_path / "file.tif").read_bytes() == (tmp_path / "result.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()
    loaded = connection.load_stac_from_job(job)
    loaded.download(tmp_path / "loaded.tif", format="GTiff")
    with rasterio.open(tmp_path / "loaded.tif") as tif, rasterio.open(tmp_path / "file.tif") as first:
        assert (tif.read() == first.read()).all()
    assert connection.load_stac(job.get_results_metadata_url(full=True)).validate() == [] == DataCube.load_stac(
        job.get_results_metadata_url(full=True), connection=connection).validate()
    assert job.job_id in {j["id"] for j in connection.user_jobs()}
    job.stop_job()
    job.delete_job()
    small = cube.min_time().create_job(out_format="GTiff")
    small.run_synchronous(tmp_path / "run.tif", print=lambda *_: None, max_poll_interval=0.3)
    assert (tmp_path / "run.tif").stat().st_size > 0
    small.delete()


def test_services_and_processes(connection, cube):
    service = cube.filter_bands(["B04"]).max_time().tiled_viewing_service("xyz", title="calls")
    assert connection.service(service.service_id).describe_service()["title"] == "calls"
    connection.remove_service(service.service_id)
    process = connection.user_defined_process("calls")
    process.store(cube.max_time(), summary="a cube")
    assert process.describe()["summary"] == "a cube"
    process.delete()


def test_cubes_are_valid(connection, cube):
    """What each method writes is a process graph that is accepted."""
    b4, time = cube.band("B04"), cube.max_time()
    cubes = [
        cube.add_dimension("z", "one", "other"), time.add_dimension("z", "one").drop_dimension("z"), cube.rename_dimension("t", "time"),
        cube.apply_polygon(geometries=FIELD, process=lambda data: data.apply(lambda x: x + 1)), cube.band_filter(["B04"]), cube.dimension_labels("bands"),
        cube.count_time(), cube.mean_time(), cube.median_time(), b4.divide(2), b4.multiply(2), b4.subtract(1), b4.power(2), b4.ln(), b4.log2(), b4.logarithm(3),
        cube.linear_scale_range(0, 10000, 0, 1), (b4 > 1).logical_and(b4 < 9), (b4 > 1).logical_or(b4 < 9), cube.band("B08").normalized_difference(b4),
        cube.filter_bbox(**BOX), cube.filter_temporal("2023-08-11", "2023-08-12"), cube.filter_labels(lambda x: x == "B04", "bands"),
        cube.merge(cube.band("B08").add_dimension("bands", "other", "bands")), cube.reduce_bands("mean"), cube.reduce_temporal("mean"),
        cube.reduce_temporal_simple("mean"), cube.resample_spatial(20), cube.resample_cube_spatial(cube.resample_spatial(20), "average"),
        cube.polygonal_mean_timeseries(FIELD), cube.polygonal_median_timeseries(FIELD), cube.polygonal_standarddeviation_timeseries(FIELD),
        cube.graph_add_node("filter_bands", {"data": cube, "bands": ["B04"]}),
    ]
    if not no_sandbox():
        cubes.append(cube.aggregate_spatial(FIELD, "mean").run_udf("def apply_datacube(cube, context):\n    return cube\n", runtime="Python"))
        cubes.append(cube.reduce_bands_udf("def apply_datacube(cube, context):\n    return cube.max('bands')\n", runtime="Python"))
    fields = connection.load_geojson({"type": "Feature", "properties": {"a": 1}, "geometry": shapely.geometry.mapping(FIELD)}, properties=["a"])
    cubes += [fields.filter_bbox(**BOX), fields.filter_vector(FIELD), connection.load_url("https://example.com/f.geojson", "GeoJSON"),
              VectorCube.load_url(connection, "https://example.com/f.gpkg", "GPKG"), connection.vectorcube_from_paths(["f.gpkg"], "GPKG")]
    for one in cubes:
        graph = json.loads(one.to_json())["process_graph"]
        assert connection.validate_process_graph(one) == [], graph
        assert connection.datacube_from_json(one.to_json()).flat_graph() == graph == connection.datacube_from_flat_graph(graph).flat_graph()
    assert one.result_node().process_id == "load_uploaded_files"
    one.print_json(file=open("/dev/null", "w"))
