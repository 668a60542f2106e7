"""load_uploaded_files: users' GeoTIFFs and features as cubes, compared with what was written into them; files that are not what
they say, and those of others."""
import json
import sqlite3
import subprocess

import numpy
import pytest
import rasterio
from rasterio.transform import from_origin

pytestmark = pytest.mark.sanitizer
NAN = numpy.nan
RED = numpy.arange(12, dtype="uint16").reshape(3, 4) + 1
FIELDS = {"type": "FeatureCollection", "features": [
    {"type": "Feature", "properties": {"crop": "rye", "yield": 6.5 + i},
     "geometry": {"type": "Polygon", "coordinates": [[[15 + i, 46], [15.5 + i, 46], [15.5 + i, 46.25], [15 + i, 46]]]}} for i in range(2)]}


@pytest.fixture(scope="module")
def service(make_service):
    """One whose workers read local files nowhere but where results and users' files are."""
    service = make_service("raster.data=/nonexistent")
    service.add_user("alice")
    service.add_user("bob")
    return service


@pytest.fixture(scope="module")
def alice(service):
    return service.session("alice")


def upload(session, service, name, content):
    assert session.put(f"{service.base}/openeo/1.2/files/{name}", data=content, timeout=30).status_code == 200


def image(values, place, nodata=0, origin=(500000, 5100000), **more):
    with rasterio.open(place, "w", driver="GTiff", width=values.shape[-1], height=values.shape[-2], count=len(values), dtype=values.dtype,
                       nodata=nodata, crs="EPSG:32633", transform=from_origin(*origin, 10, 10), **more) as file:
        file.write(values)
    return place.read_bytes()


