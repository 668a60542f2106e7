"""openEO with its Python client, and over plain HTTP what the client does not ask."""
import io
import json
import re
import time
import zipfile

import numpy as np
import openeo
import pandas
import pytest
import rasterio
import requests
from conftest import ROOT, no_sandbox
from graphs import BANDS, COMPOSITE, NDVI, SCL_VALID, VALID, add, ndvi_of_window
from openeo.rest import OpenEoApiError
from openeo.rest.conversions import timeseries_json_to_pandas
from openeo.rest.job import JobFailedException

pytestmark = pytest.mark.sanitizer


@pytest.fixture(scope="module")
def connection(scenes):
    return openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")


@pytest.fixture(scope="module")
def alice(scenes):
    return scenes.session("alice")


def api(service, path):
    return f"{service.base}/openeo/1.2{path}"


def wait(session, url, timeout=120):
    end = time.time() + timeout
    while time.time() < end:
        job = session.get(url, timeout=30).json()
        if job["status"] in ("finished", "error", "canceled"):
            return job
        time.sleep(0.1)
    raise TimeoutError(job)


def composite(connection):
    cube = connection.load_collection("sentinel-2-l2a", bands=BANDS + ["SCL"])
    scl = cube.band("SCL")
    clear = (scl == SCL_VALID[0])
    for code in SCL_VALID[1:]:
        clear = clear | (scl == code)
    lit = None
    for band in BANDS:
        one = cube.band(band) > 0
        lit = one if lit is None else lit & one
    valid = clear & lit  # no-data where a band is no-data: not valid either
    return cube.filter_bands(BANDS).mask(~valid).mask(valid.apply("is_nodata")).reduce_dimension(dimension="t", reducer="median")


def test_capabilities(connection):
    capabilities = connection.capabilities()
    assert capabilities.api_version() == "1.3.0"  # the client takes the newest that is listed
    for path, method in [("/jobs", "POST"), ("/jobs/{job_id}/results", "DELETE"), ("/result", "POST")]:
        assert capabilities.supports_endpoint(path, method)
    assert capabilities.supports_endpoint("/services", "GET")
    assert not capabilities.supports_endpoint("/credentials/oidc", "GET")  # no provider is configured


def test_metadata(connection, scenes):
    assert "sentinel-2-l2a" in connection.list_collection_ids()
    collection = connection.describe_collection("sentinel-2-l2a")
    assert {"B02", "B08", "SCL"} <= set(collection["cube:dimensions"]["bands"]["values"])
    assert {"x", "y", "t"} <= set(collection["cube:dimensions"])
    assert {"load_collection", "ndvi", "mask", "reduce_dimension", "save_result"} <= {
        p["id"] for p in connection.list_processes()}
    assert {"COG", "GTiff", "PNG", "JSON", "CSV", "GeoJSON"} <= set(connection.list_file_formats()["output"])
    assert connection.describe_account()["name"] == "alice"
    older = openeo.connect(scenes.base + "/openeo/1.2")
    assert older.capabilities().api_version() == "1.2.0"
    if not no_sandbox():
        assert list(older.list_udf_runtimes()) == ["Python"] and connection.capabilities().supports_endpoint("/udf_runtimes")


def test_profiles(connection, shared):
    """Every process of openEO's profiles up to L4 is offered, or the reason why not is written down."""
    text = (shared / "specs/openeo/profiles/processes.md").read_text()
    wanted = {"unflatten_dimension" if p == "unflatten_dimensions" else p  # as the process itself is called
              for p in re.findall(r"^- \*\*`(\w+)", text, re.M)}
    reasons = (ROOT / "ARCHITECTURE.md").read_text().split("**What is not offered**")[1].split("\n**")[0]
    offered = {p["id"] for p in connection.list_processes()}
    missing = wanted - offered
    assert len(wanted) > 140 and missing <= set(re.findall(r"`(\w+)`", reasons)), missing
    assert not missing & {"run_udf", "load_uploaded_files", "load_url", "load_stac", "cloud_detection"}
    whole = {"L1", "L2", "L2A", "L2B", "L2-Date", "L2-Text", "L3", "L3-Clim"}
    levels = {part.split(":")[0]: set(re.findall(r"^- \*\*`(\w+)", part, re.M)) for part in text.split("\n### ")[1:]}
    assert whole <= set(levels) and not set().union(*(levels[one] for one in whole)) & missing


