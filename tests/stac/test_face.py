"""What the read side of the STAC API promises, by the texts of its specifications."""
import json
import re

import pytest
import requests

from test_pages import Page
from test_search import instant  # noqa: F401

GEOJSON = "application/geo+json"


def get(url, **options):
    answer = requests.get(url, timeout=30, **options)
    assert answer.status_code == 200, answer.text
    return answer


def link(thing, rel, **members):
    found = [k for k in thing["links"] if k["rel"] == rel and all(k.get(m) == v for m, v in members.items())]
    assert len(found) == 1, (rel, members, found)
    return found[0]


# ---- core ----

def test_landing(catalogue, schemas):
    answer = get(catalogue.stac)
    landing = answer.json()
    assert schemas.errors(landing) == []
    assert landing["conformsTo"] == get(link(landing, "conformance")["href"]).json()["conformsTo"]
    assert len(set(landing["conformsTo"])) == len(landing["conformsTo"])
    for rel, media in (("root", "application/json"), ("self", "application/json"), ("data", "application/json"),
                       ("children", "application/json"), ("service-doc", "text/html"),
                       ("service-desc", "application/vnd.oai.openapi+json;version=3.0")):
        answer = requests.get(link(landing, rel)["href"], headers={"Accept": media}, timeout=30)
        assert answer.status_code == 200 and answer.headers["Content-Type"].split(";")[0] == media.split(";")[0]
        assert link(landing, rel)["type"] == media
    assert get(link(landing, "monitor", type="application/json")["href"]).json()["changes"] is not None
    stream = link(landing, "monitor", type="text/event-stream")
    assert requests.head(stream["href"], timeout=30).headers["Content-Type"] == "text/event-stream"
    for method in ("GET", "POST"):
        assert link(landing, "search", method=method)["type"] == GEOJSON
    children = [k["href"] for k in landing["links"] if k["rel"] == "child"]
    assert {c.rsplit("/", 1)[1] for c in children} >= {i["collection"] for i in catalogue.items} and len(children) == len(set(children)) and get(children[0]).json()["type"] == "Collection"


def test_unchanged_pages_are_not_sent_again(catalogue):
    for path in ("", "/collections", "/conformance", "/collections/sentinel-2-l2a"):
        first = get(catalogue.stac + path)
        again = requests.get(catalogue.stac + path, headers={"If-None-Match": first.headers["ETag"]}, timeout=30)
        assert again.status_code == 304 and again.content == b""


def test_children(catalogue, schemas):
    landing = get(catalogue.stac).json()
    children = get(link(landing, "children")["href"]).json()
    assert {link(c, "self")["href"] for c in children["children"]} == \
        {k["href"] for k in landing["links"] if k["rel"] == "child"}
    assert link(children, "root")["href"] == link(children, "parent")["href"] == catalogue.stac
    assert link(children, "self")["href"] == catalogue.stac + "/children"
    for child in children["children"]:
        assert schemas.errors({**child, "stac_extensions": []}) == []


def test_collections(catalogue, schemas):
    listed = get(catalogue.stac + "/collections").json()
    assert link(listed, "root")["href"] == catalogue.stac
    assert link(listed, "self")["href"] == catalogue.stac + "/collections"
    for collection in listed["collections"]:
        assert get(link(collection, "self")["href"]).json() == collection
        assert link(collection, "root")["href"] == link(collection, "parent")["href"] == catalogue.stac
        assert link(collection, "items")["type"] == GEOJSON


def test_items(catalogue, schemas):
    page = get(catalogue.stac + "/collections/sentinel-2-l2a/items")
    assert page.headers["Content-Type"] == GEOJSON
    page = page.json()
    assert page["type"] == "FeatureCollection" and page["numberReturned"] == len(page["features"]) == 10
    assert link(page, "root")["href"] == catalogue.stac
    assert link(page, "collection")["href"] == catalogue.stac + "/collections/sentinel-2-l2a"
    for item in page["features"]:
        assert schemas.errors(item) == []
        single = get(link(item, "self")["href"])
        assert single.json() == item and single.headers["Content-Type"] == GEOJSON


