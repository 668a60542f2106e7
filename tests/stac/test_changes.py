"""What changed: the list, streams, calls to subscribers; nothing lost, nothing told to whom it is not for."""
import base64
import contextlib
import http.server
import json
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

from conftest import SLOW_BUILD, cpu_seconds, fastest, free_port
from test_transactions import collection, item, refused

TIMEOUT = 60


def place(id, x, y, **properties):
    return {**item(id, **properties), "geometry": {"type": "Point", "coordinates": [x, y]}, "bbox": [x, y, x, y]}


@pytest.fixture(scope="module")
def stac(make_service):
    service = make_service("catalog.hook_hosts=127.0.0.1", "http.stop_timeout=5", "http.client_streams=400", workers=1)
    for name, role in [("alice", "user"), ("bob", "user"), ("ops", "operator")]:
        service.add_user(name, role=role)
    service.stac = service.base + "/stac"
    service.as_ = {name: service.session(name) for name in ["alice", "bob", "ops"]}
    service.as_["nobody"] = requests.Session()
    for who, id in [("ops", "open"), ("ops", "other"), ("alice", "closed")]:
        assert service.as_[who].post(service.stac + "/collections", json=collection(id), timeout=TIMEOUT).status_code == 201
    return service


def put(service, who, id, items, method="upsert"):
    answer = service.as_[who].post(f"{service.stac}/collections/{id}/bulk_items", timeout=TIMEOUT,
                                   json={"items": {i["id"]: i for i in items}, "method": method})
    assert answer.status_code == 200, answer.text


