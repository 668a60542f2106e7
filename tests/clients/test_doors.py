"""The doors that PEPS's and GEODES's users know: scripts written after their calls, with only the host changed."""
import email
import email.policy
import http.server
import json
import re
import threading
import time

import pytest
import requests

from conftest import free_port

ACCOUNT = ("alice", "open sesame")
NAMES = "resto.processes=FULL_MAJA=ndvi-composite MAJA=ndvi-composite"


class Mailbox:
    """A relay that keeps what it is given."""

    def __init__(self):
        controller = pytest.importorskip("aiosmtpd.controller")
        self.messages = []
        self.relay = controller.Controller(self, hostname="127.0.0.1", port=0)
        self.relay.port = free_port()
        self.relay.start()

    async def handle_DATA(self, server, session, envelope):
        self.messages.append((envelope.mail_from, envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 taken"


@pytest.fixture(scope="module")
def mailbox():
    mailbox = Mailbox()
    yield mailbox
    mailbox.relay.stop()


@pytest.fixture(scope="module")
def doors(make_service, shared, mailbox):
    service = make_service(NAMES, "jobs.url_hosts=127.0.0.1", "catalog.hook_hosts=127.0.0.1", "mail.user_limit=2",
                           f"mail.relay=smtp://127.0.0.1:{mailbox.relay.port}", "mail.from=sentier@example.org", workers=1)
    service.command("user", "add", "alice", "--email", "alice@example.org", input="open sesame\n")
    service.command("user", "add", "carol", "--email", "carol@example.org", "--role", "admin", input="open sesame\n")
    service.add_user("bob")
    service.command("catalog", "import", *sorted((shared / "data/s2/33TW").glob("*33TWL*")))
    return service


class Maja:
    """Calls and text searches as full_maja_process.py and full_maja_download.py make them: no XML parser, no JSON parser
    for the older script."""

    def __init__(self, host, account=ACCOUNT):
        self.host, self.account = host, account

    def get(self, url):
        return requests.get(url, auth=self.account, timeout=60)

    def submit(self, identifier, inputs):
        url = (f"{self.host}/resto/wps?request=execute&service=WPS&version=1.0.0&identifier={identifier}&datainputs={inputs}"
               "&status=true&storeExecuteResponse=true")
        answer = self.get(url)
        if "ErrorCode" in answer.text:
            raise RuntimeError(answer.json()["ErrorMessage"])
        assert answer.status_code == 200 and f"Process {identifier} accepted" in answer.text
        line = next(line for line in answer.text.split("\n") if line.startswith("<wps:ExecuteResponse"))
        location = line.split("statusLocation=")[1].rstrip()
        assert location.startswith('"') and location.endswith('">')
        return location[1:-2]

    def state_url(self, location):
        line = next(line for line in self.get(location).text.split("\n") if "<wps:Reference" in line)
        return re.search(r'href="([^"]*)"', line).group(1)

    def wait(self, location, timeout=60):
        """The newer script: JSON."""
        end = time.time() + timeout
        while time.time() < end:
            info = self.get(self.state_url(location)).json()["USER_INFO"]
            assert info["job_status"] in ("PENDING", "STALLED", "FINISHED", "ERROR", "CANCELED")
            if info["job_status"] not in ("PENDING", "STALLED"):
                return info
            time.sleep(0.1)
        raise TimeoutError

    def lines(self, location):
        """The older script: line by line."""
        percent, finished, urls = None, False, []
        for line in self.get(self.state_url(location)).text.split("\n"):
            if '"percentCompleted"' in line:
                percent = int(line.split(":")[1].strip(" ,"))
            if "FINISHED" in line or "CANCELED" in line:
                finished = True
            elif finished and "http" in line and ".zip" in line:
                urls.append(line.split('"')[1])
        return percent, urls


def test_time_series(doors):
    script = Maja(doors.base)
    # two days and a tile become an interval and an area of the process behind the name
    location = script.submit("FULL_MAJA", "startDate=2023-08-14;completionDate=2023-08-16;tileid=33TWL")
    uuid = re.search(r"pywps-([0-9a-f-]{36})\.xml$", location).group(1)
    assert "<wps:Reference" in script.get(location).text  # already while it runs
    refresh = script.get(f"{doors.base}/resto/wps?service=WPS&request=execute&version=1.0.0&identifier=PROCESSING_STATUS"
                         f"&datainputs=[wps_id={uuid}]&status=false&storeExecuteResponse=false")
    assert refresh.status_code == 200 and "<wps:Reference" in refresh.text
    # such a composite of a whole tile is more than a test needs: somebody else cannot, its owner can end it
    assert requests.get(location, auth=("bob", "open sesame"), timeout=30).status_code == 404
    assert requests.get(location, timeout=30).status_code == 401
    assert requests.delete(f"{doors.base}/ogc/jobs/{uuid}", auth=ACCOUNT, timeout=30).status_code == 200
    assert script.wait(location)["job_status"] in ("CANCELED", "FINISHED")


def test_one_product_to_the_zip(doors):
    script = Maja(doors.base)
    item = requests.get(f"{doors.base}/stac/search?limit=1", timeout=30).json()["features"][0]["id"]
    location = script.submit("MAJA", f"product={item};bbox=15.2,45.6,15.21,45.61&title=Maja-Process")
    info = script.wait(location)
    assert info["job_status"] == "FINISHED" and info["process"] == "100%" and info["unprocessed"] == 0
    percent, urls = script.lines(location)
    assert (percent, urls) == (100, info["results"]) and len(urls) == 1 and urls[0].endswith(".zip")
    package = script.get(urls[0])
    assert package.content[:2] == b"PK" and requests.get(urls[0], timeout=30).status_code == 401
    assert "info" in script.get(info["logs"][0]).text


@pytest.mark.parametrize("identifier, inputs, told", [
    ("NONE", "product=x", "There is no process 'NONE'."),
    ("MAJA", "product=S2A_MSIL1C_NOT_THERE", "/inputs/product-title: the catalogue has no product 'S2A_MSIL1C_NOT_THERE'"),
    ("FULL_MAJA", "startDate=2023-08-14;tileid=33TWL", "completionDate: is required where startDate is given"),
    ("FULL_MAJA", "startDate=2023-08-14;completionDate=2023-08-16;tileid=99XXX", "no product of tile '99XXX'"),
    ("FULL_MAJA", "startDate=2023-08-14;completionDate=2023-08-16;relativeOrbitNumber=51", "no input 'relativeOrbitNumber'"),
    ("PROCESSING_STATUS", "wps_id=1", "There is no job '1'."),
])
def test_refused(doors, identifier, inputs, told):
    with pytest.raises(RuntimeError, match=re.escape(told)):
        Maja(doors.base).submit(identifier, inputs)


def test_wrong_account(doors):
    answer = requests.get(doors.base + "/resto/wps?service=WPS&request=execute&version=1.0.0&identifier=MAJA",
                          auth=("alice", "wrong"), timeout=30)
    assert answer.status_code == 401 and answer.json()["ErrorCode"] == 401


# ---- references by POST ----

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"got": "%s"}' % body)

    def log_message(self, *arguments):
        pass


def test_reference_by_post(doors):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        body = ('<wps:Execute service="WPS" version="1.0.0" xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
                ' xmlns:ows="http://www.opengis.net/ows/1.1"><ows:Identifier>echo</ows:Identifier><wps:DataInputs><wps:Input>'
                f'<ows:Identifier>object</ows:Identifier><wps:Reference method="POST" xlink:href="http://127.0.0.1:{server.server_port}/">'
                "<wps:Body>what</wps:Body></wps:Reference></wps:Input></wps:DataInputs><wps:ResponseForm><wps:RawDataOutput>"
                "<ows:Identifier>object</ows:Identifier></wps:RawDataOutput></wps:ResponseForm></wps:Execute>")
        answer = requests.post(doors.base + "/wps", data=body, auth=ACCOUNT, timeout=30)
        server.shutdown()
    assert answer.json() == {"got": "what"}, answer.text


# ---- GEODES ----

def wait_for(check, timeout=60):
    end = time.time() + timeout
    while time.time() < end:
        found = check()
        if found:
            return found
        time.sleep(0.05)
    raise TimeoutError


AREA = {"bbox": {"bbox": [15.2, 45.6, 15.21, 45.61]}, "datetime": ["2023-08-14", "2023-08-16"]}


def execution(doors, inputs, key=None, process="ndvi-composite", **more):
    headers = {"Prefer": "respond-async", **({"X-API-Key": key} if key else {})}
    return requests.post(f"{doors.base}/ogc/processes/{process}/execution", json={"inputs": inputs, **more}, headers=headers,
                         auth=None if key else ACCOUNT, timeout=30)


@pytest.fixture(scope="module")
def key(doors):
    return doors.command("user", "key", "alice", "GEODES").strip()


def test_geodes_call(doors, key, mailbox):
    item = requests.get(f"{doors.base}/stac/search?limit=1", timeout=30).json()["features"][0]["id"]
    made = execution(doors, {"product-title": item + ".SAFE", "notif-email": True, "restoration": False, "bbox": AREA["bbox"]}, key)
    assert made.status_code == 201, made.text
    job = made.headers["Location"]
    get = lambda url: requests.get(url, headers={"X-API-Key": key}, timeout=30)
    wait_for(lambda: get(job).json()["status"] == "successful")
    assert get(job + "/results").json()["ndvi"]["href"].startswith(doors.base)
    sender, to, message = wait_for(lambda: mailbox.messages and mailbox.messages[-1])
    assert (sender, to) == ("sentier@example.org", ["alice@example.org"]) and message["Subject"].endswith(": finished")
    text = message.get_content()
    assert job in text and "has finished" in text
    link = next(line for line in text.split("\n") if "/results/" in line and "ndvi" in line)
    assert requests.get(link, timeout=30).content[:2] == b"II"


def test_titles_are_no_headers(doors, mailbox):
    doors.command("user", "add", "dora", "--email", "dora@example.org", input="open sesame\n")
    key = doors.command("user", "key", "dora", "titles").strip()
    to_dora = lambda: [message for _, to, message in mailbox.messages if to == ["dora@example.org"]]
    title = "Zürich\r\nBcc: x@example.com\r\n\r\n.\r\nQUIT"
    assert execution(doors, {"notif-email": True, **AREA}, key, title=title).status_code == 201
    message = wait_for(to_dora)[0]
    assert message["Bcc"] is None and "Zürich" in message["Subject"]
    assert "Bcc: x@example.com" in message.get_content()  # where it does no harm
    # a day's messages have an end: the third waits
    assert execution(doors, {"notif-email": True, **AREA}, key).status_code == 201
    wait_for(lambda: len(to_dora()) == 2)
    job = execution(doors, {"notif-email": True, **AREA}, key).headers["Location"].rsplit("/", 1)[1]
    notice = wait_for(lambda: [n for n in notices(doors, ("dora", "open sesame")) if n["jobID"] == job and n["attempts"]])[0]
    assert notice["state"] == "pending" and "As many e-mails" in notice["last_error"] and len(to_dora()) == 2


def test_keys_have_scopes_and_an_end(doors):
    use = lambda key, method, path, **more: requests.request(method, doors.base + path, headers={"X-API-Key": key}, timeout=30, **more).status_code
    body = {"inputs": {"number": 7}, "outputs": {"number": {}}}
    reads = doors.command("user", "key", "alice", "reads", "--scopes", "read", "--expires", "2100-01-01").strip()
    assert use(reads, "GET", "/ogc/jobs") == 200 and use(reads, "POST", "/stac/search", json={"limit": 1}) == 200
    assert use(reads, "POST", "/ogc/processes/echo/execution", json=body) == 403
    assert use(reads, "GET", "/wps?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=number=7") == 403
    assert use(reads, "POST", "/api/keys", json={"title": "more"}) == 403
    made = requests.post(doors.base + "/api/keys", auth=ACCOUNT, json={"title": "runs", "scopes": ["process"]}, timeout=30).json()
    assert use(made["key"], "POST", "/ogc/processes/echo/execution", json=body) == 200
    assert use(made["key"], "POST", "/stac/collections", json={}) == 403
    listed = {k["title"]: k for k in requests.get(doors.base + "/api/keys", auth=ACCOUNT, timeout=30).json()["keys"]}
    assert listed["reads"]["scopes"] == ["read"] and listed["reads"]["expires"].startswith("2100-01-01")
    doors.sql("UPDATE api_keys SET expires = now() WHERE title = 'runs'")
    assert use(made["key"], "GET", "/ogc/jobs") == 401
    for limits in ({"scopes": ["all"]}, {"scopes": []}, {"expires": "2001-01-01"}):
        answer = requests.post(doors.base + "/api/keys", auth=ACCOUNT, json={"title": "x", **limits}, timeout=30)
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("inputs, told", [
    ({"product-title": "NOT_THERE"}, "/inputs/product-title: the catalogue has no product 'NOT_THERE'"),
    ({"notif-email": "x@example.com"}, "/inputs/notif-email: expected type boolean"),
])
def test_refused_inputs(doors, key, inputs, told):
    answer = execution(doors, {**AREA, **inputs}, key)
    assert answer.status_code == 400 and told in answer.json()["detail"]


def test_a_title_of_several_products(doors, key):
    """The same product in two collections: who asks is told of both, and takes one by its collection."""
    carol = ("carol", "open sesame")
    item = requests.get(f"{doors.base}/stac/search?limit=1", timeout=30).json()["features"][0]
    first = item["collection"]
    collection = {**requests.get(f"{doors.base}/stac/collections/{first}", timeout=30).json(), "id": "copies", "links": []}
    assert requests.post(f"{doors.base}/stac/collections", json=collection, auth=carol, timeout=30).status_code == 201
    copy = {**item, "collection": "copies", "links": []}
    assert requests.post(f"{doors.base}/stac/collections/copies/items", json=copy, auth=carol, timeout=30).status_code == 201
    try:
        for title in (item["id"], item["id"] + ".zip"):
            told = execution(doors, {"product-title": title, "bbox": AREA["bbox"]}, key)
            assert told.status_code == 400 and f"/inputs/product-title: '{title}' is the name of several items" in told.json()["detail"]
            assert all(f"{name}/{item['id']}" in told.json()["detail"] for name in (first, "copies"))
    finally:
        assert requests.delete(f"{doors.base}/stac/collections/copies", auth=carol, timeout=30).status_code in (200, 204)


def test_a_product_on_tape(doors, key):
    """Without restoration it is refused, with it the job is made and waits for the tape."""
    item = requests.get(f"{doors.base}/stac/search?limit=1", timeout=30).json()["features"][0]
    name, place = item["id"], f"collection = (SELECT number FROM collections WHERE id = '{item['collection']}') AND item = '{item['id']}'"
    doors.sql(f"UPDATE places SET state = 'f' WHERE {place}")
    try:
        told = execution(doors, {"product-title": name, "bbox": AREA["bbox"], "restoration": False}, key)
        assert told.status_code == 400 and f"'{name}' lies on tape" in told.json()["detail"], told.text
        made = execution(doors, {"product-title": name, "bbox": AREA["bbox"], "restoration": True}, key)
        assert made.status_code == 201, made.text
        requests.delete(made.headers["Location"], headers={"X-API-Key": key}, timeout=30)
    finally:
        doors.sql(f"UPDATE places SET state = 'o' WHERE {place}")


def test_failure_by_mail(doors, mailbox):
    """The job is accepted, and fails when it runs: the files of its product are gone."""
    mailbox.messages.clear()
    carol = ("carol", "open sesame")
    item = requests.get(f"{doors.base}/stac/search?limit=1", timeout=30).json()["features"][0]["id"]
    doors.sql(f"CREATE TABLE kept AS SELECT * FROM places WHERE item = '{item}';"
              f" UPDATE places SET assets = replace(assets::text, '/data/', '/gone/')::jsonb WHERE item = '{item}'")
    try:
        made = requests.post(f"{doors.base}/ogc/processes/ndvi-composite/execution", auth=carol, headers={"Prefer": "respond-async"}, timeout=30,
                             json={"inputs": {"notif-email": True, "product-title": item, "bbox": AREA["bbox"]}})
        assert made.status_code == 201, made.text
        _, to, message = wait_for(lambda: mailbox.messages and mailbox.messages[-1])
    finally:
        doors.sql("UPDATE places p SET assets = k.assets FROM kept k WHERE (p.collection, p.item, p.endpoint) = (k.collection, k.item, k.endpoint); DROP TABLE kept")
    assert to == ["carol@example.org"] and message["Subject"].endswith(": failed")
    text = message.get_content()
    assert made.headers["Location"] in text and "/gone/" in text


def test_who_has_no_address_gets_no_mail(doors):
    key = doors.command("user", "key", "bob", "GEODES").strip()
    answer = execution(doors, {**AREA, "notif-email": True}, key)
    assert answer.status_code == 400 and "your account has no address" in answer.json()["detail"]


# ---- calls at the end of a job ----

class Subscriber:
    """Takes calls; `answers` are the statuses of the next ones, 200 after them."""

    def __init__(self):
        self.calls, self.answers, self.location, self.size, self.pause = [], [], None, 0, 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                outer.calls.append((self.path, status, {k.lower(): v for k, v in self.headers.items()}, body))
                time.sleep(outer.pause)
                self.send_response(status)
                if outer.location:
                    self.send_header("Location", outer.location)
                self.send_header("Content-Length", str(outer.size))
                self.end_headers()
                try:
                    self.wfile.write(b"x" * outer.size)
                except OSError:
                    pass

            def do_GET(self):  # a redirect that was followed
                outer.calls.append((self.path, "GET", {}, b""))

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wants(self, *events):
        return {"subscriber": {e + "Uri": f"{self.url}/{e}" for e in events or ("success", "inProgress", "failed")}}


@pytest.fixture
def subscriber():
    subscriber = Subscriber()
    yield subscriber
    subscriber.server.shutdown()


def notices(doors, account=ACCOUNT):
    return requests.get(doors.base + "/api/notices", auth=account, timeout=30).json()["notices"]


def submit(doors, subscriber, *events, **inputs):
    made = execution(doors, {"number": 7, **inputs}, process="echo", outputs={"number": {}}, **subscriber.wants(*events))
    assert made.status_code == 201, made.text
    return made.json()["jobID"]


def test_calls_are_signed(doors, subscriber):
    webhooks = pytest.importorskip("standardwebhooks").webhooks
    submit(doors, subscriber)
    paths = lambda: [c[0] for c in subscriber.calls]
    wait_for(lambda: "/success" in paths())
    assert paths()[-1] == "/success" and set(paths()) <= {"/success", "/inProgress"}
    _, _, headers, body = subscriber.calls[-1]
    secret = requests.get(doors.base + "/api/notices", auth=ACCOUNT, timeout=30).json()["secret"]
    assert webhooks.Webhook(secret).verify(body, headers) == {"number": 7}
    other = requests.get(doors.base + "/api/notices", auth=("bob", "open sesame"), timeout=30).json()
    assert other["notices"] == [] and other["secret"] != secret
    with pytest.raises(webhooks.WebhookVerificationError):
        webhooks.Webhook(secret).verify(body + b" ", headers)


def test_failure_is_told(doors, subscriber, mailbox):
    """The process fails when its job runs: there is no scene at this time."""
    made = execution(doors, {"datetime": ["2001-01-01", "2001-01-02"]}, **subscriber.wants("failed"))
    if made.status_code == 201:
        _, _, _, body = wait_for(lambda: subscriber.calls and subscriber.calls[-1])
        assert b'"status":"failed"' in body and b"No scene" in body


def test_dismissal_is_told(doors, subscriber):
    job = submit(doors, subscriber, "failed", pause=60)
    requests.delete(f"{doors.base}/ogc/jobs/{job}", auth=ACCOUNT, timeout=30)
    _, _, _, body = wait_for(lambda: subscriber.calls and subscriber.calls[-1])
    assert b'"status":"dismissed"' in body


def test_failure_is_tried_again_after_a_restart(doors, subscriber):
    subscriber.answers = [503]
    submit(doors, subscriber, "success")
    wait_for(lambda: subscriber.calls)
    doors.stop()
    doors.start()
    wait_for(lambda: len(subscriber.calls) == 2)
    assert subscriber.calls[0][2]["webhook-id"] == subscriber.calls[1][2]["webhook-id"]
    wait_for(lambda: notices(doors)[0]["state"] == "delivered")


def test_redirects_are_not_followed_and_gone_is_gone(doors, subscriber):
    target = Subscriber()
    subscriber.answers, subscriber.location = [302], target.url + "/inside"
    submit(doors, subscriber, "success")
    notice = wait_for(lambda: [n for n in notices(doors) if n.get("last_status") == 302])[0]
    assert notice["state"] == "pending" and "answered 302" in notice["last_error"]
    subscriber.answers = [410] * 2
    job = submit(doors, subscriber, "success")
    wait_for(lambda: [n for n in notices(doors) if n["jobID"] == job and n["state"] == "given up"])
    assert target.calls == []
    target.server.shutdown()


@pytest.mark.slow
def test_receivers_that_hang_or_answer_hugely(doors, subscriber):
    huge = Subscriber()
    huge.size, subscriber.pause = 64 << 20, 30
    jobs = {submit(doors, subscriber, "success"), submit(doors, huge, "success")}
    failed = lambda: [n for n in notices(doors) if n["jobID"] in jobs and n.get("last_error")]
    wait_for(lambda: len(failed()) == 2)
    assert all(n["state"] == "pending" for n in failed())
    huge.server.shutdown()


# ---- openEO's jobs ----

def openeo_job(doors, **request):
    graph = {"add": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}}
    return requests.post(doors.base + "/openeo/1.2/jobs", json={"process": {"process_graph": graph}, **request}, auth=None, timeout=30,
                         headers={"Authorization": "Bearer " + doors.token("alice")})


