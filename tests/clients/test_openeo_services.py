"""Web services: what their tiles show is held against NumPy with PROJ's positions, what they tell against their clients."""
import io
import math
import re
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import openeo
import pytest
import rasterio
import requests
from graphs import load
from jobs_common import Jobs
from owslib.wmts import WebMapTileService
from rasterio.warp import transform

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
TIMEOUT = 60
DAY = ["2023-08-15", "2023-08-16"]
HALF = 20037508.342789244


def tile_of(lon, lat, z):
    n = 2 ** z
    return int((lon + 180) / 360 * n), int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * n)


def first_of(node):
    return {"process_id": "reduce_dimension", "arguments": {"data": {"from_node": node}, "dimension": "t", "reducer": {"process_graph": {
        "f": {"process_id": "first", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}}}


def red(extent=None, **save):
    """The red band of a clear day."""
    graph = {"load": load(bands=["B04"], temporal_extent=DAY, spatial_extent=extent), "first": first_of("load")}
    if save:
        graph["save"] = {"process_id": "save_result", "arguments": {"data": {"from_node": "first"}, **save}, "result": True}
    else:
        graph["first"]["result"] = True
    return {"process_graph": graph}


@pytest.fixture(scope="module")
def alice(scenes):
    return Jobs(scenes, scenes.session("alice"))


@pytest.fixture
def make(alice):
    made = []

    def make(process, type="xyz", **more):
        answer = alice.call("POST", "/services", json={"type": type, "process": process, **more})
        assert answer.status_code == 201, answer.text
        made.append(answer.headers["OpenEO-Identifier"])
        return alice.call("GET", f"/services/{made[-1]}").json()

    yield make
    for id in made:
        assert alice.call("DELETE", f"/services/{id}").status_code in (204, 404)


def fetch(url, z=None, x=None, y=None):
    """A tile; while it is being made one is told to come back."""
    if z is not None:
        url = url.replace("{z}", str(z)).replace("{x}", str(x)).replace("{y}", str(y))
    end = time.time() + 120
    while True:
        answer = requests.get(url, timeout=TIMEOUT)
        if answer.status_code != 503 or time.time() > end:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))


def pixels(answer):
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png"), answer.text[:500]
    with rasterio.open(io.BytesIO(answer.content)) as png:
        assert png.shape == (256, 256)
        return png.read()


@pytest.fixture(scope="module")
def source(scenes):
    """The file of that day."""
    item = requests.get(scenes.base + "/stac/search", params={"collections": "sentinel-2-l2a", "datetime": "2023-08-15T00:00:00Z/2023-08-16T00:00:00Z"},
                        timeout=TIMEOUT).json()["features"][0]
    return item["assets"]["B04"], requests.get(item["assets"]["B04"]["href"], timeout=TIMEOUT).content


def warped(source, z, x, y):
    """The nearest pixels of the file for a tile, by exact positions (PROJ): no-data as NaN; and where a position is so far from the
    edge of a pixel that it cannot be mistaken (positions of ours are within a hundredth of a pixel)."""
    asset, content = source
    step = 2 * HALF / 256 / 2 ** z
    east, north = np.meshgrid(x * 256 * step - HALF + (np.arange(256) + 0.5) * step, HALF - y * 256 * step - (np.arange(256) + 0.5) * step)
    with rasterio.open(io.BytesIO(content)) as tif:
        band = tif.read(1).astype("float64")
    band[band == 0] = np.nan
    dx, _, x0, _, dy, y0 = asset["proj:transform"][:6]
    columns, rows = transform("EPSG:3857", "EPSG:32633", east.ravel(), north.ravel())
    columns, rows = (np.array(columns) - x0) / dx, (np.array(rows) - y0) / dy
    sure = (np.abs(columns - np.round(columns)) > 0.011) & (np.abs(rows - np.round(rows)) > 0.011)
    column, row = np.floor(columns).astype(int), np.floor(rows).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < band.shape[1]) & (row < band.shape[0])
    out = np.full(256 * 256, np.nan)
    out[inside] = band[row[inside], column[inside]]
    assert sure.mean() > 0.9
    return out.reshape(256, 256), sure.reshape(256, 256)


def shown(warped, least, most):
    """Grey and alpha; and where these are beyond doubt."""
    values, sure = warped
    grey = np.round(np.clip((values - least) * (255 / (most - least)), 0, 255))
    return np.stack([np.nan_to_num(grey), np.where(np.isnan(values), 0, 255)]), sure


