"""Products of other servers: fetched into the cache of the site as the stage of ortho-s1-grd, whatever happens on the way."""
import copy
import hashlib
import io
import json
import re
import sys
import threading
import time
import zipfile

import pytest
import rasterio
from origin import Origin
from test_ortho import ROME, heights, kill, pids, results, submit, wait_through  # noqa: F401

WISH = {"bbox": {"bbox": [12.45, 41.95, 12.452, 41.952]}, "clip": True, "calibration": "beta0", "remove-noise": False, "tiles": ["33TTG"]}


@pytest.fixture(scope="module")
def data(shared):
    return (shared / f"data/s1/{ROME}.SAFE.zip").read_bytes()


@pytest.fixture(scope="module")
def origin(data):
    origin = Origin()
    yield origin
    origin.shutdown()


ROOM = 6_000_000


@pytest.fixture(scope="module")
def site(make_service, shared, heights, origin):  # noqa: F811
    keys = heights[0].parent / "keys"
    keys.write_text(f"# what the operator has\nhttp://127.0.0.1:{origin.server_port}/catalogue X-API-Key: secret\n")
    keys.chmod(0o644)
    service = make_service(f"sar.dem={heights[0]}", "sar.geoid=none", "downloads.hosts=127.0.0.1", "jobs.url_hosts=127.0.0.1",
                           f"downloads.cache={ROOM}", f"downloads.credentials={keys}", "jobs.max_attempts=2", workers=2)
    service.add_user("alice")
    service.command("catalog", "import", shared / f"data/s1/{ROME}.SAFE.zip")
    return service


@pytest.fixture(scope="module")
def alice(site):
    return site.session("alice")


@pytest.fixture(scope="module")
def undisturbed(site, alice):
    """What the product gives that lies on this site."""
    job = submit(site, alice, {"product-title": ROME, **WISH}).headers["Location"]
    assert wait_through(alice, job)["status"] == "successful"
    return list(results(alice, job)["images"].values())


@pytest.fixture(scope="module")
def item(site, alice):
    """make(url, id): a STAC item of nobody's catalogue, whose product lies at the address."""
    known = alice.get(f"{site.base}/stac/collections/sentinel-1-grd/items/{ROME}", timeout=30).json()

    def make(url, id="away", **fields):
        made = copy.deepcopy(known)
        made.pop("collection")
        made.update(id=id, links=[], assets={"product": {"href": url, "type": "application/zip", **fields}})
        return made

    return make


def started(site, alice, items, **more):
    answer = submit(site, alice, {"items": items, **WISH, **more})
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


def ended(alice, job, status="successful"):
    found = wait_through(alice, job)
    assert found["status"] == status, (found.get("message"), messages(alice, job))
    return found


def until(condition, what):
    end = time.time() + 60
    while not condition():
        assert time.time() < end, what
        time.sleep(0.05)


def messages(alice, job):
    return [line["message"] for line in alice.get(job + "/logs", timeout=30).json()["logs"]]


def folders(site):
    return sorted(path.name for path in (site.data / "downloads").iterdir())


def test_connections_that_break_off(site, alice, origin, item, data, undisturbed):
    """Each call goes on where the one before it ended; the step is told; the result is that of the product itself."""
    url = origin.put("/broken/product.zip", data)
    origin.cuts["/broken/product.zip"] = [200_000, 300_000]
    job = started(site, alice, [item(url, "broken")])
    ended(alice, job)
    assert list(results(alice, job)["images"].values()) != []
    assert [start for start, _ in origin.of("/broken/product.zip")] == [0, 200_000, 500_000]
    steps = alice.get(job + "/steps", timeout=30).json()["steps"]
    assert [(s["title"], s["status"], s.get("tag")) for s in steps][:2] == [("init", "successful", None), ("stage", "successful", "broken")]
    assert steps[1]["progress"] == 100 and any("broken is here." in line for line in messages(alice, job))
    mine, = results(alice, job)["images"].values()
    with rasterio.open(io.BytesIO(mine)) as a, rasterio.open(io.BytesIO(undisturbed[0])) as b:
        assert (a.read(1) == b.read(1)).all() and a.tags()["INPUT_S1_IMAGES"] == "broken"
    # again: what the server says of it has not changed, so nothing but one byte is asked for
    ended(alice, started(site, alice, [item(url, "broken")]))
    assert len(origin.of("/broken/product.zip")) == 3


def test_two_jobs_one_download(site, alice, origin, item, data):
    url, gate = origin.put("/two/product.zip", data), threading.Event()
    origin.holds["/two/product.zip"] = (100_000, gate)
    jobs = [started(site, alice, [item(url, "two")]) for _ in range(2)]
    running = "SELECT count(*) FROM fetches f JOIN tasks t ON t.id = f.task WHERE f.item = 'two' AND t.state IN ('r', 'x')"
    until(lambda: site.sql(running) == "2", "both want it")
    gate.set()
    for job in jobs:
        ended(alice, job)
    assert len(origin.of("/two/product.zip")) == 1


