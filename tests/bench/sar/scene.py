"""A scene to measure with: a real product whose measurement in VV is its quick-look with speckle, laid out as ESA does it
(strips of one line, not packed), the product as it came, whose numbers are columns (VV) and lines (VH), and mountains in
files like SRTM's."""
import io
import shutil
import zipfile
import xml.etree.ElementTree as ET

import numpy as np
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.windows import Window

PRODUCT = "S1A_IW_GRDH_1SDV_20210119T031653_20210119T031718_036201_043ED0_8255.SAFE"
TILE, EPSG, LEFT, TOP = "36KWE", 32736, 499980, 8000020


def quick_look(archive):
    name = next(n for n in archive.namelist() if n.endswith("quick-look.png"))
    with rasterio.MemoryFile(archive.read(name)) as memory, memory.open() as file:
        return file.read().astype("float32").mean(0) + 4  # what is black there is dark here, not nothing


def speckle(grey, first, height, lines, samples, random):
    y = (np.arange(first, first + height) * grey.shape[0] / lines).astype(int)
    x = (np.arange(samples) * grey.shape[1] / samples).astype(int)
    power = (grey[y][:, x] * 4) ** 2 * random.gamma(4.4, 1 / 4.4, (height, samples)).astype("float32")
    return np.clip(np.sqrt(power), 1, 65535).astype("uint16")


def write_measurement(path, grey, lines, samples, points):
    random = np.random.default_rng(5)
    profile = dict(driver="GTiff", width=samples, height=lines, count=1, dtype="uint16", blockysize=1, gcps=points,
                   crs="EPSG:4326")
    with rasterio.open(path, "w", **profile) as file:
        file.update_tags(TIFFTAG_IMAGEDESCRIPTION="Sentinel-1A IW GRD HR L1")
        for first in range(0, lines, 512):
            height = min(512, lines - first)
            file.write(speckle(grey, first, height, lines, samples, random), 1, window=Window(0, first, samples, height))


def make_products(shared, folder):
    """The folders of the product with speckle, and of the one with columns and lines."""
    made = folder / "speckle" / PRODUCT, folder / "coded" / PRODUCT
    if (made[0] / "done").exists():
        return made
    shutil.rmtree(folder / "speckle", ignore_errors=True)
    with zipfile.ZipFile(shared / "data/s1" / (PRODUCT + ".zip")) as archive:
        for path in made:
            archive.extractall(path.parent)
        grid = next(n for n in archive.namelist() if "/annotation/s1a-iw-grd-vv" in n)
        root = ET.parse(io.BytesIO(archive.read(grid))).getroot()
        lines, samples = (int(root.findtext(".//imageInformation/numberOf" + what)) for what in ("Lines", "Samples"))
        points = [GroundControlPoint(*(float(p.findtext(n)) for n in ("line", "pixel", "longitude", "latitude", "height")))
                  for p in root.iter("geolocationGridPoint")]
        tiff = next(path for path in (made[0] / "measurement").iterdir() if "-vv-" in path.name)
        tiff.unlink()
        write_measurement(tiff, quick_look(archive), lines, samples, points)
    (made[0] / "done").touch()
    return made


def make_heights(folder):
    """Hills and mountains of up to 2,500 m, continuous from one cell of a degree to the next."""
    folder.mkdir(parents=True, exist_ok=True)
    for south in range(-20, -16):
        for west in range(32, 36):
            path = folder / f"S{-south:02}E{west:03}.hgt"
            if path.exists():
                continue
            y, x = np.meshgrid(south + 1 - np.arange(3601) / 3600, west + np.arange(3601) / 3600, indexing="ij")
            height = np.full(x.shape, 600.0)
            for i, size in enumerate([0.9, 0.31, 0.13, 0.047, 0.019, 0.0083]):
                turn = 1.3 * i
                height += 620 * size ** 0.75 * np.sin((x * np.cos(turn) + y * np.sin(turn)) * 6.28 / size + i) \
                    * np.cos((y * np.cos(turn) - x * np.sin(turn)) * 6.28 / size / 1.3)
            height.clip(0, 2500).round().astype(">i2").tofile(path)
    return folder
