"""Where products lie: several endpoints for an asset, who may see them, and products on tape that jobs wait for."""
import json
import time
from pathlib import Path

import jsonschema
import pytest
import requests
from jobs_common import COLLECTION, Jobs, kill, pids, stripes, synthesize
from stac_fixtures import Schemas
from test_changes import Receiver, Stream

TAPE_SECONDS = 2

SCRIPT = f"""#!/bin/sh
# a tape robot: says what it is asked for, takes its time, copies
echo "$1 $(date +%s.%N) begin" >> "$(dirname "$0")/calls"
case "$(cat "$(dirname "$0")/mode")" in
    broken) echo "drive 7: cannot read $2" >&2; exit 3;;
    hangs) sleep 1000 & sleep 1000;;
esac
echo "mounting $2"
sleep {TAPE_SECONDS}
cp -r "$2" "$3" && echo "$1 $(date +%s.%N) end" >> "$(dirname "$0")/calls"
"""


class Tape:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.script = self.folder / "fetch"
        self.script.write_text(SCRIPT)
        self.script.chmod(0o755)
        self.mode("works")
        for path in [self.folder, *self.folder.parents]:
            if path == Path("/") or path == Path("/tmp"):
                break
            path.chmod(path.stat().st_mode | 0o055)

    def mode(self, name):
        (self.folder / "mode").write_text(name)
        (self.folder / "calls").write_text("")

    def calls(self, what="begin"):
        return [line.split()[0] for line in (self.folder / "calls").read_text().splitlines() if line.endswith(what)]


@pytest.fixture(scope="module")
def tape(tmp_path_factory):
    return Tape(tmp_path_factory.mktemp("tape"))


@pytest.fixture(scope="module")
def archive(make_service, tape, tmp_path_factory):
    """A service whose three scenes lie on tape only."""
    products = synthesize(tmp_path_factory.mktemp("scenes"), dates=3, size=512)
    service = make_service(f"catalog.stage_command={tape.script} {{item}} {{href}} {{target}}", "catalog.stage_timeout=6",
                           "jobs.max_attempts=2", "worker.slots=2", "jobs.lease=6", "catalog.hook_hosts=127.0.0.1", "catalog.user_orders=2")
    service.add_user("alice")
    service.add_user("bob")
    service.add_user("olga", role="operator")
    service.command("catalog", "import", *products)
    service.command("catalog", "endpoint", "set", "silo", "--kind", "tape", "--title", "Tape silo")
    found = requests.get(f"{service.base}/stac/collections/{COLLECTION}/items", timeout=30).json()["features"]
    service.ids = sorted(f["id"] for f in found)
    service.products = {i: next(p for p in products if p.name in i or i in p.name) for i in service.ids}
    rows = []
    for item in service.ids:
        local = places(service, item)[0]
        folder = str(service.products[item])
        inside = {k: "." + v[len(folder):] for k, v in local["assets"].items() if v.startswith(folder + "/")}
        assert len(inside) == len(local["assets"])
        rows += [{"collection": COLLECTION, "item": item, "endpoint": "local", "remove": True},
                 {"collection": COLLECTION, "item": item, "endpoint": "silo", "state": "offline", "href": folder,
                  "assets": inside, "types": local["types"], "size": 1000}]
    done = service.command("catalog", "place", "set", input="\n".join(map(json.dumps, rows)))
    assert f"{len(rows)} places set, 0 refused" in done
    return service


def places(service, item, collection=COLLECTION):
    return [json.loads(line) for line in service.command("catalog", "place", "show", collection, item).splitlines()]


def set_all(service, state):
    service.command("catalog", "place", "set", input="\n".join(f"{COLLECTION}\t{i}\tsilo\t{state}" for i in service.ids))


def item_of(service, item, session=requests):
    return session.get(f"{service.base}/stac/collections/{COLLECTION}/items/{item}", timeout=30).json()


# ---- what is told --------------------------------------------------------------------------------


