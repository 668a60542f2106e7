"""Collection output: outputs of processes as collections, read by plain HTTP and by GDAL's OGCAPI driver."""
import io
import json
import os
import re
import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.warp
import rasterio.windows
from test_ogc_jobs import end_of
from test_ogc_packages import deploy

pytestmark = pytest.mark.sanitizer
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
BOX = [15.2, 45.48, 15.26, 45.52]


@pytest.fixture(scope="module")
def alice(scenes):
    return scenes.session("alice")


def make(session, service, process, body, **params):
    return session.post(f"{service.base}/ogc/processes/{process}/execution", params={"response": "collection", **params}, json=body,
                        allow_redirects=False, timeout=60)


def links(document):
    return {link["rel"]: link["href"] for link in document["links"]}


@pytest.fixture(scope="module")
def counts(scenes, alice):
    """Clear dates of each pixel, as a collection."""
    answer = make(alice, scenes, "ndvi-composite", {"inputs": {"bbox": {"bbox": BOX}}, "outputs": {"count": {}}})
    assert answer.status_code == 303, answer.text
    document = alice.get(answer.headers["Location"], timeout=60)
    assert document.status_code == 200, document.text
    return document.json()


@pytest.fixture(scope="module")
def truth(scenes, alice):
    """The same output, as the process gives it."""
    answer = alice.post(f"{scenes.base}/ogc/processes/ndvi-composite/execution", timeout=120,
                        json={"inputs": {"bbox": {"bbox": BOX}}, "outputs": {"count": {}}})
    assert answer.status_code == 200, answer.text
    return answer.content


def test_description(scenes, alice, counts, truth):
    with rasterio.open(io.BytesIO(truth)) as file:
        box = rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds)
        assert counts["crs"] == ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", f"http://www.opengis.net/def/crs/EPSG/0/{file.crs.to_epsg()}"]
        assert [cells["cellsCount"] for cells in counts["extent"]["spatial"]["grid"]] == [file.width, file.height]
    assert np.allclose(counts["extent"]["spatial"]["bbox"], [box], atol=1e-5)
    assert len(counts["rangeType"]["field"]) == 1
    assert {REL + "coverage", REL + "map", "self", "alternate"} <= set(links(counts))
    listed = alice.get(scenes.base + "/ogc/collections", timeout=30).json()["collections"]
    assert counts["id"] in [c["id"] for c in listed]
    assert alice.get(links(counts)["alternate"], timeout=30).headers["Content-Type"].startswith("text/html")
    # the same request is the same collection; nobody else sees it
    again = make(alice, scenes, "ndvi-composite", {"inputs": {"bbox": {"bbox": BOX}}, "outputs": {"count": {}}})
    assert again.headers["Location"] == links(counts)["self"]
    assert scenes.session("bob").get(links(counts)["self"], timeout=30).status_code == 404


def coverage(session, counts, **params):
    answer = session.get(links(counts)[REL + "coverage"], params=params, timeout=120)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/tiff; application=geotiff"
    return rasterio.open(io.BytesIO(answer.content))


def test_own_pixels(alice, counts, truth):
    """In its own reference system a coverage is what the process gives; a part of it is a part of that."""
    with rasterio.open(io.BytesIO(truth)) as whole:
        with coverage(alice, counts, crs=counts["crs"][1]) as got:
            assert (got.bounds, got.shape, got.dtypes) == (whole.bounds, whole.shape, whole.dtypes)
            assert np.array_equal(got.read(), whole.read())
        left, bottom, right, top = whole.bounds
        pixel = whole.res[0]
        part = f"E({left + 2.1 * pixel}:{left + 9.8 * pixel}),N({top - 6.2 * pixel}:{top - 0.9 * pixel})"  # rounded to whole pixels
        with coverage(alice, counts, subset=part, **{"crs": f"EPSG:{whole.crs.to_epsg()}", "subset-crs": f"[EPSG:{whole.crs.to_epsg()}]"}) as got:
            window = rasterio.windows.from_bounds(*got.bounds, whole.transform)
            assert got.shape == (7, 8) and np.allclose((window.col_off, window.row_off), (2, 0))
            assert np.array_equal(got.read(1), whole.read(1, window=window.round_offsets().round_lengths()))


