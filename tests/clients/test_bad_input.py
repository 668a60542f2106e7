"""Bad input: each row is refused with an exact status and code, and nothing else changes."""
import json

import pytest
import requests
from graphs import add, load, ndvi_of_window

pytestmark = pytest.mark.sanitizer
SQL = "'; DROP TABLE jobs; --"


@pytest.fixture(scope="module")
def alice(scenes):
    return scenes.session("alice")


@pytest.fixture(scope="module")
def url(scenes):
    return scenes.base + "/openeo/1.2"


@pytest.fixture(autouse=True)
def unchanged(alice, url):
    """No test here leaves a job behind."""
    before = alice.get(url + "/jobs", timeout=30).json()["jobs"]
    yield
    assert alice.get(url + "/jobs", timeout=30).json()["jobs"] == before


def saved(**arguments):
    return {"process_graph": {"load": load(**arguments),
                              "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": "GTiff"},
                                       "result": True}}}


BODIES = [  # what is posted as it is, status, code
    (b"", 400, "BadRequest"),
    (b"{", 400, "BadRequest"),
    (b'{"process": {"process_graph": {"a": {"process_id": "add"', 400, "BadRequest"),
    (b"[" * 100000, 400, "BadRequest"),
    (b'{"a":' * 100 + b"1" + b"}" * 100, 400, "BadRequest"),
    (b"nonsense", 400, "BadRequest"),
    (b"[]", 400, "BadRequest"),
    (b"null", 400, "BadRequest"),
    (b'{"process": 1}', 400, "BadRequest"),
    (b'{"process": {}, "process": {}}', 400, "BadRequest"),
    (b'{"title": "\xff\xfe", "process": {}}', 400, "BadRequest"),
    (b'{"title": "a\\u0000b", "process": {}}', 400, "BadRequest"),
    (b'{"budget": -1, "process": {}}', 400, "BadRequest"),
    (b'{"budget": 1e400, "process": {}}', 400, "BadRequest"),
    (b'{"log_level": "loud", "process": {}}', 400, "BadRequest"),
    (b'{"plan": "gold", "process": {"process_graph": {}}}', 400, "BillingPlanInvalid"),
    (b'{"process": {}}', 400, "ProcessGraphMissing"),
    (b'{"process": {"process_graph": {}}}', 400, ("ProcessGraphMissing", "ProcessGraphInvalid")),
    (b'{"process": {"process_graph": {"a": NaN}}}', 400, "BadRequest"),
]


@pytest.mark.parametrize("body, status, code", BODIES, ids=[repr(b[0][:40]) for b in BODIES])
@pytest.mark.parametrize("path", ["/jobs", "/result"])
def test_bodies(alice, url, path, body, status, code):
    answer = alice.post(url + path, data=body, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] in (code if isinstance(code, tuple) else (code,)), answer.text
    assert answer.json()["message"]


def test_giant_body(alice, url):
    body = b'{"process": {"process_graph": {"a": "' + b"x" * (17 << 20) + b'"}}}'
    try:
        answer = alice.post(url + "/jobs", data=body, headers={"Content-Type": "application/json"}, timeout=60)
        assert (answer.status_code, answer.json()["code"]) == (413, "PayloadTooLarge")
    except requests.ConnectionError:
        pass  # refused before all of it was sent


def node(process_id, result=True, **arguments):
    return {"process_id": process_id, "arguments": arguments, "result": result}


CYCLE = {"a": node("add", x={"from_node": "b"}, y=1), "b": node("add", False, x={"from_node": "a"}, y=1)}
GRAPHS = [  # process, code
    ({"process_graph": {"a": node("nonsense")}}, "ProcessUnsupported"),
    ({"process_graph": {"a": node(SQL)}}, "ProcessUnsupported"),
    ({"process_graph": {"a": node("../add")}}, "ProcessUnsupported"),
    ({"process_graph": CYCLE}, "ProcessGraphInvalid"),
    ({"process_graph": {"a": node("add", x={"from_node": "c"}, y=1)}}, "ProcessGraphInvalid"),
    ({"process_graph": {"a": node("add", False, x=1, y=1)}}, "ProcessGraphInvalid"),
    ({"process_graph": {"a": node("add", x=1, y=1), "b": node("add", x=1, y=1)}}, "ProcessGraphInvalid"),
    ({"process_graph": {"a": node("add", x=1)}}, "ProcessParameterRequired"),
    ({"process_graph": {"a": node("add", x=1, y="2")}}, "ProcessParameterInvalid"),
    ({"process_graph": {"a": node("add", x=1, y=2, z=3)}}, "ProcessParameterUnsupported"),
    ({"process_graph": {"a": node("add", x={"from_parameter": "p"}, y=2)}}, "ProcessParameterRequired"),
    (saved(collection="nothing-like-this"), "CollectionNotFound"),
    (saved(collection=SQL), "ProcessParameterInvalid"),
    (saved(collection="../../etc/passwd"), "CollectionNotFound"),
    (saved(bands=["B99"]), None),
    (saved(bands=[SQL]), None),
    (saved(bands=17), "ProcessParameterInvalid"),
    (saved(temporal_extent=["2023-09-01", "2023-08-01"]), None),
    (saved(temporal_extent=["yesterday", None]), None),
    (saved(temporal_extent=[SQL, None]), None),
    (saved(spatial_extent={"west": 15, "south": 46, "east": 16, "north": 45}), None),
    (saved(spatial_extent={"west": 15, "south": 45, "east": 16, "north": 91}), None),
    (saved(spatial_extent={"west": 15, "south": 45, "east": 16}), "ProcessParameterInvalid"),
    (saved(spatial_extent={"west": 15, "south": 45, "east": 16, "north": 46, "crs": 999999}), None),
    ({"process_graph": {"load": load(), "save": node("save_result", data={"from_node": "load"}, format="DOC")}}, None),
]


