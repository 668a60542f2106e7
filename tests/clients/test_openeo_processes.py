"""Users' own processes: stored with the Python client, used in requests, jobs and each other, shared."""
import time

import openeo
import pytest
import requests
from graphs import ndvi_of_window
from openeo.api.process import Parameter
from openeo.rest import OpenEoApiError

pytestmark = pytest.mark.sanitizer
EVI = {"id": "evi_of", "parameters": [{"name": n, "description": n, "schema": {"type": "number"}} for n in ("red", "nir")],
       "summary": "An index", "process_graph": {
           "n": {"process_id": "normalized_difference",
                 "arguments": {"x": {"from_parameter": "nir"}, "y": {"from_parameter": "red"}}, "result": True}}}


@pytest.fixture(scope="module")
def alice(scenes):
    return scenes.session("alice")


@pytest.fixture(scope="module")
def connection(scenes):
    return openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")


def api(service, path):
    return f"{service.base}/openeo/1.2{path}"


def call(process, namespace=None, **arguments):
    node = {"process_id": process, "arguments": arguments, "result": True}
    return {"process_graph": {"call": {**node, "namespace": namespace} if namespace else node}}


def test_life_of_a_process(alice, scenes):
    url = api(scenes, "/process_graphs/evi_of")
    assert alice.put(url, json={**EVI, "id": "another", "custom:member": [1]}, timeout=30).status_code == 200
    kept = alice.get(url, timeout=30).json()
    assert kept == {**EVI, "custom:member": [1]}
    listed = alice.get(api(scenes, "/process_graphs"), timeout=30).json()
    one = next(p for p in listed["processes"] if p["id"] == "evi_of")
    assert one["parameters"] == EVI["parameters"] and "process_graph" not in one
    value = alice.post(api(scenes, "/result"), json={"process": call("evi_of", red=1, nir=3)}, timeout=60)
    assert value.json() == 0.5
    assert alice.delete(url, timeout=30).status_code == 204
    for method in ("get", "delete"):
        gone = getattr(alice, method)(url, timeout=30)
        assert (gone.status_code, gone.json()["code"]) == (404, "ProcessGraphNotFound")
    gone = alice.post(api(scenes, "/result"), json={"process": call("evi_of", red=1, nir=3)}, timeout=60)
    assert (gone.status_code, gone.json()["code"]) == (400, "ProcessUnsupported")


