"""subset, convert and zonal-statistics: files against those that they are parts of, statistics against NumPy."""
import csv
import json
import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely
import xarray
import zarr

from conftest import BINARY, ROOT
from real_scenes import zagreb
from test_zones import belongs

DATES = ["2023-08-10", "2023-08-13", "2023-08-15", "2023-08-18", "2023-08-20"]


@pytest.fixture(scope="module")
def scenes(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    return folder, zagreb(shared, folder, size=(60, 120))


def run(process, folder, out, check=True, **parameters):
    graph = ROOT / f"processes/ogc/{process}.graph.json"
    done = subprocess.run([str(BINARY), "run", str(graph), "--from", str(folder), "--output", str(out), "--parameters",
                           json.dumps({"collection": "zagreb", **parameters})], capture_output=True, text=True, timeout=120)
    if not check:
        assert done.returncode == 1, done.stdout
        return done.stderr
    assert done.returncode == 0, done.stderr
    return {f["save"]: f["path"] for f in json.loads(done.stdout)["files"]}


def inner(cube, left, top, width, height):
    """The box of these pixels, in the reference system of the cube."""
    t = cube.transform
    return {"west": t.c + t.a * left, "east": t.c + t.a * (left + width), "north": t.f + t.e * top, "south": t.f + t.e * (top + height),
            "crs": cube.epsg}


def test_part(scenes, tmp_path):
    folder, cube = scenes
    path = run("subset", folder, tmp_path, bands=["B08", "B04"], bbox=inner(cube, 3, 5, 40, 30), datetime=["2023-08-13", "2023-08-18"])["subset"]
    with rasterio.open(path) as file:
        assert [d[:10] + d[-4:] for d in file.descriptions] == [f"{d} {b}" for d in DATES[1:3] for b in ("B08", "B04")]
        assert file.dtypes[0] == "uint16" and file.transform == cube.transform @ rasterio.Affine.translation(3, 5)
        got = file.read(masked=True).astype(float).filled(np.nan)
    want = np.stack([cube[b][t, 5:35, 3:43] for t in (1, 2) for b in ("B08", "B04")])
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("format", ["netCDF", "Zarr"])
def test_part_as_variables(scenes, tmp_path, format):
    folder, cube = scenes
    path = run("subset", folder, tmp_path, bands=["B02"], format=format)["subset"]
    if format == "Zarr":
        got = xarray.open_zarr(zarr.storage.ZipStore(path, mode="r"), consolidated=True)
    else:
        got = xarray.open_dataset(path, engine="h5netcdf")
    np.testing.assert_array_equal(got["B02"].values, cube["B02"])


def test_part_within_an_outline(scenes, tmp_path):
    """... or on another grid: the pixels in which its centres lie."""
    folder, cube = scenes
    corners = [cube.transform @ p for p in ((10.2, 39.7), (39.6, 38.9), (38.3, 10.4))]
    triangle = {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}
    area = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": None, "geometry":
            rasterio.warp.transform_geom(cube.epsg, "EPSG:4326", triangle, precision=-1)}]}
    path = run("subset", folder, tmp_path, bands=["B04"], area=area, datetime=["2023-08-15", "2023-08-16"])["subset"]
    with rasterio.open(path) as file:
        got, transform = file.read(1, masked=True).astype(float).filled(np.nan), file.transform
        assert file.shape == (30, 30)
    inside = belongs(triangle, cube.transform, 120, 60)[10:40, 10:40]
    np.testing.assert_array_equal(got, np.where(inside, cube["B04"][2, 10:40, 10:40], np.nan))
    path = run("subset", folder, tmp_path, bands=["B04"], crs=3857, resolution=200, datetime=["2023-08-15", "2023-08-16"])["subset"]
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 3857 and file.res == (200, 200)
        got = file.read(1, masked=True).astype(float).filled(np.nan)
        x, y = (v.ravel() for v in np.meshgrid(*(np.arange(n) + 0.5 for n in file.shape[::-1])))
        x, y = rasterio.warp.transform(3857, cube.epsg, *(file.transform @ (x, y)))
    x, y = (np.array(v) for v in ~cube.transform @ (np.array(x), np.array(y)))
    inside = (x > 0) & (x < 120) & (y > 0) & (y < 60)
    want = np.full(x.shape, np.nan)
    want[inside] = cube["B04"][2][y[inside].astype(int), x[inside].astype(int)]
    clear = (np.abs(x - np.rint(x)) > 0.01) & (np.abs(y - np.rint(y)) > 0.01)
    np.testing.assert_array_equal(got.ravel()[clear], want[clear])


