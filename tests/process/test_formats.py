"""Result files in the eyes of others, for every format and option; and what formats refuse."""
import csv
import json
import shutil
import zipfile

import numpy
import pyproj
import pytest
import rasterio
import xarray
import zarr
from test_cubes import load, node, run
from test_random_graphs import BANDS, DATES, H, W, X0, Y0, write_scene

WIDE, HIGH = 1100, 1030
pytestmark = pytest.mark.filterwarnings("ignore")  # pictures have no place


def numbers(width=W, height=H):
    """By date and band; 0 is no-data."""
    random = numpy.random.default_rng(7)
    return [{band: 50 * random.integers(0, 4 if dtype == "uint8" else 60, (height, width)) for band, dtype in BANDS.items()}
            for _ in DATES[:2]]


def made(folder, values):
    for i, (date, bands) in enumerate(zip(DATES, values)):
        height, width = bands["A"].shape
        write_scene(folder, i, date, bands, width, height)
    return folder, values


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return made(tmp_path_factory.mktemp("small"), numbers())


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """More than a tile in both directions."""
    return made(tmp_path_factory.mktemp("large"), numbers(WIDE, HIGH))


def save(folder, tmp_path, format, bands=tuple(BANDS), more=None, data="load", **options):
    nodes = {**load(bands=list(bands)), **(more or {}),
             "save": {**node("save_result", data, format=format, options=options), "result": True}}
    shutil.rmtree(tmp_path / "out", ignore_errors=True)
    return run(folder, tmp_path, nodes)


def files_of(tmp_path, done):
    assert done.returncode == 0, done.stderr
    files = sorted((tmp_path / "out").iterdir())
    assert sorted(f["path"].rsplit("/", 1)[1] for f in json.loads(done.stdout)["files"]) == [f.name for f in files]
    assert all(f["size"] == (tmp_path / "out" / f["path"].rsplit("/", 1)[1]).stat().st_size for f in json.loads(done.stdout)["files"])
    return files


def dates():
    return [date.replace(":", "-") for date in DATES[:2]]


FIRST = {"f": node("filter_temporal", extent=["2023-05-01", "2023-05-02"])}


@pytest.mark.parametrize("format", ["COG", "GTiff"])
def test_files_by_date_by_band_or_one(small, tmp_path, format):
    folder, values = small
    files = files_of(tmp_path, save(folder, tmp_path, format, files="bands"))
    assert [f.name for f in files] == sorted(f"save_{d}_{b}.tif" for d in dates() for b in BANDS)
    for date, bands in zip(dates(), values):
        for band in BANDS:
            with rasterio.open(tmp_path / "out" / f"save_{date}_{band}.tif") as file:
                assert file.count == 1 and file.descriptions == (band,)
                assert (file.read(1) == bands[band]).all()
    (file,) = files_of(tmp_path, save(folder, tmp_path, format, files="one", bands=["A", "B"]))
    with rasterio.open(file) as file:
        assert file.descriptions == tuple(f"{d} {b}" for d in DATES[:2] for b in "AB")
        assert (file.read() == [bands[b] for bands in values for b in "AB"]).all()


def test_packing_of_geotiffs(large, tmp_path):
    folder, values = large
    sizes = {}
    for compression, level in ("none", None), ("deflate", 1), ("deflate", 9), ("zstd", 1), ("zstd", 9):
        options = {"compression": compression, **({"compression_level": level} if level else {})}
        (file,) = files_of(tmp_path, save(folder, tmp_path, "GTiff", more=FIRST, data="f", **options))
        with rasterio.open(file) as got:
            assert (got.compression.value if got.compression else "NONE").lower() in (compression, "none")
            assert got.overviews(1) == [2, 4]
            assert (got.read() == [values[0][b] for b in BANDS]).all()
        sizes[compression, level] = file.stat().st_size
    assert sizes["none", None] > sizes["deflate", 1] > sizes["deflate", 9]
    assert sizes["zstd", 1] > sizes["zstd", 9]


def test_overviews_of_geotiffs(large, tmp_path):
    folder, values = large
    (file,) = files_of(tmp_path, save(folder, tmp_path, "GTiff", more=FIRST, data="f", overviews=False))
    with rasterio.open(file) as got:
        assert got.overviews(1) == [] and (got.read(1) == values[0]["A"]).all()
    (file,) = files_of(tmp_path, save(folder, tmp_path, "COG", more=FIRST, data="f", overview_resampling="nearest"))
    with rasterio.open(file, overview_level=0) as got:
        assert (got.read(1) == values[0]["A"][::2, ::2]).all()


