"""Import of real products: what the items say, against schemas, metadata and the files themselves."""
import json
import zipfile

import pystac
import pytest
import requests


S2_L1C = "S2B_MSIL1C_20230605T110619_N0509_R137_T30UVU_20230605T131150"


@pytest.fixture(scope="module")
def products(make_service, shared):
    service = make_service(workers=1)
    data = shared / "data"
    service.command("catalog", "import", data / "s1", data / f"s2/{S2_L1C}.zip", data / "s2/33TW")
    service.stac = service.base + "/stac"
    return service


def items(service, collection):
    answer = requests.get(f"{service.stac}/collections/{collection}/items?limit=1000", timeout=30)
    return {i["id"]: i for i in answer.json()["features"]}


def test_all_products_are_found(products):
    assert len(items(products, "sentinel-1-grd")) == 5
    assert list(items(products, "sentinel-2-l1c")) == [S2_L1C]
    assert len(items(products, "sentinel-2-l2a")) == 7


def test_items_and_collections_are_valid(products, schemas):
    for collection in ("sentinel-1-grd", "sentinel-2-l1c", "sentinel-2-l2a"):
        described = requests.get(f"{products.stac}/collections/{collection}", timeout=30).json()
        assert schemas.errors(described) == []
        pystac.Collection.from_dict(described)
        for item in items(products, collection).values():
            assert schemas.errors(item) == [], item["id"]
            assert pystac.Item.from_dict(item).id == item["id"]


def test_a_collection_tells_what_its_items_span(products):
    c = requests.get(f"{products.stac}/collections/sentinel-2-l2a", timeout=30).json()
    found = items(products, "sentinel-2-l2a").values()
    box = c["extent"]["spatial"]["bbox"][0]
    assert box == [min(i["bbox"][0] for i in found), min(i["bbox"][1] for i in found),
                   max(i["bbox"][2] for i in found), max(i["bbox"][3] for i in found)]
    assert c["extent"]["temporal"]["interval"] == [[min(i["properties"]["datetime"] for i in found),
                                                    max(i["properties"]["datetime"] for i in found)]]
    assert c["cube:dimensions"]["bands"]["values"] == ["B02", "B03", "B04", "B08", "SCL"]
    assert sorted(c["item_assets"]) == ["B02", "B03", "B04", "B08", "SCL"]
    assert [(b["name"], b.get("common_name")) for b in c["summaries"]["eo:bands"]] == \
        [("B02", "blue"), ("B03", "green"), ("B04", "red"), ("B08", "nir"), ("SCL", None)]
    assert c["license"] == "proprietary" and any(k["rel"] == "license" for k in c["links"])


def test_sentinel_1(products):
    item = items(products, "sentinel-1-grd")["S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255"]
    p = item["properties"]
    assert item["bbox"] == [32.223114, -19.203491, 34.979454, -17.144775]
    assert p["datetime"] == p["start_datetime"] == "2021-01-19T03:16:53.799379Z"
    assert p["end_datetime"] == "2021-01-19T03:17:18.797132Z"
    assert (p["platform"], p["sat:orbit_state"], p["sat:relative_orbit"], p["sat:absolute_orbit"]) == \
        ("sentinel-1a", "descending", 79, 36201)
    assert sorted(p["sar:polarizations"]) == ["VH", "VV"]
    assert (p["sar:instrument_mode"], p["sar:product_type"], p["sar:pixel_spacing_range"]) == ("IW", "GRD", 10)
    assert p["processing:software"] == {"Sentinel-1 IPF": "003.31"}
    assert item["assets"]["vv"]["proj:shape"] == [16854, 25931]
    assert {"schema-calibration-vv", "schema-noise-vh", "schema-product-vv", "safe-manifest"} <= set(item["assets"])


def test_measurements_that_are_not_there_are_not_named(products):
    item = items(products, "sentinel-1-grd")["S1B_IW_GRDH_1SDV_20210401T052623_20210401T052648_026269_032297_ECC8"]
    assert item["properties"]["sar:polarizations"] == ["VH"] and "vv" not in item["assets"]


