"""Workflows (Part 3): processes whose inputs are outputs of others, here and on other servers; deployed workflows."""
import http.server
import json
import threading
import urllib.parse

import pytest
import requests
from test_ogc import wait
from test_ogc_packages import ADD, COUNT, CWL, PACKAGE, deploy, problem, run

PART1 = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"

FIELDS = {"process_graph": {"self": {"process_id": "constant", "arguments": {"x": {"from_parameter": "fields"}}, "result": True}},
          "parameters": [{"name": "fields", "description": "", "schema": {"type": "object", "subtype": "geojson"}}]}


@pytest.fixture(scope="module")
def shop(make_service):
    service = make_service("packages.hosts=127.0.0.1", "jobs.url_hosts=127.0.0.1", "workflows.at_once=3")
    for name in ("alice", "bob"):
        service.add_user(name)
    deploy(service.session("alice"), service, {"processDescription": {"id": "plus"}, "executionUnit": ADD})
    return service


@pytest.fixture(scope="module")
def alice(shop):
    return shop.session("alice")


def number(value):
    return {"process": "echo", "inputs": {"number": value}, "outputs": {"number": {}}}


def steps_of(session, job):
    return {step["id"]: step for step in session.get(job + "/steps", timeout=30).json()["steps"]}


def test_nested(shop, alice):
    nested = {"x": {"process": "../processes/plus", "inputs": {"x": number(7), "y": 10}}, "y": {"process": shop.base + "/ogc/processes/plus", "inputs": {"x": 100}}}
    answer = run(alice, shop, "plus", nested, "respond-async")
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]
    status = wait(alice, job)
    assert (status["status"], status["processID"], status["progress"]) == ("successful", "plus", 100), status
    assert alice.get(job + "/results", timeout=30).json() == 118
    steps = steps_of(alice, job)
    assert {key: (step["status"], step["progress"]) for key, step in steps.items()} == dict.fromkeys(["echo", "plus", "plus-2", "plus-3"], ("successful", 100))
    # each step is a job that can be looked at, and is listed with its workflow alone
    inner = alice.get(shop.base + "/ogc/jobs/" + steps["echo"]["jobID"], timeout=30).json()
    assert (inner["status"], inner["processID"]) == ("successful", "echo")
    assert alice.get(f"{shop.base}/ogc/jobs/{steps['echo']['jobID']}/results", timeout=30).json() == 7
    listed = [j["jobID"] for j in alice.get(shop.base + "/ogc/jobs?limit=1000", timeout=30).json()["jobs"]]
    assert job.rsplit("/", 1)[1] in listed and not {s["jobID"] for s in steps.values()} & set(listed)
    for change in (alice.delete, alice.patch):
        assert change(shop.base + "/ogc/jobs/" + steps["echo"]["jobID"], json={}, timeout=30).status_code in (400, 423)
    assert shop.session("bob").get(job + "/steps", timeout=30).status_code == 404
    # once more, then it goes with all of its steps
    assert alice.post(job + "/results", timeout=30).status_code == 200
    assert wait(alice, job)["status"] == "successful" and alice.get(job + "/results", timeout=30).json() == 118
    alice.delete(job, timeout=30)
    assert shop.sql("SELECT count(*) FROM jobs WHERE face = 'ogc-step'") == "0"


def test_synchronously_and_by_post_jobs(shop, alice):
    assert run(alice, shop, "plus", {"x": number(1), "y": number(2)}).json() == 3
    made = alice.post(shop.base + "/ogc/jobs", json={"process": "plus", "inputs": {"x": number(3), "y": 4}}, timeout=30)
    assert made.json()["status"] == "created"
    job = made.headers["Location"]
    assert alice.post(job + "/results", timeout=30).status_code == 200
    assert wait(alice, job)["status"] == "successful" and alice.get(job + "/results", timeout=30).json() == 7
    assert alice.get(job + "/definition", timeout=30).json()["inputs"]["x"] == number(3)