@pytest.mark.parametrize("z", [9, 11, 13])
@pytest.mark.parametrize("extent", [None, {"from_parameter": "spatial_extent"}])
def test_pixels_are_those_of_a_warp(make, source, z, extent):
    service = make(red(extent, format="PNG", options={"range": [0, 2000]}))
    x, y = tile_of(15.25, 45.65, z)
    theirs, sure = shown(warped(source, z, x, y), 0, 2000)
    assert theirs[1].any() and (pixels(fetch(service["url"], z, x, y)) == theirs)[:, sure].all()
    # a tile at the edge of the scene is no-data beyond it
    edges = (shown(warped(source, z, x, row), 0, 2000) + (row,) for row in range(y, y + 2 ** (z - 7)))
    theirs, sure, row = next(edge for edge in edges if 0 < edge[0][1].mean() < 255)
    assert (pixels(fetch(service["url"], z, x, row)) == theirs)[:, sure].all()


def test_settings_and_an_extent_of_its_own(make, source):
    """Without a PNG of its own the service's settings say how it looks; the process's extent cuts."""
    box = {"west": 15.2, "south": 45.62, "east": 15.26, "north": 45.7}
    service = make(red(box), configuration={"range": [0, 1000]})
    x, y = tile_of(15.25, 45.65, 11)
    ours, (theirs, sure) = pixels(fetch(service["url"], 11, x, y)), shown(warped(source, 11, x, y), 0, 1000)
    seen = ours[1] > 0
    assert 0.02 < seen.mean() < 0.9 and (ours == theirs)[:, seen & sure].all()
    step = 360 / 2 ** 11 / 256
    columns = np.flatnonzero(seen.any(axis=0))
    west, east = [x * 360 / 2 ** 11 - 180 + (c + 0.5) * step for c in (columns[0], columns[-1])]
    assert west == pytest.approx(max(15.2, x * 360 / 2 ** 11 - 180), abs=0.005) and east == pytest.approx(15.26, abs=0.005)
    coloured = make(red(box), configuration={"range": [0, 1000], "colormap": {str(i): [i, 0, 255 - i] for i in range(256)}})
    rgba = pixels(fetch(coloured["url"], 11, x, y))
    assert (rgba[3] > 0).mean() == pytest.approx(seen.mean(), abs=1e-3)
    both = seen & (rgba[3] > 0)
    assert (rgba[0] == ours[0])[both].all() and (rgba[2] == 255 - ours[0])[both].all()


def test_steps_that_make_pixels_of_pixels(make):
    graph = red({"from_parameter": "spatial_extent"}, format="PNG", options={"range": [0, 2000]})["process_graph"]
    graph["kernel"] = {"process_id": "apply_kernel", "arguments": {"data": {"from_node": "first"}, "kernel": [[1 / 9] * 3] * 3}}
    graph["save"]["arguments"]["data"] = {"from_node": "kernel"}
    smooth, sharp = make({"process_graph": graph}), make(red(None, format="PNG", options={"range": [0, 2000]}))
    x, y = tile_of(15.25, 45.65, 12)
    a, b = [pixels(fetch(s["url"], 12, x, y))[0].astype(float)[8:-8, 8:-8] for s in (smooth, sharp)]
    assert a.std() < b.std() and a.mean() == pytest.approx(b.mean(), rel=0.05)