def test_sentinel_2_level_1c(products):
    item = items(products, "sentinel-2-l1c")[S2_L1C]
    p = item["properties"]
    assert (p["platform"], p["grid:code"], p["proj:epsg"], p["s2:processing_baseline"]) == \
        ("sentinel-2b", "MGRS-30UVU", 32630, "05.09")
    assert p["sat:relative_orbit"] == 137 and p["sat:absolute_orbit"] == 32624
    assert 61 < p["view:sun_elevation"] < 63
    bands = [k for k in item["assets"] if k.startswith("B")]
    assert len(bands) == 13
    for name, size in (("B04", 10980), ("B05", 5490), ("B09", 1830)):
        asset = item["assets"][name]
        assert asset["proj:shape"] == [size, size]
        assert asset["proj:transform"][2] == 399960 and asset["proj:transform"][5] == 5400000
        assert asset["raster:bands"][0]["offset"] == -0.1 and asset["raster:bands"][0]["scale"] == 0.0001


def test_files_in_an_archive_are_served(products, shared):
    item = items(products, "sentinel-2-l1c")[S2_L1C]
    href = item["assets"]["B04"]["href"]
    with zipfile.ZipFile(shared / f"data/s2/{S2_L1C}.zip") as archive:
        name = next(n for n in archive.namelist() if n.endswith("_B04.jp2"))
        whole = archive.read(name)
    assert requests.get(href, timeout=30).content == whole
    part = requests.get(href, headers={"Range": "bytes=100-199"}, timeout=30)
    assert part.status_code == 206 and part.content == whole[100:200]
    assert requests.get(href + "x", timeout=30).status_code == 404


def test_the_files_tell_the_grid(products, shared):
    """Copies at 120 m of 10 m and 20 m images: the item says what the pixels are, not what they were."""
    found = items(products, "sentinel-2-l2a")
    for item in found.values():
        assert sorted(item["assets"]) == ["B02", "B03", "B04", "B08", "SCL"]
        for key, asset in item["assets"].items():
            assert asset["proj:shape"] == [915, 915]
            assert asset["proj:transform"][:2] == [120, 0] and asset["proj:transform"][4] == -120
            assert asset["raster:bands"][0]["nodata"] == 0
            assert asset["raster:bands"][0]["data_type"] == ("uint8" if key == "SCL" else "uint16")
            if key != "SCL":  # earthsearch:boa_offset_applied
                assert asset["raster:bands"][0]["offset"] == 0
    asset = found["S2A_33TWL_20230815_0_L2A"]["assets"]["B04"]
    path = shared / "data/s2/33TW/S2A_33TWL_20230815_0_L2A/B04.tif"
    assert requests.get(asset["href"], timeout=30).content == path.read_bytes()
    assert asset["type"] == "image/jp2"  # which these files are, whatever their names


BASELINES = {
    "S2A_MSIL1C_20210908T042701_N0301_R133_T46RER_20210908T070248": 0,
    "S2B_MSIL2A_20210122T133229_N0214_R081_T22HBD_20210122T155500": 0,
    "S2A_MSIL2A_20190212T192651_N0212_R013_T07HFE_20201007T160857": 0,
    "S2B_MSIL2A_20220413T150759_N0400_R025_T33XWJ_20220414T082126": -0.1,
    "S2A_MSIL2A_20230821T221941_N0509_R029_T01KAB_20230822T021825": -0.1,
}


def test_the_offset_is_decided_by_the_metadata(make_service, shared, schemas, tmp_path):
    """Metadata of five baselines, with empty files where the images belong."""
    with zipfile.ZipFile(shared / "data/s2/safe_metadata_baselines.zip") as archive:
        archive.extractall(tmp_path)
    for metadata in tmp_path.glob("*/MTD_MSIL*.xml"):
        for line in metadata.read_text().splitlines():
            if "<IMAGE_FILE>" in line:
                image = metadata.parent / (line.split(">")[1].split("<")[0] + ".jp2")
                image.parent.mkdir(parents=True, exist_ok=True)
                image.touch()
    service = make_service(workers=1)
    service.stac = service.base + "/stac"
    service.command("catalog", "import", tmp_path)
    found = {**items(service, "sentinel-2-l1c"), **items(service, "sentinel-2-l2a")}
    assert set(found) == set(BASELINES)
    for name, offset in BASELINES.items():
        assert schemas.errors(found[name]) == []
        assert found[name]["assets"]["B04"]["raster:bands"][0]["offset"] == offset, name
        if "MSIL2A" in name:  # the finest of several resolutions has the band's name
            assert found[name]["assets"]["B02"]["gsd"] == 10 and found[name]["assets"]["B02_60m"]["gsd"] == 60
            assert found[name]["assets"]["SCL"]["gsd"] == 20
    crossing = found["S2A_MSIL2A_20230821T221941_N0509_R029_T01KAB_20230822T021825"]
    assert crossing["geometry"]["type"] == "MultiPolygon" and crossing["bbox"][0] > crossing["bbox"][2]
    answer = requests.get(f"{service.stac}/search?bbox=179.9,-17.2,-179.9,-16.3", timeout=30).json()
    assert [i["id"] for i in answer["features"]] == [crossing["id"]]