def test_lists_have_processes_within(shop, alice):
    answer = run(alice, shop, "echo", {"numbers": [1, number(2), 3, number(4)], "string": {"value": {"process": "echo", "inputs": {"string": "a"}}}},
                 outputs={"numbers": {}, "string": {}})
    assert answer.json() == {"numbers": [1, 2, 3, 4], "string": "a"}, answer.text
    assert run(alice, shop, "echo", {"array": [1, number(2)]}, outputs={"array": {}}).json() == [1, 2]


@pytest.mark.sandbox
def test_files_go_from_step_to_step(shop, alice):
    """A text becomes a file of a command, whose file becomes a text and a file again."""
    deploy(alice, shop, COUNT, CWL)
    text = {"process": "echo", "inputs": {"string": "one two three"}, "outputs": {"string": {}}}
    copied = {"process": "count-words", "inputs": {"text": text}, "outputs": {"copy": {}}}
    answer = run(alice, shop, "count-words", {"text": copied, "factor": {"process": "plus", "inputs": {"x": 1}}})
    assert answer.json()["words"] == 6 and requests.get(answer.json()["copy"]["href"], timeout=30).text == "one two three"
    answer = run(alice, shop, "echo", {"bytes": copied, "string": copied}, outputs={"bytes": {}, "string": {}})
    assert answer.json() == {"bytes": {"value": "b25lIHR3byB0aHJlZQ==", "encoding": "base64", "mediaType": "application/octet-stream"},
                             "string": "one two three"}


def test_outputs_of_inner_processes(shop, alice):
    inner = {"process": "echo", "inputs": {"number": 5, "string": "s"}, "outputs": {"number": {}, "string": {"$output": "said"}}}
    answer = run(alice, shop, "plus", {"x": inner, "y": 1})
    assert answer.json() == {"result": 6, "said": "s"}, answer.text


@pytest.mark.parametrize("inputs, place", [
    ({"x": {"process": "none"}}, "/inputs/x/process: "),
    ({"x": {"process": "echo", "inputs": {"number": "seven"}}}, "/inputs/x/inputs/number: "),
    ({"x": {"process": "echo", "inputs": {"nothing": 7}}}, "/inputs/x/inputs/nothing: "),
    ({"x": {"process": "echo", "outputs": {"nothing": {}}}}, "/inputs/x/outputs/nothing: "),
    ({"x": {"process": "echo", "inputs": {"string": "a"}, "outputs": {"string": {}}}}, "/inputs/x: expected number, but the output string is string"),
    ({"x": {"process": "plus", "inputs": {"x": {"process": "echo", "inputs": {"string": "a"}, "outputs": {"string": {}}}}}},
     "/inputs/x/inputs/x: expected number, but the output string is string"),
    ({"z": {"process": "echo"}}, "/inputs/z: "),
    ({"x": {"process": "plus"}}, "/inputs/x/inputs/x: is required and missing"),
    ({"x": {"process": "http://example.org/processes/echo"}}, "/inputs/x/process: expected a process of this service"),
    ({"x": {"process": "http://169.254.169.254/processes/echo"}}, "/inputs/x/process: expected a process of this service"),
    ({"x": {"$input": "x"}}, "/inputs/x/$input: "),
    ({"x": {"process": "echo", "outputs": {"number": {"$output": "a"}, "string": {"$output": "a"}}}}, "/inputs/x/outputs/string/$output: "),
])
def test_what_is_wrong_is_told_before_anything_runs(shop, alice, inputs, place):
    before = shop.sql("SELECT count(*) FROM jobs")
    answer = run(alice, shop, "plus", inputs, "respond-async")
    assert answer.status_code in (400, 404) and answer.json()["detail"].startswith(place), answer.text
    assert shop.sql("SELECT count(*) FROM jobs") == before