def test_openeo_jobs_tell_of_their_end(doors, subscriber, mailbox):
    doors.sql("DELETE FROM notices WHERE mail")  # of today
    mailbox.messages.clear()
    token = {"Authorization": "Bearer " + doors.token("alice")}
    told = requests.get(doors.base + "/openeo/1.3/processing_parameters", timeout=30).json()["create_job_parameters"]
    assert [p["name"] for p in told] == ["dialect", "notify_email", "subscriber"]
    made = openeo_job(doors, title="A sum", notify_email=True, job_options=subscriber.wants("success"))
    assert made.status_code == 201, made.text
    assert requests.post(made.headers["Location"] + "/results", headers=token, timeout=30).status_code == 202
    _, to, message = wait_for(lambda: mailbox.messages and mailbox.messages[-1])
    assert to == ["alice@example.org"] and message["Subject"] == "A sum: finished" and made.headers["Location"] in message.get_content()
    path, _, _, body = wait_for(lambda: subscriber.calls and subscriber.calls[-1])
    assert path == "/success" and requests.get(json.loads(body)["result.json"]["href"], timeout=30).json() == 3
    # changed before it starts: nobody is told
    quiet = openeo_job(doors, notify_email=True)
    assert requests.patch(quiet.headers["Location"], json={"notify_email": False}, headers=token, timeout=30).status_code == 204
    assert doors.sql(f"SELECT request->'notify' IS NULL FROM jobs WHERE id = '{quiet.headers['OpenEO-Identifier']}'") == "t"