def test_killed_while_fetching(site, alice, origin, item, data):
    """What was there stays, and the next try goes on behind it."""
    path, gate = "/killed/product.zip", threading.Event()
    url = origin.put(path, data)
    origin.holds[path] = (400_000, gate)
    job = started(site, alice, [item(url, "killed")])
    there = lambda: [p.stat().st_size for p in (site.data / "downloads").glob("*/killed.zip")]  # noqa: E731
    until(lambda: there() and there()[0] >= 390_000, "it has begun")
    step = next(s for s in alice.get(job + "/steps", timeout=30).json()["steps"] if s["title"] == "stage")
    assert step["status"] == "running"
    for victim in pids(site, "task"):
        kill(victim)
    gate.set()
    ended(alice, job)
    starts = [start for start, _ in origin.of(path)]
    assert max(starts) >= 390_000 and 0 in starts and len(starts) == 2
    assert "tries" in (step := next(s for s in alice.get(job + "/steps", timeout=30).json()["steps"] if s["title"] == "stage")) and step["tries"] == 2


def test_checksums(site, alice, origin, item, data):
    url = origin.put("/sums/product.zip", data)
    right = "1220" + hashlib.sha256(data).hexdigest()
    job = started(site, alice, [item(url, "right", **{"file:checksum": right, "file:size": len(data)})])
    ended(alice, job)
    count = len(origin.of("/sums/product.zip"))
    origin.files.pop("/sums/product.zip")  # with its checksum nobody has to be asked
    ended(alice, started(site, alice, [item(url, "right", **{"file:checksum": right, "file:size": len(data)})]))
    assert len(origin.of("/sums/product.zip")) == count
    origin.put("/sums/product.zip", data)
    wrong = "d50110" + "0" * 32
    found = ended(alice, started(site, alice, [item(url, "wrong", **{"file:checksum": wrong})]), "failed")
    assert f"its md5 is {hashlib.md5(data).hexdigest()}, and its item says {'0' * 32}" in found["message"], found
    assert not list((site.data / "downloads").glob("*/wrong.zip"))
    found = ended(alice, started(site, alice, [item(url, "size", **{"file:size": 5})]), "failed")
    assert f"has {len(data)} bytes at its server, and its item says 5" in found["message"], found


