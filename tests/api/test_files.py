"""Files of users: uploads that go to disk, downloads with ranges, paths, quota."""
import hashlib
import http.client
import os
import socket
import threading
import time

import openeo
import pytest
import requests

pytestmark = pytest.mark.sanitizer
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def small(make_service):
    service = make_service("files.quota=20M", "files.max_size=12M", "http.max_body=1M", workers=1)
    service.add_user("alice")
    service.add_user("bob")
    return service


@pytest.fixture(scope="module")
def alice(small):
    return small.session("alice")


@pytest.fixture(autouse=True)
def nothing_left(small):
    """Each test starts and ends without files."""
    yield
    for user in ("alice", "bob"):
        session = small.session(user)
        for path in listed(session, small):
            session.delete(url(small, "/" + path), timeout=30)


def url(service, path=""):
    return f"{service.base}/openeo/1.3/files{path}"


def listed(session, service):
    return {f["path"]: f for f in session.get(url(service), timeout=30).json()["files"]}


def on_disk(service):
    return sorted(str(p.relative_to(service.data / "files")) for p in (service.data / "files").rglob("*") if p.is_file())


def test_life_of_a_file(alice, small):
    content = os.urandom(3 * MEGABYTE + 7)
    put = alice.put(url(small, "/fields/%C3%B6st/m%C3%BCnster.shp"), data=content, timeout=60)
    assert put.status_code == 200 and put.json()["path"] == "fields/öst/münster.shp"
    assert put.json()["size"] == len(content) and put.json()["modified"].endswith("Z")
    assert listed(alice, small)["fields/öst/münster.shp"] == put.json()
    there = url(small, "/fields/öst/münster.shp")
    got = alice.get(there, timeout=60)
    assert got.content == content and got.headers["Content-Type"] == "application/octet-stream"
    head = alice.head(there, timeout=30)
    assert head.headers["Content-Length"] == str(len(content)) and head.headers["Accept-Ranges"] == "bytes"
    part = alice.get(there, headers={"Range": "bytes=100-199"}, timeout=30)
    assert part.status_code == 206 and part.content == content[100:200]
    assert alice.get(there, headers={"Range": "bytes=9999999-"}, timeout=30).status_code == 416
    storage = alice.get(f"{small.base}/openeo/1.3/me", timeout=30).json()["storage"]
    assert storage == {"quota": 20 * MEGABYTE, "free": 20 * MEGABYTE - len(content)}
    assert alice.put(there, data=b"new", timeout=30).json()["size"] == 3
    assert alice.get(there, timeout=30).content == b"new"
    assert alice.delete(there, timeout=30).status_code == 204
    assert listed(alice, small) == {} and on_disk(small) == []
    assert not list((small.data / "files").glob("*/fields"))  # empty folders go
    for method in ("get", "delete"):
        gone = getattr(alice, method)(there, timeout=30)
        assert (gone.status_code, gone.json()["code"]) == (404, "FileNotFound")


def test_empty_and_chunked(alice, small):
    assert alice.put(url(small, "/empty"), data=b"", timeout=30).json()["size"] == 0
    assert alice.get(url(small, "/empty"), timeout=30).content == b""
    pieces = (b"x" * 70000 for _ in range(10))
    assert alice.put(url(small, "/pieces"), data=pieces, timeout=30).json()["size"] == 700000
    for name in ("empty", "pieces"):
        alice.delete(url(small, "/" + name), timeout=30)


def test_python_client(small, tmp_path):
    connection = openeo.connect(small.base).authenticate_basic("alice", "open sesame")
    (tmp_path / "a.geojson").write_text('{"type": "Point", "coordinates": [1, 2]}')
    file = connection.upload_file(tmp_path / "a.geojson", "areas/a.geojson")
    assert [str(f.path) for f in connection.list_files()] == ["areas/a.geojson"]
    file.download(tmp_path / "b.geojson")
    assert (tmp_path / "b.geojson").read_text() == (tmp_path / "a.geojson").read_text()
    file.delete()
    assert connection.list_files() == []