def changes(service, who="nobody", since=None, **params):
    """Follows the links next until nothing comes; (kind, collection, id) in order, and where it ended."""
    url, found = service.stac + "/changes", []
    params = {**params, **({} if since is None else {"since": since})}
    while True:
        answer = service.as_[who].get(url, params=params, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert page["numberReturned"] == len(page["changes"])
        found += page["changes"]
        url, params = next(link["href"] for link in page["links"] if link["rel"] == "next"), None
        if not page["changes"] and not page["more"]:
            return found, page["seq"]


def brief(found):
    return [(c["kind"], c["collection"], c.get("id")) for c in found]


# --- the list ------------------------------------------------------------------------------------------------

def test_what_happens_is_told_in_order(stac):
    _, now = changes(stac, "ops")
    ops, url = stac.as_["ops"], stac.stac + "/collections/open/items"
    ops.post(url, json=item("one"), timeout=TIMEOUT)
    ops.put(url + "/one", json=item("one", n=2), timeout=TIMEOUT)
    ops.patch(url + "/one", json={"properties": {"n": 3}}, timeout=TIMEOUT)
    put(stac, "ops", "open", [item("two"), item("one", n=4)])
    ops.delete(url + "/two", timeout=TIMEOUT)
    ops.post(stac.stac + "/collections", json=collection("brief"), timeout=TIMEOUT)
    ops.patch(stac.stac + "/collections/brief", json={"title": "x"}, timeout=TIMEOUT)
    ops.delete(stac.stac + "/collections/brief", timeout=TIMEOUT)
    found, end = changes(stac, since=now)
    told = brief(found)
    assert told[:3] == [("create", "open", "one"), ("update", "open", "one"), ("update", "open", "one")]
    assert sorted(told[3:5]) == [("create", "open", "two"), ("update", "open", "one")]
    assert told[5:] == [("delete", "open", "two"), ("create", "brief", None), ("update", "brief", None), ("delete", "brief", None)]
    assert end == found[-1]["seq"]
    links = {link["rel"]: link["href"] for link in found[0]["links"]}
    assert links == {"item": url + "/one", "collection": stac.stac + "/collections/open"}
    for step in [1, 2, 5]:
        assert brief(changes(stac, since=now, limit=step)[0]) == told
    with_items, _ = changes(stac, since=now, items="true")
    assert with_items[0]["item"] == requests.get(url + "/one", timeout=TIMEOUT).json()
    assert "item" not in found[0] and "item" not in with_items[5]
    refused(requests.get(stac.stac + "/changes", params={"since": end + 1000}, timeout=TIMEOUT), 400, "InvalidParameter", "since")
    for bad in ["since=-1", "since=x", "limit=0", "wait=100", "items=maybe", "bbox=1,2", "filter=a%20=", "nonsense=1", "filter=id%20%3E%20TIMESTAMP(%271%27)", "collections="]:
        refused(requests.get(stac.stac + "/changes?" + bad, timeout=TIMEOUT), 400, "InvalidParameter", bad.split("=")[0])


def test_filters(stac):
    _, now = changes(stac, "ops")
    put(stac, "ops", "open", [place("in", 10, 50, **{"eo:cloud_cover": 5}), place("cloudy", 10, 50, **{"eo:cloud_cover": 50}),
                              place("out", 80, 50, **{"eo:cloud_cover": 5}), place("old", 10, 50, **{"eo:cloud_cover": 5, "datetime": "2001-01-01T00:00:00Z"})])
    put(stac, "ops", "other", [place("in", 10, 50, **{"eo:cloud_cover": 5})])
    requests_ = [({"bbox": "0,40,20,60"}, {"in", "cloudy", "old"}), ({"filter": "\"eo:cloud_cover\" < 10"}, {"in", "out", "old"}),
                 ({"datetime": "2020-01-01T00:00:00Z/.."}, {"in", "cloudy", "out"}), ({"intersects": json.dumps({"type": "Point", "coordinates": [80, 50]})}, {"out"}),
                 ({"bbox": "0,40,20,60", "filter": "eo:cloud_cover < 10", "datetime": "2020-01-01T00:00:00Z/.."}, {"in"}),
                 ({"filter": json.dumps({"op": "=", "args": [{"property": "id"}, "out"]}), "filter-lang": "cql2-json"}, {"out"})]
    for params, expected in requests_:
        found, _ = changes(stac, since=now, collections="open", **params)
        assert {c["id"] for c in found} == expected, params
        assert {c["collection"] for c in found} == {"open"}
    found, _ = changes(stac, since=now, collections="open,other", bbox="0,40,20,60", filter="eo:cloud_cover < 10")
    assert ("create", "other", "in") in brief(found) and ("create", "open", "in") in brief(found)


def test_what_is_private_stays_so(stac):
    ends = {who: changes(stac, who)[1] for who in stac.as_}
    alice = stac.as_["alice"]
    put(stac, "alice", "closed", [item("secret")])
    share = alice.post(stac.base + "/api/collections/closed/shares", json={"user": "bob"}, timeout=TIMEOUT)
    assert brief(changes(stac, "alice", ends["alice"])[0]) == [("create", "closed", "secret")]
    assert ("create", "closed", "secret") in brief(changes(stac, "bob", ends["bob"])[0])
    for who in ["nobody", "ops"]:
        assert changes(stac, who, ends[who])[0] == []
    alice.delete(share.headers["Location"], timeout=TIMEOUT)
    assert changes(stac, "bob", ends["bob"])[0] == []
    alice.post(stac.stac + "/collections", json=collection("doomed"), timeout=TIMEOUT)
    alice.delete(stac.stac + "/collections/doomed", timeout=TIMEOUT)
    assert ("delete", "doomed", None) in brief(changes(stac, "alice", ends["alice"])[0])
    assert changes(stac, "nobody", ends["nobody"])[0] == []


def test_waiting_for_something_to_happen(stac):
    _, now = changes(stac)
    begun = time.time()
    page = requests.get(stac.stac + "/changes", params={"since": now, "wait": 1}, timeout=TIMEOUT).json()
    assert page["changes"] == [] and 0.9 < time.time() - begun < 5
    got = {}

    def ask():
        got["page"] = requests.get(stac.stac + "/changes", params={"since": now, "wait": 30, "filter": "id = 'awaited'"}, timeout=TIMEOUT).json()
        got["at"] = time.time()

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    put(stac, "ops", "open", [item("not-this")])
    time.sleep(0.5)
    done = time.time()
    put(stac, "ops", "open", [item("awaited")])
    thread.join()
    assert brief(got["page"]["changes"]) == [("create", "open", "awaited")] and got["at"] - done < (2 if not SLOW_BUILD else 10)


def psql(stac, sql):
    return subprocess.Popen(["psql", "-h", str(stac.data / "db"), "-U", "sentier", "-qAt", "sentier"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def test_late_commits_are_not_lost(stac):
    """Transactions that commit in another order than they got their numbers in."""
    _, now = changes(stac)
    number = stac.sql("SELECT number FROM collections WHERE id = 'open'")
    seen, stop, wrote = [], threading.Event(), []

    def follow():
        since = now
        while not stop.is_set():
            page = requests.get(stac.stac + "/changes", params={"since": since, "limit": 7}, timeout=TIMEOUT).json()
            seen.extend(c["id"] for c in page["changes"])
            since = page["seq"]

    def write(k):
        generator = random.Random(k)
        for i in range(12):
            # the number of the transaction first, that of the change later, and the commit when it pleases
            stac.sql(f"BEGIN; SELECT pg_current_xact_id(); SELECT pg_sleep({generator.random() / 20}); "
                     f"INSERT INTO changes(kind, collection, item) VALUES ('update', {number}, 'late-{k}-{i}'); "
                     f"SELECT pg_sleep({generator.random() / 10}); COMMIT; NOTIFY catalog")
            wrote.append(f"late-{k}-{i}")

    reader = threading.Thread(target=follow)
    reader.start()
    writers = [threading.Thread(target=write, args=(k,)) for k in range(6)]
    for w in writers:
        w.start()
    for w in writers:
        w.join()
    time.sleep(0.5)
    stop.set()
    reader.join()
    assert sorted(seen) == sorted(wrote) and len(set(seen)) == len(seen)


# --- streams -------------------------------------------------------------------------------------------------------

class Stream:
    """A client of server-sent events, as the HTML standard has them."""

    def __init__(self, url, session=requests, last=None, **params):
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": str(last)} if last is not None else {})}
        self.answer = session.get(url, params=params, headers=headers, stream=True, timeout=TIMEOUT)
        self.events, self.last, self.open = [], None, True
        if self.answer.status_code == 200:
            assert self.answer.headers["Content-Type"] == "text/event-stream" and self.answer.headers["Cache-Control"] == "no-store"
            self.thread = threading.Thread(target=self.read, daemon=True)
            self.thread.start()

    def read(self):
        kind, data = "message", []
        try:
            for line in self.answer.iter_lines(chunk_size=1, decode_unicode=True):
                if line == "":
                    if data:
                        self.events.append((kind, json.loads("\n".join(data))))
                    kind, data = "message", []
                elif not line.startswith(":"):
                    field, _, value = line.partition(":")
                    value = value.removeprefix(" ")
                    if field == "data":
                        data.append(value)
                    elif field == "event":
                        kind = value
                    elif field == "id":
                        self.last = value
        except (requests.RequestException, AttributeError, ValueError):
            pass
        self.open = False

    def wait(self, count, seconds=20):
        end = time.time() + seconds
        while len(self.events) < count and time.time() < end:
            time.sleep(0.01)
        return brief([data for _, data in self.events])

    def close(self):
        with contextlib.suppress(OSError, AttributeError):  # it may have ended meanwhile
            self.answer.raw._connection.sock.shutdown(socket.SHUT_RDWR)  # close() alone waits for the next chunk


@pytest.mark.sanitizer
def test_streams_tell_at_once_and_go_on_where_they_were_left(stac):
    url = stac.stac + "/changes/stream"
    everything = Stream(url, items="true")
    some = Stream(url, filter="eo:cloud_cover < 10", bbox="0,0,20,60", collections="open")
    closed = Stream(url, stac.as_["alice"], collections="closed")
    time.sleep(0.3)
    begun = time.time()
    put(stac, "ops", "open", [place("s1", 10, 50, **{"eo:cloud_cover": 1}), place("s2", 10, 50, **{"eo:cloud_cover": 90})])
    put(stac, "alice", "closed", [item("s3")])
    assert everything.wait(2) == [("create", "open", "s1"), ("create", "open", "s2")]
    assert time.time() - begun < (1.5 if not SLOW_BUILD else 10)
    assert [kind for kind, _ in everything.events] == ["create", "create"]
    assert everything.events[0][1]["item"] == requests.get(stac.stac + "/collections/open/items/s1", timeout=TIMEOUT).json()
    assert some.wait(1) == [("create", "open", "s1")] and closed.wait(1) == [("create", "closed", "s3")]
    assert int(everything.last) >= everything.events[-1][1]["seq"]
    last = everything.events[0][1]["seq"]
    everything.close()
    stac.as_["ops"].delete(stac.stac + "/collections/open/items/s2", timeout=TIMEOUT)
    put(stac, "ops", "open", [item(f"s-many-{i}") for i in range(700)])  # several pages behind
    again = Stream(url, last=last)
    told = again.wait(702, 40)
    assert told[:2] == [("create", "open", "s2"), ("delete", "open", "s2")] and len(told) == 702
    assert Stream(url, since=last).wait(702, 40) == told
    put(stac, "ops", "open", [place("s4", 10, 50, **{"eo:cloud_cover": 2})])
    # that something is gone is told whatever the filter; of the many nothing
    assert some.wait(3)[1:] == [("delete", "open", "s2"), ("create", "open", "s4")]
    for stream in [some, closed, again]:
        assert stream.open
        stream.close()
    refused(requests.get(url, headers={"Last-Event-ID": "x"}, timeout=TIMEOUT), 400, "InvalidParameter", "Last-Event-ID")
    refused(requests.get(url, params={"filter": "id ="}, timeout=TIMEOUT), 400, "InvalidParameter", "filter")


def serve_process(stac):
    for p in os.listdir("/proc"):
        try:
            line = open(f"/proc/{p}/cmdline").read().split("\0")
        except OSError:
            continue
        if len(line) > 1 and line[1] == "serve" and str(stac.data) in line:
            return int(p)
    return None


def test_hundreds_of_idle_streams_cost_nothing(stac):
    url = f"GET /stac/changes/stream?collections=other HTTP/1.1\r\nHost: 127.0.0.1:{stac.port}\r\n\r\n".encode()
    sockets = []
    for _ in range(6):  # no more at once than may wait of one client
        some = [socket.create_connection(("127.0.0.1", stac.port), timeout=20) for _ in range(50)]
        for s in some:
            s.sendall(url)
        for s in some:
            assert b"200 OK" in s.recv(4096)
        sockets += some
    server = serve_process(stac)
    time.sleep(1)
    before = cpu_seconds(server)
    time.sleep(3)
    assert cpu_seconds(server) - before <= 0.15 or SLOW_BUILD, "in three seconds"
    assert fastest(lambda: requests.get(stac.stac + "/search?limit=1", timeout=TIMEOUT)) < 1
    names = iter(["to-all-1", "to-all-2", "to-all-3"])

    def tell_all():
        name = next(names)
        put(stac, "ops", "other", [item(name)])
        for s in sockets:
            got = b""
            while name.encode() not in got:
                got += s.recv(4096)

    assert fastest(tell_all, 3) < (5 if not SLOW_BUILD else 60)
    for s in sockets:
        s.close()


@pytest.fixture(scope="module")
def brief_streams(make_service):
    """Streams of users end after two seconds; a client has three at once."""
    service = make_service("http.stream_time_user=2", "http.client_streams=3")
    for name, role in [("alice", "user"), ("ops", "operator")]:
        service.add_user(name, role=role)
    service.stac = service.base + "/stac"
    service.as_ = {name: service.session(name) for name in ["alice", "ops"]}
    answer = service.as_["ops"].post(service.stac + "/collections", json=collection("open"), timeout=TIMEOUT)
    assert answer.status_code == 201
    return service


@pytest.mark.sanitizer
def test_streams_that_end_are_resumed_without_loss_or_doubling(brief_streams):
    """A stream of a user ends by itself; with the last id that was seen, its reader misses and repeats nothing,
    be it that an event was seen or none."""
    service, url = brief_streams, brief_streams.stac + "/changes/stream"
    seen, streams, wrote = [], [], []
    stream = Stream(url, service.as_["alice"])
    begun = time.time()
    while len(streams) < 4 and time.time() - begun < 60:
        if len(streams) % 2 or not stream.open:  # every other stream is quiet until it has ended
            wrote.append(f"w-{len(wrote)}")
            put(service, "ops", "open", [item(wrote[-1])])
        else:
            time.sleep(0.02)
        if not stream.open:
            stream.thread.join()
            seen += [data["id"] for _, data in stream.events]
            streams.append(stream)
            stream = Stream(url, service.as_["alice"], last=stream.last)
    wrote.append("end")
    put(service, "ops", "open", [item("end")])
    assert len(streams) == 4, "streams did not end"
    while len(seen) < len(wrote) and time.time() - begun < 120:
        stream.thread.join()
        seen += [data["id"] for _, data in stream.events]
        stream = Stream(url, service.as_["alice"], last=stream.last)
    stream.close()
    assert seen == wrote
    assert not streams[0].events and all(s.last for s in streams)


def test_who_must_not_read_any_more_is_out_when_the_stream_ends(brief_streams):
    alice, url = brief_streams.as_["alice"], brief_streams.stac + "/changes/stream"
    key = alice.post(brief_streams.base + "/api/keys", json={"title": "streams"}, timeout=TIMEOUT)
    assert key.status_code == 201, key.text
    session = requests.Session()
    session.headers["X-API-Key"] = key.json()["key"]
    stream = Stream(url, session)
    assert alice.delete(f"{brief_streams.base}/api/keys/{key.json()['id']}", timeout=TIMEOUT).status_code == 204
    stream.thread.join(30)
    assert not stream.open
    refused(session.get(url, timeout=TIMEOUT), 401, "CredentialsInvalid")


@pytest.mark.sanitizer
def test_nobody_has_all_streams(brief_streams):
    url = brief_streams.stac + "/changes/stream"
    streams = [Stream(url) for _ in range(3)]
    answer = requests.get(url, timeout=TIMEOUT)
    refused(answer, 429, "TooManyRequests", "3 of your streams", "http.client_streams")
    assert int(answer.headers["Retry-After"]) > 0 and answer.headers["Access-Control-Allow-Origin"] == "*"
    others, begun = [Stream(url, brief_streams.as_["alice"]) for _ in range(3)], time.time()  # a user's are counted apart
    assert {stream.answer.status_code for stream in others} == {200}
    while others[-1].answer.status_code == 200 and time.time() - begun < 30:  # they end by themselves, too
        others.append(Stream(url, brief_streams.as_["alice"]))
    refused(others.pop().answer, 429, "TooManyRequests", "3 of your streams")
    for stream in others:
        if stream.open:
            stream.close()
    for _ in range(5):  # pages that are loaded again: what was left does not count
        streams.pop(0).close()
        begun = time.time()
        while (again := Stream(url)).answer.status_code == 429 and time.time() - begun < 10:
            time.sleep(0.05)
        assert again.answer.status_code == 200
        streams.append(again)
    for stream in streams:
        stream.close()


# --- calls ------------------------------------------------------------------------------------------------------------

class Receiver:
    """Takes calls; `answers` are the statuses of the next ones, 200 after them."""

    def __init__(self):
        self.calls, self.answers, self.pause = [], [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                time.sleep(outer.pause)
                status = outer.answers.pop(0) if outer.answers else 200
                outer.calls.append((status, dict((k.lower(), v) for k, v in self.headers.items()), body))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?x=1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        """Changes of calls that were answered well, in order."""
        return [c for status, _, body in self.calls if status // 100 == 2 for c in json.loads(body)["changes"]]

    def wait(self, count, seconds=30):
        end = time.time() + seconds
        while len(self.taken()) < count and time.time() < end:
            time.sleep(0.02)
        return brief(self.taken())


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()


def subscribe(stac, who, receiver, **wanted):
    made = stac.as_[who].post(stac.base + "/api/subscriptions", json={"url": receiver.url, **wanted}, timeout=TIMEOUT)
    assert made.status_code == 201, made.text
    return made.json(), made.headers["Location"]


def test_calls_are_signed_and_filtered(stac, receiver):
    webhooks = pytest.importorskip("standardwebhooks").webhooks
    made, url = subscribe(stac, "bob", receiver, title="clear", collections=["open"], filter="eo:cloud_cover < 10", bbox=[0, 40, 20, 60], items=True)
    assert made["secret"].startswith("whsec_") and made["active"] and made["filter"] == "eo:cloud_cover < 10"
    assert "secret" not in stac.as_["bob"].get(url, timeout=TIMEOUT).json()
    put(stac, "ops", "open", [place("h1", 10, 50, **{"eo:cloud_cover": 1}), place("h2", 10, 50, **{"eo:cloud_cover": 90})])
    put(stac, "ops", "other", [place("h3", 10, 50, **{"eo:cloud_cover": 1})])
    assert receiver.wait(1) == [("create", "open", "h1")]
    _, headers, body = receiver.calls[0]
    told = webhooks.Webhook(made["secret"]).verify(body, headers)
    assert told["id"] == headers["webhook-id"] and told["subscription"] == made["id"] and headers["content-type"] == "application/json"
    assert told["changes"][0]["item"] == requests.get(stac.stac + "/collections/open/items/h1", timeout=TIMEOUT).json()
    for wrong in [body + b" ", body.replace(b"h1", b"h9")]:
        with pytest.raises(webhooks.WebhookVerificationError):
            webhooks.Webhook(made["secret"]).verify(wrong, headers)
    time.sleep(0.5)
    state = stac.as_["bob"].get(url, timeout=TIMEOUT).json()
    assert state["delivered"] == 1 and state["delivered_at"] and "failing" not in state
    # what it wants can be changed, and it can rest
    own = "whsec_" + base64.b64encode(b"k" * 24).decode()
    changed = stac.as_["bob"].patch(url, json={"collections": ["other"], "secret": own}, timeout=TIMEOUT).json()
    assert changed["collections"] == ["other"] and "filter" not in changed and changed["secret"] == own
    put(stac, "ops", "open", [item("h4")])
    put(stac, "ops", "other", [item("h5")])
    assert receiver.wait(2)[1:] == [("create", "other", "h5")]
    webhooks.Webhook(own).verify(receiver.calls[-1][2], receiver.calls[-1][1])
    assert stac.as_["bob"].patch(url, json={"active": False}, timeout=TIMEOUT).json()["reason"]
    put(stac, "ops", "other", [item("h6")])
    time.sleep(0.5)
    assert len(receiver.taken()) == 2
    stac.as_["bob"].patch(url, json={"active": True}, timeout=TIMEOUT)
    assert receiver.wait(3)[2:] == [("create", "other", "h6")]  # nothing was lost while it rested
    assert stac.as_["alice"].get(url, timeout=TIMEOUT).status_code == 404
    assert stac.as_["alice"].delete(url, timeout=TIMEOUT).status_code == 404
    assert stac.as_["bob"].delete(url, timeout=TIMEOUT).status_code == 204
    assert stac.as_["bob"].get(stac.base + "/api/subscriptions", timeout=TIMEOUT).json() == {"subscriptions": []}


def test_failures_are_tried_again_in_order(stac, receiver):
    receiver.answers = [500, 302, 404]
    _, url = subscribe(stac, "bob", receiver, collections=["open"])
    ids = [f"f{i}" for i in range(250)]
    for at in range(0, 250, 50):
        put(stac, "ops", "open", [item(i) for i in ids[at:at + 50]])
    end = time.time() + 20
    while not stac.as_["bob"].get(url, timeout=TIMEOUT).json().get("failing") and time.time() < end:
        time.sleep(0.05)
    failing = stac.as_["bob"].get(url, timeout=TIMEOUT).json()["failing"]
    assert failing["status"] in (500, 302) and "answered" in failing["error"] and failing["next"] and failing["attempts"] >= 1
    told = receiver.wait(250, 60)
    assert [id for _, _, id in told] == ids  # in order, none twice
    failed = [(headers["webhook-id"], body) for status, headers, body in receiver.calls if status != 200]
    again = next((headers["webhook-id"], body) for status, headers, body in receiver.calls if status == 200)
    assert len(failed) == 3 and all(f == again for f in failed)  # the same under the same id
    assert all(len(json.loads(body)["changes"]) <= 100 for _, _, body in receiver.calls)
    stac.as_["bob"].delete(url, timeout=TIMEOUT)


def test_subscriptions_end_when_the_address_is_gone_or_rights_are(stac, receiver):
    receiver.answers = [410]
    _, url = subscribe(stac, "bob", receiver)
    put(stac, "ops", "open", [item("g1")])
    end = time.time() + 20
    while stac.as_["bob"].get(url, timeout=TIMEOUT).json()["active"] and time.time() < end:
        time.sleep(0.05)
    state = stac.as_["bob"].get(url, timeout=TIMEOUT).json()
    assert not state["active"] and "410" in state["reason"]
    stac.as_["bob"].patch(url, json={"active": True}, timeout=TIMEOUT)
    assert ("create", "open", "g1") in receiver.wait(1)
    put(stac, "alice", "closed", [item("g2")])
    put(stac, "ops", "open", [item("g3")])
    assert [id for _, _, id in receiver.wait(2)] == ["g1", "g3"]
    stac.as_["bob"].delete(url, timeout=TIMEOUT)


def test_subscriptions_that_cannot_be(stac, receiver):
    bob = stac.as_["bob"]

    def post(**body):
        return bob.post(stac.base + "/api/subscriptions", json=body, timeout=TIMEOUT)

    for url in ["ftp://example.com/", "file:///etc/passwd", "http://10.0.0.1/", "http://localhost/", "http://[::1]/", "http://169.254.169.254/latest",
                "http://user:secret@example.com/", "http://2130706434/", "nonsense", "", "http://[::ffff:10.0.0.1]/", "http://0x0a000001/",
                "http://localhost./", "http://①⓪.0.0.1/", "http://012.0.0.1/", "http://１０.1/"]:
        answer = refused(post(url=url), 400, "InvalidParameter", "/url")
        assert "secret" not in answer["detail"]
    refused(post(), 400, "BadRequest", "/url")
    good = receiver.url
    refused(post(url=good, filter="eo:cloud_cover <"), 400, "InvalidParameter", "filter")
    refused(post(url=good, nonsense=1), 400, "InvalidParameter", "nonsense")
    refused(post(url=good, bbox=[1, 2]), 400, "InvalidParameter", "bbox")
    refused(post(url=good, items="yes"), 400, "BadRequest", "/items")
    refused(post(url=good, secret="short"), 400, "InvalidParameter", "/secret")
    refused(post(url=good, since=10**9), 400, "InvalidParameter", "since")
    refused(post(url=good, title="x" * 300), 400, "BadRequest", "/title")
    assert requests.post(stac.base + "/api/subscriptions", json={"url": good}, timeout=TIMEOUT).status_code == 401
    made = [post(url=good, collections=["open"]) for _ in range(21)]
    assert [m.status_code for m in made] == [201] * 20 + [409]
    for m in made[:20]:
        assert bob.delete(m.headers["Location"], timeout=TIMEOUT).status_code == 204


def test_a_kill_loses_no_call(make_service):
    receiver = Receiver()
    stac = make_service("catalog.hook_hosts=127.0.0.1", workers=1)
    try:
        stac.add_user("ops", role="operator")
        stac.stac, stac.as_ = stac.base + "/stac", {"ops": stac.session("ops")}
        assert stac.as_["ops"].post(stac.stac + "/collections", json=collection("open"), timeout=TIMEOUT).status_code == 201
        subscribe(stac, "ops", receiver, collections=["open"])
        receiver.pause = 0.2  # so that the kills come while calls are under way
        ids = []
        for round in range(4):
            for k in range(5):
                ids += [f"k-{round}-{k}-{i}" for i in range(20)]
                put(stac, "ops", "open", [item(i) for i in ids[-20:]])
            time.sleep(random.random() * 0.4)
            os.kill(serve_process(stac), signal.SIGKILL)
            end = time.time() + 30
            while time.time() < end:
                try:
                    if requests.get(stac.base + "/readyz", timeout=5).status_code == 200:
                        break
                except requests.RequestException:
                    pass
                time.sleep(0.05)
        end = time.time() + 60
        while len({c["id"] for c in receiver.taken()}) < len(ids) and time.time() < end:
            time.sleep(0.05)
        told = [c["seq"] for c in receiver.taken()]
        assert {c["id"] for c in receiver.taken()} == set(ids)
        firsts = list(dict.fromkeys(told))
        assert firsts == sorted(firsts), "in order, but for what is told again"
        seen = {}
        for _, headers, body in receiver.calls:
            assert seen.setdefault(headers["webhook-id"], body) == body
    finally:
        receiver.server.shutdown()


# --- the end of what is kept -----------------------------------------------------------------------------------------

def test_what_is_old_is_removed_and_said_to_be(make_service):
    stac = make_service("catalog.changes_keep=2s", workers=1)
    stac.add_user("ops", role="operator")
    stac.stac, stac.as_ = stac.base + "/stac", {"ops": stac.session("ops"), "nobody": requests.Session()}
    stac.as_["ops"].post(stac.stac + "/collections", json=collection("open"), timeout=TIMEOUT)
    put(stac, "ops", "open", [item(f"p{i}") for i in range(10)])
    found, end = changes(stac)
    assert len(found) == 11
    time.sleep(2.5)
    put(stac, "ops", "open", [item("young")])
    stac.command("gc", "--set", "catalog.changes_keep=2s")
    assert brief(changes(stac)[0]) == [("create", "open", "young")]
    assert brief(changes(stac, since=end)[0]) == [("create", "open", "young")]  # all after it is here
    problem = refused(requests.get(stac.stac + "/changes", params={"since": found[3]["seq"]}, timeout=TIMEOUT), 410, "ChangesGone", "anew")
    assert str(end + 1) in problem["detail"]
    refused(requests.get(stac.stac + "/changes/stream", headers={"Last-Event-ID": "1"}, timeout=TIMEOUT), 410, "ChangesGone")