def test_picture_of_a_range(small, tmp_path):
    folder, values = small
    (file,) = files_of(tmp_path, save(folder, tmp_path, "PNG", bands=["A"], more=FIRST, data="f", range=[500, 2500]))
    with rasterio.open(file) as got:
        grey, alpha = got.read()
    a = values[0]["A"].astype("float32")
    seen = a != 0
    assert (alpha == numpy.where(seen, 255, 0)).all()
    assert (grey[seen] == numpy.rint(numpy.clip((a - 500) * (255 / 2000), 0, 255))[seen]).all()


def test_picture_of_colours(small, tmp_path):
    folder, values = small
    c = values[0]["C"]
    some = [int(v) for v in numpy.unique(c[c > 0])[:3]]
    colormap = {str(some[0]): [10, 20, 30], str(some[1]): [0, 255, 0, 128], str(some[2]): [1, 2, 3, 0]}
    (file,) = files_of(tmp_path, save(folder, tmp_path, "PNG", bands=["C"], more=FIRST, data="f", colormap=colormap))
    want = numpy.zeros((4, H, W), "uint8")
    for value, colour in colormap.items():
        want[:, c == int(value)] = numpy.array((colour + [255])[:4])[:, None]
    with rasterio.open(file) as got:
        assert (got.read() == want).all()


def test_jpeg(large, tmp_path):
    folder, values = large
    smooth = {"k": node("apply_kernel", "f", kernel=[[1] * 31] * 31, factor=1 / 961)}
    sizes = []
    for quality in 30, 95:
        (file,) = files_of(tmp_path, save(folder, tmp_path, "JPEG", more={**FIRST, **smooth}, data="k", quality=quality, range=[0, 3000]))
        sizes.append(file.stat().st_size)
    with rasterio.open(file) as got:
        assert got.driver == "JPEG" and got.count == 3 and got.shape == (HIGH, WIDE)
        middle = got.read(1)[200:800, 200:800].astype(float)
    want = values[0]["A"][200:800, 200:800].mean() * 255 / 3000
    assert abs(middle.mean() - want) < 2
    assert sizes[0] < sizes[1]


