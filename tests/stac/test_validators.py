"""All real items and collections are held, and valid in the eyes of others: pystac, stac-node-validator, and
stac-api-validator for the whole API. No net: the schemas that the specifications publish lie beside the checkout."""
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pystac
import pystac.validation
import pytest
import requests
import shapely
from stac_fixtures import real_items


HERE = Path(__file__).resolve().parent
NODE_VALIDATOR = HERE.parent / "peers" / "node_modules" / ".bin" / "stac-node-validator"


@pytest.fixture(scope="module")
def served(everything):
    """Every collection and every item, as the API serves them."""
    session = requests.Session()
    collections = session.get(everything.stac + "/collections", timeout=60).json()["collections"]
    items = []
    for name in (c["id"] for c in collections):
        url = f"{everything.stac}/collections/{name}/items?limit=40"
        while url:
            page = session.get(url, timeout=60).json()
            items += page["features"]
            url = next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    return collections, items


def test_all_real_items_and_collections_are_held(everything, served, shared):
    collections, items = served
    # six of the 156 are no GeoJSON: their coordinates are metres of a UTM zone
    refused = everything.refused.strip().splitlines()
    # (a position is longitude and latitude in WGS 84, RFC 7946, which STAC takes over): in a search they would lie nowhere
    utm = [i for i in real_items(shared) if i["bbox"][2] > 360]
    assert len(refused) == len(utm) == 6
    for line, item in zip(refused, utm, strict=True):
        first = item["geometry"]["coordinates"][0][0][0]
        assert 32601 <= item["properties"]["proj:epsg"] <= 32760
        assert re.search(rf"/geometry/coordinates/0/0: expected a longitude in \[-360, 360\], found {first:.0f}\b", line), line
    # nothing else is wrong with them: their own boxes in degrees, and they are taken
    lonlat = [{**i, "bbox": [10, 50, 11, 51], "geometry": {"type": "Polygon", "coordinates": [[[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]]},
               "id": f"degrees-{n}"} for n, i in enumerate(utm)]
    everything.command("catalog", "add", "-", input="\n".join(map(json.dumps, lonlat)))
    for i in lonlat:
        url = f"{everything.stac}/collections/{i['collection']}/items/{i['id']}"
        assert requests.get(url, timeout=60).json()["geometry"] == i["geometry"]
        assert everything.session("root").delete(url, timeout=60).status_code == 204
    assert len(items) == len(everything.items) == 150
    assert {c["id"] for c in collections} >= everything.given_collections
    assert sorted((i["collection"], i["id"]) for i in items) == sorted((i["collection"], i["id"]) for i in everything.items)


def test_published_schemas_accept_what_is_served(served, schemas):
    collections, items = served
    wrong = {f"{thing.get('collection')}/{thing['id']}": errors for thing in [*collections, *items] if (errors := schemas.errors(thing))}
    assert wrong == {}


def test_pystac_accepts_what_is_served(served, monkeypatch):
    collections, items = served
    monkeypatch.setattr(pystac.validation.stac_validator.JsonSchemaSTACValidator, "validate_extension", lambda *_, **__: None)
    for thing in [*map(pystac.Collection.from_dict, collections), *map(pystac.Item.from_dict, items)]:
        thing.validate()  # by the core schemas that pystac brings along


@pytest.mark.skipif(not NODE_VALIDATOR.exists(), reason="tests/peers: npm ci --ignore-scripts")
def test_stac_node_validator_accepts_what_is_served(served, schemas, shared, tmp_path):
    """Extensions without a published schema here are left out of the items that it sees."""
    files = schemas.files
    for thing in [*served[0], *served[1]]:
        thing = {**thing, "stac_extensions": [e for e in thing.get("stac_extensions", []) if e.rstrip("#") in files]}
        (tmp_path / f"{thing['type']}-{thing.get('collection', '')}-{thing['id']}.json").write_text(json.dumps(thing))
    # what the projection extension refers to is not among STAC's own schemas: anything goes there
    anything = tmp_path / "anything"
    anything.write_text("{}")
    places = {**files, **{f"https://proj.org/schemas/v0.{n}/projjson.schema.json": anything for n in range(1, 8)}}
    config = tmp_path / "config"
    config.write_text(json.dumps({"schemaMap": {uri: str(path) for uri, path in places.items()}}))
    done = subprocess.run([NODE_VALIDATOR, "--config", config, *sorted(tmp_path.glob("*.json"))], capture_output=True, text=True, timeout=300)
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-5000:]
    assert f"Passed: {len(served[0]) + len(served[1])}" in told and "Skipped: 0" in told, told[-800:]