def test_validation(connection):
    assert connection.validate_process_graph(add()["process_graph"]) == []
    errors = connection.validate_process_graph(
        {"sum": {"process_id": "nonsense", "arguments": {}, "result": True}})
    assert [e["code"] for e in errors] == ["ProcessUnsupported"]


def test_batch_job_gives_the_known_composite(connection, tmp_path):
    job = composite(connection).save_result("COG").create_job(title="composite", log_level="debug")
    job.start_and_wait(print=lambda *_: None, connection_retry_interval=1, max_poll_interval=1)
    assert job.status() == "finished"
    assert any(entry["message"] for entry in job.logs())
    results = job.get_results()
    metadata = results.get_metadata()
    assert metadata["type"] == "Collection" and "sentinel-2-l2a" in str(
        [link["href"] for link in metadata["links"] if link["rel"] == "derived_from"])
    assert next(link for link in metadata["links"] if link["rel"] == "canonical")
    files = results.download_files(tmp_path, include_stac_metadata=False)
    assert len(files) == 1
    with rasterio.open(files[0]) as tif:
        pixels = tif.read(masked=True)
        assert tif.crs.to_epsg() == 32633
        pixels = np.ma.masked_invalid(pixels)
    for band, mean in zip(pixels, COMPOSITE.values()):
        assert band.mean() == pytest.approx(mean, abs=0.01)
    assert (~np.ma.getmaskarray(pixels)).all(axis=0).mean() == pytest.approx(VALID, abs=1e-5)
    ndvi = (pixels[3] - pixels[2]) / (pixels[3] + pixels[2])
    assert ndvi.mean() == pytest.approx(NDVI, abs=1e-4)
    job.delete()
    with pytest.raises(OpenEoApiError, match="JobNotFound"):
        job.describe()


def test_synchronous_ndvi(connection, tmp_path):
    cube = connection.load_collection("sentinel-2-l2a", bands=["B04", "B08"],
                                      spatial_extent={"west": 15.2, "south": 45.6, "east": 15.3, "north": 45.7},
                                      temporal_extent=["2023-08-15", "2023-08-16"])
    cube.ndvi(nir="B08", red="B04").reduce_dimension(dimension="t", reducer="mean").download(tmp_path / "n.tif", format="GTiff")
    with rasterio.open(tmp_path / "n.tif") as tif:
        pixels = tif.read(1)
    assert -1 <= np.nanmin(pixels) < np.nanmax(pixels) <= 1


def test_values_are_answered_directly(connection, alice, scenes):
    answer = alice.post(api(scenes, "/result"), json={"process": add(1.5, 2)}, timeout=60)
    assert answer.status_code == 200 and answer.json() == 3.5
    assert answer.headers["OpenEO-Costs"] == "0"


def test_synchronous_headers(alice, scenes):
    answer = alice.post(api(scenes, "/result"), json={"process": ndvi_of_window()}, timeout=120)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("image/tiff")
    assert answer.headers["OpenEO-Identifier"]
    # such requests are no batch jobs
    assert answer.headers["OpenEO-Identifier"] not in [
        j["id"] for j in alice.get(api(scenes, "/jobs"), timeout=30).json()["jobs"]]