@pytest.mark.parametrize("id, change, code", [
    ("no word", {}, "ProcessInvalid"),
    ("x" * 201, {}, "ProcessInvalid"),
    ("bad", {"process_graph": None}, "ProcessGraphMissing"),
    ("bad", {"process_graph": {}}, "ProcessGraphInvalid"),
    ("bad", {"process_graph": {"a": {"process_id": "pi", "arguments": {}}}}, "ProcessGraphInvalid"),
    ("bad", {"process_graph": {"a": {"process_id": "bad", "arguments": {}, "result": True}}}, "ProcessGraphInvalid"),
    ("bad", {"process_graph": {"a": {"process_id": "sqrt", "arguments": {"x": {"from_node": "b"}}, "result": True}}},
     "ProcessGraphInvalid"),
    ("bad", {"parameters": {}}, "ProcessInvalid"),
    ("bad", {"parameters": [{"schema": {}}]}, "ProcessInvalid"),
    ("bad", {"parameters": [{"name": "x"}, {"name": "x"}]}, "ProcessInvalid"),
    ("bad", {"parameters": [{"name": f"p{i}"} for i in range(25)]}, "ProcessInvalid"),
    ("bad", {"public": "yes"}, "BadRequest"),
])
def test_what_cannot_be_stored(alice, scenes, id, change, code):
    answer = alice.put(api(scenes, f"/process_graphs/{id}"), json={**EVI, **change}, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert alice.get(api(scenes, f"/process_graphs/{id}"), timeout=30).status_code == 404


def test_paging(alice, scenes):
    for i in range(5):
        assert alice.put(api(scenes, f"/process_graphs/page{i}"), json=EVI, timeout=30).status_code == 200
    url, seen = api(scenes, "/process_graphs?limit=2"), []
    while url:
        page = alice.get(url, timeout=30).json()
        assert len(page["processes"]) <= 2
        seen += [p["id"] for p in page["processes"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert [id for id in seen if id.startswith("page")] == [f"page{i}" for i in range(5)]
    for i in range(5):
        alice.delete(api(scenes, f"/process_graphs/page{i}"), timeout=30)


def test_python_client(connection, tmp_path):
    """Stored from a cube of the client, used on another, by default and by name, in a job."""
    data = Parameter.datacube(name="data")
    nir = Parameter.string(name="nir", default="B08")
    cube = connection.datacube_from_process("ndvi", data=data, nir=nir, red="B04")
    cube = cube.reduce_dimension(dimension="t", reducer="median")
    connection.save_user_defined_process("ndvi_median", cube, parameters=[data, nir], summary="Median of NDVI")
    assert "ndvi_median" in [p["id"] for p in connection.list_user_defined_processes()]
    udp = connection.user_defined_process("ndvi_median")
    assert udp.describe()["summary"] == "Median of NDVI"
    scene = connection.load_collection("sentinel-2-l2a", bands=["B04", "B08"],
                                       spatial_extent={"west": 15.2, "south": 45.6, "east": 15.22, "north": 45.62})
    ours = connection.datacube_from_process("ndvi_median", namespace="user", data=scene)
    plain = scene.ndvi(nir="B08", red="B04").reduce_dimension(dimension="t", reducer="median")
    assert connection.validate_process_graph(ours.flat_graph()) == []
    ours.save_result("GTiff").create_job().start_and_wait(
        print=lambda *_: None, connection_retry_interval=1, max_poll_interval=1).get_results().download_files(tmp_path / "job")
    ours.download(tmp_path / "ours.tif", format="GTiff")
    plain.download(tmp_path / "plain.tif", format="GTiff")
    plain_bytes = (tmp_path / "plain.tif").read_bytes()
    assert (tmp_path / "ours.tif").read_bytes() == plain_bytes
    job = [f for f in (tmp_path / "job").iterdir() if f.suffix == ".tif"]
    assert [f.read_bytes() for f in job] == [plain_bytes]
    udp.delete()
    with pytest.raises(OpenEoApiError, match="ProcessGraphNotFound"):
        udp.describe()


def test_a_job_keeps_the_process_it_was_planned_with(alice, scenes):
    """Stored, planned, replaced: what fails inside names the call and the place in the process."""
    url = api(scenes, "/process_graphs/window")
    graph = ndvi_of_window()["process_graph"]
    graph["load"]["arguments"]["temporal_extent"] = ["2001-01-01", "2001-02-01"]
    assert alice.put(url, json={"process_graph": graph}, timeout=30).status_code == 200
    job = alice.post(api(scenes, "/jobs"), json={"process": call("window")}, timeout=30).headers["Location"]
    alice.post(job + "/results", timeout=30)
    end = time.time() + 120
    while alice.get(job, timeout=30).json()["status"] not in ("finished", "error") and time.time() < end:
        time.sleep(0.1)
    refused = alice.get(job + "/results", timeout=30)
    assert refused.status_code == 424 and refused.json()["code"] == "NoDataAvailable"
    assert "(node 'load', /process_graph/call > window/process_graph/load" in refused.json()["message"]
    alice.delete(job, timeout=30)
    alice.delete(url, timeout=30)


def test_sharing(alice, scenes):
    bob = scenes.session("bob")
    url = api(scenes, "/process_graphs/shared_index")
    spaces = ["/processes/@alice", "/processes/user", "/processes/backend"]
    alice.put(url, json=EVI, timeout=30)
    request = {"process": call("shared_index", "@alice", red=1, nir=3)}

    def answers():
        return (bob.post(api(scenes, "/result"), json=request, timeout=60).status_code,
                [p["id"] for p in bob.get(api(scenes, spaces[0]), timeout=30).json()["processes"]])

    assert answers() == (400, [])
    alice.put(url, json={**EVI, "public": True}, timeout=30)
    assert answers() == (200, ["shared_index"])
    assert bob.get(api(scenes, spaces[0]), timeout=30).json()["processes"][0]["process_graph"] == EVI["process_graph"]
    assert bob.get(api(scenes, spaces[1]), timeout=30).json()["processes"] == []
    assert bob.get(url, timeout=30).status_code == 404
    assert "add" in [p["id"] for p in bob.get(api(scenes, spaces[2]), timeout=30).json()["processes"]]
    assert requests.get(api(scenes, spaces[1]), timeout=30).status_code == 401
    assert requests.get(api(scenes, "/processes/elsewhere"), timeout=30).status_code == 404
    known = openeo.connect(scenes.base).authenticate_basic("bob", "open sesame")
    assert [p["id"] for p in known.list_processes(namespace="@alice")] == ["shared_index"]
    alice.delete(url, timeout=30)
    assert answers() == (400, [])


def test_versions(alice, scenes):
    """Each change keeps what was there before; graphs name it by its number, and a job tells which one it was planned with."""
    url = api(scenes, "/process_graphs/grown")

    def put(number):
        body = {"process_graph": {"a": {"process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": number}, "result": True}},
                "parameters": [{"name": "x", "description": "x", "schema": {"type": "number"}}]}
        return alice.put(url, json=body, timeout=30)

    def value(id, **arguments):
        answer = alice.post(api(scenes, "/result"), json={"process": call(id, x=1, **arguments)}, timeout=60)
        return answer.json() if answer.status_code == 200 else answer.json()["code"]

    for number in (10, 20, 20, 30):
        assert put(number).links["version-history"]["url"] == url + "/versions"
    listed = alice.get(url + "/versions", timeout=30).json()
    assert [(v["id"], v["version"]) for v in listed["versions"]] == [("grown@3", 3), ("grown@2", 2), ("grown@1", 1)]
    assert [v["created"] for v in listed["versions"]] == sorted((v["created"] for v in listed["versions"]), reverse=True)
    assert [value(i) for i in ("grown", "grown@3", "grown@2", "grown@1", "grown@4", "grown@0", "grown@x", "grown@1x", "add@1")] == \
        [31, 31, 21, 11] + ["ProcessUnsupported"] * 5
    former = alice.get(url + "@2", timeout=30).json()
    assert former["id"] == "grown" and former["process_graph"]["a"]["arguments"]["y"] == 20
    # one version may use another, but none itself
    by_another = {"process_graph": {"b": {"process_id": "grown@1", "arguments": {"x": {"from_parameter": "x"}}, "result": True}},
                  "parameters": former["parameters"]}
    assert alice.put(url, json=by_another, timeout=30).status_code == 200 and value("grown") == 11
    by_another["process_graph"]["b"]["process_id"] = "grown@5"
    alice.put(url, json=by_another, timeout=30)
    assert value("grown@5") == "ProcessGraphInvalid"
    job = alice.post(api(scenes, "/jobs"), json={"process": call("grown@2", x=1)}, timeout=30).headers["Location"]
    alice.post(job + "/results", timeout=30)
    end = time.time() + 120
    while alice.get(job, timeout=30).json()["status"] not in ("finished", "error") and time.time() < end:
        time.sleep(0.1)
    assert alice.get(job, timeout=30).json()["sentier:processes"] == [{"namespace": "user", "id": "grown", "version": 2}]
    alice.delete(job, timeout=30)
    assert alice.delete(url + "@2", timeout=30).status_code == 204 and value("grown@2") == "ProcessUnsupported"
    assert alice.delete(url + "@5", timeout=30).status_code == 404  # the latest one goes with all
    assert alice.delete(url, timeout=30).status_code == 204 and value("grown@1") == "ProcessUnsupported"
    assert alice.get(url + "/versions", timeout=30).status_code == 404


def test_groups(alice, scenes):
    """A process is private, of groups, or public; versions are as visible as the process is now."""
    url = api(scenes, "/process_graphs/for_some")
    bob, strangers = scenes.session("bob"), requests.Session()

    def seen():
        return [bool(s.get(api(scenes, "/processes/@alice"), timeout=30).json()["processes"]) for s in (bob, strangers)]

    alice.put(url, json=EVI, timeout=30)
    scenes.command("user", "join", "bob", "foresters")
    assert seen() == [False, False]
    assert alice.put(url, json={**EVI, "sentier:groups": ["foresters"]}, timeout=30).status_code == 200
    assert seen() == [True, False]
    one = {"process": call("for_some@1", "@alice", red=1, nir=3)}
    assert bob.post(api(scenes, "/result"), json=one, timeout=60).json() == 0.5
    alice.put(url, json={**EVI, "sentier:groups": ["others"]}, timeout=30)
    assert seen() == [False, False] and bob.post(api(scenes, "/result"), json=one, timeout=60).status_code == 400
    alice.put(url, json={**EVI, "public": True}, timeout=30)
    assert seen() == [True, True]
    for wrong in ("foresters", [1], {}):
        assert alice.put(url, json={**EVI, "sentier:groups": wrong}, timeout=30).status_code == 400
    alice.delete(url, timeout=30)


def test_validation_looks_into_processes(alice, scenes):
    url = api(scenes, "/process_graphs/inner")
    alice.put(url, json={"process_graph": {"s": {"process_id": "sqrt", "arguments": {"x": "text"}, "result": True}}}, timeout=30)
    errors = alice.post(api(scenes, "/validation"), json=call("inner"), timeout=30).json()["errors"]
    assert [e["code"] for e in errors] == ["ProcessParameterInvalid"]
    assert "/process_graph/call > inner/process_graph/s/arguments/x" in errors[0]["message"]
    outer = {"id": "outer", **call("outer")}
    errors = alice.post(api(scenes, "/validation"), json=outer, timeout=30).json()["errors"]
    assert [e["code"] for e in errors] == ["ProcessGraphInvalid"] and "cycle" in errors[0]["message"]
    alice.delete(url, timeout=30)