def hostile_zip(path, names):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "a/../../b", "a\\..\\b", "a//b", "./a", "a\nb"])
def test_archives_that_lead_outside_are_refused(products, tmp_path, name):
    path = hostile_zip(tmp_path / "x.zip", {name: "x", "S1A_X.SAFE/manifest.safe": "<x/>"})
    if name.endswith("b") and "\\" in name:  # zipfile writes a slash
        path.write_bytes(path.read_bytes().replace(b"a/../b", b"a\\..\\b"))
    done = products.command("catalog", "import", path, check=False)
    assert done.returncode == 1 and ("unsafe name" in done.stderr or "zip archive" in done.stderr), done.stderr


@pytest.mark.parametrize("xml, message", [
    ("", "no well-formed XML"),
    ("<a>", "no well-formed XML"),
    ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "declares a document type"),
    ('<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>', "declares a document type"),
    ("<a/>", "is of type unknown, and only GRD is read"),
    ("<a><productType>SLC</productType></a>", "is of type SLC, and only GRD is read"),
    ("<a><productType>GRD</productType></a>", "has no footprint"),
])
def test_bad_metadata_is_told(products, tmp_path, xml, message):
    safe = tmp_path / "S1A_IW_GRDH_1SDV_X.SAFE"
    safe.mkdir()
    (safe / "manifest.safe").write_text(xml)
    done = products.command("catalog", "import", safe, check=False)
    assert done.returncode == 1 and message in done.stderr, done.stderr
    assert "root:" not in done.stderr


def test_what_is_no_product_is_told(products, tmp_path):
    done = products.command("catalog", "import", tmp_path / "nowhere", check=False)
    assert done.returncode == 1 and "No such file" in done.stderr
    done = products.command("catalog", "import", tmp_path, check=False)
    assert done.returncode == 1 and "holds no product that can be imported" in done.stderr


def test_again_changes_nothing(products, shared):
    before = items(products, "sentinel-2-l2a")
    products.command("catalog", "import", shared / "data/s2/33TW")
    after = items(products, "sentinel-2-l2a")
    assert before == after


def test_bad_items_are_named(products):
    lines = [json.dumps(x) for x in (
        {"type": "Feature"},
        {"type": "Feature", "stac_version": "1.0.0", "id": "a/b", "collection": "c", "properties": {}, "assets": {}, "geometry": None},
        {"type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "../c", "properties": {"datetime": "2020-01-01T00:00:00Z"},
         "assets": {}, "geometry": None},
        {"type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "c", "properties": {"datetime": None}, "assets": {},
         "geometry": None},
        {"type": "Feature", "stac_version": "1.0.0", "id": "a", "collection": "c", "properties": {"datetime": "2020-01-01T00:00:00Z"},
         "assets": {}, "geometry": {"type": "Point", "coordinates": [0, 0]}},
        {"type": "Feature", "stac_version": "0.7.0", "id": "a", "collection": "c", "properties": {}, "assets": {}, "geometry": None},
    )] + ["{", '{"type":"Feature","properties":{"x":"\\u0001"}}']
    done = products.command("catalog", "add", "-", input="\n".join(lines), check=False)
    assert done.returncode == 1
    for expected in ("-:1: /stac_version: expected one of 0.8 to 1.1, found nothing", "-:2: /id: holds a slash",
                     "-:3: /collection: is no name of a collection",
                     "-:4: /properties/start_datetime: expected a date and time",
                     "-:5: /bbox: expected an array, as there is a geometry, found nothing",
                     "-:6: /stac_version: expected one of 0.8 to 1.1, found '0.7.0'", "-:7: Invalid JSON"):
        assert expected in done.stderr, done.stderr


