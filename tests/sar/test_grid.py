"""The Sentinel-2 grid: all tiles as ESA publishes them, and what of them an area covers, against pyproj and Shapely."""
import csv
import json
import os
import pathlib
import subprocess

import numpy
import pytest
import shapely
from pyproj import Transformer

BUILD = pathlib.Path(os.environ.get("SENTIER_BINARY", pathlib.Path(__file__).parents[2] / "build/sentier")).parent
GRID = pathlib.Path(os.environ.get("SENTIER_SHARED", "/nonexistent")) / "data/grid/s2_tiles_utm.csv"


def tool(*words):
    return subprocess.run([BUILD / "tests/sar/sar_tool", *map(str, words)], check=True, capture_output=True,
                          text=True).stdout.splitlines()


@pytest.fixture(scope="module")
def tiles():
    return {name: (int(epsg), int(left), int(top)) for name, epsg, left, top in map(str.split, tool("tiles"))}


def test_published_tiles(tiles):
    """Names, zones and corners of all of them, and no more."""
    if not GRID.exists():
        pytest.skip("SENTIER_SHARED does not name a folder with the published grid")
    with open(GRID) as file:
        published = {row["tile"]: (int(row["epsg"]), int(row["ulx"]), int(row["uly"])) for row in csv.DictReader(file)}
    assert len(published) == 56686
    assert tiles == published


def test_known_tiles(tiles):
    assert len(tiles) == 56686
    assert tool("find", "31TCJ", "T33NWB", "33twl") == ["31TCJ 32631 300000 4900020", "33NWB 32633 499980 200040",
                                                       "33TWL 32633 499980 5100000"]


def test_every_name_is_found(tiles):
    names = list(tiles)
    assert [line.split()[0] for at in range(0, len(names), 10000) for line in tool("find", *names[at:at + 10000])] == names


@pytest.mark.parametrize("name, reason", [
    ("61TCJ", "zones are 01 to 60"), ("00TCJ", "zones are 01 to 60"), ("31ICJ", "bands are C to X"),
    ("31TSJ", "no such column"), ("31TAA", "no such square"), ("31T", "two digits and three letters"),
    ("", "two digits and three letters"), ("31TCJX", "two digits and three letters"), ("31 CJ", "bands are C to X"),
])
def test_wrong_names(name, reason):
    line, = tool("find", name)
    assert line.startswith(f"'{name}' is no tile of the Sentinel-2 grid") and reason in line and "31TCJ" in line


def percents(tiles, rings, zones):
    """By Shapely, in the metres of each zone; sides cut into short pieces."""
    area = {}
    for zone in zones:
        to_zone = Transformer.from_crs(4326, 32600 + zone, always_xy=True)
        shape = shapely.Polygon(shapely.transform(shapely.segmentize(shapely.Polygon(rings[0], rings[1:]), 0.05),
                                                  lambda xy: numpy.array(to_zone.transform(*xy.T)).T))
        for name, (epsg, left, top) in tiles.items():
            if epsg % 100 == zone:
                bottom = top - 109800 - (10000000 if epsg > 32700 else 0)
                part = shape.intersection(shapely.box(left, bottom, left + 109800, bottom + 109800)).area
                if part > 0:
                    area[name] = part / 109800 ** 2 * 100
    return area


@pytest.mark.parametrize("rings, zones", [
    ([[(8.0, 48.8), (11.5, 48.3), (12.4, 51.6), (8.6, 52.2), (8.0, 48.8)]], range(30, 36)),  # a frame over Germany
    ([[(32.2, -17.1), (34.6, -16.6), (35.0, -18.6), (32.6, -19.2), (32.2, -17.1)]], range(34, 39)),
    ([[(-4, -2), (9, -3), (8, 3), (-3, 4), (-4, -2)], [(1, -1), (4, -1), (4, 1), (1, 1), (1, -1)]], range(28, 34)),
    ([[(20, 71), (34, 69), (40, 78), (10, 80), (20, 71)]], range(29, 41)),  # the wide zones in the north
    ([[(10, 48), (11, 48), (11, 49), (10.5, 48.2), (10, 49), (10, 48)]], range(30, 35)),  # concave
])
def test_cover(tiles, tmp_path, rings, zones):
    path = tmp_path / "rings.json"
    path.write_text(json.dumps(rings))
    expected = percents(tiles, rings, zones)
    found = {name: float(percent) for name, percent in map(str.split, tool("cover", 0, path))}
    # corners of tiles that are only just touched: less than a pixel
    small = {name for name in expected.keys() ^ found.keys() if max(expected.get(name, 0), found.get(name, 0)) < 1e-4}
    assert found.keys() - small == expected.keys() - small
    for name, percent in found.items():
        if name not in small:
            assert percent == pytest.approx(expected[name], abs=0.02), name
    some = {name for name, percent in found.items() if percent >= 1}
    assert {line.split()[0] for line in tool("cover", 1, path)} == some


