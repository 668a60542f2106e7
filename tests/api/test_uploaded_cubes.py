"""netCDF files and Zarr stores that users bring (load_uploaded_files, load_url) as cubes, against what xarray wrote into them;
files that reach for others, and what is no such file. They are unpacked in a sandbox."""
import functools
import http.server
import io
import json
import os
import subprocess
import threading
import time
import zipfile

import h5py
import numpy
import pytest
import rasterio
import requests
import xarray
import zarr
from conftest import BINARY
from rasterio.crs import CRS
from rasterio.transform import from_origin
from test_uploaded import RED, image, load, upload

pytestmark = pytest.mark.sandbox
TIMES = numpy.array(["2023-05-01T10:02:01", "2023-05-11T10:02:01"], "datetime64[ns]")


@pytest.fixture(scope="module")
def service(make_service):
    service = make_service("raster.data=/nonexistent", "jobs.url_hosts=127.0.0.1", workers=1)
    service.add_user("alice")
    return service


@pytest.fixture(scope="module")
def alice(service):
    return service.session("alice")


def cube(south_up=False, crs=32633):
    """Two dates of two bands, as openEO back-ends write them; nir is packed."""
    values = numpy.arange(2 * 2 * 3 * 4).reshape(2, 2, 3, 4)
    y = 5099995 - 10 * numpy.arange(3)
    data = xarray.Dataset({"red": (("t", "y", "x"), values[:, 0].astype("float32")), "nir": (("t", "y", "x"), values[:, 1].astype("int16")),
                           "crs": ((), 0, {"crs_wkt": CRS.from_epsg(crs).to_wkt(), "spatial_ref": CRS.from_epsg(crs).to_wkt()})},
                          {"t": TIMES, "y": y, "x": 500005 + 10 * numpy.arange(4)})
    for name in ("red", "nir"):
        data[name].attrs["grid_mapping"] = "crs"
    data["red"][0, 0, 0] = numpy.nan
    data["nir"].attrs.update(scale_factor=0.5, add_offset=1.0, _FillValue=numpy.int16(9))
    data["x"].attrs["standard_name"], data["y"].attrs["standard_name"] = "projection_x_coordinate", "projection_y_coordinate"
    return data.isel(y=slice(None, None, -1)) if south_up else data


def expected(data):
    data = data.sortby("y", ascending=False)
    nir = numpy.where(data["nir"].values == 9, numpy.nan, data["nir"].values.astype(float))
    return numpy.stack([data["red"].values, nir], 1)


def netcdf(data, **more):
    out = io.BytesIO()
    data.to_netcdf(out, engine="h5netcdf", **more)
    return out.getvalue()


def numbers(result):
    return numpy.array(result["data"], float)


@pytest.mark.parametrize("south_up", [False, True])
def test_netcdf(service, alice, south_up):
    upload(alice, service, "cube.nc", netcdf(cube(south_up)))
    got = load(alice, service, ["cube.nc"], "netcdf")
    assert got["dims"] == ["t", "bands", "y", "x"] and got["crs"] == "EPSG:32633" and set(got["labels"]["bands"]) == {"nir", "red"}
    assert got["labels"]["t"] == ["2023-05-01T10:02:01Z", "2023-05-11T10:02:01Z"]
    assert got["labels"]["x"] == [500005, 500015, 500025, 500035] and got["labels"]["y"] == [5099995, 5099985, 5099975]
    order = [got["labels"]["bands"].index(b) for b in ("red", "nir")]
    numpy.testing.assert_array_equal(numbers(got)[:, order], expected(cube()))


def test_zarr(service, alice, tmp_path):
    """A zip with the store in it, or in a folder of it; an unnamed fourth dimension; degrees."""
    values = numpy.arange(2 * 3 * 4, dtype="uint16").reshape(2, 3, 4) + 1
    data = xarray.Dataset({"value": (("bands", "lat", "lon"), values), "spatial_ref": ((), 0, {"crs_wkt": CRS.from_epsg(4326).to_wkt()})},
                          {"bands": ["B1", "B2"], "lat": [46.25, 46.0, 45.75], "lon": [15.0, 15.25, 15.5, 15.75]})
    data.to_zarr(tmp_path / "s.zarr", zarr_format=2, consolidated=False)
    for name, top in (("flat.zip", ""), ("deep.zip", "s.zarr/")):
        with zipfile.ZipFile(tmp_path / name, "w") as file:
            for member in sorted(p for p in (tmp_path / "s.zarr").rglob("*") if p.is_file()):
                file.write(member, top + str(member.relative_to(tmp_path / "s.zarr")))
        upload(alice, service, name, (tmp_path / name).read_bytes())
        got = load(alice, service, [name], "Zarr")
        assert got["dims"] == ["bands", "y", "x"] and got["crs"] == "EPSG:4326" and got["labels"]["bands"] == ["B1", "B2"], got
        numpy.testing.assert_array_equal(numbers(got), values)


