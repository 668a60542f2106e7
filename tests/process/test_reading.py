"""How much is decoded, by the count that `sentier run` tells.

Coarse results are made of overviews where that is what gdalwarp does (`-ovr AUTO`), and of all pixels where it would change what a
process means. What is cut out of files decodes each of their tiles once, wherever the cut lies."""
import json
import os
import subprocess

import numpy
import pytest
import rasterio
import scipy.ndimage
from rasterio.transform import from_origin

from conftest import BINARY
from test_around import compare
from test_cubes import load, node
from test_random_graphs import X0, Y0

WIDTH, HEIGHT = 2304, 1792
ALL = WIDTH * HEIGHT
BANDS = {"red": ("uint16", {"common_name": "red"}), "nir": ("uint16", {"common_name": "nir"}),
         "height": ("float32", {}), "flags": ("uint16", {}), "classes": ("uint8", {"classification:classes": [{"value": 1, "name": "a"}]})}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Files as the COG driver makes them, with overviews of 2, 4 and 8 pixels in one; the last one does not divide the sides evenly."""
    folder = tmp_path_factory.mktemp("overviews")
    r = numpy.random.default_rng(7)
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    assets = {}
    for number, (band, (dtype, more)) in enumerate(BANDS.items()):
        image = (2000 + 900 * numpy.sin(x / (31 + number)) * numpy.cos(y / 23) + r.integers(0, 99, (HEIGHT, WIDTH))).astype(dtype)
        if band == "classes":
            image = r.integers(1, 6, (HEIGHT, WIDTH)).astype(dtype)
        image[r.random((HEIGHT, WIDTH)) < 0.02] = 0
        image[600:700, 900:1300] = 0
        with rasterio.open(folder / f"{band}.tif", "w", driver="COG", width=WIDTH, height=HEIGHT, count=1, dtype=dtype, nodata=0,
                           crs="EPSG:32633", transform=from_origin(X0, Y0, 10, 10), compress="deflate", blocksize=256,
                           overview_resampling="average") as file:
            file.write(image, 1)
        assets[band] = {"href": f"{band}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                        "eo:bands": [{"name": band, **more}], "proj:shape": [HEIGHT, WIDTH], "proj:transform": [10, 0, X0, 0, -10, Y0],
                        "raster:bands": [{"nodata": 0, "data_type": dtype}]}
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "one", "collection": "made", "bbox": [15, 46, 15.4, 46.3], "links": [],
            "assets": assets, "geometry": {"type": "Polygon", "coordinates": [[[15, 46], [15.4, 46], [15.4, 46.3], [15, 46.3], [15, 46]]]},
            "properties": {"datetime": "2023-05-01T10:00:00Z", "proj:epsg": 32633, "platform": "made"}}
    (folder / "one.json").write_text(json.dumps(item))
    return folder


def result_of(scene, tmp_path, nodes, **env):
    """Values, profile, and how many pixels were decoded for them."""
    nodes = {**nodes, "save": {**node("save_result", list(nodes)[-1], format="GTiff"), "result": True}}
    (tmp_path / "graph.json").write_text(json.dumps({"process_graph": nodes}))
    done = subprocess.run([str(BINARY), "run", str(tmp_path / "graph.json"), "--from", str(scene), "--output", str(tmp_path / "out")],
                          capture_output=True, text=True, timeout=120, env={**os.environ, **env})
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    with rasterio.open(answer["files"][0]["path"]) as data:
        values = data.read(1).astype(float)
        if data.nodata is not None:
            values[values == data.nodata] = numpy.nan
        return values, data.profile, answer["read"]["pixels"]


def gdalwarped(scene, tmp_path, band, profile, method, overviews="AUTO"):
    t, width, height = profile["transform"], profile["width"], profile["height"]
    box = [repr(v) for v in (t.c, t.f + height * t.e, t.c + width * t.a, t.f)]
    subprocess.run(["gdalwarp", "-q", "-ovr", overviews, "-et", "0", "-r", method, "-t_srs", f"EPSG:{profile['crs'].to_epsg()}", "-te", *box,
                    "-ts", str(width), str(height), "-ot", "Float32", "-dstnodata", "nan", str(scene / f"{band}.tif"), str(tmp_path / "w.tif")],
                   check=True, timeout=120)
    with rasterio.open(tmp_path / "w.tif") as file:
        return file.read(1)


def compare_inside(got, want):
    """gdalwarp has ways of its own at the edges of a file."""
    file = scipy.ndimage.binary_fill_holes(numpy.isfinite(want))
    inside = scipy.ndimage.binary_erosion(file, iterations=4)
    assert inside.mean() > 0.5
    compare(numpy.where(inside, got, numpy.nan), numpy.where(inside, want, numpy.nan), 1e-3)


# pixels of 256 x 256 tiles of an overview, whole: 9 x 7 of the image
LEVEL = {1: 63 * 65536, 2: 5 * 4 * 65536, 4: 3 * 2 * 65536, 8: 2 * 1 * 65536}


@pytest.mark.parametrize("band, to, method, level", [
    ("red", {"resolution": 15}, "average", 1), ("red", {"resolution": 20}, "average", 2), ("red", {"resolution": 33}, "bilinear", 2),
    ("red", {"resolution": 45}, "average", 4), ("red", {"resolution": 100}, "cubic", 8), ("height", {"resolution": 50}, "lanczos", 4),
    ("nir", {"projection": 3035, "resolution": 60}, "average", 4), ("nir", {"projection": 3857, "resolution": 90}, "average", 4)])
def test_overviews_as_gdalwarp_takes_them(scene, tmp_path, band, to, method, level):
    got, profile, pixels = result_of(scene, tmp_path, {**load(bands=[band]), "r": node("resample_spatial", method=method, **to)})
    assert LEVEL[level] <= pixels < 1.5 * LEVEL[level]  # tiles under the rim of two blocks may be decoded for each
    compare_inside(got, gdalwarped(scene, tmp_path, band, profile, method))


@pytest.mark.parametrize("band, method", [("red", "near"), ("red", "max"), ("red", "med"), ("red", "mode"), ("red", "sum"), ("red", "rms"),
                                          ("classes", "average"), ("flags", "average")])
def test_all_pixels_where_they_are_meant(scene, tmp_path, band, method):
    """Values of pixels are those of pixels; and nobody knows what the average of a flag is."""
    got, profile, pixels = result_of(scene, tmp_path, {**load(bands=[band]), "r": node("resample_spatial", resolution=80, method=method)})
    assert pixels == LEVEL[1]
    if method != "sum":
        compare_inside(got, gdalwarped(scene, tmp_path, band, profile, method, "NONE"))


def test_filters_between(scene, tmp_path):
    """What was cut away does not come back: a pixel of an overview is there when its middle is."""
    box = {"west": X0 + 1001, "east": X0 + 9000, "north": Y0 - 2000, "south": Y0 - 8000, "crs": 32633}
    nodes = {**load(), "f": node("filter_bands", bands=["nir"]), "b": node("filter_bbox", "f", extent=box),
             "t": node("resample_spatial", resolution=40, method="near"),
             "r": node("resample_cube_spatial", "b", target={"from_node": "t"}, method="average")}
    got, profile, pixels = result_of(scene, tmp_path, nodes)
    want = gdalwarped(scene, tmp_path, "nir", profile, "average")
    inside = numpy.zeros_like(want, bool)
    inside[50:200, 25:225] = True
    assert pixels == 65536 and numpy.isnan(got[~inside]).all()
    compare(got[50:200, 26:225], want[50:200, 26:225], 1e-3)


def test_what_was_computed_is_resampled_whole(scene, tmp_path):
    """The index of averages is not the average of the index."""
    got, profile, pixels = result_of(scene, tmp_path, {**load(bands=["red", "nir"]), "n": node("ndvi"),
                                                       "r": node("resample_spatial", "n", resolution=80, method="average")})
    assert pixels == 2 * LEVEL[1]
    with rasterio.open(scene / "red.tif") as red, rasterio.open(scene / "nir.tif") as nir:
        red, nir = (numpy.where(b == 0, numpy.nan, b.astype(float)) for b in (red.read(1), nir.read(1)))
    index = ((nir - red) / (nir + red)).reshape(HEIGHT // 8, 8, WIDTH // 8, 8)
    with numpy.errstate(all="ignore"):
        assert numpy.allclose(got, numpy.nanmean(index, (1, 3)), rtol=1e-5, atol=1e-6, equal_nan=True)


def pixels_of(scene, band):
    with rasterio.open(scene / f"{band}.tif") as file:
        image = file.read(1).astype(float)
    return numpy.where(image == 0, numpy.nan, image)


def call(process, /, **arguments):
    return {"process_id": process, "arguments": arguments}


def callback(process, /, **arguments):
    return {"process_graph": {"it": {**call(process, **arguments), "result": True}}}


def budget(megabytes):
    """Memory for each thread, of which `sentier run` has one for each core."""
    return {"SENTIER_RASTER_BLOCK_BUDGET": f"{megabytes * os.cpu_count()}M"}


def test_coarse_cells_are_made_once(scene, tmp_path):
    """What wide kernels over cells of 160 m ask for again and again is kept: each block reaches over most of the image, twice."""
    def blurred(n, data):
        return {f"row{n}": node("apply_kernel", data, kernel=[[1 / n] * n], border="reflect"),
                f"blur{n}": node("apply_kernel", f"row{n}", kernel=[[1 / n]] * n, border="reflect")}
    got, profile, pixels = result_of(scene, tmp_path, {
        **load(bands=["red", "nir"]), "n": node("ndvi"), "c": node("resample_spatial", "n", resolution=160, method="average"),
        **blurred(61, "c"), **blurred(13, "c"),
        "both": call("merge_cubes", cube1={"from_node": "blur61"}, cube2={"from_node": "blur13"}, overlap_resolver=callback(
            "add", x={"from_parameter": "x"}, y={"from_parameter": "y"})),
        "fine": node("resample_cube_spatial", "both", target={"from_node": "n"}, method="near")}, **budget(110))
    # pieces of 64 x 64 cells, each made by any thread, and the files' tiles under their edges
    assert 2 * LEVEL[1] <= pixels <= 2 * 13 * 9 * 65536
    red, nir = pixels_of(scene, "red"), pixels_of(scene, "nir")
    with numpy.errstate(all="ignore"):
        cells = numpy.nan_to_num(numpy.nanmean(((nir - red) / (nir + red)).reshape(HEIGHT // 16, 16, WIDTH // 16, 16), (1, 3)))
    want = sum(scipy.ndimage.correlate1d(scipy.ndimage.correlate1d(cells, [1 / n] * n, 0, mode="reflect"), [1 / n] * n, 1, mode="reflect")
               for n in (61, 13))
    assert numpy.allclose(got, want.repeat(16, 0).repeat(16, 1), rtol=1e-5, atol=1e-6)


def test_bands_of_blocks_share_tiles(scene, tmp_path):
    """Where whole blocks do not fit into memory, the tiles under a block stay decoded while its rows are computed a few at a time."""
    bands = ["red", "nir", "height", "flags"]
    graph = {**load(bands=bands), "double": call("apply", data={"from_node": "load"}, process=callback("multiply", x={"from_parameter": "x"}, y=2)),
             "m": node("reduce_dimension", "double", dimension="bands", reducer=callback("median", data={"from_parameter": "data"}))}
    for name, memory in (("plenty", {}), ("little", budget(50))):
        (tmp_path / name).mkdir()
        got, _, pixels = result_of(scene, tmp_path / name, graph, **memory)
        assert pixels == 4 * LEVEL[1]
        with numpy.errstate(all="ignore"), pytest.warns(RuntimeWarning):
            want = 2 * numpy.nanmedian([pixels_of(scene, band) for band in bands], 0)
        assert numpy.allclose(got, want, rtol=1e-6, equal_nan=True)


LEFT, TOP, RIGHT, BOTTOM = 300, 130, 2200, 1700  # on 8 x 7 tiles of 256
CUT = {"west": X0 + 10 * LEFT, "east": X0 + 10 * RIGHT, "north": Y0 - 10 * TOP, "south": Y0 - 10 * BOTTOM, "crs": 32633}


@pytest.mark.parametrize("memory", [{}, budget(100)])
def test_a_cut_decodes_each_tile_once(scene, tmp_path, memory):
    """Blocks of the result lie across the tiles of the files, nearly all on four or more of each band."""
    got, profile, pixels = result_of(scene, tmp_path, {**load(bands=["red", "nir"], spatial_extent=CUT), "n": node("ndvi")}, **memory)
    assert pixels == 2 * 8 * 7 * 65536
    red, nir = pixels_of(scene, "red"), pixels_of(scene, "nir")
    want = ((nir - red) / (nir + red))[TOP:BOTTOM, LEFT:RIGHT]
    assert profile["transform"] == from_origin(CUT["west"], CUT["north"], 10, 10)
    assert numpy.allclose(got, want, rtol=1e-5, atol=1e-6, equal_nan=True)


def test_a_cut_in_little_memory(scene, tmp_path):
    """Where blocks cannot be kept until they are whole, tiles are decoded for each: the result is the same."""
    nodes = {**load(bands=["red"], spatial_extent=CUT), "k": node("filter_bbox", extent=CUT)}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, _, pixels = result_of(scene, tmp_path / "a", nodes)
    two, _, more = result_of(scene, tmp_path / "b", nodes, **budget(50))
    assert pixels == 8 * 7 * 65536 < more and numpy.array_equal(one, two, equal_nan=True)
    assert numpy.array_equal(one, pixels_of(scene, "red")[TOP:BOTTOM, LEFT:RIGHT], equal_nan=True)


def test_neighbours_across_cuts(scene, tmp_path):
    """A kernel decodes the tiles beside its cell too, those that are not kept from the cell before."""
    nodes = {**load(bands=["red"], spatial_extent=CUT), "k": node("apply_kernel", kernel=[[1, 2, 1]] * 3, border="replicate")}
    got, _, pixels = result_of(scene, tmp_path, nodes)
    image = numpy.nan_to_num(pixels_of(scene, "red")[TOP:BOTTOM, LEFT:RIGHT])
    want = scipy.ndimage.correlate(image, numpy.array([[1., 2, 1]] * 3), mode="nearest")
    assert pixels <= 1.5 * 8 * 7 * 65536
    assert numpy.allclose(got, want, rtol=2e-6, atol=1e-3)
