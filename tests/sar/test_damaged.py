"""ortho-s1-grd with damaged products, through the server: what cannot be done says exactly why, and what can be done without is
told. The site's elevation model has a hole, and its orbit file is of another day."""
import json
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio

sys.path.insert(0, str(Path(__file__).parent))
from test_ortho import submit, wait, warnings  # noqa: E402

pytestmark = pytest.mark.sanitizer

ROME = "S1B_IW_GRDH_1SDV_20211223T051122_20211223T051147_030148_039993_5371"
INPUTS = {"bbox": {"bbox": [12.48, 41.97, 12.5, 41.985]}, "clip": True, "tiles": ["33TTG"]}
BOMB = '<!DOCTYPE product [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>'


def change(folder, pattern, text):
    """The annotation with another text."""
    path, = (folder / "annotation").glob("*.xml")
    before = path.read_text()
    after = re.sub(pattern, text, before, count=1)
    assert after != before
    path.write_text(after)


def cut(path):
    data = path.read_bytes()
    path.write_bytes(data[:len(data) * 2 // 3])


def nothing(folder):
    pass


# what is done to the folder, and what is said of it
DAMAGES = {
    "whole": (nothing, None),
    "quiet": (lambda f: next((f / "annotation/calibration").glob("noise-*")).unlink(), None),
    "tiff": (lambda f: cut(next((f / "measurement").glob("*.tiff"))), "-001.tiff"),
    "samples": (lambda f: change(f, "<numberOfSamples>[0-9]+", "<numberOfSamples>999999999"),
                "numberOfSamples: expected a whole number"),
    "endless": (lambda f: change(f, "<rangePixelSpacing>[^<]*", "<rangePixelSpacing>nan"), "rangePixelSpacing: "),
    "bomb": (lambda f: change(f, "<product>", BOMB + "<product>&c;"), "a document type (DOCTYPE) is declared"),
    "tables": (lambda f: cut(next((f / "annotation/calibration").glob("calibration-*"))), "calibration-s1b"),
    "orbits": (lambda f: change(f, r"<orbitList[\s\S]*</orbitList>", '<orbitList count="0"></orbitList>'), "orbit"),
}


@pytest.fixture(scope="module")
def site(make_service, shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("damaged")
    heights = np.full((300, 300), 50, "f4")
    heights[100:110, 140:150] = -32768  # over the area
    with rasterio.open(folder / "dem.tif", "w", driver="GTiff", width=300, height=300, count=1, dtype="float32", crs="EPSG:4326",
                       nodata=-32768, transform=rasterio.transform.from_origin(11, 43, 0.01, 0.01)) as file:
        file.write(heights, 1)
    (folder / "orbits").mkdir()
    (folder / "orbits/S1B_OPER_AUX_POEORB_OPOD_20210422T000000_V20210401T225942_20210403T005942.EOF").write_text("<nothing/>")
    service = make_service(f"sar.dem={folder}/dem.tif", "sar.geoid=none", f"sar.orbits={folder}/orbits", workers=2)
    service.add_user("alice")
    zipped = shared / f"data/s1/{ROME}.SAFE.zip"
    service.command("catalog", "import", zipped)
    for name, (damage, _) in DAMAGES.items():
        with zipfile.ZipFile(zipped) as archive:
            archive.extractall(folder / name)
        damage(folder / name / f"{ROME}.SAFE")
    short = folder / "zip" / f"{ROME}.SAFE.zip"
    short.parent.mkdir()
    short.write_bytes(zipped.read_bytes())
    cut(short)
    for path in (folder, *folder.parents):
        if path in (Path("/"), Path("/tmp")):
            break
        path.chmod(path.stat().st_mode | 0o055)
    add_items(service, folder, {**{name: folder / name / f"{ROME}.SAFE" for name in DAMAGES}, "zip": short})
    return service


def add_items(service, folder, paths):
    """An item for each: that of the product, of another id and at another place."""
    item = service.session("alice").get(f"{service.base}/stac/collections/sentinel-1-grd/items/{ROME}", timeout=30).json()
    endpoint = json.loads(service.command("catalog", "place", "show", "sentinel-1-grd", ROME).splitlines()[0])["endpoint"]
    (folder / "items.ndjson").write_text("\n".join(json.dumps({**item, "id": name}) for name in paths))
    service.command("catalog", "add", folder / "items.ndjson")
    service.command("catalog", "place", "set", input="\n".join(
        json.dumps({"collection": "sentinel-1-grd", "item": name, "endpoint": endpoint, "state": "online", "href": str(path)})
        for name, path in paths.items()))


@pytest.fixture(scope="module")
def ends(site):
    """{name: (session, job, its status at the end)} of all at once."""
    alice = site.session("alice")
    jobs = {name: submit(site, alice, {**INPUTS, "items": [name]}).headers["Location"] for name in [*DAMAGES, "zip"]}
    return {name: (alice, job, wait(alice, job)) for name, job in jobs.items()}


@pytest.mark.parametrize("name, message", [(name, message) for name, (_, message) in DAMAGES.items() if message] + [("zip", ".zip")])
def test_damaged_products_are_refused(ends, name, message):
    _, _, status = ends[name]
    assert status["status"] == "failed" and message in status["message"], status


def test_nothing_is_left_behind(site, ends):
    assert ends and not list((site.data / "scratch").glob("*/*"))


def test_what_is_missing_is_told(ends):
    for name in "whole", "quiet":
        alice, job, status = ends[name]
        assert status["status"] == "successful", (status, alice.get(job + "/logs", timeout=30).text)
        said = warnings(alice, job)
        assert any("has no height at" in line for line in said), said
        assert any("no orbit file" in line for line in said), said
        assert any("the product has no noise file" in line for line in said) == (name == "quiet"), said
