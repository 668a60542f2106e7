"""Clients of others against the catalogue with all real items: pystac-client, rustac, OWSLib, odc-stac, eodag, and
the requests that STAC Browser and QGIS make."""
import datetime
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pystac_client
import pytest
import rasterio
import requests
import shapely


OPTICAL = "sentinel-2-l2a"


@pytest.fixture(scope="module")
def client(everything):
    return pystac_client.Client.open(everything.stac)


def of(everything, *collections):
    return [i for i in everything.items if i["collection"] in collections]


def cover(item):
    return item["properties"].get("eo:cloud_cover")


def names(items):
    return sorted((i.collection_id, i.id) for i in items)


def keys(items):
    return sorted((i["collection"], i["id"]) for i in items)


# ---- pystac-client ----

def test_pystac_client_knows_what_is_offered(client):
    for name in ("CORE", "COLLECTIONS", "FEATURES", "ITEM_SEARCH", "FILTER", "SORT", "FIELDS", "QUERY", "COLLECTION_SEARCH",
                 "COLLECTION_SEARCH_FREE_TEXT"):
        assert client.conforms_to(name), name


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pystac_client_counts_and_pages(everything, client, method):
    search = client.search(method=method, limit=7)
    assert search.matched() == len(everything.items)
    assert names(search.items()) == keys(everything.items)
    pages = list(client.search(method=method, collections=[OPTICAL], limit=3).pages())
    assert [len(p.items) for p in pages[:-1]] == [3] * (len(pages) - 1)
    assert sum(len(p.items) for p in pages) == len(of(everything, OPTICAL))


@pytest.mark.parametrize("filter", ["eo:cloud_cover < 20 AND collection = 'sentinel-2-l2a'",
                                    {"op": "and", "args": [{"op": "<", "args": [{"property": "eo:cloud_cover"}, 20]},
                                                           {"op": "=", "args": [{"property": "collection"}, OPTICAL]}]}])
def test_pystac_client_filters(everything, client, filter):
    found = client.search(method="GET" if isinstance(filter, str) else "POST", filter=filter, limit=100)
    expected = keys(i for i in of(everything, OPTICAL) if cover(i) is not None and cover(i) < 20)
    assert expected and names(found.items()) == expected


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pystac_client_queries(everything, client, method):
    found = client.search(method=method, collections=[OPTICAL], query={"eo:cloud_cover": {"gte": 10, "lt": 60}})
    assert names(found.items()) == keys(i for i in of(everything, OPTICAL) if cover(i) is not None and 10 <= cover(i) < 60)
    found = client.search(method=method, query=["platform=sentinel-2b"])
    assert names(found.items()) == keys(i for i in everything.items if i["properties"].get("platform") == "sentinel-2b")


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pystac_client_sorts(everything, client, method):
    optical = [i for i in of(everything, OPTICAL) if cover(i) is not None]
    found = client.search(method=method, collections=[OPTICAL], sortby="-properties.eo:cloud_cover", limit=4,
                          filter="eo:cloud_cover IS NOT NULL", filter_lang="cql2-text")
    assert [i.properties["eo:cloud_cover"] for i in found.items()] == sorted(map(cover, optical), reverse=True)
    found = client.search(method=method, sortby=[{"field": "collection", "direction": "asc"}, {"field": "id", "direction": "desc"}], limit=50)
    ordered = [(i.collection_id, i.id) for i in found.items()]
    assert ordered == sorted(sorted(ordered, key=lambda k: k[1], reverse=True), key=lambda k: k[0])
    assert len(ordered) == len(everything.items)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pystac_client_asks_for_fields(client, method):
    for item in client.search(method=method, collections=[OPTICAL], max_items=5,
                              fields={"include": ["id", "properties.eo:cloud_cover"], "exclude": ["assets"]}).items_as_dicts():
        assert "assets" not in item and set(item["properties"]) <= {"eo:cloud_cover"} and item["id"]


def test_pystac_client_searches_collections(everything, client):
    found = {c.id for c in client.collection_search(bbox=[-180, -90, 180, 90], limit=4).collections()}
    assert found >= everything.given_collections
    assert {c.id for c in client.collection_search(q="sentinel-2").collections()} < found
    later = client.collection_search(datetime="1990-01-01T00:00:00Z/1991-01-01T00:00:00Z")
    assert "sentinel-2-l2a" not in {c.id for c in later.collections()}


