"""Rice from Sentinel-1: rice_seasons against its definition in NumPy and against the truth of a synthetic delta, and the
whole map as the process rice-map makes it."""
import csv
import datetime
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.transform
import rasterio.warp
import scipy.ndimage

from conftest import BINARY

RICE = Path(os.environ.get("SENTIER_SHARED", Path(__file__).parents[2] / ".." / "shared")) / "data" / "rice-synthetic"
RICE_MAP = Path(__file__).parents[2] / "processes" / "ogc" / "rice-map.graph.json"
EPOCH = datetime.date(2000, 1, 1).toordinal()
NAMES = ["rice_class", "t0_season1", "t0_season2", "t0_season3", "stage", "stage_doubtful", "harvest_day", "harvest_doy", "harvest_spread"]
pytestmark = pytest.mark.skipif(not RICE.is_dir(), reason="the synthetic rice stack is not there")


@pytest.fixture(scope="module")
def stack():
    """Linear backscatter [date, row, column], days since 2000, class and transplanting days [season, row, column]."""
    with rasterio.open(RICE / "vh_gamma0_61dates.tif") as file:
        values, profile = file.read(), file.profile
        days = np.array([datetime.date.fromisoformat(d[:10]).toordinal() - EPOCH for d in file.descriptions])
    with rasterio.open(RICE / "truth_class.tif") as file:
        classes = file.read(1)
    with rasterio.open(RICE / "truth_transplant_day.tif") as file:
        planted = file.read().astype(float)
    return values, days, classes, np.where(planted < 0, np.nan, planted + days[0]), profile


def catalogue(folder, values, days, profile, nodata=0, collection="sentinel-1-gamma0", band="VH"):
    """A folder of STAC items, one a date."""
    transform, crs = profile["transform"], profile["crs"]
    height, width = values.shape[1:]
    bounds = rasterio.transform.array_bounds(height, width, transform)
    west, south, east, north = rasterio.warp.transform_bounds(crs, "EPSG:4326", *bounds)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    for k, day in enumerate(days):
        here = folder / f"{collection}-{k}"
        here.mkdir(parents=True)
        with rasterio.open(here / "vh.tif", "w", driver="GTiff", width=width, height=height, count=1, dtype="float32", nodata=nodata,
                           crs=crs, transform=transform) as file:
            file.write(np.nan_to_num(values[k]).astype("float32"), 1)
        (here / "item.json").write_text(json.dumps({
            "type": "Feature", "stac_version": "1.0.0", "id": f"{collection}-{k}", "collection": collection, "bbox": [west, south, east, north],
            "links": [], "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"datetime": f"{datetime.date.fromordinal(int(day) + EPOCH)}T11:00:00Z", "proj:epsg": crs.to_epsg()},
            "assets": {"vh": {"href": "vh.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], "eo:bands": [{"name": band}],
                              "proj:shape": [height, width], "proj:transform": list(transform)[:6],
                              "raster:bands": [{"nodata": nodata, "data_type": "float32"}]}}}))
    return folder


def run(graph, folder, out, check=True, **parameters):
    out.mkdir(exist_ok=True)
    if isinstance(graph, dict):
        path = out.parent / f"{out.name}.json"
        path.write_text(json.dumps({"process_graph": graph}))
        graph = path
    more = ["--parameters", json.dumps(parameters)] if parameters else []
    done = subprocess.run([str(BINARY), "run", str(graph), "--from", str(folder), "--output", str(out), *more], capture_output=True, text=True, timeout=300)
    assert not check or done.returncode == 0, done.stderr
    return done


def seasons_graph(**arguments):
    return {"load": {"process_id": "load_collection", "arguments": {"id": "sentinel-1-gamma0", "spatial_extent": None, "temporal_extent": None, "bands": ["VH"]}},
            "vh": {"process_id": "reduce_dimension", "arguments": {"data": {"from_node": "load"}, "dimension": "bands", "reducer": {"process_graph": {
                "first": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "index": 0}, "result": True}}}}},
            "db": {"process_id": "apply", "arguments": {"data": {"from_node": "vh"}, "process": {"process_graph": {
                "log": {"process_id": "log", "arguments": {"x": {"from_parameter": "x"}, "base": 10}},
                "db": {"process_id": "multiply", "arguments": {"x": {"from_node": "log"}, "y": 10}, "result": True}}}}},
            "rice": {"process_id": "apply_dimension", "arguments": {"data": {"from_node": "db"}, "dimension": "t", "target_dimension": "results", "process": {"process_graph": {
                "found": {"process_id": "rice_seasons", "arguments": {"data": {"from_parameter": "data"}, **arguments}, "result": True}}}}},
            "named": {"process_id": "rename_labels", "arguments": {"data": {"from_node": "rice"}, "dimension": "results", "target": NAMES}},
            "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "named"}, "format": "GTiff"}, "result": True}}


