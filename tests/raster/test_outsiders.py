"""`sentier run` on files that others wrote, held against NumPy, rasterio and gdalwarp: files without a
no-data value, tiles that meet, other reference systems, damaged assets."""
import json
import subprocess

import numpy
import pytest
import rasterio
from conftest import BINARY
from rasterio.transform import from_origin

X0, Y0 = 500000, 5100000


def write_scene(folder, name, date, pixels, epsg=32633, x0=X0, y0=Y0, d=10, nodata=None, said=None, **options):
    """One band A; `nodata` is the file's, `said` the item's."""
    (folder / name).mkdir(parents=True)
    rows, columns = pixels.shape
    with rasterio.open(folder / name / "A.tif", "w", driver="GTiff", width=columns, height=rows, count=1,
                       dtype=pixels.dtype, nodata=nodata, crs=f"EPSG:{epsg}",
                       transform=from_origin(x0, y0, d, d), **options) as file:
        file.write(pixels, 1)
    band = {"data_type": str(pixels.dtype)} | ({} if said is None else {"nodata": said})
    asset = {"href": "A.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
             "eo:bands": [{"name": "A"}], "raster:bands": [band], "proj:shape": [rows, columns],
             "proj:transform": [d, 0, x0, 0, -d, y0]}
    box = [11, 45, 17, 47]
    item = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": "made", "bbox": box, "links": [],
            "geometry": {"type": "Polygon", "coordinates": [[[11, 45], [17, 45], [17, 47], [11, 45]]]},
            "assets": {"A": asset}, "properties": {"datetime": date, "proj:epsg": epsg, "platform": "made"}}
    (folder / name / "item.json").write_text(json.dumps(item))
    return folder / name / "A.tif"


def load(**arguments):
    return {"process_id": "load_collection",
            "arguments": {"id": "made", "spatial_extent": None, "temporal_extent": None, **arguments}}


def reduced(process):
    return {"process_id": "reduce_dimension", "arguments": {
        "data": {"from_node": "load"}, "dimension": "t", "reducer": {"process_graph": {
            "r": {"process_id": process, "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}}}


def run(tmp_path, extent, process="max"):
    graph = {"load": load(spatial_extent=extent), "reduced": reduced(process),
             "save": {"process_id": "save_result", "result": True,
                      "arguments": {"data": {"from_node": "reduced"}, "format": "GTiff"}}}
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    done = subprocess.run([BINARY, "run", tmp_path / "graph.json", "--from", tmp_path / "scenes", "--output",
                           tmp_path / "out"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    with rasterio.open(json.loads(done.stdout)["files"][0]["path"]) as file:
        return file.read(1, masked=True), file.transform


def box(west, south, east, north, crs=32633):
    return {"west": west, "south": south, "east": east, "north": north, "crs": crs}


AROUND = box(X0 - 100, Y0 - 300, X0 + 400, Y0 + 100)


@pytest.mark.parametrize("dtype, said", [("uint8", None), ("uint16", None), ("int16", None), ("int32", None),
                                         ("uint32", None), ("float32", None), ("uint8", -9999), ("uint16", -1),
                                         ("uint8", "nan"), ("int16", 0.5)])
@pytest.mark.parametrize("shifted", [False, True], ids=["same lattice", "warped too"])
def test_nothing_is_valid_outside_files_without_nodata(tmp_path, dtype, said, shifted):
    write_scene(tmp_path / "scenes", "S0", "2023-05-01T10:00:00Z", numpy.full((20, 30), 7, dtype), said=said)
    if shifted:
        write_scene(tmp_path / "scenes", "S1", "2023-05-02T10:00:00Z", numpy.full((20, 30), 7, dtype), said=said,
                    x0=X0 + 4, y0=Y0 - 4)
    pixels, _ = run(tmp_path, AROUND)
    assert pixels.shape == (40, 50)
    valid = ~numpy.ma.getmaskarray(pixels)
    assert valid[10:30, 10:40].all() and valid.sum() == 600
    assert set(pixels.compressed()) == {7}


def test_another_utm_zone_is_warped_as_gdalwarp_does(tmp_path):
    values = numpy.random.default_rng(3).integers(1, 60000, (300, 280), dtype="uint16")
    # 32632 near its east border, seen from 32633
    path = write_scene(tmp_path / "scenes", "S0", "2023-05-01T10:00:00Z", values, epsg=32632, x0=735000, y0=5090000,
                       nodata=0, said=0, tiled=True, blockxsize=64, blockysize=64, compress="deflate", predictor=2)
    west, north = 270000, 5092000
    write_scene(tmp_path / "scenes", "S1", "2023-05-01T10:00:20Z", numpy.zeros((400, 400), "uint16"), x0=west, y0=north,
                nodata=0, said=0)
    pixels, transform = run(tmp_path, box(west, north - 4000, west + 4000, north), "first")
    assert (transform.c, transform.f, pixels.shape) == (west, north, (400, 400))
    subprocess.run(["gdalwarp", "-q", "-t_srs", "EPSG:32633", "-te", str(west), str(north - 4000), str(west + 4000),
                    str(north), "-tr", "10", "10", "-r", "near", "-et", "0", path, tmp_path / "warped.tif"], check=True)
    with rasterio.open(tmp_path / "warped.tif") as file:
        warped = file.read(1)
    ours = pixels.filled(0)
    assert (warped > 0).sum() > 10000
    # a position within a hundredth of a pixel of an edge may fall on its other side
    assert (ours != warped).mean() < 0.02


@pytest.mark.parametrize("harm", ["cut", "gone", "text"])
def test_a_damaged_asset_is_named(tmp_path, harm):
    values = numpy.random.default_rng(4).integers(1, 60000, (600, 600), dtype="uint16")
    for number in range(3):
        path = write_scene(tmp_path / "scenes", f"S{number}", f"2023-05-0{number + 1}T10:00:00Z", values, nodata=0, said=0,
                           tiled=True, blockxsize=128, blockysize=128, compress="deflate")
    bytes_ = path.read_bytes()
    items = tmp_path / "items"
    items.mkdir()
    features = []
    for item in sorted((tmp_path / "scenes").glob("*/item.json")):
        features.append(json.loads(item.read_text()))
        features[-1]["assets"]["A"]["href"] = str(item.parent / "A.tif")
    (items / "items.json").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    if harm == "cut":
        path.write_bytes(bytes_[:len(bytes_) // 2])
    elif harm == "gone":
        path.unlink()
    else:
        path.write_text("no image")
    graph = {"load": load(), "reduced": reduced("median"),
             "save": {"process_id": "save_result", "result": True,
                      "arguments": {"data": {"from_node": "reduced"}, "format": "GTiff"}}}
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    done = subprocess.run([BINARY, "run", tmp_path / "graph.json", "--from", items / "items.json", "--output",
                           tmp_path / "out"], capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert f"The asset '{path}' could not be read: " in done.stderr
    assert not list((tmp_path / "out").glob("*"))
