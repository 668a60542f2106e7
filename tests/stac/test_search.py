"""The search against brute force over real items, against its parameters, and with real clients."""
import datetime
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pystac_client
import pytest
import requests
import shapely
import shapely.geometry


HERE = Path(__file__).resolve().parent


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00").replace("z", "+00:00"))


def interval(item):
    p = item["properties"]
    return instant(p.get("start_datetime") or p["datetime"]), instant(p.get("end_datetime") or p["datetime"])


def nominal(item):
    p = item["properties"]
    return instant(p.get("datetime") or p["start_datetime"])


def all_ids(url, parameters, method="GET"):
    """Follows the links next; (collection, id) in the order given."""
    found = []
    answer = requests.get(url, params=parameters, timeout=30) if method == "GET" else \
        requests.post(url, json=parameters, timeout=30)
    body = parameters
    while True:
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += [(f["collection"], f["id"]) for f in page["features"]]
        link = next((k for k in page["links"] if k["rel"] == "next"), None)
        if not link:
            return found
        if method == "GET":
            answer = requests.get(link["href"], timeout=30)
        else:
            body = {**body, **link["body"]} if link["merge"] else link["body"]
            answer = requests.post(link["href"], json=body, timeout=30)


def test_items_that_cannot_be_held_are_named(catalogue):
    assert "/geometry/coordinates/0/0: expected a longitude" in catalogue.refused
    assert len(catalogue.items) == 150


def box_geometry(west, south, east, north):
    if west <= east:
        return shapely.geometry.box(west, south, east, north)
    return shapely.union(shapely.geometry.box(west, south, 180, north), shapely.geometry.box(-180, south, east, north))


@pytest.mark.parametrize("seed", range(60))
def test_search_equals_brute_force(catalogue, seed):
    chance = random.Random(seed)
    parameters, keep = {"limit": chance.choice([1, 3, 7, 50, 1000])}, []
    items = catalogue.items
    if chance.random() < 0.5:
        names = chance.sample(sorted({i["collection"] for i in items}), chance.randint(1, 4))
        parameters["collections"] = names
        keep.append(lambda i: i["collection"] in names)
    if chance.random() < 0.6:
        a, b = sorted([nominal(chance.choice(items)), nominal(chance.choice(items))])
        kind = chance.choice(["both", "from", "to", "at"])
        text = {"both": f"{a.isoformat()}/{b.isoformat()}", "from": f"{a.isoformat()}/..", "to": f"../{b.isoformat()}",
                "at": a.isoformat()}[kind]
        parameters["datetime"] = text
        low = None if kind == "to" else a
        high = {"both": b, "from": None, "to": b, "at": a}[kind]
        keep.append(lambda i: (high is None or interval(i)[0] <= high) and (low is None or interval(i)[1] >= low))
    if chance.random() < 0.6:
        shape = shapely.geometry.shape(chance.choice([i for i in items if i["geometry"]])["geometry"])
        point = shape.representative_point()
        size = chance.choice([0.01, 1, 20, 90])
        box = [point.x - size, max(point.y - size, -90), point.x + size * 1.1, min(point.y + size, 90)]
        box[0], box[2] = (v + 360 if v < -180 else v - 360 if v > 180 else v for v in (box[0], box[2]))
        area = box_geometry(*box)
        if chance.random() < 0.5 or box[0] > box[2]:
            parameters["bbox"] = box
        else:
            parameters["intersects"] = json.loads(shapely.to_geojson(area))
        keep.append(lambda i: i["geometry"] and shapely.make_valid(shapely.geometry.shape(i["geometry"])).intersects(area))
    if chance.random() < 0.2:
        wanted = [i["id"] for i in chance.sample(items, 12)]
        parameters["ids"] = wanted
        keep.append(lambda i: i["id"] in wanted)

    # where an id came twice, the later one is held
    held = {(i["collection"], i["id"]): i for i in items}
    expected = sorted((i for i in held.values() if all(k(i) for k in keep)),
                      key=lambda i: (nominal(i), i["id"], i["collection"]))
    found = all_ids(catalogue.stac + "/search", parameters, "POST")
    assert len(found) == len(set(found))
    assert sorted(found) == sorted((i["collection"], i["id"]) for i in expected)
    times = [nominal(held[f]) for f in found]
    assert times == sorted(times, reverse=True)

    query = dict(parameters)
    for name in ("collections", "ids", "bbox"):
        if name in query:
            query[name] = ",".join(map(str, query[name]))
    if "intersects" in query:
        query["intersects"] = json.dumps(query["intersects"])
    assert all_ids(catalogue.stac + "/search", query) == found


