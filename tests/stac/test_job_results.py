"""Results of jobs are items of a private collection of their owner, as long as the job is there."""
import time

import pytest
import requests

from jobs_common import Jobs, stripes, synthesize
from test_changes import brief, changes
from test_transactions import refused

TIMEOUT = 60


@pytest.fixture(scope="module")
def stac(make_service, tmp_path_factory):
    service = make_service(workers=1)
    for name in ["alice", "bob"]:
        service.add_user(name)
    folder = tmp_path_factory.mktemp("scenes")
    folder.chmod(0o755)
    service.command("catalog", "import", *synthesize(folder))
    service.stac = service.base + "/stac"
    service.as_ = {name: service.session(name) for name in ["alice", "bob"]}
    service.as_["nobody"] = requests.Session()
    return service


def found(stac, who, **params):
    return stac.as_[who].get(stac.stac + "/search", params=params, timeout=TIMEOUT).json()["features"]


def items_of(stac, job, who="alice"):
    """At once: of what is finished each file is an item."""
    ids = stac.sql(f"SELECT id FROM items WHERE id LIKE '{job}%' ORDER BY id").split()
    return sorted(found(stac, who, ids=",".join(ids)), key=lambda item: item["id"]) if ids else []


def test_results_are_items_of_their_owner(stac, shared, schemas):
    jobs = Jobs(stac, stac.as_["alice"])
    _, now = changes(stac, "alice")
    job = jobs.create(stripes(2))
    assert jobs.wait(job)["status"] == "finished"
    items = items_of(stac, job)
    item = items[0]
    url = f"{stac.stac}/collections/results-alice/items/{item['id']}"
    assert item["collection"] == "results-alice" and next(link["href"] for link in item["links"] if link["rel"] == "self") == url
    assert items_of(stac, job, "bob") == [] and items_of(stac, job, "nobody") == []
    refused(stac.as_["bob"].get(url, timeout=TIMEOUT), 404, "CollectionNotFound")
    told = brief(changes(stac, "alice", now)[0])
    assert ("create", "results-alice", None) in told and all(("create", "results-alice", i["id"]) in told for i in items)
    assert not [c for c in changes(stac, "bob")[0] if c["collection"] == "results-alice"]

    # it says what the document of the job says, and is STAC
    document = stac.as_["alice"].get(f"{stac.base}/openeo/1.2/jobs/{job}/results", timeout=TIMEOUT).json()
    assert [i["id"] for i in items] == sorted(f"{job}_{name}" for name in document["assets"]) and len(items) == 2
    told = [stac.as_["alice"].get(link["href"], timeout=TIMEOUT).json() for link in document["links"] if link["rel"] == "item"]
    assert [(i["id"], i["bbox"], i["properties"].get("datetime")) for i in items] == \
        [(i["id"], pytest.approx(i["bbox"]), i["properties"].get("datetime")) for i in sorted(told, key=lambda i: i["id"])]
    for name, asset in ((name, asset) for i in items for name, asset in i["assets"].items()):
        theirs = document["assets"][name]
        for field in ["type", "title", "roles", "proj:epsg", "proj:shape", "proj:transform", "file:size"]:
            assert asset[field] == theirs[field], field
        for ours, other in zip(asset["raster:bands"], theirs["raster:bands"], strict=True):
            assert ours["data_type"] == other["data_type"] and ours["statistics"] == pytest.approx(other["statistics"])
    sources = {link["href"] for link in item["links"] if link["rel"] == "derived_from"}
    assert sources and sources == {link["href"] for link in document["links"] if link["rel"] == "derived_from"}
    assert all(requests.get(source, timeout=TIMEOUT).status_code == 200 for source in sources)
    assert [schemas.errors(i) for i in items] == [[], []]
    end = time.time() + 20
    while True:  # the extent follows the items
        collection = stac.as_["alice"].get(f"{stac.stac}/collections/results-alice", timeout=TIMEOUT).json()
        boxes = list(zip(*(i["bbox"] for i in items)))
        if collection["extent"]["spatial"]["bbox"][0] == pytest.approx([min(boxes[0]), min(boxes[1]), max(boxes[2]), max(boxes[3])]):
            break
        assert time.time() < end, collection["extent"]
        time.sleep(0.1)
    assert schemas.errors(collection) == []
    assert collection["extent"]["temporal"]["interval"][0][0] == item["properties"].get("start_datetime", item["properties"]["datetime"])

    # the files are for those who may see the item
    asset = next(iter(item["assets"].values()))
    body = stac.as_["alice"].get(asset["href"], timeout=TIMEOUT)
    assert body.status_code == 200 and len(body.content) == asset["file:size"]
    assert requests.get(asset["href"], timeout=TIMEOUT).status_code == 404
    assert stac.as_["bob"].get(asset["href"], timeout=TIMEOUT).status_code == 404
    share = stac.as_["alice"].post(f"{stac.base}/api/collections/results-alice/shares", json={"user": "bob"}, timeout=TIMEOUT)
    assert share.status_code == 201
    assert len(items_of(stac, job, "bob")) == 2 and items_of(stac, job, "nobody") == []
    assert stac.as_["bob"].get(asset["href"], timeout=TIMEOUT).content == body.content
    assert stac.as_["alice"].delete(share.headers["Location"], timeout=TIMEOUT).status_code == 204
    assert stac.as_["bob"].get(asset["href"], timeout=TIMEOUT).status_code == 404

    # another run makes it anew, a deletion takes it away
    assert jobs.call("POST", f"/jobs/{job}/results").status_code == 202
    assert jobs.wait(job)["status"] == "finished"
    assert len(items_of(stac, job)) == 2
    assert jobs.call("DELETE", f"/jobs/{job}").status_code == 204
    assert items_of(stac, job) == []
    refused(stac.as_["alice"].get(url, timeout=TIMEOUT), 404, "ItemNotFound")
    assert stac.as_["alice"].get(asset["href"], timeout=TIMEOUT).status_code == 404
    told = brief(changes(stac, "alice", now)[0])
    assert all(told.count(("delete", "results-alice", i["id"])) == 2 for i in items) and told[-1][0] == "delete"
    assert stac.sql(f"SELECT count(*) FROM places WHERE item LIKE '{job}%'") == "0"
    assert stac.sql("SELECT count FROM collections WHERE id = 'results-alice'") == "0"