@pytest.mark.parametrize("params, shape", [
    ({"subset": "Lat(45.49:45.5),Lon(15.21:15.23)", "scale-size": "Lon(40),Lat(20)"}, (20, 40)),
    ({"bbox": "15.21,45.49,15.23,45.5", "width": "40"}, (20, 40)),
    ({"bbox": "15.21,45.49,15.23,45.5", "scaleSize": "Long(40),Lat(20)", "f": "geotiff"}, (20, 40)),
])
def test_in_degrees(alice, counts, truth, params, shape):
    """Pixels of the nearest place, as GDAL warps them."""
    with rasterio.open(io.BytesIO(truth)) as whole, coverage(alice, counts, **params) as got:
        assert got.shape == shape and got.crs.to_epsg() == 4326
        assert np.allclose(got.bounds, (15.21, 45.49, 15.23, 45.5))
        xs, ys = rasterio.warp.transform("EPSG:4326", whole.crs, *[list(v) for v in zip(*[got.xy(r, c) for r in range(20) for c in range(40)])])
        want = np.array([v[0] for v in whole.sample(zip(xs, ys))]).reshape(20, 40)
        assert np.mean(got.read(1) == want) > 0.5  # coarser pixels come of overviews; most of a count is alike
        assert abs(float(got.read(1).mean()) - float(want.mean())) < 0.2


def test_scale(alice, counts, truth):
    with rasterio.open(io.BytesIO(truth)) as whole, coverage(alice, counts, **{"scale-factor": 4, "crs": f"EPSG:{whole.crs.to_epsg()}"}) as got:
        assert got.res == (whole.res[0] * 4, whole.res[1] * 4)


def test_map(alice, counts):
    answer = alice.get(links(counts)[REL + "map"], params={"bbox": "15.2,45.48,15.26,45.52", "width": 60, "height": 40, "range": "0,5"}, timeout=60)
    assert answer.headers["Content-Type"] == "image/png", answer.text
    with rasterio.open(io.BytesIO(answer.content)) as file:
        assert file.shape == (40, 60) and file.read(1).max() > 100


def test_nothing_is_there(alice, counts):
    assert alice.get(links(counts)[REL + "coverage"], params={"bbox": "100,10,101,11", "width": 8}, timeout=60).status_code in (200, 204)


@pytest.mark.parametrize("params, place", [
    ({"bbox": "1,2,3"}, "bbox: "), ({"bbox": "3,2,1,4"}, "bbox: "), ({"subset": "Z(1:2)"}, "subset: "), ({"subset": "Lon(2:1)"}, "subset: "),
    ({"scale-size": "Lon(0)"}, "scale-size: "), ({"width": "1e9"}, "width: "), ({"crs": "EPSG:1"}, "crs: "), ({"crs": "EPSG:99999"}, "crs: "),
    ({"scale-factor": "0"}, "scale-factor: "), ({"scale-factor": "1e-3"}, "scale-size: "), ({"nothing": "1"}, "nothing: "), ({"f": "pdf"}, "f: "),
])
def test_what_is_refused(alice, counts, params, place):
    answer = alice.get(links(counts)[REL + "coverage"], params=params, timeout=30)
    assert answer.status_code == 400 and answer.json()["detail"].startswith(place), answer.text


def test_which_output(scenes, alice):
    answer = make(alice, scenes, "ndvi-composite", {"inputs": {"bbox": {"bbox": BOX}}})
    assert (answer.status_code, answer.json()["detail"].split(":")[0]) == (400, "/outputs"), answer.text
    answer = make(alice, scenes, "ndvi-composite", {"inputs": {"bbox": {"bbox": BOX}}, "outputs": {"count": {}, "ndvi": {}}})
    assert answer.status_code == 200 and set(answer.json()) == {"count", "ndvi"}, answer.text
    for link in answer.json().values():
        assert alice.get(link["href"], timeout=60).status_code == 200
    # as a dataset: its landing page leads to them, whether they are chosen or all there are
    for outputs, names in (({"outputs": {"count": {}, "ndvi": {}}}, 2), ({}, 3), ({"outputs": {"count": {}}}, 1)):
        dataset = make(alice, scenes, "ndvi-composite", {"inputs": {"bbox": {"bbox": BOX}}, **outputs}, response="landingPage")
        assert dataset.status_code == 303, dataset.text
        landing = alice.get(dataset.headers["Location"], timeout=60).json()
        assert {"service-desc", "data", REL + "conformance", "self", "alternate"} <= set(links(landing))
        collections = alice.get(links(landing)["data"], timeout=60).json()["collections"]
        assert len(collections) == names and len({c["id"] for c in collections}) == names
        for one in collections:
            assert REL + "coverage" in links(alice.get(links(one)["self"], timeout=60).json())
        assert alice.get(links(landing)["alternate"], timeout=60).headers["Content-Type"].startswith("text/html")
        assert scenes.session("bob").get(dataset.headers["Location"], timeout=30).status_code == 404
    assert alice.get(scenes.base + "/ogc/datasets/,", timeout=30).status_code == 404
    assert make(alice, scenes, "ndvi-composite", {}, response="nothing").status_code == 400
    assert make(alice, scenes, "ndvi-composite", {"inputs": {"none": 1}, "outputs": {"count": {}}}).status_code == 400