@pytest.mark.parametrize("format", ["netCDF", "Zarr"])
def test_own_results_come_back(service, alice, tmp_path, format):
    """What save_result writes is read with the same labels and values."""
    for n, day in enumerate(("2023-08-15", "2023-08-20")):
        upload(alice, service, f"a_{day}.tif", image(numpy.stack([RED + n, 2 * RED]), tmp_path / "a.tif"))
    graph = {"load": {"process_id": "load_uploaded_files", "arguments": {"paths": ["a_2023-08-15.tif", "a_2023-08-20.tif"], "format": "GTiff"}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": format}, "result": True}}
    made = alice.post(service.base + "/openeo/1.2/result", json={"process": {"process_graph": graph}}, timeout=60)
    assert made.status_code == 200, made.text
    upload(alice, service, "back", made.content)
    first = load(alice, service, ["a_2023-08-15.tif", "a_2023-08-20.tif"], "GTiff")
    back = load(alice, service, ["back"], format)
    assert {k: back[k] for k in ("dims", "crs", "labels")} == {k: first[k] for k in ("dims", "crs", "labels")}
    numpy.testing.assert_array_equal(numbers(back), numbers(first))


def test_a_batch_job_in_parts(service, alice):
    """Tasks after the first, which unpacked it, find the images."""
    values = numpy.arange(2200 * 1100, dtype="float32").reshape(1, 2200, 1100)
    data = xarray.Dataset({"v": (("t", "y", "x"), values), "crs": ((), 0, {"crs_wkt": CRS.from_epsg(32633).to_wkt()})},
                          {"t": TIMES[:1], "y": 5099995 - 10 * numpy.arange(2200), "x": 500005 + 10 * numpy.arange(1100)})
    data["v"].attrs["grid_mapping"] = "crs"
    upload(alice, service, "large.nc", netcdf(data))
    api = service.base + "/openeo/1.2"
    graph = {"load": {"process_id": "load_uploaded_files", "arguments": {"paths": ["large.nc"], "format": "netCDF"}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": "GTiff"}, "result": True}}
    job = alice.post(api + "/jobs", json={"process": {"process_graph": graph}}, timeout=30).headers["OpenEO-Identifier"]
    unknown = alice.get(f"{api}/jobs/{job}/estimate", timeout=30)
    assert (unknown.status_code, unknown.json()["code"]) == (500, "EstimateComplexity"), unknown.text
    assert alice.post(f"{api}/jobs/{job}/results", timeout=30).status_code == 202
    while alice.get(f"{api}/jobs/{job}", timeout=30).json()["status"] in ("queued", "running"):
        time.sleep(0.1)
    assets = alice.get(f"{api}/jobs/{job}/results", timeout=30).json()["assets"]
    href, = [a["href"] for a in assets.values() if "tiff" in a["type"]]
    with rasterio.MemoryFile(requests.get(href, timeout=30).content) as file, file.open() as tif:
        numpy.testing.assert_array_equal(tif.read(), values)


# ---- load_url ----

@pytest.fixture(scope="module")
def web(tmp_path_factory):
    folder = tmp_path_factory.mktemp("web")
    (folder / "cube.nc").write_bytes(netcdf(cube()))
    image(RED[None], folder / "ndvi_2023-08-15.tif")
    fields = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"a": 5}, "geometry": {"type": "Point", "coordinates": [15, 46]}}]}
    (folder / "f.geojson").write_text(json.dumps(fields))
    subprocess.run(["ogr2ogr", "-f", "GPKG", folder / "f.gpkg", folder / "f.geojson"], check=True)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def fetched(alice, service, url, format, options=None, save="JSON", status=200):
    graph = {"load": {"process_id": "load_url", "arguments": {"url": url, "format": format, **({"options": options} if options else {})}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": save}, "result": True}}
    answer = alice.post(service.base + "/openeo/1.2/result", json={"process": {"process_graph": graph}}, timeout=60)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_load_url(service, alice, web):
    got = fetched(alice, service, web + "/ndvi_2023-08-15.tif?x=1", "GTiff")
    assert got["labels"]["t"] == ["2023-08-15T00:00:00Z"] and numpy.array_equal(numbers(got)[0, 0], RED)
    got = fetched(alice, service, web + "/cube.nc", "netCDF")
    order = [got["labels"]["bands"].index(b) for b in ("red", "nir")]
    numpy.testing.assert_array_equal(numbers(got)[:, order], expected(cube()))
    for name, format in (("f.gpkg", "GPKG"), ("f.geojson", "GeoJSON")):
        got = fetched(alice, service, f"{web}/{name}", format, {"properties": ["a"]}, "GeoJSON")
        assert got["features"][0]["properties"]["a"] == 5
    for url, format, code in [(web + "/f.geojson", "GPKG", "FormatUnsuitable"), (web + "/none.tif", "GTiff", "ProcessParameterInvalid"),
                              ("http://10.0.0.1/a.tif", "GTiff", "ProcessParameterInvalid"), (web + "/f.geojson", "netCDF", "FormatUnsuitable")]:
        assert fetched(alice, service, url, format, status=400)["code"] == code


# ---- what is refused ----

def outward(path, secret, kind):
    """A netCDF-4 file whose variable lies in another file."""
    (path.parent / "good.nc").write_bytes(netcdf(cube()))
    with h5py.File(path, "w", track_order=True) as file, h5py.File(path.parent / "good.nc") as good:
        for name in ("x", "y", "t", "crs"):
            good.copy(name, file)
        if kind == "storage":
            red = file.create_dataset("red", (2, 3, 4), "float32", external=[(str(secret), 0, 96)])
        else:
            layout = h5py.VirtualLayout((2, 3, 4), "float32")
            layout[:] = h5py.VirtualSource(str(secret), "red", (2, 3, 4))
            red = file.create_virtual_dataset("red", layout, fillvalue=0)
        for i, name in enumerate(("t", "y", "x")):
            red.dims[i].attach_scale(file[name])
        red.attrs["grid_mapping"] = numpy.bytes_("crs")


@pytest.mark.parametrize("kind", ["storage", "virtual"])
def test_other_files_are_out_of_reach(service, alice, tmp_path, kind):
    """Outside of the sandbox such a file shows what lies in another one; inside there is none."""
    tmp_path.chmod(0o755)
    secret, evil = tmp_path / "secret", tmp_path / "evil.nc"
    if kind == "storage":
        numpy.full(24, 4242, "float32").tofile(secret)
    else:
        with h5py.File(secret, "w") as file:
            file["red"] = numpy.full((2, 3, 4), 4242, "float32")
    secret.chmod(0o644)
    outward(evil, secret, kind)
    done = subprocess.run([BINARY, "unpack", "netCDF", evil, tmp_path], capture_output=True, text=True)
    with rasterio.open(min(tmp_path.glob("*.tif"))) as tif:  # the libraries do follow it
        assert done.returncode == 0 and (tif.read() == 4242).all()
    upload(alice, service, "evil.nc", evil.read_bytes())
    graph = {"load": {"process_id": "load_uploaded_files", "arguments": {"paths": ["evil.nc"], "format": "netCDF"}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": "JSON"}, "result": True}}
    answer = alice.post(service.base + "/openeo/1.2/result", json={"process": {"process_graph": graph}}, timeout=60)
    assert "4242" not in answer.text and answer.status_code in (200, 400)


def test_what_is_refused(service, alice, tmp_path):
    def changed(**changes):
        data = cube()
        for name, attributes in changes.items():
            data[name].attrs.update(attributes)
        return netcdf(data)
    without = cube().drop_vars("crs")
    for name in ("red", "nir"):
        del without[name].attrs["grid_mapping"]
    zip_of_nothing = io.BytesIO()
    zipfile.ZipFile(zip_of_nothing, "w").close()
    zarr.create_array(zarr.storage.ZipStore(tmp_path / "bomb.zip", mode="w"), name="v", shape=(1 << 30, 1 << 30), chunks=(1 << 14, 1 << 14),
                      dtype="uint8", zarr_format=2, dimension_names=None, fill_value=0, attributes={"_ARRAY_DIMENSIONS": ["y", "x"]}).store.close()
    for content, format, reason in [
            (b"not a file", "netCDF", "it cannot be opened"), (zip_of_nothing.getvalue(), "Zarr", "it cannot be opened"),
            (netcdf(without), "netCDF", "reference system"), (netcdf(cube().isel(x=[0, 1, 3])), "netCDF", "regular x and y"),
            (netcdf(cube().drop_vars(["red", "nir"])), "netCDF", "no variable over x and y"),
            (netcdf(cube().assign_coords(t=[1.0, 2.0])), "netCDF", "no unit such as"),
            (netcdf(cube()), "Zarr", "it cannot be opened"), ((tmp_path / "bomb.zip").read_bytes(), "Zarr", "")]:
        upload(alice, service, "bad", content)
        refused = load(alice, service, ["bad"], format, status=400)
        assert refused["code"] == "FormatUnsuitable" and reason in refused["message"] and "'bad'" in refused["message"], refused
        assert str(service.data) not in refused["message"]
    assert not [p for p in os.listdir(service.data / "scratch") if "unpacked" in p]
