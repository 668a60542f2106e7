"""OGC API - Processes over plain HTTP: each way to run a process and to get its results."""
import base64
import email
import io
import time

import numpy as np
import pytest
import rasterio
import requests
from graphs import COMPOSITE, NDVI, VALID

pytestmark = pytest.mark.sanitizer
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"


@pytest.fixture(scope="module")
def alice(service):
    return service.session("alice")


@pytest.fixture(scope="module")
def execute(service, alice):
    def execute(body, process="echo", prefer=None):
        return alice.post(f"{service.base}/ogc/processes/{process}/execution", json=body, timeout=150,
                          headers={"Prefer": prefer} if prefer else {})
    return execute


def wait(session, url, timeout=120):
    end = time.time() + timeout
    while time.time() < end:
        status = session.get(url, timeout=30).json()
        if status["status"] in ("successful", "failed", "dismissed"):
            return status
        time.sleep(0.05)
    raise TimeoutError(status)


def test_landing_and_conformance(service):
    landing = requests.get(service.base + "/ogc", timeout=30).json()
    links = {link["rel"]: link["href"] for link in landing["links"]}
    for rel in ("conformance", "processes", "job-list"):
        assert "http://www.opengis.net/def/rel/ogc/1.0/" + rel in links
    classes = requests.get(links["http://www.opengis.net/def/rel/ogc/1.0/conformance"], timeout=30).json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core" in classes
    document = requests.get(links["service-desc"], timeout=30)
    assert document.headers["Content-Type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert document.json()["openapi"].startswith("3.0")


def test_processes(service):
    page = requests.get(service.base + "/ogc/processes?limit=1", timeout=30).json()
    assert [p["id"] for p in page["processes"]] == ["echo"] and "inputs" not in page["processes"][0]
    page = requests.get(next(link["href"] for link in page["links"] if link["rel"] == "next"), timeout=30).json()
    assert [p["id"] for p in page["processes"]] == ["ndvi-composite"]
    echo = requests.get(service.base + "/ogc/processes/echo", timeout=30).json()
    assert set(echo["inputs"]) == set(echo["outputs"])
    unknown = requests.get(service.base + "/ogc/processes/nothing", timeout=30)
    assert (unknown.status_code, unknown.json()["type"]) == (404, EXCEPTIONS + "no-such-process")


VALUES = {"string": "Zürich \"x\"", "number": 2.5, "choice": "small", "array": [1, 2, 3], "bbox": {"bbox": [1, 2, 3, 4]},
          "object": {"a": {"b": [None, True]}}, "moment": "2023-08-15T00:00:00Z"}


@pytest.mark.parametrize("name", VALUES)
def test_one_raw_value(execute, name):
    value = {"value": VALUES[name]} if name == "object" else VALUES[name]
    answer = execute({"inputs": {name: value}, "outputs": {name: {}}})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == VALUES[name]
    assert "Link" not in answer.headers


def test_document_of_values(execute):
    inputs = {**VALUES, "object": {"value": VALUES["object"]}}
    for body in ({"inputs": inputs, "response": "document"}, {"inputs": inputs}):
        answer = execute(body)
        assert answer.status_code == 200
        assert answer.json() == {**VALUES, "object": {"value": VALUES["object"]}}


def test_multipart(execute):
    answer = execute({"inputs": {"string": "a", "number": 1}, "outputs": {"string": {}, "number": {}}, "response": "raw"})
    message = email.message_from_bytes(b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.content)
    assert message.get_content_type() == "multipart/related"
    assert {p["Content-ID"]: p.get_payload().strip() for p in message.get_payload()} == {"<string>": '"a"', "<number>": "1"}


def test_async(service, alice, execute):
    made = execute({"inputs": {"number": 7}, "outputs": {"number": {}}}, prefer="respond-async")
    assert made.status_code == 201 and made.headers["Preference-Applied"] == "respond-async"
    job = made.headers["Location"]
    assert made.json()["jobID"] == job.rsplit("/", 1)[1]
    status = wait(alice, job)
    assert (status["status"], status["progress"], status["processID"], status["type"]) == ("successful", 100, "echo", "process")
    results = next(link["href"] for link in status["links"] if link["rel"].endswith("/results"))
    assert alice.get(results, timeout=30).json() == 7
    listed = alice.get(f"{service.base}/ogc/jobs?processID=echo&status=successful&limit=1", timeout=30).json()
    assert listed["jobs"][0]["jobID"] == status["jobID"]
    assert requests.get(job, timeout=30).status_code == 401
    assert service.session("bob").get(job, timeout=30).status_code == 404
    # an ended job is removed
    assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    gone = alice.get(job, timeout=30)
    assert (gone.status_code, gone.json()["type"]) == (404, EXCEPTIONS + "no-such-job")


def test_async_with_wait_is_answered_when_it_is_quick(execute):
    answer = execute({"inputs": {"number": 7}, "outputs": {"number": {}}}, prefer="respond-async, wait=30")
    assert answer.status_code == 200 and answer.json() == 7


@pytest.mark.parametrize("wait", ["9223372036854775807", "99999999999999999999999", "0"])
def test_waits_of_any_length(execute, service, wait):
    answer = execute({"inputs": {"number": 7}, "outputs": {"number": {}}}, prefer=f"respond-async, wait={wait}")
    assert answer.status_code == (201 if wait == "0" else 200)
    assert "runtime error" not in service.log.read_text(errors="replace")


def test_list_filters(service, alice, execute):
    jobs = [execute({"inputs": {"number": n}}, prefer="respond-async").headers["Location"] for n in range(3)]
    for job in jobs:
        wait(alice, job)
    get = lambda query: alice.get(f"{service.base}/ogc/jobs?{query}", timeout=30)
    assert len(get("limit=2").json()["jobs"]) == 2
    assert get("processID=none").json()["jobs"] == []
    assert get("type=other").json()["jobs"] == []
    assert get("datetime=../2001-01-01").json()["jobs"] == []
    assert get("datetime=0000-01-01").status_code == 400
    assert len(get("datetime=2001-01-01/..&limit=100").json()["jobs"]) >= 3
    assert get("minDuration=10000").json()["jobs"] == []
    assert len(get("maxDuration=10000&status=successful,failed&limit=100").json()["jobs"]) >= 3
    for query in ("limit=0", "limit=x", "status=lazy", "datetime=now", "datetime=2002-01-01/2001-01-01",
                  "minDuration=-1", "after=1"):
        assert get(query).status_code == 400, query
    for job in jobs:
        alice.delete(job, timeout=30)


@pytest.mark.parametrize("body, detail", [
    ({"inputs": {"string": 1}}, "/inputs/string: expected type string, found a number"),
    ({"inputs": {"number": 1e7}}, "/inputs/number: 10000000 is not <= 1000000"),
    ({"inputs": {"nothing": 1}}, "/inputs/nothing: the process has no such input"),
    ({"inputs": {"choice": "huge"}}, "/inputs/choice: expected one of"),
    ({"inputs": {"array": []}}, "/inputs/array: expected at least 1 elements, found 0"),
    ({"inputs": {"array": [1, "2"]}}, "/inputs/array/1: expected type integer, found a string"),
    ({"inputs": {"bbox": {"bbox": [1, 2, 3]}}}, "/inputs/bbox/bbox: expected at least 4 elements, found 3"),
    ({"inputs": {"moment": "today"}}, "/inputs/moment: expected an RFC 3339 date-time, found 'today'"),
    ({"inputs": {"string": {"href": "http://127.0.0.1/"}}}, "/inputs/string/href: "),
    ({"inputs": [], "outputs": {}}, "/inputs: expected an object, found an array"),
    ({"outputs": {"x": {}}}, "/outputs/x: the process has no such output"),
    ({"response": "xml"}, "/response: expected one of raw, document"),
    ([], "expected an object, found an array"),
])
def test_refused_inputs(service, alice, execute, body, detail):
    count = len(alice.get(f"{service.base}/ogc/jobs?limit=1000", timeout=30).json()["jobs"])
    answer = execute(body)
    assert answer.status_code == 400 and detail in answer.json()["detail"]
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert len(alice.get(f"{service.base}/ogc/jobs?limit=1000", timeout=30).json()["jobs"]) == count


def read(content):
    with rasterio.open(io.BytesIO(content)) as tif:
        return np.ma.masked_invalid(tif.read(masked=True)), tif.profile


def check_composite(content):
    pixels, profile = read(content)
    for band, mean in zip(pixels, COMPOSITE.values()):
        assert band.mean() == pytest.approx(mean, abs=0.01)
    assert (~np.ma.getmaskarray(pixels)).all(axis=0).mean() == pytest.approx(VALID, abs=1e-5)
    assert profile["crs"].to_epsg() == 32633


def test_composite_by_reference(scenes, alice, execute):
    outputs = {name: {"transmissionMode": "reference"} for name in ("composite", "ndvi", "count")}
    made = execute({"inputs": {}, "outputs": outputs, "response": "document"}, "ndvi-composite", "respond-async")
    assert made.status_code == 201, made.text
    status = wait(alice, made.headers["Location"])
    assert status["status"] == "successful", status
    links = alice.get(made.headers["Location"] + "/results", timeout=30).json()
    assert set(links) == set(outputs)
    files = {name: requests.get(link["href"], timeout=60) for name, link in links.items()}
    for name, file in files.items():
        assert file.status_code == 200 and file.headers["Content-Type"] == links[name]["type"]
    check_composite(files["composite"].content)
    assert read(files["ndvi"].content)[0].mean() == pytest.approx(NDVI, abs=1e-4)
    assert read(files["count"].content)[0].filled(0).mean() == pytest.approx(3.363, abs=1e-3)
    raw = execute({"inputs": {}, "outputs": outputs, "response": "raw"}, "ndvi-composite")
    assert raw.status_code == 204 and raw.headers["Link"].count("rel=\"item\"") == 3


def test_composite_by_value(scenes, execute):
    answer = execute({"inputs": {}, "outputs": {"composite": {}}}, "ndvi-composite")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("image/tiff")
    check_composite(answer.content)
    document = execute({"inputs": {}, "outputs": {"ndvi": {"transmissionMode": "value"}}, "response": "document"}, "ndvi-composite")
    ndvi = document.json()["ndvi"]
    assert ndvi["encoding"] == "base64" and ndvi["mediaType"].startswith("image/tiff")
    assert read(base64.b64decode(ndvi["value"]))[0].mean() == pytest.approx(NDVI, abs=1e-4)


def test_composite_of_a_part(scenes, execute):
    box = {"bbox": [15.2, 45.6, 15.3, 45.7]}
    answer = execute({"inputs": {"bbox": box, "datetime": ["2023-08-14", "2023-08-16"], "format": "GTiff"},
                      "outputs": {"count": {}}}, "ndvi-composite")
    assert answer.status_code == 200, answer.text
    count, profile = read(answer.content)
    assert profile["width"] < 200 and set(np.unique(count.filled(0))) <= {0, 1}


@pytest.mark.parametrize("method", ["weighted", "medoid"])
def test_mosaic_of_a_part(scenes, execute, method):
    """Of single dates in the numbers of the source; tests/process/test_mosaic.py has the methods."""
    inputs = {"bbox": {"bbox": [15.2, 45.6, 15.3, 45.7]}, "datetime": ["2023-08-14", "2023-08-16"], "method": method, "grow": 0}
    answer = execute({"inputs": inputs, "outputs": {"doy": {}}}, "cloud-free-mosaic")
    assert answer.status_code == 200, answer.text
    assert set(np.unique(read(answer.content)[0].filled(0))) <= {0, 227}


def test_series_of_a_field(scenes, execute):
    field = {"type": "Polygon", "coordinates": [[[15.2, 45.5], [15.25, 45.5], [15.26, 45.55], [15.2, 45.55], [15.2, 45.5]]]}
    fields = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": None, "geometry": field}]}
    answer = execute({"inputs": {"fields": {"value": fields}, "fill": "whittaker"}, "outputs": {"chart": {}}}, "ndvi-time-series")
    assert answer.status_code == 200, answer.text
    chart = answer.json()
    assert len(chart) == 5 and all(0 < chart[date][0][7] < 1 for date in chart if chart[date][0][7] is not None)
    wrong = execute({"inputs": {"fields": {"value": {"type": "FeatureCollection", "features": []}}}}, "ndvi-time-series")
    assert wrong.status_code == 400 and "/inputs/fields/value/features: expected at least 1 elements, found 0" in wrong.text


def test_outputs_that_need_an_input(scenes, execute):
    """Without polygons the statistics of them are not made, and whoever insists hears why; tests/process/test_rice.py has the map."""
    inputs = {"collection": "sentinel-2-l2a", "band": "B04", "bbox": {"bbox": [15.2, 45.6, 15.3, 45.7]}, "observations": 2}
    answer = execute({"inputs": inputs, "response": "document"}, "rice-map")
    assert answer.status_code == 200 and set(answer.json()) == {"classes", "seasons", "stage", "harvest"}, answer.text
    insisting = execute({"inputs": inputs, "outputs": {"statistics": {}}}, "rice-map")
    assert insisting.status_code == 400 and "/outputs/statistics: it is made from the input 'fields', which is not given" in insisting.text


def test_failed_composite(scenes, alice, execute):
    made = execute({"inputs": {"datetime": ["2001-01-01", "2001-02-01"]}}, "ndvi-composite", "respond-async")
    assert wait(alice, made.headers["Location"])["status"] == "failed"
    why = alice.get(made.headers["Location"] + "/results", timeout=30)
    assert why.status_code == 400 and why.json()["detail"]


def test_owslib(service, monkeypatch):
    """OWSLib's client: processes, both ways to execute."""
    ogcapi = pytest.importorskip("owslib.ogcapi.processes")
    # it adds a client's headers to those of all clients that are made later
    monkeypatch.setattr("owslib.ogcapi.REQUEST_HEADERS", {})
    headers = {"Authorization": service.session("alice").headers["Authorization"]}
    client = ogcapi.Processes(service.base + "/ogc", headers=headers)
    assert {"http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf/core"} <= set(client.conformance()["conformsTo"])
    assert {"echo", "ndvi-composite"} <= {process["id"] for process in client.processes()}
    assert client.process("echo")["inputs"]["string"]["schema"]["type"] == "string"
    assert client.execute("echo", {"string": "a"}, {"string": {}}) == {"string": "a"}
    # a job: the client gives its address, or, in newer versions, its status
    job = client.execute("echo", {"number": 7}, {"number": {}}, async_=True)
    url = job if isinstance(job, str) else job["links"][0]["href"]
    assert wait(service.session("alice"), url)["status"] == "successful"


def test_results_are_read_where_they_lie(scenes, execute):
    """GDAL reads parts of a result through its link."""
    answer = execute({"inputs": {"bbox": {"bbox": [15.2, 45.6, 15.3, 45.7]}}, "outputs": {"ndvi": {"transmissionMode": "reference"}}, "response": "document"},
                     "ndvi-composite")
    assert answer.status_code == 200, answer.text
    with rasterio.open("/vsicurl/" + answer.json()["ndvi"]["href"]) as tif:
        assert tif.read(1, window=((0, 10), (0, 10))).shape == (10, 10)
    part = requests.get(answer.json()["ndvi"]["href"], headers={"Range": "bytes=0-3"}, timeout=30)
    assert part.status_code == 206 and part.content in (b"II*\0", b"II+\0")


def test_own_processes_take_no_place_of_predefined_ones(service):
    """A process of ours means openEO's `constant`, whatever a user calls so."""
    service.add_user("erin")
    erin = service.session("erin")
    own = {"process_graph": {"x": {"process_id": "add", "arguments": {"x": 1, "y": 1}, "result": True}}, "parameters": []}
    assert erin.put(service.base + "/openeo/1.2/process_graphs/constant", json=own, timeout=30).status_code == 200
    answer = erin.post(service.base + "/ogc/processes/echo/execution", json={"inputs": {"number": 7}, "outputs": {"number": {}}}, timeout=30)
    assert answer.json() == 7