def test_item_search(catalogue):
    for answer in (get(catalogue.stac + "/search"), requests.post(catalogue.stac + "/search", json={}, timeout=30)):
        assert answer.headers["Content-Type"] == GEOJSON
        page = answer.json()
        assert page["type"] == "FeatureCollection" and len(page["features"]) == 10
        assert link(page, "root")["href"] == catalogue.stac


@pytest.mark.parametrize("limit", [1, 149, 10000, 10001, 10 ** 30])
def test_limits_above_the_largest_are_the_largest(catalogue, limit):
    given = min(limit, len(catalogue.items))
    assert get(catalogue.stac + "/search", params={"limit": limit}).json()["numberReturned"] == given
    body = requests.post(catalogue.stac + "/search", json={"limit": min(limit, 2 ** 62)}, timeout=30).json()
    assert body["numberReturned"] == given


# ---- sort ----

def value(item, name):
    return item.get(name) if name in ("id", "collection") else item["properties"].get(name)


@pytest.mark.parametrize("sortby", ["id", "+id", "-id", "collection,-id", "datetime", "-datetime", "properties.datetime,id",
                                    "-properties.eo:cloud_cover,+id"])
def test_sort(catalogue, sortby):
    names = [(s.lstrip("+-").removeprefix("properties."), s.startswith("-")) for s in sortby.split(",")]
    body = [{"field": s.lstrip("+-"), "direction": "desc" if s.startswith("-") else "asc"} for s in sortby.split(",")]
    parameters = {"collections": "sentinel-2-l2a,sentinel-2-l1c,sentinel-1-grd", "limit": 200}
    got = get(catalogue.stac + "/search", params={**parameters, "sortby": sortby}).json()["features"]
    post = requests.post(catalogue.stac + "/search", timeout=30,
                         json={"collections": parameters["collections"].split(","), "limit": 200, "sortby": body})
    assert [f["id"] for f in post.json()["features"]] == [f["id"] for f in got]
    assert len(got) > 20

    def key(item):  # nulls last both ways; every sort is stable, so the last is applied first
        return value(item, name) is None

    expected = sorted(got, key=lambda i: i["id"])
    for name, descending in reversed(names):
        filled = [i for i in expected if not key(i)]
        expected = sorted(filled, key=lambda i: value(i, name), reverse=descending) + [i for i in expected if key(i)]
    for name, _ in names:
        assert [value(i, name) for i in got] == [value(i, name) for i in expected]


@pytest.mark.parametrize("sortby", ["id", "-id", "-eo:cloud_cover", "eo:cloud_cover,id", "collection,-datetime", "-datetime"])
def test_pages_of_any_order_lead_on_and_back(catalogue, sortby):
    whole = [(f["collection"], f["id"]) for f in
             get(catalogue.stac + "/search", params={"sortby": sortby, "limit": 1000}).json()["features"]]
    assert len(whole) == len(catalogue.items)
    url, pages = catalogue.stac + "/search?limit=7&sortby=" + requests.utils.quote(sortby), []
    while url:
        page = get(url).json()
        pages.append([(f["collection"], f["id"]) for f in page["features"]])
        last, url = page, next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    assert [i for p in pages for i in p] == whole
    for earlier in reversed(pages[:-1]):
        last = get(link(last, "prev")["href"]).json()
        assert [(f["collection"], f["id"]) for f in last["features"]] == earlier
    assert not [k for k in last["links"] if k["rel"] == "prev"]


@pytest.mark.parametrize("sortby, message", [
    ("", "sortby: expected the name of a property"), ("id,,", "sortby: expected the name of a property"),
    ("id,-id", "sortby: 'id' is named twice"), ("nonsense", "sortby: there is no property 'nonsense' to sort by"),
    ("a,b,c,d,e,f,g,h,i", "sortby: expected at most 8 properties"), ("geometry", "sortby: "),
])
def test_bad_orders_are_named(catalogue, sortby, message):
    answer = requests.get(catalogue.stac + "/search", params={"sortby": sortby}, timeout=30)
    assert answer.status_code == 400 and message in answer.json()["detail"]