def load(session, service, paths, format, options=None, save="JSON", status=200, more=None):
    graph = {"load": {"process_id": "load_uploaded_files", "arguments": {"paths": paths, "format": format, **({"options": options} if options else {})}},
             **(more or {}), "save": {"process_id": "save_result", "arguments": {"data": {"from_node": list(more)[-1] if more else "load"}, "format": save},
                                      "result": True}}
    answer = session.post(service.base + "/openeo/1.2/result", json={"process": {"process_graph": graph}}, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_images_with_dates(service, alice, tmp_path):
    for name, add in ("in/ndvi_2023-08-15.tif", 0), ("in/ndvi-20230820T100201Z.tif", 100):
        upload(alice, service, name, image((RED + add)[None], tmp_path / "a.tif"))
    cube = load(alice, service, ["/in/ndvi-20230820T100201Z.tif", "./in/ndvi_2023-08-15.tif"], "gtiff")
    assert cube["dims"] == ["t", "bands", "y", "x"] and cube["crs"] == "EPSG:32633" and cube["labels"]["bands"] == ["ndvi"]
    assert cube["labels"]["t"] == ["2023-08-15T00:00:00Z", "2023-08-20T10:02:01Z"] and cube["labels"]["x"][0] == 500005
    assert (numpy.array(cube["data"])[:, 0] == [RED, RED + 100]).all()
    # what comes after the load is asked of the files
    box = {"f": {"process_id": "filter_temporal", "arguments": {"data": {"from_node": "load"}, "extent": ["2023-08-16", "2023-09-01"]}},
           "b": {"process_id": "filter_bbox", "arguments": {"data": {"from_node": "f"}, "extent": {
               "west": 500010, "east": 500030, "south": 5099980, "north": 5100000, "crs": 32633}}}}
    part = load(alice, service, ["in/ndvi-20230820T100201Z.tif", "in/ndvi_2023-08-15.tif"], "GTiff", more=box)
    assert numpy.array_equal(part["data"], [[RED[:2, 1:3] + 100]])


def test_images_without_dates(service, alice, tmp_path):
    upload(alice, service, "red.tif", image(RED[None], tmp_path / "a.tif"))
    upload(alice, service, "nir.tif", image(2 * RED[None], tmp_path / "a.tif"))
    two = load(alice, service, ["red.tif", "nir.tif"], "GTiff")
    assert two["dims"] == ["bands", "y", "x"] and two["labels"]["bands"] == ["red", "nir"] and numpy.array_equal(two["data"], [RED, 2 * RED])
    # tiles side by side; the names of bands that the file has, and those that it has not
    upload(alice, service, "west.tif", image(numpy.stack([RED, RED]).astype("float32"), tmp_path / "a.tif", nodata=NAN))
    upload(alice, service, "east.tif", image(numpy.stack([9 * RED, RED]).astype("float32"), tmp_path / "a.tif", NAN, (500040, 5100000)))
    wide = load(alice, service, ["west.tif", "east.tif"], "GTiff")
    assert wide["labels"]["bands"] == ["B1", "B2"] and numpy.array_equal(wide["data"][0], numpy.hstack([RED, 9 * RED]))
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.set_band_description(1, "ndvi")
    upload(alice, service, "named.tif", (tmp_path / "a.tif").read_bytes())
    assert load(alice, service, ["named.tif"], "GTiff")["labels"]["bands"] == ["ndvi", "B2"]


@pytest.mark.parametrize("format, suffix", [("GeoJSON", "geojson"), ("GPKG", "gpkg"), ("FlatGeobuf", "fgb")])
def test_features(service, alice, tmp_path, format, suffix):
    (tmp_path / "in.json").write_text(json.dumps(FIELDS))
    made = tmp_path / f"fields.{suffix}"
    subprocess.run(["ogr2ogr", "-f", format, "-t_srs", "EPSG:4326" if format == "GeoJSON" else "EPSG:32633", made, tmp_path / "in.json"], check=True)
    upload(alice, service, made.name, made.read_bytes())
    cube = load(alice, service, [made.name], format.lower(), {"properties": ["yield"]}, save="GeoJSON")
    got = {f["properties"]["yield"]: f["geometry"]["coordinates"][0] for f in cube["features"]}
    assert sorted(got) == [6.5, 7.5]
    for feature in FIELDS["features"]:
        want = numpy.array(feature["geometry"]["coordinates"][0])
        ours = numpy.array(got[feature["properties"]["yield"]])
        assert {tuple(p) for p in ours.round(6)} == {tuple(p) for p in want.round(6)}
    if format == "GeoJSON":
        twice = load(alice, service, [made.name] * 2, format, save="GeoJSON")
        assert len(twice["features"]) == 4


def test_what_is_refused(service, alice, tmp_path):
    bob = service.session("bob")
    upload(bob, service, "his.tif", image(RED[None], tmp_path / "a.tif"))
    upload(alice, service, "plain.tif", image(RED[None], tmp_path / "a.tif"))
    upload(alice, service, "one_2023-08-15.tif", image(RED[None], tmp_path / "a.tif"))
    secret = tmp_path / "a.tif"
    vrt = (f'<VRTDataset rasterXSize="4" rasterYSize="3"><SRS>EPSG:32633</SRS><GeoTransform>500000,10,0,5100000,0,-10</GeoTransform>'
           f'<VRTRasterBand dataType="UInt16" band="1"><SimpleSource><SourceFilename>{secret}</SourceFilename><SourceBand>1</SourceBand>'
           f'</SimpleSource></VRTRasterBand></VRTDataset>')
    upload(alice, service, "vrt.tif", vrt)
    with rasterio.open(tmp_path / "bare.tif", "w", driver="GTiff", width=4, height=3, count=1, dtype="uint16") as file:
        file.write(RED, 1)
    upload(alice, service, "bare.tif", (tmp_path / "bare.tif").read_bytes())
    upload(alice, service, "text.geojson", "{not json")
    (tmp_path / "in.json").write_text(json.dumps(FIELDS))
    subprocess.run(["ogr2ogr", "-f", "GPKG", tmp_path / "good.gpkg", tmp_path / "in.json"], check=True)
    for n, evil in enumerate(["CREATE VIEW evil AS SELECT * FROM sqlite_master", "CREATE VIRTUAL TABLE evil USING fts4(x)"]):
        (tmp_path / "bad.gpkg").write_bytes((tmp_path / "good.gpkg").read_bytes())
        with sqlite3.connect(tmp_path / "bad.gpkg") as database:
            database.execute(evil)
        database.close()
        upload(alice, service, f"bad{n}.gpkg", (tmp_path / "bad.gpkg").read_bytes())
    with sqlite3.connect(tmp_path / "lie.gpkg") as database:  # a row that hides what it is
        database.execute("CREATE TABLE t(x)")
        database.execute("PRAGMA writable_schema = ON")
        database.execute("UPDATE sqlite_master SET sql = 'CREATE VIRTUAL TABLE t USING fts4(\" USING rtree(\")'")
    database.close()
    upload(alice, service, "lie.gpkg", (tmp_path / "lie.gpkg").read_bytes())
    for paths, format, options, code in [
            (["none.tif"], "GTiff", None, "FileNotFound"), (["his.tif"], "GTiff", None, "FileNotFound"), (["../his.tif"], "GTiff", None, "FileNotFound"),
            (["a/../../his.tif"], "GTiff", None, "FileNotFound"), (["vrt.tif"], "GTiff", None, "FormatUnsuitable"),
            (["bare.tif"], "GTiff", None, "FormatUnsuitable"), (["plain.tif"], "GPKG", None, "FormatUnsuitable"), (["plain.tif"], "GeoJSON", None, "FormatUnsuitable"),
            (["text.geojson"], "GeoJSON", None, "FormatUnsuitable"), (["bad0.gpkg"], "GPKG", None, "FormatUnsuitable"),
            (["bad1.gpkg"], "GPKG", None, "FormatUnsuitable"), (["lie.gpkg"], "GPKG", None, "FormatUnsuitable"), (["plain.tif"], "VRT", None, "FormatUnsuitable"),
            (["plain.tif", "one_2023-08-15.tif"], "GTiff", None, "ProcessParameterInvalid"), ([], "GTiff", None, "ProcessParameterInvalid"),
            (["plain.tif"], "GTiff", {"properties": ["a"]}, "ProcessParameterInvalid"), (["text.geojson"], "GeoJSON", {"properties": "a"}, "ProcessParameterInvalid")]:
        refused = load(alice, service, paths, format, options, status=404 if code == "FileNotFound" else 400)
        assert refused["code"] == code and "(node 'load'" in refused["message"], (paths, format, refused)
        assert str(service.data) not in refused["message"]


def test_inputs_are_told(service, alice):
    told = alice.get(service.base + "/openeo/1.2/file_formats", timeout=30).json()["input"]
    assert set(told) == {"GTiff", "netCDF", "Zarr", "GeoJSON", "GPKG", "FlatGeobuf"}
    assert told["GTiff"]["gis_data_types"] == ["raster"] and "properties" in told["GPKG"]["parameters"]
