"""OGC API - Processes: every form of an input and of a result, pages for people, and what the test suite leaves out."""
import base64
import email
import http.server
import json
import re
import threading
import time
from html.parser import HTMLParser

import pytest
import requests

pytestmark = pytest.mark.sanitizer
EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
PROFILE = "https://www.opengis.net/def/profile/OGC/0/ogc-results"


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """A server that inputs name."""
    FILES = {"/number.json": ("application/json", b"2.5"), "/text": ("text/plain", "Zürich".encode()), "/bytes": ("image/tiff", b"II*\0\xff"),
             "/point": ("application/geo+json", b'{"type": "Point", "coordinates": [1, 2]}'), "/broken": ("application/json", b"{"),
             "/latin": ("text/plain", b"\xff\xfe"), "/large": ("text/plain", b"x" * (17 << 20))}

    def do_GET(self):
        if self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", "/loop")
            self.end_headers()
            return
        media, body = self.FILES.get(self.path, (None, None))
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", media or "text/plain")
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="module")
def ogc(make_service):
    service = make_service("jobs.url_hosts=127.0.0.1", workers=1)
    service.add_user("alice")
    service.add_user("bob")
    return service


@pytest.fixture(scope="module")
def alice(ogc):
    return ogc.session("alice")


@pytest.fixture(scope="module")
def execute(ogc, alice):
    def execute(body, prefer=None, query="", accept="application/json, */*;q=0.5"):
        headers = {"Accept": accept, **({"Prefer": prefer} if prefer else {})}
        return alice.post(f"{ogc.base}/ogc/processes/echo/execution{query}", json=body, timeout=60, headers=headers)
    return execute


def end_of(session, url):
    deadline = time.time() + 60
    while time.time() < deadline:
        status = session.get(url, timeout=30).json()
        if status["status"] in ("successful", "failed", "dismissed"):
            return status
        time.sleep(0.02)
    raise TimeoutError(status)


def made(execute, body, prefer="respond-async"):
    answer = execute(body, prefer)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def test_inputs_by_reference(execute, elsewhere):
    inputs = {"number": {"href": elsewhere + "/number.json"}, "string": {"href": elsewhere + "/text"}, "bytes": {"href": elsewhere + "/bytes"},
              "mixed": {"href": elsewhere + "/point", "type": "application/geo+json"}, "numbers": [{"href": elsewhere + "/number.json"}, 3]}
    answer = execute({"inputs": inputs})
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"number": 2.5, "string": "Zürich", "numbers": [2.5, 3], "mixed": {"value": {"type": "Point", "coordinates": [1, 2]}},
                             "bytes": {"value": base64.b64encode(b"II*\0\xff").decode(), "encoding": "base64", "mediaType": "application/octet-stream"}}


@pytest.mark.parametrize("name, path, reason", [
    ("number", "/none", "answered 404 instead of 200"), ("number", "/broken", "no JSON"), ("string", "/latin", "no text in UTF-8"),
    ("number", "/point", "/inputs/number: expected type number, found an object"), ("string", "/loop", "redirect"),
    ("string", "/large", "/inputs/string/href: "),
])
def test_references_that_are_refused(execute, elsewhere, name, path, reason):
    answer = execute({"inputs": {name: {"href": elsewhere + path}}})
    assert answer.status_code == 400 and reason in answer.json()["detail"], answer.text
    assert answer.json()["detail"].startswith(f"/inputs/{name}")


@pytest.mark.parametrize("url", ["http://169.254.169.254/latest", "http://10.0.0.1/", "file:///etc/passwd", "http://[::1]:5432/", "ftp://x/y",
                                 "http://user:word@example.org/", "http://localhost.localdomain:1/"])
def test_addresses_that_are_nobodys_business(ogc, service, url):
    answer = service.session("alice").post(service.base + "/ogc/processes/echo/execution", json={"inputs": {"string": {"href": url}}}, timeout=60)
    assert answer.status_code == 400 and answer.json()["detail"].startswith("/inputs/string/href: "), answer.text


def test_at_most_so_many_addresses(execute, elsewhere):
    answer = execute({"inputs": {"numbers": [{"href": elsewhere + "/number.json"}] * 10, "number": {"href": elsewhere + "/number.json"}}})
    assert answer.status_code == 200
    many = {name: {"href": elsewhere + "/number.json"} for name in ("number", "string", "mixed")}
    assert execute({"inputs": {**many, "numbers": [{"href": elsewhere + "/number.json"}] * 11}}).status_code == 400


