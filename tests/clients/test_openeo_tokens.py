"""Session tokens as JSON Web Tokens, processes that others host, and parameters of requests."""
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import openeo
import pytest
import requests
from graphs import add
from jobs_common import Jobs

TIMEOUT = 60
JWT = "https://api.openeo.org/1.3.0/authentication/jwt"


class Host:
    """Serves process definitions and counts the calls."""

    def __init__(self):
        self.documents, self.calls, self.headers = {}, [], []
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                host.calls.append(self.path)
                host.headers.append(dict(self.headers))
                body = host.documents.get(self.path)
                self.send_response(200 if body is not None else 404)
                body = json.dumps(body).encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def host():
    host = Host()
    yield host
    host.http.shutdown()


@pytest.fixture(scope="module")
def open_service(make_service):
    """A service that may call this machine."""
    service = make_service("jobs.url_hosts=127.0.0.1", workers=1)
    service.add_user("alice")
    service.jobs = Jobs(service, service.session("alice"))
    return service


# ---- tokens ----

def test_tokens_are_jwt_with_and_without_a_prefix(open_service):
    base = open_service.base + "/openeo/1.3"
    token = requests.get(base + "/credentials/basic", auth=("alice", "open sesame"), timeout=TIMEOUT).json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["iss"] == base + "/credentials/basic" and claims["exp"] - claims["iat"] == 86400
    for bearer in [token, "basic//" + token]:
        for version in ["1.2", "1.3"]:
            me = requests.get(f"{open_service.base}/openeo/{version}/me", headers={"Authorization": "Bearer " + bearer}, timeout=TIMEOUT)
            assert me.status_code == 200 and me.json()["user_id"] == claims["sub"] and me.json()["name"] == "alice"
    head, body, signature = token.split(".")
    other = jwt.encode(claims, "a key of somebody else's, which is long enough", headers={"kid": "session"})
    for forged in [other, f"{head}.{body}.{signature[::-1]}", f"{head}.{body}.", head]:
        refused = requests.get(base + "/me", headers={"Authorization": "Bearer " + forged}, timeout=TIMEOUT)
        assert (refused.status_code, refused.json()["code"]) == (403, "TokenInvalid")


def test_conformance_and_the_client(open_service):
    told = {v: requests.get(f"{open_service.base}/openeo/{v}/conformance", timeout=TIMEOUT).json()["conformsTo"] for v in ("1.2", "1.3")}
    assert JWT in told["1.3"] and JWT not in told["1.2"]
    for version in ("1.2", "1.3"):  # (this client puts its prefix before both)
        connection = openeo.connect(f"{open_service.base}/openeo/{version}").authenticate_basic("alice", "open sesame")
        assert connection.auth.bearer.startswith("basic//ey") and connection.describe_account()["name"] == "alice"


# ---- processes of others ----

SUM = {"id": "more", "parameters": [{"name": "x", "schema": {"type": "number"}}], "process_graph": {
    "s": {"process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": 100}, "result": True}}}
TWICE = {"id": "twice", "parameters": SUM["parameters"], "process_graph": {
    "a": {"process_id": "more", "arguments": {"x": {"from_parameter": "x"}}},
    "b": {"process_id": "more", "namespace": "user", "arguments": {"x": {"from_node": "a"}}, "result": True}}}


def call(url, id="more", x=1):
    return {"process_graph": {"c": {"process_id": id, "namespace": url, "arguments": {"x": x}, "result": True}}}


def test_processes_are_fetched(open_service, host):
    host.documents = {"/one": SUM, "/list": {"processes": [SUM, TWICE], "links": []}}
    jobs = open_service.jobs
    assert "https://api.openeo.org/extensions/remote-process-definition/0.1.0" in jobs.call("GET", "/").json()["conformsTo"]
    assert jobs.call("POST", "/result", json={"process": call(host.url + "/one")}).json() == 101
    # what a process of a list needs it finds in the list
    assert jobs.call("POST", "/result", json={"process": call(host.url + "/list", "twice")}).json() == 201
    assert jobs.call("POST", "/validation", json=call(host.url + "/one")).json()["errors"] == []
    assert not any("Authorization" in headers for headers in host.headers)
    # a job plans with one call, and what it runs is what was fetched then
    job = jobs.create(call(host.url + "/one", x=5)["process_graph"], start=False)
    host.calls.clear()
    jobs.call("POST", f"/jobs/{job}/results")
    assert jobs.wait(job)["status"] == "finished" and host.calls == ["/one"]
    asset, = jobs.call("GET", f"/jobs/{job}/results").json()["assets"].values()
    assert requests.get(asset["href"], timeout=TIMEOUT).json() == 105


@pytest.mark.parametrize("url, id, reason", [
    ("/one", "less", "no process of this id"), ("/list", "nothing", "no process of this id"), ("/away", "more", "404"), ("ftp://host/x", "more", "http")])
def test_what_cannot_be_fetched(open_service, host, url, id, reason):
    host.documents = {"/one": SUM, "/list": {"processes": [SUM]}}
    url = host.url + url if url.startswith("/") else url
    refused = open_service.jobs.call("POST", "/jobs", json={"process": call(url, id)})
    assert (refused.status_code, refused.json()["code"]) == (400, "ProcessNamespaceInvalid") and reason in refused.json()["message"], refused.text
    told = open_service.jobs.call("POST", "/validation", json=call(url, id)).json()["errors"]
    assert [e["code"] for e in told] == ["ProcessNamespaceInvalid"]