def test_life_of_a_service(make, alice, scenes):
    client = openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")
    assert set(client.list_service_types()) == {"xyz", "wmts"}
    service = client.create_service(red()["process_graph"], type="XYZ", configuration={"range": [0, 3000]}, title="red")
    try:
        described = service.describe_service()
        assert (described["type"], described["enabled"], described["title"]) == ("xyz", True, "red")
        assert described["process"]["process_graph"] and described["configuration"] == {"range": [0, 3000]}
        assert service.service_id in [s["id"] for s in client.list_services()]
        assert scenes.session("bob").get(f"{scenes.base}/openeo/1.3/services/{service.service_id}", timeout=TIMEOUT).status_code == 404
        x, y = tile_of(15.25, 45.65, 11)
        url = described["url"]
        before = pixels(fetch(url, 11, x, y))
        # the second time it is kept: no job makes it
        made = service.describe_service()["attributes"]["tiles_made"]
        assert made == 1 and scenes.sql("SELECT count(*) FROM service_tiles") == "0"
        assert (pixels(fetch(url, 11, x, y)) == before).all() and service.describe_service()["attributes"]["tiles_made"] == 1
        change = lambda **what: alice.call("PATCH", f"/services/{service.service_id}", json=what)  # noqa: E731 - not in the client
        assert change(configuration={"range": [0, 1000]}).status_code == 204
        after = pixels(fetch(url, 11, x, y))
        assert after[0].mean() > before[0].mean()
        assert change(enabled=False).status_code == 204
        assert change(enabled=None, title="red").status_code == 204  # as R's client sends what is not to change
        off = fetch(url, 11, x, y)
        assert (off.status_code, off.json()["code"]) == (404, "ServiceNotFound")
        assert change(enabled=True).status_code == 204
        assert (pixels(fetch(url, 11, x, y)) == after).all()
        # where there is nothing, nothing is seen
        empty = fetch(url, 11, *tile_of(-150, -30, 11))
        with rasterio.open(io.BytesIO(empty.content)) as png:
            assert empty.status_code == 200 and png.shape == (256, 256) and not png.dataset_mask().any()
        for z, x, y in [(25, 0, 0), (3, 8, 0), (3, 0, -1), ("a", 0, 0), (3, 1.5, 0)]:
            assert fetch(url, z, x, y).status_code == 404
        logs = alice.call("GET", f"/services/{service.service_id}/logs").json()["logs"]  # (the client asks /service/.../logs)
        assert [e["level"] for e in logs] == ["info"] * 5
        assert change(type="wmts").json()["code"] == "PropertyNotEditable"
    finally:
        service.delete_service()
    assert fetch(url, 11, 1, 1).status_code == 404
    assert not list((scenes.data / "tiles").glob(f"{service.service_id}*"))


def test_what_goes_wrong_is_in_the_log(make, alice):
    """Several dates are no picture; too many pixels are no tile: the owner is told where, the visitor why."""
    dates = {"process_graph": {"load": {**load(bands=["B04"]), "result": True}}}
    service = make(dates)
    x, y = tile_of(15.25, 45.65, 11)
    answer = fetch(service["url"], 11, x, y)
    assert (answer.status_code, answer.json()["code"]) == (400, "FormatUnsuitable") and "5 dates" in answer.json()["message"]
    entry = alice.call("GET", f"/services/{service['id']}/logs?level=error").json()["logs"][-1]
    assert entry["code"] == "FormatUnsuitable" and f"11/{x}/{y}" in entry["message"] and entry["data"] == {"z": 11, "x": x, "y": y}
    last = alice.call("GET", f"/services/{service['id']}/logs?limit=1&level=debug").json()
    assert last["logs"][0]["level"] == "info" and last["links"][0]["rel"] == "next"


@pytest.mark.parametrize("change, code", [
    ({"type": "wcs"}, "ServiceUnsupported"), ({"configuration": {"version": "1"}}, "ServiceConfigUnsupported"),
    ({"configuration": {"range": [1, 0]}}, "ServiceConfigInvalid"), ({"configuration": {"colormap": {}}}, "ServiceConfigInvalid"),
    ({"process": {"process_graph": {"a": {"process_id": "nonsense", "arguments": {}, "result": True}}}}, "ProcessUnsupported"),
    ({"plan": "gold"}, "BillingPlanInvalid")])
def test_what_is_no_service(alice, change, code):
    refused = alice.call("POST", "/services", json={"type": "xyz", "process": red(), **change})
    assert refused.status_code == 400 and refused.json()["code"] == code, refused.text


def test_wmts(make, scenes):
    service = make(red(format="PNG", options={"range": [0, 2000]}), type="WMTS", title="Red & <near>", description="a day")
    xyz = make(red(format="PNG", options={"range": [0, 2000]}))
    x, y = tile_of(15.25, 45.65, 11)
    wmts = WebMapTileService(service["url"])
    assert wmts.identification.title == "Red & <near>" and list(wmts.contents) == ["result"]
    matrix = wmts.tilematrixsets["WebMercatorQuad"].tilematrix["11"]
    assert (matrix.matrixwidth, matrix.tilewidth) == (2048, 256) and matrix.topleftcorner == pytest.approx((-HALF, HALF))
    assert matrix.scaledenominator == pytest.approx(559082264.0287178 / 2 ** 11)
    wanted = fetch(xyz["url"], 11, x, y).content
    by_query = wmts.gettile(layer="result", tilematrixset="WebMercatorQuad", tilematrix="11", row=y, column=x, format="image/png").read()
    template = wmts.contents["result"].resourceURLs[0]["template"]
    by_path = fetch(template.replace("{TileMatrix}", "11").replace("{TileCol}", str(x)).replace("{TileRow}", str(y))).content
    assert by_query == by_path == wanted
    assert requests.get(service["url"] + "/1.0.0/WMTSCapabilities.xml", timeout=TIMEOUT).content == requests.get(
        service["url"], params={"SERVICE": "WMTS", "REQUEST": "GetCapabilities"}, timeout=TIMEOUT).content
    for params, code in [({"request": "GetTile"}, "MissingParameterValue"), ({"request": "GetFeatureInfo"}, "OperationNotSupported"),
                         ({"request": "GetCapabilities", "service": "WMS"}, "InvalidParameterValue")]:
        answer = requests.get(service["url"], params=params, timeout=TIMEOUT)
        assert answer.status_code == 400 and f'exceptionCode="{code}"' in answer.text