def test_an_offline_item_says_so(archive):
    set_all(archive, "offline")
    item = item_of(archive, archive.ids[0])
    assert item["properties"]["order:status"] == "orderable"
    assert "https://stac-extensions.github.io/order/v1.1.0/schema.json" in item["stac_extensions"]
    asset = item["assets"]["B04"]
    assert asset["href"].startswith(f"{archive.base}/data/{COLLECTION}/{archive.ids[0]}/B04/")
    assert asset["alternate:name"] == "Tape silo"
    page = requests.get(f"{archive.base}/stac/search", timeout=30).json()
    assert next(f for f in page["features"] if f["id"] == archive.ids[0]) == item


@pytest.fixture()
def spread(archive):
    """One item at three more endpoints, of which one is for bob and one for a group."""
    item = archive.ids[0]
    olga = archive.session("olga")

    def put(name, **endpoint):
        answer = olga.put(f"{archive.base}/api/endpoints/{name}", json=endpoint, timeout=30)
        assert answer.status_code in (200, 201), answer.text

    put("bucket", kind="s3", title="Object store", priority=10, root="s3://eo/", url="https://eo.s3.example.org/",
        scheme={"type": "custom-s3", "platform": "https://eo.s3.example.org", "region": "fr-1", "requester_pays": False})
    put("partner", kind="http", title="Partner", priority=5, access="listed", users=["bob"])
    put("lab", kind="http", title="Lab", priority=1, access="listed", groups=["lab"])
    rows = [{"collection": COLLECTION, "item": item, "endpoint": name, "href": href, "assets": {"B04": "./B04.tif"}}
            for name, href in [("bucket", "s3://eo/2023/x"), ("partner", "https://partner.example.org/x"),
                               ("lab", "https://lab.example.org/x")]]
    answer = olga.post(f"{archive.base}/api/places", json=rows, timeout=30).json()
    assert answer == {"set": 3, "refused": []}
    yield item
    for row in rows:
        row["remove"] = True
        del row["href"], row["assets"]
    assert olga.post(f"{archive.base}/api/places", json=rows, timeout=30).json()["set"] == 3


def test_everybody_sees_the_best_that_is_his(archive, spread):
    set_all(archive, "offline")
    public = item_of(archive, spread)
    asset = public["assets"]["B04"]
    assert asset["href"] == "https://eo.s3.example.org/2023/x/B04.tif"
    assert asset["alternate:name"] == "Object store" and asset["storage:refs"] == ["bucket"]
    assert set(asset["alternate"]) == {"silo"}
    assert asset["alternate"]["silo"]["order:status"] == "orderable"
    assert public["properties"]["order:status"] == "succeeded"
    assert public["properties"]["storage:schemes"] == {
        "bucket": {"type": "custom-s3", "platform": "https://eo.s3.example.org", "region": "fr-1", "requester_pays": False}}
    bob = item_of(archive, spread, archive.session("bob"))["assets"]["B04"]
    assert bob["href"] == "https://partner.example.org/x/B04.tif"
    assert set(bob["alternate"]) == {"bucket", "silo"}
    alice = archive.session("alice")
    assert "lab.example.org" not in json.dumps(item_of(archive, spread, alice))
    assert "partner" not in json.dumps(item_of(archive, spread, alice))
    archive.command("user", "join", "alice", "lab")
    assert item_of(archive, spread, alice)["assets"]["B04"]["href"] == "https://lab.example.org/x/B04.tif"
    archive.command("user", "leave", "alice", "lab")
    assert "lab.example.org" not in json.dumps(item_of(archive, spread, alice))


