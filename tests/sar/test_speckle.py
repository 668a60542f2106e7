"""Speckle filters, against their formulas in NumPy and, where it is installed, Orfeo ToolBox."""
import os
import pathlib
import shutil
import subprocess
import warnings

import numpy
import pytest

BUILD = pathlib.Path(os.environ.get("SENTIER_BINARY", pathlib.Path(__file__).parents[2] / "build/sentier")).parent
LOOKS = 4.4


def run(pixels, kind, radius=2, damping=1.0, part=None):
    height, width = pixels.shape
    left, top, right, bottom = part or (0, 0, width, height)
    done = subprocess.run([BUILD / "tests/sar/sar_tool", "filter", kind, *map(str, (
        radius, LOOKS, damping, width, height, left, top, right - left, bottom - top))], check=True, capture_output=True,
        input=pixels.astype("<f4").tobytes()).stdout
    return numpy.frombuffer(done, "<f4").reshape(bottom - top, right - left)


def windows(pixels, radius):
    """Of each pixel the values in its window; NaN where there is no data or no image."""
    values = numpy.where(pixels > 0, pixels, numpy.nan).astype("f8")
    values = numpy.pad(values, radius, constant_values=numpy.nan)
    return numpy.lib.stride_tricks.sliding_window_view(values, (2 * radius + 1,) * 2)


def reference(pixels, kind, radius=2, damping=1.0):
    w = windows(pixels, radius)
    with numpy.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # windows without data
        mean, variance = numpy.nanmean(w, (2, 3)), numpy.nanvar(w, (2, 3), ddof=1)
        variance = numpy.where(numpy.isnan(variance), 0, variance)  # of one value
        x, speckle, rough = pixels.astype("f8"), 1 / LOOKS, variance / mean ** 2
        if kind == "lee":
            weight = numpy.maximum(0, 1 - speckle / rough)
            out = mean + weight * (x - mean)
        elif kind == "kuan":
            weight = numpy.maximum(0, (1 - speckle / rough) / (1 + speckle))
            out = mean + weight * (x - mean)
        elif kind == "gammamap":
            alpha = (1 + speckle) / (rough - speckle)
            b = alpha - LOOKS - 1
            root = numpy.sqrt(mean ** 2 * b ** 2 + 4 * alpha * LOOKS * mean * x)
            out = (b * mean + root) / (2 * alpha)
            out = numpy.where(rough <= speckle, mean, numpy.where(rough >= 2 * speckle, x, out))
        elif kind == "frost":
            rows, columns = numpy.mgrid[-radius:radius + 1, -radius:radius + 1]
            weight = numpy.exp(-damping * rough[..., None, None] * numpy.hypot(rows, columns))
            out = numpy.nansum(weight * w, (2, 3)) / numpy.nansum(numpy.where(numpy.isnan(w), 0, weight), (2, 3))
    return numpy.where(pixels > 0, numpy.maximum(out, 1e-7), pixels)


@pytest.fixture(scope="module")
def image():
    """Fields and a strong target under speckle, with gaps."""
    random = numpy.random.default_rng(6)
    power = numpy.kron(random.uniform(0.01, 0.3, (6, 7)), numpy.ones((16, 16)))
    power[40:43, 50:53] = 30
    pixels = (power * random.gamma(LOOKS, 1 / LOOKS, power.shape)).astype("f4")
    pixels[:9, :20] = 0
    pixels[60:64, 60:63] = numpy.nan
    pixels[70, ::3] = 0
    pixels[80, 80] = 1e-7
    return pixels


@pytest.mark.parametrize("kind", ["lee", "kuan", "gammamap", "frost"])
@pytest.mark.parametrize("radius", [1, 2, 5])
def test_formulas(image, kind, radius):
    numpy.testing.assert_allclose(run(image, kind, radius), reference(image, kind, radius), rtol=2e-6)


@pytest.mark.parametrize("kind", ["lee", "kuan", "gammamap", "frost"])
def test_gaps_stay_and_nothing_else_becomes_one(image, kind):
    done = run(image, kind)
    assert numpy.array_equal(numpy.isnan(done), numpy.isnan(image))
    assert numpy.array_equal(done == 0, image == 0)
    assert done[image > 0].min() >= 1e-7


@pytest.mark.parametrize("kind", ["lee", "frost"])
def test_blocks_with_halos_give_the_same_bytes(image, kind):
    whole, radius = run(image, kind), 2
    height, width = image.shape
    for left, top in [(0, 0), (33, 17), (64, 48)]:
        right, bottom = min(left + 48, width), min(top + 40, height)
        x0, y0 = max(left - radius, 0), max(top - radius, 0)
        window = image[y0:min(bottom + radius, height), x0:min(right + radius, width)]
        part = run(window, kind, part=(left - x0, top - y0, right - x0, bottom - y0))
        assert part.tobytes() == numpy.ascontiguousarray(whole[top:bottom, left:right]).tobytes()


@pytest.mark.parametrize("kind", ["lee", "kuan", "gammamap", "frost"])
def test_speckle_goes_and_the_mean_stays(kind):
    random = numpy.random.default_rng(7)
    flat = (0.1 * random.gamma(LOOKS, 1 / LOOKS, (200, 200))).astype("f4")
    done = run(flat, kind, 3)
    looks = lambda a: a.mean() ** 2 / a.var()
    assert looks(done[10:-10, 10:-10]) > 3 * looks(flat)
    assert done.mean() == pytest.approx(flat.mean(), rel=0.03)


def test_means_of_a_constant_are_it():
    flat = numpy.full((20, 20), 0.125, "f4")
    for kind in ("lee", "kuan", "gammamap", "frost"):
        assert (run(flat, kind) == 0.125).all()


def test_alone_among_gaps():
    pixels = numpy.zeros((9, 9), "f4")
    pixels[4, 4] = 0.5
    for kind in ("lee", "kuan", "gammamap", "frost"):
        assert numpy.array_equal(run(pixels, kind), pixels)


@pytest.mark.skipif(not shutil.which("otbcli_Despeckle"), reason="Orfeo ToolBox is not installed")
@pytest.mark.parametrize("kind", ["lee", "kuan", "gammamap", "frost"])
def test_as_orfeo_toolbox_has_them(tmp_path, kind):
    """Inside of an image without gaps: what it does at the margins is its own."""
    import rasterio
    random = numpy.random.default_rng(8)
    pixels = (numpy.kron(random.uniform(0.05, 0.3, (4, 4)), numpy.ones((16, 16)))
              * random.gamma(LOOKS, 1 / LOOKS, (64, 64))).astype("f4")
    with rasterio.open(tmp_path / "in.tif", "w", driver="GTiff", width=64, height=64, count=1, dtype="float32") as file:
        file.write(pixels, 1)
    looks = ["deramp", "1"] if kind == "frost" else ["nblooks", str(LOOKS)]
    subprocess.run(["otbcli_Despeckle", "-in", tmp_path / "in.tif", "-filter", kind, f"-filter.{kind}.rad", "2",
                    f"-filter.{kind}.{looks[0]}", looks[1], "-out", tmp_path / "out.tif", "float"],
                   check=True, capture_output=True)
    with rasterio.open(tmp_path / "out.tif") as file:
        theirs = file.read(1)
    ours = run(pixels, kind)
    numpy.testing.assert_allclose(ours[4:-4, 4:-4], theirs[4:-4, 4:-4], rtol=1e-6)