# ---- tokens ----

def test_a_token_belongs_to_its_search(catalogue):
    page = get(catalogue.stac + "/search?limit=5&collections=sentinel-2-l2a").json()
    token = re.search(r"token=([^&]+)", link(page, "next")["href"]).group(1)
    ok = {"collections": "sentinel-2-l2a", "token": requests.utils.unquote(token)}
    for more in ({}, {"limit": 3}, {"fields": "id"}, {"count": "exact"}):
        get(catalogue.stac + "/search", params={**ok, **more})
    for more in ({"collections": "sentinel-2-l1c"}, {"sortby": "id"}, {"datetime": "../2020-01-01T00:00:00Z"},
                 {"bbox": "0,0,1,1"}, {"ids": "a"}):
        answer = requests.get(catalogue.stac + "/search", params={**ok, **more}, timeout=30)
        assert answer.status_code == 400
        assert answer.json()["detail"].startswith("token: belongs to a search with other parameters")
    answer = requests.get(catalogue.stac + "/collections/sentinel-2-l2a/items", params={"token": ok["token"]}, timeout=30)
    assert answer.status_code == 400
    for broken in (ok["token"][:-1], ok["token"] + "A", "x", ""):
        answer = requests.get(catalogue.stac + "/search", params={**ok, "token": broken}, timeout=30)
        assert answer.status_code == 400 and "token: was not given by this service" in answer.json()["detail"]


def test_next_of_a_body_is_whole(catalogue):
    body, seen = {"limit": 40, "sortby": [{"field": "id", "direction": "asc"}]}, []
    page = requests.post(catalogue.stac + "/search", json=body, timeout=30).json()
    while True:
        seen += [f["id"] for f in page["features"]]
        further = [k for k in page["links"] if k["rel"] == "next"]
        if not further:
            break
        assert further[0]["method"] == "POST" and further[0]["merge"] is False and set(further[0]["body"]) == {*body, "token"}
        page = requests.post(further[0]["href"], json=further[0]["body"], timeout=30).json()
    assert len(seen) == len(catalogue.items) and seen == sorted(seen)


# ---- fields: the table of the extension ----

IDENTITY = {"type", "id", "collection", "links"}  # beside whatever is included, unless it is excluded
DEFAULT = {"type", "stac_version", "id", "geometry", "bbox", "links", "assets", "collection", "properties"}