def test_changes_tell_the_places_that_searches_tell(archive, spread):
    """In the list, in streams and in calls, to everybody those that are his; in the feed where he may have a file."""
    set_all(archive, "online")
    receiver, olga = Receiver(), archive.session("olga")
    calls = {name: archive.session(name).post(archive.base + "/api/subscriptions", timeout=30, json={
        "url": receiver.url + "&" + name, "collections": [COLLECTION], "items": True}) for name in ["alice", "bob"]}
    assert {answer.status_code for answer in calls.values()} == {201}
    streams = {name: Stream(archive.base + "/stac/changes/stream", archive.session(name), items="true") for name in ["alice", "bob"]}
    last = requests.get(archive.base + "/stac/changes?limit=1000", timeout=30).json()["seq"]
    url = f"{archive.base}/stac/collections/{COLLECTION}/items/{spread}"
    assert olga.patch(url, json={"properties": {"told": True}}, timeout=30).status_code in (200, 204)
    hosts = {"nobody": "eo.s3.example.org", "alice": "eo.s3.example.org", "bob": "partner.example.org"}
    for name, host in hosts.items():
        session = archive.session(name) if name != "nobody" else requests.Session()
        item = session.get(url, timeout=30).json()
        assert host in item["assets"]["B04"]["href"] and item["assets"]["B04"]["alternate"]
        told = session.get(f"{archive.base}/stac/changes", params={"since": last, "items": "true"}, timeout=30).json()["changes"]
        assert [change["item"]["assets"] for change in told] == [item["assets"]]
        assert told[0]["item"]["properties"] == item["properties"] and told[0]["item"]["stac_extensions"] == item["stac_extensions"]
        feed = session.get(f"{archive.base}/stac/collections/{COLLECTION}/feed.atom", timeout=30).text
        assert f'href="{item["assets"]["B04"]["href"]}"' in feed
        if name != "nobody":
            streams[name].wait(1)
            assert streams[name].events[0][1] == told[0]
            streams[name].close()
            receiver.wait(2)
            called = [json.loads(body) for _, headers, body in receiver.calls]
            mine = [c for c in called if c["subscription"] == calls[name].json()["id"]]
            assert [change["item"]["assets"] for c in mine for change in c["changes"]] == [item["assets"]]
            assert archive.session(name).delete(calls[name].headers["Location"], timeout=30).status_code == 204


def test_what_was_told_of_places_is_not_stored_when_it_comes_back(archive, spread):
    """Get, change, put back: what places filled stays theirs, what the client said stays his."""
    set_all(archive, "online")
    olga, stac = archive.session("olga"), f"{archive.base}/stac/collections/{COLLECTION}/items/{spread}"

    def kept():
        return json.loads(archive.sql(f"SELECT body FROM items WHERE id = '{spread}'"))

    before = kept()
    for cover, state in enumerate(("offline", "online")):
        set_all(archive, state)
        answer = olga.get(stac, timeout=30)
        item, tag = answer.json(), answer.headers["ETag"]
        assert item["properties"]["order:status"] == "succeeded" and item["assets"]["B04"]["alternate"]
        item["properties"]["eo:cloud_cover"] = cover + 0.5
        item["assets"]["B04"]["alternate"]["mirror"] = {"href": "https://mirror.example.org/B04.tif"}
        # the link as it is signed for this client
        item["assets"]["B08"]["href"] = item["assets"]["B08"]["href"].split("?")[0] + "?token=secret"
        set_all(archive, "offline" if state == "online" else "online")  # meanwhile
        done = olga.put(stac, json=item, headers={"If-Match": tag}, timeout=30)
        assert done.status_code in (200, 204), done.text
        text = json.dumps(kept())
        assert not [w for w in ("order:", "storage:", "secret", "eo.s3", "partner", "silo", "bucket", archive.base) if w in text], text
        assert kept()["properties"]["eo:cloud_cover"] == cover + 0.5
        assert kept()["assets"]["B04"]["alternate"] == {"mirror": {"href": "https://mirror.example.org/B04.tif"}}
        assert kept()["assets"]["B08"]["href"] == before["assets"]["B08"]["href"]
    assert olga.put(stac, json=item, headers={"If-Match": tag}, timeout=30).status_code == 412
    # a patch with a whole asset of what was told
    told = olga.get(stac, timeout=30).json()["assets"]
    del told["B04"]["alternate"]["mirror"]
    assert olga.patch(stac, json={"assets": {"B04": {**told["B04"], "alternate": {**told["B04"]["alternate"], "mirror": None}}}},
                      timeout=30).status_code in (200, 204)
    assert not [w for w in ("order:", "eo.s3", "silo") if w in json.dumps(kept())]
    # and places are told as before
    set_all(archive, "offline")
    assert item_of(archive, spread)["assets"]["B04"]["alternate"]["silo"]["order:status"] == "orderable"
    set_all(archive, "online")
    assert "order:status" not in item_of(archive, spread)["assets"]["B04"]["alternate"]["silo"]


