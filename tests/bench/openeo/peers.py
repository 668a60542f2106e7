"""One case by a peer: `xarray` with odc-stac and dask, or `processes` of openeo-processes-dask with the very graph.

    peers.py CASE xarray|processes DATA-FOLDER OUTPUT-FOLDER"""
import json
import sys
import threading
import warnings
from pathlib import Path

import cases
import geopandas
import numpy
import odc.stac
import pystac
import rasterio.features
import rioxarray  # noqa: F401
import xarray

warnings.simplefilter("ignore")
CHUNK = 2048
case, peer, folder, output = sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
title, collection, n, bands, make_graph = cases.CASES[case]


def items():
    found = []
    for path in cases.items(folder, collection, n):
        one = pystac.Item.from_dict(json.loads(path.read_text()))
        for asset in one.assets.values():
            asset.href = str(path.parent / asset.href)
        found.append(one)
    return found


def box(chunk=CHUNK):
    """odc-stac, lazily; the fields alone where only they matter."""
    more = {}
    if case == "zones":
        a, b = cases.FIELDS_AT, cases.FIELDS_AT + cases.FIELDS_SIDE
        more = {"x": (cases.X0 + 10 * a, cases.X0 + 10 * b), "y": (cases.Y0 - 10 * b, cases.Y0 - 10 * a)}
    return odc.stac.load(items(), bands=bands, crs="EPSG:32633", resolution=10, chunks={"x": chunk, "y": chunk}, groupby="id", **more)


def number(values):
    return values.where(values != 0).astype("float32")


def save(values, name="result"):
    """Chunk by chunk, without overviews."""
    values.rio.write_crs(values.rio.crs or "EPSG:32633").rio.to_raster(output / f"{name}.tif", tiled=True, blockxsize=1024, blockysize=1024, compress="deflate",
                         lock=threading.Lock(), num_threads=2)


def by_xarray():
    cube = box()
    if case in ("ndvi_median", "evi_months", "zones"):
        nir, red = number(cube.B08), number(cube.B04)
    if case == "ndvi_median":
        save(((nir - red) / (nir + red)).chunk(time=-1).median("time"))
    elif case == "evi_months":
        nir, red, blue = nir * 1e-4, red * 1e-4, number(cube.B02) * 1e-4
        evi = 2.5 * (nir - red) / (nir + 6 * red - 7.5 * blue + 1)
        for month, one in evi.groupby("time.month"):
            save(one.mean("time").astype("float32"), f"result-{month}")
    elif case == "zones":
        table(((nir - red) / (nir + red)).transpose("time", "y", "x"))
    elif case == "kernel":
        import dask.array
        values = cube.B08.isel(time=0).astype("float32")
        weights = numpy.array(cases.GAUSS, "float32") / 16

        def weigh(image):
            wide = numpy.pad(image, 1)
            return sum(weights[j, i] * wide[j:j + image.shape[0], i:i + image.shape[1]] for j in range(3) for i in range(3))
        done = dask.array.map_overlap(weigh, values.data, depth=1, boundary=0)
        save(xarray.DataArray(done, coords=values.coords, dims=values.dims))
    else:
        warped = odc.stac.load(items(), bands=bands, crs="EPSG:3035", resolution=10, resampling="bilinear", chunks={"x": CHUNK, "y": CHUNK})
        save(number(warped.B08.isel(time=0)))


def table(ndvi):
    """Means under each field, all dates of a chunk at once."""
    shapes = geopandas.GeoDataFrame.from_features(cases.fields()["features"])
    ids = rasterio.features.rasterize(zip(shapes.geometry, range(1, len(shapes) + 1)), ndvi.shape[1:], transform=ndvi.odc.transform, dtype="int32")

    def sums(image):
        known = numpy.isfinite(image) & (ids > 0)
        return numpy.array([numpy.bincount(ids[known], image[known], len(shapes) + 1), numpy.bincount(ids[known], minlength=len(shapes) + 1)])
    made = xarray.apply_ufunc(sums, ndvi.chunk(y=-1, x=-1), input_core_dims=[["y", "x"]], output_core_dims=[["what", "field"]], vectorize=True,
                              dask="parallelized", output_dtypes=[float], dask_gufunc_kwargs={"output_sizes": {"what": 2, "field": len(shapes) + 1}})
    made = made.compute().values
    (output / "result.json").write_text(json.dumps((made[:, 0] / made[:, 1])[:, 1:].tolist()))


def by_processes():
    import inspect

    import openeo_processes_dask.process_implementations as implementations
    import openeo_processes_dask.specs as specs
    from openeo_pg_parser_networkx import OpenEOProcessGraph, ProcessRegistry
    from openeo_pg_parser_networkx.process_registry import Process
    from openeo_processes_dask.process_implementations.core import process

    registry = ProcessRegistry(wrap_funcs=[process])
    for name, function in inspect.getmembers(implementations, inspect.isfunction):
        if hasattr(specs, name):
            registry[name] = Process(spec=getattr(specs, name), implementation=function)

    def load_collection(**_):
        cube = box().where(lambda v: v != 0).astype("float32").to_array("bands").rename(time="t").transpose("t", "bands", "y", "x")
        if n == 1:
            cube = cube.isel(t=[0])
        return cube.sel(bands=bands)

    def save_result(data, **_):
        if case == "zones":
            made = data.compute() if hasattr(data, "compute") else data
            (output / "result.json").write_text(json.dumps(numpy.asarray(made).tolist()))
        elif case == "evi_months":
            for i in range(data.sizes["t"]):
                save(data.isel(t=i), f"result-{i + 5}")
        else:
            save(data.squeeze(drop=True))
        return True
    registry["load_collection"] = Process(spec=specs.load_collection, implementation=load_collection)
    registry["save_result"] = Process(spec={"id": "save_result", "parameters": [], "returns": {}}, implementation=save_result)
    graph = make_graph()
    for name, arguments in [(i, n["arguments"]) for i, n in graph["process_graph"].items() if "geometries" in n["arguments"]]:
        # its parser stumbles over GeoJSON in a graph
        shapes = geopandas.GeoDataFrame.from_features(arguments["geometries"]["features"], crs="EPSG:32633")
        registry["shapes"] = Process(spec={"id": "shapes", "parameters": [], "returns": {}}, implementation=lambda **_: shapes)
        graph["process_graph"] = {"shapes": {"process_id": "shapes", "arguments": {}}, **graph["process_graph"]}
        arguments["geometries"] = {"from_node": "shapes"}
    OpenEOProcessGraph(pg_data=graph).to_callable(registry)()


{"xarray": by_xarray, "processes": by_processes}[peer]()