def test_the_oldest_make_room_but_not_what_a_job_uses(site, alice, origin, item, data):
    """Three products fit. One job holds the oldest while it waits for another; a fourth product takes the place of one that
    nobody uses."""
    big = io.BytesIO(data)
    with zipfile.ZipFile(big, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr(f"{ROME}.SAFE/support/filling", bytes(int(ROOM * 0.3) - len(data)))
    urls = {name: origin.put(f"/room/{name}.zip", big.getvalue()) for name in "abcd"}
    key = lambda name: site.sql(f"SELECT c.key FROM fetches f JOIN copies c ON c.key = f.copy WHERE f.item = '{name}' LIMIT 1")  # noqa: E731
    gate = threading.Event()
    origin.holds["/room/b.zip"] = (1000, gate)
    holder = started(site, alice, [item(urls["a"], "a"), item(urls["b"], "b")])
    until(lambda: site.sql("SELECT count(*) FROM copies c JOIN fetches f ON f.copy = c.key WHERE f.item IN ('a', 'b') AND (c.whole OR f.item = 'b')") == "2", "a is here")
    a = key("a")
    for name in "cd":
        ended(alice, started(site, alice, [item(urls[name], name)]))
    assert int(site.sql("SELECT sum(bytes) FROM copies")) <= ROOM
    assert site.sql(f"SELECT whole FROM copies WHERE key = '{a}'") == "t"
    assert site.sql("SELECT count(*) FROM copies c JOIN fetches f ON f.copy = c.key WHERE f.item = 'c'") == "0"
    assert len(folders(site)) == int(site.sql("SELECT count(*) FROM copies"))
    gate.set()
    ended(alice, holder)
    found = ended(alice, started(site, alice, [item(urls[name], name) for name in "abcd"]), "failed")
    assert "no more are kept at once (downloads.cache)" in found["message"], found


def test_tape_at_the_server(site, alice, origin, item, data):
    path = "/tape/product.zip"
    url = origin.put(path, data)
    origin.answers[path] = [(202, [("Retry-After", "1")]), (503, [("Retry-After", "1")])]
    job = started(site, alice, [item(url, "tape")])
    ended(alice, job)
    assert sum("is being brought from tape" in line for line in messages(alice, job)) == 2
    origin.files[path] += b"\0"  # another version
    origin.answers[path] = [(202, [])]
    found = ended(alice, started(site, alice, [item(url, "tape")], restoration=False), "failed")
    assert "lies on tape at its server; with \"restoration\": true it is waited for" in found["message"], found
    cold = item(url, "cold")
    cold["properties"]["storage:tier"] = "archive"
    found = ended(alice, started(site, alice, [cold], restoration=False), "failed")
    assert "lies on tape" in found["message"], found


@pytest.mark.parametrize("url, told", [
    ("http://localhost:1/x.zip", "http://localhost:1: 'localhost' is not a public address"),
    ("http://10.0.0.1/x.zip", "'10.0.0.1' is not a public address"),
    ("http://[::1]/x.zip", "is not a public address"),
    ("file:///etc/passwd.zip", "lies nowhere that this site can read or fetch"),
    ("s3://bucket/x.zip", "lies nowhere that this site can read or fetch"),
])
def test_addresses_that_are_not_called(site, alice, item, url, told):
    found = ended(alice, started(site, alice, [item(url)]), "failed")
    assert told in found["message"], found


def test_redirections_are_judged(site, alice, origin, item, data):
    origin.put("/there/product.zip", data)
    origin.answers["/go.zip"] = [(302, [("Location", "/there/product.zip")])] * 2
    url = origin.put("/go.zip", b"")
    ended(alice, started(site, alice, [item(url, "went")]))
    origin.answers["/out.zip"] = [(302, [("Location", "http://10.0.0.1/x.zip")])]
    found = ended(alice, started(site, alice, [item(origin.put("/out.zip", b""), "out")]), "failed")
    assert "'10.0.0.1' is not a public address" in found["message"], found


def test_what_is_no_product(site, alice, origin, item):
    before = folders(site)
    found = ended(alice, started(site, alice, [item(origin.put("/login.zip", b"<html>Please log in</html>"), "page")]), "failed")
    assert "cannot be read as a zip archive" in found["message"], found
    found = ended(alice, started(site, alice, [item(origin.put("/gone.zip", b""), "gone") | {"assets": {}}]), "failed")
    assert "no asset is a zip, or a manifest.safe" in found["message"], found
    found = ended(alice, started(site, alice, [item(f"http://127.0.0.1:{origin.server_port}/nothing.zip", "nothing")]), "failed")
    assert "the server answered 404" in found["message"], found
    assert folders(site) == before


def test_a_folder_by_the_address_of_its_item(site, alice, origin, item, shared, undisturbed):
    """The files of a SAFE folder, beside an item whose addresses count from there; what is not read is not fetched."""
    with zipfile.ZipFile(shared / f"data/s1/{ROME}.SAFE.zip") as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        for name in names:
            origin.put("/folder/" + name, archive.read(name))
    made = item("")
    made["id"] = "parts"
    made["assets"] = {f"a{i}": {"href": "./" + name} for i, name in enumerate(names)}
    address = origin.put("/folder/item.json", json.dumps(made).encode())
    job = started(site, alice, [address])
    ended(alice, job)
    fetched = {path for path, _, _ in origin.sent if path.startswith("/folder/" + ROME)}
    assert fetched == {"/folder/" + name for name in names if re.search(r"SAFE/(manifest|annotation|measurement)", name)}
    made = json.loads(next(iter(results(alice, job)["items"].values())))
    assert [link["href"] for link in made["links"] if link["rel"] == "derived_from"] == [address]
    ended(alice, started(site, alice, [{"href": address}]))


def test_of_the_catalogue_with_credentials(site, alice, origin, item, data):
    """By its name; what the operator has for the address goes there, and nowhere else."""
    url = origin.put("/catalogue/product.zip", data)
    name = ROME.replace("5371", "AWAY")
    known = item(url, name) | {"collection": "sentinel-1-grd"}
    path = site.data / "away.json"
    path.write_text(json.dumps(known))
    site.command("catalog", "add", path)
    job = submit(site, alice, {"product-title": name + ".SAFE", **WISH}).headers["Location"]
    ended(alice, job)
    assert [s["tag"] for s in alice.get(job + "/steps", timeout=30).json()["steps"] if s["title"] == "stage"] == [name]
    ended(alice, started(site, alice, [item(url, "named by a user")]))
    assert {key for path, key in origin.credentials if path != "/catalogue/product.zip"} == {None}
    assert [key for path, key in origin.credentials if path == "/catalogue/product.zip"] == ["secret"] * 2 + [None] * 2


def test_garbage_goes(site):
    stray = site.data / "downloads" / ("0" * 64 + ".1")
    stray.mkdir(parents=True)
    before = set(folders(site)) - {stray.name}
    assert "copies of products" in site.command("gc")
    assert set(folders(site)) == before
