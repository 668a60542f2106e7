"""sar_backscatter: images of Sentinel-1 as openEO's cubes, by its Python client. What they are held against are the coded measurements of
test_ortho.py, the tiles that ortho-s1-grd makes, the annotations' own grid of incidence angles, and NumPy."""
import io
import json
import re
import shutil
import subprocess
import zipfile
from datetime import datetime

import numpy as np
import openeo
import pyproj
import pytest
import rasterio
from conftest import BINARY
from openeo.rest import OpenEoApiError
from rasterio.warp import Resampling, reproject
from rays import Flight, Terrain, compare, look, normal, places, samples, verticals
from test_ortho import (A_BETA, ALPS, AREA, GERMANY, ROME, SEAM, alice, heights, model, mountains, ravines, results, run,  # noqa: F401
                        site)

BOX = dict(zip(("west", "south", "east", "north"), AREA["bbox"]))
DAY = ["2021-12-23", "2021-12-24"]


@pytest.fixture(scope="module")
def connection(site):  # noqa: F811
    return openeo.connect(site.base).authenticate_basic("alice", "open sesame")


def images(connection, extent=BOX, time=DAY, bands=("VV",)):
    return connection.load_collection("sentinel-1-grd", spatial_extent=extent, temporal_extent=time, bands=list(bands))


def download(cube):
    with rasterio.open(io.BytesIO(cube.download(format="GTiff"))) as file:
        return dict(zip(file.descriptions, file.read())), file.profile


@pytest.fixture(scope="module")
def beta0(connection):
    return download(images(connection).sar_backscatter("beta0", noise_removal=False, mask=True, local_incidence_angle=True,
                                                       ellipsoid_incidence_angle=True))


def value_at(layer, profile, point):
    x, y = pyproj.Transformer.from_crs(4326, profile["crs"], always_xy=True).transform(point["lon"], point["lat"])
    column, row = ~profile["transform"] * (x, y)
    column, row = column - 0.5, row - 0.5
    c, r = int(column), int(row)
    return (np.array([1 - row + r, row - r]) @ layer[r:r + 2, c:c + 2].astype("f8")) @ np.array([1 - column + c, column - c])


def test_collection(connection):
    told = connection.describe_collection("sentinel-1-grd")
    assert set(told["cube:dimensions"]["bands"]["values"]) == {"VV", "VH"}
    assert set(told["summaries"]["sat:orbit_state"]) == {"ascending", "descending"}
    for version in ("1.2", "1.3"):
        offered = openeo.connect(connection.root_url.rsplit("/openeo", 1)[0] + f"/openeo/{version}").list_processes()
        assert {"sar_backscatter", "ard_normalized_radar_backscatter"} <= {process["id"] for process in offered}


def test_places(beta0, heights):  # noqa: F811
    """To 0.02 columns of where the source has them, on whole tens of metres in UTM."""
    layers, profile = beta0
    assert profile["crs"] == "EPSG:32633" and profile["dtype"] == "float32" and profile["transform"].a == 10
    assert profile["transform"].c % 10 == 0 and profile["transform"].f % 10 == 0
    assert list(layers) == ["VV", "mask", "local_incidence_angle", "ellipsoid_incidence_angle"]
    inside = [p for p in heights[1] if BOX["west"] < p["lon"] < BOX["east"] and BOX["south"] < p["lat"] < BOX["north"]]
    assert len(inside) >= 2
    for point in inside:
        assert value_at(np.sqrt(layers["VV"].astype("f8")) * A_BETA, profile, point) == pytest.approx(point["pixel_linear"], abs=0.02)


def incidence(flight, point):
    """Degrees between the line of sight and the normal of the ellipsoid. (The annotation's own angle counts from the direction to the
    Earth's middle: its number comes out of this with that for the normal.)"""
    latitude, longitude, height = (float(point[tag]) for tag in ("latitude", "longitude", "height"))
    ground = places(longitude, latitude, height)
    sight = normal(flight.position(flight.at(datetime.fromisoformat(point["azimuthTime"]))) - ground)
    middle = verticals(longitude, np.degrees(np.arcsin(normal(ground)[2])))
    assert np.degrees(np.arccos(sight @ middle)) == pytest.approx(float(point["incidenceAngle"]), abs=1e-4)
    return np.degrees(np.arccos(sight @ verticals(longitude, latitude)))


