"""load_stac: items, static collections, a STAC API and results, from a server of the test."""
import functools
import http.server
import json
import threading
import urllib.parse

import numpy
import pytest

from test_cubes import cube_of, load, node, run
from test_random_graphs import H, W, write_scene

DATES = [f"2023-0{m}-10T10:00:00Z" for m in range(1, 8)]


class Handler(http.server.SimpleHTTPRequestHandler):
    asked = []

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        self.asked.append(self.path)
        if not url.path.startswith("/api"):
            return super().do_GET()
        if url.path == "/api/circle":
            return self.answer({"type": "FeatureCollection", "features": [], "links": [{"rel": "next", "href": "circle"}]})
        if url.path == "/api/collection":
            return self.answer({"type": "Collection", "id": "of-api", "links": [{"rel": "items", "href": "/api/items"}]})
        query = dict(urllib.parse.parse_qsl(url.query))
        start, _, end = query.get("datetime", "../..").partition("/")
        found = [i for i, d in enumerate(DATES) if (start == ".." or d >= start) and (end == ".." or d <= end)]
        first, links = int(query.get("page", 0)) * 2, []
        if first + 2 < len(found):
            links = [{"rel": "next", "href": f"?{urllib.parse.urlencode({**query, 'page': first // 2 + 1})}"}]
        items = [json.loads(open(f"{self.directory}/s/S{i}/S{i}.json").read()) for i in found[first:first + 2]]
        for item in items:
            for asset in item["assets"].values():
                asset["href"] = f"../s/{item['id']}/{asset['href']}"
        self.answer({"type": "FeatureCollection", "features": items, "links": links})

    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """Seven scenes as static files; item 3 is cloudy."""
    folder = tmp_path_factory.mktemp("stac")
    r = numpy.random.default_rng(8)
    for i, date in enumerate(DATES):
        write_scene(folder / "s", i, date, {b: r.integers(1, 200, (H, W)) for b in "ABC"})
        item = json.loads((folder / f"s/S{i}/S{i}.json").read_text())
        item["properties"]["eo:cloud_cover"] = 90 if i == 3 else 5
        (folder / f"s/S{i}/S{i}.json").write_text(json.dumps(item))
    links = [{"rel": "item", "href": f"s/S{i}/S{i}.json"} for i in range(4)] + [{"rel": "child", "href": "more/catalog.json"}]
    dimensions = {"lon": {"type": "spatial", "axis": "x"}, "when": {"type": "temporal"}, "spectral": {"type": "bands", "values": ["C", "B", "A"]}}
    (folder / "collection.json").write_text(json.dumps({"type": "Collection", "id": "static", "links": links, "cube:dimensions": dimensions}))
    (folder / "more").mkdir()
    links = [{"rel": "item", "href": f"../s/S{i}/S{i}.json"} for i in range(4, 7)] + [{"rel": "child", "href": "../collection.json"}]
    (folder / "more/catalog.json").write_text(json.dumps({"type": "Catalog", "id": "more", "links": links}))
    item = json.loads((folder / "s/S0/S0.json").read_text())
    for asset in item["assets"].values():
        asset["href"] = "file:///etc/passwd"
    (folder / "strange.json").write_text(json.dumps(item))
    (folder / "tree.json").write_text(json.dumps({"type": "Tree"}))
    assets = json.loads((folder / "s/S5/S5.json").read_text())["assets"]
    for asset in assets.values():
        asset.update({"href": f"s/S5/{asset['href']}", "proj:epsg": 32633})
    (folder / "results.json").write_text(json.dumps({
        "type": "Collection", "id": "job", "assets": assets, "links": [],
        "extent": {"spatial": {"bbox": [[15, 46, 15.1, 46.1]]}, "temporal": {"interval": [["2023-06-10T10:00:00Z", None]]}}}))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", folder
        server.shutdown()


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setenv("SENTIER_JOBS_URL_HOSTS", "127.0.0.1")
    monkeypatch.setenv("SENTIER_RASTER_ALLOWED_HOSTS", "127.0.0.1")


def stac(web, path, **arguments):
    return {"load": {"process_id": "load_stac", "arguments": {"url": f"{web[0]}/{path}", **arguments}}}


def local(web, tmp_path, **arguments):
    (tmp_path / "local").mkdir(exist_ok=True)
    return cube_of(web[1] / "s", tmp_path / "local", load(**arguments))


