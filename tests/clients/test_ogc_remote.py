"""Steps that other servers do: a second service of ours, a server that misbehaves, and pygeoapi where SENTIER_PYGEOAPI names the
Python that has it."""
import http.server
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest
import requests
from conftest import free_port
from test_ogc import wait
from test_ogc_packages import ADD, COUNT, CWL, deploy, run
from test_ogc_workflows import steps_of


class Liar(http.server.BaseHTTPRequestHandler):
    """Processes that end as their names say. What it is sent is kept."""
    seen, jobs = [], {}

    def answer(self, status, body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.seen.append(("GET", self.path, self.headers.get("Authorization")))
        name = self.path.split("/")[3].split("?")[0] if self.path.count("/") >= 3 else ""
        if self.path.startswith("/api/processes/"):
            self.answer(200, {"id": name, "title": name, "inputs": {"x": {"schema": {"type": "number"}, "minOccurs": 0}}, "outputs": {"y": {"schema": {"type": "number"}}}})
        elif self.path.endswith("/results"):
            good = {"runs": {"y": 5}, "nothing": {"z": 1}, "text": {"y": "no number"}, "inside": {"y": {"href": "http://169.254.169.254/latest"}},
                    "broken": b"{", "large": {"y": {"href": "/api/large"}}, "file": {"y": {"href": "/api/large"}}}
            self.answer(200, good.get(name, {"y": 1}))
        elif self.path == "/api/large":
            self.answer(200, b"x" * 2_000_000, Content_Type="text/plain")
        elif name == "lost":
            self.answer(404, {"title": "No such job", "detail": "never heard of it"})
        elif name == "silent" and self.jobs.setdefault(name, 0) < 2:
            self.jobs[name] += 1
            self.answer(503, {})
        else:
            status = {"fails": "failed", "endless": "running", "odd": "what"}.get(name, "successful")
            self.answer(200, {"jobID": name, "type": "process", "status": status, "progress": 42, "message": "as its name says"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(("POST", self.path, self.headers.get("Authorization"), json.loads(body)))
        name = self.path.split("/")[3]
        if name == "refuses":
            self.answer(400, {"title": "Invalid parameter", "detail": "x is too odd"})
        elif name == "elsewhere":
            self.answer(201, {}, Location="http://169.254.169.254/jobs/1")
        else:
            self.answer(201, {"jobID": name, "status": "accepted"}, Location=f"/api/jobs/{name}")

    def do_DELETE(self):
        self.seen.append(("DELETE", self.path, self.headers.get("Authorization")))
        self.answer(200, {"status": "dismissed"})

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def liar():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/api"
    server.shutdown()


@pytest.fixture(scope="module")
def peer(make_service):
    """Another service of ours, with a user for the one that calls it."""
    service = make_service("packages.hosts=127.0.0.1")
    service.add_user("robot")
    return service


@pytest.fixture(scope="module")
def pygeoapi(tmp_path_factory):
    python = os.environ.get("SENTIER_PYGEOAPI")
    if not python:
        yield None
        return
    folder, port = tmp_path_factory.mktemp("pygeoapi"), free_port()
    (folder / "caller.py").write_text(CALLER)
    (folder / "config.yml").write_text(PYGEOAPI.format(port=port, folder=folder))
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYGEOAPI_CONFIG": str(folder / "config.yml"), "PYGEOAPI_OPENAPI": str(folder / "openapi.yml")}
    command = Path(python).parent / "pygeoapi"
    with open(folder / "openapi.yml", "w") as out:
        subprocess.run([command, "openapi", "generate", "config.yml"], cwd=folder, env=environment, stdout=out, check=True, timeout=120)
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([command, "serve"], cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True)
    base = f"http://127.0.0.1:{port}"
    for _ in range(600):
        try:
            if requests.get(base + "/processes?f=json", timeout=5).status_code == 200:
                break
        except requests.RequestException:
            time.sleep(0.1)
    yield base
    os.killpg(process.pid, signal.SIGTERM)
    process.wait()


PYGEOAPI = """
server:
  bind: {{host: 127.0.0.1, port: {port}}}
  url: http://127.0.0.1:{port}
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  languages: [en-US]
  limits: {{default_items: 100, max_items: 1000}}
  map: {{url: "https://example.org/{{z}}/{{x}}/{{y}}.png", attribution: none}}
  manager: {{name: TinyDB, connection: {folder}/jobs.db, output_dir: {folder}}}
logging: {{level: ERROR}}
metadata:
  identification: {{title: t, description: d, keywords: [k], keywords_type: theme, terms_of_service: x, url: http://example.org}}
  license: {{name: x, url: http://example.org}}
  provider: {{name: x, url: http://example.org}}
  contact: {{name: x, position: x, address: x, city: x, stateorprovince: x, postalcode: x, country: x, phone: x, fax: x, email: x, url: http://example.org, hours: x, instructions: x, role: pointOfContact}}
resources:
  hello-world: {{type: process, processor: {{name: HelloWorld}}}}
  caller: {{type: process, processor: {{name: caller.Caller}}}}
"""

CALLER = """
import requests
from pygeoapi.process.base import BaseProcessor, ProcessorExecuteError
TEXT = {"schema": {"type": "string"}, "minOccurs": 1, "maxOccurs": 1}
METADATA = {"version": "1", "id": "caller", "title": "Calls another process", "description": "Of any server.", "jobControlOptions": ["sync-execute", "async-execute"],
            "keywords": [], "links": [], "inputs": {n: {"title": n, **TEXT} for n in ("process", "authorization", "string")},
            "outputs": {"said": {"title": "said", "schema": {"type": "object", "contentMediaType": "application/json"}}}}


class Caller(BaseProcessor):
    def __init__(self, definition):
        super().__init__(definition, METADATA)
        self.supports_outputs = True

    def execute(self, data, outputs=None):
        body = {"inputs": {"string": data["string"]}, "outputs": {"string": {}}}
        answer = requests.post(data["process"] + "/execution", json=body, headers={"Authorization": data["authorization"]}, timeout=60)
        if answer.status_code != 200:
            raise ProcessorExecuteError(answer.text)
        return "application/json", {"id": "said", "value": answer.json()}
"""


@pytest.fixture(scope="module")
def shop(make_service, tmp_path_factory, liar, peer, pygeoapi):
    """A service that may call these, the peer with credentials."""
    secrets = tmp_path_factory.mktemp("secrets") / "credentials"
    secrets.write_text(f"# those of the peer\n{peer.base}/ogc Authorization: Bearer {peer.token('robot')}\n"
                       f"{peer.base}/openeo/1.2 Authorization: Bearer {peer.token('robot')}\n{liar}/processes/told Authorization: Bearer secret\n")
    service = make_service(f"workflows.servers={liar} {peer.base}/ogc {pygeoapi or ''}", f"workflows.openeo={peer.base}/openeo/1.2",
                           f"workflows.credentials={secrets}", "workflows.results=1M", "packages.hosts=127.0.0.1")
    service.add_user("alice")
    deploy(service.session("alice"), service, {"processDescription": {"id": "plus"}, "executionUnit": ADD})
    return service


@pytest.fixture(scope="module")
def alice(shop):
    return shop.session("alice")


def of(process, inputs=None, output=None):
    return {"process": process, "inputs": inputs or {}, **({"outputs": {output: {}}} if output else {})}


def test_a_service_of_ours_as_a_step(shop, alice, peer):
    """Values there and back; the job there belongs to the user whose credentials are configured."""
    echo = peer.base + "/ogc/processes/echo"
    answer = run(alice, shop, "plus", {"x": of(echo, {"number": 40}, "number"), "y": 2}, "respond-async")
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]
    status = wait(alice, job)
    assert status["status"] == "successful", status
    assert alice.get(job + "/results", timeout=30).json() == 42
    step = alice.get(f"{shop.base}/ogc/jobs/{steps_of(alice, job)['echo']['jobID']}", timeout=30).json()
    assert (step["status"], step["processID"]) == ("successful", echo)
    there = peer.session("robot").get(peer.base + "/ogc/jobs?limit=1", timeout=30).json()["jobs"]
    assert there[0]["processID"] == "echo" and there[0]["status"] == "successful"
    # the other way round: what was computed here is an input there, and a process there receives one beside it
    inner = of("echo", {"number": 7}, "number")
    answer = run(alice, shop, "plus", {"x": of(echo, {"numbers": [of(shop.base + "/ogc/processes/plus", {"x": 1}), inner]}, "numbers")})
    assert answer.status_code == 400 and answer.json()["detail"].startswith("/inputs/x: expected number, but the output numbers is array"), answer.text
    answer = run(alice, shop, "echo", {"array": of(echo, {"numbers": [of(shop.base + "/ogc/processes/plus", {"x": 1}), inner]}, "numbers")},
                 outputs={"array": {}})
    assert answer.json() == [2, 7], answer.text


def test_a_remote_process_alone(shop, alice, peer):
    made = alice.post(shop.base + "/ogc/jobs", json={"process": peer.base + "/ogc/processes/echo", "inputs": {"string": "far", "bytes": "AAEC"},
                                                     "outputs": {"string": {}, "bytes": {}}}, timeout=30)
    assert made.status_code == 201, made.text
    job = made.headers["Location"]
    alice.post(job + "/results", timeout=30)
    assert wait(alice, job)["status"] == "successful"
    results = alice.get(job + "/results", timeout=30).json()
    assert results["string"] == "far" and requests.get(results["bytes"]["href"], timeout=30).content == b"\0\1\2"


@pytest.mark.sandbox
def test_files_come_and_go(shop, alice, peer):
    robot = peer.session("robot")
    deploy(robot, peer, COUNT, CWL)
    deploy(alice, shop, COUNT, CWL)
    there = of(peer.base + "/ogc/processes/count-words", {"text": {"value": "one two three"}}, "copy")
    answer = run(alice, shop, "count-words", {"text": there}, outputs={"copy": {}})
    assert answer.text == "one two three", answer.text


def test_an_openeo_back_end_as_a_step(shop, alice, peer):
    graph = {"sum": {"process_id": "sum", "arguments": {"data": [1, 2, 39]}, "result": True}}
    answer = run(alice, shop, "plus", {"x": of(peer.base + "/openeo/1.2", {"process_graph": graph})})
    assert answer.json() == 43, answer.text


def test_progress_and_dismissal(shop, alice, peer, liar):
    """A job there shows how far it is, and is told to stop with its workflow."""
    slow = of(peer.base + "/ogc/processes/echo", {"number": 1, "pause": 60}, "number")
    answer = run(alice, shop, "plus", {"x": slow, "y": of(liar + "/processes/endless", output="y")}, "respond-async")
    job = answer.headers["Location"]
    deadline, robot = time.time() + 60, peer.session("robot")
    while time.time() < deadline and steps_of(alice, job).get("endless", {}).get("progress") != 42:
        time.sleep(0.1)
    assert steps_of(alice, job)["endless"]["progress"] == 42
    assert alice.get(job, timeout=30).json()["progress"] == 14, shop.sql("SELECT id, parent, state, blocks, blocks_done FROM jobs WHERE state IN (1, 2)")  # of three steps
    while time.time() < deadline and not robot.get(peer.base + "/ogc/jobs?status=accepted", timeout=30).json()["jobs"]:
        time.sleep(0.1)
    alice.delete(job, timeout=30)
    while time.time() < deadline and (robot.get(peer.base + "/ogc/jobs?status=accepted", timeout=30).json()["jobs"]
                                      or ("DELETE", "/api/jobs/endless", None) not in Liar.seen):
        time.sleep(0.1)
    assert not robot.get(peer.base + "/ogc/jobs?status=accepted", timeout=30).json()["jobs"]
    assert ("DELETE", "/api/jobs/endless", None) in Liar.seen
    while time.time() < deadline and shop.sql("SELECT count(*) FROM remote_jobs") != "0":
        time.sleep(0.1)
    assert shop.sql("SELECT count(*) FROM remote_jobs") == "0"


@pytest.mark.parametrize("name, message", [
    ("fails", "is failed: as its name says"), ("refuses", "answered 400: x is too odd"), ("elsewhere", "named an address that is not its own"),
    ("nothing", "/inputs/x: expected type number, found an object"), ("text", "/inputs/x: expected type number, found a string"), ("inside", "is not a public address"), ("lost", "answered 404: never heard of it"),
    ("large", "the answer is too large"),
])
def test_a_server_that_fails_or_lies(shop, alice, liar, name, message):
    answer = run(alice, shop, "plus", {"x": of(f"{liar}/processes/{name}", {"x": 1})}, "respond-async")
    status = wait(alice, answer.headers["Location"])
    assert status["status"] == "failed" and message in status["message"], status


def test_a_server_that_is_silent_for_a_while(shop, alice, liar):
    assert run(alice, shop, "plus", {"x": of(liar + "/processes/silent")}).json() == 2


def test_credentials_go_where_they_are_configured(shop, alice, liar):
    assert run(alice, shop, "plus", {"x": of(liar + "/processes/told")}).status_code == 200
    told = {(method, path): credentials for method, path, credentials, *_ in Liar.seen}
    assert told["GET", "/api/processes/told"] == "Bearer secret" and told["POST", "/api/processes/told/execution"] == "Bearer secret"
    assert {credentials for (_, path), credentials in told.items() if "/processes/told" not in path} == {None}


@pytest.mark.parametrize("url, place", [
    ("{liar}/../processes/runs", "expected a process of this service"), ("{liar}x/processes/runs", "expected a process of this service"),
    ("{host}/other/processes/runs", "expected a process of this service"), ("{liar}@10.0.0.1/processes/runs", "expected a process of this service"),
    ("{liar}/processes/runs#x", "expected a process of this service"),
])
def test_what_may_not_be_called(shop, alice, liar, url, place):
    seen = len(Liar.seen)
    answer = run(alice, shop, "plus", {"x": of(url.format(liar=liar, host=liar.removesuffix("/api")))})
    assert answer.status_code == 400 and place in answer.json()["detail"] and len(Liar.seen) == seen, answer.text


def test_inputs_are_checked_before_anything_is_called(shop, alice, liar):
    answer = run(alice, shop, "plus", {"x": of(liar + "/processes/runs", {"x": "text"})})
    assert answer.status_code == 400 and answer.json()["detail"].startswith("/inputs/x/inputs/x: "), answer.text
    assert not [one for one in Liar.seen if one[0] == "POST" and "/runs/" in one[1]]


def test_steps_on_other_servers_are_counted(shop, alice, peer):
    """The budget of a workflow counts them wherever they stand."""
    inner = {"process": peer.base + "/ogc/processes/echo", "inputs": {"number": 1}, "outputs": {"number": {}}}
    answer = alice.post(shop.base + "/ogc/processes/echo/execution", json={"inputs": {"numbers": [inner] * 51}}, timeout=60)
    assert answer.status_code == 400 and "at most 50 processes of other servers" in answer.json()["detail"], answer.text


def test_pygeoapi_as_a_step(shop, alice, pygeoapi):
    if not pygeoapi:
        pytest.skip("SENTIER_PYGEOAPI names no Python with pygeoapi")
    hello = of(pygeoapi + "/processes/hello-world", {"name": of(shop.base + "/ogc/processes/echo", {"string": "World"}, "string"), "message": "from afar"})
    answer = run(alice, shop, "echo", {"mixed": hello}, outputs={"mixed": {}})
    assert answer.status_code == 200 and "World" in answer.text and "from afar" in answer.text, answer.text
    answer = run(alice, shop, "echo", {"mixed": of(pygeoapi + "/processes/hello-world", {"name": 5})})
    assert answer.status_code == 400 and "/inputs/mixed/inputs/name: expected type string" in answer.text, answer.text
    # it calls us: alone, and as a step of a workflow of ours
    echo = {"process": shop.base + "/ogc/processes/echo", "authorization": alice.headers["Authorization"], "string": "and back"}
    answer = requests.post(pygeoapi + "/processes/caller/execution", json={"inputs": echo}, timeout=60)
    assert answer.status_code == 200 and answer.json() == {"id": "said", "value": "and back"}, answer.text
    answer = run(alice, shop, "echo", {"mixed": of(pygeoapi + "/processes/caller", echo)}, outputs={"mixed": {}})
    assert answer.status_code == 200 and "and back" in answer.text, answer.text
    wrong = run(alice, shop, "echo", {"mixed": of(pygeoapi + "/processes/caller", {**echo, "authorization": "Bearer wrong"})}, "respond-async")
    assert wait(alice, wrong.headers["Location"])["status"] == "failed"


def test_owslib_runs_a_workflow(shop, alice, monkeypatch):
    owslib = pytest.importorskip("owslib.ogcapi.processes")
    # it adds a client's headers to those of all clients that are made later
    monkeypatch.setattr("owslib.ogcapi.REQUEST_HEADERS", {})
    client = owslib.Processes(shop.base + "/ogc/", headers={**alice.headers, "Content-Type": "application/json"})
    assert client.process("plus")["id"] == "plus"
    assert client.execute("plus", inputs={"x": of("echo", {"number": 1}, "number"), "y": 1}, async_=False) == {"result": 2}


def test_conformance(shop, peer):
    """Remote processes are announced where there are servers to call; test_ogc_conformance.py has the rest."""
    told = {s: requests.get(s.base + "/ogc/conformance", timeout=30).json()["conformsTo"] for s in (shop, peer)}
    remote = "http://www.opengis.net/spec/ogcapi-processes-3/0.0/conf/remote-core-processes"
    assert remote in told[shop] and remote not in told[peer]