def read_results(out):
    """By name, [row, column]."""
    found = {}
    for path in out.glob("*.tif"):
        with rasterio.open(path) as file:
            found.update({name: file.read(k + 1) for k, name in enumerate(file.descriptions)})
    return {name: np.where(values == -9999, np.nan, values) if values.dtype.kind == "f" else values for name, values in found.items()}


def definition(db, days, date=None, cycle=95, least=12):
    """The seasons of one pixel, as the description of rice_seasons says it."""
    there = np.flatnonzero(~np.isnan(db))
    made = dict.fromkeys(NAMES, np.nan)
    if len(there) < max(2, least):
        return made
    t, x = days[there].astype(float), db[there]
    weights = np.exp(-((t[:, None] - t) / 6) ** 2 / 2) * (abs(t[:, None] - t) <= 24)
    s = weights @ x / weights.sum(1)
    axis = np.arange(t[0], t[-1] + 1e-9, 6)
    s = np.interp(axis, t, s)
    made["rice_class"] = 0
    if s.max() - s.min() < 4 or not -21 < s.mean() < -13:
        return made
    seasons, free = [], 0
    for m in range(len(s)):
        after = s[m + 1:m + 13]
        if m < free or s[m] > -16 or s[max(0, m - 3):m + 4].min() < s[m] or not len(after):
            continue
        rise = after.argmax() + 1
        if after.max() - s[m] < 3.5 or rise * 6 < 24 or not -19 < after.max() < -11:
            continue
        free = m + 13
        a, b, c = s[m - 1:m + 2] if 0 < m < len(s) - 1 else (1, 1, 1)
        off = np.clip((a - c) / (2 * (a - 2 * b + c)), -1, 1) if a - 2 * b + c > 0 else 0
        seasons.append((axis[0] + 6 * (m + off), m + rise))
    made["rice_class"] = min(3, len(seasons))
    for k, (begin, _) in enumerate(seasons[:3]):
        made[f"t0_season{k + 1}"] = begin
    date = days[-1] if date is None else date
    if not seasons:
        return made
    made.update(stage=0, stage_doubtful=0)
    begun = [s for s in seasons if s[0] <= date]
    if not begun:
        return made
    begin, peak = begun[-1]
    age = date - begin
    made["stage"] = 1 + (age > 10) + (age > 45) + (age > 65) + (age > cycle)
    i = int(min(len(s) - 1, max(0, np.floor((date - axis[0]) / 6 + 0.5))))
    before, behind = max(0, i - 1), min(len(s) - 1, i + 1)
    made["stage_doubtful"] = float(made["stage"] == 2 and (s[behind] - s[before]) / (6 * (behind - before)) <= 0.03)
    harvest = axis[peak] + cycle - 60 if peak + 1 < len(s) else begin + cycle
    made.update(harvest_day=harvest, harvest_spread=12 if (t > begin).sum() < 3 else 6,
                harvest_doy=datetime.date.fromordinal(int(np.floor(harvest)) + EPOCH).timetuple().tm_yday)
    return made


def test_every_number(stack, tmp_path):
    """Pixels of all kinds, with gaps and uneven dates, against the definition."""
    values, days, classes, _, profile = stack
    random = np.random.default_rng(6)
    part = scipy.ndimage.uniform_filter(values, (0, 5, 5))[:, 30:62, 40:72].copy()
    part[random.random(part.shape) < 0.25] = np.nan
    part[:, :2] = np.where(np.arange(len(days))[:, None, None] < 9, part[:, :2], np.nan)
    keep = np.sort(random.choice(len(days), 45, replace=False))
    folder = catalogue(tmp_path / "in", part[keep], days[keep], profile)
    date = int(days[keep][30]) + 2
    for arguments, options in ({}, {}), ({"date": str(datetime.date.fromordinal(date + EPOCH)), "cycle": 105, "observations": 20}, {"date": date, "cycle": 105, "least": 20}):
        out = tmp_path / f"out{len(arguments)}"
        run(seasons_graph(**arguments), folder, out)
        got = read_results(out)
        db = 10 * np.log10(part[keep].astype("float32").astype(float))
        # the item is taken at 11:00
        want = [[definition(db[:, r, c], days[keep] + 11 / 24, **{**options, **({} if "date" in options else {"date": days[keep][-1] + 11 / 24})})
                 for c in range(32)] for r in range(32)]
        assert list(got) == NAMES
        for name in NAMES:
            expected = np.array([[pixel[name] for pixel in row] for row in want])
            differs = ~np.isclose(got[name], expected, atol=2e-2, equal_nan=True)
            assert differs.mean() < 0.002, (name, np.argwhere(differs)[:5], got[name][differs][:5], expected[differs][:5])
        assert len(np.unique(got["rice_class"][~np.isnan(got["rice_class"])])) >= 3 and np.isnan(got["rice_class"][:2]).all()


