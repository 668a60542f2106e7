"""The examples of process descriptions, run as they stand; media types that choose a format."""
import base64

import jsonschema
import numpy as np
import pytest
import rasterio
import requests

pytestmark = pytest.mark.sanitizer
PROCESSES = ["subset", "convert", "zonal-statistics", "snapshot", "time-lapse"]


@pytest.fixture(scope="module")
def execute(scenes):
    alice = scenes.session("alice")
    return lambda process, body: alice.post(f"{scenes.base}/ogc/processes/{process}/execution", json=body, timeout=150)


def describe(service, process):
    return requests.get(f"{service.base}/ogc/processes/{process}", timeout=30).json()


def media_types(output):
    schema = output["schema"]
    return [s["contentMediaType"] for s in schema.get("oneOf", [schema])]


@pytest.mark.parametrize("process", PROCESSES)
def test_examples(scenes, execute, process):
    about = describe(scenes, process)
    inputs = {name: i["schema"]["examples"][0] for name, i in about["inputs"].items() if "examples" in i["schema"]}
    for name, value in inputs.items():
        jsonschema.validate(value, about["inputs"][name]["schema"])
        if isinstance(value, dict) and "bbox" not in value:
            inputs[name] = {"value": value}
    answer = execute(process, {"inputs": inputs, "response": "document"})
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert set(document) == set(about["outputs"])
    for name, output in about["outputs"].items():
        got = document[name]
        value = got.get("value", got)
        if isinstance(value, str):
            assert got["mediaType"] in media_types(output)
            value = base64.b64decode(value) if got.get("encoding") == "base64" else value
        assert len(value) > (100 if isinstance(value, (str, bytes)) else 0)


def test_a_media_type_is_a_format(execute):
    inputs = {"bands": ["B04"], "bbox": {"bbox": [15.2, 45.5, 15.22, 45.52]}}
    ask = lambda media, **more: execute("subset", {"inputs": {**inputs, **more}, "outputs": {"subset": {"format": {"mediaType": media}}}})
    answer = ask("application/x-netcdf")
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/x-netcdf" and answer.content[:4] == b"\x89HDF"
    assert ask("image/tiff", format="GTiff").headers["Content-Type"] == "image/tiff; application=geotiff"
    answer = ask("image/tiff")
    assert answer.headers["Content-Type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    with rasterio.MemoryFile(answer.content) as memory, memory.open() as file:
        assert file.count == 5
    answer = ask("application/zip", format="COG")
    assert answer.status_code == 400 and "'application/zip' is asked for, and COG by the input 'format'" in answer.text
    answer = ask("image/png")
    assert answer.status_code == 400 and "expected image/tiff; application=geotiff; profile=cloud-optimized, image/tiff" in answer.text


def test_conversion_of_an_uploaded_file(scenes, execute):
    alice, values = scenes.session("alice"), np.arange(8000, dtype="uint16").reshape(80, 100)
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="GTiff", width=100, height=80, count=1, dtype="uint16", crs="EPSG:32633", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6)) as file:
            file.write(values, 1)
        assert alice.put(f"{scenes.base}/openeo/1.2/files/ramp.tif", data=memory.read(), timeout=60).status_code == 200
    box = {"bbox": [500200, 4999500, 500500, 4999900], "crs": "http://www.opengis.net/def/crs/EPSG/0/32633"}
    answer = execute("convert", {"inputs": {"file": "ramp.tif", "bbox": box, "type": "uint8", "scale": 40, "format": "GTiff"}})
    assert answer.status_code == 200, answer.text
    with rasterio.MemoryFile(answer.content) as memory, memory.open() as file:
        assert (file.dtypes[0], file.crs.to_epsg(), file.bounds, file.scales[0]) == ("uint8", 32633, (500200, 4999500, 500500, 4999900), 40)
        assert (file.read(1) == (values[10:50, 20:50] / 40).round().clip(0, 254)).all()
    answer = execute("convert", {"inputs": {"file": "nothing.tif"}})
    assert (answer.status_code, "nothing.tif" in answer.text) == (404, True), answer.text
