"""Real data as small collections, and process graphs written as expressions: what test_workflows.py and others share.

Three collections are cut from the sample data, each kept as an array beside it:
`zagreb` (Sentinel-2 L2A, five dates of August 2023, 120 m; each date in two files that overlap), `ljubljana` (68 dates of
NDVI and clouds, 2015-2017, 10 m) and `togo-s1`, `togo-s2` (monthly radar and optical mosaics of 2019, in degrees)."""
import json

import numpy
import rasterio
import rasterio.warp
from rasterio.transform import from_origin

NAN = numpy.nan


def write_item(folder, collection, name, date, transform, epsg, bands, nodata=None):
    """An item with a file for each band (name: array)."""
    place = folder / collection / name
    place.mkdir(parents=True)
    assets = {}
    for band, values in bands.items():
        height, width = values.shape
        with rasterio.open(place / f"{band}.tif", "w", driver="GTiff", width=width, height=height, count=1, dtype=values.dtype,
                           nodata=nodata, crs=f"EPSG:{epsg}", transform=transform, compress="deflate") as file:
            file.write(values, 1)
        about = {"data_type": str(values.dtype), **({} if nodata is None else {"nodata": "nan" if nodata != nodata else nodata})}
        assets[band] = {"href": f"{band}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                        "eo:bands": [{"name": band}], "proj:shape": [height, width], "proj:transform": list(transform)[:6],
                        "raster:bands": [about]}
    corners = [transform * corner for corner in ((0, 0), (width, 0), (width, height), (0, height), (0, 0))]
    ring = list(zip(*rasterio.warp.transform(f"EPSG:{epsg}", "EPSG:4326", *zip(*corners))))
    x, y = zip(*ring)
    item = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection, "links": [], "assets": assets,
            "bbox": [min(x), min(y), max(x), max(y)], "geometry": {"type": "Polygon", "coordinates": [[list(p) for p in ring]]},
            "properties": {"datetime": date, "proj:epsg": epsg, "platform": "made"}}
    (place / f"{name}.json").write_text(json.dumps(item))


class Cube:
    """values[date][band][y][x], NaN for no-data; labels as they are seen in results."""

    def __init__(self, dates, bands, values, transform, epsg):
        self.dates, self.bands, self.values, self.transform, self.epsg = dates, bands, values, transform, epsg
        self.days = numpy.array([d[:19] for d in dates], "datetime64[s]")

    def __getitem__(self, band):
        """[date][y][x]"""
        return self.values[:, self.bands.index(band)]

    def centres(self):
        """Of the columns and of the rows."""
        height, width = self.values.shape[-2:]
        t = self.transform
        return t.c + t.a * (numpy.arange(width) + 0.5), t.f + t.e * (numpy.arange(height) + 0.5)


def zagreb(shared, folder, size=(140, 180), at=(420, 300)):
    bands, (rows, columns), (top, left) = ["B02", "B03", "B04", "B08", "SCL"], size, at
    dates, cube = [], []
    for place in sorted((shared / "data/s2/33TW").glob("*33TWL*"), key=lambda p: p.name.split("_")[2]):
        day, cut = place.name.split("_")[2], {}
        for band in bands:
            with rasterio.open(place / f"{band}.tif") as file:
                cut[band] = file.read(1)[top:top + rows, left:left + columns]
        date = f"{day[:4]}-{day[4:6]}-{day[6:]}T10:00:31Z"
        for side, first, last in ("W", 0, 100), ("E", 80, columns):
            write_item(folder, "zagreb", f"Z_{day}_{side}", date, from_origin(499980 + 120 * (left + first), 5100000 - 120 * top, 120, 120),
                       32633, {b: v[:, first:last] for b, v in cut.items()}, nodata=0)
        dates.append(date)
        cube.append([numpy.where(cut[b] == 0, NAN, cut[b].astype(float)) for b in bands])
    return Cube(dates, bands, numpy.array(cube), from_origin(499980 + 120 * left, 5100000 - 120 * top, 120, 120), 32633)