def test_too_many_processes(make_service, shop, alice):
    deep = number(1)
    for _ in range(21):
        deep = {"process": "plus", "inputs": {"x": deep}}
    answer = run(alice, shop, "plus", {"x": deep})
    assert answer.status_code == 400 and "nested more than 20 deep" in answer.text
    answer = run(alice, shop, "echo", {"array": [number(1)] * 201})
    assert answer.status_code == 400 and "at most 200 processes" in answer.text


def test_a_step_that_fails(shop, alice):
    """A value that only turns out to be wrong when it is there ends the workflow, with its place, and the steps beside it."""
    text = {"process": "echo", "inputs": {"mixed": "no geometry"}, "outputs": {"mixed": {}}}
    slow = {"process": "echo", "inputs": {"pause": 60, "number": 1}, "outputs": {"number": {}}}
    answer = run(alice, shop, "echo", {"object": text, "number": slow}, "respond-async")
    job = answer.headers["Location"]
    status = wait(alice, job)
    assert status["status"] == "failed" and status["message"].startswith("/inputs/object: "), status
    problem(alice.get(job + "/results", timeout=30), 400, "about:blank")
    steps = steps_of(alice, job)
    wait(alice, f"{shop.base}/ogc/jobs/{steps['echo-2']['jobID']}")
    assert steps_of(alice, job)["echo-2"]["status"] == "dismissed"


def test_dismissed_with_its_steps(shop, alice):
    job = run(alice, shop, "plus", {"x": {**number(1), "inputs": {"number": 1, "pause": 60}}}, "respond-async").headers["Location"]
    step = None
    while not step:
        step = steps_of(alice, job).get("echo", {}).get("jobID")
    assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    assert wait(alice, f"{shop.base}/ogc/jobs/{step}")["status"] == "dismissed"


WORKFLOW = {"id": "sum-of-three", "title": "Sum of three", "process": "plus",
            "inputs": {"x": {"process": "plus", "inputs": {"x": {"$input": "a"}, "y": {"$input": "b"}}, "outputs": {"result": {"$output": "first"}}},
                       "y": {"$input": "c"}},
            "outputs": {"result": {"$output": "sum"}}}


def test_deployed(shop, alice):
    deploy(alice, shop, WORKFLOW, {"Content-Type": "application/json"})
    described = alice.get(shop.base + "/ogc/processes/sum-of-three", timeout=30).json()
    assert described["title"] == "Sum of three" and set(described["inputs"]) == {"a", "b", "c"} and set(described["outputs"]) == {"first", "sum"}
    assert described["inputs"]["a"]["schema"] == {"type": "number"} and described["inputs"]["b"]["minOccurs"] == 0
    assert alice.get(shop.base + "/ogc/processes/sum-of-three/package", timeout=30).json() == WORKFLOW
    assert run(alice, shop, "sum-of-three", {"a": 1, "b": 2, "c": 3}).json() == {"first": 3, "sum": 6}
    assert run(alice, shop, "sum-of-three", {"a": 1}, outputs={"sum": {}}).json() == 3  # both others are 1 by default
    # with a process as its input, and as the input of one
    assert run(alice, shop, "sum-of-three", {"a": number(10), "c": 3}, outputs={"first": {}}).json() == 11
    answer = run(alice, shop, "plus", {"x": {"process": "sum-of-three", "inputs": {"a": 1, "b": 1}, "outputs": {"sum": {}}}, "y": 100})
    assert answer.json() == 103, answer.text
    for inputs, place in (({"a": "x"}, "/inputs/a: "), ({}, "/inputs/a: "), ({"a": 1, "d": 1}, "/inputs/d: ")):
        answer = run(alice, shop, "sum-of-three", inputs)
        assert answer.status_code == 400 and answer.json()["detail"].startswith(place), answer.text
    packed = {"processDescription": {"id": "packed", "keywords": ["sum"]}, "executionUnit": {k: v for k, v in WORKFLOW.items() if k not in ("id", "title")}}
    deploy(alice, shop, packed, PACKAGE)
    assert run(alice, shop, "packed", {"a": 1, "b": 2, "c": 3}, outputs={"sum": {}}).json() == 6