@pytest.mark.parametrize("query, body, top, properties", [
    ("", {}, DEFAULT, {"datetime"}),
    ("id,type", {"include": ["id", "type"]}, {"id", "type"}, None),
    (None, {"include": ["id", "type"], "exclude": None}, {"id", "type"}, None),
    (None, {"exclude": ["geometry", "bbox"]}, "all but geometry, bbox", "all"),
    ("-geometry", {"include": None, "exclude": ["geometry"]}, DEFAULT - {"geometry"}, {"datetime"}),
    (None, {"include": [], "exclude": ["geometry"]}, DEFAULT - {"geometry"}, {"datetime"}),
    ("id,type,-id", {"include": ["id", "type"], "exclude": ["id"]}, {"id", "type"}, None),
    ("id,-id,-type", {"include": ["id"], "exclude": ["id", "type"]}, {"id"}, None),
    ("properties.datetime,-properties", {"include": ["properties.datetime"], "exclude": ["properties"]}, {"properties"}, {"datetime"}),
    ("properties,-properties.datetime", {"include": ["properties"], "exclude": ["properties.datetime"]}, {"properties"}, "all but datetime"),
    ("id,eo:cloud_cover", {"include": ["id", "properties.eo:cloud_cover"]}, {"id", "properties"}, {"eo:cloud_cover"}),
    ("+id,+properties.nothing", {"include": ["id", "properties.nothing"]}, {"id"}, None),
])
def test_fields(catalogue, query, body, top, properties):
    excluded = set(body.get("exclude") or []) - set(body.get("include") or [])
    item = next(i for i in catalogue.items if i["collection"] == "sentinel-2-l2a" and "eo:cloud_cover" in i["properties"])
    whole = get(f"{catalogue.stac}/collections/sentinel-2-l2a/items/{item['id']}").json()
    if isinstance(top, str):
        top = set(whole) - {"geometry", "bbox"}
    if isinstance(properties, str):
        properties = set(whole["properties"]) - ({"datetime"} if "but" in properties else set())
    answers = [requests.post(catalogue.stac + "/search", timeout=30,
                             json={"ids": [item["id"]], "collections": ["sentinel-2-l2a"], "fields": body})]
    if query is not None:
        answers += [get(catalogue.stac + "/search", params={"ids": item["id"], "collections": "sentinel-2-l2a", "fields": query}),
                    get(catalogue.stac + "/collections/sentinel-2-l2a/items", params={"ids": item["id"], "fields": query})]
    for answer in answers:
        assert answer.status_code == 200, answer.text
        feature, = answer.json()["features"]
        assert set(feature) == top | (IDENTITY - excluded if body.get("include") else set())
        if properties:
            assert set(feature["properties"]) == properties
        for name in feature:
            assert name == "properties" or feature[name] == whole[name]


@pytest.mark.parametrize("query, message", [("id,,type", "fields: a name is empty"), ("a..b", "is not a path of names"),
                                            ("a." * 9 + "b", "is not a path of names"),
                                            (",".join(f"a{i}" for i in range(201)), "expected at most 200 names")])
def test_bad_fields_are_named(catalogue, query, message):
    answer = requests.get(catalogue.stac + "/search", params={"fields": query}, timeout=30)
    assert answer.status_code == 400 and message in answer.json()["detail"]


# ---- counts ----

def test_counts(catalogue):
    url = catalogue.stac + "/search"
    for count, how in (("exact", {"exact"}), ("capped", {"exact"}), ("estimated", {"estimated", "exact"})):
        page = get(url, params={"count": count, "limit": 2, "collections": "sentinel-2-l2a"}).json()
        assert page["numberMatchedRelation"] in how
        assert page["context"] == {"returned": 2, "limit": 2, "matched": page["numberMatched"]}
        if count != "estimated":
            assert page["numberMatched"] == len({i["id"] for i in catalogue.items if i["collection"] == "sentinel-2-l2a"})
    # the way pystac-client asks for the number
    assert get(url, params={"limit": 1}).json()["numberMatched"] == len(catalogue.items)
    assert requests.post(url, json={"limit": 1, "count": "exact"}, timeout=30).json()["numberMatched"] == len(catalogue.items)
    answer = requests.get(url, params={"count": "all"}, timeout=30)
    assert answer.status_code == 400 and "count: expected none, exact, capped or estimated, found 'all'" in answer.json()["detail"]


# ---- parameters ----

@pytest.mark.parametrize("path, query, message", [
    ("/search", "limt=1", "limt: there is no such parameter here; did you mean limit?"),
    ("/search", "colections=a", "colections: there is no such parameter here; did you mean collections?"),
    ("/search", "zzzzzzzz=a", "zzzzzzzz: there is no such parameter here; there are bbox, datetime"),
    ("/collections/sentinel-2-l2a/items", "collections=a", "collections: there is no such parameter"),
    ("/collections", "ids=a", "ids: there is no such parameter"),
    ("", "limit=1", "limit: there is no such parameter"),
    ("/conformance", "x=1", "x: there is no such parameter"),
    ("/collections/sentinel-2-l2a", "x=1", "x: there is no such parameter"),
])
def test_unknown_parameters_are_refused_with_those_alike(catalogue, path, query, message):
    answer = requests.get(f"{catalogue.stac}{path}?{query}", timeout=30)
    assert answer.status_code == 400 and message in answer.json()["detail"]