def test_expiry_and_lost_workers(stac):
    jobs = Jobs(stac, stac.as_["alice"])
    job = jobs.create(stripes(1))
    assert jobs.wait(job)["status"] == "finished"
    item, = items_of(stac, job)
    # as if the worker had died between the end of the job and the item
    stac.sql(f"DELETE FROM items WHERE id = '{item['id']}'; UPDATE jobs SET catalogued = false, finished = now() - interval '2 min' WHERE id = '{job}'")
    assert items_of(stac, job) == []
    stac.command("gc")
    assert [i["id"] for i in items_of(stac, job)] == [item["id"]]
    stac.sql(f"UPDATE jobs SET expires = now() - interval '1 s' WHERE id = '{job}'")
    stac.command("gc")
    assert items_of(stac, job) == []


def test_who_sees_that_a_job_is_finished_sees_its_item(stac):
    jobs = Jobs(stac, stac.as_["alice"])
    running = [jobs.create(stripes(1)) for _ in range(4)]
    ids, end = ", ".join(f"'{job}'" for job in running), time.time() + TIMEOUT
    while True:
        states = [line.split("|") for line in stac.sql(
            f"SELECT state = 3, EXISTS (SELECT FROM items WHERE id LIKE j.id || '_%') FROM jobs j WHERE id IN ({ids})").split("\n")]
        assert all(finished == has_item for finished, has_item in states), states
        if states == [["t", "t"]] * 4:
            break
        assert time.time() < end, states


def test_nothing_stays_of_a_user(stac):
    stac.add_user("carol")
    jobs = Jobs(stac, stac.session("carol"))
    job = jobs.create(stripes(1))
    assert jobs.wait(job)["status"] == "finished"
    assert stac.sql(f"SELECT count(*) FROM items WHERE id LIKE '{job}%'") == "1"
    stac.command("user", "remove", "carol")
    assert stac.sql(f"SELECT count(*) FROM items WHERE id LIKE '{job}%'") == "0"
    assert stac.sql("SELECT count(*) FROM collections WHERE id = 'results-carol'") == "0"


