"""Backscatter of windows of real products by us and by SARCalibration of the Orfeo ToolBox. The measurements of the samples are
no pictures: a file of random numbers takes their place, of which only the windows are written. Both read the same tables. (OTB
8.1.1 fetches no calibration of products of IPF 2.36, so those are left to expected_values.json.)"""
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from osgeo import gdal

gdal.UseExceptions()
BUILD = Path(sys.argv[1])
SAMPLES = Path(os.environ.get("SENTIER_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data/s1"
PRODUCTS = [("S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255", "vv"),
            ("S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255", "vh"),
            ("S1B_IW_GRDH_1SDV_20211223T051122_20211223T051147_030148_039993_5371", "vv")]
LINES = 96
ENL = 4.4


def windows(width, height):
    """A stripe at the top, one in the middle, one at the bottom: all columns, the parts of the swath included."""
    return [(y, 0, width, LINES) for y in (0, height // 2 - 7, height - LINES)]


def speckled(path, places):
    """Numbers as those of an image from dark to bright, in the windows alone."""
    old = gdal.Open(str(path))
    width, height, gcps, srs = old.RasterXSize, old.RasterYSize, old.GetGCPs(), old.GetGCPProjection()
    tags = {k: v for k, v in old.GetMetadata().items() if k.startswith("TIFFTAG")}
    old = None
    os.unlink(path)
    new = gdal.GetDriverByName("GTiff").Create(str(path), width, height, 1, gdal.GDT_UInt16, ["SPARSE_OK=YES", "BLOCKYSIZE=1"])
    new.SetGCPs(gcps, srs)
    new.SetMetadata(tags)
    random = np.random.default_rng(7)
    for line, pixel, w, h in places(width, height):
        mean = np.geomspace(20, 2000, w)  # amplitude, so that noise is much and little of it
        dn = np.sqrt(random.gamma(ENL, 1 / ENL, (h, w))) * mean
        dn[random.random((h, w)) < 0.01] = 0
        new.GetRasterBand(1).WriteArray(np.minimum(dn, 65535).astype(np.uint16), pixel, line)
    return width, height


def by_otb(tiff, lut, noise, window, folder):
    out = folder / "otb.tif"
    line, pixel, w, h = window
    subprocess.run(["otbcli_SARCalibration", "-in", str(tiff), "-lut", lut, "-removenoise", str(noise).lower(), "-ram", "2048",
                    "-out", f"{out}?&box={pixel}:{line}:{w}:{h}", "float"], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return gdal.Open(str(out)).ReadAsArray()


def by_us(product, pol, quantity, noise, window):
    line, pixel, w, h = window
    answer = subprocess.run([BUILD / "tests/sar/sar_tool", "calibrate", product, pol, quantity, "yes" if noise else "no",
                             str(line), str(pixel), str(w), str(h)], check=True, stdout=subprocess.PIPE)
    return np.frombuffer(answer.stdout, np.float32).reshape(h, w)


def compare(ours, theirs, undiminished):
    """The largest difference where there is data: relative, of what is left after noise to what was there before."""
    assert ((ours > 0) | (undiminished == 0)).all(), "data became no data"
    assert (ours[undiminished == 0] == 0).all(), "no data became data"
    low = theirs < 1e-7
    assert (ours[low & (undiminished > 0)] <= 1.1e-7).all(), "what is nothing but noise is not the smallest value"
    keep = ~low & (undiminished > 0)
    return np.max(np.abs(ours[keep].astype(float) - theirs[keep]) / undiminished[keep]), keep.mean()


def main():
    worst = 0
    for name, pol in PRODUCTS:
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            zipfile.ZipFile(SAMPLES / f"{name}.SAFE.zip").extractall(folder)
            product = folder / f"{name}.SAFE"
            tiff = next(product.glob(f"measurement/*-{pol}-*.tiff"))
            width, height = speckled(tiff, windows)
            for window in windows(width, height):
                for lut, quantity in (("sigma", "sigma0"), ("gamma", "gamma0"), ("beta", "beta0")):
                    plain = by_us(product, pol, quantity, False, window)
                    for noise in (False, True):
                        ours = by_us(product, pol, quantity, noise, window)
                        difference, share = compare(ours, by_otb(tiff, lut, noise, window, folder), plain)
                        worst = max(worst, difference)
                        print(f"{name[-4:]} {pol} {quantity} noise removed: {noise!s:5} line {window[0]:5}: "
                              f"{difference:.2e} of {share:.1%} of the pixels", flush=True)
    print(f"largest difference {worst:.2e}")
    assert worst < 1e-6
    return 0


sys.exit(main())