@pytest.mark.parametrize("inputs, detail", [
    ({"mixed": {"value": 1, "mediaType": "application/geo+json"}}, "/inputs/mixed/value: "),
    ({"mixed": {"value": "a", "mediaType": "application/geo+json"}}, "/inputs/mixed/value: "),
    ({"bytes": {"value": "AAAA", "mediaType": "image/png"}}, "/inputs/bytes/mediaType: expected application/octet-stream, found 'image/png'"),
    ({"bytes": "a*b"}, "/inputs/bytes: expected bytes in base64"),
    ({"bytes": "AAAAA"}, "/inputs/bytes: expected bytes in base64"),
    ({"numbers": [1] * 11}, "/inputs/numbers: expected at most 10 values, found 11"),
    ({"numbers": [1, {"value": "x"}]}, "/inputs/numbers/1/value: expected type number, found a string"),
    ({"bbox": {"bbox": [1, 2, 3, 4, 5]}}, "/inputs/bbox/bbox"),
    ({"pause": 61}, "/inputs/pause: 61 is not <= 60"),
    ({"string": {"collection": "x", "subset": 1}}, "/inputs/string/subset: expected filter, bbox, datetime, limit, ids, q, properties, sortBy or aliases"),
])
def test_values_that_are_refused(execute, inputs, detail):
    answer = execute({"inputs": inputs})
    assert answer.status_code == 400 and answer.json()["detail"].startswith(detail), answer.text


def test_values_of_each_form(execute):
    inputs = {"mixed": {"value": {"type": "Point", "coordinates": [1, 2]}, "format": {"mediaType": "application/geo+json"}}, "numbers": 1,
              "bbox": {"bbox": [1, 2, 0, 3, 4, 100], "crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h"}, "object": {"value": "its own"},
              "bytes": {"value": base64.b64encode(bytes(range(256))).decode(), "encoding": "base64"}}
    answer = execute({"inputs": inputs, "response": "document"}).json()
    assert answer["numbers"] == [1] and answer["bbox"] == inputs["bbox"] and answer["object"] == {"value": {"value": "its own"}}
    assert answer["mixed"] == {"value": inputs["mixed"]["value"]} and answer["bytes"]["value"] == inputs["bytes"]["value"]
    raw = execute({"inputs": inputs, "outputs": {"bytes": {}}, "response": "raw"})
    assert (raw.content, raw.headers["Content-Type"]) == (bytes(range(256)), "application/octet-stream")
    geometry = execute({"inputs": inputs, "outputs": {"mixed": {}}})
    assert (geometry.json(), geometry.headers["Content-Type"]) == (inputs["mixed"]["value"], "application/geo+json")


def test_one_text_as_plain_text(execute):
    body = {"inputs": {"string": "Zürich"}, "outputs": {"string": {}}}
    assert execute(body, accept="text/plain").text == "Zürich"
    assert execute(body).json() == "Zürich"


def test_answers_without_a_job_leave_none(ogc, alice, execute):
    before = alice.get(ogc.base + "/ogc/jobs?limit=1000", timeout=30).json()["jobs"]
    assert execute({"inputs": {"string": "a"}}).status_code == 200
    # a file must be made for this one, and it is nobody's job either
    answer = execute({"inputs": {"string": "a"}, "outputs": {"string": {"transmissionMode": "reference"}}, "response": "raw"})
    assert answer.status_code == 204 and 'rel="item"' in answer.headers["Link"]
    assert alice.get(ogc.base + "/ogc/jobs?limit=1000", timeout=30).json()["jobs"] == before
    path = re.search(r"/results/([0-9a-f-]+)/", answer.headers["Link"])[1]
    assert alice.get(f"{ogc.base}/ogc/jobs/{path}", timeout=30).status_code == 404


@pytest.mark.parametrize("prefer, applied", [("respond-sync", "respond-sync"), ("wait=20", "wait=20"), ("return=representation", "return=representation"),
                                             ("handling=lenient, return=minimal;x=y", "return=minimal"), ("respond-async, wait=20", "wait=20"), (None, None)])
def test_preferences(execute, prefer, applied):
    answer = execute({"inputs": {"string": "a"}}, prefer)
    assert (answer.status_code, answer.headers.get("Preference-Applied")) == (200, applied)


