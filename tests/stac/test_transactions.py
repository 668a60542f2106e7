"""Writing over HTTP: items, collections, many at once, conditions, rights."""
import copy
import json

import pytest
import requests

from stac_fixtures import real_items

pytestmark = pytest.mark.sanitizer
TIMEOUT = 60


def collection(id, **more):
    return {"type": "Collection", "stac_version": "1.0.0", "id": id, "description": "Made by a test", "license": "other",
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}, "links": [], **more}


def item(id, **properties):
    return {"type": "Feature", "stac_version": "1.0.0", "id": id, "geometry": {"type": "Point", "coordinates": [1.5, 43.5]},
            "bbox": [1.5, 43.5, 1.5, 43.5], "properties": {"datetime": "2024-05-06T07:08:09Z", **properties}, "assets": {}, "links": []}


@pytest.fixture(scope="module")
def stac(make_service):
    service = make_service("http.max_bulk=4M", "http.max_body=1M", "catalog.user_collections=5", workers=1)
    for name, role in [("alice", "user"), ("bob", "user"), ("root", "admin"), ("ops", "operator")]:
        service.add_user(name, role=role)
    service.stac = service.base + "/stac"
    service.as_ = {name: service.session(name) for name in ["alice", "bob", "root", "ops"]}
    service.as_["ops"].headers["Prefer"] = "return=representation"
    service.as_["nobody"] = requests.Session()
    return service


@pytest.fixture(scope="module")
def public(stac):
    """A collection of the service."""
    answer = stac.as_["ops"].post(stac.stac + "/collections", json=collection("public"), timeout=TIMEOUT)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == stac.stac + "/collections/public"
    return stac.stac + "/collections/public"


def refused(answer, status, code, *words):
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json" and problem["status"] == status
    assert problem["code"] == code, problem
    for word in words:
        assert word in problem["detail"], problem
    return problem


# --- items -----------------------------------------------------------------------------------------

def test_the_life_of_an_item(stac, public):
    ops = stac.as_["ops"]
    made = ops.post(public + "/items", json=item("a/b".replace("/", "_"), cloud=3), timeout=TIMEOUT)
    assert made.status_code == 201 and made.headers["Location"] == public + "/items/a_b", made.text
    url = made.headers["Location"]
    got = requests.get(url, timeout=TIMEOUT)
    assert got.headers["ETag"] == made.headers["ETag"] and not got.headers["ETag"].startswith("W/")
    assert got.json() == made.json() and got.json()["collection"] == "public"
    assert requests.get(url, headers={"If-None-Match": got.headers["ETag"]}, timeout=TIMEOUT).status_code == 304
    # what GET gave can be sent back as it is
    same = ops.put(url, json=got.json(), headers={"If-Match": got.headers["ETag"]}, timeout=TIMEOUT)
    assert same.status_code == 200 and same.json() == got.json() and same.headers["ETag"] == got.headers["ETag"]
    changed = ops.put(url, json=item("a_b", cloud=4), timeout=TIMEOUT)
    assert changed.status_code == 200 and changed.json()["properties"]["cloud"] == 4
    assert changed.headers["ETag"] != got.headers["ETag"]
    # RFC 7396: null takes a member away, objects are merged, all else is replaced
    patched = ops.patch(url, json={"properties": {"cloud": None, "gsd": 10}, "geometry": None, "bbox": None}, timeout=TIMEOUT)
    assert patched.status_code == 400 or patched.json()["geometry"] is None  # geometry must be there, null is a value of it
    patched = ops.patch(url, json={"properties": {"cloud": None, "gsd": 10}}, timeout=TIMEOUT)
    assert patched.status_code == 200, patched.text
    assert patched.json()["properties"]["gsd"] == 10 and "cloud" not in patched.json()["properties"]
    assert ops.delete(url, timeout=TIMEOUT).status_code == 204
    refused(requests.get(url, timeout=TIMEOUT), 404, "ItemNotFound")
    refused(ops.delete(url, timeout=TIMEOUT), 404, "ItemNotFound")
    refused(ops.put(url, json=item("a_b"), timeout=TIMEOUT), 404, "ItemNotFound")
    refused(ops.patch(url, json={"properties": {}}, timeout=TIMEOUT), 404, "ItemNotFound")