def test_a_graph_that_is_not_deployed(scenes, alice, counts):
    """Posted as it is, one that makes a raster is a coverage, too."""
    box = dict(zip(("west", "south", "east", "north"), BOX))
    graph = {"load": {"process_id": "load_collection", "arguments": {"id": "sentinel-2-l2a", "spatial_extent": box, "temporal_extent": None, "bands": ["B04"]}},
             "first": {"process_id": "reduce_dimension", "arguments": {"data": {"from_node": "load"}, "dimension": "t", "reducer": {"process_graph": {
                 "m": {"process_id": "max", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "first"}, "format": "GTiff"}, "result": True}}
    found = {}
    for body in (graph, {"executionUnit": {"process_graph": graph}, "outputs": {"save": {}}}):
        answer = make(alice, scenes, "OpenEO", body)
        assert answer.status_code == 303, answer.text
        document = alice.get(answer.headers["Location"], timeout=60).json()
        with coverage(alice, document, width=20) as file:
            found[document["id"]] = float(file.read(1).max())
    assert list(found.values())[0] > 0 and len(set(found.values())) == 1


FIELDS = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "id": f"f{i}", "geometry": {"type": "Point", "coordinates": [15.2 + i / 100, 45.5]}, "properties": {"n": i}} for i in range(5)]}


@pytest.fixture(scope="module")
def same_fields(scenes, alice):
    """A process that gives its features back."""
    package = {"process_graph": {"self": {"process_id": "constant", "arguments": {"x": {"from_parameter": "fields"}}, "result": True}},
               "parameters": [{"name": "fields", "description": "", "schema": {"type": "object", "subtype": "geojson"}}]}
    deploy(alice, scenes, {"processDescription": {"id": "same-fields"}, "executionUnit": package})
    return "same-fields"


def test_features(scenes, alice, same_fields):
    """An output that is no raster is made by a job, and has items."""
    answer = make(alice, scenes, same_fields, {"inputs": {"fields": {"value": FIELDS}}})
    assert answer.status_code == 303, answer.text
    document = alice.get(answer.headers["Location"], timeout=60).json()
    items = links(document)["items"]
    page = alice.get(items, params={"limit": 2}, timeout=30).json()
    assert ([f["id"] for f in page["features"]], page["numberMatched"]) == (["f0", "f1"], 5)
    page = alice.get(links(page)["next"], timeout=30).json()
    assert [f["id"] for f in page["features"]] == ["f2", "f3"]
    page = alice.get(items, params={"bbox": "15.215,45,15.235,46"}, timeout=30).json()
    assert [f["id"] for f in page["features"]] == ["f2", "f3"]
    assert [f["id"] for f in alice.get(items, params={"filter": "n > 3"}, timeout=30).json()["features"]] == ["f4"]
    assert alice.get(items + "/f3", timeout=30).json()["properties"] == {"n": 3}
    assert alice.get(items + "/g", timeout=30).status_code == 404
    assert alice.get(items, params={"filter": "n >"}, timeout=30).status_code == 400
    assert alice.get(links(document)["self"] + "/coverage", timeout=30).status_code == 404


def test_features_on_a_page(scenes, alice, same_fields):
    """Features are drawn where they lie, with a table of what they tell."""
    fields = {**FIELDS, "features": FIELDS["features"] + [{"type": "Feature", "properties": {"name": "<wood>", "n": 1 / 3}, "geometry": {
        "type": "Polygon", "coordinates": [[[15.3, 45.5], [15.4, 45.5], [15.4, 45.6], [15.3, 45.5]]]}}]}
    answer = alice.post(f"{scenes.base}/ogc/processes/{same_fields}/execution", json={"inputs": {"fields": {"value": fields}}},
                        headers={"Prefer": "respond-async"}, timeout=30)
    job = answer.headers["Location"]
    assert end_of(alice, job)["status"] == "successful"
    assert alice.get(job + "/results", timeout=30).json()["features"] == fields["features"]
    page = alice.get(job + "/results?f=html", timeout=30).text
    drawn = re.findall(r'<path class="area" d="([^"]*)"><title>([^<]*)</title>', page)
    assert [title for _, title in drawn] == ["f0", "f1", "f2", "f3", "f4", "&lt;wood&gt;"] and "<td>&lt;wood&gt;</td>" in page and ">0.3333333<" in page
    x = [float(re.match(r"M([\d.]+) ", path)[1]) for path, _ in drawn]
    assert max(abs(b - a - x[1] + x[0]) for a, b in zip(x[:4], x[1:5])) < 0.3  # 0.01 degrees each
    corners = [tuple(map(float, pair.split())) for pair in re.split("[ML]", drawn[5][0].rstrip("Z"))[1:]]
    assert abs(corners[0][0] - x[0] - 10 * (x[4] - x[0]) / 4) < 0.5 and corners[0] == corners[-1]
    wide, high = corners[1][0] - corners[0][0], corners[1][1] - corners[2][1]
    assert abs(wide / high - np.cos(np.radians(45.55))) < 0.01
    assert '<path class="area"' in alice.get(job + "?f=html", timeout=30).text