def test_pystac_client_reads_queryables(client):
    told = client.get_collection(OPTICAL).get_queryables()
    assert {"eo:cloud_cover", "datetime", "geometry", "id", "platform"} <= set(told["properties"])


def test_pystac_client_signs_requests(everything):
    """What a modifier adds to every request is what a private collection needs."""
    session = everything.session("root")

    def sign(request):
        request.headers["Authorization"] = session.headers["Authorization"]

    client = pystac_client.Client.open(everything.stac, request_modifier=sign)
    assert client.search(collections=[OPTICAL], max_items=2).item_collection()


def test_pystac_client_searches_by_place_and_time(everything, client):
    some = next(i for i in of(everything, OPTICAL) if i["geometry"])
    when = datetime.datetime.fromisoformat(some["properties"]["datetime"].replace("Z", "+00:00"))
    day = datetime.timedelta(days=1)
    area = shapely.geometry.shape(some["geometry"]).centroid.buffer(0.01)
    found = client.search(intersects=shapely.geometry.mapping(area), datetime=[when - day, when + day], collections=[OPTICAL])
    assert some["id"] in {i.id for i in found.items()}


# ---- rustac: the client of Rust ----

def test_rustac(everything):
    rustac = pytest.importorskip("rustac")
    found = rustac.search_sync(everything.stac, limit=11)
    assert keys(found) == keys(everything.items)
    found = rustac.search_sync(everything.stac, collections=OPTICAL, filter="eo:cloud_cover < 20", sortby="-datetime")
    assert keys(found) == keys(i for i in of(everything, OPTICAL) if cover(i) is not None and cover(i) < 20)
    assert len(rustac.search_sync(everything.stac, bbox=[-180, -90, 180, 90], max_items=5)) == 5


# ---- OWSLib: OGC API - Features ----

def test_owslib(everything):
    features = pytest.importorskip("owslib.ogcapi.features").Features(everything.stac)
    assert features.conformance()["conformsTo"]
    assert OPTICAL in features.feature_collections()
    assert features.collection(OPTICAL)["id"] == OPTICAL
    page = features.collection_items(OPTICAL, limit=3, bbox=[-180, -90, 180, 90], datetime="2015-01-01T00:00:00Z/..")
    assert page["numberReturned"] == len(page["features"]) == 3
    item = page["features"][0]["id"]
    assert features.collection_item(OPTICAL, item)["id"] == item
    assert "eo:cloud_cover" in features.collection_queryables(OPTICAL)["properties"]
    found = features.collection_items(OPTICAL, limit=1000, filter="eo:cloud_cover < 20")
    assert keys(found["features"]) == keys(i for i in of(everything, OPTICAL) if cover(i) is not None and cover(i) < 20)


# ---- odc-stac: pixels through the API ----

ORIGIN, SIZE_M = (499980, 5100000), 120


@pytest.fixture(scope="module")
def pixels(make_service, shared, tmp_path_factory):
    """The real scenes of 33TWL, their files given the georeference that the samples lack."""
    folder = tmp_path_factory.mktemp("scenes")
    transform = rasterio.Affine(SIZE_M, 0, ORIGIN[0], 0, -SIZE_M, ORIGIN[1])
    for scene in sorted((shared / "data/s2/33TW").glob("*33TWL*")):
        target = folder / scene.name
        shutil.copytree(scene, target)
        for file in target.glob("*.tif"):
            with rasterio.open(file) as source:
                band = source.read(1)
            file.unlink()
            with rasterio.open(file, "w", driver="COG", width=band.shape[1], height=band.shape[0], count=1, dtype=band.dtype,
                               crs="EPSG:32633", transform=transform, nodata=0, compress="deflate") as made:
                made.write(band, 1)
    service = make_service(workers=1)
    service.command("catalog", "import", *sorted(folder.iterdir()))
    service.folder = folder
    return service


