"""cloud-free-mosaic: each method against NumPy on five dates of a tile, of which some are cloudy."""
import json
import subprocess

import numpy as np
import pytest
import rasterio

from conftest import BINARY, ROOT

GRAPH = ROOT / "processes/ogc/cloud-free-mosaic.graph.json"
BANDS = ["B02", "B03", "B04", "B08"]
DAYS = np.array([222, 225, 227, 230, 232])  # of the scenes in 2023
SIZE = 320  # of the corner that is compared


def run(scenes, folder, check=True, **parameters):
    sources = [a for scene in scenes for a in ("--from", scene)]
    done = subprocess.run([str(BINARY), "run", str(GRAPH), *map(str, sources), "--output", str(folder),
                           "--parameters", json.dumps(parameters)], capture_output=True, text=True, timeout=300)
    if not check:
        return done
    assert done.returncode == 0, done.stderr
    return {f["save"]: f for f in json.loads(done.stdout)["files"]}


@pytest.fixture(scope="module")
def scenes(shared):
    return sorted((shared / "data/s2/33TW").glob("*33TWL*"), key=lambda s: s.name.split("_")[2])


def corner(scene, name):
    with rasterio.open(scene / f"{name}.tif") as file:
        return file.read(1, window=((0, SIZE), (0, SIZE)))


@pytest.fixture(scope="module")
def stack(scenes):
    """Reflectance [t, band, y, x] with NaN where it does not count, classes, and the counts."""
    classes = np.stack([corner(scene, "SCL") for scene in scenes])
    bands = np.stack([[corner(scene, name) for name in BANDS] for scene in scenes]).astype("float32")
    good = np.isin(classes, [4, 5, 6, 7, 11]) & (bands > 0).all(axis=1)
    bands[~np.broadcast_to(good[:, None], bands.shape)] = np.nan
    return bands, classes, good


@pytest.fixture(scope="module")
def made(scenes, tmp_path_factory):
    """What a method makes of the corner: composite, count, day; each method is run once."""
    done = {}

    def make(method):
        if method not in done:
            folder = tmp_path_factory.mktemp(method)
            box = {"west": 499980, "east": 499980 + 120 * SIZE, "north": 5100000, "south": 5100000 - 120 * SIZE, "crs": 32633}
            run(scenes, folder, method=method, grow=0, bbox=box)
            done[method] = [rasterio.open(folder / f"{name}.tif").read() for name in ("composite", "count", "doy")]
        return done[method]
    return make


def averages(classes):
    """1 - clouds near and 1 - clouds far: means of 240 m, blurred, and back to the pixels."""
    cloud = np.isin(classes, [3, 8, 9, 10]).astype(float)
    n = SIZE // 2
    coarse = cloud.reshape(len(cloud), n, 2, n, 2).mean(axis=(2, 4))
    apart = np.ones_like(coarse)
    for sigma, radius in ((2, 6), (10, 30)):
        weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
        weights /= weights.sum()
        blurred = np.pad(coarse, ((0, 0), (radius, radius), (radius, radius)), mode="symmetric")
        for axis in (1, 2):
            blurred = np.apply_along_axis(np.convolve, axis, blurred, weights, "valid")
        apart *= 1 - blurred
    at = np.clip((np.arange(SIZE) + 0.5) / 2 - 0.5, 0, n - 1)
    low = np.minimum(at.astype(int), n - 2)
    part = at - low
    rows = apart[:, low] * (1 - part)[None, :, None] + apart[:, low + 1] * part[None, :, None]
    return rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part


def weights(classes, scenes):
    times = [json.loads(next(s.glob("*.json")).read_text())["properties"]["datetime"] for s in scenes]
    days = np.array([t[:-1] for t in times], "datetime64[ms]").astype(float) / 86400000
    date = 1 - 0.5 * np.abs(days - days[[0, -1]].mean()) / 23
    return np.clip(averages(classes), 0.001, 1) * date[:, None, None]


def chosen(bands, rank):
    """The values and the day of the date that ranks first."""
    best = np.where(np.isnan(rank), -np.inf, rank).argmax(axis=0)
    values = np.take_along_axis(bands, best[None, None], axis=0)[0]
    return values, np.where(np.isnan(rank).all(axis=0), 0, DAYS[best])


def stored(values):
    return np.nan_to_num(np.rint(values)).astype("uint16")


def test_median(stack, made):
    bands, _, good = stack
    composite, count, day = made("median")
    with pytest.warns(RuntimeWarning):
        assert np.array_equal(composite, stored(np.nanmedian(bands, axis=0)))
    assert np.array_equal(count[0], good.sum(axis=0))
    with np.errstate(all="ignore"):
        mean = (good * DAYS[:, None, None]).sum(axis=0) / good.sum(axis=0)
    assert np.array_equal(day[0], stored(mean))


def test_medoid(stack, made):
    bands, _, good = stack
    with pytest.warns(RuntimeWarning):
        rank = -np.abs(bands - np.nanmedian(bands, axis=0)).sum(axis=1)
    values, days = chosen(bands, rank)
    composite, count, day = made("medoid")
    assert np.array_equal(composite, stored(values))
    assert np.array_equal(day[0], days)
    assert np.array_equal(count[0], good.sum(axis=0))