def test_what_cannot_be_deployed(shop, alice):
    for change, place in (({"process": "none"}, "/process"), ({"inputs": {"z": {"$input": "a"}}}, "/inputs/z: "),
                          ({"inputs": {"x": {"$input": 1}}}, "/inputs/x/$input: "),
                          ({"inputs": {"x": {"$input": "a"}, "y": {"process": "echo", "inputs": {"string": {"$input": "a"}}, "outputs": {"number": {}}}}},
                           "/inputs/y/inputs/string: ")):
        answer = alice.post(shop.base + "/ogc/processes", data=json.dumps({**WORKFLOW, "id": "wrong", **change}),
                            headers={"Content-Type": "application/json"}, timeout=30)
        assert answer.status_code in (400, 404) and (place in answer.json()["detail"] or answer.status_code == 404), answer.text


POINTS = [{"type": "Feature", "id": f"p{n}", "geometry": {"type": "Point", "coordinates": [n, 0]}, "properties": {"n": n, "even": n % 2 == 0, "name": f"point {n}"}}
          for n in range(7)]


class Features(http.server.BaseHTTPRequestHandler):
    """A server of features that pages by three and knows no filter."""

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        start = int(query.get("offset", 0))
        body = {"type": "FeatureCollection", "features": POINTS[start:start + 3], "links": []}
        if start + 3 < len(POINTS):
            body["links"].append({"rel": "next", "href": f"items?offset={start + 3}"})
        known = url.path == "/collections/points/items" and "filter" not in query
        data = json.dumps(body if known else {}).encode()
        self.send_response(200 if known else 400)
        self.send_header("Content-Type", "application/geo+json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def features():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Features)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/collections/points"
    server.shutdown()


@pytest.mark.parametrize("modifiers, names", [
    ({}, [0, 1, 2, 3, 4, 5, 6]), ({"limit": 5}, [0, 1, 2, 3, 4]), ({"filter": "n > 1 AND even = true"}, [2, 4, 6]),
    ({"filter": {"op": ">", "args": [{"property": "n"}, 4]}, "limit": 1}, [5]), ({"sortBy": ["-n"], "filter": "n < 3"}, [2, 1, 0]),
    ({"sortBy": ["even", "-n"]}, [5, 3, 1, 6, 4, 2, 0]), ({"sortBy": "even,-n"}, [5, 3, 1, 6, 4, 2, 0]), ({"sortBy": ["n % 3", "-n * 2"]}, [6, 3, 0, 4, 1, 5, 2]),
])
def test_collections_of_others(shop, alice, features, modifiers, names):
    answer = run(alice, shop, "echo", {"object": {"collection": features, **modifiers}}, outputs={"object": {}})
    assert [feature["properties"]["n"] for feature in answer.json().get("features", [])] == names, answer.text


def test_fields_of_features(shop, alice, features):
    """Modifiers of a collection, of a value, and of what another process gives."""
    wish = {"properties": ["n", "title"], "aliases": {"title": "name"}, "filter": "n = 3"}
    whole = {"type": "FeatureCollection", "features": POINTS}
    nested = {"process": "echo", "inputs": {"object": {"value": whole}}, "outputs": {"object": {}}}
    for value in ({"collection": features, **wish}, {"value": whole, **wish}, {**nested, **wish}):
        answer = run(alice, shop, "echo", {"object": value}, outputs={"object": {}})
        assert [feature["properties"] for feature in answer.json().get("features", [])] == [{"n": 3, "title": "point 3"}], answer.text
    for wrong, place in (({"properties": ["n +"]}, "/inputs/object/properties/n +: "), ({"sortBy": 1}, "/inputs/object/sortBy: "), ({"sortBy": ["n", "-n +"]}, "/inputs/object/sortBy/1: "), ({"sortBy": "n,,m"}, "/inputs/object/sortBy/1: "),
                         ({"filter": "n >"}, "/inputs/object/filter: ")):
        for value in ({"collection": features, **wrong}, {"value": whole, **wrong}):
            answer = run(alice, shop, "echo", {"object": value})
            assert answer.status_code == 400 and answer.json()["detail"].startswith(place), answer.text
    for wrong in ({"properties": {"a": "name * 2 = "}}, {"properties": {"a": 2}}, {"properties": {"a": {"op": "?"}}}, {"properties": {"a": "TIMESTAMP('x')"}},
                  {"properties": ["a"], "aliases": {"a": {"expression": "POINT(1 2)"}}}):
        answer = run(alice, shop, "echo", {"object": {"value": whole, **wrong}})
        assert answer.status_code == 400 and answer.json()["detail"].startswith("/inputs/object/"), answer.text
    here = run(alice, shop, "echo", {"object": {"collection": "../../stac/collections/none"}})  # relative to the process
    assert here.status_code == 400 and f"{shop.base}/stac/collections/none/items" in here.text, here.text
    answer = run(alice, shop, "echo", {"object": {"collection": "http://169.254.169.254/collections/x"}})
    assert answer.status_code == 400 and "not a public address" in answer.text


@pytest.mark.parametrize("modifiers, properties", [
    ({"properties": {"double": "n * 2", "label": "name", "n": "n"}, "filter": "n = 3"}, [{"double": 6, "label": "point 3", "n": 3}]),
    ({"properties": {"ratio": "n / 4 + 0.5 ^ 2"}, "filter": "n = 3"}, [{"ratio": 1.0}]),
    ({"properties": {"ratio": {"op": "/", "args": [{"property": "n"}, 2]}}, "filter": "n = 3"}, [{"ratio": 1.5}]),
    ({"properties": ["n - 1"], "filter": "n = 3"}, [{"n - 1": 2}]),
    ({"properties": {"loud": "CASEI(name)", "odd": "n % 2 = 1", "none": "n / 0", "missing": "nothing"}, "filter": "n = 3"}, [{"loud": "point 3", "odd": True}]),
    ({"properties": ["n"], "aliases": {"big": {"expression": "n > 4", "expressionLang": "cql2-text"}}, "sortBy": ["-big", "-n"]},
     [{"n": n} for n in (6, 5, 4, 3, 2, 1, 0)]),
    ({"properties": ["n", "far"], "aliases": {"far": {"expression": "10 - n"}}, "sortBy": ["+far"], "filter": "n > 4"}, [{"n": 6, "far": 4}, {"n": 5, "far": 5}]),
])
def test_derived_fields(shop, alice, features, modifiers, properties):
    """Expressions as properties, of inputs by value and from elsewhere, and of the output of a process."""
    whole = {"value": {"type": "FeatureCollection", "features": POINTS}}
    by_value = run(alice, shop, "echo", {"object": {**whole, **modifiers}}, outputs={"object": {}})
    by_collection = run(alice, shop, "echo", {"object": {"collection": features, **modifiers}}, outputs={"object": {}})
    of_output = alice.post(shop.base + "/ogc/processes/echo/execution", timeout=60, json={"inputs": {"object": whole}, "outputs": {"object": {}}, **modifiers})
    for answer in (by_value, by_collection, of_output):
        assert [feature["properties"] for feature in answer.json().get("features", [])] == properties, answer.text


def test_modifiers_one_after_the_other(shop, alice):
    """Those of a deployed workflow come before those of who uses it."""
    whole = {"value": {"type": "FeatureCollection", "features": POINTS}}
    flow = {"id": "few-points", "process": "echo", "inputs": {"object": {"$input": "points"}}, "outputs": {"object": {"$output": "few"}}, "filter": "n > 2",
            "properties": {"m": "n * 10"}}
    package = {"processDescription": {"id": "few-points"}, "executionUnit": {k: v for k, v in flow.items() if k != "id"}}
    deploy(alice, shop, package)
    answer = alice.post(shop.base + "/ogc/processes/few-points/execution", timeout=60, json={"inputs": {"points": whole}, "filter": "m < 60", "sortBy": ["-m"]})
    assert [feature["properties"] for feature in answer.json().get("features", [])] == [{"m": 50}, {"m": 40}, {"m": 30}], answer.text


def test_few_at_once(shop, alice):
    """No more steps are under way at a time than the site allows, and all are done in the end."""
    answer = run(alice, shop, "echo", {"numbers": [number(n) for n in range(12)]}, outputs={"numbers": {}})
    assert answer.json() == list(range(12)), answer.text
    most = shop.sql("SELECT max(n) FROM (SELECT (SELECT count(*) FROM jobs b WHERE b.parent = a.parent AND b.created <= a.created AND b.finished > a.created) AS n"
                    " FROM jobs a WHERE a.parent = (SELECT parent FROM jobs WHERE face = 'ogc-step' ORDER BY created DESC LIMIT 1)) x")
    assert 1 <= int(most) <= 3


def sum_of(x, **more):
    return {"sum": {"process_id": "add", "arguments": {"x": x, "y": 2}, "result": True, **more}}


X = {"process_graph": sum_of({"from_parameter": "x"}), "parameters": [{"name": "x", "description": "", "schema": {"type": "number"}}]}
TOOL = {"cwlVersion": "v1.2", "class": "CommandLineTool", "requirements": {"InlineJavascriptRequirement": {}}, "baseCommand": "echo", "stdout": "o",
        "inputs": {"n": {"type": "int", "default": 4, "inputBinding": {}}},
        "outputs": {"n": {"type": "int", "outputBinding": {"glob": "o", "loadContents": True, "outputEval": "$(parseInt(self[0].contents) + 1)"}}}}
PLUS_TWO = {"cwlVersion": "v1.2", "$graph": [
    {"class": "Workflow", "id": "main", "inputs": {"n": {"type": "int", "default": 10}}, "outputs": {"n": {"type": "int", "outputSource": "second/n"}},
     "steps": {"first": {"run": "#one", "in": {"n": "n"}, "out": ["n"]}, "second": {"run": "#one", "in": {"n": "first/n"}, "out": ["n"]}}},
    {**{k: v for k, v in TOOL.items() if k != "cwlVersion"}, "id": "one"}]}


def execute(session, shop, process, body, prefer=None, media="application/json", query=""):
    return session.post(f"{shop.base}/ogc/processes/{process}/execution{query}", data=json.dumps(body).encode(), timeout=60,
                        headers={"Content-Type": media, **({"Prefer": prefer} if prefer else {})})


@pytest.mark.parametrize("body, result", [
    (sum_of(1), 3), ({"process_graph": sum_of(2)}, 4), ({"process": {"process_graph": sum_of(3)}}, 5),
    ({"process_graph": X["process_graph"], "parameters": [{**X["parameters"][0], "optional": True, "default": 4}]}, 6),
    ({"executionUnit": X, "inputs": {"x": 5}}, 7), ({"executionUnit": X, "inputs": {"x": number(6)}}, 8),
    ({"executionUnit": sum_of(7), "processDescription": {"title": "Nine"}, "outputs": {"result": {}}}, 9),
])
def test_graphs_that_are_not_deployed(shop, alice, body, result):
    """openeo-workflows: posted as openEO has them, or with what else an execute request has."""
    answer = execute(alice, shop, "OpenEO", body)
    assert answer.status_code == 200 and answer.json() == result, answer.text
    answer = execute(alice, shop, "OpenEO", body, "respond-async")
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]
    status = wait(alice, job)
    assert (status["status"], status["processID"], status["type"]) == ("successful", "OpenEO", "process")
    assert alice.get(job + "/results", timeout=30).json() == result
    assert alice.get(job + "/definition", timeout=30).json() == body


