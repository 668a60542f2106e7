"""Every public call of openEO's Python client: all of its classes are watched while they are used; what is not called is listed with
the reason. What builds process graphs is held against validation."""
import contextlib
import functools
import inspect
import json
from pathlib import Path

import openeo
import pytest
import rasterio
import shapely
from conftest import no_sandbox
from openeo.rest.capabilities import OpenEoCapabilities
from openeo.rest.connection import Connection
from openeo.rest.datacube import UDF, DataCube
from openeo.rest.job import BatchJob, JobResults, ResultAsset
from openeo.rest.mlmodel import MlModel
from openeo.rest.multiresult import MultiResult
from openeo.rest.service import Service
from openeo.rest.udp import RESTUserDefinedProcess
from openeo.rest.userfile import UserFile
from openeo.rest.vectorcube import VectorCube

CLASSES = [Connection, OpenEoCapabilities, BatchJob, JobResults, ResultAsset, Service, RESTUserDefinedProcess, UserFile, DataCube, VectorCube,
           MultiResult, UDF, MlModel]
BOX = {"west": 15.2, "south": 45.6, "east": 15.201, "north": 45.601}
FIELD = shapely.box(15.2, 45.6, 15.2005, 45.6005)
CODE = "def apply_datacube(cube, context):\n    return cube.max('{}')\n"

NOT_OFFERED = "not offered: ARCHITECTURE.md says why"
NO_SUCH = "asks for a process that openEO's library has not"
OLDER = "as its process was before 2.0.0"
OIDC = "tests/clients/test_openeo_oidc.py"
NOT_CALLED = {
    **dict.fromkeys(["Connection.load_ml_model", "DataCube.ard_surface_reflectance", "DataCube.atmospheric_correction"], NOT_OFFERED),
    **dict.fromkeys(["VectorCube.fit_class_random_forest", "VectorCube.fit_regr_random_forest"], NOT_OFFERED),
    **dict.fromkeys(["DataCube.predict_random_forest", *(f"MlModel.{n}" for n, v in inspect.getmembers(MlModel, callable) if n[0] != "_")], NOT_OFFERED),
    **dict.fromkeys(["DataCube.raster_to_vector", "VectorCube.vector_to_raster", "DataCube.resolution_merge", "Connection.load_disk_collection",
                     "DataCube.load_disk_collection", "DataCube.polygonal_histogram_timeseries"], NO_SUCH),
    **dict.fromkeys(["Connection.load_result", "DataCube.fit_curve", "DataCube.predict_curve", "DataCube.chunk_polygon", "DataCube.reduce_tiles_over_time"], OLDER),
    **dict.fromkeys(["DataCube.sar_backscatter", "DataCube.ard_normalized_radar_backscatter"], "tests/sar/test_backscatter.py"),
    **dict.fromkeys(["Connection." + n for n in ("authenticate_oidc", "authenticate_oidc_authorization_code", "authenticate_oidc_device",
                                                 "authenticate_oidc_refresh_token", "authenticate_oidc_access_token",
                                                 "authenticate_oidc_client_credentials")], OIDC),
    "Connection.authenticate_oidc_resource_owner_password_credentials": "a flow that OAuth 2.1 has no more",
    **dict.fromkeys(["Service.update_service", "RESTUserDefinedProcess.validate"], "the client has not written it"),
    "DataCube.execute_local_udf": "runs in the client's process", "DataCube.preview": "a map for notebooks",
    "Service.logs": "asks for /service/ID/logs, which is /services/ID/logs in all versions of the API", "UDF.from_url": "reads any address by itself",
}


def public(one):
    return [n for n, v in inspect.getmembers(one) if n[0] != "_" and callable(v)]


def watched(one, name, call, made):
    def wrapper(*arguments, **keywords):
        made.add(f"{one.__name__}.{name}")
        return call(*arguments, **keywords)
    return functools.wraps(call)(wrapper)


@contextlib.contextmanager
def watching():
    """The set of what is called."""
    made = set()
    with pytest.MonkeyPatch.context() as patch:
        for one in CLASSES:
            for name in public(one):
                of_class = isinstance(inspect.getattr_static(one, name), (classmethod, staticmethod))
                wrapper = watched(one, name, getattr(one, name), made)
                patch.setattr(one, name, staticmethod(wrapper) if of_class else wrapper)
        yield made