@pytest.mark.parametrize("ring", [
    [(178, -18), (182, -18), (182, -16), (178, -16), (178, -18)],
    [(178, -18), (-178, -18), (-178, -16), (178, -16), (178, -18)],
    [(-182, -18), (-178, -18), (-178, -16), (-182, -16), (-182, -18)],
])
def test_cover_across_180_degrees(tiles, tmp_path, ring):
    path = tmp_path / "rings.json"
    path.write_text(json.dumps([ring]))
    found = {name: float(percent) for name, percent in map(str.split, tool("cover", 0, path))}
    expected = percents(tiles, [[(178, -18), (182, -18), (182, -16), (178, -16), (178, -18)]], [59, 60, 1, 2])
    assert {name[:2] for name in found} >= {"60", "01"}
    assert found == pytest.approx(expected, abs=0.02)


def test_too_large_an_area(tmp_path):
    path = tmp_path / "rings.json"
    path.write_text("[[[-80, -60], [80, -60], [80, 60], [-80, 60], [-80, -60]]]")
    assert tool("cover", 0, path) == ["The area covers more than 2000 tiles of the Sentinel-2 grid."]


def test_product_titles():
    first = "S1A_IW_GRDH_1SDV_20150222T170725_20150222T170750_004739_005DD8_CEAB"
    second = "S1A_IW_GRDH_1SDV_20150222T170750_20150222T170815_004739_005DD8_3768"
    joined, alone, other, strip = tool("title", first + ".SAFE.zip", second + ".SAFE",
                                       "S1B_EW_GRDM_1SSH_20211223T051122_20211223T051147_030148_039993_5371_COG.SAFE",
                                       "S1D_S4_GRDF_1SDV_20260105T150036_20260105T150106_009365_00D887_4AFE.SAFE")
    assert joined == ("S1A IW H DV 2015-02-22T17:07:25Z 2015-02-22T17:07:50Z 4739 005DD8 VV,VH "
                      "s1a_31TCJ_vv_ASC_008_20150222txxxxxx.tif")
    assert alone.endswith(" s1a_31TCJ_vv_ASC_008_20150222t170750.tif")
    assert other == ("S1B EW M SH 2021-12-23T05:11:22Z 2021-12-23T05:11:47Z 30148 039993 HH "
                     "s1b_31TCJ_hh_ASC_008_20211223t051122.tif")
    assert strip.startswith("S1D S4 F DV 2026-01-05T15:00:36Z 2026-01-05T15:01:06Z 9365 00D887 VV,VH s1d_")


@pytest.mark.parametrize("title, reason", [
    ("", "is no title"), ("S2B_MSIL1C_20230605T110619_N0509_R137_T30UVU_20230605T131150", "is no title"),
    ("S1A_IW_SLC__1SDV_20150222T170725_20150222T170750_004739_005DD8_CEAB", "is no title"),
    ("S1A_IW_GRDH_1SDV_20150222T170725_20150222T170750_004739_005DD8_CEAB/..", "is no title"),
    ("S1A_IW_GRDH_1SDV_20151322T170725_20150222T170750_004739_005DD8_CEAB", "its times are none"),
    ("S1A_IW_GRDH_1SDV_20150222T170750_20150222T170725_004739_005DD8_CEAB", "its times are none"),
    ("S1A_IW_GRDH_1SXV_20150222T170725_20150222T170750_004739_005DD8_CEAB", "SH, SV, DH or DV"),
])
def test_wrong_titles(title, reason):
    line, = tool("title", title)
    assert reason in line