def test_gdal_features(scenes, alice, same_fields):
    answer = make(alice, scenes, same_fields, {"inputs": {"fields": {"value": FIELDS}}})
    env = {**os.environ, "GDAL_HTTP_HEADERS": f"Authorization: {alice.headers['Authorization']}"}
    out = subprocess.run(["ogrinfo", "-al", "-geom=NO", "OAPIF_COLLECTION:" + answer.headers["Location"], "-oo", "PAGE_SIZE=2"], env=env, check=True,
                         capture_output=True, text=True).stdout
    assert "Feature Count: 5" in out and out.count("n (Integer) = ") == 5, out
    out = subprocess.run(["ogrinfo", "OGCAPI:" + scenes.base + "/ogc"], env=env, check=True, capture_output=True, text=True).stdout
    assert f"_NAME=OGCAPI:{answer.headers['Location']}\n" in out, out
    out = subprocess.run(["ogrinfo", "-al", "-q", "-spat", "15.215", "45", "15.235", "46", "OGCAPI:" + answer.headers["Location"]], env=env, check=True,
                         capture_output=True, text=True).stdout
    assert re.findall(r"n \(Integer\) = (\d)", out) == ["2", "3"] and "POINT (15.22 45.5)" in out, out
    assert alice.delete(answer.headers["Location"], timeout=30).status_code == 204
    assert alice.get(answer.headers["Location"], timeout=30).status_code == 404


def test_a_workflow(scenes, alice, counts):
    """The results of a workflow, once they are there, are a coverage."""
    nested = {"inputs": {"collection": {"process": "ndvi-composite", "inputs": {"bbox": {"bbox": BOX}}, "outputs": {"count": {}}}}}
    answer = make(alice, scenes, "convert", nested)
    assert answer.status_code == 303, answer.text
    document = alice.get(answer.headers["Location"], timeout=60)
    assert document.status_code == 200, document.text
    assert "monitor" in links(document.json())
    native = counts["crs"][1]
    with coverage(alice, document.json(), crs=native) as got, coverage(alice, counts, crs=native) as want:
        assert got.shape == want.shape and np.array_equal(got.read(1), want.read(1))


def test_gdal(scenes, alice, counts, tmp_path):
    """GDAL reads a collection by its address, and a workflow that it sends itself."""
    env = {**os.environ, "GDAL_HTTP_HEADERS": f"Authorization: {alice.headers['Authorization']}", "GDAL_DEFAULT_WMS_CACHE_PATH": str(tmp_path / "tiles")}
    info = json.loads(subprocess.run(["gdalinfo", "-json", "OGCAPI:" + links(counts)["self"]], env=env, check=True, capture_output=True, text=True).stdout)
    assert np.allclose(info["cornerCoordinates"]["lowerLeft"] + info["cornerCoordinates"]["upperRight"], counts["extent"]["spatial"]["bbox"][0])
    small = tmp_path / "small.tif"
    for source in ("OGCAPI:" + links(counts)["self"], tmp_path / "flow.moaw"):
        if str(source).endswith(".moaw"):
            address = scenes.base + "/ogc/processes/ndvi-composite/execution?response=collection"
            source.write_text(json.dumps({"process": address, "inputs": {"bbox": {"bbox": BOX}}, "outputs": {"count": {}}}))
        subprocess.run(["gdal_translate", "-q", "-outsize", "200", "0", str(source), str(small)], env=env, check=True, capture_output=True)
        with rasterio.open(small) as file, coverage(alice, counts, **{"width": 200}) as want:
            assert file.count == 1 and abs(float(file.read(1).mean()) - float(want.read(1).mean())) < 0.3 and file.read(1).max() > 0