def test_layers(beta0, shared):
    """Where the ground is level the local angle is the ellipsoid's, and nothing is in shadow."""
    layers, profile = beta0
    with zipfile.ZipFile(shared / f"data/s1/{ROME}.SAFE.zip") as archive:
        name, = (n for n in archive.namelist() if re.search(r"annotation/s1b[^/]*\.xml$", n))
        annotation = archive.read(name).decode()
    flight = Flight(annotation)
    checked = 0
    for text in re.findall("<geolocationGridPoint>(.*?)</geolocationGridPoint>", annotation, re.S):
        point = dict(re.findall(r"<(\w+)>([^<]*)</", text))
        place = {"lat": float(point["latitude"]), "lon": float(point["longitude"])}
        if BOX["west"] < place["lon"] < BOX["east"] and BOX["south"] < place["lat"] < BOX["north"]:
            assert value_at(layers["ellipsoid_incidence_angle"], profile, place) == pytest.approx(incidence(flight, point), abs=0.001)
            checked += 1
    assert checked
    level = np.abs(layers["local_incidence_angle"] - layers["ellipsoid_incidence_angle"])
    assert np.median(level) < 0.5 and np.isfinite(level).all()
    assert (layers["mask"] == 1).all()


def test_as_ortho_s1_grd_makes_it(site, alice, connection):  # noqa: F811
    """On the same grid, across the border of two frames: the same numbers, of one date, in both polarisations."""
    job = run(site, alice, {"items": GERMANY, "bbox": SEAM, "clip": True, "calibration": "gamma0", "tiles": ["32UNB"]})
    files = results(alice, job)["images"]
    made = {name.split("_")[2].upper(): data for name, data in files.items()}
    with rasterio.open(io.BytesIO(made["VV"])) as file:
        box = dict(zip(("west", "south", "east", "north"), file.bounds), crs=file.crs.to_epsg())
    cube = images(connection, box, ["2015-02-22", "2015-02-23"], ["VH", "VV"]).sar_backscatter("gamma0-ellipsoid", elevation_model="dem")
    layers, profile = download(cube)
    assert list(layers) == ["VH", "VV"]
    for band, data in made.items():
        with rasterio.open(io.BytesIO(data)) as file:
            expected = file.read(1)
            assert (file.transform, file.shape) == (profile["transform"], layers[band].shape)
        assert (expected > 0).mean() > 0.99
        np.testing.assert_allclose(layers[band], np.where(expected > 0, expected, np.nan), rtol=1e-6)
    label, = cube.dimension_labels("t").execute()
    assert label.startswith("2015-02-22T17:07:25")


def test_flattened_as_ortho_s1_grd_flattens(site, alice, connection):  # noqa: F811
    """Its factors are kept to a thousandth of a decibel, and those of two that are nearly alike may be told apart."""
    job = run(site, alice, {"items": GERMANY, "bbox": {"bbox": [10.0, 50.45, 10.1, 50.55]}, "clip": True, "polarisations": ["VV"],
                            "calibration": "gamma0-terrain", "tiles": ["32UNB"]})
    data, = results(alice, job)["images"].values()
    with rasterio.open(io.BytesIO(data)) as file:
        box = dict(zip(("west", "south", "east", "north"), file.bounds), crs=file.crs.to_epsg())
        expected = file.read(1)
    ready, _ = download(images(connection, box, ["2015-02-22", "2015-02-23"]).ard_normalized_radar_backscatter(
        contributing_area=True, ellipsoid_incidence_angle=True))
    assert list(ready) == ["VV", "mask", "contributing_area", "local_incidence_angle", "ellipsoid_incidence_angle"]
    assert np.abs(10 * np.log10(ready["VV"] / expected)).max() < 0.003
    # a pixel of the image is 10 m by 10 m of the ellipsoid, and what of it faces the radar is smaller by the cosine
    np.testing.assert_allclose(ready["contributing_area"], 100 * np.cos(np.radians(ready["ellipsoid_incidence_angle"])), rtol=0.01)