@pytest.mark.parametrize("process, code", GRAPHS, ids=[json.dumps(g[0])[:90] for g in GRAPHS])
def test_graphs(alice, url, process, code):
    for path in ("/jobs", "/result"):
        answer = alice.post(url + path, json={"process": process}, timeout=60)
        assert answer.status_code == 400 or (answer.status_code == 404 and code == "CollectionNotFound"), answer.text
        if code:
            assert answer.json()["code"] == code, answer.text
        assert answer.json()["message"]
    errors = alice.post(url + "/validation", json=process, timeout=60).json()["errors"]
    # an unbound parameter is no error of validation
    assert errors or code == "ProcessParameterRequired" and "from_parameter" in json.dumps(process)


def test_deep_but_legal_graph(alice, url):
    nodes = {f"n{i}": node("add", False, x={"from_node": f"n{i - 1}"} if i else 0, y=1) for i in range(3000)}
    nodes["n2999"]["result"] = True
    answer = alice.post(url + "/result", json={"process": {"process_graph": nodes}}, timeout=60)
    assert answer.status_code == 200 and answer.json() == 3000


WINDOWS = [  # nothing is there, but nothing is wrong either: NoDataAvailable
    {"spatial_extent": {"west": 100, "south": 10, "east": 101, "north": 11}},
    {"spatial_extent": {"west": 179.5, "south": -17, "east": -179.5, "north": -16}},  # across 180 degrees
    {"temporal_extent": ["1999-01-01", "1999-02-01"]},
]


@pytest.mark.parametrize("arguments", WINDOWS)
def test_empty_search(alice, url, arguments):
    answer = alice.post(url + "/result", json={"process": saved(**arguments)}, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (400, "NoDataAvailable"), answer.text


PATHS = [  # path, status, code
    ("/openeo/1.2/jobs/..%2f..%2fetc%2fpasswd", 400, "BadRequest"),
    ("/openeo/1.2/jobs/x", 404, "JobNotFound"),
    ("/openeo/1.2/jobs/00000000-0000-4000-8000-000000000000", 404, "JobNotFound"),
    ("/openeo/1.2/jobs/' OR 1=1 --", 404, "JobNotFound"),
    ("/openeo/1.2/jobs/x/logs", 404, "JobNotFound"),
    ("/openeo/1.2/jobs/x/results", 404, "JobNotFound"),
    ("/openeo/1.2/collections/' OR 1=1 --", 404, "CollectionNotFound"),
    ("/openeo/1.2/collections/%00", 400, ("BadRequest", "InvalidParameter")),
    ("/openeo/1.2/nothing", 404, "NotFound"),
    ("/results/00000000-0000-4000-8000-000000000000/..%2f..%2fx", 400, "BadRequest"),
    ("/results/..%2f..%2f/passwd", 400, "BadRequest"),
    ("/ogc/jobs/' OR 1=1 --", 404, "JobNotFound"),
    ("/ogc/processes/..%2fecho", 400, "BadRequest"),
    ("/api/..%2f..%2fetc%2fpasswd", 400, "BadRequest"),
    ("/openeo/1.2/jobs?limit=-1", 400, "InvalidParameter"),
    ("/openeo/1.2/jobs?limit=1e9", 400, "InvalidParameter"),
    ("/openeo/1.2/jobs?after=' OR 1=1 --", 400, "InvalidParameter"),
]


@pytest.mark.parametrize("path, status, code", PATHS)
def test_paths(alice, scenes, path, status, code):
    # requests would tidy the path up
    request = requests.Request("GET", scenes.base, headers=dict(alice.headers)).prepare()
    request.url = scenes.base + path.replace(" ", "%20").replace("'", "%27")
    answer = requests.Session().send(request, timeout=30)
    assert answer.status_code == status, answer.text
    assert answer.json()["code"] in (code if isinstance(code, tuple) else (code,)), answer.text


def test_methods(alice, url):
    answer = alice.put(url + "/jobs", timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (405, "MethodNotAllowed")
    assert "POST" in answer.headers["Allow"]


def test_media_type(alice, url):
    answer = alice.post(url + "/jobs", data="<xml/>", headers={"Content-Type": "text/xml"}, timeout=30)
    assert answer.status_code in (400, 415) and answer.json()["code"] in ("ContentTypeInvalid", "UnsupportedMediaType")


def test_titles_are_data(alice, url):
    made = alice.post(url + "/jobs", json={"title": SQL, "description": SQL, "process": add()}, timeout=30)
    job = made.headers["Location"]
    assert alice.get(job, timeout=30).json()["title"] == SQL
    assert alice.delete(job, timeout=30).status_code == 204


def test_unreadable_asset(make_service, shared, tmp_path):
    """A scene whose file went away after it was imported: the job fails and names the asset."""
    import shutil
    scene = shared / "data/s2/33TW/S2A_33TWL_20230815_0_L2A"
    folder = tmp_path / scene.name
    shutil.copytree(scene, folder)
    for parent in [folder, tmp_path, tmp_path.parent, tmp_path.parent.parent]:
        parent.chmod(0o755)
    service = make_service()
    service.add_user("alice")
    service.command("catalog", "import", folder)
    (folder / "B04.tif").unlink()
    (folder / "B08.tif").write_bytes(b"not a picture")
    session = service.session("alice")
    answer = session.post(service.base + "/openeo/1.2/result", json={"process": ndvi_of_window()}, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (400, "SourceUnreadable"), answer.text
    assert "B04.tif" in answer.json()["message"] or "B08.tif" in answer.json()["message"]
    assert session.post(service.base + "/openeo/1.2/result", json={"process": add()}, timeout=60).json() == 3