def test_results_of_a_job(ogc, alice, execute):
    inputs = {"string": "a", "number": 1, "bytes": "AAEC"}
    job = made(execute, {"inputs": inputs, "outputs": {name: {} for name in inputs}})
    end_of(alice, job)
    get = lambda path, **headers: alice.get(job + "/results" + path, headers=headers, timeout=30)
    whole = get("")
    assert whole.json() == {"string": "a", "number": 1, "bytes": {"value": "AAEC", "encoding": "base64", "mediaType": "application/octet-stream"}}
    assert PROFILE in whole.headers["Link"]
    assert get("?outputs=string,number").json() == {"string": "a", "number": 1}
    assert get("?outputs=number").json() == 1
    assert get("?outputs=number&profile=ogc-results").json() == {"number": 1}
    assert get("/number").json() == 1 and get("/bytes").content == b"\0\1\2"
    parts = get("", Accept="multipart/related")
    message = email.message_from_bytes(b"Content-Type: " + parts.headers["Content-Type"].encode() + b"\r\n\r\n" + parts.content)
    assert [p["Content-ID"] for p in message.get_payload()] == ["<string>", "<number>", "<bytes>"]
    for path, status, kind in (("/nothing", 400, "no-such-output"), ("?outputs=string,x", 400, "no-such-output"), ("/moment", 404, "result-not-available"),
                               ("?outputs=", 400, "invalid-query-parameter-value"), ("?profile=none", 400, "invalid-query-parameter-value"),
                               ("?unknown=1", 400, "invalid-query-parameter-value")):
        answer = get(path)
        assert (answer.status_code, answer.json()["type"]) == (status, EXCEPTIONS + kind), path
    assert alice.head(job + "/results/number", timeout=30).status_code == 200
    assert ogc.session("bob").get(job + "/results/number", timeout=30).status_code == 404


def test_empty_outputs(alice, execute):
    answer = execute({"inputs": {"string": "a"}, "outputs": {}})
    assert (answer.status_code, answer.content) == (204, b"")
    job = made(execute, {"inputs": {"string": "a"}, "outputs": {}})
    assert end_of(alice, job)["status"] == "successful"
    none = alice.get(job + "/results", timeout=30)
    assert (none.status_code, none.json()["type"]) == (404, EXCEPTIONS + "result-not-available")


def test_transmission_and_response_of_1_0(alice, execute):
    body = {"inputs": {"string": "a", "number": 1}, "response": "raw",
            "outputs": {"string": {"transmissionMode": "value"}, "number": {"transmissionMode": "reference"}}}
    job = made(execute, body)
    end_of(alice, job)
    for answer in (execute(body), alice.get(job + "/results", timeout=30)):
        assert answer.status_code == 200, answer.text
        message = email.message_from_bytes(b"Content-Type: " + answer.headers["Content-Type"].encode() + b"\r\n\r\n" + answer.content)
        value, link = message.get_payload()
        assert value.get_payload().strip() == '"a"' and link.get_payload().strip() == ""
        assert requests.get(link["Content-Location"], timeout=30).json()["number"] == 1


def test_dismiss_in_every_state(ogc, alice, execute):
    waiting = made(execute, {"inputs": {"pause": 60}})
    assert alice.get(waiting, timeout=30).json()["message"] == "It is to begin later."
    not_ready = alice.get(waiting + "/results", timeout=30)
    assert (not_ready.status_code, not_ready.json()["type"]) == (404, EXCEPTIONS + "result-not-ready")
    assert ogc.session("bob").delete(waiting, timeout=30).status_code == 404
    dismissed = alice.delete(waiting, timeout=30)
    assert (dismissed.status_code, dismissed.json()["status"]) == (200, "dismissed")
    assert alice.get(waiting, timeout=30).json()["status"] == "dismissed"
    gone = alice.get(waiting + "/results", timeout=30)
    assert (gone.status_code, gone.json()["type"]) == (410, EXCEPTIONS + "no-such-job")
    ended = made(execute, {"inputs": {"number": 1}})
    end_of(alice, ended)
    for job in (waiting, ended):
        assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
        assert alice.get(job, timeout=30).status_code == 404 and alice.delete(job, timeout=30).status_code == 404


# ---- execution by parameters ----


