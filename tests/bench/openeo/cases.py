"""The process graphs that are measured, and the scenes that they read."""
import itertools
import json
import os
import random
import subprocess
from pathlib import Path

SIZE = int(os.environ.get("BENCH_OPENEO_SIZE", "10980"))
SCENES, X0, Y0 = 6, 500000, 5100000  # scenes that differ; dates take turns
FIELDS_AT, FIELDS_SIDE = 2100, 3000  # where the fields lie: from there, and how far
UTM = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}}


def node(process, data=None, **arguments):
    return {"process_id": process, "arguments": {**({"data": {"from_node": data}} if data else {}), **arguments}}


def call(process, result=False, **arguments):
    return {"process_id": process, "arguments": arguments, **({"result": True} if result else {})}


def ref(name):
    return {"from_node": name}


def param(name):
    return {"from_parameter": name}


def load(collection, bands, dates):
    return node("load_collection", id=collection, spatial_extent=None, temporal_extent=dates, bands=bands)


def band(i):
    return call("array_element", data=param("data"), index=i)


def reducer(process):
    return {"process_graph": {"r": call(process, True, data=param("data"))}}


def ndvi(i, k):
    """Of bands i and k, the nearer infrared first."""
    return {"process_graph": {"a": band(i), "b": band(k), "d": call("subtract", x=ref("a"), y=ref("b")),
                              "s": call("add", x=ref("a"), y=ref("b")), "n": call("divide", True, x=ref("d"), y=ref("s"))}}


EVI = {"process_graph": {
    "nir": band(0), "red": band(1), "blue": band(2),
    "n": call("multiply", x=ref("nir"), y=0.0001), "r": call("multiply", x=ref("red"), y=0.0001), "b": call("multiply", x=ref("blue"), y=0.0001),
    "d": call("subtract", x=ref("n"), y=ref("r")), "r6": call("multiply", x=ref("r"), y=6), "b7": call("multiply", x=ref("b"), y=7.5),
    "s1": call("add", x=ref("n"), y=ref("r6")), "s2": call("subtract", x=ref("s1"), y=ref("b7")), "s": call("add", x=ref("s2"), y=1),
    "q": call("divide", x=ref("d"), y=ref("s")), "evi": call("multiply", True, x=ref("q"), y=2.5)}}