def raw(service, method, target, token, body=b"x"):
    """As it is: a client would tidy the target up."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    connection.putrequest(method, target, skip_accept_encoding=True)
    connection.putheader("Authorization", "Bearer " + token)
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    answer.read()
    return answer.status


@pytest.mark.parametrize("path", [
    "/../x", "/%2e%2e/x", "/a/../../x", "/a/%2e%2e/%2e%2e/x", "/..%2fx", "/%2e%2e%2fx", "/a%5c..%5cx", "/a%00b", "/a%0ab", "/a:b",
    "/a'b", "/a%22b", "/%ff", "/" + "n" * 300, "/" + "a/" * 25 + "x", "/.", "/%2e", "/" + "p" * 200 + "/" + "q" * 200 + "/" + "r" * 200
    + "/" + "s" * 200 + "/" + "t" * 210])
def test_hostile_paths(small, path):
    token = small.token("alice")
    before = on_disk(small)
    assert raw(small, "PUT", "/openeo/1.3/files" + path, token) == 400
    assert raw(small, "GET", "/openeo/1.3/files" + path, token, b"") in (400, 404)
    assert on_disk(small) == before
    assert not (small.data / "x").exists() and not (small.data / "files/x").exists()


def test_folders_are_no_files(alice, small):
    alice.put(url(small, "/folder/file"), data=b"x", timeout=30)
    for method in ("get", "put", "delete"):
        refused = getattr(alice, method)(url(small, "/folder"), timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (400, "FileOperationUnsupported"), method
    refused = alice.put(url(small, "/folder/file/below"), data=b"x", timeout=30)
    assert (refused.status_code, refused.json()["code"]) == (400, "FilePathInvalid")
    assert list(listed(alice, small)) == ["folder/file"]
    alice.delete(url(small, "/folder/file"), timeout=30)


def test_others_see_nothing(alice, small):
    bob = small.session("bob")
    alice.put(url(small, "/mine"), data=b"alice", timeout=30)
    assert listed(bob, small) == {}
    assert bob.get(url(small, "/mine"), timeout=30).status_code == 404
    bob.put(url(small, "/mine"), data=b"bob", timeout=30)
    assert alice.get(url(small, "/mine"), timeout=30).content == b"alice"
    for session in (alice, bob):
        session.delete(url(small, "/mine"), timeout=30)


def test_nobody_is_told_before_he_sends(small):
    """Who is not logged in is refused when the headers are there: nothing of the body is read or kept."""
    for credentials, status in [("", "401"), ("Authorization: Bearer basic//wrong\r\n", "403")]:
        with socket.create_connection(("127.0.0.1", small.port), timeout=30) as s:
            s.sendall(f"PUT /openeo/1.3/files/x HTTP/1.1\r\nHost: x\r\n{credentials}Content-Length: 1000000\r\n"
                      "Expect: 100-continue\r\n\r\n".encode())
            assert s.recv(4096).decode().split()[1] == status
    refused = requests.put(url(small, "/x"), data=b"y" * MEGABYTE, timeout=30)
    assert refused.status_code == 401 and on_disk(small) == []


def test_limits(alice, small):
    large = b"z" * (12 * MEGABYTE)
    refused = alice.put(url(small, "/large"), data=large + b"z", timeout=60)
    assert (refused.status_code, refused.json()["code"]) == (400, "FileSizeExceeded")
    refused = alice.put(url(small, "/large"), data=(large[:MEGABYTE] for _ in range(13)), timeout=60)
    assert (refused.status_code, refused.json()["code"]) == (400, "FileSizeExceeded")
    assert alice.put(url(small, "/one"), data=large, timeout=60).status_code == 200
    refused = alice.put(url(small, "/two"), data=large, timeout=60)
    assert (refused.status_code, refused.json()["code"]) == (400, "StorageQuotaExceeded")
    assert alice.put(url(small, "/one"), data=large, timeout=60).status_code == 200  # what is replaced does not count
    assert len(on_disk(small)) == 1
    alice.delete(url(small, "/one"), timeout=30)


def test_uploads_at_once_hold_the_quota(small):
    token = small.token("alice")
    content = b"q" * (6 * MEGABYTE)
    codes = []

    def put(i):
        codes.append(requests.put(url(small, f"/at-once-{i}"), data=content, timeout=60,
                                  headers={"Authorization": "Bearer " + token}).status_code)

    threads = [threading.Thread(target=put, args=(i,)) for i in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(codes) == [200, 200, 200, 400, 400]


def test_a_client_that_goes_away_leaves_nothing(small):
    token = small.token("alice")
    with socket.create_connection(("127.0.0.1", small.port), timeout=30) as s:
        s.sendall(f"PUT /openeo/1.3/files/half HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
                  "Content-Length: 1000000\r\n\r\n".encode() + b"h" * 300000)
        end = time.time() + 30
        while not on_disk(small) and time.time() < end:  # it has begun
            time.sleep(0.02)
        assert on_disk(small) and on_disk(small)[0].startswith(".incoming/")
    end = time.time() + 30
    while on_disk(small) and time.time() < end:
        time.sleep(0.05)
    assert on_disk(small) == []


def test_paging(alice, small):
    names = [f"page/{i:02}" for i in range(7)]
    for name in reversed(names):
        alice.put(url(small, "/" + name), data=hashlib.sha256(name.encode()).digest(), timeout=30)
    page, seen = url(small, "?limit=3"), []
    while page:
        body = alice.get(page, timeout=30).json()
        assert len(body["files"]) <= 3
        seen += [f["path"] for f in body["files"]]
        page = next((link["href"] for link in body["links"] if link["rel"] == "next"), None)
    assert seen == names
    for name in names:
        alice.delete(url(small, "/" + name), timeout=30)