def test_conditions(stac, public):
    ops = stac.as_["ops"]
    url = public + "/items/cond"
    first = ops.post(public + "/items", json=item("cond", n=1), timeout=TIMEOUT).headers["ETag"]
    second = ops.put(url, json=item("cond", n=2), headers={"If-Match": first}, timeout=TIMEOUT).headers["ETag"]
    for method, body in [("put", item("cond", n=3)), ("patch", {"properties": {"n": 3}}), ("delete", None)]:
        problem = refused(ops.request(method, url, json=body, headers={"If-Match": first}, timeout=TIMEOUT), 412, "PreconditionFailed")
        assert second in problem["detail"]
    assert requests.get(url, timeout=TIMEOUT).json()["properties"]["n"] == 2
    for form in ['"x", {}', "*", "W/{}"]:
        tags = form.format(second)
        assert ops.patch(url, json={"properties": {"m": tags}}, headers={"If-Match": tags}, timeout=TIMEOUT).status_code == 200
        second = requests.get(url, timeout=TIMEOUT).headers["ETag"]
    refused(ops.put(url, json=item("cond"), headers={"If-None-Match": "*"}, timeout=TIMEOUT), 412, "PreconditionFailed")
    refused(ops.post(public + "/items", json=item("cond"), headers={"If-None-Match": "*"}, timeout=TIMEOUT), 412, "PreconditionFailed")
    fresh = ops.put(public + "/items/fresh", json=item("fresh"), headers={"If-None-Match": "*"}, timeout=TIMEOUT)
    assert fresh.status_code == 201 and fresh.headers["Location"] == public + "/items/fresh"
    assert ops.delete(url, headers={"If-Match": second}, timeout=TIMEOUT).status_code == 204


def test_refusals_name_the_place(stac, public):
    ops = stac.as_["ops"]

    def post(body, **options):
        return ops.post(public + "/items", **({"json": body} if not options else options), timeout=TIMEOUT)

    assert post(item("twice")).status_code == 201
    refused(post(item("twice")), 409, "Conflict", "twice")
    refused(post({**item("x"), "collection": "other"}), 400, "BadRequest", "/collection", "'public'", "'other'")
    refused(post({k: v for k, v in item("x").items() if k != "id"}), 400, "BadRequest", "/id")
    refused(post([]), 400, "BadRequest", "an array")
    refused(post({"type": "FeatureCollection"}), 400, "BadRequest", "/features")
    refused(post(item("x", datetime="yesterday")), 400, "BadRequest", "/properties/datetime", "yesterday")
    refused(post({**item("x"), "stac_version": "0.6.0"}), 400, "BadRequest", "/stac_version")
    evil = {**item("x"), "assets": {"a": {"href": "\u0001/data/x/y/z/f"}}}
    refused(post(evil), 400, "BadRequest", "/assets/a/href")
    refused(post(None, data=b"{", headers={"Content-Type": "application/json"}), 400, "BadRequest")
    refused(post(None, data=b"x", headers={"Content-Type": "text/csv"}), 415, "UnsupportedMediaType")
    refused(ops.put(public + "/items/twice", json=item("other"), timeout=TIMEOUT), 400, "BadRequest", "/id", "'twice'", "'other'")
    refused(ops.patch(public + "/items/twice", json={"id": "other"}, timeout=TIMEOUT), 400, "PropertyNotEditable", "/id")
    refused(ops.patch(public + "/items/twice", json=[1], timeout=TIMEOUT), 400, "BadRequest")
    refused(ops.patch(public + "/items/twice", json={"properties": {"datetime": 5}}, timeout=TIMEOUT), 400, "BadRequest", "/properties/datetime")
    refused(ops.post(stac.stac + "/collections/none/items", json=item("x"), timeout=TIMEOUT), 404, "CollectionNotFound")
    assert requests.get(public + "/items/twice", timeout=TIMEOUT).json()["properties"]["datetime"] == "2024-05-06T07:08:09Z"


