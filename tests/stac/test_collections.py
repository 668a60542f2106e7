"""Collections as a search, and aggregations over items, against brute force over the samples."""
import collections
import json

import pytest
import requests
import shapely
import shapely.geometry

from test_face import get, instant, link


def listed(catalogue, **parameters):
    return get(catalogue.stac + "/collections", params=parameters).json()["collections"]


@pytest.fixture(scope="module")
def held(catalogue):
    return {c["id"]: c for c in listed(catalogue)}


def boxes(collection):
    for box in collection["extent"]["spatial"]["bbox"]:
        half = len(box) // 2
        west, south, east, north = box[0], box[1], box[half], box[half + 1]
        if west <= east:
            yield shapely.geometry.box(west, south, east, north)
        else:
            yield shapely.geometry.box(west, south, 180, north)
            yield shapely.geometry.box(-180, south, east, north)


# ---- collection search ----

@pytest.mark.parametrize("box", [(10, 40, 20, 50), (-180, -90, 180, 90), (-130, 30, -100, 50), (170, -20, -170, 20), (0, -89, 1, -88)])
def test_collection_search(catalogue, held, box):
    west, south, east, north = box
    areas = [shapely.geometry.box(*box)] if west < east else [shapely.geometry.box(west, south, 180, north), shapely.geometry.box(-180, south, east, north)]
    expected = {i for i, c in held.items() if any(b.intersects(a) for b in boxes(c) for a in areas)}
    assert {c["id"] for c in listed(catalogue, bbox=",".join(map(str, box)))} == expected


@pytest.mark.parametrize("when", ["2020-01-01T00:00:00Z", "../2014-01-01T00:00:00Z", "2030-01-01T00:00:00Z/..",
                                  "2015-01-01T00:00:00Z/2016-01-01T00:00:00Z"])
def test_collection_datetime(catalogue, held, when):
    low, _, high = when.partition("/") if "/" in when else (when, "", when)
    low, high = (None if v in ("..", "") else instant(v) for v in (low, high))

    def meets(interval):
        start, end = (instant(v) if v else None for v in interval)
        return (high is None or start is None or start <= high) and (low is None or end is None or end >= low)

    expected = {i for i, c in held.items() if any(meets(v) for v in c["extent"]["temporal"]["interval"])}
    assert {c["id"] for c in listed(catalogue, datetime=when)} == expected


def texts(collection):
    return " ".join([collection["id"], collection.get("title") or "", collection["description"], *(collection.get("keywords") or [])]).lower()


@pytest.mark.parametrize("q", ["sentinel-1", "SENTINEL-2", "radar,optical", "nothing-like-this", "global mosaics"])
def test_collection_words(catalogue, held, q):
    found = {c["id"] for c in listed(catalogue, q=q)}
    assert found == {i for i, c in held.items() if any(t.lower() in texts(c) for t in q.split(","))}


def test_collection_filter(catalogue, held):
    document = get(link(get(catalogue.stac + "/collections").json(), "http://www.opengis.net/def/rel/ogc/1.0/queryables")["href"]).json()
    assert {"id", "title", "license"} <= set(document["properties"])
    for text, keep in (("license = 'proprietary'", lambda c: c["license"] == "proprietary"),
                       ("id LIKE 'sentinel-1%'", lambda c: c["id"].startswith("sentinel-1")),
                       ("title IS NULL", lambda c: c.get("title") is None)):
        expected = {i for i, c in held.items() if keep(c)}
        assert {c["id"] for c in listed(catalogue, filter=text)} == expected
    tree = {"op": "=", "args": [{"property": "license"}, "proprietary"]}
    query = {"license": {"eq": "proprietary"}}
    expected = {i for i, c in held.items() if c["license"] == "proprietary"}
    assert expected and {c["id"] for c in listed(catalogue, filter=json.dumps(tree), **{"filter-lang": "cql2-json"})} == expected
    assert {c["id"] for c in listed(catalogue, query=json.dumps(query))} == expected
    answer = requests.get(catalogue.stac + "/collections", params={"filter": "eo:cloud_cover < 5"}, timeout=30)
    assert answer.status_code == 400


@pytest.mark.parametrize("sortby", ["id", "-id", "title", "-title,id", "license,-id"])
def test_collection_sort(catalogue, held, sortby):
    whole = [c["id"] for c in listed(catalogue, sortby=sortby)]
    assert sorted(whole) == sorted(held)
    expected = sorted(held)
    for name in reversed(sortby.split(",")):
        field = name.lstrip("-")
        filled = [i for i in expected if held[i].get(field) is not None]
        expected = sorted(filled, key=lambda i: held[i][field], reverse=name.startswith("-")) + \
            [i for i in expected if held[i].get(field) is None]
    assert [held[i].get(sortby.split(",")[0].lstrip("-")) for i in whole] == \
        [held[i].get(sortby.split(",")[0].lstrip("-")) for i in expected]
    url, pages = f"{catalogue.stac}/collections?limit=4&sortby={sortby}", []
    while url:
        page = get(url).json()
        assert page["numberMatched"] == len(held) and page["numberReturned"] == len(page["collections"])
        pages.append([c["id"] for c in page["collections"]])
        last, url = page, next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    assert [i for p in pages for i in p] == whole
    for earlier in reversed(pages[:-1]):
        last = get(link(last, "prev")["href"]).json()
        assert [c["id"] for c in last["collections"]] == earlier