GAUSS = [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def fields(n=1000):
    """Quadrangles of some hectares, side by side: none overlaps another."""
    dice, side = random.Random(5), FIELDS_SIDE / 32
    found = []
    for i in range(n):
        x, y = (FIELDS_AT + side * (k + 0.5) for k in (i % 32, i // 32))
        corners = [(x + dx * dice.uniform(8, side / 2), y + dy * dice.uniform(8, side / 2)) for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        ring = [[X0 + 10 * a, Y0 - 10 * b] for a, b in [*corners, corners[0]]]
        found.append({"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}})
    return {"type": "FeatureCollection", "crs": UTM, "features": found}


def graph(nodes, format="COG"):
    last = list(nodes)[-1]
    return {"process_graph": {**nodes, "save": {**node("save_result", last, format=format), "result": True}}}


YEAR = ["2023-01-01", "2024-01-01"]
CASES = {
    "ndvi_median": ("NDVI median of 12 dates", "tile", 12, ["B08", "B04"], lambda: graph({
        "load": load("tile", ["B08", "B04"], YEAR), "ndvi": node("reduce_dimension", "load", dimension="bands", reducer=ndvi(0, 1)),
        "median": node("reduce_dimension", "ndvi", dimension="t", reducer=reducer("median"))})),
    "evi_months": ("EVI, means of 4 months of 12 dates", "tile", 12, ["B08", "B04", "B02"], lambda: graph({
        "load": load("tile", ["B08", "B04", "B02"], YEAR), "evi": node("reduce_dimension", "load", dimension="bands", reducer=EVI),
        "months": node("aggregate_temporal_period", "evi", period="month", reducer=reducer("mean"))})),
    "zones": ("NDVI means of 1,000 fields on 60 dates", "series", 60, ["B08", "B04"], lambda: graph({
        "load": load("series", ["B08", "B04"], YEAR), "ndvi": node("reduce_dimension", "load", dimension="bands", reducer=ndvi(0, 1)),
        "zones": node("aggregate_spatial", "ndvi", geometries=fields(), reducer=reducer("mean"))}, "JSON")),
    "kernel": ("3 x 3 kernel of a date", "tile", 1, ["B08"], lambda: graph({
        "load": load("tile", ["B08"], ["2023-05-02", "2023-05-03"]), "first": node("reduce_dimension", "load", dimension="t", reducer=reducer("first")),
        "kernel": node("apply_kernel", "first", kernel=GAUSS, factor=1 / 16)})),
    "warp": ("another CRS of a date, bilinear", "tile", 1, ["B08"], lambda: graph({
        "load": load("tile", ["B08"], ["2023-05-02", "2023-05-03"]), "first": node("reduce_dimension", "load", dimension="t", reducer=reducer("first")),
        "warp": node("resample_spatial", "first", projection=3035, resolution=10, method="bilinear")})),
}


def dates(collection):
    """(month, day): three in a month of four, or five in each month."""
    days = ((5, 6, 7, 8), (2, 12, 22)) if collection == "tile" else (range(1, 13), (2, 8, 14, 20, 26))
    return list(itertools.product(*days))


def item(collection, number, month, day, bands):
    ring = [[14.9, 45.0], [16.5, 45.0], [16.5, 46.1], [14.9, 46.1], [14.9, 45.0]]
    assets = {b: {"href": f"{b}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"], "eo:bands": [{"name": b}],
                  "proj:epsg": 32633, "proj:shape": [SIZE, SIZE], "proj:transform": [10, 0, X0, 0, -10, Y0],
                  "raster:bands": [{"nodata": 0, "data_type": "uint16"}]} for b in bands}
    return {"type": "Feature", "stac_version": "1.0.0", "id": f"{collection}-{number:02}", "collection": collection, "links": [],
            "stac_extensions": ["https://stac-extensions.github.io/projection/v1.1.0/schema.json",
                                "https://stac-extensions.github.io/raster/v1.1.0/schema.json",
                                "https://stac-extensions.github.io/eo/v1.1.0/schema.json"],
            "bbox": [14.9, 45.0, 16.5, 46.1], "geometry": {"type": "Polygon", "coordinates": [ring]}, "assets": assets,
            "properties": {"datetime": f"2023-{month:02}-{day:02}T10:00:00Z", "proj:epsg": 32633, "platform": "made"}}


def prepare(folder, floor):
    """Items over hard links of few scenes; what is there already is kept."""
    for number, name in itertools.product(range(SCENES), ("B04", "B08", "B02")):
        path = folder / f"{name}-{number}.tif"
        if not path.exists():
            subprocess.run([floor, "scene", str(SIZE), str(number), name, path], check=True, stdout=subprocess.DEVNULL)
    for collection in "tile", "series":
        bands = ["B04", "B08", "B02"] if collection == "tile" else ["B04", "B08"]
        for number, (month, day) in enumerate(dates(collection)):
            place = folder / collection / f"{number:02}"
            place.mkdir(parents=True, exist_ok=True)
            for name in bands:
                if not (place / f"{name}.tif").exists():
                    os.link(folder / f"{name}-{number % SCENES}.tif", place / f"{name}.tif")
            (place / f"{collection}-{number:02}.json").write_text(json.dumps(item(collection, number, month, day, bands)))


def files(folder, collection, n, bands):
    return [str(folder / collection / f"{i:02}" / f"{b}.tif") for i in range(n) for b in bands]


def items(folder, collection, n):
    return sorted(Path(folder, collection).glob("*/*.json"))[:n]