def test_every_call(scenes, tmp_path):
    with watching() as made:
        connection = openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")
        cube = connection.load_collection("sentinel-2-l2a", bands=["B04", "B08"], spatial_extent=BOX, temporal_extent=["2023-08-10", "2023-08-20"])
        call_what_is_there(connection, scenes.base, cube)
        call_files(connection, tmp_path)
        call_results(connection, cube, tmp_path)
        call_jobs(connection, cube, tmp_path)
        call_services_and_processes(connection, cube)
        cubes = [*cubes_of(connection, cube), *(udfs_of(cube, tmp_path) if not no_sandbox() else [])]
        check_cubes(connection, cubes)
    every = {f"{one.__name__}.{name}" for one in CLASSES for name in public(one)}
    if no_sandbox():
        made |= {"DataCube.reduce_bands_udf", "DataCube.reduce_temporal_udf", "VectorCube.run_udf", *(f"UDF.{n}" for n in public(UDF))}
    assert every - made == set(NOT_CALLED), (sorted(every - made - set(NOT_CALLED)), sorted(set(NOT_CALLED) & made))
    for name, where in NOT_CALLED.items():
        assert not where.endswith(".py") or f".{name.split('.')[1]}(" in (Path(__file__).parents[2] / where).read_text(), name


def call_what_is_there(connection, base, cube):
    api = base + "/openeo/1.3"
    capabilities = connection.capabilities()
    assert connection.build_url("/jobs") == api + "/jobs" and Connection.version_discovery(base) == api
    assert "1.3.0" in str(connection.version_info()) and capabilities.api_version() == "1.3.0" and capabilities.api_version_check.at_least("1.2")
    assert capabilities.supports_endpoint("/collections/{collection_id}/queryables") and capabilities.get("production") is True
    assert capabilities.ext_federation_backend_details() is None and capabilities.deep_get("billing", "currency", default=None) == capabilities.currency()
    assert isinstance(capabilities.list_plans(), list)
    connection.assert_user_defined_process_support()
    described = connection.describe_collection("sentinel-2-l2a")
    assert connection.collection_metadata("sentinel-2-l2a").band_names == described["cube:dimensions"]["bands"]["values"]
    assert set(connection.list_collection_ids()) == {c["id"] for c in connection.list_collections()}
    pages = list(connection.collection_items("sentinel-2-l2a", [15, 45, 16, 46], ["2023-08-01T00:00:00Z", None], limit=1))
    items = [item for page in pages for item in page["features"]]
    assert len(pages) > 1 and len({item["id"] for item in items}) == len(items) and {item["collection"] for item in items} == {"sentinel-2-l2a"}
    formats = connection.list_file_formats()
    assert connection.list_file_types() == connection.list_output_formats() == formats["output"]
    assert connection.list_input_formats() == formats["input"] and set(connection.list_service_types()) == {"xyz", "wmts"}
    assert isinstance(connection.list_udf_runtimes(), dict)
    assert connection.describe_process("ndvi")["id"] == "ndvi" in {p["id"] for p in connection.list_processes()}
    assert connection.as_curl(cube).endswith(f" {api}/result") and "Bearer" in connection.as_curl(cube, obfuscate_auth=True)
    assert base in connection.web_editor().replace("%3A", ":").replace("%2F", "/")
    assert openeo.connect(base).authenticate_bearer_token(connection.auth.bearer).describe_account()["name"] == "alice"
    sum_of = {"process": {"process_graph": {"add": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}}}
    path = connection.post("/jobs", json=sum_of, expected_status=201).headers["Location"]
    connection.patch(path, json={"title": "by hand"}, expected_status=204)
    assert connection.get(path).json()["title"] == "by hand" == connection.request("get", path).json()["title"]
    connection.delete(path, expected_status=204)
    connection.put("/process_graphs/by_hand", json=sum_of["process"], expected_status=200)
    assert connection.execute(connection.datacube_from_process("by_hand")) == 3
    connection.delete("/process_graphs/by_hand", expected_status=204)


def call_files(connection, tmp_path):
    (tmp_path / "a.txt").write_text("of a file")
    file = connection.upload_file(tmp_path / "a.txt", "calls/a.txt")
    assert connection.get_file("calls/a.txt").upload(tmp_path / "a.txt").to_dict()["path"] == "calls/a.txt" in {str(f.path) for f in connection.list_files()}
    assert UserFile.from_metadata(file.to_dict(), connection).download(tmp_path / "b.txt").read_text() == "of a file"
    file.delete()


