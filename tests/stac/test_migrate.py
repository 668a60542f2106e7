"""Older versions of STAC: what is served of them is valid by the schemas of 1.0, and says what pystac's own migration says."""
import copy
import json

import pytest
import requests
from old_stac import COLLECTIONS, ITEMS, REFUSED, item


@pytest.fixture(scope="module")
def lifted(make_service):
    service = make_service()
    lines = "\n".join(map(json.dumps, COLLECTIONS + ITEMS))
    assert f"{len(ITEMS)} items and {len(COLLECTIONS)} collections stored, 0 refused" in service.command("catalog", "add", "-", input=lines)
    return service


def served(service, name):
    answer = requests.get(f"{service.base}/stac/collections/old/items/{name}", timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("old", ITEMS, ids=lambda i: i["id"])
def test_item_is_valid_and_equals_pystac(lifted, schemas, old):
    pystac = pytest.importorskip("pystac")
    ours = served(lifted, old["id"])
    assert not schemas.errors(ours)
    theirs = pystac.Item.from_dict(copy.deepcopy({**old, "collection": "old"}), preserve_dict=False).to_dict(include_self_link=False)
    own = {"eo:bands", "collection"}
    for name, value in theirs["properties"].items():
        if name not in own and not name.startswith(("sar:", "dtr:", "checksum:", "eo:")) and value is not None:
            assert ours["properties"].get(name) == value, name
    assert not [name for name in ours["properties"] if name.startswith("dtr:") or name in ("eo:gsd", "eo:platform", "eo:epsg", "sar:type")]


def test_fields_have_their_new_names(lifted):
    optical, radar = served(lifted, "optical-08"), served(lifted, "radar-08")
    assert optical["stac_version"] == "1.0.0"
    p = optical["properties"]
    assert (p["platform"], p["instruments"], p["gsd"], p["proj:epsg"]) == ("sentinel-2a", ["msi"], 10, 32632)
    assert (p["view:off_nadir"], p["view:sun_azimuth"], p["view:sun_elevation"]) == (3.5, 150.2, 60.1)
    assert [b["name"] for b in optical["assets"]["both"]["eo:bands"]] == ["B03", "B02"]
    assert optical["assets"]["both"]["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert any("/view/v1" in e for e in optical["stac_extensions"]) and any("/projection/v1" in e for e in optical["stac_extensions"])
    p = radar["properties"]
    assert (p["sar:product_type"], p["sat:orbit_state"], p["sat:relative_orbit"], p["sat:absolute_orbit"]) == ("GRD", "ascending", 44, 27512)
    assert (p["sar:resolution_range"], p["sar:resolution_azimuth"], p["sar:looks_range"], p["sar:polarizations"]) == (20, 22, 5, ["VV", "VH"])
    assert (p["start_datetime"], p["end_datetime"], radar["collection"]) == ("2019-06-02T05:00:00Z", "2019-06-02T05:00:25Z", "old")
    assert radar["assets"]["vv"]["file:checksum"].startswith("90e4")
    assert served(lifted, "optical-09")["stac_extensions"][-1] == "https://example.com/own/schema.json"


@pytest.mark.parametrize("old", COLLECTIONS, ids=lambda c: c["id"])
def test_collection_is_valid(lifted, schemas, old):
    ours = requests.get(f"{lifted.base}/stac/collections/{old['id']}", timeout=10).json()
    assert not schemas.errors(ours)
    assert ours["extent"]["spatial"]["bbox"][0][:4] == [11, 46, 12, 47]
    assert len(ours["extent"]["temporal"]["interval"][0]) == 2


def test_summaries(lifted):
    def summaries(name):
        return requests.get(f"{lifted.base}/stac/collections/{name}", timeout=10).json()["summaries"]
    assert summaries("old")["platform"] == ["sentinel-2a"] and summaries("old")["gsd"] == [10]
    assert summaries("flat")["eo:cloud_cover"] == {"minimum": 0, "maximum": 80}


def test_versions_that_are_refused(lifted):
    lines = [json.dumps({k: v for k, v in item(version, f"no-{i}", {"datetime": "2020-01-01T00:00:00Z"}, {}, collection="old").items()
                         if v is not None}) for i, (version, _) in enumerate(REFUSED)]
    done = lifted.command("catalog", "add", "-", input="\n".join(lines), check=False)
    assert done.returncode == 1 and f"0 items and 0 collections stored, {len(REFUSED)} refused" in done.stdout
    for i, (version, place) in enumerate(REFUSED, 1):
        assert f"-:{i}: {place}: expected one of 0.8 to 1.1, found {repr(version) if version else 'nothing'}" in done.stderr


def test_older_items_come_by_http_too(lifted):
    lifted.add_user("root", role="admin")
    session = lifted.session("root")
    old = item("0.9.0", "by-http", {"datetime": "2020-01-01T00:00:00Z", "eo:gsd": 10}, {}, ["eo"], collection="old")
    assert session.post(f"{lifted.base}/stac/collections/old/items", json=old, timeout=30).status_code == 201
    assert served(lifted, "by-http")["properties"]["gsd"] == 10