# ---- language ----

@pytest.mark.parametrize("headers, query, code", [
    ({}, "", "en"), ({"Accept-Language": "fr"}, "", "fr"), ({"Accept-Language": "fr-CA;q=0.8, en-US;q=0.7"}, "", "fr"),
    ({"Accept-Language": "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7,fr;q=0.3"}, "", "en"),
    ({"Accept-Language": "de"}, "", "en"), ({"Accept-Language": "fr;q=0, en;q=0.1"}, "", "en"),
    ({"Accept-Language": "en"}, "?language=fr", "fr"), ({"Accept-Language": "fr"}, "?language=en", "en"),
    ({"Accept-Language": ";;;"}, "", "en"), ({"Accept-Language": "*"}, "", "en"),
])
def test_language(catalogue, headers, query, code):
    answer = get(catalogue.stac + query, headers=headers)
    landing = answer.json()
    assert answer.headers["Content-Language"] == landing["language"]["code"] == code
    assert "Accept-Language" in answer.headers["Vary"]
    assert [k["code"] for k in landing["languages"]] == [{"en": "fr", "fr": "en"}[code]]
    other = link(landing, "alternate", hreflang=landing["languages"][0]["code"])
    assert get(other["href"]).headers["Content-Language"] == landing["languages"][0]["code"]
    assert ("catalogue de ce serveur" in landing["description"]) == (code == "fr")
    assert link(landing, "self")["hreflang"] == code


# ---- pages for people ----

def page_of(url, **options):
    answer = get(url, headers={"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}, **options)
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert not [t for t, a in page.tags if t == "script" or "style" in a or any(k.startswith("on") for k in a)]
    return page


def test_pages(catalogue):
    seen, todo = set(), [catalogue.stac]
    while todo and len(seen) < 60:
        url = todo.pop()
        if url in seen:
            continue
        seen.add(url)
        page = page_of(url)
        assert "f=html" not in url or get(url).text
        todo += [h for h in page.links if h and h.startswith(catalogue.stac) and "f=json" not in h]
    assert len(seen) == 60


def test_the_page_of_an_item(catalogue):
    item = next(i for i in catalogue.items if i["collection"] == "sentinel-2-l2a" and "thumbnail" in i["assets"])
    url = f"{catalogue.stac}/collections/sentinel-2-l2a/items/{item['id']}"
    page = page_of(url)
    for name, asset in item["assets"].items():
        assert name in page.text and (not asset["href"].startswith("http") or asset["href"] in page.links)
    for name in item["properties"]:
        assert name in page.text
    assert [a for t, a in page.tags if t == "path" and a.get("class") == "area" and a["d"].startswith("M")]
    assert get(url, params={"f": "html"}).text == get(url, headers={"Accept": "text/html"}).text
    assert get(url, params={"f": "json"}, headers={"Accept": "text/html"}).json()["id"] == item["id"]
    refused = requests.get(url, headers={"Accept": "image/png"}, timeout=30)
    assert refused.status_code == 406


def test_what_items_say_is_escaped(make_service):
    service = make_service(workers=1)
    bad = '<script>alert("1")</script>&amp;\'"'
    item = {"type": "Feature", "stac_version": "1.0.0", "id": 'x"><b>' + "&", "collection": "loose", "geometry": None,
            "properties": {"datetime": "2001-01-01T00:00:00Z", bad: bad, "title": bad},
            "assets": {bad: {"href": 'javascript:alert(1)', "title": bad}, "b": {"href": 'http://x/"><script>'}},
            "links": []}
    service.command("catalog", "add", "-", input=json.dumps(item))
    for path in (f"/collections/loose/items/{requests.utils.quote(item['id'], safe='')}",
                 "/collections/loose/items?limit=1000", "/search?collections=loose&limit=1000"):
        page = page_of(service.base + "/stac" + path)
        assert not [h for h in page.links if h.startswith("javascript")]
        assert item["id"] in page.text