# --- who may --------------------------------------------------------------------------------------------

def test_who_may_write(stac, public):
    for who, status in [("nobody", 401), ("alice", 403), ("ops", 201), ("root", 201)]:
        answer = stac.as_[who].post(public + "/items", json=item("by-" + who), timeout=TIMEOUT)
        assert answer.status_code == status, (who, answer.text)
    for method, url, body in [("put", public, collection("public")), ("patch", public, {"title": "x"}), ("delete", public, None),
                              ("put", public + "/items/by-ops", item("by-ops")), ("delete", public + "/items/by-ops", None),
                              ("post", public + "/bulk_items", {"items": {}})]:
        refused(stac.as_["alice"].request(method, url, json=body, timeout=TIMEOUT), 403, "PermissionsInsufficient", "operators")
        assert stac.as_["nobody"].request(method, url, json=body, timeout=TIMEOUT).status_code == 401


def test_private_collections_are_their_owners_and_those_they_are_shared_with(stac):
    alice, bob = stac.as_["alice"], stac.as_["bob"]
    made = alice.post(stac.stac + "/collections", json=collection("mine"), timeout=TIMEOUT)
    assert made.status_code == 201, made.text
    url = made.headers["Location"]
    assert alice.post(url + "/items", json=item("one"), timeout=TIMEOUT).status_code == 201
    everyone_else = ["bob", "root", "ops", "nobody"]

    def sees(who):
        session = stac.as_[who]
        found = session.get(stac.stac + "/search", params={"ids": "one"}, timeout=TIMEOUT).json()["features"]
        codes = {session.get(u, timeout=TIMEOUT).status_code for u in [url, url + "/items", url + "/items/one"]}
        listed = "mine" in [c["id"] for c in session.get(stac.stac + "/collections", timeout=TIMEOUT).json()["collections"]]
        assert codes in ({200}, {404}) and listed == (codes == {200}) == bool(found), (who, codes, listed, found)
        return listed

    assert sees("alice") and not any(sees(who) for who in everyone_else)
    for who in everyone_else[:3]:
        refused(stac.as_[who].post(url + "/items", json=item("two"), timeout=TIMEOUT), 404, "CollectionNotFound")
        refused(stac.as_[who].delete(url, timeout=TIMEOUT), 404, "CollectionNotFound")

    shares = stac.base + "/api/collections/mine/shares"
    refused(bob.get(shares, timeout=TIMEOUT), 404, "CollectionNotFound")
    reading = alice.post(shares, json={"user": "bob"}, timeout=TIMEOUT)
    assert reading.status_code == 201 and reading.json()["right"] == "read", reading.text
    assert sees("bob") and not sees("nobody")
    refused(bob.post(url + "/items", json=item("two"), timeout=TIMEOUT), 403, "PermissionsInsufficient", "read", "write")
    refused(alice.post(shares, json={"user": "bob", "right": "write"}, timeout=TIMEOUT), 409, "Conflict")
    assert alice.delete(reading.headers["Location"], timeout=TIMEOUT).status_code == 204
    assert not sees("bob")
    writing = alice.post(shares, json={"user": "bob", "right": "write"}, timeout=TIMEOUT)
    assert bob.post(url + "/items", json=item("two"), timeout=TIMEOUT).status_code == 201
    refused(bob.patch(url, json={"title": "x"}, timeout=TIMEOUT), 403, "PermissionsInsufficient", "another user")
    refused(bob.post(shares, json={"user": "ops"}, timeout=TIMEOUT), 403, "PermissionsInsufficient")
    assert alice.delete(writing.headers["Location"], timeout=TIMEOUT).status_code == 204
    everybody = alice.post(shares, json={"public": True}, timeout=TIMEOUT)
    assert everybody.status_code == 201 and all(sees(who) for who in everyone_else)
    refused(stac.as_["ops"].post(url + "/items", json=item("three"), timeout=TIMEOUT), 403, "PermissionsInsufficient")
    assert [s.get("public") for s in alice.get(shares, timeout=TIMEOUT).json()["shares"]] == [True]
    assert alice.delete(everybody.headers["Location"], timeout=TIMEOUT).status_code == 204
    assert not any(sees(who) for who in everyone_else)
    for bad, words in [({}, "user"), ({"user": "bob", "public": True}, "one of"), ({"public": True, "right": "write"}, "/right"),
                       ({"user": "bob", "right": "own"}, "/right"), ({"user": 5}, "/user"), ({"users": "bob"}, "users")]:
        refused(alice.post(shares, json=bad, timeout=TIMEOUT), 400, "BadRequest", words)
    refused(alice.post(shares, json={"user": "nobody"}, timeout=TIMEOUT), 404, "NotFound", "nobody")
    refused(alice.delete(shares + "/x';--", timeout=TIMEOUT), 404, "NotFound")
    assert alice.delete(url, timeout=TIMEOUT).status_code == 204
    refused(alice.get(url, timeout=TIMEOUT), 404, "CollectionNotFound")
    assert stac.sql("SELECT count(*) FROM items WHERE id IN ('one', 'two')") == "0"