REFUSED = {
    "two bands": ("PNG", "AB", {}, "PNG holds 1, 3 or 4 bands, the cube has 2"),
    "two bands of a JPEG": ("jpeg", "AB", {}, "JPEG holds 1 or 3 bands, the cube has 2"),
    "colours of three": ("PNG", "ABC", {"colormap": {"1": [0, 0, 0]}}, "With a colormap PNG is of 1 band, the cube has 3"),
    "colour": ("PNG", "A", {"colormap": {"x": [0, 0, 0]}}, "option 'colormap': expected numbers from 0 to 255"),
    "range": ("PNG", "A", {"range": [5, 5]}, "option 'range': expected two finite numbers"),
    "quality": ("JPEG", "A", {"quality": 0}, "option 'quality': expected a whole number from 1 to 100"),
    "option of another": ("JPEG", "A", {"colormap": {}}, "option 'colormap': there is no such option"),
    "no option": ("JSON", "A", {"dtype": "uint8"}, "option 'dtype': this format has no options"),
    "choice": ("GTiff", "A", {"compression": "lzw"}, "option 'compression': expected deflate, zstd or none"),
    "boolean": ("GTiff", "A", {"overviews": "no"}, "option 'overviews': expected true or false"),
    "level": ("COG", "A", {"compression_level": 2.5}, "option 'compression_level': expected a whole number from 1 to 9"),
    "scale": ("COG", "A", {"dtype": "int16", "scale": 0}, "option 'scale': 0 is no scale"),
    "nodata": ("COG", "A", {"dtype": "uint8", "nodata": 256}, "the type of the pixels cannot hold this number"),
    "lonely": ("COG", "A", {"nodata": 2}, "scale, offset and nodata need dtype beside them"),
    "format": ("XLS", "A", {}, "'XLS' is no output format; there are COG, GTiff, "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(small, tmp_path, case):
    format, bands, options, message = REFUSED[case]
    done = save(small[0], tmp_path, format, bands=bands, **options)
    assert done.returncode != 0 and message in done.stderr


# ---- netCDF and Zarr: xarray reads both ----

def opened(tmp_path, file):
    if file.suffix == ".nc":
        return xarray.open_dataset(file, engine="h5netcdf", decode_coords="all")
    store = zarr.storage.ZipStore(file, mode="r")
    return xarray.open_zarr(store, consolidated=True, decode_coords="all")


def check_place(cube, height, width):
    assert (cube.x.values == X0 + 5 + 10 * numpy.arange(width)).all()
    assert (cube.y.values == Y0 - 5 - 10 * numpy.arange(height)).all()
    (grid_mapping,) = (cube[name] for name in cube.coords if "crs_wkt" in cube[name].attrs)
    assert pyproj.CRS.from_cf(grid_mapping.attrs) == pyproj.CRS.from_epsg(32633)
    assert cube.x.standard_name == "projection_x_coordinate" and cube.y.units == "m"


def with_gaps(pixels):
    return numpy.where(pixels == 0, numpy.nan, pixels)


@pytest.mark.parametrize("format", ["netCDF", "Zarr"])
@pytest.mark.parametrize("size", ["small", "large"])
def test_cubes_of_variables(request, tmp_path, format, size):
    folder, values = request.getfixturevalue(size)
    (file,) = files_of(tmp_path, save(folder, tmp_path, format))
    with opened(tmp_path, file) as cube:
        assert set(cube.data_vars) == set(BANDS) and cube.A.dims == ("t", "y", "x")
        assert [str(t)[:19] + "Z" for t in cube.t.values] == DATES[:2]
        check_place(cube, *values[0]["A"].shape)
        for band in BANDS:
            want = numpy.array([with_gaps(v[band]) for v in values])
            assert numpy.array_equal(cube[band].values, want, equal_nan=True)
            assert cube[band].encoding["dtype"] == "uint16" and cube[band].attrs["long_name"] == band
        assert cube.attrs["Conventions"] == "CF-1.8"


@pytest.mark.parametrize("format", ["netCDF", "Zarr"])
def test_packed_numbers_are_unpacked(small, tmp_path, format):
    folder, values = small
    index = {"r": node("reduce_dimension", dimension="bands", reducer={"process_graph": {
        "d": {"process_id": "normalized_difference", "arguments": {
            "x": {"from_node": "a"}, "y": {"from_node": "b"}}, "result": True},
        "a": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "index": 0}},
        "b": {"process_id": "array_element", "arguments": {"data": {"from_parameter": "data"}, "index": 1}}}}),
        "m": node("add_dimension", "r", name="bands", type="bands", label="0 NDXI/b")}
    (file,) = files_of(tmp_path, save(folder, tmp_path, format, bands="AB", more=index, data="m", dtype="int16",
                                      scale=0.0001, offset=0.5, nodata=-9999))
    with opened(tmp_path, file) as cube:
        (name,) = cube.data_vars
        assert name == "0_NDXI_b" and cube[name].attrs["long_name"] == "0 NDXI/b"
        encoding = cube[name].encoding
        assert (encoding["dtype"], encoding["_FillValue"], encoding["scale_factor"], encoding["add_offset"]) == ("int16", -9999, 0.0001, 0.5)
        a, b = (numpy.array([with_gaps(v[band]) for v in values]) for band in "AB")
        with numpy.errstate(invalid="ignore"):
            assert numpy.allclose(cube[name].values, (a - b) / (a + b), atol=0.00006, equal_nan=True)