@pytest.mark.filterwarnings("ignore")
def test_odc_stac_loads_pixels(pixels):
    odc_stac = pytest.importorskip("odc.stac")
    from odc.geo.geobox import GeoBox
    found = pystac_client.Client.open(pixels.base + "/stac").search(collections=[OPTICAL], limit=2).items()
    items = sorted(found, key=lambda i: i.datetime)
    assert len(items) == 5 and all(a.href.startswith("http://") for a in items[0].assets.values())
    grid = GeoBox((915, 915), rasterio.Affine(SIZE_M, 0, ORIGIN[0], 0, -SIZE_M, ORIGIN[1]), "EPSG:32633")
    loaded = odc_stac.load(items, bands=["B04", "B08"], geobox=grid)
    assert loaded.B04.shape == (5, 915, 915)
    for k, item in enumerate(items):
        for band in ("B04", "B08"):
            with rasterio.open(pixels.folder / item.id / f"{band}.tif") as file:
                assert np.array_equal(loaded[band].values[k], file.read(1)), (item.id, band)


# ---- eodag: the provider of EO data access gateway ----

EODAG = """
import json, sys
from eodag import EODataAccessGateway
dag = EODataAccessGateway()
dag.update_providers_config(json.dumps({"sentier": {
    "download": {"type": "HTTPDownload", "auth_error_code": 401}, "search": {"type": "StacSearch", "api_endpoint": sys.argv[1] + "/search", "need_auth": False},
    "products": {"S2_MSI_L2A": {"_collection": sys.argv[2]}}}}))
dag.set_preferred_provider("sentier")
found = dag.search_all(provider="sentier", collection="S2_MSI_L2A", start="2015-01-01", end="2030-01-01", items_per_page=20)
print(json.dumps(sorted(p.properties["id"] for p in found)))
"""


def test_eodag(everything, tmp_path):
    pytest.importorskip("eodag")
    done = subprocess.run([sys.executable, "-c", EODAG, everything.stac, OPTICAL], capture_output=True, text=True, timeout=240,
                          env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "EODAG_EXT_COLLECTIONS_CFG_URI": ""})
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == sorted(i["id"] for i in of(everything, OPTICAL))


# ---- STAC Browser ----

ORIGIN_OF_BROWSER = {"Origin": "https://browser.example"}


@pytest.mark.parametrize("path, method, headers", [
    ("", "GET", "accept-language"), ("/collections", "GET", "accept-language,authorization"),
    ("/search", "POST", "content-type,accept-language"), ("/collections/x/items", "GET", "authorization"),
    ("/collections/sentinel-2-l2a/queryables", "GET", "accept-language"), ("/collections", "POST", "authorization,content-type"),
    ("/collections/x/items/y", "PUT", "authorization,content-type,if-match")])