@pytest.mark.parametrize("path", ["collection.json", "api/collection", "api/items"])
def test_the_same_as_load_collection(web, allowed, tmp_path, path):
    got, result = cube_of(web[1] / "s", tmp_path, stac(web, path, bands=["A", "B"]))
    want, ours = local(web, tmp_path, bands=["A", "B"])
    numpy.testing.assert_array_equal(got, want)
    names = {"when": "t", "lon": "x", "spectral": "bands"}
    assert {names.get(k, k): v for k, v in result["labels"].items()} == ours["labels"]
    assert ("when" in result["dims"]) == (path == "collection.json")


def test_an_item_and_its_bands(web, allowed, tmp_path):
    got, result = cube_of(web[1] / "s", tmp_path, stac(web, "s/S2/S2.json"))
    want, _ = local(web, tmp_path, temporal_extent=["2023-03-01", "2023-04-01"])
    numpy.testing.assert_array_equal(got, want)
    assert result["labels"]["bands"] == ["A", "B", "C"] and result["labels"]["t"] == ["2023-03-10T10:00:00Z"]


def test_bands_in_the_order_of_the_collection(web, allowed, tmp_path):
    _, result = cube_of(web[1] / "s", tmp_path, stac(web, "collection.json"))
    assert result["labels"]["spectral"] == ["C", "B", "A"]


def test_results_of_another_back_end(web, allowed, tmp_path):
    got, result = cube_of(web[1] / "s", tmp_path, stac(web, "results.json", bands=["B"]))
    want, _ = local(web, tmp_path, bands=["B"], temporal_extent=["2023-06-01", "2023-07-01"])
    numpy.testing.assert_array_equal(got, want)
    assert result["labels"]["t"] == ["2023-06-10T10:00:00Z"]


def test_conditions(web, allowed, tmp_path):
    """Area, period and properties; the API is asked for the period alone that counts."""
    cloudless = {"eo:cloud_cover": {"process_graph": {"c": {
        "process_id": "lt", "arguments": {"x": {"from_parameter": "value"}, "y": 20}, "result": True}}}}
    box = {"west": 15.0, "east": 15.0003, "south": 46.0, "north": 46.1}
    arguments = {"bands": ["A"], "temporal_extent": ["2023-02-01", "2023-06-10T10:00:00Z"], "properties": cloudless}
    Handler.asked.clear()
    for path in ("collection.json", "api/collection"):
        (tmp_path / path[:3]).mkdir()
        got, result = cube_of(web[1] / "s", tmp_path / path[:3], stac(web, path, **arguments))
        want, _ = local(web, tmp_path, bands=["A"], temporal_extent=["2023-02-01", "2023-06-10T10:00:00Z"])
        numpy.testing.assert_array_equal(got, want[[0, 1, 3]])
    assert any("datetime=2023-02-01T00:00:00Z/2023-06-10T10:00:00Z" in a and "limit=" in a for a in Handler.asked)
    done = run(web[1] / "s", tmp_path, {"l": {**stac(web, "collection.json", spatial_extent={**box, "west": 3, "east": 4})["load"], "result": True}})
    assert done.returncode != 0 and "box and period as given" in done.stderr, done.stderr


def test_filters_after_it_are_asked_for(web, allowed, tmp_path):
    Handler.asked.clear()
    nodes = {**stac(web, "api/collection", bands=["A"]), "f": node("filter_temporal", extent=["2023-05-01", "2023-06-01"])}
    got, result = cube_of(web[1] / "s", tmp_path, nodes)
    assert result["labels"]["t"] == ["2023-05-10T10:00:00Z"]
    assert any("datetime=2023-05-01T00:00:00Z/2023-06-01T00:00:00Z" in a for a in Handler.asked)


ERRORS = [("gone.json", "the server answered 404"), ("tree.json", "found a document of the type 'Tree'"),
          ("api/circle", "go round in a circle"), ("strange.json", "none has an image"), ("s/S0/A.tif", "JSON")]


@pytest.mark.parametrize("path, message", ERRORS)
def test_errors(web, allowed, tmp_path, path, message):
    done = run(web[1] / "s", tmp_path, {"l": {**stac(web, path)["load"], "result": True}})
    assert done.returncode != 0 and message in done.stderr, done.stderr


def test_private_addresses(web, tmp_path, monkeypatch):
    """Documents and assets only from where the operator says so."""
    nodes = {"l": {**stac(web, "s/S0/S0.json")["load"], "result": True}}
    assert "'127.0.0.1' is not a public address" in run(web[1] / "s", tmp_path, nodes).stderr
    monkeypatch.setenv("SENTIER_JOBS_URL_HOSTS", "127.0.0.1")
    assert "its host is not among the allowed hosts" in run(web[1] / "s", tmp_path, nodes).stderr
