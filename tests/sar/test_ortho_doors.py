"""ortho-s1-grd through the doors that users know: GEODES's call with its e-mail at the end, PEPS's scripts; products by title, as an item
by value and by address."""
import io
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
import requests
from test_ortho import ROME, heights, wait_through  # noqa: F401

sys.path.insert(0, str(Path(__file__).parents[1] / "clients"))
from test_doors import ACCOUNT, Maja, mailbox, wait_for  # noqa: E402, F401

AREA = [12.45, 41.95, 12.452, 41.952]
WISH = {"bbox": {"bbox": AREA}, "clip": True, "calibration": "beta0", "remove-noise": False, "tiles": ["33TTG"]}


@pytest.fixture(scope="module")
def doors(make_service, shared, heights, mailbox):  # noqa: F811
    service = make_service(f"sar.dem={heights[0]}", "sar.geoid=none", "resto.processes=ORTHO_S1_GRD=ortho-s1-grd",
                           "jobs.url_hosts=127.0.0.1", f"mail.relay=smtp://127.0.0.1:{mailbox.relay.port}", "mail.from=sentier@example.org",
                           workers=1)
    service.command("user", "add", "alice", "--email", "alice@example.org", input="open sesame\n")
    service.command("catalog", "import", shared / f"data/s1/{ROME}.SAFE.zip")
    return service


@pytest.fixture(scope="module")
def geodes(doors):
    """A session as GEODES's users have it: an API key, nothing else."""
    session = requests.Session()
    session.headers.update({"X-API-Key": doors.command("user", "key", "alice", "geodes").strip(), "Content-Type": "application/json"})
    return session


def execute(doors, geodes, inputs):
    answer = geodes.post(f"{doors.base}/ogc/processes/ortho-s1-grd/execution", json={"inputs": inputs}, timeout=60,
                         headers={"Prefer": "respond-async"})
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]
    status = wait_through(geodes, job)
    assert status["status"] == "successful", status
    return job


def image_of(doors, geodes, job):
    image = geodes.get(job + "/results", timeout=30).json()["images"]
    image = image[0] if isinstance(image, list) else image
    data = requests.get(image["href"], timeout=30).content  # a signed link needs no key
    with rasterio.open(io.BytesIO(data)) as file:
        return file.read(1)


@pytest.fixture(scope="module")
def made(doors, geodes, mailbox):  # noqa: F811
    """GEODES's own call, word for word but for the part of the product."""
    return execute(doors, geodes, {"product-title": ROME, "notif-email": True, "restoration": False, **WISH})


@pytest.fixture(scope="module")
def pixels(doors, geodes, made):
    return image_of(doors, geodes, made)


def test_geodes(doors, geodes, made, pixels, mailbox):  # noqa: F811
    assert (pixels > 0).all()
    _, to, message = wait_for(lambda: mailbox.messages and mailbox.messages[-1])
    text = message.get_content()
    assert to == ["alice@example.org"] and message["Subject"].endswith(": finished") and made in text
    link = next(line.strip() for line in text.split("\n") if "/results/" in line and ".tif" in line)
    assert requests.get(link, timeout=30).content[:2] == b"II"
    steps = geodes.get(made + "/steps", timeout=30).json()["steps"]
    assert [s["title"] for s in steps] == ["init", "geocode", "package", "publish"]


def test_peps(doors, pixels):
    """Submit, follow, download, as the scripts do: text searches and Basic authentication."""
    script = Maja(doors.base)
    location = script.submit("ORTHO_S1_GRD", f"product={ROME}.SAFE;bbox={','.join(map(str, AREA))};clip=true;calibration=beta0;"
                                             "remove-noise=false;tiles=[\"33TTG\"];packaging=zip&title=Ortho")
    info = script.wait(location)
    assert info["job_status"] == "FINISHED" and info["process"] == "100%" and info["unprocessed"] == 0, info
    percent, urls = script.lines(location)
    assert (percent, urls) == (100, info["results"]) and len(urls) == 1 and urls[0].endswith(".zip")
    assert requests.get(urls[0], timeout=30).status_code == 401
    package = requests.get(urls[0], auth=ACCOUNT, timeout=30).content
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        names = archive.namelist()
        inner = next((n for n in names if n.endswith(".zip")), None)
        if inner:
            archive = zipfile.ZipFile(io.BytesIO(archive.read(inner)))
            names = archive.namelist()
        tiff = next(n for n in names if re.search(r"s1b_33TTG_vv_DES_022_20211223t051122\.tif$", n))
        with rasterio.open(io.BytesIO(archive.read(tiff))) as file:
            np.testing.assert_array_equal(file.read(1), pixels)


def test_items_by_value_and_address(doors, geodes, pixels):
    """An item of the catalogue, as its address says it, is the product that lies here (test_fetch.py has those of nobody's)."""
    address = f"{doors.base}/stac/collections/sentinel-1-grd/items/{ROME}"
    for item in geodes.get(address, timeout=30).json(), address:
        np.testing.assert_array_equal(image_of(doors, geodes, execute(doors, geodes, {"items": [item], **WISH})), pixels)