def test_stac_files_name_no_files_of_others(products, tmp_path):
    def item(href):
        return {"type": "Feature", "stac_version": "1.0.0", "id": "leak", "collection": "leaks", "geometry": None, "links": [],
                "properties": {"datetime": "2020-01-01T00:00:00Z"}, "assets": {"a": {"href": href}}}

    here = tmp_path / "here"
    here.mkdir()
    (here / "link").symlink_to("/etc/passwd")
    (tmp_path / "outside").write_text("secret")
    (here / "inside").write_text("public")
    for parent in [here, *here.parents][:4]:
        parent.chmod(parent.stat().st_mode | 0o055)
    file = here / "item.json"
    for href in ("/etc/passwd", "file:///etc/passwd", "link", "./link", "../outside", str(tmp_path / "outside"),
                 f"{here}/../outside", "/vsizip//etc/x.zip/passwd"):
        file.write_text(json.dumps(item(href)))
        for source, text in ((file, None), ("-", file.read_text())):
            done = products.command("catalog", "add", source, input=text, check=False)
            if source == file or href[0] in "/f":
                assert done.returncode == 1 and "/assets/a/href: the file" in done.stderr, (href, done.stderr)
    assert requests.get(f"{products.stac}/collections/leaks/items/leak", timeout=30).json().get("assets", {}) in (
        {}, {"a": {"href": "link"}}, {"a": {"href": "../outside"}})
    for href in ("inside", "./inside", str(here / "inside"), f"file://{here}/inside"):
        file.write_text(json.dumps(item(href)))
        products.command("catalog", "add", file)
        kept = requests.get(f"{products.stac}/collections/leaks/items/leak", timeout=30).json()["assets"]["a"]["href"]
        assert requests.get(kept, timeout=30).text == "public"


def test_pictures_that_lead_elsewhere_are_not_opened(products, tmp_path):
    (tmp_path / "a.tif").write_text("<VRTDataset rasterXSize='1' rasterYSize='1'><VRTRasterBand dataType='Byte' band='1'>"
                                    "<SimpleSource><SourceFilename>/etc/hostname</SourceFilename></SimpleSource>"
                                    "</VRTRasterBand></VRTDataset>")
    (tmp_path / "item.json").write_text(json.dumps(
        {"type": "Feature", "stac_version": "1.0.0", "id": "vrt", "collection": "leaks", "geometry": None, "links": [],
         "properties": {"datetime": "2020-01-01T00:00:00Z"},
         "assets": {"a": {"href": "a.tif", "type": "image/tiff; application=geotiff"}}}))
    done = products.command("catalog", "import", tmp_path, check=False)
    assert done.returncode == 1 and "a.tif" in done.stderr, done.stderr


def test_marks_of_the_store_cannot_be_given(products):
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "marks", "collection": "marks", "geometry": None, "links": [],
            "properties": {"datetime": "2020-01-01T00:00:00Z", "title": "\\u0001 \\\\u0002 \x03"}, "assets": {}}
    products.command("catalog", "add", "-", input=json.dumps(item))
    got = requests.get(f"{products.stac}/collections/marks/items/marks", timeout=30).json()
    assert got["properties"] == item["properties"]
    for bad in ("\x01", "\x02"):
        item["properties"]["title"] = bad
        done = products.command("catalog", "add", "-", input=json.dumps(item), check=False)
        assert done.returncode == 1 and "/properties/title: the text holds control character" in done.stderr


def test_harvest_copies_another_catalogue(products, make_service):
    other = make_service(workers=1)
    other.command("catalog", "harvest", products.stac, "--collections", "sentinel-2-l2a", "--bbox", "15,45,16,45.5",
                  "--datetime", "2023-08-13T00:00:00Z/..")
    other.stac = other.base + "/stac"
    copied, own = items(other, "sentinel-2-l2a"), items(products, "sentinel-2-l2a")
    assert sorted(copied) == sorted(i for i in own if "33TWL" in i and "20230810" not in i)
    for name, item in copied.items():
        assert item["assets"]["B04"]["href"] == own[name]["assets"]["B04"]["href"]
        assert item["properties"] == own[name]["properties"] and item["geometry"] == own[name]["geometry"]
    done = other.command("catalog", "harvest", products.base + "/nowhere", "--collections", "x", check=False)
    assert done.returncode == 1 and "answered 404" in done.stderr
