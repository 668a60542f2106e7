"""Filters, words, queryables and sortables of the STAC API."""
import json

import jsonschema
import pytest
import requests
import shapely
import shapely.geometry

from test_face import get, link

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


def everything(url, parameters):
    return {(f["collection"], f["id"]) for f in get(url, params={"limit": 1000, **parameters}).json()["features"]}


def cloudy(item):
    return item["properties"].get("eo:cloud_cover")


CASES = [
    ("eo:cloud_cover < 10", {"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]},
     lambda i: cloudy(i) is not None and cloudy(i) < 10),
    ("NOT (eo:cloud_cover < 10)", {"op": "not", "args": [{"op": "<", "args": [{"property": "eo:cloud_cover"}, 10]}]},
     lambda i: cloudy(i) is not None and cloudy(i) >= 10),
    ("eo:cloud_cover IS NULL", {"op": "isNull", "args": [{"property": "eo:cloud_cover"}]}, lambda i: cloudy(i) is None),
    ("eo:cloud_cover BETWEEN 5 AND 50 OR collection = 'sentinel-1-grd'",
     {"op": "or", "args": [{"op": "between", "args": [{"property": "eo:cloud_cover"}, 5, 50]},
                           {"op": "=", "args": [{"property": "collection"}, "sentinel-1-grd"]}]},
     lambda i: (cloudy(i) is not None and 5 <= cloudy(i) <= 50) or i["collection"] == "sentinel-1-grd"),
    ("platform IN ('sentinel-2a', 'sentinel-2b')",
     {"op": "in", "args": [{"property": "platform"}, ["sentinel-2a", "sentinel-2b"]]},
     lambda i: i["properties"].get("platform") in ("sentinel-2a", "sentinel-2b")),
    ("platform LIKE 'sentinel-2%'", {"op": "like", "args": [{"property": "platform"}, "sentinel-2%"]},
     lambda i: str(i["properties"].get("platform")).startswith("sentinel-2")),
    ("CASEI(platform) = CASEI('SENTINEL-2A')",
     {"op": "=", "args": [{"op": "casei", "args": [{"property": "platform"}]}, {"op": "casei", "args": ["SENTINEL-2A"]}]},
     lambda i: str(i["properties"].get("platform")).lower() == "sentinel-2a"),
    ("ACCENTI(platform) = ACCENTI('séntinel-2a')",
     {"op": "=", "args": [{"op": "accenti", "args": [{"property": "platform"}]}, {"op": "accenti", "args": ["séntinel-2a"]}]},
     lambda i: i["properties"].get("platform") == "sentinel-2a"),
    ("S_INTERSECTS(geometry, BBOX(10, 40, 20, 50))",
     {"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [10, 40, 20, 50]}]},
     lambda i: area(i) is not None and area(i).intersects(shapely.geometry.box(10, 40, 20, 50))),
    ("S_WITHIN(geometry, POLYGON((0 30, 40 30, 40 60, 0 60, 0 30)))",
     {"op": "s_within", "args": [{"property": "geometry"}, json.loads(shapely.to_geojson(shapely.geometry.box(0, 30, 40, 60)))]},
     lambda i: area(i) is not None and area(i).within(shapely.geometry.box(0, 30, 40, 60))),
    ("T_AFTER(datetime, TIMESTAMP('2023-01-01T00:00:00Z'))",
     {"op": "t_after", "args": [{"property": "datetime"}, {"timestamp": "2023-01-01T00:00:00Z"}]},
     lambda i: (i["properties"].get("start_datetime") or i["properties"]["datetime"]) > "2023-01-01T00:00:00Z"),
    ("eo:cloud_cover * 2 > 20 + 10", {"op": ">", "args": [{"op": "*", "args": [{"property": "eo:cloud_cover"}, 2]},
                                                         {"op": "+", "args": [20, 10]}]},
     lambda i: cloudy(i) is not None and cloudy(i) * 2 > 30),
    ("platform <> constellation", {"op": "<>", "args": [{"property": "platform"}, {"property": "constellation"}]},
     lambda i: i["properties"].get("platform") is not None and i["properties"].get("constellation") is not None
     and i["properties"]["platform"] != i["properties"]["constellation"]),
    ("A_CONTAINS(instruments, ('msi'))", {"op": "a_contains", "args": [{"property": "instruments"}, ["msi"]]},
     lambda i: "msi" in (i["properties"].get("instruments") or [])),
]


def area(item):
    return shapely.make_valid(shapely.geometry.shape(item["geometry"])) if item["geometry"] else None


@pytest.mark.parametrize("text, tree, keep", CASES, ids=[c[0] for c in CASES])
def test_filter(catalogue, text, tree, keep):
    held = {(i["collection"], i["id"]): i for i in catalogue.items}
    expected = {k for k, i in held.items() if keep(i)}
    assert expected and len(expected) < len(held)
    url = catalogue.stac + "/search"
    assert everything(url, {"filter": text}) == expected
    assert everything(url, {"filter": text, "filter-lang": "cql2-text", "filter-crs": CRS84}) == expected
    assert everything(url, {"filter": json.dumps(tree), "filter-lang": "cql2-json"}) == expected
    for body in ({"filter": tree}, {"filter": tree, "filter-lang": "cql2-json"}, {"filter": text, "filter-lang": "cql2-text"}):
        page = requests.post(url, json={**body, "limit": 1000}, timeout=30)
        assert page.status_code == 200, page.text
        assert {(f["collection"], f["id"]) for f in page.json()["features"]} == expected
    name = "sentinel-2-l2a"
    assert everything(f"{catalogue.stac}/collections/{name}/items", {"filter": text}) == {k for k in expected if k[0] == name}
    assert everything(url, {"filter": text, "collections": name}) == {k for k in expected if k[0] == name}


@pytest.mark.parametrize("parameters, message", [
    ({"filter": "eo:cloud_cover <"}, "filter: character 17"),
    ({"filter": "eo:cloud_cover = 'much'"}, "filter"),
    ({"filter": "eo:cloud_cver < 10"}, "eo:cloud_cover"),
    ({"filter": "id"}, "filter"),
    ({"filter": "id = 'a'", "filter-lang": "cql2"}, "filter-lang: expected cql2-text or cql2-json, found 'cql2'"),
    ({"filter": "id = 'a'", "filter-lang": "cql2-json"}, "filter: "),
    ({"filter": "{}", "filter-lang": "cql2-json"}, "filter"),
    ({"filter": "id = 'a'", "filter-crs": "http://www.opengis.net/def/crs/EPSG/0/4326"}, f"filter-crs: only {CRS84} is offered"),
    ({"query": "{"}, "query: Invalid JSON"),
    ({"query": '{"eo:cloud_cover": 5}'}, "query/eo:cloud_cover"),
    ({"q": ""}, "q: a term is empty"),
    ({"q": "a,,b"}, "q: a term is empty"),
])
def test_bad_filters_are_named(catalogue, parameters, message):
    answer = requests.get(catalogue.stac + "/search", params=parameters, timeout=30)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["detail"]


@pytest.mark.parametrize("body, message", [
    ({"filter": "id = 'a'", "filter-lang": "cql2-json"}, "/filter: filter-lang is cql2-json: expected an object, found a string"),
    ({"filter": "id = 'a'"}, "/filter: filter-lang is cql2-json: expected an object, found a string"),
    ({"filter": {"op": "=", "args": [{"property": "id"}]}}, "/filter"),
    ({"filter": {"op": "="}, "filter-lang": "cql2-text"}, "/filter: filter-lang is cql2-text: expected a string, found an object"),
    ({"filter-crs": "EPSG:4326"}, "/filter-crs: only"), ({"filter-lang": 1}, "/filter-lang: expected a string, found a number"),
    ({"query": {"eo:cloud_cover": {"less": 5}}}, "/query/eo:cloud_cover"), ({"query": []}, "/query: expected an object"),
    ({"q": [1]}, "/q/0: expected a string, found a number"), ({"q": {}}, "/q: expected an array of strings"),
])
def test_bad_bodies_are_named(catalogue, body, message):
    answer = requests.post(catalogue.stac + "/search", json=body, timeout=30)
    assert answer.status_code == 400, answer.text
    assert message in answer.json()["detail"]


@pytest.mark.parametrize("query, keep", [
    ({"eo:cloud_cover": {"gte": 0, "lte": 10}}, lambda p: p.get("eo:cloud_cover") is not None and 0 <= p["eo:cloud_cover"] <= 10),
    ({"eo:cloud_cover": {"gt": 10}, "platform": {"eq": "sentinel-2a"}},
     lambda p: p.get("eo:cloud_cover") is not None and p["eo:cloud_cover"] > 10 and p.get("platform") == "sentinel-2a"),
    ({"platform": {"startsWith": "sentinel-2", "endsWith": "b"}},
     lambda p: str(p.get("platform")).startswith("sentinel-2") and str(p.get("platform")).endswith("b")),
    ({"platform": {"contains": "nel-1"}}, lambda p: "nel-1" in str(p.get("platform"))),
    ({"platform": {"in": ["sentinel-1a", "sentinel-2b"]}}, lambda p: p.get("platform") in ("sentinel-1a", "sentinel-2b")),
    ({"platform": {"neq": "sentinel-2a"}}, lambda p: p.get("platform") not in (None, "sentinel-2a")),
])
def test_query(catalogue, query, keep):
    held = {(i["collection"], i["id"]): i for i in catalogue.items}
    expected = {k for k, i in held.items() if keep(i["properties"])}
    assert expected
    url = catalogue.stac + "/search"
    assert everything(url, {"query": json.dumps(query)}) == expected
    page = requests.post(url, json={"query": query, "limit": 1000}, timeout=30).json()
    assert {(f["collection"], f["id"]) for f in page["features"]} == expected
    both = requests.post(url, json={"query": query, "filter": {"op": "<", "args": [{"property": "eo:cloud_cover"}, 5]}, "limit": 1000}, timeout=30)
    assert {(f["collection"], f["id"]) for f in both.json()["features"]} == \
        {k for k in expected if cloudy(held[k]) is not None and cloudy(held[k]) < 5}


def test_pages_of_a_filter(catalogue):
    whole = everything(catalogue.stac + "/search", {"filter": "eo:cloud_cover > 1"})
    url, seen = catalogue.stac + "/search?limit=9&filter=eo:cloud_cover%20%3E%201&sortby=-eo:cloud_cover", []
    while url:
        page = get(url).json()
        seen += [(f["collection"], f["id"]) for f in page["features"]]
        url = next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    assert len(seen) == len(set(seen)) and set(seen) == whole


# ---- words ----

def test_words(catalogue):
    url = catalogue.stac + "/search"
    some = catalogue.items[0]["id"]
    assert some in {i for _, i in everything(url, {"q": some})}
    assert {i for _, i in everything(url, {"q": some.lower()})} == {i for _, i in everything(url, {"q": some.upper()})}
    both = everything(url, {"q": "sentinel-1a,sentinel-2a"})
    assert both == everything(url, {"q": "sentinel-1a"}) | everything(url, {"q": "sentinel-2a"})
    page = requests.post(url, json={"q": ["sentinel-1a", "sentinel-2a"], "limit": 1000}, timeout=30).json()
    assert {(f["collection"], f["id"]) for f in page["features"]} == both and both
    assert everything(url, {"q": "zzz-nothing-like-it"}) == set()
    name = next(iter(both))[0]
    assert everything(f"{catalogue.stac}/collections/{name}/items", {"q": "sentinel-1a,sentinel-2a"}) == {k for k in both if k[0] == name}


# ---- what there is to ask ----

@pytest.mark.parametrize("kind", ["queryables", "sortables"])
@pytest.mark.parametrize("place", ["", "/collections/sentinel-2-l2a"])
def test_documents(catalogue, kind, place):
    url = f"{catalogue.stac}{place}/{kind}"
    parent = get(catalogue.stac + place).json()
    there = link(parent, "http://www.opengis.net/def/rel/ogc/1.0/" + kind)
    assert there["href"] == url and there["type"] == "application/schema+json"
    answer = get(url)
    assert answer.headers["Content-Type"] == "application/schema+json"
    document = answer.json()
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema" and document["$id"] == url
    jsonschema.Draft202012Validator.check_schema(document)
    assert document["type"] == "object" and document["additionalProperties"] is False
    properties = document["properties"]
    assert {"id", "collection", "datetime"} <= set(properties) and ("geometry" in properties) == (kind == "queryables")
    cover = properties["eo:cloud_cover"]
    assert cover["type"] == "number"
    if place and kind == "queryables":
        values = [cloudy(i) for i in catalogue.items if i["collection"] == "sentinel-2-l2a" and cloudy(i) is not None]
        assert values and ("minimum" not in cover or (cover["minimum"] <= min(values) and cover["maximum"] >= max(values)))
    for name, schema in properties.items():
        assert schema["title"]
        if kind == "sortables":
            assert schema.get("type") not in ("object", "array") and "items" not in schema
            get(catalogue.stac + "/search", params={"sortby": name, "limit": 3})


def test_queryables(catalogue):
    """Each can be asked for; what is none is refused."""
    properties = get(catalogue.stac + "/queryables").json()["properties"]
    for name in properties:
        get(catalogue.stac + "/search", params={"filter": f'"{name}" IS NULL', "limit": 1})
    present = {n for i in catalogue.items for n in i["properties"]}
    assert len(present - set(properties)) < len(present) / 2
    answer = requests.get(catalogue.stac + "/search", params={"filter": "no_such_thing = 1"}, timeout=30)
    assert answer.status_code == 400 and "no_such_thing" in answer.json()["detail"]
    some = get(catalogue.stac + "/queryables?collections=sentinel-1-grd").json()["properties"]
    assert set(some) <= set(properties) and "eo:cloud_cover" not in some
    assert requests.get(catalogue.stac + "/collections/nowhere/queryables", timeout=30).status_code == 404


def test_sortables(catalogue):
    assert "geometry" not in get(catalogue.stac + "/sortables").json()["properties"]
    answer = requests.get(catalogue.stac + "/search", params={"sortby": "eo:cloud_cove"}, timeout=30)
    assert answer.status_code == 400 and "did you mean eo:cloud_cover?" in answer.json()["detail"]


def test_functions(catalogue, shared):
    document = get(catalogue.stac + "/functions").json()
    # the shape that the standard's schema/functions.yml asks for
    kinds = {"string", "number", "integer", "datetime", "geometry", "boolean"}
    assert document["functions"]
    for function in document["functions"]:
        assert set(function["returns"]) <= kinds and function["returns"]
        for argument in function["args"]:
            assert set(argument["type"]) <= kinds and argument["type"]
    # each is called; what is none is refused
    literals = {"string": "'a'", "number": "2", "integer": "2", "boolean": "TRUE",
                "datetime": "TIMESTAMP('2020-01-01T00:00:00Z')", "geometry": "POINT(1 2)"}
    for function in document["functions"]:
        arguments = [literals[a["type"][0]] if len(a["type"]) == 1 else "('a', 'b')" for a in function["args"]]
        call = f"{function['name']}({', '.join(arguments)})"
        answer = requests.get(catalogue.stac + "/search", params={"filter": f"{call} IS NULL"}, timeout=30)
        assert answer.status_code == 200, (call, answer.text)
    answer = requests.get(catalogue.stac + "/search", params={"filter": "no_function(1) = 1"}, timeout=30)
    assert answer.status_code == 400 and "no_function" in answer.json()["detail"]