@pytest.mark.sandbox
@pytest.mark.parametrize("body, media, query, result", [
    (TOOL, "application/cwl+json", "", 5), (PLUS_TWO, "application/cwl+json", "", 12), (PLUS_TWO, "application/cwl+json", "?w=one", 5),
    (TOOL, "application/json", "", 5), ({"executionUnit": PLUS_TWO, "inputs": {"n": 1}}, "application/ogcapppkg+json", "", 3),
    ({"executionUnit": {"type": "application/cwl", "unit": json.dumps(TOOL)}, "inputs": {"n": {**number(7)}}}, "application/json", "", 8),
])
def test_commands_that_are_not_deployed(shop, alice, body, media, query, result):
    """cwl-workflows: as JSON, its inputs their defaults, or within a package, beside the inputs."""
    answer = execute(alice, shop, "CWL", body, media=media, query=query)
    assert answer.status_code == 200 and answer.json() == result, answer.text


@pytest.mark.sandbox
def test_jobs_of_what_is_not_deployed(shop, alice):
    """By POST /jobs, changed, started again; and what is told of them."""
    made = alice.post(shop.base + "/ogc/jobs", json={"process": shop.base + "/ogc/processes/CWL", "executionUnit": TOOL, "inputs": {"n": 1}}, timeout=30)
    job = made.headers["Location"]
    assert (made.status_code, made.json()["status"], made.json()["processID"]) == (201, "created", "CWL")
    for n in (1, 20):
        assert alice.patch(job, json={"inputs": {"n": n}}, timeout=30).status_code == 200
        assert alice.post(job + "/results", timeout=30).status_code == 200
        assert wait(alice, job)["status"] == "successful" and alice.get(job + "/results", timeout=30).json() == n + 1
    assert alice.patch(job, json={"inputs": {"n": "a"}}, timeout=30).status_code == 400
    assert alice.get(job + "/inputs", timeout=30).json()["inputs"] == {"n": 20}
    plan = [e for e in alice.get(job + "/prov", timeout=30).json()["entity"].values() if e.get("prov:type", {}).get("$") == "prov:Plan"]
    assert plan[0]["prov:location"]["$"] == job + "/definition"
    job = execute(alice, shop, "OpenEO", sum_of(1), "respond-async").headers["Location"]
    wait(alice, job)
    assert alice.patch(job, json={"sum": {"arguments": {"x": 40}}}, timeout=30).status_code == 200
    alice.post(job + "/results", timeout=30)
    assert wait(alice, job)["status"] == "successful" and alice.get(job + "/results", timeout=30).json() == 42
    assert alice.get(job + "/definition", timeout=30).json() == sum_of(40)
    listed = alice.get(shop.base + "/ogc/jobs?processID=OpenEO", timeout=30).json()["jobs"]
    assert job.rsplit("/", 1)[1] in [j["jobID"] for j in listed] and {j["processID"] for j in listed} == {"OpenEO"}
    # a name that means this is nobody's to deploy
    answer = alice.post(shop.base + "/ogc/processes", json={"processDescription": {"id": "CWL"}, "executionUnit": X}, timeout=30)
    problem(answer, 403, "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/immutable-process")