def test_conversion(scenes, tmp_path):
    folder, cube = scenes
    path = run("convert", folder, tmp_path, bands=["B08"], datetime=["2023-08-15", "2023-08-16"], type="uint8", scale=40, offset=10, nodata=0,
               format="GTiff", compression="zstd")["converted"]
    with rasterio.open(path) as file:
        assert (file.dtypes[0], file.nodata, file.scales[0], file.offsets[0], file.profile["compress"]) == ("uint8", 0, 40, 10, "zstd")
        got = file.read(1)
    np.testing.assert_array_equal(got, np.clip(np.rint((cube["B08"][2] - 10) / 40), 0, 255))


ZONES = [[(5.2, 8.3), (40.7, 12.1), (22.6, 44.7)], [(50.4, 10.2), (70.6, 13.3), (67.1, 52.8), (53.2, 50.4)]]


@pytest.fixture(scope="module")
def zones(scenes):
    cube = scenes[1]
    shapes = [{"type": "Polygon", "coordinates": [[cube.transform @ p for p in [*z, z[0]]]]} for z in ZONES]
    return shapes, {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"name": n}, "geometry": rasterio.warp.transform_geom(cube.epsg, "EPSG:4326", s, precision=-1)}
        for n, s in zip("ab", shapes)]}


@pytest.mark.parametrize("mask", ["", "SCL"])
def test_statistics(scenes, zones, tmp_path, mask):
    folder, cube = scenes
    names = ["count", "valid", "mean", "std", "min", "max", "sum", "median", "p10", "p90"]
    files = run("zonal-statistics", folder, tmp_path, zones=zones[1], bands=["B04", "B08"], statistics=names, mask_band=mask)
    with open(files["table"]) as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["date", "feature_index", *(f"{b}~{n}" for b in ("B04", "B08") for n in names)]
    assert [(r["date"][:10], r["feature_index"]) for r in rows] == [(d, z) for d in DATES for z in "01"]
    for row, (t, z) in zip(rows, ((t, z) for t in range(5) for z in range(2))):
        here = belongs(zones[0][z], cube.transform, 120, 60)
        for band in ("B04", "B08"):
            values = cube[band][t][here & (np.isin(cube["SCL"][t], [4, 5, 6, 7, 11]) if mask else True)]
            values = values[~np.isnan(values)]
            got = [float(row[f"{band}~{n}"] or "nan") for n in names]
            want = [here.sum(), len(values)] + ([values.mean(), values.std(ddof=1), values.min(), values.max(), values.sum(),
                                                 *np.quantile(values, [.5, .1, .9])] if len(values) > 1 else [])
            np.testing.assert_allclose(got[:len(want)], want, rtol=1e-6)
    chart = json.loads((tmp_path / "chart.json").read_text())
    assert chart[rows[0]["date"]][0] == [float(rows[0][k]) if rows[0][k] else None for k in list(rows[0])[2:]]
    features = json.loads((tmp_path / "features.geojson").read_text())["features"]
    assert [f["properties"]["name"] for f in features] == ["a", "b"]
    assert features[1]["properties"][f"{rows[1]['date']}~B08~mean"] == pytest.approx(float(rows[1]["B08~mean"]))


def test_some_statistics_of_parts_of_pixels(scenes, zones, tmp_path):
    """A pixel counts by its covered share: the count is the area."""
    path = run("zonal-statistics", scenes[0], tmp_path, zones=zones[1], bands=["B04"], statistics=["count"], partial_pixels=True)["table"]
    with open(path) as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        assert float(row["B04~count" if "B04~count" in row else "B04"]) == pytest.approx(shapely.Polygon(ZONES[int(row["feature_index"])]).area, rel=1e-4)


@pytest.mark.parametrize("process, parameters, message", [
    ("subset", {"bands": ["B77"]}, "has no band 'B77'"),
    ("subset", {"datetime": ["2001-01-01", "2001-02-01"]}, "No scene of the collection meets"),
    ("subset", {"area": {"type": "Point"}}, "(node 'within', /process_graph/within/arguments/geometries)"),
    ("convert", {"nodata": 3}, "scale, offset and nodata need dtype beside them"),
    ("convert", {"format": "netCDF", "compression": "zstd"}, "option 'compression': there is no such option"),
    ("zonal-statistics", {"bands": ["B04"]}, "'zones', which has no value"),
])
def test_what_cannot_be(scenes, tmp_path, process, parameters, message):
    assert message in run(process, scenes[0], tmp_path, check=False, **parameters)
    assert not list(tmp_path.iterdir())