def test_what_is_told_fits_the_schemas(archive, spread, shared):
    schemas = Schemas(shared / "specs/stac")
    set_all(archive, "offline")
    for item in (item_of(archive, spread), item_of(archive, archive.ids[1])):
        for uri in item["stac_extensions"]:
            if any(name in uri for name in ("alternate-assets", "/storage/", "/order/", "timestamps")):
                schema = json.loads(schemas.files[uri].read_text())
                jsonschema.Draft7Validator(schema, registry=schemas.registry).validate(item)


def found(archive, expression, session=requests):
    answer = session.get(f"{archive.base}/stac/search", params={"filter": expression, "filter-lang": "cql2-text", "limit": 100},
                         timeout=30)
    assert answer.status_code == 200, answer.text
    return sorted(f["id"] for f in answer.json()["features"])


def test_what_must_be_ordered_can_be_asked_for(archive, spread):
    set_all(archive, "offline")
    assert found(archive, "\"order:status\" = 'orderable'") == archive.ids[1:]
    assert found(archive, "\"order:status\" = 'succeeded'") == [spread]
    assert found(archive, "\"order:status\" IN ('orderable','succeeded') AND \"eo:cloud_cover\" >= 0") == archive.ids
    assert found(archive, "\"order:status\" = 'shipping'") == []
    asked = requests.get(f"{archive.base}/stac/collections/{COLLECTION}/queryables", timeout=30).json()["properties"]
    assert "order:status" in asked
    archive.command("catalog", "endpoint", "set", "bucket", "--access", "listed", "--users", "bob")
    try:
        assert found(archive, "\"order:status\" = 'orderable'") == archive.ids
        assert found(archive, "\"order:status\" = 'orderable'", archive.session("bob")) == archive.ids[1:]
    finally:
        archive.command("catalog", "endpoint", "set", "bucket", "--access", "public")


def test_bad_rows_are_named(archive):
    lines = ["nowhere\tx\tsilo\tonline", f"{COLLECTION}\tx\tsilo\tonline", f"{COLLECTION}\t{archive.ids[0]}\tmoon\tonline",
             f"{COLLECTION}\t{archive.ids[0]}\tsilo\tlost", '{"collection": 1}', "{broken",
             f"{COLLECTION}\t{archive.ids[0]}\tsilo\toffline"]
    done = archive.command("catalog", "place", "set", input="\n".join(lines), check=False)
    assert done.returncode == 1 and "1 places set, 6 refused" in done.stdout
    for line, text in enumerate(["there is no collection 'nowhere'", "the collection has no item 'x'",
                                 "there is no endpoint 'moon'", "/state", "/collection", ""], 1):
        assert any(f"standard input:{line}: " in said and text in said for said in done.stderr.splitlines()), done.stderr


def test_only_operators_say_where_products_lie(archive):
    alice = archive.session("alice")
    for call in (lambda s: s.get(f"{archive.base}/api/endpoints", timeout=30),
                 lambda s: s.put(f"{archive.base}/api/endpoints/x", json={"kind": "file"}, timeout=30),
                 lambda s: s.post(f"{archive.base}/api/places", json=[], timeout=30),
                 lambda s: s.get(f"{archive.base}/api/places/{COLLECTION}/{archive.ids[0]}", timeout=30)):
        assert call(alice).status_code == 403
        assert call(requests).status_code == 401
    olga = archive.session("olga")
    names = [e["name"] for e in olga.get(f"{archive.base}/api/endpoints", timeout=30).json()["endpoints"]]
    assert "silo" in names and "local" in names
    wrong = olga.put(f"{archive.base}/api/endpoints/x", json={"kind": "floppy"}, timeout=30)
    assert wrong.status_code == 400 and "/kind" in wrong.json()["detail"]
    assert olga.delete(f"{archive.base}/api/endpoints/x", timeout=30).status_code == 404
    assert olga.delete(f"{archive.base}/api/endpoints/local", timeout=30).status_code == 409