def test_shares_with_groups(stac):
    alice, bob = stac.as_["alice"], stac.as_["bob"]
    url = alice.post(stac.stac + "/collections", json=collection("grouped"), timeout=TIMEOUT).headers["Location"]
    stac.sql("INSERT INTO group_members(name, user_id) SELECT 'lab', id FROM users WHERE name = 'bob'")
    assert bob.get(url, timeout=TIMEOUT).status_code == 404
    alice.post(stac.base + "/api/collections/grouped/shares", json={"group": "lab", "right": "write"}, timeout=TIMEOUT)
    assert bob.get(url, timeout=TIMEOUT).status_code == 200
    assert bob.post(url + "/items", json=item("by-bob"), timeout=TIMEOUT).status_code == 201
    assert [f["id"] for f in bob.get(stac.stac + "/search?ids=by-bob", timeout=TIMEOUT).json()["features"]] == ["by-bob"]
    stac.sql("DELETE FROM group_members WHERE name = 'lab'")
    assert bob.get(url, timeout=TIMEOUT).status_code == 404
    assert bob.get(stac.stac + "/search?ids=by-bob", timeout=TIMEOUT).json()["features"] == []
    assert alice.delete(url, timeout=TIMEOUT).status_code == 204


# --- collections -------------------------------------------------------------------------------------------

