"""Workspaces: made, listed, shared and deleted; results exported to a folder and to a store that speaks S3, alone and merged, read
back by pystac; who may not."""
import http.server
import json
import re
import threading
import urllib.parse

import pystac
import pytest
import requests
from graphs import ndvi_of_window

pytestmark = pytest.mark.sanitizer


class Store(http.server.BaseHTTPRequestHandler):
    """As much of S3 as is needed: objects by their keys, listed and deleted."""
    objects, keys = {}, set()
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path, _, query = self.path.partition("?")
        key, query = urllib.parse.unquote(path), urllib.parse.parse_qs(query, keep_blank_values=True)
        self.keys.add(re.search(r"Credential=(\w+)/", self.headers.get("Authorization", "Credential=none/"))[1])
        if key in self.objects:
            whole = self.objects[key]
            first, last = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "bytes=0-")).groups()
            part = whole[int(first):int(last) + 1 if last else None]
            ranged = "Range" in self.headers
            return self.answer(206 if ranged else 200, part if self.command == "GET" else whole, ETag='"1"',
                               **({"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(whole)}"} if ranged else {}))
        if "prefix" in query or "delimiter" in query:
            begin = "/" + path.split("/")[1] + "/"
            prefix = query.get("prefix", [""])[0]
            found = [k[len(begin):] for k in sorted(self.objects) if k.startswith(begin + prefix)]
            folders = sorted({prefix + k[len(prefix):].split("/")[0] + "/" for k in found if "delimiter" in query and "/" in k[len(prefix):]})
            files = [k for k in found if "delimiter" not in query or "/" not in k[len(prefix):]]
            xml = "".join(f"<Contents><Key>{k}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified><ETag>1</ETag>"
                          f"<Size>{len(self.objects[begin + k])}</Size><StorageClass>STANDARD</StorageClass></Contents>" for k in files)
            xml += "".join(f"<CommonPrefixes><Prefix>{f}</Prefix></CommonPrefixes>" for f in folders)
            return self.answer(200, f"<?xml version='1.0'?><ListBucketResult><Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>{xml}"
                                    f"</ListBucketResult>".encode())
        self.answer(404)

    do_HEAD = do_GET

    def body(self):
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        whole = b""
        while (size := int(self.rfile.readline().strip(), 16)):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def do_PUT(self):
        self.objects[urllib.parse.unquote(self.path.partition("?")[0])] = self.body()
        self.answer(200, ETag='"1"')

    def do_POST(self):
        bucket, text = "/" + self.path.split("/")[1].partition("?")[0] + "/", self.body().decode()
        keys = re.findall(r"<Key>(.*?)</Key>", text)
        for key in keys:
            self.objects.pop(bucket + key, None)
        self.answer(200, ("<DeleteResult>" + "".join(f"<Deleted><Key>{k}</Key></Deleted>" for k in keys) + "</DeleteResult>").encode())

    def do_DELETE(self):
        self.objects.pop(urllib.parse.unquote(self.path), None)
        self.answer(204)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def store():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Store)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def service(make_service, shared, store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("workspaces")
    service = make_service(f"workspaces.folder={folder}", "workspaces.s3=results/of/users", f"workspaces.s3_endpoint=http://127.0.0.1:{store.server_port}",
                           "workspaces.s3_key=someone", "workspaces.s3_secret=secret", "workspaces.s3_region=here", "workspaces.user_workspaces=3",
                           "workspaces.quota=10M")
    service.folder = folder
    for name in ("alice", "bob"):
        service.add_user(name)
    service.command("catalog", "import", *sorted((shared / "data/s2/33TW").glob("*33TWL*")))
    return service


@pytest.fixture(scope="module")
def alice(service):
    return service.session("alice")


def api(service, path):
    return f"{service.base}/openeo/1.3{path}"


def made(session, service, **more):
    answer = session.post(api(service, "/workspaces"), json={"intent": "create", **more}, timeout=30)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == api(service, "/workspaces/" + answer.headers["OpenEO-Identifier"])
    return answer.headers["OpenEO-Identifier"]


def exporting(workspace, **more):
    process = json.loads(json.dumps(ndvi_of_window()))
    (save,) = (n for n in process["process_graph"].values() if n.pop("result", None))
    name = next(k for k, v in process["process_graph"].items() if v is save)
    process["process_graph"]["export"] = {"process_id": "export_workspace", "result": True,
                                          "arguments": {"data": {"from_node": name}, "workspace": workspace, **more}}
    return process


def run(session, service, process):
    """The job's address and its end."""
    job = session.post(api(service, "/jobs"), json={"process": process}, timeout=30)
    assert job.status_code == 201, job.text
    job = job.headers["Location"]
    session.post(job + "/results", timeout=30)
    while (status := session.get(job, timeout=30).json()["status"]) in ("queued", "running"):
        pass
    return job, status


def test_providers_and_capabilities(service, alice):
    told = requests.get(api(service, "/workspace_providers"), timeout=30).json()["providers"]
    assert {k: v["intents"] for k, v in told.items()} == {"folder": ["create"], "S3": ["create"]}
    assert "https://api.openeo.org/extensions/workspaces/0.1.0" in requests.get(api(service, "/conformance"), timeout=30).json()["conformsTo"]


def test_life_of_a_workspace(service, alice):
    bob = service.session("bob")
    id = made(alice, service, title="mine", type="Folder")
    url = api(service, "/workspaces/" + id)
    one = alice.get(url, timeout=30).json()
    assert (one["id"], one["type"], one["status"], one["title"], one["free"]) == (id, "folder", "ready", "mine", 10 << 20)
    assert one["url"] == f"file://{service.folder}/{id}" and (service.folder / id).is_dir()
    assert alice.patch(url, json={"title": "ours"}, timeout=30).status_code == 204
    assert [w["title"] for w in alice.get(api(service, "/workspaces"), timeout=30).json()["workspaces"] if w["id"] == id] == ["ours"]
    for method, body in [("get", None), ("patch", {"title": "his"}), ("delete", None)]:
        refused = getattr(bob, method)(url, json=body, timeout=30)
        assert (refused.status_code, refused.json()["code"]) == (404, "WorkspaceNotFound")
    service.command("user", "join", "bob", "lab")
    assert alice.patch(url, json={"sentier:groups": ["lab"]}, timeout=30).status_code == 204
    seen = bob.get(url, timeout=30).json()
    assert seen["title"] == "ours" and "sentier:groups" not in seen and alice.get(url, timeout=30).json()["sentier:groups"] == ["lab"]
    assert bob.delete(url, timeout=30).status_code == 404 and (service.folder / id).is_dir()
    for wrong in ({}, {"intent": "register", "type": "S3", "url": "s3://x", "parameters": {}}, {"intent": "create", "type": "Azure"},
                  {"intent": "create", "parameters": {"a": 1}}, {"intent": "create", "sentier:groups": "lab"}):
        assert alice.post(api(service, "/workspaces"), json=wrong, timeout=30).status_code in (400, 501), wrong
    more = [made(alice, service), made(alice, service)]
    full = alice.post(api(service, "/workspaces"), json={"intent": "create"}, timeout=30)
    assert full.json()["code"] == "StorageQuotaExceeded"
    page = alice.get(api(service, "/workspaces?limit=2"), timeout=30).json()
    rest = alice.get(next(link["href"] for link in page["links"] if link["rel"] == "next"), timeout=30).json()
    assert len(page["workspaces"] + rest["workspaces"]) == 3
    for each in (id, *more):
        assert alice.delete(api(service, "/workspaces/" + each), timeout=30).status_code == 204
    assert not (service.folder / id).exists() and alice.get(url, timeout=30).status_code == 404


def test_export_to_a_folder(service, alice):
    bob = service.session("bob")
    id = made(alice, service)
    job, status = run(alice, service, exporting(id))
    assert status == "finished", alice.get(job + "/logs", timeout=30).text
    results = alice.get(job + "/results", timeout=30).json()
    href = next(link["href"] for link in results["links"] if link["rel"] == "alternate")
    assert href == f"file://{service.folder}/{id}/{job.split('/')[-1]}/collection.json"
    collection = pystac.Collection.from_file(href.removeprefix("file://"))
    items = list(collection.get_items())
    assert [i.assets["data"].title for i in items] == [a["title"] for a in results["assets"].values()]
    (name, asset), = results["assets"].items()
    here = items[0].assets["data"].get_absolute_href()
    assert here.endswith(f"/{id}/{job.split('/')[-1]}/{name}") and open(here, "rb").read() == alice.get(asset["href"], timeout=30).content
    assert collection.extent.spatial.bboxes[0] == pytest.approx(results["extent"]["spatial"]["bbox"][0])
    assert alice.get(api(service, "/workspaces/" + id), timeout=30).json()["free"] == (10 << 20) - asset["file:size"]
    # several jobs into one collection; a job that is run again stands there once, and is counted once
    jobs = [run(alice, service, exporting(id, merge="ndvi/all"))[0] for _ in range(2)]
    alice.post(jobs[0] + "/results", timeout=30)
    while alice.get(jobs[0], timeout=30).json()["status"] in ("queued", "running"):
        pass
    merged = pystac.Collection.from_file(str(service.folder / id / "ndvi/all/collection.json"))
    assert merged.id == "all" and sorted(i.id.split("_")[0] for i in merged.get_items()) == sorted(j.split("/")[-1] for j in jobs)
    assert all(i.get_collection().id == "all" for i in merged.get_items())
    assert alice.get(api(service, "/workspaces/" + id), timeout=30).json()["free"] == (10 << 20) - 3 * asset["file:size"]
    # what could not be put is not counted
    (service.folder / id / "taken").write_text("no folder")
    _, status = run(alice, service, exporting(id, merge="taken/here"))
    assert status == "error"
    assert alice.get(api(service, "/workspaces/" + id), timeout=30).json()["free"] == (10 << 20) - 3 * asset["file:size"]
    # nobody computes for what cannot be exported
    for session, process, code in [(bob, exporting(id), "WorkspaceNotFound"), (alice, exporting("nothing"), "WorkspaceNotFound"),
                                   (alice, exporting(id, merge="../x"), "ProcessParameterInvalid"),
                                   (alice, exporting(id, merge="a//b"), "ProcessParameterInvalid")]:
        refused = session.post(api(service, "/jobs"), json={"process": process}, timeout=30)
        assert refused.json()["code"] == code, refused.text
    # a job of a workspace that is gone, or full
    late = alice.post(api(service, "/jobs"), json={"process": exporting(id)}, timeout=30).headers["Location"]
    service.sql(f"UPDATE workspaces SET bytes = {10 << 20} WHERE id = '{id}'")
    alice.post(late + "/results", timeout=30)
    while alice.get(late, timeout=30).json()["status"] in ("queued", "running"):
        pass
    assert alice.get(late + "/results", timeout=30).json()["code"] == "StorageQuotaExceeded"
    alice.delete(api(service, "/workspaces/" + id), timeout=30)
    assert alice.post(api(service, "/jobs"), json={"process": exporting(id)}, timeout=30).json()["code"] == "WorkspaceNotFound"


def test_export_to_a_store(service, alice):
    id = made(alice, service, type="s3")
    assert alice.get(api(service, "/workspaces/" + id), timeout=30).json()["url"] == f"s3://results/of/users/{id}"
    jobs = [run(alice, service, exporting(id, merge="ndvi")) for _ in range(2)]
    assert [status for _, status in jobs] == ["finished"] * 2, alice.get(jobs[0][0] + "/logs", timeout=30).text
    place = f"/results/of/users/{id}/ndvi"
    collection = json.loads(Store.objects[f"{place}/collection.json"])
    assert len([link for link in collection["links"] if link["rel"] == "item"]) == 2 and Store.keys == {"someone"}
    for link in (link for link in collection["links"] if link["rel"] == "item"):
        item = json.loads(Store.objects[f"{place}/{link['href'][2:]}"])
        job, name = link["href"][2:].removesuffix(".json").split("/")
        asset = alice.get(api(service, f"/jobs/{job}/results"), timeout=30).json()["assets"][name]
        assert item["assets"]["data"]["href"] == "./" + name and Store.objects[f"{place}/{job}/{name}"] == alice.get(asset["href"], timeout=30).content
    assert alice.delete(api(service, "/workspaces/" + id), timeout=30).status_code == 204
    assert not [k for k in Store.objects if id in k]