# ---- staging -------------------------------------------------------------------------------------


def wait_until(condition, seconds=30):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "it did not happen in time"
        time.sleep(0.05)


def state_of(service, item):
    return next(p["state"] for p in places(service, item) if p["endpoint"] == "silo")


def test_an_asset_on_tape_is_ordered_by_asking_for_it(archive, tape):
    set_all(archive, "offline")
    tape.mode("works")
    href = item_of(archive, archive.ids[0])["assets"]["B04"]["href"]
    assert requests.get(href, timeout=30).status_code == 401
    alice = archive.session("alice")
    answer = alice.get(href, timeout=30)
    assert answer.status_code == 202 and answer.headers["Retry-After"]
    assert item_of(archive, archive.ids[0])["properties"]["order:status"] in ("ordered", "shipping")
    assert alice.get(href, timeout=30).status_code == 202
    wait_until(lambda: state_of(archive, archive.ids[0]) == "online")
    answer = alice.get(href, timeout=30)
    assert answer.status_code == 200
    assert answer.content == (archive.products[archive.ids[0]] / "B04.tif").read_bytes()
    told = item_of(archive, archive.ids[0])
    assert told["properties"]["order:status"] == "succeeded" and told["properties"]["expires"]
    assert tape.calls() == [archive.ids[0]]
    assert alice.get(f"{archive.base}/openeo/1.2/jobs", timeout=30).json()["jobs"] == []


def test_nobody_orders_all_of_the_tape(archive, tape):
    """As many as the setting says, by whichever door; what is ordered already, and jobs, are not kept out."""
    set_all(archive, "offline")
    tape.mode("hangs")  # until the time is over
    alice, bob, olga = [archive.session(name) for name in ("alice", "bob", "olga")]
    first, second, third = archive.ids
    order = f"{archive.base}/api/places/{COLLECTION}/{{}}/order"
    hrefs = {item: item_of(archive, item)["assets"]["B04"]["href"] for item in archive.ids}
    assert alice.get(hrefs[first], timeout=30).status_code == 202
    assert alice.post(order.format(second), timeout=30).status_code == 202
    for ask in [lambda: alice.get(hrefs[third], timeout=30), lambda: alice.post(order.format(third), timeout=30)]:
        answer = ask()
        assert answer.status_code == 429 and int(answer.headers["Retry-After"]) >= 60, answer.text
        problem = answer.json()
        assert problem["code"] == "TooManyOrders" and third in problem["detail"]
        assert "2 products" in problem["detail"] and "catalog.user_orders" in problem["detail"]
    assert state_of(archive, third) == "offline"
    assert alice.get(hrefs[first], timeout=30).status_code == 202  # is ordered already
    assert bob.get(hrefs[third], timeout=30).status_code == 202  # another's orders do not count
    assert [olga.post(order.format(item), timeout=30).status_code for item in archive.ids] == [202] * 3
    set_all(archive, "online")
    wait_until(lambda: not int(archive.sql("SELECT count(*) FROM jobs WHERE face = 'staging' AND state IN (1, 2)")), 60)
    set_all(archive, "offline")
    tape.mode("works")
    assert alice.get(hrefs[third], timeout=30).status_code == 202  # there is room again
    wait_until(lambda: state_of(archive, third) == "online")