def test_pages_lead_back(catalogue):
    url, pages = catalogue.stac + "/search?limit=20", []
    while url:
        page = requests.get(url, timeout=30).json()
        pages.append(page)
        url = next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    assert len(pages) == 8
    assert not [k for k in pages[0]["links"] if k["rel"] == "prev"]
    for later, earlier in zip(reversed(pages), list(reversed(pages))[1:]):
        url = next(k["href"] for k in later["links"] if k["rel"] == "prev")
        back = requests.get(url, timeout=30).json()
        assert [f["id"] for f in back["features"]] == [f["id"] for f in earlier["features"]]


BAD = [
    ("bbox=15,45,16", "bbox: expected 4 or 6 numbers, found 3"),
    ("bbox=a,45,16,46", "bbox: expected numbers, found 'a'"),
    ("bbox=15,46,16,45", "bbox: south (46) is north of north (45)"),
    ("bbox=-181,45,16,46", "bbox: -181 is outside [-180, 180]"),
    ("bbox=15,45,16,91", "bbox: 91 is outside [-90, 90]"),
    ("bbox=nan,45,16,46", "bbox: expected numbers, found 'nan'"),
    ("bbox=0,0,9,1,1,0", "bbox: the lower height (9) is above the upper (0)"),
    ("datetime=2023-01-01", "datetime: expected an RFC 3339 date and time"),
    ("datetime=2023-01-01T00:00:00", "datetime: expected an RFC 3339 date and time"),
    ("datetime=2023-13-01T00:00:00Z", "datetime: expected an RFC 3339 date and time"),
    ("datetime=2023-02-01T00:00:00Z/2023-01-01T00:00:00Z", "datetime: the interval ends before it starts"),
    ("datetime=../..", "datetime: an interval needs at least one end"),
    ("datetime=/", "datetime: an interval needs at least one end"),
    ("datetime=a/b/c", "datetime: expected"),
    ("limit=0", "limit: expected a whole number from 1, found 0"),
    ("limit=-1", "limit: expected a whole number from 1, found -1"),
    ("limit=x", "limit: expected a whole number, found 'x'"),
    ("limit=1.5", "limit: expected a whole number from 1, found 1.5"),
    ("token=abc", "token: was not given by this service"),
    ("intersects={", "intersects: Invalid JSON"),
    ('intersects={"type":"Point"}', "intersects/coordinates: expected a position, found nothing"),
    ('intersects={"type":"Point","coordinates":[0,99]}', "intersects/coordinates: expected a latitude"),
    ('intersects={"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}', "intersects/coordinates/0: expected a closed ring"),
    ('bbox=0,0,1,1&intersects={"type":"Point","coordinates":[0,0]}', "cannot be given together"),
    ("filter=x", "filter: "),
    ("ids=", "ids: is empty"),
]


@pytest.mark.parametrize("query, message", BAD)
def test_bad_parameters_are_named(catalogue, query, message):
    answer = requests.get(catalogue.stac + "/search?" + query, timeout=30)
    assert answer.status_code == 400, answer.text
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert message in answer.json()["detail"]


@pytest.mark.parametrize("body, message", [
    ({"bbox": [1, 2, 3]}, "/bbox: expected 4 or 6 numbers, found 3"),
    ({"bbox": "1,2,3,4"}, "/bbox: expected an array, found a string"),
    ({"bbox": [1, 2, 3, "x"]}, "/bbox: expected numbers, found a string"),
    ({"limit": "5"}, "/limit: expected a number, found a string"),
    ({"ids": [1]}, "/ids/0: expected a string, found a number"),
    ({"collections": {}}, "/collections: expected an array, found an object"),
    ({"nothing": {}}, "/nothing: there is no such member here"),
    ({"intersects": {"type": "Blob"}}, "/intersects/type: expected a type of GeoJSON geometry, found 'Blob'"),
    ({"datetime": "yesterday"}, "/datetime: expected an RFC 3339"),
    ([], "/: expected an object, found an array"),
])
def test_bad_bodies_are_named(catalogue, body, message):
    answer = requests.post(catalogue.stac + "/search", json=body, timeout=30)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["detail"]


@pytest.mark.parametrize("text", ["x' OR '1'='1", '"; DROP TABLE items; --', "%", "\\", "é", "a,b"])
def test_strings_are_no_sql(catalogue, text):
    for name in ("ids", "collections"):
        answer = requests.get(catalogue.stac + "/search", params={name: text}, timeout=30)
        assert answer.status_code == 200 and answer.json()["features"] == []
    assert requests.post(catalogue.stac + "/search", json={"ids": [text]}, timeout=30).json()["features"] == []
    assert requests.get(f"{catalogue.stac}/collections/{requests.utils.quote(text, safe='')}", timeout=30).status_code == 404