def test_collection_fields(catalogue, held):
    for collection in listed(catalogue, fields="id,title"):
        assert {"id"} <= set(collection) <= {"id", "title", "type", "links"}  # what names it is always sent
    for collection in listed(catalogue, fields=""):
        assert {"type", "stac_version", "id", "description", "license", "extent", "links"} <= set(collection)
        assert "summaries" not in collection
    for collection in listed(catalogue, fields="-links"):
        assert "links" not in collection and "id" in collection


@pytest.mark.parametrize("query, message", [
    ("sortby=nothing", "sortby: expected one of"), ("limit=0", "limit: expected a whole number from 1"),
    ("bbox=1,2,3", "bbox: expected 4 or 6 numbers"), ("datetime=2020", "datetime: expected an RFC 3339"),
    ("token=x", "token: was not given by this service"), ("intersects={}", "intersects: there is no such parameter"),
])
def test_bad_parameters_of_collections_are_named(catalogue, query, message):
    for path in ("/collections", "/children"):
        answer = requests.get(f"{catalogue.stac}{path}?{query}", timeout=30)
        assert answer.status_code == 400 and message in answer.json()["detail"]


# ---- aggregation ----

def aggregate(catalogue, names, path="", **parameters):
    answer = get(f"{catalogue.stac}{path}/aggregate", params={"aggregations": names, **parameters}).json()
    assert answer["type"] == "AggregationCollection"
    assert [a["name"] for a in answer["aggregations"]] == names.split(",")
    return answer["aggregations"]


def test_aggregation(catalogue):
    landing = get(catalogue.stac).json()
    document = get(link(landing, "aggregations")["href"]).json()
    names = {a["name"] for a in document["aggregations"]}
    assert {"total_count", "datetime_min", "datetime_max", "datetime_frequency", "collection_frequency", "cloud_cover_frequency"} <= names
    held = {(i["collection"], i["id"]): i for i in catalogue.items}
    total, least, most, by_collection = aggregate(catalogue, "total_count,datetime_min,datetime_max,collection_frequency")
    times = [instant(i["properties"].get("datetime") or i["properties"]["start_datetime"]) for i in held.values()]
    assert total == {"name": "total_count", "data_type": "integer", "value": len(held)}
    assert instant(least["value"]) == min(times) and instant(most["value"]) == max(times)
    assert {b["key"]: b["frequency"] for b in by_collection["buckets"]} == collections.Counter(c for c, _ in held)
    years, = aggregate(catalogue, "datetime_frequency", datetime_frequency_interval="year")
    assert {b["key"][:4]: b["frequency"] for b in years["buckets"] if b["frequency"]} == \
        {str(y): n for y, n in collections.Counter(t.year for t in times).items()}
    # the same conditions as a search
    parameters = {"filter": "eo:cloud_cover < 10", "bbox": "-180,0,180,90"}
    found = get(catalogue.stac + "/search", params={**parameters, "limit": 1000}).json()["numberReturned"]
    assert aggregate(catalogue, "total_count", **parameters)[0]["value"] == found > 0
    assert aggregate(catalogue, "total_count", query='{"eo:cloud_cover":{"lt":10}}', bbox="-180,0,180,90")[0]["value"] == found
    body = requests.post(catalogue.stac + "/aggregate", timeout=30, json={
        "aggregations": ["total_count"], "bbox": [-180, 0, 180, 90], "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}})
    assert body.json()["aggregations"][0]["value"] == found
    for a in document["aggregations"]:
        result, = aggregate(catalogue, a["name"])
        assert ("value" in result) != ("buckets" in result)
        if "buckets" in result and result["name"] != "datetime_frequency":
            assert sum(b["frequency"] for b in result["buckets"]) + result["overflow"] == len(held)


def test_aggregation_of_a_collection(catalogue):
    path = "/collections/sentinel-2-l2a"
    parent = get(catalogue.stac + path).json()
    names = [a["name"] for a in get(link(parent, "aggregations")["href"]).json()["aggregations"]]
    assert "cloud_cover_frequency" in names
    ids = {i["id"] for i in catalogue.items if i["collection"] == "sentinel-2-l2a"}
    assert aggregate(catalogue, "total_count", path)[0]["value"] == len(ids)
    radar = [a["name"] for a in get(catalogue.stac + "/collections/sentinel-1-grd/aggregations").json()["aggregations"]]
    assert "cloud_cover_frequency" not in radar and "total_count" in radar
    answer = requests.get(catalogue.stac + "/collections/sentinel-1-grd/aggregate", params={"aggregations": "cloud_cover_frequency"}, timeout=30)
    assert answer.status_code == 400 and "found 'cloud_cover_frequency'" in answer.json()["detail"]
    for kind in ("aggregate", "aggregations"):
        assert requests.get(f"{catalogue.stac}/collections/nowhere/{kind}", timeout=30).status_code == 404


@pytest.mark.parametrize("query, message", [
    ("aggregations=nothing", "aggregations: expected some of total_count"), ("aggregations=", "aggregations: is empty"),
    ("aggregations=total_count&limit=1", "limit: there is no such parameter"),
    ("aggregations=datetime_frequency&datetime_frequency_interval=aeon", "interval: expected year, month"),
    ("aggregations=total_count&total_count_interval=day", "total_count_interval: there is no such parameter"),
    ("aggregations=centroid_geohash_grid_frequency&centroid_geohash_grid_frequency_precision=99", "precision"),
    ("aggregations=centroid_geohash_grid_frequency&centroid_geohash_grid_frequency_precision=x", "precision"),
])
def test_bad_aggregations_are_named(catalogue, query, message):
    answer = requests.get(f"{catalogue.stac}/aggregate?{query}", timeout=30)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["detail"]
