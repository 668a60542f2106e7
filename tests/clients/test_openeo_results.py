"""Results of jobs as STAC 1.1: documents, items, signed links of every kind, all files as a zip, stores by their path."""
import io
import json
import subprocess
import time
import zipfile

import numpy as np
import pystac
import pystac.validation
import pytest
import rasterio
import requests
import zarr
from graphs import ndvi_of_window
from jobs_common import Jobs
from test_validators import NODE_VALIDATOR

TIMEOUT = 60


@pytest.fixture(scope="module")
def alice(scenes):
    return Jobs(scenes, scenes.session("alice"))


def link(document, rel):
    return next(k["href"] for k in document["links"] if k["rel"] == rel)


@pytest.fixture(scope="module")
def dates(alice):
    """A finished job with a GeoTIFF for each of five dates, and its document."""
    graph = ndvi_of_window(format="GTiff")["process_graph"]
    graph["save"]["arguments"]["data"] = {"from_node": "ndvi"}
    del graph["median"]
    job = alice.create(graph)
    assert alice.wait(job)["status"] == "finished"
    return job, alice.call("GET", f"/jobs/{job}/results").json()


@pytest.fixture(scope="module")
def items(dates):
    return [requests.get(k["href"], timeout=TIMEOUT).json() for k in dates[1]["links"] if k["rel"] == "item"]


def test_collection_and_items(dates, items, alice):
    job, document = dates
    assert (document["type"], document["stac_version"], document["id"]) == ("Collection", "1.1.0", job)
    assert len(items) == len(document["assets"]) == 5
    merged = {}
    for item in items:
        assert item["stac_version"] == "1.1.0" and len(item["assets"]) == 1
        merged |= item["assets"]
        (name, asset), = item["assets"].items()
        body = requests.get(asset["href"], timeout=TIMEOUT).content
        assert len(body) == asset["file:size"]
        with rasterio.open(io.BytesIO(body)) as tif:
            pixels = np.ma.masked_invalid(tif.read(1, masked=True))
            assert asset["proj:code"] == f"EPSG:{tif.crs.to_epsg()}" and asset["proj:shape"] == list(tif.shape)
            assert asset["proj:transform"][:6] == list(tif.transform)[:6]
            assert asset["proj:bbox"] == pytest.approx(list(tif.bounds))
        band, = asset["bands"]
        assert band == asset["raster:bands"][0] and band["data_type"] == "float32"
        assert band["statistics"]["mean"] == pytest.approx(pixels.mean(), rel=1e-5)
        assert item["properties"]["datetime"][:10] in name
        days = [k["href"] for k in item["links"] if k["rel"] == "derived_from"]
        assert days and all(requests.get(d, timeout=TIMEOUT).status_code == 200 for d in days)
    # what is not signed is the same everywhere
    bare = {name: {**asset, "href": asset["href"].split("?")[0]} for name, asset in merged.items()}
    assert bare == {name: {**asset, "href": asset["href"].split("?")[0]} for name, asset in document["assets"].items()}
    canonical = requests.get(link(document, "canonical"), timeout=TIMEOUT).json()
    assert canonical["id"] == job and set(canonical["assets"]) == set(document["assets"])
    geojson = alice.call("GET", f"/jobs/{job}/results", headers={"Accept": "application/geo+json"}).json()
    assert geojson["type"] == "Feature" and set(geojson["assets"]) == set(document["assets"])


