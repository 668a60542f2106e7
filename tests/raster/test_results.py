"""Results of the engine in the eyes of others: rasterio reads them, rio-cogeo validates them, NumPy
computes the same; and they are the same bytes for every split of the work."""
import hashlib
import subprocess

import numpy as np
import pytest
import rasterio
from conftest import BINARY
from rasterio.transform import from_origin
from rio_cogeo.cogeo import cog_validate

MAKER = BINARY.parent / "tests" / "raster" / "make_results"
WIDTH, HEIGHT, DATES = 2100, 1501, 3
pytestmark = [pytest.mark.sanitizer, pytest.mark.filterwarnings("ignore")]  # empty slices are wanted


def write(path, pixels, resolution, **options):
    height, width = pixels.shape
    profile = dict(driver="GTiff", width=width, height=height, count=1, dtype=pixels.dtype, nodata=0,
                   crs="EPSG:32633", transform=from_origin(500000, 5100000, resolution, resolution))
    with rasterio.open(path, "w", **profile, **options) as file:
        file.write(pixels, 1)


def read(path, band=1, **options):
    with rasterio.open(path, **options) as file:
        return file.read(band)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Files as Sentinel-2 has them, with gaps, in several packings; and the arrays."""
    folder = tmp_path_factory.mktemp("raster")
    (folder / "in").mkdir()
    (folder / "out").mkdir()
    random = np.random.default_rng(4)
    packings = [dict(compress="deflate", predictor=2), dict(compress="zstd"), dict(compress="lzw", predictor=2)]
    bands = {"B04": [], "B08": [], "SCL": []}
    for date in range(DATES):
        tiles = dict(tiled=True, blockxsize=512, blockysize=512, **packings[date])
        for band, top in ("B04", 3000), ("B08", 6000):
            pixels = random.integers(1, top, (HEIGHT, WIDTH), dtype=np.uint16)
            pixels[random.random((HEIGHT, WIDTH)) < 0.1] = 0
            pixels[: 300 * date, :700] = 0
            write(folder / "in" / f"{band}_{date}.tif", pixels, 10, **tiles)
            bands[band].append(pixels)
        classes = random.integers(1, 12, ((HEIGHT + 1) // 2, WIDTH // 2), dtype=np.uint8)
        write(folder / "in" / f"SCL_{date}.tif", classes, 20, **tiles)
        bands["SCL"].append(classes.repeat(2, 0).repeat(2, 1)[:HEIGHT])
    return folder, bands


def make(folder, what, threads=2, parts=1, memory=None):
    for old in (folder / "out").iterdir():
        old.unlink()
    command = [MAKER, folder, what, threads, parts] + ([memory] if memory else [])
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env={"WIDTH": str(WIDTH), "HEIGHT": str(HEIGHT)})
    assert done.returncode == 0, done.stderr
    return sorted(f for f in (folder / "out").iterdir() if f.suffix != ".part"), done.stdout


def series(bands, masked):
    """NDVI of each date, NaN where a band has no data or the class is 9."""
    for red, nir, classes in zip(bands["B04"], bands["B08"], bands["SCL"]):
        red, nir = (np.where(x == 0, np.nan, x).astype("float32") for x in (red, nir))
        ndvi = (nir - red) / (nir + red)
        yield np.where(classes == 9, np.float32(np.nan), ndvi) if masked else ndvi


def halves(pixels, nodata):
    """The mean of the valid pixels of each 2 x 2 square."""
    x = pixels.astype("float64")
    x[x == nodata] = np.nan
    x = np.pad(x, [(0, x.shape[0] % 2), (0, x.shape[1] % 2)], constant_values=np.nan)
    return np.nanmean([x[0::2, 0::2], x[1::2, 0::2], x[0::2, 1::2], x[1::2, 1::2]], axis=0)


def check_cog(path, nodata, bands=1, dtype=None, packing="deflate"):
    valid, errors, warnings = cog_validate(path, strict=True)
    assert valid and not errors and not warnings, (errors, warnings)
    with rasterio.open(path) as file:
        assert file.crs.to_epsg() == 32633 and file.count == bands
        assert file.transform == from_origin(500000, 5100000, 10, 10)
        assert (file.width, file.height) == (WIDTH, HEIGHT)
        assert file.block_shapes == [(1024, 1024)] * bands and file.overviews(1) == [2, 4, 8]
        assert file.nodata == nodata or (np.isnan(file.nodata) and np.isnan(nodata))
        assert file.profile["compress"] == packing and (not dtype or file.dtypes[0] == dtype)
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
    with rasterio.open(path, overview_level=0) as file:
        assert file.block_shapes[0] == (512, 512)


def test_a_copy_has_all_bands_of_each_date(stack):
    folder, bands = stack
    files, _ = make(folder, "copy")
    assert [f.name for f in files] == [f"copy_2023-08-0{d}T10-02-01Z.tif" for d in (1, 2, 3)]
    for date, path in enumerate(files):
        check_cog(path, 0, bands=3, dtype="uint16")
        with rasterio.open(path) as file:
            assert file.descriptions == ("B04", "B08", "SCL")
        for number, band in enumerate(bands):
            assert np.array_equal(read(path, number + 1), bands[band][date])


def test_ndvi_of_each_date(stack):
    folder, bands = stack
    files, _ = make(folder, "ndvi")
    for path, want in zip(files, series(bands, masked=False)):
        assert np.array_equal(read(path), want, equal_nan=True)


@pytest.mark.parametrize("what, reduce", [("median", np.nanmedian), ("mean", np.nanmean)])
def test_composites_and_their_statistics(stack, what, reduce):
    folder, bands = stack
    (path,), told = make(folder, what)
    want = reduce(np.stack(list(series(bands, masked=True))).astype("float64"), axis=0)
    got = read(path)
    assert np.array_equal(np.isnan(got), np.isnan(want))
    assert np.nanmax(np.abs(got - want)) < 1e-6
    check_cog(path, np.nan, dtype="float32")
    valid = got[~np.isnan(got)].astype("float64")
    numbers = [float(n) for n in told.splitlines()[-1].split()[3:]]
    assert np.allclose(numbers, [valid.min(), valid.max(), valid.mean(), valid.std(), 100 * valid.size / got.size])
    with rasterio.open(path) as file:
        assert float(file.tags(1)["STATISTICS_MEAN"]) == pytest.approx(valid.mean())


@pytest.mark.parametrize("what, nodata, slack", [("median", np.nan, 1e-6), ("copy", 0, 0.5), ("int", -32768, 0.5)])
def test_overviews_are_means_of_valid_pixels(stack, what, nodata, slack):
    folder, _ = stack
    files, _ = make(folder, what)
    level = read(files[0]), read(files[0], overview_level=0)
    for number in range(1, 4):
        want = halves(level[0], nodata)
        got = level[1].astype("float64")
        got[got == nodata] = np.nan
        assert np.array_equal(np.isnan(got), np.isnan(want))
        assert np.nanmax(np.abs(got - want)) <= slack
        if number < 3:
            level = level[1], read(files[0], overview_level=number)


def digests(files):
    return [(f.name, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]


@pytest.mark.parametrize("what", ["median", "mean", "copy", "both", "int", "netCDF", "Zarr"])
def test_the_same_bytes_for_every_split(stack, what):
    folder, _ = stack
    want = digests(make(folder, what, threads=1, parts=1)[0])
    for threads, parts, memory in (2, 1, None), (1, 6, None), (2, 4, None), (3, 2, 250):
        assert digests(make(folder, what, threads, parts, memory)[0]) == want


def test_zstd(stack):
    folder, bands = stack
    files, _ = make(folder, "zstd")
    check_cog(files[0], 0, bands=3, packing="zstd")
    assert np.array_equal(read(files[0], 2), bands["B08"][0])


def test_integers_round(stack):
    folder, bands = stack
    (path,), _ = make(folder, "int")
    want = np.rint(np.nanmedian(np.stack(list(series(bands, masked=True))), axis=0))
    assert np.array_equal(read(path), np.where(np.isnan(want), -32768, want).astype("int16"))