# ---- stac-api-validator ----

# what the validator says when it really looks at a class, not only at whether it is advertised
CLASSES = {
    "core": "Core conformance", "browseable": "Browseable conformance", "children": "Children conformance",
    "collections": "Collections conformance", "features": "Features conformance", "item-search": "Item Search conformance",
    "filter": "Filter Extension - Advanced Comparison Operators", "item-search#sort": "Sort extension",
    "item-search#fields": "Fields extension", "item-search#query": "Query extension", "transaction": "Transaction extension"}


@pytest.fixture(scope="module")
def writable(everything):
    """A collection that the validator may write to, with the item that it deletes first."""
    admin = everything.session("root")
    collection = {"type": "Collection", "stac_version": "1.0.0", "id": "scratch", "description": "For writing", "license": "proprietary",
                  "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}, "links": []}
    admin.post(everything.stac + "/collections", json=collection, timeout=30).raise_for_status()
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "S2A_47XNF_20230423_0_L2A", "collection": "scratch", "geometry": None,
            "properties": {"datetime": "2023-04-23T06:47:03Z"}, "links": [], "assets": {}}
    admin.post(everything.stac + "/collections/scratch/items", json=item, timeout=30).raise_for_status()
    yield admin
    admin.delete(everything.stac + "/collections/scratch", timeout=30)


@pytest.mark.slow
@pytest.mark.parametrize("name", CLASSES)
def test_stac_api_validator_finds_no_error(everything, shared, request, name):
    optical = [i for i in everything.items if i["collection"] == "sentinel-2-l2a" and "eo:cloud_cover" in i["properties"]]
    covers = sorted(i["properties"]["eo:cloud_cover"] for i in optical)
    some = next(i for i in optical if i["properties"]["eo:cloud_cover"] == covers[len(covers) // 2])
    area = json.loads(shapely.to_geojson(shapely.geometry.shape(some["geometry"]).representative_point().buffer(0.1)))
    middle = str(some["properties"]["eo:cloud_cover"])
    options = {
        "root-url": everything.stac, "collection": "sentinel-2-l2a", "geometry": json.dumps(area), "conformance": name,
        "fields-nested-property": "properties.eo:cloud_cover", "query-comparison-field": "eo:cloud_cover",
        "query-substring-field": "platform", "query-starts-with-value": "sentinel", "query-ends-with-value": "a",
        "query-contains-value": "tinel", "query-in-field": "instruments", "query-in-values": "msi,c-sar",
        **{f"query-{op}-value": middle for op in ("eq", "neq", "lt", "lte", "gt", "gte")}}
    if name == "transaction":
        token = request.getfixturevalue("writable").headers["Authorization"].removeprefix("Bearer ")
        options |= {"transaction-collection": "scratch", "auth-bearer-token": token}
    command = [sys.executable, HERE / "offline_validator.py"]
    for option, value in options.items():
        command += ["--" + option, value]
    if name in ("features", "item-search"):
        command += ["--validate-pagination"]
    if name == "filter":
        command += ["--conformance", "item-search"]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=500,
                          env={**os.environ, "SCHEMAS": str(shared / "specs/stac")})
    report = done.stdout + done.stderr
    assert CLASSES[name] in report, report[-3000:]
    assert "Errors: none" in report, "\n".join(k[:600] for k in report.splitlines())[-6000:]
    assert done.returncode == 0