@pytest.mark.parametrize("format", ["netCDF", "Zarr"])
def test_labels_of_other_kinds(small, tmp_path, format):
    """Periods keep their names; text and numbers as labels; no bands; booleans."""
    folder, values = small
    months = {"p": node("aggregate_temporal_period", period="month", reducer={"process_graph": {
        "m": {"process_id": "max", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}),
        "q": node("add_dimension", "p", name="tile", label="31TCJ", type="other"),
        "n": node("add_dimension", "q", name="depth", label=2.5, type="other")}
    (file,) = files_of(tmp_path, save(folder, tmp_path, format, more=months, data="n"))
    with opened(tmp_path, file) as cube:
        assert cube.A.dims == ("t", "tile", "depth", "y", "x")
        assert str(cube.t.values[0])[:10] == "2023-05-01" and list(cube.t_label.values) == ["2023-05"]
        assert list(cube.tile.values) == ["31TCJ"] and list(cube.depth.values) == [2.5]
        assert numpy.array_equal(cube.A.values[0, 0, 0], numpy.fmax(*(with_gaps(v["A"]) for v in values)), equal_nan=True)
    truth = {"b": node("filter_bands", bands=["A"]), "d": node("drop_dimension", "b", name="bands"),
             "a": {"process_id": "apply", "arguments": {"data": {"from_node": "d"}, "process": {"process_graph": {
                 "g": {"process_id": "gt", "arguments": {"x": {"from_parameter": "x"}, "y": 1000}, "result": True}}}}}}
    (file,) = files_of(tmp_path, save(folder, tmp_path, format, more=truth, data="a"))
    with opened(tmp_path, file) as cube:
        a = numpy.array([with_gaps(v["A"]) for v in values])
        assert numpy.array_equal(cube["var"].values, numpy.where(numpy.isnan(a), a, a > 1000), equal_nan=True)


def test_netcdf_of_levels(large, tmp_path):
    folder, _ = large
    sizes = [files_of(tmp_path, save(folder, tmp_path, "netCDF", compression_level=level))[0].stat().st_size for level in (0, 1, 9)]
    assert sizes[0] > sizes[1] > sizes[2]


def table_of(file):
    with open(file, newline="") as text:
        head, *rows = csv.reader(text)
    return head, rows


def test_tables(small, tmp_path):
    """CSV: a row for each date, label and pixel with a column for each band; a series is a row for each date."""
    folder, values = small
    (file,) = files_of(tmp_path, save(folder, tmp_path, "CSV", bands="AC"))
    head, rows = table_of(file)
    assert head == ["t", "y", "x", "A", "C"] and len(rows) == 2 * H * W
    wanted = [[date, y, x, v["A"][y, x], v["C"][y, x]] for date, v in zip(DATES, values) for y in range(H) for x in range(W)]
    for row, (date, y, x, a, c) in zip(rows, wanted):
        assert (row[0], float(row[1]), float(row[2])) == (date, Y0 - (y + 0.5) * 10, X0 + (x + 0.5) * 10)
        assert row[3:] == ["" if n == 0 else str(n) for n in (a, c)]
    # no bands, another label, a name that needs quotes
    more = {"b": node("filter_bands", bands=["A"]), "d": node("drop_dimension", "b", name="bands"),
            "n": node("add_dimension", "d", name="tile, \"odd\"", label="31,T", type="other")}
    (file,) = files_of(tmp_path, save(folder, tmp_path, "CSV", more=more, data="n"))
    head, rows = table_of(file)
    assert head == ["t", "tile, \"odd\"", "y", "x", "value"] and rows[-1][:2] == [DATES[1], "31,T"] and len(rows) == 2 * H * W
    # bands that are not the last dimension, and no x and y
    series = {"r": node("reduce_spatial", reducer={"process_graph": {"m": {"process_id": "mean", "arguments": {
        "data": {"from_parameter": "data"}}, "result": True}}})}
    (file,) = files_of(tmp_path, save(folder, tmp_path, "CSV", bands="AC", more=series, data="r"))
    head, rows = table_of(file)
    assert head == ["t", "A", "C"] and [r[0] for r in rows] == DATES[:2]
    assert numpy.allclose([[float(n) for n in r[1:]] for r in rows], [[numpy.nanmean(with_gaps(v[b])) for b in "AC"] for v in values])


def test_tables_end(large, tmp_path):
    folder, _ = large
    assert "CSV is for small cubes" in save(folder, tmp_path, "CSV").stderr


@pytest.mark.parametrize("compression, codec", [("deflate", "zlib"), ("zstd", "zstd"), ("none", None)])
def test_chunks_of_zarr(large, tmp_path, compression, codec):
    """GDAL reads it, too; a chunk without data is no member."""
    folder, values = large
    empty = {"m": node("mask", mask={"from_node": "g"}), "g": {"process_id": "apply", "arguments": {
        "data": {"from_node": "load"}, "process": {"process_graph": {"g": {"process_id": "gt", "arguments": {
            "x": {"from_parameter": "x"}, "y": 100}, "result": True}}}}}}
    (file,) = files_of(tmp_path, save(folder, tmp_path, "Zarr", bands="AC", more=empty, data="m", compression=compression))
    with zipfile.ZipFile(file) as members:
        assert members.testzip() is None
        names = members.namelist()
        about = json.loads(members.read(".zmetadata"))["metadata"]
        for name in names:
            if name.rsplit("/", 1)[-1].startswith(".z") and name != ".zmetadata":
                assert json.loads(members.read(name)) == about[name]
    assert (about["A/.zarray"]["compressor"] or {}).get("id") == codec and about["A/.zarray"]["chunks"] == [1, 1024, 1024]
    valid = [[numpy.where(v["A"] <= 100, v["A"], 0)[y:y + 1024, x:x + 1024].any() for y in (0, 1024) for x in (0, 1024)] for v in values]
    assert {n for n in names if n.startswith("A/") and n[2] != "."} == {
        f"A/{t}.{i // 2}.{i % 2}" for t in range(2) for i in range(4) if valid[t][i]}
    with rasterio.open(f'ZARR:"/vsizip/{file}":/C:1') as got:
        c = values[1]["C"]
        assert got.crs.to_epsg() == 32633 and (got.read(1, masked=True).filled(0) == numpy.where(c <= 100, c, 0)).all()