@pytest.mark.parametrize("request_, told", [
    ({"notify_email": "x@example.com"}, "/notify_email: expected the address of your account"),
    ({"job_options": {"notify_email": 7}}, "/job_options/notify_email: expected true, false or an address"),
    ({"subscriber": {"successUri": "http://10.0.0.1/"}}, "/subscriber/successUri: "),
    ({"job_options": {"subscriber": {"uri": "x"}}}, "/job_options/subscriber/uri: "),
])
def test_openeo_refused_notifications(doors, request_, told):
    answer = openeo_job(doors, **request_)
    assert answer.status_code == 400 and told in answer.json()["message"], answer.text


def test_openeo_requests_name_nobody_else(doors):
    """What the service keeps of who is told cannot be sent."""
    made = openeo_job(doors, notify={"mail": "victim@example.com", "successUri": "http://169.254.169.254/", "base_url": "http://x"})
    assert doors.sql(f"SELECT request->'notify' IS NULL FROM jobs WHERE id = '{made.headers['OpenEO-Identifier']}'") == "t"
    requests.patch(made.headers["Location"], json={"title": "x", "notify": {"mail": "victim@example.com"}}, timeout=30,
                   headers={"Authorization": "Bearer " + doors.token("alice")})
    assert doors.sql(f"SELECT request->'notify' IS NULL FROM jobs WHERE id = '{made.headers['OpenEO-Identifier']}'") == "t"


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "http://10.0.0.1/", "file:///etc/passwd", "http://u:p@example.org/",
                                 "http://localhost:5432/", "gopher://example.org/"])
def test_refused_addresses(doors, url):
    answer = execution(doors, {"number": 7}, process="echo", subscriber={"successUri": url})
    assert answer.status_code == 400 and answer.json()["detail"].startswith("/subscriber/successUri: ")