def test_the_life_of_a_collection(stac):
    ops = stac.as_["ops"]
    url = ops.post(stac.stac + "/collections", json=collection("life", title="One"), timeout=TIMEOUT).headers["Location"]
    refused(ops.post(stac.stac + "/collections", json=collection("life"), timeout=TIMEOUT), 409, "Conflict", "life")
    got = requests.get(url, timeout=TIMEOUT)
    etag = got.headers["ETag"]
    assert got.json()["title"] == "One"
    changed = ops.put(url, json={**got.json(), "title": "Two"}, headers={"If-Match": etag}, timeout=TIMEOUT)
    assert changed.status_code == 200 and changed.json()["title"] == "Two"
    refused(ops.patch(url, json={"title": "Three"}, headers={"If-Match": etag}, timeout=TIMEOUT), 412, "PreconditionFailed")
    assert ops.patch(url, json={"title": None}, headers={"If-Match": changed.headers["ETag"]}, timeout=TIMEOUT).json().get("title") is None
    refused(ops.put(url, json=collection("other"), timeout=TIMEOUT), 400, "BadRequest", "/id")
    refused(ops.patch(url, json={"license": None}, timeout=TIMEOUT), 400, "BadRequest", "/license")
    for bad, place in [({**collection("x"), "extent": 5}, "/extent"), ({**collection("a b")}, "/id"), ([], ""), ({"id": "x"}, "/stac_version")]:
        refused(ops.post(stac.stac + "/collections", json=bad, timeout=TIMEOUT), 400, "BadRequest", place)
    assert ops.post(url + "/items", json=item("inside"), timeout=TIMEOUT).status_code == 201
    refused(ops.delete(url, headers={"If-Match": etag}, timeout=TIMEOUT), 412, "PreconditionFailed")
    assert ops.delete(url, timeout=TIMEOUT).status_code == 204
    refused(ops.delete(url, timeout=TIMEOUT), 404, "CollectionNotFound")
    several = ops.post(stac.stac + "/collections", json={"collections": [collection("l1"), collection("l2")]}, timeout=TIMEOUT)
    assert several.status_code == 201 and "Location" not in several.headers
    again = refused(ops.post(stac.stac + "/collections", json={"collections": [collection("l3"), collection("l2")]}, timeout=TIMEOUT), 409, "Conflict")
    assert "/collections/1" in again["detail"]


def test_a_user_has_only_so_many_collections(stac):
    bob = stac.as_["bob"]
    codes = [bob.post(stac.stac + "/collections", json=collection(f"bob{i}"), timeout=TIMEOUT).status_code for i in range(6)]
    assert codes == [201] * 5 + [400]


# --- many at once --------------------------------------------------------------------------------------------

def test_feature_collections(stac, public):
    ops = stac.as_["ops"]

    def post(features, **params):
        return ops.post(public + "/items", json={"type": "FeatureCollection", "features": features}, params=params, timeout=TIMEOUT)

    made = post([item(f"fc{i}") for i in range(20)])
    assert made.status_code == 201 and "Location" not in made.headers and made.json()["stored"] == 20
    bad = post([item("fc-new"), item("fc3"), item("fc4"), {"type": "Feature"}])
    problem = refused(bad, 409 if bad.status_code == 409 else 400, bad.json()["code"])
    assert requests.get(public + "/items/fc-new", timeout=TIMEOUT).status_code == 404
    assert problem["problems"][0]["place"] == "/features/3" and "/stac_version" in problem["problems"][0]["detail"] or problem["problems"]
    conflict = refused(post([item("fc-new"), item("fc3"), item("fc4")]), 409, "Conflict", "/features/1")
    assert {p["place"] for p in conflict["problems"]} == {"/features/1", "/features/2"}
    assert requests.get(public + "/items/fc-new", timeout=TIMEOUT).status_code == 404
    some = post([item("fc-new"), item("fc3"), {"id": "nothing"}], on_error="skip")
    assert some.status_code == 200 and some.json()["stored"] == 1 and some.json()["refused"] == 2
    assert {p["place"] for p in some.json()["problems"]} == {"/features/1", "/features/2"}
    assert requests.get(public + "/items/fc-new", timeout=TIMEOUT).status_code == 200
    refused(post([], on_error="maybe"), 400, "InvalidParameter", "on_error")


