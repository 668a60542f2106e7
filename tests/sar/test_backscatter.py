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
from test_ortho import A_BETA, AREA, GERMANY, ROME, SEAM, alice, heights, results, run, site  # noqa: F401

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
        assert "sar_backscatter" in {process["id"] for process in offered}


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


def incidence(annotation, point):
    """Degrees between the line of sight and the normal of the ellipsoid. (The annotation's own angle counts from the direction to the
    Earth's middle: its number comes out of this with that for the normal.)"""
    def numbers(text, within, *tags):
        inside = re.search(f"<{within}>(.*?)</{within}>", text, re.S)[1]
        return [float(re.search(f"<{tag}>([^<]*)", inside)[1]) for tag in tags]

    states = re.findall("<orbit>.*?</orbit>", annotation, re.S)
    times = [datetime.fromisoformat(re.search("<time>([^<]*)", state)[1]) for state in states]
    seconds = np.array([(t - times[0]).total_seconds() for t in times]) / 60 - 1
    track = np.polyfit(seconds, [numbers(state, "position", "x", "y", "z") for state in states], 8)
    at = (datetime.fromisoformat(point["azimuthTime"]) - times[0]).total_seconds() / 60 - 1
    latitude, longitude, height = (float(point[tag]) for tag in ("latitude", "longitude", "height"))
    ground = np.array(pyproj.Transformer.from_crs(4979, 4978, always_xy=True).transform(longitude, latitude, height))
    sight = np.polyval(track, at) - ground
    sight /= np.linalg.norm(sight)
    up, middle = [np.array([np.cos(a) * np.cos(np.radians(longitude)), np.cos(a) * np.sin(np.radians(longitude)), np.sin(a)])
                  for a in (np.radians(latitude), np.arcsin(ground[2] / np.linalg.norm(ground)))]
    assert np.degrees(np.arccos(sight @ middle)) == pytest.approx(float(point["incidenceAngle"]), abs=1e-4)
    return np.degrees(np.arccos(sight @ up))


def test_layers(beta0, shared):
    """Where the ground is level the local angle is the ellipsoid's, and nothing is in shadow."""
    layers, profile = beta0
    with zipfile.ZipFile(shared / f"data/s1/{ROME}.SAFE.zip") as archive:
        name, = (n for n in archive.namelist() if re.search(r"annotation/s1b[^/]*\.xml$", n))
        annotation = archive.read(name).decode()
    checked = 0
    for text in re.findall("<geolocationGridPoint>(.*?)</geolocationGridPoint>", annotation, re.S):
        point = dict(re.findall(r"<(\w+)>([^<]*)</", text))
        place = {"lat": float(point["latitude"]), "lon": float(point["longitude"])}
        if BOX["west"] < place["lon"] < BOX["east"] and BOX["south"] < place["lat"] < BOX["north"]:
            assert value_at(layers["ellipsoid_incidence_angle"], profile, place) == pytest.approx(incidence(annotation, point), abs=0.001)
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
    labels = cube.dimension_labels("t").execute()
    assert labels == ["2015-02-22T17:07:25.478Z"] or (len(labels) == 1 and labels[0].startswith("2015-02-22T17:07:2"))


def test_computing_with_it(connection, beta0, tmp_path):
    """Two bands in one callback, by month, in a batch job; then larger pixels."""
    cube = images(connection).sar_backscatter("beta0", noise_removal=False, ellipsoid_incidence_angle=True)
    decibels = cube.reduce_dimension("bands", lambda data: 10 * data.array_element(label="VV").log(10)
                                  + data.array_element(label="ellipsoid_incidence_angle"))
    decibels = decibels.aggregate_temporal_period("month", "mean")
    job = decibels.save_result("netCDF").create_job()
    job.start_and_wait(print=lambda *words: None, max_poll_interval=0.1)
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
    """What is asked for after it is all that is made, wherever it is cut."""
    layers, profile = beta0
    west, north = profile["transform"].c + 1000, profile["transform"].f - 2000
    part = {"west": west, "east": west + 500, "north": north, "south": north - 700, "crs": 32633}
    cube = images(connection).rename_labels("bands", ["a"], ["VV"]).sar_backscatter("beta0", noise_removal=False, mask=True)
    cut, its = download(cube.filter_bands(["a"]).filter_bbox(**part))
    assert (its["transform"].c, its["transform"].f) == (west, north)
    np.testing.assert_allclose(cut["a"], layers["VV"][200:270, 100:150], rtol=1e-6)


def test_any_split_gives_the_same(shared, heights, tmp_path):  # noqa: F811
    """Blocks whole, or a few rows at a time."""
    extent = {"west": 12.2, "south": 41.9, "east": 12.4, "north": 42.02}
    graph = {"load": {"process_id": "load_collection", "arguments": {"id": "sentinel-1-grd", "spatial_extent": extent,
                                                                     "temporal_extent": DAY}},
             "sar": {"process_id": "sar_backscatter", "arguments": {"data": {"from_node": "load"}, "coefficient": "sigma0-ellipsoid",
                                                                    "mask": True, "local_incidence_angle": True}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "sar"}, "format": "GTiff"}, "result": True}}
    (tmp_path / "graph.json").write_text(json.dumps({"process_graph": graph}))
    (tmp_path / "scenes").mkdir()
    shutil.copy(shared / f"data/s1/{ROME}.SAFE.zip", tmp_path / "scenes")
    files = []
    for budget in ("1G", "330M"):
        done = subprocess.run([BINARY, "run", tmp_path / "graph.json", "--from", tmp_path / "scenes", "--output", tmp_path / budget,
                               "--set", f"sar.dem={heights[0]}", "--set", "sar.geoid=none", "--set", f"raster.block_budget={budget}"],
                              capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        path, = (tmp_path / budget).iterdir()
        files.append(path.read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("arguments, code, message", [
    ({"coefficient": "gamma0-terrain"}, "FeatureUnsupported", "'gamma0-terrain' is not offered; there are"),
    ({"coefficient": None}, "FeatureUnsupported", "not normalized"),
    ({"coefficient": "sigma1"}, "ProcessParameterInvalid", "coefficient"),
    ({"coefficient": "beta0", "elevation_model": "moon"}, "DigitalElevationModelInvalid", "no elevation model 'moon' here"),
    ({"coefficient": "beta0", "contributing_area": True}, "FeatureUnsupported", "contributing_area"),
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
])
def test_refused_cubes(connection, make, message):
    with pytest.raises(OpenEoApiError) as refused:
        make(images(connection)).download(format="GTiff")
    assert refused.value.code == "ProcessParameterInvalid" and message in str(refused.value)


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
    assert "sar_backscatter" not in {process["id"] for process in connection.list_processes()}
    cube = connection.load_collection(connection.list_collection_ids()[0])
    with pytest.raises(OpenEoApiError) as refused:
        cube.process("sar_backscatter", data=cube, coefficient="beta0").download(format="GTiff")
    assert refused.value.code == "FeatureUnsupported" and "sar.dem" in str(refused.value)