@pytest.mark.parametrize("text", ["2023-08-15t09:58:11z/..", "/2023-08-15T09:58:11Z", "2023-08-15T09:58:11.5+02:00/",
                                  "2023-08-15T09:58:11Z/2023-08-15T09:58:11Z"])
def test_datetimes_of_rfc_3339_are_taken(catalogue, text):
    assert requests.get(catalogue.stac + "/search", params={"datetime": text}, timeout=30).status_code == 200


@pytest.mark.parametrize("geometry", [
    {"type": "Point", "coordinates": [15.5, 45.5]},
    {"type": "MultiPoint", "coordinates": [[15.5, 45.5], [0, 0]]},
    {"type": "LineString", "coordinates": [[15, 45], [16, 46]]},
    {"type": "MultiLineString", "coordinates": [[[15, 45], [16, 46]]]},
    {"type": "Polygon", "coordinates": [[[15, 45], [16, 45], [16, 46], [15, 45]]]},
    {"type": "MultiPolygon", "coordinates": [[[[15, 45], [16, 45], [16, 46], [15, 45]]]]},
    {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [15.5, 45.5]}]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},  # crosses itself
])
def test_every_geometry_is_searched(catalogue, geometry):
    area = shapely.make_valid(shapely.geometry.shape(geometry))
    expected = {i["id"] for i in catalogue.items
                if i["geometry"] and shapely.make_valid(shapely.geometry.shape(i["geometry"])).intersects(area)}
    found = all_ids(catalogue.stac + "/search", {"intersects": geometry, "limit": 1000}, "POST")
    assert {i for _, i in found} == expected


def test_what_is_sent_is_what_was_given(catalogue):
    """Items come back as they were, but for links and the hrefs of local files."""
    for item in catalogue.items[::7]:
        url = f"{catalogue.stac}/collections/{item['collection']}/items/{item['id']}"
        got = requests.get(url, timeout=30).json()
        held = [i for i in catalogue.items if (i["collection"], i["id"]) == (item["collection"], item["id"])][-1]
        for member in held:
            if member != "links":
                assert got[member] == held[member], (item["id"], member)
        links = {k["rel"]: k["href"] for k in got["links"]}
        assert links["self"] == url
        assert links["collection"] == f"{catalogue.stac}/collections/{item['collection']}"
        assert requests.get(links["root"], timeout=30).json()["type"] == "Catalog"


def test_unknown_things_are_not_found(catalogue):
    for path in ("/collections/nowhere", "/collections/nowhere/items", "/collections/nowhere/items/x",
                 "/collections/sentinel-2-l2a/items/nothing"):
        answer = requests.get(catalogue.stac + path, timeout=30)
        assert answer.status_code == 404, path
        assert "not" in answer.json()["detail"] or "no item" in answer.json()["detail"]


def test_pystac_client_searches_and_pages(catalogue):
    client = pystac_client.Client.open(catalogue.stac)
    assert client.conforms_to("ITEM_SEARCH") and client.conforms_to("COLLECTIONS")
    listed = {c.id for c in client.get_collections()}
    assert listed >= {i["collection"] for i in catalogue.items} and len(listed) == 22
    for method in ("GET", "POST"):
        search = client.search(method=method, collections=["sentinel-2-l2a"], bbox=[-180, -90, 180, 90], limit=9)
        items = list(search.items())
        assert {i.id for i in items} == {i["id"] for i in catalogue.items if i["collection"] == "sentinel-2-l2a"}
        assert len(list(client.search(method=method, limit=10, max_items=25).items())) == 25
    item = client.get_collection("sentinel-2-l2a").get_item(items[0].id)
    assert item.get_self_href() == f"{catalogue.stac}/collections/sentinel-2-l2a/items/{item.id}"


def test_collections_are_paged(catalogue):
    found, url = [], catalogue.stac + "/collections?limit=5"
    while url:
        page = requests.get(url, timeout=30).json()
        assert len(page["collections"]) <= 5
        found += [c["id"] for c in page["collections"]]
        url = next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    assert found == [c["id"] for c in requests.get(catalogue.stac + "/collections", timeout=30).json()["collections"]]
    assert found == sorted(found) and len(found) == len(set(found))