def test_many_ask_for_one_tile(make, scenes):
    """One job makes it for all of them."""
    service = make(red(format="PNG", options={"range": [0, 2500]}))
    x, y = tile_of(15.25, 45.65, 12)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: fetch(service["url"], 12, x, y), range(8)))
    assert {a.status_code for a in answers} == {200} and len({a.content for a in answers}) == 1
    assert scenes.sql(f"SELECT tiles FROM services WHERE id = '{service['id']}'") == "1"


def test_private_services(scenes, alice, make):
    """With a key in the address that can be exchanged, or for the owner alone."""
    bob = scenes.session("bob")
    x, y = tile_of(15.25, 45.65, 9)

    def status(url, **more):
        url = url.replace("{z}", "9").replace("{x}", str(x)).replace("{y}", str(y))
        return requests.get(url, timeout=TIMEOUT, **more).status_code

    def change(id, **configuration):
        assert alice.call("PATCH", f"/services/{id}", json={"configuration": configuration}).status_code == 204
        return alice.call("GET", f"/services/{id}").json()["url"]

    service = make(red(format="PNG", options={"range": [0, 2000]}), configuration={"access": "key"})
    url, id = service["url"], service["id"]
    listed = alice.call("GET", "/services").json()["services"]
    assert "?key=" in url and next(s["url"] for s in listed if s["id"] == id) == url
    answer = fetch(url, 9, x, y)
    assert pixels(answer)[1].any() and answer.headers["Cache-Control"].startswith("private")
    bare = url.partition("?")[0]
    assert [status(u) for u in (bare, bare + "?key=", bare + "?key=1-abc", url[:-1] + ("A" if url[-1] != "A" else "B"))] == [403] * 4
    other = make(red(), configuration={"access": "key"})["url"]
    assert status(bare + "?" + other.partition("?")[2]) == 403
    assert status(bare, headers=dict(alice.session.headers)) in (200, 503) and status(bare, headers=dict(bob.headers)) == 403
    changed = change(id, access="key", key_name="second")
    assert changed != url and status(url) == 403 and fetch(changed, 9, x, y).status_code == 200
    owners = change(id, access="owner")
    assert "?" not in owners and (status(owners), status(changed), status(owners, headers=dict(bob.headers))) == (401, 401, 403)
    assert status(owners, headers=dict(alice.session.headers)) in (200, 503)
    opened = change(id)
    assert fetch(opened, 9, x, y).headers["Cache-Control"].startswith("public")
    # WMTS tells addresses with the key
    maps = make(red(), type="wmts", configuration={"access": "key"})["url"]
    assert status(maps.partition("?")[0]) == 403
    told = requests.get(maps, timeout=TIMEOUT)
    key = maps.partition("?")[2]
    assert told.status_code == 200 and told.text.count(key) == 4
    assert requests.get(re.search(r'ServiceMetadataURL xlink:href="([^"]+)"', told.text)[1], timeout=TIMEOUT).status_code == 200
    tile = re.search(r'template="([^"]+)"', told.text)[1].replace("{TileMatrix}", "{z}").replace("{TileCol}", "{x}").replace("{TileRow}", "{y}")
    assert fetch(tile, 9, x, y).status_code == 200
    by_query = re.findall(r'xlink:href="([^"]+)"', told.text)[1].replace("&amp;", "&")
    assert fetch(by_query + f"service=WMTS&request=GetTile&version=1.0.0&layer=result&style=default&format=image/png&tilematrixset=WebMercatorQuad"
                 f"&tilematrix=9&tilerow={y}&tilecol={x}").status_code == 200
    for wrong in ({"access": "all"}, {"access": 1}, {"key_name": "a/b"}, {"key_name": ""}):
        refused = alice.call("POST", "/services", json={"type": "xyz", "process": red(), "configuration": wrong})
        assert refused.json()["code"] == "ServiceConfigInvalid"