def test_life_of_a_job(alice, scenes):
    made = alice.post(api(scenes, "/jobs"), json={"title": "one", "process": ndvi_of_window()}, timeout=30)
    assert made.status_code == 201
    job = made.headers["Location"]
    assert job.endswith(made.headers["OpenEO-Identifier"])
    assert alice.get(job, timeout=30).json()["status"] == "created"
    refused = alice.get(job + "/results", timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (400, "JobNotFinished")
    assert alice.patch(job, json={"title": "two"}, timeout=30).status_code == 204
    assert alice.patch(job, json={}, timeout=30).status_code == 204 and alice.get(job, timeout=30).json()["title"] == "two"
    assert alice.patch(job, timeout=30).status_code == 400
    estimate = alice.get(job + "/estimate", timeout=30).json()
    assert estimate["duration"].startswith("PT") and estimate["size"] > 0
    assert alice.post(job + "/results", timeout=30).status_code == 202
    begun = time.time()
    first = alice.get(job, timeout=30).json()  # held for up to a second
    assert time.time() - begun < 3
    done = wait(alice, job)
    assert done["status"] == "finished" and done["progress"] == 100 and done["title"] == "two"
    assert first["status"] in ("queued", "running", "finished")
    assert {link["rel"] for link in done["links"]} >= {"monitor", "result"}
    results = alice.get(job + "/results", timeout=30).json()
    asset = next(iter(results["assets"].values()))
    assert requests.head(asset["href"], timeout=30).status_code == 200
    part = requests.get(asset["href"], headers={"Range": "bytes=0-3"}, timeout=30)
    assert part.status_code == 206 and part.content in (b"II*\0", b"II+\0")
    canonical = next(link["href"] for link in results["links"] if link["rel"] == "canonical")
    assert requests.get(canonical, timeout=30).json()["id"] == results["id"]
    for user in ("alice", "bob"):  # a link opens whoever else one is
        known = scenes.session(user)
        assert known.get(asset["href"], timeout=30).status_code == 200
        assert known.get(canonical, timeout=30).json()["id"] == results["id"]
    assert scenes.session("bob").get(asset["href"].split("?")[0], timeout=30).status_code == 404
    forged = asset["href"].replace("signature=", "signature=A")
    assert requests.get(forged, timeout=30).status_code == 403
    item = alice.get(job + "/results", headers={"Accept": "application/geo+json"}, timeout=30).json()
    assert item["type"] == "Feature" and item["geometry"]["type"] == "Polygon"
    assert alice.delete(job, timeout=30).status_code == 204
    assert requests.get(asset["href"], timeout=30).json()["code"] == "ResultLinkExpired"
    assert requests.get(asset["href"], timeout=30).status_code == 410


def test_paging(alice, scenes):
    ids = [alice.post(api(scenes, "/jobs"), json={"process": add()}, timeout=30).headers["OpenEO-Identifier"]
           for _ in range(5)]
    page = alice.get(api(scenes, "/jobs?limit=2"), timeout=30).json()
    seen = [j["id"] for j in page["jobs"]]
    assert len(seen) == 2
    while len(seen) < 5:
        page = alice.get(next(link["href"] for link in page["links"] if link["rel"] == "next"), timeout=30).json()
        seen += [j["id"] for j in page["jobs"]]
    assert seen[:5] == ids[::-1]
    for id in ids:
        assert alice.delete(api(scenes, f"/jobs/{id}"), timeout=30).status_code == 204


def test_others_see_nothing(alice, scenes):
    bob = scenes.session("bob")
    job = alice.post(api(scenes, "/jobs"), json={"process": add()}, timeout=30).headers["Location"]
    for method, path in [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/logs"), ("GET", "/results"),
                         ("POST", "/results"), ("DELETE", "/results"), ("GET", "/estimate")]:
        answer = bob.request(method, job + path, json={"title": "x"} if method == "PATCH" else None, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (404, "JobNotFound"), (method, path)
        assert requests.request(method, job + path, timeout=30).status_code == 401
    assert bob.get(api(scenes, "/jobs"), timeout=30).json()["jobs"] == []
    assert alice.delete(job, timeout=30).status_code == 204


def test_a_failed_job_says_why(alice, scenes, connection, tmp_path):
    """An asset that cannot be read: the file of a scene is gone when the job runs."""
    graph = ndvi_of_window()
    graph["process_graph"]["load"]["arguments"]["temporal_extent"] = ["2001-01-01", "2001-02-01"]
    job = alice.post(api(scenes, "/jobs"), json={"process": graph}, timeout=30).headers["Location"]
    assert alice.post(job + "/results", timeout=30).status_code == 202
    assert wait(alice, job)["status"] == "error"
    refused = alice.get(job + "/results", timeout=30)
    assert refused.status_code == 424 and refused.json()["level"] == "error"
    assert refused.json()["code"] == "NoDataAvailable" and refused.json()["message"]
    errors = alice.get(job + "/logs?level=error", timeout=30).json()["logs"]
    assert errors and errors[-1]["level"] == "error"
    with pytest.raises(JobFailedException):
        connection.create_job(graph["process_graph"]).start_and_wait(print=lambda *_: None)


def test_cancel(alice, scenes):
    job = alice.post(api(scenes, "/jobs"), json={"process": ndvi_of_window()}, timeout=30).headers["Location"]
    alice.post(job + "/results", timeout=30)
    assert alice.delete(job + "/results", timeout=30).status_code == 204
    assert alice.get(job, timeout=30).json()["status"] in ("canceled", "finished")
    assert alice.delete(job, timeout=30).status_code == 204


def test_several_files_come_as_a_zip(alice, scenes):
    """One file a date: a synchronous answer is a zip of them, a job lists them."""
    graph = ndvi_of_window(format="GTiff")
    nodes = graph["process_graph"]
    nodes["save"]["arguments"]["data"] = {"from_node": "ndvi"}
    del nodes["median"]
    answer = alice.post(api(scenes, "/result"), json={"process": graph}, timeout=120)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip"), answer.text[:300]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert len(files) == 5
    for content in files.values():
        with rasterio.open(io.BytesIO(content)) as tif:
            assert tif.count == 1


def test_formats(alice, scenes):
    for format, media in [("PNG", "image/png"), ("JSON", "application/json"), ("cog", "image/tiff")]:
        answer = alice.post(api(scenes, "/result"), json={"process": ndvi_of_window(format=format)}, timeout=120)
        assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(media), answer.text[:300]


FIELDS = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"crop": crop}, "geometry": {"type": "Polygon", "coordinates": [
        [[x, y], [x + 0.03, y], [x + 0.03, y + 0.02], [x, y + 0.02], [x, y]]]}}
    for crop, x, y in (("maize", 15.2, 45.6), ("wheat", 15.3, 45.7))]}