def test_bulk_items(stac, public):
    ops = stac.as_["ops"]
    body = {"items": {f"b{i}": item(f"b{i}", n=i) for i in range(50)}, "method": "insert"}
    made = ops.post(public + "/bulk_items", json=body, timeout=TIMEOUT)
    assert made.status_code == 200 and made.json()["stored"] == 50, made.text
    refused(ops.post(public + "/bulk_items", json=body, timeout=TIMEOUT), 409, "Conflict", "/items/b0")
    again = copy.deepcopy(body)
    again["method"] = "upsert"
    again["items"]["b7"]["properties"]["n"] = "seven"
    assert ops.post(public + "/bulk_items", json=again, timeout=TIMEOUT).json()["stored"] == 50
    assert requests.get(public + "/items/b7", timeout=TIMEOUT).json()["properties"]["n"] == "seven"
    refused(ops.post(public + "/bulk_items", json={"items": {"x": item("y")}}, timeout=TIMEOUT), 400, "BadRequest", "/items/x", "/id")
    refused(ops.post(public + "/bulk_items", json={"items": []}, timeout=TIMEOUT), 400, "BadRequest", "/items")
    refused(ops.post(public + "/bulk_items", json={"items": {}, "method": "delete"}, timeout=TIMEOUT), 400, "BadRequest", "/method")


def test_lines(stac, public):
    ops = stac.as_["ops"]

    def post(lines, **params):
        return ops.post(public + "/items", data="\n".join(lines).encode(), params=params, timeout=TIMEOUT,
                        headers={"Content-Type": "application/x-ndjson"})

    lines = [json.dumps(item(f"n{i}", text="x" * 1000)) for i in range(1500)]
    made = post(lines)
    assert made.status_code == 201 and made.json() == {"stored": 1500, "refused": 0, "problems": []}, made.text
    problem = refused(post(["", json.dumps(item("n-new")), "{", json.dumps(item("z", datetime=None))]), 400, "BadRequest", "line 3")
    assert [p["place"] for p in problem["problems"]] == ["line 3", "line 4"]
    some = post([json.dumps(item("n-new")), "{", lines[0], json.dumps(item("n-other"))], on_error="skip")
    assert some.json()["stored"] == 2 and {p["place"] for p in some.json()["problems"]} == {"line 2", "line 3"}, some.text
    assert post(lines, method="upsert").json()["stored"] == 1500
    assert post([json.dumps(item("n-huge", text="x" * 5_000_000))]).status_code == 413
    # JSON as one document has the smaller limit
    large = ops.post(public + "/items", json={"type": "FeatureCollection", "features": [json.loads(line) for line in lines]}, timeout=TIMEOUT)
    assert large.status_code == 413 and "lines" in large.json()["detail"]
    counted = requests.get(stac.stac + "/search", params={"collections": "public", "limit": 10000}, timeout=TIMEOUT).json()
    assert len([f for f in counted["features"] if f["id"].startswith("n")]) == 1502


def test_real_items_survive_the_way_in_and_out(stac, shared):
    ops = stac.as_["ops"]
    items = [i for i in real_items(shared) if i["stac_version"].startswith("1.") and "beta" not in i["stac_version"]]
    by_collection = {}
    for i in items:
        by_collection.setdefault(i["collection"], []).append(i)
    for id, members in by_collection.items():
        ops.post(stac.stac + "/collections", json=collection(id), timeout=TIMEOUT)
        url = f"{stac.stac}/collections/{id}"
        answer = ops.post(url + "/items", data="\n".join(map(json.dumps, members)).encode(), params={"on_error": "skip", "method": "upsert"},
                          headers={"Content-Type": "application/x-ndjson"}, timeout=TIMEOUT)
        assert answer.status_code in (200, 201), answer.text
        for one in members[:3]:
            got = ops.get(f"{url}/items/{one['id']}", timeout=TIMEOUT)
            if got.status_code == 404:
                continue
            back = ops.put(f"{url}/items/{one['id']}", json=got.json(), headers={"If-Match": got.headers["ETag"]}, timeout=TIMEOUT)
            assert back.status_code == 200 and back.json() == got.json() and back.headers["ETag"] == got.headers["ETag"]


# --- what others could abuse -----------------------------------------------------------------------------