@pytest.mark.parametrize("process, body, said", [
    ("OpenEO", {}, "expected CWL, a process graph"), ("OpenEO", {"a": 1}, "expected CWL, a process graph"), ("OpenEO", [], "expected an object"),
    ("OpenEO", {"executionUnit": 1}, "/executionUnit: expected CWL"), ("OpenEO", {"executionUnit": []}, "/executionUnit: expected one, found 0"),
    ("OpenEO", {"process_graph": {"a": {"process_id": "nothing", "arguments": {}, "result": True}}}, "nothing"),
    ("OpenEO", {"process_graph": {}}, "process_graph"), ("OpenEO", {"executionUnit": {"process": "echo"}}, "found an execute request"),
    ("OpenEO", {"executionUnit": X}, "/inputs/x: is required"), ("OpenEO", {"executionUnit": X, "inputs": {"x": "many"}}, "/inputs/x: "),
    ("OpenEO", {"executionUnit": X, "inputs": {"x": 1}, "outputs": {"sum": {}}}, "/outputs/sum"),
    ("OpenEO", {"executionUnit": {"chain": {}, **X}, "inputs": {"x": 1}, "subscriber": {"successUri": "http://169.254.169.254/"}}, "/subscriber"),
    ("CWL", {"process_graph": sum_of(1)}, "'CWL' runs CWL, found a process graph"),
])
def test_what_is_no_unit(shop, alice, process, body, said):
    answer = execute(alice, shop, process, body)
    assert answer.status_code == 400 and said in answer.json()["detail"], answer.text


