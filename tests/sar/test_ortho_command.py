"""sentier ortho: a strip of a real product becomes a tile without a server. Its measurement is coded as in test_ortho.py: the
number of a pixel is its column."""
import json
import re
import subprocess
import zipfile
from datetime import datetime, timedelta

import numpy as np
import pyproj
import pytest
import rasterio
from conftest import BINARY

ROME = "S1B_IW_GRDH_1SDV_20211223T051122_20211223T051147_030148_039993_5371"
FIRST, LINES, SAMPLES = 7450, 1250, 26102  # the strip holds three of the points
A_BETA = 473.9733  # constant over the image


def moved(text, first, last):
    """An annotation of lines FIRST to FIRST + LINES - 1."""
    for name, value in (("productFirstLineUtcTime", first), ("productLastLineUtcTime", last), ("numberOfLines", LINES)):
        text = re.sub(f"<{name}>[^<]*", f"<{name}>{value}", text)
    return text


@pytest.fixture(scope="module")
def points(shared):
    return json.loads((shared / "data/s1/expected_values.json").read_text())[0]["geocoding"][:3]


@pytest.fixture(scope="module")
def strip(shared, tmp_path_factory):
    """The product cut to the strip, in a folder."""
    folder = tmp_path_factory.mktemp("strip")
    with zipfile.ZipFile(shared / f"data/s1/{ROME}.SAFE.zip") as archive:
        archive.extractall(folder)
    path, = (folder / f"{ROME}.SAFE/annotation").glob("*.xml")
    text = path.read_text()
    start = datetime.fromisoformat(re.search("<productFirstLineUtcTime>([^<]*)", text)[1])
    interval = float(re.search("<azimuthTimeInterval>([^<]*)", text)[1])
    first, last = (start + timedelta(seconds=line * interval) for line in (FIRST, FIRST + LINES - 1))
    path.write_text(moved(text, first.isoformat(), last.isoformat()))
    path, = (folder / f"{ROME}.SAFE/measurement").glob("*.tiff")
    path.unlink()
    with rasterio.open(path, "w", driver="GTiff", width=SAMPLES, height=LINES, count=1, dtype="uint16", compress="deflate",
                       zlevel=1, blockysize=64) as file:
        file.write(np.broadcast_to(np.arange(SAMPLES, dtype="u2"), (LINES, SAMPLES)), 1)
    return folder / f"{ROME}.SAFE"


@pytest.fixture(scope="module")
def heights(points, tmp_path_factory):
    """The heights of the points, around each of them."""
    path = tmp_path_factory.mktemp("dem") / "dem.tif"
    west, north, step, cells = 11, 43, 0.02, 100
    rows, columns = np.mgrid[0:cells, 0:cells]
    distance = [np.hypot(north - (rows + 0.5) * step - p["lat"], west + (columns + 0.5) * step - p["lon"]) for p in points]
    height = np.array([p["h_ellipsoid"] for p in points])[np.argmin(distance, 0)]
    with rasterio.open(path, "w", driver="GTiff", width=cells, height=cells, count=1, dtype="float32", crs="EPSG:4326",
                       transform=rasterio.transform.from_origin(west, north, step, step)) as file:
        file.write(height.astype("f4"), 1)
    return path


def ortho(*words):
    return subprocess.run([BINARY, "ortho", *map(str, words)], capture_output=True, text=True, timeout=120)


def column_at(file, point):
    x, y = pyproj.Transformer.from_crs(4326, file.crs, always_xy=True).transform(point["lon"], point["lat"])
    column, row = (x - file.transform.c) / file.transform.a - 0.5, (file.transform.f - y) / file.transform.a - 0.5
    c, r = int(column), int(row)
    u, v = column - c, row - r
    values = np.sqrt(file.read(1, window=((r, r + 2), (c, c + 2))).astype("f8")) * A_BETA
    return np.array([1 - v, v]) @ values @ np.array([1 - u, u])


def test_places(strip, heights, points, tmp_path):
    """To 0.02 columns of where the source has them; a folder without an orbit file for the product is told."""
    (tmp_path / "orbits").mkdir()
    done = ortho(strip, "--tile", "33TTG", "--dem", heights, "--geoid", "none", "--calibration", "beta0", "--resampling", "bilinear",
                 "--keep-noise", "--keep-border", "--orbits", tmp_path / "orbits", "--layers", "incidence-angle", "--spacing", 20,
                 "--output", tmp_path / "made")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/orbits: has no orbit file for {strip}, whose own vectors were taken" in done.stderr
    angles, path = sorted((tmp_path / "made").iterdir())
    assert angles.name == "IA_s1b_33TTG_DES_022.tif" and path.name == "s1b_33TTG_vv_DES_022_20211223t051122.tif" and done.stdout.startswith(f"{path}: ")
    with rasterio.open(path) as file:  # pixels of 20 m are means of four places
        assert (file.width, file.height, file.crs.to_epsg(), file.transform.c, file.transform.f) == (5490, 5490, 32633, 199980, 4700040)
        for point in points:
            assert column_at(file, point) == pytest.approx(point["pixel_linear"], abs=0.02)
    with rasterio.open(angles) as file:
        assert file.scales == (0.01,) and file.nodata == 0 and file.checksum(1)


@pytest.mark.parametrize("words, status, message", [
    (["--tile", "33TTX", "--dem", "DEM"], 1, "'33TTX' is no tile of the Sentinel-2 grid"),
    (["--tile", "33TTG"], 2, "ortho: needs --tile and --dem"),
    (["--tile", "33TTG", "--dem", "DEM", "--layers", "mask,lia"], 2, "--layers: expected some of local-incidence-angle, "),
    (["--tile", "33TTG", "--dem", "DEM", "--orbits", "/nowhere"], 1, "/nowhere: No such file or directory"),
    (["--tile", "33TTG", "--dem", "/nowhere"], 1, "/nowhere"),
    (["--tile", "33TTG", "--dem", "DEM", "--polarisation", "HH"], 1, f"{ROME} has no image in HH"),
    (["--tile", "33TTG", "--dem", "DEM", "--calibration", "dn"], 1, "There is no calibration 'dn'"),
])
def test_errors(strip, heights, tmp_path, words, status, message):
    done = ortho(strip, *(heights if word == "DEM" else word for word in words), "--output", tmp_path)
    assert (done.returncode, message in done.stderr) == (status, True), done.stderr
    assert not list(tmp_path.iterdir())


def test_missing_heights_are_told(strip, heights, tmp_path):
    """Of a folder of cells that are all somewhere else. 31TCJ goes from 0.5 to 1.9 degrees east and 43.2 to 44.3 north."""
    (tmp_path / "dem").mkdir()
    (tmp_path / "dem/N51E005.tif").write_bytes(heights.read_bytes())
    done = ortho(strip, "--tile", "31TCJ", "--dem", tmp_path / "dem", "--output", tmp_path / "made")
    assert done.returncode == 0, done.stderr
    assert f"{tmp_path}/dem: has no file for 4 cells of one degree that 31TCJ lies in" in done.stderr
    assert f"{strip}: no pixel of 31TCJ lies in it" in done.stderr