def call_results(connection, cube, tmp_path):
    """What is computed at once: a cube, fields, several results."""
    cube.max_time().download(tmp_path / "now.tif")
    connection.download(cube.max_time().save_result("GTiff"), tmp_path / "too.tif")
    with rasterio.open(tmp_path / "now.tif") as now, rasterio.open(tmp_path / "too.tif") as too:
        assert (now.read() == too.read()).all()
    means = cube.aggregate_spatial(FIELD, "mean")
    assert cube.reduce_spatial("mean").save_result("JSON").execute()["data"] and means.save_result("JSON").execute()
    means.download(tmp_path / "means.csv", format="CSV")
    job = means.send_job(out_format="JSON", title="calls")
    assert job.describe()["title"] == "calls"
    job.delete()
    job = means.execute_batch(tmp_path / "means.json", out_format="JSON", print=lambda *_: None, max_poll_interval=0.3)
    asset = job.get_results().get_asset()
    assert asset.load_json() == json.loads(asset.load_bytes()) == json.loads(asset.download(tmp_path / "asset.json").read_text())
    job.delete()
    several = MultiResult([cube.max_time().save_result("GTiff"), means.save_result("JSON")])
    assert len(several.flat_graph()) > 4 and several.to_json()
    several.print_json(file=open("/dev/null", "w"))
    job = several.create_job(title="two")
    job.start_and_wait(print=lambda *_: None, max_poll_interval=0.3)
    assert len(job.get_results().get_assets()) == 2
    job.delete()
    job = several.execute_batch()
    assert len(job.get_results().download_files(tmp_path / "several")) >= 2
    job.delete()


def call_jobs(connection, cube, tmp_path):
    job = cube.max_time().send_job("GTiff", title="calls")
    assert job.describe_job()["title"] == "calls" and job.estimate()["duration"] == job.estimate_job()["duration"]
    job.start_job()
    while job.status() in ("queued", "running"):
        pass  # a status is held until there is another one
    assert job.status() == "finished"
    assert job.get_results_metadata_url() == f"/jobs/{job.job_id}/results" and job.get_results_metadata_url(full=True).startswith("http")
    assert job.list_results()["assets"] and connection.job_results(job.job_id)["assets"] and connection.job(job.job_id).status() == "finished"
    assert len(connection.job_logs(job.job_id, None)) == len(job.logs()) > 0
    results = job.get_results()
    assert results.get_job_id() == job.job_id and len(results.get_assets()) == 1 and results.get_metadata()["type"] == "Collection"
    results.download_file(tmp_path / "file.tif")
    job.download_result(tmp_path / "result.tif")
    assert len(job.download_results(tmp_path / "all")) >= 1
    job.get_result().download_file(tmp_path / "again.tif")
    assert (tmp_path / "file.tif").read_bytes() == (tmp_path / "result.tif").read_bytes() == (tmp_path / "again.tif").read_bytes()
    connection.load_stac_from_job(job).download(tmp_path / "loaded.tif", format="GTiff")
    with rasterio.open(tmp_path / "loaded.tif") as tif, rasterio.open(tmp_path / "file.tif") as first:
        assert (tif.read() == first.read()).all()
    address = job.get_results_metadata_url(full=True)
    assert connection.load_stac(address).validate() == [] == DataCube.load_stac(address, connection=connection).validate()
    assert job.job_id in {j["id"] for j in connection.user_jobs()} & {j["id"] for j in connection.list_jobs()}
    job.stop_job()
    job.delete_job()
    small = cube.min_time().create_job(out_format="GTiff")
    small.run_synchronous(tmp_path / "run.tif", print=lambda *_: None, max_poll_interval=0.3)
    assert (tmp_path / "run.tif").stat().st_size > 0
    small.start()
    small.stop()
    small.delete()
    cube.max_time().execute_batch(tmp_path / "batch.tif", print=lambda *_: None, max_poll_interval=0.3).delete()
    assert (tmp_path / "batch.tif").stat().st_size > 0


def call_services_and_processes(connection, cube):
    service = cube.filter_bands(["B04"]).max_time().tiled_viewing_service("xyz", title="calls")
    assert connection.service(service.service_id).describe_service()["title"] == "calls"
    assert service.service_id in {s["id"] for s in connection.list_services()}
    connection.remove_service(service.service_id)
    connection.create_service(cube.filter_bands(["B04"]).max_time().flat_graph(), "wmts").delete_service()
    process = connection.user_defined_process("calls")
    process.store(cube.max_time(), summary="a cube")
    process.update(cube.min_time(), summary="another")
    assert process.describe()["summary"] == "another"
    connection.save_user_defined_process("calls_too", cube.max_time())
    cube.save_user_defined_process("calls_too", summary="of a cube")
    assert {"calls", "calls_too"} <= {p["id"] for p in connection.list_user_defined_processes()}
    process.delete()
    connection.user_defined_process("calls_too").delete()


