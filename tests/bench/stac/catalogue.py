"""A synthetic catalogue: item k of it is always the same. Usage: catalogue.py FIRST COUNT > items.ndjson

Three of five are Sentinel-2 L2A on a lattice of tiles of one degree, two are Sentinel-1 GRD; eight years,
each instant and place as likely as any other."""
import datetime
import json
import random
import sys

START, SPAN_S = datetime.datetime(2017, 1, 1), 8 * 365 * 86400
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
BANDS = "CDEFGHJKLMNPQRSTUVWX"


def time_of(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def optical(k, chance, when, x, y):
    zone = (x + 180) // 6 + 1
    code = f"{zone:02}{BANDS[min(19, (y + 80) // 8)]}{'ABCDEF'[(x + 180) % 6]}{'ABCDEFGH'[(y + 80) % 8]}"
    name = f"S2{'AB'[k % 2]}_{code}_{when:%Y%m%d}_{k}_L2A"
    base = f"https://data.example/sentinel-2/{code}/{when:%Y/%m/%d}/{name}"
    assets = {f"B{b:02}": {"href": f"{base}/B{b:02}.tif", "type": COG, "title": f"Band {b}", "roles": ["data", "reflectance"],
                           "proj:shape": [10980, 10980], "gsd": 10} for b in range(1, 13)}
    return name, "sentinel-2-l2a", 1.3, 1.0, assets, {
        "datetime": time_of(when), "platform": f"sentinel-2{'ab'[k % 2]}", "constellation": "sentinel-2", "instruments": ["msi"],
        "eo:cloud_cover": round(chance.random() * 100, 2), "grid:code": "MGRS-" + code, "gsd": 10,
        "sat:relative_orbit": 1 + ((x + 180) * 143 // 360 + k % 2 * 7) % 143, "sat:orbit_state": "descending",
        "s2:processing_baseline": "05.09", "s2:nodata_pixel_percentage": round(chance.random() * 50, 3)}


def radar(k, chance, when, x, y):
    name = f"S1{'AB'[k % 2]}_IW_GRDH_1SDV_{when:%Y%m%dT%H%M%S}_{k:08X}"
    base = f"https://data.example/sentinel-1/{when:%Y/%m/%d}/{name}"
    assets = {a: {"href": f"{base}/{a}.tiff", "type": COG, "title": a.upper(), "roles": ["data"]}
              for a in ("vv", "vh", "calibration", "noise", "thumbnail", "manifest")}
    return name, "sentinel-1-grd", 3.0, 2.0, assets, {
        "datetime": time_of(when), "start_datetime": time_of(when), "end_datetime": time_of(when + datetime.timedelta(seconds=25)),
        "platform": f"sentinel-1{'ab'[k % 2]}", "constellation": "sentinel-1", "instruments": ["c-sar"],
        "sat:relative_orbit": 1 + ((x + 180) * 175 // 360 + k % 2 * 11) % 175, "sat:orbit_state": ["ascending", "descending"][k // 5 % 2],
        "sar:instrument_mode": "IW", "sar:frequency_band": "C", "sar:polarizations": ["VV", "VH"], "sar:product_type": "GRD"}


def item(k):
    chance = random.Random(k)
    when = START + datetime.timedelta(seconds=int(chance.random() * SPAN_S))
    tile = int(chance.random() * 360 * 139)
    x, y = -180 + tile % 360, -56 + tile // 360
    name, collection, width, height, assets, properties = (optical if k % 5 < 3 else radar)(k, chance, when, x, y)
    west = round(min(x + chance.random() * 0.3, 179.9 - width), 5)
    south = round(min(y + chance.random() * 0.3, 89.9 - height), 5)
    east, north, lean = round(west + width, 5), round(south + height, 5), width / 10
    ring = [[west, south + 0.1], [east - lean, south], [east, north - 0.1], [west + lean, north], [west, south + 0.1]]
    return {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection,
            "geometry": {"type": "Polygon", "coordinates": [[[round(a, 5), round(b, 5)] for a, b in ring]]},
            "bbox": [west, south, east, north], "properties": properties, "links": [], "assets": assets, "stac_extensions": []}


def main(first, count):
    for k in range(first, first + count):
        sys.stdout.write(json.dumps(item(k), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