def test_stac_api_validator_finds_no_error(catalogue):
    pytest.importorskip("stac_api_validator")
    some = next(i for i in catalogue.items if i["collection"] == "sentinel-2-l2a")
    point = shapely.geometry.shape(some["geometry"]).representative_point()
    area = json.loads(shapely.to_geojson(point.buffer(0.1)))
    command = [sys.executable, HERE / "offline_validator.py", "--root-url", catalogue.stac, "--collection", "sentinel-2-l2a",
               "--geometry", json.dumps(area)]
    for name in ("core", "collections", "features", "item-search"):
        command += ["--conformance", name]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "SCHEMAS": str(Path(os.environ.get("SENTIER_SHARED", HERE.parents[2] / "shared")) / "specs/stac")})
    report = done.stdout + done.stderr
    assert "Errors: none" in report, "\n".join(k[:400] for k in report.splitlines())[-6000:]
    assert done.returncode == 0


def rows_read(service):
    """Of the items' tables and indexes since the start; sessions tell within a second of their rest."""
    time.sleep(1.5)
    return int(service.sql("SELECT sum(s.seq_tup_read) + sum((SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i WHERE i.relid = s.relid))"
                           " FROM pg_stat_user_tables s WHERE s.relname LIKE 'items%'"))


def test_unknown_ids_are_not_looked_for_one_by_one(make_service):
    """Not even by a planner that would do much to get rows in the order of time."""
    service = make_service()
    service.sql("ALTER DATABASE sentier SET enable_sort = off")
    point = {"type": "Point", "coordinates": [5, 5]}
    lines = [json.dumps({"type": "Feature", "stac_version": "1.0.0", "id": f"i{n}", "collection": "many", "geometry": point, "bbox": [5, 5, 5, 5],
                         "properties": {"datetime": f"20{n % 25:02}-01-01T00:00:00Z"}, "links": [], "assets": {}}) for n in range(2000)]
    service.command("catalog", "add", "-", input="\n".join(lines))
    service.sql("VACUUM (ANALYZE) items")
    service.stop()
    service.start()  # with sessions that are planned so
    before = rows_read(service)
    for n in range(40):
        assert all_ids(service.base + "/stac/search", {"ids": f"none-{n}"}) == []
    assert rows_read(service) - before < 1000
    assert all_ids(service.base + "/stac/search", {"ids": "i7,none,i9"}) == [("many", "i9"), ("many", "i7")]


def test_wide_areas_are_found_whether_the_newest_lie_in_them_or_not(make_service):
    """The newest items are looked at first: every page, both ways, is what all items give."""
    service, chance = make_service(), random.Random(11)
    items = []
    for n in range(2600):
        x = -chance.uniform(20, 170) if n >= 1300 else chance.uniform(-170, 170)  # the newer half lies in the west
        y, day = chance.uniform(-80, 80), datetime.datetime(2020, 1, 1) + datetime.timedelta(hours=n // 2)
        items.append({"type": "Feature", "stac_version": "1.0.0", "id": f"i{chance.randrange(10 ** 9)}-{n}", "collection": "wide", "links": [], "assets": {},
                      "geometry": {"type": "Point", "coordinates": [x, y]}, "bbox": [x, y, x, y], "properties": {"datetime": day.isoformat() + "Z"}})
    service.command("catalog", "add", "-", input="\n".join(map(json.dumps, items)))
    items.sort(key=lambda i: (i["properties"]["datetime"], i["id"]), reverse=True)
    for west, east, limit in [(-180, 180, 200), (0, 180, 100), (-60, 20, 100), (-180, -90, 150)]:
        expected = [i["id"] for i in items if west <= i["geometry"]["coordinates"][0] <= east]
        url, pages = f"{service.base}/stac/search?bbox={west},-90,{east},90&limit={limit}", []
        while url:
            pages.append(requests.get(url, timeout=30).json())
            url = next((k["href"] for k in pages[-1]["links"] if k["rel"] == "next"), None)
        assert [f["id"] for p in pages for f in p["features"]] == expected
        for later, earlier in zip(pages[:0:-1], pages[-2::-1], strict=True):
            url = next(k["href"] for k in later["links"] if k["rel"] == "prev")
            assert [f["id"] for f in requests.get(url, timeout=30).json()["features"]] == [f["id"] for f in earlier["features"]]
    before = items[1500]["properties"]["datetime"]
    page = requests.get(f"{service.base}/stac/search?bbox=0,-90,180,90&datetime=../{before}", timeout=30).json()
    assert [f["id"] for f in page["features"]] == [i["id"] for i in items if i["properties"]["datetime"] <= before and i["geometry"]["coordinates"][0] >= 0][:10]