def test_no_text_of_a_client_becomes_our_address(stac):
    alice = stac.as_["alice"]
    url = alice.post(stac.stac + "/collections", json=collection("marks"), timeout=TIMEOUT).headers["Location"]
    elsewhere = {"href": "\u0001@elsewhere.example/"}
    for place, one in [("/assets/a/href", {"assets": {"a": elsewhere}}), ("/links/0/href", {"links": [{"rel": "via", **elsewhere}]}),
                       ("/assets/a/alternate/b/href", {"assets": {"a": {"href": "x", "alternate": {"b": elsewhere}}}})]:
        refused(alice.post(url + "/items", json={**item("m"), **one}, timeout=TIMEOUT), 400, "BadRequest", place, "U+0001")
    for place, one in [("/assets/a/href", {"assets": {"a": elsewhere}}), ("/links/0/href", {"links": [{"rel": "via", **elsewhere}]})]:
        refused(alice.post(stac.stac + "/collections", json=collection("marks2", **one), timeout=TIMEOUT), 400, "BadRequest", place)
        refused(alice.patch(url, json=one, timeout=TIMEOUT), 400, "BadRequest", place)
    assert alice.delete(url, timeout=TIMEOUT).status_code == 204


def test_pages_of_boxes_without_end_are_drawn(stac):
    alice = stac.as_["alice"]
    vast = collection("vast", extent={"spatial": {"bbox": [[-1e300, -1e300, 1e300, 1e300]]}, "temporal": {"interval": [[None, None]]}})
    url = alice.post(stac.stac + "/collections", json=vast, timeout=TIMEOUT).headers["Location"]
    assert alice.post(url + "/items", json={**item("v"), "geometry": None, "bbox": [0, 0, 1e300, 1e300]}, timeout=TIMEOUT).status_code == 201
    for page in [url, url + "/items", url + "/items/v"]:
        answer = alice.get(page, params={"f": "html"}, timeout=TIMEOUT)
        assert answer.status_code == 200 and len(answer.text) < 100_000 and "<svg" in answer.text
    assert alice.delete(url, timeout=TIMEOUT).status_code == 204


def test_users_do_not_take_names_of_the_service(stac, tmp_path):
    bob = stac.as_["bob"]
    for id in [f"bob{i}" for i in range(5)]:
        bob.delete(f"{stac.stac}/collections/{id}", timeout=TIMEOUT)
    refused(bob.post(stac.stac + "/collections", json=collection("results-alice"), timeout=TIMEOUT), 400, "BadRequest", "/id")
    url = bob.post(stac.stac + "/collections", json=collection("sentinel-9"), timeout=TIMEOUT).headers["Location"]
    before = bob.get(url, timeout=TIMEOUT).json()
    for share in [None, {"public": True}]:
        if share:
            assert bob.post(stac.base + "/api/collections/sentinel-9/shares", json=share, timeout=TIMEOUT).status_code == 201
        for name, body in [("collection.json", collection("sentinel-9", title="Ours")), ("item.json", {**item("ours"), "collection": "sentinel-9"})]:
            (tmp_path / name).write_text(json.dumps(body))
            done = stac.command("catalog", "add", tmp_path / name, check=False)
            assert done.returncode != 0 and "sentinel-9" in done.stderr + done.stdout and "user" in done.stderr + done.stdout, done
        assert bob.get(url, timeout=TIMEOUT).json() == before
        assert bob.get(url + "/items", timeout=TIMEOUT).json()["features"] == []
    assert bob.delete(url, timeout=TIMEOUT).status_code == 204


def test_a_collection_has_so_many_properties(stac):
    alice = stac.as_["alice"]
    url = alice.post(stac.stac + "/collections", json=collection("wide"), timeout=TIMEOUT).headers["Location"]
    for n in range(4):
        wide = item(f"w{n}", **{f"p{n}_{i}": i for i in range(1500)})
        assert alice.post(url + "/items", json=wide, timeout=TIMEOUT).status_code == 201
    assert 1500 <= len(alice.get(url + "/queryables", timeout=TIMEOUT).json()["properties"]) < 3100
    assert alice.delete(url, timeout=TIMEOUT).status_code == 204