# NumPy: mean NDVI of the pixels whose centres lie in the fields, on the clear day.
FIELD_NDVI = {"2023-08-15": [0.797423366, 0.843300326]}


def test_time_series_of_fields(connection, tmp_path):
    """Zonal statistics as the client has them: at once as a data frame, and as a job's table."""
    cube = connection.load_collection("sentinel-2-l2a", bands=["B04", "B08"]).ndvi(red="B04", nir="B08")
    series = cube.aggregate_spatial(FIELDS, reducer="mean")
    frame = timeseries_json_to_pandas(series.execute())
    day = next(date for date in frame.index if date.startswith("2023-08-15"))
    assert list(frame.loc[day]) == pytest.approx(FIELD_NDVI["2023-08-15"])
    job = series.execute_batch(out_format="CSV", outputfile=tmp_path / "fields.csv", print=lambda *_: None,
                               job_options=None, max_poll_interval=1, connection_retry_interval=1)
    assert job.status() == "finished"
    table = pandas.read_csv(tmp_path / "fields.csv")
    assert len(table) == 2 * len(frame) and list(table.columns) == ["date", "feature_index", "value"]
    assert table["value"].to_numpy().reshape(-1, 2) == pytest.approx(frame.to_numpy(), nan_ok=True)
    found = cube.aggregate_spatial(FIELDS, reducer="median").download(tmp_path / "fields.geojson", format="GeoJSON")
    found = json.loads((tmp_path / "fields.geojson").read_text())
    assert [f["properties"]["crop"] for f in found["features"]] == ["maize", "wheat"]
    assert 0.5 < found["features"][0]["properties"][day] < 1


def test_masks_and_vector_cubes(connection, tmp_path):
    """load_geojson, vector_reproject, vector_buffer, mask_polygon and filter_spatial from the client."""
    fields = connection.load_geojson(FIELDS)
    cube = connection.load_collection("sentinel-2-l2a", bands=["B04"], temporal_extent=["2023-08-15", "2023-08-16"])
    wide = fields.process("vector_reproject", data=fields, projection=32633)
    wide = wide.process("vector_buffer", geometries=wide, distance=500)
    both = [cube.aggregate_spatial(g, reducer=lambda data: data.count(condition=True)).execute() for g in (fields, wide)]
    small, large = (next(iter(counts.values())) for counts in both)
    assert all(a[0] < b[0] for a, b in zip(small, large))
    cube.filter_spatial(FIELDS).mask_polygon(FIELDS["features"][0]["geometry"], inside=True).download(tmp_path / "cut.tif", format="GTiff")
    with rasterio.open(tmp_path / "cut.tif") as tif:
        left = tif.read(1, masked=True)
    assert left.count() == small[1][0] and left.size > 10 * left.count()