@pytest.mark.parametrize("query, outputs", [
    ("string=a%20b&STRING[include]=true", "a b"), ("number=2.5&number[include]=true", 2.5), ("array=1,2,3&array[include]=true", [1, 2, 3]),
    ("Numbers=1&numbers=2,3&numbers[include]=true", [1, 2, 3]), ("bbox=1,2,3,4&bbox[include]=true", {"bbox": [1, 2, 3, 4]}),
    ("bbox=1,2,3,4&bbox[crs]=http://www.opengis.net/def/crs/EPSG/0/4326&bbox[include]=true",
     {"bbox": [1, 2, 3, 4], "crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}),
    ('object={"a":[1]}&object[include]=true', {"a": [1]}), ("choice=small&choice[include]=true&string=", "small"),
    ("number=1&string=x", {"number": 1, "string": "x"}),
])
def test_parameters(ogc, alice, query, outputs):
    answer = alice.get(f"{ogc.base}/ogc/processes/echo/execution?{query}", timeout=30)
    assert answer.status_code == 200 and answer.json() == outputs, answer.text


def test_parameters_that_are_refused(ogc, alice, elsewhere):
    get = lambda query, **headers: alice.get(f"{ogc.base}/ogc/processes/echo/execution?{query}", timeout=30, headers=headers)
    assert get(f"number[href]={elsewhere}/number.json&number[include]=true").json() == 2.5
    for query, detail in (("number=x", "/inputs/number: expected type number, found a string"), ("nothing=1", "nothing: the process has no such input"),
                          ("object=1", "/inputs/object: expected type object")):
        answer = get(query)
        assert answer.status_code == 400 and detail in answer.json()["detail"], answer.text
    assert get("number=1", **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    job = get("number=1&response[prefer]=respond-async")
    assert job.status_code == 201 and end_of(alice, job.headers["Location"])["status"] == "successful"


# ---- the list ----


def test_every_filter_of_the_list(ogc, execute):
    carol = ogc.add_user("carol") and ogc.session("carol")
    post = lambda body: carol.post(ogc.base + "/ogc/processes/echo/execution", json=body, headers={"Prefer": "respond-async"}, timeout=30).headers["Location"]
    done = [post({"inputs": {"number": n}}) for n in range(3)]
    for job in done:
        end_of(carol, job)
    waiting, dismissed = post({"inputs": {"pause": 60}}), post({"inputs": {"pause": 60}})
    carol.delete(dismissed, timeout=30)
    name = lambda job: job.rsplit("/", 1)[1]
    list_of = lambda query: [job["jobID"] for job in carol.get(f"{ogc.base}/ogc/jobs?{query}", timeout=30).json()["jobs"]]
    every = [name(job) for job in (dismissed, waiting, *reversed(done))]
    assert list_of("") == list_of("type=process") == list_of("processID=echo,none") == list_of("type=x,process") == every
    assert list_of("type=other") == list_of("processID=none") == []
    assert list_of("status=accepted") == [name(waiting)] and list_of("status=dismissed") == [name(dismissed)]
    assert list_of("status=successful&status=accepted") == every[1:] and list_of("status=running,failed") == []
    created = [carol.get(job, timeout=30).json()["created"] for job in done]
    assert name(done[1]) in list_of(f"datetime={created[1]}") and name(done[0]) not in list_of(f"datetime={created[1]}/..")
    assert name(done[2]) not in list_of(f"datetime=../{created[1]}") and list_of(f"datetime={created[0]}/") == every
    assert set(list_of("minDuration=0")) == {name(job) for job in done} and list_of("minDuration=3600") == []
    assert set(list_of("maxDuration=3600&status=successful")) == {name(job) for job in done}
    pages, url = [], f"{ogc.base}/ogc/jobs?limit=2"
    while url:
        page = carol.get(url, timeout=30).json()
        pages += [job["jobID"] for job in page["jobs"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert pages == every
    for query in ("limit=0", "limit=10001", "status=lazy", "datetime=yesterday", "minDuration=-1", "maxDuration=x", "order=up"):
        assert carol.get(f"{ogc.base}/ogc/jobs?{query}", timeout=30).status_code == 400, query


# ---- pages ----


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links, self.text = set(), []
        self.feed(text)
        self.text = " ".join(self.text)

    def handle_starttag(self, tag, attributes):
        if tag == "a":
            self.links.add(dict(attributes)["href"])
        self.text += [value for key, value in attributes if value and key in ("value", "placeholder")]

    def handle_data(self, data):
        self.text.append(data)


def leaves(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one)
    else:
        yield value


def addresses(value):
    if isinstance(value, dict):
        yield from [value["href"]] if "href" in value else []
        for one in value.values():
            yield from addresses(one)
    elif isinstance(value, list):
        for one in value:
            yield from addresses(one)


def without_links(value):
    if isinstance(value, dict):
        return {key: without_links(one) for key, one in value.items() if key != "links"}
    return [without_links(one) for one in value] if isinstance(value, list) else value


def test_pages_hold_what_the_json_says(ogc, alice, execute):
    job = made(execute, {"inputs": {"string": "a<b>", "number": 1}})
    end_of(alice, job)
    for url in ("/ogc", "/ogc/conformance", "/ogc/processes", "/ogc/processes/echo", "/ogc/processes/ndvi-composite", "/ogc/jobs", job[len(ogc.base):]):
        body = alice.get(ogc.base + url, timeout=30).json()
        answer = alice.get(ogc.base + url, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, timeout=30)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8" and "<script" not in answer.text
        page = Page(answer.text)
        assert set(addresses(body)) <= page.links, url
        for leaf in leaves(without_links(body)):
            text = leaf if isinstance(leaf, str) else json.dumps(leaf)
            assert text in page.text, (url, text)
    results = alice.get(job + "/results?f=html", timeout=30)
    assert "a&lt;b&gt;" in results.text and results.headers["Content-Type"].startswith("text/html")
    assert alice.get(job, headers={"Accept": "image/png"}, timeout=30).status_code == 406


def test_the_form_runs_the_process(ogc, alice):
    text = alice.get(ogc.base + "/ogc/processes/echo?f=html", timeout=30).text
    names = set(re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', text))
    echo = requests.get(ogc.base + "/ogc/processes/echo", timeout=30).json()
    assert set(echo["inputs"]) | {name + "[include]" for name in echo["outputs"]} <= names
    action = re.search(r'action="([^"]+)"', text)[1]
    sent = {**{name: "" for name in names if "[" not in name}, "string": "a & b", "response[f]": "html", "response[prefer]": "respond-async"}
    answer = alice.get(action, params=sent, headers={"Accept": "text/html"}, timeout=30)
    assert answer.status_code == 201 and answer.headers["Content-Type"].startswith("text/html")
    job = answer.headers["Location"]
    assert answer.headers["Refresh"] == f"1; url={job}?f=html"  # not this address, which would run it again
    assert end_of(alice, job)["status"] == "successful"
    assert "Refresh" not in alice.get(job + "?f=html", timeout=30).headers
    assert alice.get(job + "/results/string", timeout=30).json() == "a & b"


def test_a_running_job_is_looked_at_again(alice, execute):
    job = made(execute, {"inputs": {"pause": 60}})
    assert alice.get(job + "?f=html", timeout=30).headers["Refresh"] == "2"
    alice.delete(job, timeout=30)


@pytest.mark.parametrize("accept, media", [("application/json", "application/json"), ("*/*", "application/problem+json"),
                                           ("application/problem+json", "application/problem+json")])
def test_errors_by_accept(ogc, accept, media):
    assert requests.get(ogc.base + "/ogc/processes/none", headers={"Accept": accept}, timeout=30).headers["Content-Type"] == media


@pytest.mark.parametrize("mode, basic", [("navigate", True), ("cors", False), (None, True)])
def test_who_opens_a_page_may_log_in(ogc, mode, basic):
    answer = requests.get(ogc.base + "/ogc/jobs", headers={"Sec-Fetch-Mode": mode} if mode else {}, timeout=30)
    assert answer.status_code == 401 and ("Basic" in answer.headers["WWW-Authenticate"]) == basic


def test_keys_by_forms(ogc, alice):
    """The page of keys: what browsers send, and what other sites may not."""
    call = lambda path, data=None, **headers: alice.post(ogc.base + path, data=data, headers=headers, timeout=30)
    made = call("/api/keys/form", "title=a+form%21&scopes=read&scopes=process&expires=2100-01-01", Origin=ogc.base)
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    assert made.headers["Content-Type"] == "text/html; charset=utf-8" and "a form!" in made.text
    by_key = {"X-API-Key": re.search('<code id="key">([^<]+)<', made.text)[1]}
    listed = {k["title"]: k for k in requests.get(ogc.base + "/api/keys", headers=by_key, timeout=30).json()["keys"]}
    assert listed["a form!"]["scopes"] == ["read", "process"] and listed["a form!"]["expires"].startswith("2100-01-01")
    revoke = f"/api/keys/{listed['a form!']['id']}/revocation"
    for other in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert call("/api/keys/form", "title=x", **other).status_code == 403 and call(revoke, **other).status_code == 403
    for wrong in ("", "title=x&scopes=all", "title=x&expires=2001-01-01", "title=x&more=1", "title=%zz"):
        assert call("/api/keys/form", wrong).status_code == 400
    assert requests.post(ogc.base + "/api/keys/form", "title=x", headers=by_key, timeout=30).status_code == 403  # a key makes no others
    assert ogc.session("bob").post(ogc.base + revoke, timeout=30).status_code == 404
    assert "a form!" not in call(revoke, **{"Sec-Fetch-Site": "same-origin"}).text
    assert requests.get(ogc.base + "/api/keys", headers=by_key, timeout=30).status_code == 401