def index(bands):
    return (bands[:, 3] - bands[:, 2]) / (bands[:, 3] + bands[:, 2])


def test_greenest(stack, made):
    bands, _, _ = stack
    values, days = chosen(bands, index(bands))
    composite, _, day = made("max-ndvi")
    same = day[0] == days
    assert same.mean() > 0.9999  # the rest are equal but for the last bit
    assert np.array_equal(composite[:, same], stored(values)[:, same])


def test_best_pixel(stack, scenes, made):
    bands, classes, _ = stack
    score = weights(classes, scenes) * np.where(np.isin(classes, [2, 7]), 0.5, 1) + 0.1 * index(bands)
    values, days = chosen(bands, score)
    composite, _, day = made("best-pixel")
    ordered = np.sort(np.where(np.isnan(score), -np.inf, score), axis=0)
    with np.errstate(invalid="ignore"):
        clear = (ordered[-1] - ordered[-2] > 1e-5) | np.isnan(score).all(axis=0)
    assert clear.mean() > 0.99
    assert np.array_equal(day[0][clear], days[clear])
    assert np.array_equal(composite[:, clear], stored(values)[:, clear])


def test_weighted_average(stack, scenes, made):
    bands, classes, good = stack
    weight = np.where(good, weights(classes, scenes), np.nan)
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        off = bands[:, 0] - np.nanmedian(bands[:, 0], axis=0)
        hazy = off > 300 + 3 * np.nanmedian(np.abs(off), axis=0)
    kind = np.where(classes == 6, 1, np.where(classes == 11, 2, 0))
    land, water, snow = (((kind == k) & good).sum(axis=0) for k in range(3))
    majority = np.where(np.maximum(water, snow) > land, np.where(snow > water, 2, 1), 0)
    weight[hazy | (kind != majority)] = np.nan
    total = np.nansum(weight, axis=0)
    with np.errstate(all="ignore"):
        mean = np.nansum(bands * weight[:, None], axis=0) / total
        day = np.nansum(DAYS[:, None, None] * weight, axis=0) / total
    composite, count, days = made("weighted")
    assert hazy.any() and (kind != majority).any()
    assert np.array_equal(count[0], np.isfinite(weight).sum(axis=0))
    assert np.abs(composite.astype(int) - stored(mean)).max() <= 1
    assert (composite == stored(mean)).mean() > 0.99
    assert np.abs(days[0].astype(int) - stored(day)).max() <= 1


@pytest.mark.parametrize("grow", [1, 4])
def test_clouds_grow(scenes, stack, tmp_path, grow):
    bands, classes, good = stack
    box = {"west": 499980, "east": 499980 + 120 * SIZE, "north": 5100000, "south": 5100000 - 120 * SIZE, "crs": 32633}
    run(scenes, tmp_path, grow=grow, bbox=box)
    cloud = np.pad(np.isin(classes, [3, 8, 9, 10]), ((0, 0), (grow, grow), (grow, grow)))
    near = np.zeros_like(good)
    for y in range(-grow, grow + 1):
        for x in range(-grow, grow + 1):
            if x * x + y * y <= grow * grow:
                near |= cloud[:, grow + y:grow + y + SIZE, grow + x:grow + x + SIZE]
    with rasterio.open(tmp_path / "count.tif") as file:
        assert np.array_equal(file.read(1), (good & ~near).sum(axis=0))


def test_known_numbers_and_two_tiles(shared, scenes, tmp_path):
    files = run(scenes, tmp_path, grow=0)
    bands = files["composite"]["bands"]
    assert [b["mean"] for b in bands] == pytest.approx([436.29, 636.51, 433.86, 3388.80], abs=0.01)
    assert [b["valid_percent"] for b in bands] == pytest.approx([99.935] * 4, abs=0.001)
    assert files["count"]["bands"][0]["mean"] == pytest.approx(3.363, abs=0.001)
    # the neighbour to the north: what both tiles see is in one file
    north = sorted((shared / "data/s2/33TW").glob("*20230820*"))
    box = {"west": 550000, "east": 562000, "south": 5084000, "north": 5116000, "crs": 32633}
    run(north, tmp_path, grow=0, method="best-pixel", bbox=box)
    with rasterio.open(tmp_path / "composite.tif") as file:
        mosaic, top = file.read(1), file.transform.f
    with rasterio.open(tmp_path / "count.tif") as file:
        count = file.read(1)
    overlap = slice(round((top - 5100000) / 120) + 2, round((top - 5090220) / 120) - 2)
    # one pass of the satellite is one date, whatever tiles it is cut in
    for part in (slice(0, overlap.start), overlap, slice(overlap.stop, None)):
        assert count[part].max() == 1
    assert np.array_equal(mosaic > 0, count == 1) and (count == 1).mean() > 0.9


@pytest.mark.parametrize("parameters, message", [
    ({"centre": "someday"}, "someday"),
    ({"grow": 9}, "index"),
    ({"more_bands": ["B99"]}, "B99"),
    ({"bbox": {"west": 10, "east": 10.1, "south": 10, "north": 10.1}}, ""),
])
def test_what_cannot_be(scenes, tmp_path, parameters, message):
    done = run(scenes[:1], tmp_path, check=False, **parameters)
    assert done.returncode == 1 and message in done.stderr and not list(tmp_path.iterdir()), done.stderr
