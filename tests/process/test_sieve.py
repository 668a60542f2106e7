"""sieve against SciPy's labels: patches across the borders of blocks, of exactly the size, with no-data between."""
import json
import subprocess

import numpy as np
import pytest
import rasterio
import rasterio.transform
import scipy.ndimage

from conftest import BINARY
from test_rice import catalogue

GRID = {"transform": rasterio.transform.Affine(10, 0, 500000, 0, -10, 1100000), "crs": rasterio.crs.CRS.from_epsg(32648)}


def sieved(values, size, neighbors):
    figure = (values != 0) & ~np.isnan(values)
    label, n = scipy.ndimage.label(figure, np.ones((3, 3)) if neighbors == 8 else None)
    small = np.flatnonzero(np.bincount(label.ravel(), minlength=n + 1) < size)
    return np.where(figure & np.isin(label, small), 0, values)


@pytest.mark.parametrize("size, neighbors", [(2, 8), (25, 8), (25, 4), (400, 8)])
def test_against_labels(tmp_path, size, neighbors):
    random = np.random.default_rng(size + neighbors)
    noise = scipy.ndimage.gaussian_filter(random.normal(size=(1, 1100, 1300)), (0, 2, 2))[0]
    values = np.where(noise > np.quantile(noise, 0.6), np.ceil(noise * 100), 0).astype("float32")
    values[random.random(values.shape) < 0.02] = np.nan
    # a thread of one pixel that winds through many blocks
    values[500:504] = 0
    values[502, :] = 7
    graph = {"load": {"process_id": "load_collection", "arguments": {"id": "sentinel-1-gamma0", "spatial_extent": None, "temporal_extent": None, "bands": ["VH"]}},
             "sieve": {"process_id": "sieve", "arguments": {"data": {"from_node": "load"}, "size": size, "neighbors": neighbors}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "sieve"}, "format": "GTiff"}, "result": True}}
    folder = catalogue(tmp_path / "in", np.where(np.isnan(values), -1, values)[None], [8000], GRID, nodata=-1)
    (tmp_path / "graph.json").write_text(json.dumps({"process_graph": graph}))
    subprocess.run([str(BINARY), "run", str(tmp_path / "graph.json"), "--from", str(folder), "--output", str(tmp_path / "out")], check=True, timeout=300)
    with rasterio.open(next((tmp_path / "out").glob("*.tif"))) as file:
        got = file.read(1, masked=True).filled(np.nan)
    want = sieved(values, size, neighbors)
    assert (want != values).sum() > 20 and np.array_equal(got, want, equal_nan=True), np.argwhere(~((got == want) | np.isnan(want)))[:5]
