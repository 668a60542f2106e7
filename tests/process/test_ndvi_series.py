"""ndvi-time-series: the table of fields against NumPy, its index against the one of another platform, and its smoother against
a dense solution of the same system."""
import csv
import datetime
import json
import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.warp

from conftest import BINARY, ROOT
from test_zones import belongs

GRAPH = ROOT / "processes/ogc/ndvi-time-series.graph.json"
COLUMNS = ["n_valid", "frac_valid", "mean", "std", "p10", "p50", "p90", "filled"]
CLEAR = [4, 5, 6, 7, 11]


@pytest.fixture(scope="module")
def season(shared, tmp_path_factory):
    """33 dates of a field in 2019 as scenes; their values by name; where they lie."""
    folder, data = tmp_path_factory.mktemp("season"), {}
    for name in ("B04", "B08", "SCL", "NDVI"):
        with rasterio.open(f"netcdf:{shared}/data/s2/fusets_bids_raw_s2_ndvi_field_2019.nc:{name}") as file:
            data[name], transform = file.read(), file.transform
            days = [int(file.tags(i)["NETCDF_DIM_t"]) for i in file.indexes]
            crs = file.crs
    dates = [datetime.date(1990, 1, 1) + datetime.timedelta(d) for d in days]
    crs = crs or rasterio.crs.CRS.from_epsg(32631)
    height, width = data["B04"].shape[1:]
    west, south, east, north = rasterio.warp.transform_bounds(crs, "EPSG:4326", *rasterio.transform.array_bounds(height, width, transform))
    for i, date in enumerate(dates):
        here, assets = folder / f"S{i}", {}
        here.mkdir()
        for name in ("B04", "B08", "SCL"):
            with rasterio.open(here / f"{name}.tif", "w", driver="GTiff", width=width, height=height, count=1, dtype="float32",
                               nodata=float("nan"), crs=crs, transform=transform) as file:
                file.write(data[name][i], 1)
            assets[name] = {"href": f"{name}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], "eo:bands": [{"name": name}],
                            "proj:shape": [height, width], "proj:transform": list(transform)[:6], "raster:bands": [{"nodata": "nan", "data_type": "float32"}]}
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        (here / "item.json").write_text(json.dumps({
            "type": "Feature", "stac_version": "1.0.0", "id": f"S{i}", "collection": "sentinel-2-l2a", "bbox": [west, south, east, north],
            "links": [], "assets": assets, "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"datetime": f"{date}T10:00:00Z", "proj:epsg": crs.to_epsg(), "platform": "sentinel-2a"}}))
    return folder, dates, data, transform, crs


def fields(transform, crs):
    """Two triangles within and beside the field that is drilled best."""
    def at(column, row):
        return [transform.c + 10 * column, transform.f - 10 * row]
    shapes = [[(10.2, 8.3), (40.7, 12.1), (22.6, 44.7)], [(30.4, 30.2), (50.6, 33.3), (47.1, 52.8), (33.2, 50.4)]]
    utm = [{"type": "Polygon", "coordinates": [[at(*p) for p in [*s, s[0]]]]} for s in shapes]
    return utm, {"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": None, "geometry": rasterio.warp.transform_geom(crs, "EPSG:4326", g, precision=-1)} for g in utm]}


def run(folder, out, check=True, **parameters):
    done = subprocess.run([str(BINARY), "run", str(GRAPH), "--from", str(folder), "--output", str(out), "--parameters", json.dumps(parameters)],
                          capture_output=True, text=True, timeout=300)
    if check:
        assert done.returncode == 0, done.stderr
    return done


def smooth(days, values, cost, rounds):
    """The definition with whole matrices."""
    there = np.flatnonzero(~np.isnan(values))
    first, last = there[0], there[-1] + 1
    x, y = days[first:last] / 5, values[first:last]
    n, weight = len(x), (~np.isnan(y)).astype(float)
    bends = np.zeros((n - 2, n))
    for i in range(1, n - 1):
        before, after = x[i] - x[i - 1], x[i + 1] - x[i]
        scale = np.sqrt((before + after) / 2) * 2 / (before + after)
        bends[i - 1, i - 1:i + 2] = scale / before, -scale / before - scale / after, scale / after
    for round in range(rounds + 1):
        curve = np.linalg.solve(np.diag(weight) + cost * bends.T @ bends, weight * np.nan_to_num(y))
        weight[y < curve] /= 2
    result = values.copy()
    result[first:last] = curve
    return result


@pytest.fixture(scope="module")
def table(season):
    """[date, field, column] by NumPy from the other platform's index."""
    _, dates, data, transform, crs = season
    index = np.where(np.isin(data["SCL"], CLEAR) & (data["B04"] > 0) & (data["B08"] > 0), data["NDVI"].astype(float), np.nan)
    rows = np.full((len(dates), 2, 7), np.nan)
    for k, shape in enumerate(fields(transform, crs)[0]):
        mask = belongs(shape, transform, index.shape[2], index.shape[1])
        for t in range(len(dates)):
            values = index[t][mask]
            values = values[~np.isnan(values)]
            rows[t, k, :2] = len(values), len(values) / mask.sum()
            if len(values):
                rows[t, k, 2:] = values.mean(), values.std(ddof=1) if len(values) > 1 else np.nan, *np.quantile(values, [.1, .5, .9])
    return rows


@pytest.mark.parametrize("fill", ["none", "linear", "whittaker"])
def test_table(season, table, tmp_path, fill):
    folder, dates, _, transform, crs = season
    run(folder, tmp_path, fields=fields(transform, crs)[1], fill=fill, smoothness=20)
    with open(tmp_path / "table.csv") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["date", "feature_index", *COLUMNS]
    assert [r["date"][:10] for r in rows[::2]] == [str(d) for d in dates]
    got = np.array([[float(r[c] or "nan") for c in COLUMNS] for r in rows]).reshape(len(dates), 2, len(COLUMNS))
    assert np.array_equal(got[..., 0], table[..., 0])
    np.testing.assert_allclose(got[..., 1:7], table[..., 1:], atol=1e-3)
    days = np.array([d.toordinal() for d in dates], float)
    for k in range(2):
        want = np.where(got[:, k, 1] >= 0.5, got[:, k, 2], np.nan)
        there = ~np.isnan(want)
        assert 3 < there.sum() < len(dates)
        if fill == "linear":
            want = np.interp(days, days[there], want[there], left=np.nan, right=np.nan)
        if fill == "whittaker":
            want = smooth(days, want, 20, 3)
        np.testing.assert_allclose(got[:, k, 7], want, atol=1e-6)
    chart = json.loads((tmp_path / "chart.json").read_text())
    assert np.allclose(np.array([chart[d] for d in sorted(chart)], float), got, atol=1e-6, equal_nan=True)


def test_smoother_of_constants(tmp_path):
    """Labels are places; what lies outside stays; too little is left alone."""
    def of(data, **arguments):
        graph = {"s": {"process_id": "array_smooth_whittaker", "arguments": {"data": data, **arguments}, "result": True}}
        path = tmp_path / "graph.json"
        path.write_text(json.dumps({"process_graph": {**graph}}))
        return subprocess.run([str(BINARY), "run", str(path), "--output", str(tmp_path)], capture_output=True, text=True, timeout=60)
    for cost in (0, -1, 1e13):
        done = of([1, 2, 3], **{"lambda": cost})
        assert done.returncode == 1 and "expected a number from 1e-06 to 1e+12" in done.stderr
    assert "step" in of([1, 2, 3], step=0).stderr


@pytest.mark.parametrize("parameters, message", [
    ({}, "fields"),
    ({"fields": {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[[1, 2]]]}, "properties": None}]}}, "(node 'statistics', /process_graph/statistics/arguments/geometries)"),
    ({"fields": {"type": "Point"}}, "(node 'statistics', /process_graph/statistics/arguments/geometries)"),
])
def test_what_cannot_be(season, tmp_path, parameters, message):
    done = run(season[0], tmp_path, check=False, **parameters)
    assert done.returncode == 1 and message in done.stderr and not list(tmp_path.iterdir()), done.stderr