def test_validators_accept_them(dates, items, alice, schemas, tmp_path, monkeypatch):
    things = [dates[1], *items, alice.call("GET", f"/jobs/{dates[0]}/results", headers={"Accept": "application/geo+json"}).json()]
    assert [schemas.errors(thing) for thing in things] == [[]] * len(things)
    monkeypatch.setattr(pystac.validation.stac_validator.JsonSchemaSTACValidator, "validate_extension", lambda *_, **__: None)
    pystac.Collection.from_dict(json.loads(json.dumps(things[0])))  # (its validation would fetch the schemas of 1.1)
    for thing in things[1:]:
        pystac.Item.from_dict(json.loads(json.dumps(thing)))
    if not NODE_VALIDATOR.exists():
        return
    for i, thing in enumerate(things):
        (tmp_path / f"{i}.json").write_text(json.dumps(thing))
    anything = tmp_path / "anything"
    anything.write_text("{}")
    places = {**schemas.files, **{f"https://proj.org/schemas/v0.{n}/projjson.schema.json": anything for n in range(1, 8)}}
    config = tmp_path / "config"
    config.write_text(json.dumps({"schemaMap": {uri: str(path) for uri, path in places.items()}}))
    done = subprocess.run([NODE_VALIDATOR, "--config", config, *sorted(tmp_path.glob("*.json"))], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and f"Passed: {len(things)}" in done.stdout, (done.stdout + done.stderr)[-3000:]


def test_all_files_as_a_zip(dates):
    _, document = dates
    href = link(document, "enclosure")
    head = requests.head(href, timeout=TIMEOUT)
    answer = requests.get(href, timeout=TIMEOUT)
    assert answer.status_code == head.status_code == 200
    assert int(head.headers["Content-Length"]) == int(answer.headers["Content-Length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        assert set(archive.namelist()) == {*document["assets"], "collection.json"}
        told = json.loads(archive.read("collection.json"))
        for name, asset in document["assets"].items():
            assert archive.read(name) == requests.get(asset["href"], timeout=TIMEOUT).content
            assert told["assets"][name]["href"] == "./" + name
    assert "signature" not in json.dumps(told)


def test_a_store_is_read_by_its_path(alice, dates, schemas, tmp_path):
    """Zarr's own client of HTTP appends names to an address; the address is the key."""
    job = alice.create(ndvi_of_window(format="Zarr")["process_graph"])
    assert alice.wait(job)["status"] == "finished"
    document = alice.call("GET", f"/jobs/{job}/results").json()
    assert schemas.errors(document) == []
    asset, = document["assets"].values()
    store = asset["alternate"]["store"]["href"]
    metadata = requests.get(store + "/.zmetadata", timeout=TIMEOUT)
    assert metadata.status_code == 200
    # all that the zip holds is there, chunk by chunk, and nothing else
    packed = tmp_path / "packed.zip"
    packed.write_bytes(requests.get(asset["href"], timeout=TIMEOUT).content)
    with zipfile.ZipFile(packed) as archive:
        for name in archive.namelist():
            target = tmp_path / "store" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(requests.get(f"{store}/{name}", timeout=TIMEOUT).content)
    ours, theirs = [zarr.open(s, mode="r") for s in (str(tmp_path / "store"), zarr.storage.ZipStore(packed, mode="r"))]
    assert sorted(n for n, _ in ours.arrays()) == sorted(n for n, _ in theirs.arrays())
    for name, array in theirs.arrays():
        assert np.array_equal(array[...], ours[name][...], equal_nan=array.dtype.kind == "f"), name
    missing = requests.get(store + "/nothing/0.0", timeout=TIMEOUT)
    assert (missing.status_code, missing.json()["code"]) == (404, "FileNotFound")
    # the key opens this store alone
    other = store.replace(job, dates[0])
    assert requests.get(other + "/.zmetadata", timeout=TIMEOUT).status_code == 403
    assert alice.call("DELETE", f"/jobs/{job}").status_code == 204
    gone = requests.get(store + "/.zmetadata", timeout=TIMEOUT)
    assert (gone.status_code, gone.json()["code"]) == (410, "ResultLinkExpired")


def test_results_are_loaded_by_their_address(dates, items, alice, scenes):
    """Own results by the address of the job: a date for each file; for nobody else, and not by way of our own door."""
    job, document = dates

    def loaded(jobs, url):
        count = {"c": {"process_id": "count", "arguments": {"data": {"from_parameter": "data"}, "condition": True}, "result": True}}
        made = jobs.create({
            "load": {"process_id": "load_stac", "arguments": {"url": url}},
            "count": {"process_id": "reduce_dimension", "arguments": {"data": {"from_node": "load"}, "dimension": "t",
                                                                      "reducer": {"process_graph": count}}},
            "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "count"}, "format": "GTiff"}, "result": True}})
        if jobs.wait(made)["status"] != "finished":
            return " ".join(entry["message"] for entry in jobs.logs(made))
        (asset,) = jobs.call("GET", f"/jobs/{made}/results").json()["assets"].values()
        with rasterio.open(io.BytesIO(requests.get(asset["href"], timeout=TIMEOUT).content)) as tif:
            return tif.read(1), tif.transform

    address = f"{scenes.base}/openeo/1.2/jobs/{job}/results"
    counts, transform = loaded(alice, address)
    (first,) = items[0]["assets"].values()
    assert (counts == 5).all() and list(counts.shape) == first["proj:shape"] and list(transform)[:6] == first["proj:transform"][:6]
    bob = Jobs(scenes, scenes.session("bob"))
    for url in (address, link(document, "canonical")):
        assert "is not a public address" in loaded(bob, url)


def test_links_end(alice, dates, scenes):
    """Links are good for as long as they say, and no longer than their job."""
    job, _ = dates
    scenes.sql(f"UPDATE jobs SET expires = now() + interval '1 s' WHERE id = '{job}'")
    document = alice.call("GET", f"/jobs/{job}/results").json()
    asset = next(iter(document["assets"].values()))
    links = [asset["href"], *(link(document, rel) for rel in ("canonical", "enclosure", "item"))]
    end = time.time() + 20
    while time.time() < end and any(requests.get(k, timeout=TIMEOUT).status_code != 410 for k in links):
        time.sleep(0.1)
    for href in links:
        answer = requests.get(href, timeout=TIMEOUT)
        assert (answer.status_code, answer.json()["code"]) == (410, "ResultLinkExpired")
    scenes.sql(f"UPDATE jobs SET expires = NULL WHERE id = '{job}'")
    fresh = alice.call("GET", f"/jobs/{job}/results").json()
    links = [next(iter(fresh["assets"].values()))["href"], *(link(fresh, rel) for rel in ("canonical", "enclosure", "item"))]
    assert [requests.get(k, timeout=TIMEOUT).status_code for k in links] == [200] * 4
    assert [requests.get(k.replace("signature=", "signature=A"), timeout=TIMEOUT).status_code for k in links] == [403] * 4
    assert [requests.get(k.split("?")[0], timeout=TIMEOUT).status_code for k in links] == [401] * 4
    assert alice.call("DELETE", f"/jobs/{job}").status_code == 204
    assert [requests.get(k, timeout=TIMEOUT).status_code for k in links] == [410] * 4


def test_partial_results(alice, scenes):
    job = alice.create(ndvi_of_window()["process_graph"], start=False)
    refused = alice.call("GET", f"/jobs/{job}/results?partial=true")
    assert (refused.status_code, refused.json()["code"]) == (400, "JobNotFinished")
    alice.call("POST", f"/jobs/{job}/results")
    told = alice.call("GET", f"/jobs/{job}/results?partial=true").json()
    assert told.get("openeo:status", told.get("properties", {}).get("openeo:status")) in ("running", "finished")
    alice.wait(job)
    assert alice.call("GET", f"/jobs/{job}/results?partial=true").json()["openeo:status"] == "finished"
    assert alice.call("DELETE", f"/jobs/{job}").status_code == 204