def test_computing_with_it(connection, beta0, tmp_path):
    """Two bands in one callback, by month, in a batch job; then larger pixels."""
    cube = images(connection).sar_backscatter("beta0", noise_removal=False, ellipsoid_incidence_angle=True)
    decibels = cube.reduce_dimension("bands", lambda data: 10 * data.array_element(label="VV").log(10)
                                  + data.array_element(label="ellipsoid_incidence_angle"))
    decibels = decibels.aggregate_temporal_period("month", "mean")
    job = decibels.save_result("netCDF").create_job()
    job.start_and_wait(print=lambda *words: None, max_poll_interval=0.1)
    told = job.get_results().get_metadata()
    asset, = told["assets"].values()
    assert asset["sentier:backscatter"] == [{"coefficient": "beta0", "elevation_model": "dem", "noise_removal": False}]
    assert [link["href"].rsplit("/", 1)[1] for link in told["links"] if link["rel"] == "derived_from"] == [ROME]
    path, = job.get_results().download_files(tmp_path, include_stac_metadata=False)
    import xarray
    found = xarray.open_dataset(path)
    layers, _ = beta0
    expected = 10 * np.log10(layers["VV"].astype("f8")) + layers["ellipsoid_incidence_angle"]
    values = found[next(name for name in found.data_vars if found[name].ndim >= 2)].squeeze().values
    np.testing.assert_allclose(values, expected, rtol=1e-6)

    small, profile = download(images(connection).sar_backscatter("beta0", noise_removal=False).resample_spatial(20, method="average"))
    rows, columns = small["VV"].shape
    whole = layers["VV"][:rows * 2, :columns * 2].astype("f8")
    whole = whole[:whole.shape[0] // 2 * 2, :whole.shape[1] // 2 * 2]
    mean = whole.reshape(whole.shape[0] // 2, 2, -1, 2).mean((1, 3))
    np.testing.assert_allclose(small["VV"][:mean.shape[0], :mean.shape[1]], mean, rtol=1e-6)
    assert profile["transform"].a == 20


def test_filters_and_other_names(connection, beta0):
    """What is asked for after it is all that is made, wherever it is cut. Not normalized, powers are squares of columns."""
    layers, profile = beta0
    west, north = profile["transform"].c + 1000, profile["transform"].f - 2000
    part = {"west": west, "east": west + 500, "north": north, "south": north - 700, "crs": 32633}
    cube = images(connection).rename_labels("bands", ["a"], ["VV"]).sar_backscatter(None, noise_removal=False, mask=True)
    cut, its = download(cube.filter_bands(["a"]).filter_bbox(**part))
    assert (its["transform"].c, its["transform"].f) == (west, north)
    np.testing.assert_allclose(cut["a"], layers["VV"][200:270, 100:150] * A_BETA ** 2, rtol=2e-6)


def evaluate(scenes, dem, extent, folder, *settings, time=("2021-04-01", "2021-04-02"), **arguments):
    """The file that `sentier run` makes."""
    graph = {"load": {"process_id": "load_collection", "arguments": {"id": "sentinel-1-grd", "spatial_extent": extent,
                                                                     "temporal_extent": list(time)}},
             "sar": {"process_id": "sar_backscatter", "arguments": {"data": {"from_node": "load"}, **arguments}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "sar"}, "format": "GTiff"}, "result": True}}
    folder.mkdir()
    (folder / "graph.json").write_text(json.dumps({"process_graph": graph}))
    words = [word for setting in (f"sar.dem={dem}", *settings) for word in ("--set", setting)]
    done = subprocess.run([BINARY, "run", folder / "graph.json", "--from", scenes, "--output", folder / "made", *words],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    path, = (folder / "made").iterdir()
    return path


def read(path):
    with rasterio.open(path) as file:
        return dict(zip(file.descriptions, file.read())), file.profile


def test_mountains(mountains, shared, tmp_path):  # noqa: F811
    """Slopes that face the radar lie close together in its image; by how much, the slopes of the model and the direction of the flight
    tell. What is in shadow or layover is no longer believed."""
    dem = shared / "data/dem/hintereisferner_srtm90.tif"
    extent = {"west": 10.70, "south": 46.75, "east": 10.80, "north": 46.82}
    beta0, _ = read(evaluate(mountains, dem, extent, tmp_path / "beta0", "sar.geoid=none", coefficient="beta0", noise_removal=False))
    layers, profile = read(evaluate(mountains, dem, extent, tmp_path / "gamma0", "sar.geoid=none", noise_removal=False, mask=True, contributing_area=True,
                                    local_incidence_angle=True, ellipsoid_incidence_angle=True))
    rows, columns, x, y = samples(profile, 29)
    annotation, = (mountains / f"{ALPS}.SAFE/annotation").glob("*.xml")
    level, local, _, folded, hidden = look(Flight(annotation.read_text()), Terrain(dem), profile["crs"], x, y, 10)
    assert np.abs(layers["ellipsoid_incidence_angle"][rows, columns] - level).max() < 0.001
    assert np.abs(layers["local_incidence_angle"][rows, columns] - local).max() < 0.05
    wrong, far = compare(layers["mask"] == 0, folded | hidden, rows, columns)
    assert set(np.unique(layers["mask"])) == {0, 1} and (folded | hidden).sum() > 15 and wrong < 0.01 and far == 0
    local, level = np.radians(layers["local_incidence_angle"]), np.radians(layers["ellipsoid_incidence_angle"])
    seen = (layers["mask"] == 1) & (local < 1.4) & (local > 0.15) & np.isfinite(layers["VH"])
    slant = layers["VH"] * layers["contributing_area"] / beta0["VH"]  # m2 of the slant plane, whatever the ground
    assert np.abs(np.percentile((slant / (100 * np.sin(level)))[seen], [5, 95]) - 1).max() < 0.01
    with rasterio.open(dem) as file:
        ground = np.zeros(local.shape, "f4")
        reproject(rasterio.band(file, 1), ground, dst_transform=profile["transform"], dst_crs=profile["crs"], resampling=Resampling.bilinear)
    to_south, east = np.gradient(ground, 10)
    north, flight = -to_south, np.radians(188.5)  # the grid's north is not quite north
    sight = np.sin(level) * -np.cos(flight), np.sin(level) * np.sin(flight), np.cos(level)
    facing = sight[2] - east * sight[0] - north * sight[1]  # how much of a square metre of the map lies across the line of sight
    slanted = np.abs((sight[0] + east * sight[2]) * np.cos(flight) - (sight[1] + north * sight[2]) * np.sin(flight))
    flattened, expected = 10 * np.log10(layers["VH"] / beta0["VH"]), 10 * np.log10(slanted / facing.clip(0.01))
    assert np.corrcoef(flattened[seen], expected[seen])[0, 1] > 0.98
    # of a slope's surface only so much faces the radar
    surface, _ = read(evaluate(mountains, dem, extent, tmp_path / "sigma0", "sar.geoid=none", noise_removal=False, coefficient="sigma0-terrain"))
    ratio = 10 * np.log10(surface["VH"] / layers["VH"])[seen] - 10 * np.log10(np.cos(local[seen]))
    assert np.median(ratio) == pytest.approx(0, abs=0.01) and np.abs(np.percentile(ratio, [5, 95])).max() < 0.1
    for slopes in (local < level - 0.2, np.abs(local - level) < 0.05, local > level + 0.2):
        assert (seen & slopes).sum() > 10000
        assert np.median((flattened - expected)[seen & slopes]) == pytest.approx(0, abs=0.03)

    # of an area that begins elsewhere, so that everything is made in other squares
    extent = {**extent, "west": 10.72, "north": 46.80}
    part, its = read(evaluate(mountains, dem, extent, tmp_path / "part", "sar.geoid=none", noise_removal=False))
    left, top = round((its["transform"].c - profile["transform"].c) / 10), round((profile["transform"].f - its["transform"].f) / 10)
    same = layers["VH"][top:top + its["height"], left:left + its["width"]]
    assert np.nanpercentile(np.abs(10 * np.log10(part["VH"] / same)), 99) < 0.02


def test_any_split_gives_the_same(shared, heights, tmp_path):  # noqa: F811
    """Blocks whole, or a few rows at a time."""
    extent = {"west": 12.2, "south": 41.9, "east": 12.4, "north": 42.02}
    (tmp_path / "scenes").mkdir()
    shutil.copy(shared / f"data/s1/{ROME}.SAFE.zip", tmp_path / "scenes")
    files = [evaluate(tmp_path / "scenes", heights[0], extent, tmp_path / budget, "sar.geoid=none", f"raster.block_budget={budget}",
                      time=DAY, coefficient="sigma0-ellipsoid", mask=True, local_incidence_angle=True).read_bytes()
             for budget in ("1G", "330M")]
    assert files[0] == files[1]


@pytest.mark.parametrize("arguments, code, message", [
    ({"coefficient": "sigma1"}, "ProcessParameterInvalid", "coefficient"),
    ({"coefficient": "intensity"}, "ProcessParameterInvalid", "coefficient"),
    ({"mask": "yes"}, "ProcessParameterInvalid", "mask"),
    ({"elevation_model": 30}, "ProcessParameterInvalid", "elevation_model"),
    ({"coefficient": "beta0", "elevation_model": "moon"}, "DigitalElevationModelInvalid", "no elevation model 'moon' here"),
    ({"coefficient": "beta0", "options": {"fast": True}}, "ProcessParameterInvalid", "options"),
])
def test_refused(connection, arguments, code, message):
    graph = images(connection).process("sar_backscatter", data=images(connection), **arguments)
    with pytest.raises(OpenEoApiError) as refused:
        graph.download(format="GTiff")
    assert refused.value.code == code and message in str(refused.value)


@pytest.mark.parametrize("make, message", [
    (lambda cube: cube, "expected 'sar_backscatter' behind the load"),
    (lambda cube: cube.apply(lambda x: x + 1).process("sar_backscatter", data=cube.apply(lambda x: x + 1), coefficient="beta0"),
     "found a cube that was computed"),
    (lambda cube: cube.sar_backscatter("beta0").sar_backscatter("beta0"), "found backscatter"),
    (lambda cube: cube.rename_labels("bands", ["mask"], ["VV"]).sar_backscatter("beta0", mask=True), "has a band 'mask' already"),
])
def test_refused_cubes(connection, make, message):
    with pytest.raises(OpenEoApiError) as refused:
        make(images(connection)).download(format="GTiff")
    assert refused.value.code in ("ProcessParameterInvalid", "LabelExists") and message in str(refused.value)


def test_other_collections(site, connection, shared):  # noqa: F811
    product, *_ = sorted((shared / "data/s2/33TW").glob("*33TWL*"))
    site.command("catalog", "import", product)
    cube = connection.load_collection("sentinel-2-l2a", bands=["B04"])
    with pytest.raises(OpenEoApiError) as refused:
        cube.process("sar_backscatter", data=cube, coefficient="beta0").download(format="GTiff")
    assert refused.value.code == "ProcessParameterInvalid" and "found collection 'sentinel-2-l2a', which has none" in str(refused.value)


def test_sites_without_heights(scenes):
    """`scenes` has Sentinel-2, and no elevation model."""
    connection = openeo.connect(scenes.base).authenticate_basic("alice", "open sesame")
    assert not {"sar_backscatter", "ard_normalized_radar_backscatter"} & {process["id"] for process in connection.list_processes()}
    cube = connection.load_collection(connection.list_collection_ids()[0])
    with pytest.raises(OpenEoApiError) as refused:
        cube.process("sar_backscatter", data=cube, coefficient="beta0").download(format="GTiff")
    assert refused.value.code == "FeatureUnsupported" and "sar.dem" in str(refused.value)
