"""OGC API - Processes, Part 4: jobs that are made, changed, started; what they were made of; where their results come from."""
import html
import io
import json
import math
import re
import time

import pytest
import requests
from jobs_common import pids, stripes

PART1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
PART4 = "http://www.opengis.net/def/exceptions/ogcapi-processes-4/1.0/"
SUM = {"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}


@pytest.fixture(scope="module")
def alice(service):
    return service.session("alice")


@pytest.fixture(scope="module")
def jobs(service):
    return service.base + "/ogc/jobs"


def end_of(session, url):
    deadline = time.time() + 60
    while time.time() < deadline:
        status = session.get(url, timeout=30).json()
        if status["status"] in ("successful", "failed", "dismissed"):
            return status
        time.sleep(0.02)
    raise TimeoutError(status)


@pytest.mark.sanitizer
@pytest.mark.parametrize("name", ["echo", "/ogc/processes/echo", "{base}/ogc/processes/echo"])
def test_made_then_started(service, alice, jobs, name):
    body = {"process": name.format(base=service.base), "inputs": {"number": 7}, "outputs": {"number": {}}, "title": "Seven"}
    made = alice.post(jobs, json=body, timeout=30)
    assert made.status_code == 201, made.text
    job = made.headers["Location"]
    assert (made.json()["status"], made.json()["title"], made.json()["type"]) == ("created", "Seven", "process")
    assert alice.get(job + "/results", timeout=30).json()["type"] == PART1 + "result-not-ready"
    assert alice.get(job + "/definition", timeout=30).json() == body
    assert job.rsplit("/", 1)[1] in [j["jobID"] for j in alice.get(jobs + "?status=created", timeout=30).json()["jobs"]]
    started = alice.post(job + "/results", timeout=30)
    assert started.status_code == 200 and started.json()["status"] in ("accepted", "running", "successful")
    assert end_of(alice, job)["status"] == "successful"
    assert alice.get(job + "/results", timeout=30).json() == 7
    inputs = alice.get(job + "/inputs", timeout=30).json()
    assert inputs["inputs"] == {"number": 7} and inputs["outputs"] == {"number": {}}
    alice.delete(job, timeout=30)


@pytest.mark.sanitizer
def test_changed(alice, jobs):
    job = alice.post(jobs, json={"process": "echo", "inputs": {"number": 7, "string": "a"}}, timeout=30).headers["Location"]
    changed = alice.patch(job, json={"inputs": {"number": 8, "string": None}, "title": "Eight"}, timeout=30)
    assert (changed.status_code, changed.json()["status"], changed.json()["title"]) == (200, "created", "Eight")
    assert alice.get(job + "/definition", timeout=30).json() == {"process": "echo", "inputs": {"number": 8}, "title": "Eight"}
    for body, detail in (({"inputs": {"number": "x"}}, "/inputs/number: "), ({"process": "ndvi-composite", "inputs": None}, "/process: a job stays"),
                         ({"inputs": {"none": 1}}, "/inputs/none: ")):
        answer = alice.patch(job, json=body, timeout=30)
        assert answer.status_code == 400 and answer.json()["detail"].startswith(detail), answer.text
    alice.post(job + "/results", timeout=30)
    assert end_of(alice, job)["status"] == "successful"
    # once more, with another value
    assert alice.patch(job, data=b'{"inputs": {"number": 9}, "outputs": {"number": {}}}', headers={"Content-Type": "application/ogcapi-processes+json"},
                       timeout=30).status_code == 200
    alice.post(job + "/results", timeout=30)
    assert end_of(alice, job)["status"] == "successful" and alice.get(job + "/results", timeout=30).json() == 9
    alice.delete(job, timeout=30)


def test_locked(service, alice, jobs):
    job = alice.post(service.base + "/ogc/processes/echo/execution", json={"inputs": {"pause": 60}}, headers={"Prefer": "respond-async"},
                     timeout=30).headers["Location"]
    for answer in (alice.patch(job, json={"inputs": {}}, timeout=30), alice.post(job + "/results", timeout=30)):
        assert (answer.status_code, answer.json()["type"]) == (423, PART4 + "locked")
    assert alice.get(job + "/definition", timeout=30).json() == {"process": service.base + "/ogc/processes/echo", "inputs": {"pause": 60}}
    alice.delete(job, timeout=30)
    assert alice.post(job + "/results", timeout=30).status_code == 200  # what was dismissed may be started again
    alice.delete(job, timeout=30)


@pytest.mark.sanitizer
def test_made_then_started_to_begin_later(alice, jobs):
    job = alice.post(jobs, json={"process": "echo", "inputs": {"pause": 60, "number": 7}}, timeout=30).headers["Location"]
    for _ in range(2):  # the second time what was dismissed is started again
        started = alice.post(job + "/results", timeout=30).json()
        assert (started["status"], started["message"]) == ("accepted", "It is to begin later.")
        assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    assert alice.patch(job, json={"inputs": {"pause": None}}, timeout=30).status_code == 200
    alice.post(job + "/results", timeout=30)
    assert end_of(alice, job)["status"] == "successful"
    alice.delete(job, timeout=30)


@pytest.mark.sanitizer
@pytest.mark.parametrize("body", [{"title": "Three", "process": {"process_graph": SUM}}, {"process_graph": SUM}, SUM])
def test_a_process_graph(service, alice, jobs, body):
    made = alice.post(jobs, json=body, headers={"Content-Schema": "https://x.org/schemas/openeo-process-graph.yaml"}, timeout=30)
    assert made.status_code == 201 and (made.json()["type"], made.json()["processID"]) == ("openeo", "OpenEO"), made.text
    job = made.headers["Location"]
    assert alice.get(job + "/definition", timeout=30).json() == body
    alice.post(job + "/results", timeout=30)
    assert end_of(alice, job)["status"] == "successful"
    assert alice.get(job + "/results", timeout=30).json() == 3
    name = job.rsplit("/", 1)[1]
    listed = lambda query: [j["jobID"] for j in alice.get(f"{jobs}?{query}", timeout=30).json()["jobs"]]
    assert name in listed("processID=OpenEO") and name not in listed("processID=echo") and name in listed("processID=echo,OpenEO")
    assert name in listed("type=openeo") and name not in listed("type=process") and name in listed("type=openeo,process")
    assert alice.get(job + "/prov", timeout=30).status_code == 200
    change = {"sum": {"arguments": {"y": 5}}} if body is SUM else {"process_graph": {"sum": {**SUM["sum"], "arguments": {"x": 1, "y": 5}}}}
    changed = alice.patch(job, json=change if "process" not in body else {"process": change}, timeout=30)
    assert changed.status_code == 200 and '"y": 5' in json.dumps(alice.get(job + "/definition", timeout=30).json()), changed.text
    alice.post(job + "/results", timeout=30)
    assert end_of(alice, job)["status"] == "successful" and alice.get(job + "/results", timeout=30).json() == 6
    alice.delete(job, timeout=30)


@pytest.mark.sanitizer
@pytest.mark.parametrize("headers, content, status, kind", [
    ({"Content-Type": "text/plain"}, b"{}", 415, PART4 + "unsupported-media-type"),
    ({"Content-Type": "application/json", "Content-Schema": "https://x.org/cwl.yaml"}, b"{}", 422, PART4 + "unsupported-schema"),
    ({"Content-Type": "application/json"}, b"{", 400, "about:blank"), ({"Content-Type": "application/json"}, b"[]", 400, "about:blank"),
    ({"Content-Type": "application/json"}, b"{}", 400, "about:blank"),
    ({"Content-Type": "application/json"}, b'{"process": "none"}', 404, PART1 + "no-such-process"),
    ({"Content-Type": "application/json"}, b'{"process": "http://example.org/processes/echo"}', 400, "about:blank"),
    ({"Content-Type": "application/json"}, b'{"process_graph": {"a": {"process_id": "none", "arguments": {}, "result": true}}}', 400, "about:blank"),
    ({"Content-Type": "application/json"}, b'{"process": 1}', 400, "about:blank"),
])
def test_refused(alice, jobs, headers, content, status, kind):
    answer = alice.post(jobs, data=content, headers=headers, timeout=30)
    assert (answer.status_code, answer.json()["type"]) == (status, kind), answer.text


def test_nobody_elses(service, alice, jobs):
    job = alice.post(jobs, json={"process": "echo"}, timeout=30).headers["Location"]
    bob = service.session("bob")
    for answer in (bob.patch(job, json={}, timeout=30), bob.post(job + "/results", timeout=30), *(bob.get(f"{job}/{part}", timeout=30)
                   for part in ("definition", "inputs", "prov", "logs", "results"))):
        assert answer.status_code == 404 and answer.json()["type"] == PART1 + "no-such-job"
    assert requests.post(jobs, json={"process": "echo"}, timeout=30).status_code == 401
    alice.delete(job, timeout=30)


def test_log(alice, jobs):
    job = alice.post(jobs, json={"process_graph": {"a": {"process_id": "array_element", "arguments": {"data": [1], "index": 5}, "result": True}}},
                     timeout=30)
    if job.status_code != 201:  # refused at once, as it is known beforehand
        return
    job = job.headers["Location"]
    alice.post(job + "/results", timeout=30)
    assert end_of(alice, job)["status"] == "failed"
    log = alice.get(job + "/logs", timeout=30).json()["logs"]
    assert log and log[-1]["level"] == "error"
    page = alice.get(job + "/logs?limit=1", timeout=30).json()
    assert page["logs"] == log[:1]


def prov_json():
    """What W3C's note on PROV-JSON says of documents, as a JSON Schema."""
    name = {"pattern": "^([A-Za-z_][A-Za-z0-9_.-]*:)?[^ :][^ ]*$"}
    literal = {"anyOf": [{"type": ["string", "number", "boolean"]},
                         {"type": "object", "required": ["$"], "properties": {"$": {"type": "string"}, "type": {"type": "string", **name}, "lang": {"type": "string"}},
                          "additionalProperties": False}]}
    value = {"anyOf": [literal, {"type": "array", "minItems": 1, "items": literal}]}
    reference, moment = {"type": "string", **name}, {"type": "string", "format": "date-time"}

    def records(required=(), **members):
        one = {"type": "object", "required": list(required), "properties": members, "additionalProperties": value, "propertyNames": name}
        return {"type": "object", "propertyNames": name, "additionalProperties": {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}}

    def relation(*required, **members):
        ends = {f"prov:{r}": reference for r in (*required, *members.pop("optional", ()))}
        return records([f"prov:{r}" for r in required], **ends, **{f"prov:{k}": v for k, v in members.items()})

    return {"type": "object", "additionalProperties": False, "properties": {
        "prefix": {"type": "object", "additionalProperties": {"type": "string", "format": "uri"}, "propertyNames": {"pattern": "^[A-Za-z0-9_-]+$"}},
        "entity": records(), "agent": records(), "activity": records(**{"prov:startTime": moment, "prov:endTime": moment}),
        "used": relation("activity", optional=["entity"], time=moment), "wasGeneratedBy": relation("entity", optional=["activity"], time=moment),
        "wasAssociatedWith": relation("activity", optional=["agent", "plan"]), "wasAttributedTo": relation("entity", "agent"),
        "wasInformedBy": relation("informed", "informant"), "wasDerivedFrom": relation("generatedEntity", "usedEntity", optional=["activity", "generation", "usage"])}}


def test_provenance_has_the_form_of_the_note(alice, jobs):
    jsonschema = pytest.importorskip("jsonschema")
    check = jsonschema.Draft202012Validator(prov_json(), format_checker=jsonschema.FormatChecker())
    job = alice.post(jobs, json={"process": "echo", "inputs": {"number": 7, "string": "a: b c"}, "outputs": {"number": {}}}, timeout=30).headers["Location"]
    document = alice.get(job + "/prov", timeout=30).json()
    check.validate(document)
    alice.post(job + "/results", timeout=30)
    end_of(alice, job)
    document = alice.get(job + "/prov", timeout=30).json()
    check.validate(document)
    # the schema can say no
    used = next(iter(document["used"].values()))
    del used["prov:activity"]
    assert not check.is_valid(document)
    alice.delete(job, timeout=30)


def test_provenance(service, alice, jobs):
    prov = pytest.importorskip("prov.model")
    job = alice.post(jobs, json={"process": "echo", "inputs": {"number": 7, "string": {"value": "a: b"}}, "outputs": {"number": {}}}, timeout=30).headers["Location"]
    alice.post(job + "/results", timeout=30)
    end_of(alice, job)
    text = alice.get(job + "/prov", timeout=30).text
    document = prov.ProvDocument.deserialize(content=text, format="json")
    activity, = document.get_records(prov.ProvActivity)
    assert activity.identifier.uri == job and activity.get_startTime() <= activity.get_endTime()
    used = {str(r.args[1].localpart): r for r in document.get_records(prov.ProvUsage)}
    assert set(used) == {"number", "string"} and all(r.args[0].uri == job for r in used.values())
    generated, = document.get_records(prov.ProvGeneration)
    assert generated.args[0].uri == job + "/results/number" and alice.get(generated.args[0].uri, timeout=30).json() == 7
    plans = {str(r.args[2].uri) for r in document.get_records(prov.ProvAssociation) if r.args[2]}
    assert plans == {service.base + "/ogc/processes/echo"}
    assert {e.identifier.localpart for e in document.get_records(prov.ProvEntity)} == {"number", "string", "echo"}
    # what it reads it can write, and reads again the same
    assert prov.ProvDocument.deserialize(content=document.serialize(format="json"), format="json") == document
    alice.delete(job, timeout=30)


def test_provenance_names_the_scenes(scenes):
    prov = pytest.importorskip("prov.model")
    alice = scenes.session("alice")
    made = alice.post(scenes.base + "/ogc/processes/ndvi-composite/execution", headers={"Prefer": "respond-async"}, timeout=30,
                      json={"inputs": {"bbox": {"bbox": [15.2, 45.6, 15.22, 45.62]}, "collection": {"collection": "sentinel-2-l2a", "datetime": "2023-08-14/2023-08-16"}},
                            "outputs": {"count": {}}})
    assert made.status_code == 201, made.text
    job = made.headers["Location"]
    assert end_of(alice, job)["status"] == "successful"
    document = prov.ProvDocument.deserialize(content=alice.get(job + "/prov", timeout=30).text, format="json")
    places = [str(next(iter(e.get_attribute("prov:location"))).uri) for e in document.get_records(prov.ProvEntity) if e.identifier.namespace.prefix == "scene"]
    assert places
    for place in places:
        item = requests.get(place, timeout=30).json()
        assert item["properties"]["datetime"].startswith("2023-08-15")


def test_pages(alice, jobs):
    job = alice.post(jobs, json={"process": "echo", "inputs": {"string": "<b>"}}, timeout=30).headers["Location"]
    for part in ("definition", "inputs", "prov", "logs"):
        page = alice.get(f"{job}/{part}?f=html", timeout=30)
        assert page.headers["Content-Type"].startswith("text/html") and "<b>" not in page.text.replace("<b>Sentier", "")
    alice.delete(job, timeout=30)
    assert json.loads(alice.get(jobs + "?limit=1", timeout=30).text)["links"]


# ---- dismissal ----

BROKEN = {"value": {"process_id": "load_collection", "arguments": {"id": "sentinel-2-l2a", "spatial_extent": None, "temporal_extent": ["2001-01-01", "2001-01-02"]}},
          "saved": {"process_id": "save_result", "arguments": {"data": {"from_node": "value"}, "format": "COG"}, "result": True}}
STATES = {  # how a job gets there; what a dismissal does to it
    "created": ({"process": "echo", "inputs": {"string": "x"}}, False, "gone"),
    "accepted": ({"process": "echo", "inputs": {"pause": 60}}, True, "stays"),
    "successful": ({"process": "echo", "inputs": {"string": "x"}}, True, "gone"),
    "failed": ({"process_graph": BROKEN}, True, "gone"),
    "dismissed": ({"process": "echo", "inputs": {"pause": 60}}, True, "gone"),
}


@pytest.mark.parametrize("way", ["DELETE", "form"])
@pytest.mark.parametrize("state", STATES)
def test_dismissal_in_each_state(scenes, state, way):
    alice, (body, starts, then) = scenes.session("alice"), STATES[state]
    if "pause" in body.get("inputs", {}):
        job = alice.post(f"{scenes.base}/ogc/processes/echo/execution", json={"inputs": body["inputs"]}, headers={"Prefer": "respond-async"},
                         timeout=30).headers["Location"]
    else:
        job = alice.post(f"{scenes.base}/ogc/jobs", json=body, timeout=30).headers["Location"]
    if starts and "pause" not in body.get("inputs", {}):
        assert alice.post(job + "/results", timeout=30).status_code == 200
    if state in ("successful", "failed"):
        assert end_of(alice, job)["status"] == state
    if state == "dismissed":
        assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    assert alice.get(job, timeout=30).json()["status"] == state
    if way == "form":
        page = alice.get(job + "?f=html", timeout=30).text
        assert f'<form method="post" action="{job}/dismissal?f=html"><button>{"Dismiss" if state == "accepted" else "Remove"}</button>' in page
        for headers in {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere.example"}:
            assert alice.post(job + "/dismissal?f=html", headers=headers, timeout=30).status_code == 403
        answer = alice.post(job + "/dismissal?f=html", headers={"Sec-Fetch-Site": "same-origin"}, timeout=30)
        assert answer.status_code == 200 and "dismissed" in answer.text and "/dismissal" not in answer.text
    else:
        assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    after = alice.get(job, timeout=30)
    assert (after.json()["status"] if after.status_code == 200 else after.status_code) == ("dismissed" if then == "stays" else 404)


@pytest.mark.parametrize("way", ["DELETE", "form"])
def test_dismissal_of_what_runs(scenes, way):
    """A job of hundreds of results: what computes it ends, it stays dismissed, and the worker takes the next job."""
    alice, graph = scenes.session("alice"), stripes(200, lon=(15.2, 15.5), lat=(45.5, 45.6))
    graph["load"]["arguments"]["id"] = "sentinel-2-l2a"
    job = alice.post(f"{scenes.base}/ogc/jobs", json={"process_graph": graph}, timeout=30).headers["Location"]
    assert alice.post(job + "/results", timeout=30).status_code == 200
    deadline = time.time() + 60
    while not pids(scenes, "task") or alice.get(job, timeout=30).json()["status"] == "accepted":
        assert time.time() < deadline
        time.sleep(0.01)
    assert alice.get(job, timeout=30).json()["status"] == "running"
    if way == "form":
        answer = alice.get(job + "?f=html", timeout=30)
        assert answer.headers["Refresh"] == "2" and "<button>Dismiss</button>" in answer.text
        answer = alice.post(job + "/dismissal?f=html", headers={"Sec-Fetch-Site": "same-origin"}, timeout=30)
        assert answer.status_code == 200 and "dismissed" in answer.text and "Refresh" not in answer.headers
    else:
        assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    while pids(scenes, "task"):
        assert time.time() < deadline
        time.sleep(0.01)
    assert alice.get(job + "/results", timeout=30).status_code == 410
    following = alice.post(f"{scenes.base}/ogc/jobs", json={"process": "echo"}, timeout=30).headers["Location"]
    alice.post(following + "/results", timeout=30)
    assert end_of(alice, following)["status"] == "successful" and alice.get(job, timeout=30).json()["status"] == "dismissed"
    for url in job, following:
        alice.delete(url, timeout=30)


def test_form_job_and_picture(scenes):
    """What a browser does: the form of a process sends parameters; its job's page leads to results that are shown."""
    alice = scenes.session("alice")
    form = alice.get(f"{scenes.base}/ogc/processes/snapshot?f=html", timeout=30).text
    assert 'name="date"' in form and 'placeholder="2023-08-20"' in form
    inputs = {"bbox": "15.2,45.5,15.3,45.6", "date": "2023-08-20", "width": "200", "response[f]": "html", "response[prefer]": "respond-async"}
    made = alice.get(f"{scenes.base}/ogc/processes/snapshot/execution", params=inputs, headers={"Accept": "text/html"}, timeout=60)
    assert made.status_code == 201 and "<progress" in made.text
    job = made.headers["Location"]
    assert end_of(alice, job)["status"] == "successful"
    page = alice.get(job + "/results?f=html", timeout=30)
    assert "media-src *" in page.headers["Content-Security-Policy"]
    source = page.text.split('<img class="shown" src="')[1].split('"')[0].replace("&amp;", "&")
    picture = requests.get(source, timeout=30)
    assert (picture.headers["Content-Type"], picture.content[:4]) == ("image/png", b"\x89PNG")


def check_placed(source, tif):
    """The picture on the map has what GDAL's warper finds at each of its places, and is as much wider as degrees are narrower there."""
    import numpy
    import rasterio.vrt
    import rasterio.warp
    from PIL import Image
    shown = numpy.asarray(Image.open(io.BytesIO(requests.get(source, timeout=30).content)).convert("RGBA")).astype(int)
    with rasterio.open(io.BytesIO(tif)) as file:
        west, south, east, north = box = rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds)
        height, width = shown.shape[:2]
        assert abs(width / height / (math.cos(math.radians((south + north) / 2)) * (east - west) / (north - south)) - 1) < 0.01
        place = rasterio.transform.from_bounds(*box, width, height)
        with rasterio.vrt.WarpedVRT(file, crs="EPSG:4326", transform=place, width=width, height=height) as there:
            pixels = there.read([there.descriptions.index(name) + 1 for name in ("B04", "B03", "B02")]).astype(float)
    seen = numpy.isfinite(pixels).all(axis=0)
    assert (seen == (shown[:, :, 3] == 255)).mean() > 0.995 and 0.5 < seen.mean() < 1
    for k in range(3):
        low, high = numpy.percentile(pixels[k][seen], [2, 98])
        assert numpy.corrcoef(numpy.clip(pixels[k][seen], low, high), shown[:, :, k][seen])[0, 1] > 0.98


def test_previews(scenes):
    """A GeoTIFF is shown as the pixels that GDAL reads of it, stretched as numpy would; to whom the page was for."""
    numpy, rasterio, image = (pytest.importorskip(name) for name in ("numpy", "rasterio", "PIL.Image"))
    alice = scenes.session("alice")
    made = alice.post(f"{scenes.base}/ogc/processes/ndvi-composite/execution", headers={"Prefer": "respond-async"}, json={"inputs": {}}, timeout=30)
    job = made.headers["Location"]
    assert end_of(alice, job)["status"] == "successful"
    files, page = alice.get(job + "/results?profile=ogc-results", timeout=30).json(), alice.get(job + "/results?f=html", timeout=30).text
    sources = [html.unescape(source) for source in re.findall(r'<img class="shown" loading="lazy" src="([^"]+)"', page)]
    assert len(sources) == len(files) > 1
    for link, source in zip(files.values(), sources):
        answer = requests.get(source, timeout=30)
        assert answer.headers["Content-Type"] == "image/png" and "no-cache" not in answer.headers["Cache-Control"]
        shown = numpy.asarray(image.open(io.BytesIO(answer.content)).convert("RGBA")).astype(int)
        with rasterio.open(io.BytesIO(requests.get(link["href"], timeout=30).content)) as tif:
            scale = min(1, 512 / max(tif.shape))
            shape = tuple(round(side * scale) for side in tif.shape)
            bands = [tif.descriptions.index(name) + 1 for name in ("B04", "B03", "B02")] if "B02" in tif.descriptions else [1]
            pixels = tif.read(bands, out_shape=(len(bands), *shape), masked=True)
        assert shown.shape == (*shape, 4)
        there = ~numpy.any(numpy.ma.getmaskarray(pixels), axis=0)
        assert (there == (shown[:, :, 3] == 255)).all() and there.any()
        for k, band in enumerate(pixels.data.astype(float)):
            low, high = numpy.percentile(band[there], [2, 98])
            wanted = numpy.clip((band - low) / (high - low), 0, 1) * 255
            assert abs(shown[:, :, k] - wanted)[there].max() <= 2
        path = source.split("?")[0]
        assert alice.get(path, timeout=30).content == answer.content
        for other, status in (scenes.session("bob"), 404), (requests, 401):
            assert other.get(path, timeout=30).status_code == status
        assert requests.get(source.replace("/preview/", "/items/"), timeout=30).status_code == 403  # signed for this path alone
    assert requests.get(sources[0], timeout=30).status_code == 200
    check_placed(html.unescape(re.search('<image [^>]*href="([^"]+)"', page)[1]), requests.get(files["composite"]["href"], timeout=30).content)
    assert len(re.findall("<image ", page)) == 1 and len(re.findall("<image ", alice.get(job + "?f=html", timeout=30).text)) == 1
    assert requests.get(sources[0] + "&grid=metres", timeout=30).status_code == 400
    alice.delete(job, timeout=30)
    assert requests.get(sources[0], timeout=30).status_code == 410