@pytest.mark.parametrize("arguments, message", [
    ({"smoothing": 0}, "smoothing"), ({"cycle": 20}, "expected a number of at least 65, found the number 20"), ({"date": "yesterday"}, "date"),
])
def test_what_cannot_be(stack, tmp_path, arguments, message):
    values, days, _, _, profile = stack
    done = run(seasons_graph(**arguments), catalogue(tmp_path / "in", values[:2, :8, :8], days[:2], profile), tmp_path / "out", check=False)
    assert done.returncode == 1 and message in done.stderr and not list((tmp_path / "out").iterdir()), done.stderr


@pytest.mark.parametrize("step, most_days", [(1, 5), (2, 7)])
def test_map_of_a_delta(stack, tmp_path, step, most_days):
    """The process rice-map on speckled fields of 16 pixels; interiors are three pixels from any border."""
    values, days, classes, planted, profile = stack
    left, top = rasterio.transform.xy(profile["transform"], 5, 10, offset="ul")
    ring = [[left, top], [left + 900, top], [left + 900, top - 700], [left, top - 700], [left, top]]
    fields = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": rasterio.warp.transform_geom(
        profile["crs"], "EPSG:4326", {"type": "Polygon", "coordinates": [ring]}, precision=-1)}]}
    rows, columns = np.arange(3, 128, 8), np.arange(2, 128, 9)
    places = [(r, c, *rasterio.transform.xy(profile["transform"], r, c)) for r in rows for c in columns]
    lon, lat = rasterio.warp.transform(profile["crs"], "EPSG:4326", [p[2] for p in places], [p[3] for p in places])
    known = np.where(classes <= 3, classes, 0)
    reference = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"class": int(known[p[0], p[1]])}, "geometry": {
        "type": "Point", "coordinates": [x, y]}} for p, x, y in zip(places, lon, lat)]}
    run(RICE_MAP, catalogue(tmp_path / "in", values[::step], days[::step], profile), tmp_path / "out", collection="sentinel-1-gamma0", fields=fields, reference=reference)
    got = read_results(tmp_path / "out")
    found, rice = got["classes"], (classes >= 1) & (classes <= 3)
    inside = scipy.ndimage.minimum_filter(classes, 7) == scipy.ndimage.maximum_filter(classes, 7)
    assert inside.sum() > 5000
    assert ((found > 0) == rice)[inside].mean() >= 0.98
    right = inside & rice & (found == classes)
    assert right.sum() / (inside & rice & (found > 0)).sum() >= 0.97
    errors = np.concatenate([(np.where(got[name] == -32768, np.nan, got[name].astype(float)) - planted[k])[right] for k, name in enumerate(NAMES[1:4])])
    assert np.nanmean(abs(errors)) <= most_days and np.isfinite(errors).sum() > 5000
    report = json.loads((tmp_path / "out" / "accuracy.json").read_text())
    pairs = [(found[r, c], known[r, c]) for r, c, *_ in places]
    assert report["matrix"] == [[pairs.count((i, k)) for k in report["classes"]] for i in report["classes"]] and report["samples"] == len(places)
    # no patch of fewer than 25 pixels, and no season without rice
    label, n = scipy.ndimage.label((found > 0) & (found < 255), np.ones((3, 3)))
    assert np.bincount(label.ravel())[1:].min() >= 25
    assert ((got["t0_season1"] == -32768) == (found == 0)).all()
    with open(tmp_path / "out" / "statistics.csv") as file:
        row = next(csv.DictReader(file))
    here = found[5:75, 10:100]
    assert [float(row[k]) for k in ("pixels", "single", "double", "triple")] == [here.size, *((here == k).sum() for k in (1, 2, 3))]
    # days were not rounded before the mean was taken
    assert abs(float(row["transplanted"]) - got["t0_season1"][5:75, 10:100][here > 0].mean()) < 0.5