def test_jobs_wait_for_tape_and_each_product_is_fetched_once(archive, tape):
    set_all(archive, "offline")
    tape.mode("works")
    people = [Jobs(archive, archive.session(name)) for name in ("alice", "bob")]
    jobs = [(p, p.create(stripes(1), log_level="debug")) for p in people]
    wait_until(lambda: any("Staging" in (p.get(j).get("sentier:waiting") or "") for p, j in jobs))
    for p, job in jobs:
        assert p.wait(job)["status"] == "finished", p.logs(job)
        said = [entry["message"] for entry in p.logs(job)]
        assert any("Staging 3 products" in m for m in said), said
        assert p.get(job)["progress"] == 100
    assert sorted(tape.calls()) == archive.ids
    p, job = jobs[0]
    said = [e["message"] for e in p.call("GET", f"/jobs/{job}/logs?level=debug").json()["logs"]]
    said += [e["message"] for e in people[1].call("GET", f"/jobs/{jobs[1][1]}/logs?level=debug").json()["logs"]]
    assert sum("mounting" in m for m in said) == 3


def test_a_hook_that_fails_fails_the_job_with_the_cause(archive, tape):
    set_all(archive, "offline")
    tape.mode("broken")
    alice = Jobs(archive, archive.session("alice"))
    job = alice.create(stripes(1))
    assert alice.wait(job)["status"] == "error"
    said = " ".join(entry["message"] for entry in alice.logs(job))
    assert "drive 7: cannot read" in said and "status 3" in said and "tried 2 times" in said
    wait_until(lambda: state_of(archive, archive.ids[0]) == "offline")


def test_a_hook_that_hangs_is_ended_with_all_it_started(archive, tape):
    set_all(archive, "offline")
    tape.mode("hangs")
    olga = archive.session("olga")
    assert olga.post(f"{archive.base}/api/places/{COLLECTION}/{archive.ids[1]}/order", timeout=30).status_code == 202
    wait_until(lambda: len(tape.calls()) == 1)
    tape.mode("works")
    wait_until(lambda: state_of(archive, archive.ids[1]) == "online", 40)
    assert sleepers() == []


def sleepers():
    """Processes of the hook, also those that lost their parents."""
    return [p for p in Path("/proc").glob("[0-9]*") if reads(p / "cmdline") == b"sleep\x001000\x00"]


def reads(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.slow
def test_a_worker_killed_while_it_stages_loses_nothing(archive, tape):
    set_all(archive, "offline")
    tape.mode("works")
    alice = Jobs(archive, archive.session("alice"))
    job = alice.create(stripes(1))
    for _ in range(3):
        wait_until(lambda: "staging" in [state_of(archive, i) for i in archive.ids])
        for pid in pids(archive, "worker"):
            kill(pid)
        time.sleep(0.5)
    assert alice.wait(job, 120)["status"] == "finished", alice.logs(job)
    staged = Path(archive.data) / "staged"
    archive.command("gc")
    assert len(list(staged.glob(f"{COLLECTION}/*/silo.*"))) == 3


def test_a_canceled_job_ends_its_staging(archive, tape):
    set_all(archive, "offline")
    tape.mode("hangs")
    alice = Jobs(archive, archive.session("alice"))
    job = alice.create(stripes(1))
    wait_until(lambda: len(tape.calls()) >= 1)
    assert alice.call("DELETE", f"/jobs/{job}/results").status_code == 204
    wait_until(lambda: [state_of(archive, i) for i in archive.ids] == ["offline"] * 3, 15)
    wait_until(lambda: sleepers() == [], 5)


def test_copies_go_when_their_time_is_over(archive, tape):
    set_all(archive, "offline")
    tape.mode("works")
    olga = archive.session("olga")
    item = archive.ids[2]
    assert olga.post(f"{archive.base}/api/places/{COLLECTION}/{item}/order", timeout=30).status_code == 202
    wait_until(lambda: state_of(archive, item) == "online")
    copy = Path(next(p["staged"] for p in places(archive, item) if p["endpoint"] == "silo"))
    assert copy.exists()
    archive.sql(f"UPDATE places SET expires = now() - interval '1 s' WHERE item = '{item}'")
    archive.command("gc")
    assert state_of(archive, item) == "offline" and not copy.exists() and not copy.parent.exists()