def test_results_of_one_job_are_the_input_of_the_next(stac):
    """With and without box, period and bands, under the names that the item tells; for nobody else."""
    alice, bob = [Jobs(stac, stac.as_[name]) for name in ["alice", "bob"]]
    for old in {item["properties"]["sentier:job"] for item in found(stac, "alice", collections="results-alice")}:
        assert alice.call("DELETE", f"/jobs/{old}").status_code == 204
    first = alice.create(stripes(1))
    assert alice.wait(first)["status"] == "finished"
    item, = items_of(stac, first)
    (key, asset), = item["assets"].items()

    def load(jobs, **arguments):
        """A job that doubles what it loads; (its end, its log or what it made)."""
        arguments = {"id": "results-alice", "spatial_extent": None, "temporal_extent": None, **arguments}
        double = {"double": {"process_id": "multiply", "arguments": {"x": {"from_parameter": "x"}, "y": 2}, "result": True}}
        job = jobs.create({
            "load": {"process_id": "load_collection", "arguments": arguments},
            "double": {"process_id": "apply", "arguments": {"data": {"from_node": "load"}, "process": {"process_graph": double}}},
            "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "double"}, "format": "GTiff"}, "result": True}})
        if jobs.wait(job)["status"] != "finished":
            return "error", " ".join(entry["message"] for entry in jobs.logs(job))
        made = jobs.session.get(f"{stac.base}/openeo/1.2/jobs/{job}/results", timeout=TIMEOUT).json()["assets"]
        assert alice.call("DELETE", f"/jobs/{job}").status_code == 204 or jobs is bob
        return "finished", sorted(made)

    box = dict(zip(["west", "south", "east", "north"], item["bbox"]))
    band = asset["raster:bands"][0]["name"]
    begins = item["properties"]["start_datetime"]
    for arguments in [{}, {"bands": [band]}, {"bands": [key]}, {"spatial_extent": box}, {"temporal_extent": [begins, None]},
                      {"spatial_extent": box, "temporal_extent": ["2000-01-01", "2040-01-01"], "bands": [band]}]:
        assert load(alice, **arguments) == ("finished", [f"save_{begins.replace(':', '-')}.tif"]), arguments
    end, why = load(alice, bands=["B04"])
    assert end == "error" and "1 item is as asked for, but none has the bands B04" in why
    refusal = bob.call("POST", "/validation", json={"process_graph": {"load": {"process_id": "load_collection", "result": True, "arguments": {
        "id": "results-alice", "spatial_extent": None, "temporal_extent": None}}}})
    assert [e["code"] for e in refusal.json()["errors"]] == ["CollectionNotFound"], refusal.text


def test_files_of_several_dates_are_loaded_by_their_dates(stac):
    """Each file is an item with its own time, so a period finds those that it means."""
    alice = Jobs(stac, stac.as_["alice"])
    for old in {item["properties"]["sentier:job"] for item in found(stac, "alice", collections="results-alice")}:
        assert alice.call("DELETE", f"/jobs/{old}").status_code == 204
    graph = stripes(1)
    first = alice.create({"load": graph["load"], "save": {"process_id": "save_result", "result": True,
                                                          "arguments": {"data": {"from_node": "load"}, "format": "GTiff"}}})
    assert alice.wait(first)["status"] == "finished"
    dates = sorted(item["properties"]["datetime"] for item in items_of(stac, first))
    assert len(set(dates)) == len(dates) == 2

    def loaded(*period):
        labels = {"load": {"process_id": "load_collection", "arguments": {"id": "results-alice", "spatial_extent": None, "temporal_extent": list(period)}},
                  "labels": {"process_id": "dimension_labels", "result": True, "arguments": {"data": {"from_node": "load"}, "dimension": "t"}}}
        answer = alice.call("POST", "/result", json={"process": {"process_graph": labels}})
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert loaded("2000-01-01", "2040-01-01") == dates and loaded(dates[1], "2040-01-01") == dates[1:]
    assert alice.call("DELETE", f"/jobs/{first}").status_code == 204