def cubes_of(connection, cube):
    b4, b8, time = cube.band("B04"), cube.band("B08"), cube.max_time()
    clouds = b4 > 3000
    fields = connection.load_geojson({"type": "Feature", "properties": {"a": 1}, "geometry": shapely.geometry.mapping(FIELD)}, properties=["a"])
    return [
        cube.add_dimension("z", "one", "other"), time.add_dimension("z", "one").drop_dimension("z"), cube.rename_dimension("t", "time"),
        cube.rename_labels("bands", ["red", "nir"], source=["B04", "B08"]), cube.dimension_labels("bands"), cube.apply(lambda x: x + 1),
        cube.apply_dimension("cumsum", dimension="t"), cube.apply_kernel([[1, 1, 1], [1, 2, 1], [1, 1, 1]], factor=0.1),
        cube.apply_neighborhood(lambda data: data.apply(lambda x: x + 1), size=[{"dimension": d, "unit": "px", "value": 64} for d in "xy"], overlap=[]),
        cube.apply_polygon(geometries=FIELD, process=lambda data: data.apply(lambda x: x + 1)), cube.band_filter(["B04"]),
        cube.aggregate_spatial_window("mean", size=[2, 2]), cube.aggregate_temporal_period("month", "mean"),
        cube.aggregate_temporal([["2023-08-10", "2023-08-15"], ["2023-08-15", "2023-08-20"]], "mean", labels=["a", "b"]),
        cube.count_time(), cube.mean_time(), cube.median_time(), b4.add(1), b4.divide(2), b4.multiply(2), b4.subtract(1), b4.power(2), b4.ln(), b4.log2(),
        b4.log10(), b4.logarithm(3), cube.linear_scale_range(0, 10000, 0, 1), clouds.logical_and(b4 < 9), clouds.logical_or(b4 < 9),
        b8.normalized_difference(b4), cube.ndvi(), cube.mask(clouds), cube.mask_polygon(FIELD), cube.filter_bbox(**BOX), cube.filter_spatial(FIELD),
        cube.filter_temporal("2023-08-11", "2023-08-12"), cube.filter_labels(lambda x: x == "B04", "bands"),
        cube.flatten_dimensions(["t", "bands"], "flat").unflatten_dimension("flat", ["t", "bands"]),
        cube.merge(b8.add_dimension("bands", "other", "bands")), cube.merge_cubes(time, overlap_resolver="subtract"), cube.reduce_bands("mean"),
        cube.reduce_dimension("t", "mean"), cube.reduce_temporal("mean"), cube.reduce_temporal_simple("mean"), cube.resample_spatial(20),
        cube.resample_cube_spatial(cube.resample_spatial(20), "average"), cube.resample_cube_temporal(cube),
        cube.polygonal_mean_timeseries(FIELD), cube.polygonal_median_timeseries(FIELD), cube.polygonal_standarddeviation_timeseries(FIELD),
        cube.graph_add_node("filter_bands", {"data": cube, "bands": ["B04"]}), cube.process("trim_cube", data=cube),
        DataCube.load_collection("sentinel-2-l2a", connection=connection, bands=["B04"]), connection.imagecollection("sentinel-2-l2a", bands=["B04"]),
        DataCube.create_collection("sentinel-2-l2a", connection=connection, bands=["B04"]),
        fields.filter_bbox(**BOX), fields.filter_vector(FIELD), fields.process("vector_reproject", data=fields, projection=32633),
        cube.aggregate_spatial(FIELD, "mean").apply_dimension("cumsum", dimension="t"), cube.aggregate_spatial(FIELD, "mean").filter_bands(["B04"]),
        cube.aggregate_spatial(FIELD, "mean").filter_labels(lambda x: x == "B04", "bands"),
        VectorCube.load_geojson(connection, shapely.geometry.mapping(FIELD)), connection.load_url("https://example.com/f.geojson", "GeoJSON"),
        VectorCube.load_url(connection, "https://example.com/f.gpkg", "GPKG"), connection.vectorcube_from_paths(["f.gpkg"], "GPKG"),
    ]


def udfs_of(cube, tmp_path):
    (tmp_path / "udf.py").write_text(CODE.format("bands"))
    return [cube.aggregate_spatial(FIELD, "mean").run_udf(CODE.format("t"), runtime="Python"), cube.reduce_bands_udf(CODE.format("bands"), runtime="Python"),
            cube.reduce_temporal_udf(CODE.format("t"), version=None), cube.reduce_bands(UDF.from_file(tmp_path / "udf.py", runtime="Python"))]


def check_cubes(connection, cubes):
    for one in cubes:
        graph = json.loads(one.to_json())["process_graph"]
        assert connection.validate_process_graph(one) == [], graph
        assert connection.datacube_from_json(one.to_json()).flat_graph() == graph == connection.datacube_from_flat_graph(graph).flat_graph()
        assert one.result_node().process_id == graph[next(reversed(graph))]["process_id"]
        one.print_json(file=open("/dev/null", "w"))