def test_private_addresses_are_not_called(scenes, host):
    host.documents = {"/one": SUM}
    host.calls.clear()
    alice = scenes.session("alice")
    refused = alice.post(scenes.base + "/openeo/1.3/jobs", json={"process": call(host.url + "/one")}, timeout=TIMEOUT)
    assert (refused.status_code, refused.json()["code"]) == (400, "ProcessNamespaceInvalid")
    # nor does a stranger make any call
    told = requests.post(scenes.base + "/openeo/1.3/validation", json=call("https://example.com/one"), timeout=TIMEOUT).json()["errors"]
    assert [e["code"] for e in told] == ["ProcessNamespaceInvalid"] and "not fetched" in told[0]["message"]
    assert host.calls == []


# ---- parameters of requests ----

def test_processing_parameters(open_service):
    jobs = open_service.jobs
    told = requests.get(open_service.base + "/openeo/1.3/processing_parameters", timeout=TIMEOUT).json()
    assert set(told) == {"create_job_parameters", "create_synchronous_parameters", "create_service_parameters"}
    parameter, subscriber = told["create_job_parameters"]
    assert subscriber["name"] == "subscriber" and told["create_synchronous_parameters"] == [parameter]
    assert parameter["name"] == "dialect" and parameter["optional"] and parameter["default"] in parameter["schema"]["enum"]

    def recorded(process, **request):
        answer = jobs.call("POST", "/jobs", json={"process": process, **request})
        assert answer.status_code == 201, answer.text
        return open_service.sql(f"SELECT request->>'dialect' FROM jobs WHERE id = '{answer.headers['OpenEO-Identifier']}'")

    # the request's own comes first, then what the process says for this way of processing, then the default
    of_process = {**add(), "default_job_options": {"dialect": "cdse", "unheard-of": 1}, "default_synchronous_options": {"dialect": "openeo"}}
    assert recorded(add()) == "openeo" and recorded(of_process) == "cdse" and recorded(of_process, dialect="openeo") == "openeo"
    assert recorded({**add(), "default_synchronous_options": {"dialect": "cdse"}}) == "openeo"
    # and of a stored process, when that is all that is called
    assert jobs.call("PUT", "/process_graphs/with_options", json=of_process).status_code == 200
    stored = {"process_graph": {"c": {"process_id": "with_options", "arguments": {}, "result": True}}}
    assert recorded(stored) == "cdse" and recorded(stored, dialect="openeo") == "openeo"
    assert recorded({**stored, "default_job_options": {}}) == "openeo"
    stored["process_graph"]["c"].update(namespace="user", process_id="with_options@1")
    assert recorded(stored) == "cdse"
    jobs.call("DELETE", "/process_graphs/with_options")


# ---- jobs: what is held, what is paged ----

def test_a_short_job_is_seen_finished_at_once(open_service):
    """The first question after a start is held for up to a second; a job that waits is told as such after that."""
    jobs = open_service.jobs
    job = jobs.create(add()["process_graph"], start=False)
    for _ in range(5):  # (a second may be too short on a busy machine, but not each time)
        jobs.call("POST", f"/jobs/{job}/results")
        if jobs.get(job)["status"] == "finished":
            break
    assert jobs.get(job)["status"] == "finished"
    begun = time.monotonic()
    jobs.get(job)
    assert time.monotonic() - begun < 0.9  # and one that is over is not held


def test_pages_of_logs(open_service):
    jobs = open_service.jobs
    answer = jobs.call("POST", "/jobs", json={"process": add(), "log_level": "debug"})
    job = answer.headers["OpenEO-Identifier"]
    jobs.call("POST", f"/jobs/{job}/results")
    jobs.wait(job)
    for i, level in enumerate(["error", "warning", "info", "debug"] * 3):
        open_service.sql(f"INSERT INTO job_logs(job, level, message) VALUES ('{job}', {i % 4}, '{level} {i}')")
    everything = jobs.call("GET", f"/jobs/{job}/logs?level=debug").json()["logs"]
    assert len(everything) >= 12 and [int(e["id"]) for e in everything] == sorted(int(e["id"]) for e in everything)
    for level, kept in [("error", 1), ("warning", 2), ("info", 3), ("debug", 4)]:
        wanted = [e for e in everything if ["error", "warning", "info", "debug"].index(e["level"]) < kept]
        seen, url = [], f"/jobs/{job}/logs?level={level}&limit=2"
        while url:
            page = jobs.call("GET", url).json()
            assert page["level"] == level and len(page["logs"]) <= 2
            seen += page["logs"]
            url = next((k["href"].split("/openeo/1.2")[1] for k in page["links"] if k["rel"] == "next"), None)
        assert seen == wanted
    middle = everything[5]["id"]
    assert jobs.call("GET", f"/jobs/{job}/logs?level=debug&offset={middle}").json()["logs"] == everything[6:]
    last = everything[-1]["id"]
    assert jobs.call("GET", f"/jobs/{job}/logs?level=debug&offset={last}").json()["logs"] == []
    for query in ["level=loud", "offset=x", "offset=-1", "limit=0"]:
        assert jobs.call("GET", f"/jobs/{job}/logs?{query}").json()["code"] == "InvalidParameter"
    assert jobs.call("GET", f"//jobs///{job}//logs").status_code == 200