def steps(**more):
    return {"cwlVersion": "v1.2", "class": "Workflow", "inputs": [], "outputs": [], "steps": [{"id": "a", "in": [], "out": [], "run": TOOL, **more}]}


@pytest.mark.sandbox
@pytest.mark.parametrize("body, status, said", [
    ({"cwlVersion": "v9", "class": "CommandLineTool"}, 400, "cwlVersion"), ({**TOOL, "class": "Nothing"}, 400, "class"),
    ({"executionUnit": "a: [1"}, 400, ""), ({"executionUnit": "a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n"}, 400, ""),
    (steps(run="http://169.254.169.254/latest"), 400, "169.254.169.254"), (steps(run="file:///etc/passwd"), 400, "/etc/passwd"), (steps(run="../other.cwl"), 400, "other.cwl"),
    ({**TOOL, "inputs": {"$import": "file:///etc/passwd"}}, 400, "/etc/passwd"), ({**TOOL, "baseCommand": {"$include": "/etc/passwd"}}, 400, "/etc/passwd"),
    ({"executionUnit": {"href": "http://169.254.169.254/tool.cwl"}}, 400, "/executionUnit/href"), ({"executionUnit": {"href": "file:///etc/passwd"}}, 400, "/executionUnit/href"),
    ({"executionUnit": {"type": "docker", "image": "alpine"}}, 501, "images alone"), ({**TOOL, "requirements": [{"class": "Unheard"}]}, 501, "Unheard"),
    ({"executionUnit": TOOL, "inputs": {"n": "four"}}, 400, "/inputs/n"), ({"executionUnit": TOOL, "inputs": {"m": 1}}, 400, "/inputs/m"),
    ({**TOOL, "doc": "x" * (1 << 24)}, 413, ""), ({**TOOL, "hints": json.loads("[" * 300 + "]" * 300)}, 400, "deep"),
])
def test_hostile_units(shop, alice, body, status, said):
    """Too large, no CWL, or with references to what lies elsewhere: refused before there is a job."""
    before = shop.sql("SELECT count(*) FROM jobs")
    answer = execute(alice, shop, "CWL", body)
    assert answer.status_code == status and said in answer.json()["detail"], answer.text[:500]
    assert shop.sql("SELECT count(*) FROM jobs") == before


@pytest.mark.sandbox
def test_files_of_the_machine_are_no_inputs(shop, alice):
    """A default that names a file here is not read."""
    reads = {**TOOL, "baseCommand": "cat", "inputs": {"n": {"type": "File", "inputBinding": {}, "default": {"class": "File", "location": "file:///etc/passwd"}}}}
    answer = execute(alice, shop, "CWL", reads)
    assert answer.status_code >= 400 and "root:" not in answer.text, answer.text


def test_who_may_not(shop):
    """Nobody in particular; any user may."""
    assert execute(requests, shop, "CWL", TOOL).status_code == 401
    assert execute(shop.session("bob"), shop, "OpenEO", sum_of(1)).json() == 3