def ljubljana(shared, folder, size=(40, 50)):
    cube = []
    for name in "ndvi", "cloudmask":
        with rasterio.open(shared / f"data/s2/slovenia_timeseries/{name}_68dates.tif") as file:
            cube.append(file.read()[:, :size[0], :size[1]])
            dates, transform = [d + "Z" for d in file.descriptions], file.transform
    ndvi, cloud = cube[0].astype("float32"), cube[1].astype("uint8") + 1
    for i, date in enumerate(dates):
        write_item(folder, "ljubljana", f"L{i:02}", date, transform, 32633, {"NDVI": ndvi[i]}, nodata=-9999)
        write_item(folder, "ljubljana-clouds", f"C{i:02}", date, transform, 32633, {"CLM": cloud[i]}, nodata=0)
    return Cube(dates, ["NDVI", "CLM"], numpy.stack([numpy.where(ndvi == -9999, NAN, ndvi.astype(float)), cloud - 1.0], 1), transform, 32633)


def togo(shared, folder):
    with rasterio.open(shared / "data/s1-ortho/togo_s1s2_monthly_2019.tif") as file:
        values, names, transform = file.read()[:204].reshape(12, 17, 17, 17), list(file.descriptions[:17]), file.transform
    # single precision, as products have
    values = values.astype("float32")
    dates = [f"{2019 + (m + 1) // 12}-{(m + 1) % 12 + 1:02}-15T00:00:00Z" for m in range(12)]
    cubes = []
    for collection, bands in ("togo-s1", ["VV", "VH"]), ("togo-s2", ["B2", "B3", "B4", "B8", "B11", "B12"]):
        some = values[:, [names.index(b) for b in bands]]
        for i, date in enumerate(dates):
            write_item(folder, collection, f"{collection}-{i:02}", date, transform, 4326, dict(zip(bands, some[i])), nodata=NAN)
        cubes.append(Cube(dates, bands, some.astype(float), transform, 4326))
    return cubes


# ---- process graphs as expressions ----


class Call:
    """A process with its arguments, which may be calls: of their own graph, or callbacks made by graph_of()."""

    def __init__(self, process, arguments):
        self.process, self.arguments = process, arguments


def call(process_id, /, **arguments):
    return Call(process_id, arguments)


def parameter(name):
    return {"from_parameter": name}


DATA, X, Y = parameter("data"), parameter("x"), parameter("y")


def graph_of(result):
    """{"process_graph": ...} with a node for each call that the result needs."""
    nodes, names = {}, {}

    def written(value):
        if isinstance(value, Call):
            if id(value) not in names:
                arguments = {k: written(v) for k, v in value.arguments.items()}
                names[id(value)] = f"{value.process}{len(nodes) + 1}"
                nodes[names[id(value)]] = {"process_id": value.process, "arguments": arguments}
            return {"from_node": names[id(value)]}
        if isinstance(value, dict):
            return {k: written(v) for k, v in value.items()}
        return [written(v) for v in value] if isinstance(value, (list, tuple)) else value

    nodes[written(result)["from_node"]]["result"] = True
    return {"process_graph": nodes}


def load(collection, bands=None, dates=None, box=None):
    return call("load_collection", id=collection, spatial_extent=box, temporal_extent=dates, **({"bands": bands} if bands else {}))


def band(name, data=DATA):
    return call("array_element", data=data, label=name)


def apply(data, result):
    return call("apply", data=data, process=graph_of(result))


def reduce(data, dimension, result):
    return call("reduce_dimension", data=data, dimension=dimension, reducer=graph_of(result))


def along(data, dimension, result, **more):
    return call("apply_dimension", data=data, dimension=dimension, process=graph_of(result), **more)


def merge(cube1, cube2, result=None):
    return call("merge_cubes", cube1=cube1, cube2=cube2, **({"overlap_resolver": graph_of(result)} if result else {}))


def each(data, result):
    return call("array_apply", data=data, process=graph_of(result))


def add(x, y):
    return call("add", x=x, y=y)


def subtract(x, y):
    return call("subtract", x=x, y=y)


def multiply(x, y):
    return call("multiply", x=x, y=y)


def divide(x, y):
    return call("divide", x=x, y=y)