def terrain(profile, size, spacing, crease):
    """Heights on coarser pixels: flat in the west, a ramp of 8 degrees from the column of 10 m `crease` on."""
    east = (np.arange(size) + 0.5) * spacing
    heights = 30 + np.maximum(0, east - crease * 10) * np.tan(np.radians(8))
    place = {**profile, "transform": profile["transform"] * rasterio.transform.Affine.scale(spacing / 10)}
    return np.broadcast_to(heights, (1, size, size)), place


def test_slope_is_that_of_gdal(stack, tmp_path):
    profile = stack[4]
    heights = scipy.ndimage.gaussian_filter(np.random.default_rng(4).normal(size=(1, 200, 300)), (0, 6, 6)) * 400 + 500
    heights[0, 50:53, 60] = -1
    folder = catalogue(tmp_path / "in", heights, [8000], profile, nodata=-1, collection="dem", band="height")
    load = {"process_id": "load_collection", "arguments": {"id": "dem", "spatial_extent": None, "temporal_extent": None}}
    run({"load": load, "slope": {"process_id": "slope", "arguments": {"data": {"from_node": "load"}}},
         "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "slope"}, "format": "GTiff"}, "result": True}}, folder, tmp_path / "out")
    subprocess.run(["gdaldem", "slope", "-q", folder / "dem-0" / "vh.tif", tmp_path / "slope.tif"], check=True, timeout=60)
    with rasterio.open(next((tmp_path / "out").glob("*.tif"))) as mine, rasterio.open(tmp_path / "slope.tif") as theirs:
        got, want = mine.read(1, masked=True).filled(np.nan)[1:-1, 1:-1], theirs.read(1, masked=True).filled(np.nan)[1:-1, 1:-1]
    assert np.nanmax(want) > 20 and np.isnan(want).sum() == 15
    np.testing.assert_allclose(got, want, atol=1e-3)
    globe = {**profile, "crs": rasterio.crs.CRS.from_epsg(4326), "transform": rasterio.transform.from_origin(105, 10, 0.001, 0.001)}
    done = run({"load": load, "slope": {"process_id": "slope", "arguments": {"data": {"from_node": "load"}}, "result": True}},
               catalogue(tmp_path / "globe", heights, [8000], globe, collection="dem"), tmp_path / "none", check=False)
    assert done.returncode == 1 and "the pixels are in degrees (EPSG:4326)" in done.stderr, done.stderr


def test_slopes_and_other_land_are_no_rice(stack, tmp_path):
    """A ramp in the east, forest in the south, and a corner whose land cover nobody knows."""
    values, days, _, _, profile = stack
    folder = catalogue(tmp_path / "in", values[::4, :72, :72], days[::4], profile)
    lon, lat = rasterio.warp.transform(profile["crs"], "EPSG:4326", *([v] for v in rasterio.transform.xy(profile["transform"], 30, 30)))
    known = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"class": 1}, "geometry": {"type": "Point", "coordinates": [*lon, *lat]}}]}
    wish = {"collection": "sentinel-1-gamma0", "observations": 12, "patch": 0, "fields": known, "reference": known}
    run(RICE_MAP, folder, tmp_path / "all", **wish)
    heights, coarse = terrain(profile, 26, 30, 45)
    catalogue(folder, heights, [7000], coarse, nodata=-1, collection="heights", band="dem")
    cover = np.full((1, 72, 72), 40.0)
    cover[0, 42:], cover[0, 60:, :12], cover[0, 20:30, 20:30] = 10, 0, 41
    catalogue(folder, cover, [7000], profile, collection="cover", band="map")
    run(RICE_MAP, folder, tmp_path / "kept", elevation="heights", cropland="cover", **{**wish, "cropland-classes": [40, 41]})
    run(RICE_MAP, folder, tmp_path / "steep", elevation="heights", slope=9, **wish)
    every, kept, steep = (read_results(tmp_path / name) for name in ("all", "kept", "steep"))
    # not at the foot of the ramp, nor at the border, where slopes are half of what they are
    crops, flat, sure = cover[0] != 10, np.arange(72) < 45, (np.abs(np.arange(72) - 45) > 5) & (np.arange(72) < 71)
    want = np.where(crops & flat, every["classes"], np.where(every["classes"] == 255, 255, 0))
    assert (every["classes"][:42, 51:] > 0).any() and (every["classes"][45:] > 0).any() and (want[60:, :12] > 0).any()
    assert np.array_equal(kept["classes"][:, sure], want[:, sure]) and np.array_equal(steep["classes"], every["classes"])
    assert ((kept["t0_season1"] == -32768) == ((kept["classes"] == 0) | (kept["classes"] == 255))).all()