def test_browsers_may_ask(everything, path, method, headers):
    answer = requests.options(everything.stac + path, timeout=30, headers={
        **ORIGIN_OF_BROWSER, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers})
    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", ORIGIN_OF_BROWSER["Origin"])
    assert method in answer.headers["Access-Control-Allow-Methods"].replace(" ", "").split(",")
    allowed = {h.strip().lower() for h in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert set(headers.split(",")) <= allowed


def test_stac_browser_walks_the_catalogue(everything):
    """It opens the landing page, pages through `data`, opens `items` of a collection and follows `next` and `prev`."""
    def get(url):
        answer = requests.get(url, headers={**ORIGIN_OF_BROWSER, "Accept-Language": "fr;q=0.9, en;q=0.8"}, timeout=30)
        assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == "*", (url, answer.text[:500])
        return answer.json()

    def link(thing, rel):
        return next((k["href"] for k in thing["links"] if k["rel"] == rel), None)

    root = get(everything.stac)
    assert root["type"] == "Catalog" and link(root, "self") == everything.stac
    seen, url = [], link(root, "data") + "?limit=6"
    while url:
        page = get(url)
        seen += page["collections"]
        url = link(page, "next")
    assert {c["id"] for c in seen} >= everything.given_collections and len({c["id"] for c in seen}) == len(seen)
    collection = next(c for c in seen if c["id"] == OPTICAL)
    assert get(link(collection, "self"))["id"] == OPTICAL
    first = get(link(collection, "items") + "?limit=9")
    second = get(link(first, "next"))
    assert [f["id"] for f in get(link(second, "prev"))["features"]] == [f["id"] for f in first["features"]]
    item = get(link(first["features"][0], "self"))
    assert get(link(item, "collection"))["id"] == OPTICAL and get(link(item, "root"))["type"] == "Catalog"
    body = {"collections": [OPTICAL], "limit": 9, "bbox": [-180, -90, 180, 90], "datetime": "2015-01-01T00:00:00Z/2030-01-01T00:00:00Z",
            "sortby": [{"field": "properties.datetime", "direction": "desc"}], "filter-lang": "cql2-json",
            "filter": {"op": "and", "args": [{"op": ">=", "args": [{"property": "eo:cloud_cover"}, 0]}]}}
    found = requests.post(everything.stac + "/search", json=body, headers=ORIGIN_OF_BROWSER, timeout=30)
    assert found.status_code == 200, found.text
    assert len(found.json()["features"]) == 9


# ---- QGIS: its OGC API - Features provider and its STAC browser ----

def test_qgis_reads_features(everything):
    """Landing page, conformance, collections, a first item, then pages with a bbox as QGIS writes it."""
    session = requests.Session()
    session.headers["Accept"] = "application/json, application/geo+json;q=0.9, */*;q=0.1"
    root = session.get(everything.stac, timeout=30)
    api = next(k for k in root.json()["links"] if k["rel"] == "service-desc")
    described = session.get(api["href"], headers={"Accept": "application/vnd.oai.openapi+json;version=3.0, application/openapi+json;version=3.0, application/json"}, timeout=30)
    assert described.json()["openapi"].startswith("3.0")
    classes = session.get(everything.stac + "/conformance", timeout=30).json()["conformsTo"]
    assert {"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/" + n for n in ("core", "geojson", "oas30")} <= set(classes)
    collection = session.get(f"{everything.stac}/collections/{OPTICAL}", timeout=30).json()
    assert len(collection["extent"]["spatial"]["bbox"][0]) in (4, 6)
    items = next(k["href"] for k in collection["links"] if k["rel"] == "items")
    assert len(session.get(items + "?limit=1", timeout=30).json()["features"]) == 1
    found, url = [], items + "?limit=5&bbox=-180,-90,180,90"
    while url:
        page = session.get(url, timeout=30).json()
        assert page["numberReturned"] == len(page["features"])
        found += [f["id"] for f in page["features"]]
        url = next((k["href"] for k in page["links"] if k["rel"] == "next" and k["type"] == "application/geo+json"), None)
    assert sorted(found) == sorted(i["id"] for i in of(everything, OPTICAL))


# ---- GDAL: OGCAPI lists the collections and hands features on to OAPIF ----

def test_gdal_reads_the_catalogue(everything):
    def ogrinfo(*arguments):
        done = subprocess.run(["ogrinfo", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and "ERROR" not in done.stderr, done.stderr
        return done.stdout

    held = sorted(c["id"] for c in requests.get(everything.stac + "/collections?limit=1000", timeout=30).json()["collections"])
    assert sorted(re.findall("_NAME=OGCAPI:.*/collections/(.*)", ogrinfo("OGCAPI:" + everything.stac))) == held
    assert sorted(re.findall(r"^\d+: (\S+)", ogrinfo("OAPIF:" + everything.stac), re.M)) == held
    items = of(everything, OPTICAL)
    after = sorted(i["properties"]["datetime"] for i in items)[len(items) // 2]
    found = lambda *more: sorted(re.findall(r"^  id \(String\) = (.*)", ogrinfo("-q", "-al", "-geom=NO", *more, f"OGCAPI:{everything.stac}/collections/{OPTICAL}"), re.M))
    names = lambda test: sorted(i["id"] for i in items if test(i))
    assert found("-oo", "PAGE_SIZE=3") == names(lambda i: True)
    assert found("-where", f"datetime >= '{after}'") == names(lambda i: i["properties"]["datetime"] >= after)
    west, south, east, north = box = shapely.geometry.shape(items[0]["geometry"]).bounds
    assert found("-spat", *map(str, box)) == names(lambda i: shapely.geometry.shape(i["geometry"]).intersects(shapely.box(west, south, east, north)))
