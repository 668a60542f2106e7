"""The face of PEPS: what its users' scripts do, with only the host changed. `Peps` below follows the calls of
those scripts: search, filter on the client, download with an account, wait for what is on tape, compare sizes."""
import io
import json
import os
import subprocess
import time
import zipfile
from pathlib import Path

import pytest
import requests
from lxml import etree

ZIP = "S2B_MSIL1C_20230605T110619_N0509_R137_T30UVU_20230605T131150"
TAPE_SCRIPT = '#!/bin/sh\nsleep 2\ncp -r "$1" "$2"\n'


class Peps:
    """Calls as the scripts make them; `folder` takes the files."""

    def __init__(self, host, account, folder):
        self.host, self.account, self.folder = host, account, Path(folder)

    def search(self, collection, **parameters):
        query = "&".join(f"{k}={v}" for k, v in {"maxRecords": 500, **parameters}.items())
        answer = requests.get(f"{self.host}/resto/api/collections/{collection}/search.json?{query}", timeout=60)
        data = json.loads(answer.content)
        if "ErrorCode" in data:
            raise RuntimeError(data["ErrorMessage"])
        return data

    def products(self, collection, orbit=None, clouds=100, **parameters):
        """Name, id, storage, size of each product that passes the script's own filters."""
        found = {}
        for feature in self.search(collection, **parameters)["features"]:
            p = feature["properties"]
            name, take = p["productIdentifier"], p["orbitNumber"]
            if orbit is not None:
                if p["platform"] in ("S1A", "S1B"):
                    relative = (take - (73 if p["platform"] == "S1A" else 27)) % 175 + 1
                    if relative != orbit:
                        continue
                elif f"_R{orbit:03d}" not in name:
                    continue
            if p["cloudCover"] is not None and p["cloudCover"] > clouds:
                continue
            found[name] = (feature["id"], p["storage"]["mode"], p["resourceSize"])
        return found

    def get(self, collection, feature):
        return requests.get(f"{self.host}/resto/collections/{collection}/{feature}/download/?issuerId=peps",
                            auth=self.account, timeout=60)

    def download_all(self, collection, timeout=60, **parameters):
        """Until all are there; how often each had to be waited for."""
        waits, done, end = {}, {}, time.time() + timeout
        while True:
            missing = 0
            for name, (feature, storage, size) in self.products(collection, **parameters).items():
                target = self.folder / f"{name}.zip"
                if target.exists():
                    continue
                answer = self.get(collection, feature)
                if storage != "disk":
                    missing += 1
                    waits[name] = waits.get(name, 0) + 1
                    continue
                temporary = self.folder / "tmp.tmp"
                temporary.write_bytes(answer.content)
                if temporary.stat().st_size != size:
                    raise RuntimeError(f"{name}: {temporary.stat().st_size} bytes of {size}: {answer.content[:200]}")
                temporary.rename(target)
                done[name] = target
            if not missing:
                return done, waits
            assert time.time() < end
            time.sleep(0.5)


@pytest.fixture(scope="module")
def archive(make_service, shared, tmp_path_factory):
    tape = tmp_path_factory.mktemp("tape")
    script = tape / "fetch"
    script.write_text(TAPE_SCRIPT)
    script.chmod(0o755)
    for path in [tape, *tape.parents]:
        if path in (Path("/"), Path("/tmp")):
            break
        path.chmod(path.stat().st_mode | 0o055)
    service = make_service(f"catalog.stage_command={script} {{href}} {{target}}", workers=1)
    service.add_user("jean@example.org")
    service.command("catalog", "import", shared / f"data/s2/{ZIP}.zip", *sorted((shared / "data/s2/33TW").glob("*33TW*")))
    return service


@pytest.fixture()
def peps(archive, tmp_path):
    return Peps(archive.base, ("jean@example.org", "open sesame"), tmp_path)


def test_features_have_the_members_of_recorded_ones(peps, shared):
    recorded = json.loads((shared / "specs/peps/peps_search_sample.json").read_text())
    answer = peps.search("S2ST", productType="S2MSI1C")
    assert set(recorded["properties"]) <= set(answer["properties"])
    assert set(recorded["properties"]["query"]) <= set(answer["properties"]["query"])
    feature, like = answer["features"][0], recorded["features"][0]
    without = {"bareSoil", "highProbaClouds", "mediumProbaClouds", "lowProbaClouds", "snowIce", "vegetation", "water",
               "isRefined", "nrtResource", "useDatalake", "dhusIngestDate"}  # empty there, or of PEPS's own disks
    assert set(like["properties"]) - without <= set(feature["properties"])
    p = feature["properties"]
    for name, value in like["properties"].items():
        if isinstance(value, (str, int, float)) and p.get(name) is not None:
            assert type(p[name]) is type(value) or isinstance(value, float), name
    assert p["productIdentifier"] == p["title"] == ZIP
    assert (p["collection"], p["platform"], p["productType"], p["processingLevel"], p["instrument"]) == (
        "S2ST", "S2B", "S2MSI1C", "LEVEL1C", "MSI")
    assert (p["relativeOrbitNumber"], p["mgrs"], p["parentIdentifier"]) == (137, "30UVU", "urn:ogc:def:EOP:ESA::SENTINEL-2:")
    assert p["startDate"].startswith("2023-06-05T11:06:") and p["startDate"][-5] == "."
    assert p["storage"] == {"mode": "disk"}
    assert p["services"]["download"]["url"].endswith(f"/resto/collections/S2ST/{feature['id']}/download")
    assert p["resourceSize"] == (shared / f"data/s2/{ZIP}.zip").stat().st_size
    assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")


def names(answer):
    return {f["properties"]["productIdentifier"] for f in answer["features"]}


def test_parameters(peps):
    everything = names(peps.search("S2ST"))
    assert ZIP in everything and len(everything) == 8
    l1c, rest = {ZIP}, everything - {ZIP}
    assert names(peps.search("S2")) == everything
    rows = [
        ({"productType": "S2MSI1C"}, l1c), ({"productType": "S2MSI2A"}, rest), ({"processingLevel": "LEVEL1C"}, l1c),
        ({"tileid": "30UVU"}, l1c), ({"tileid": "33%25"}, rest), ({"platform": "S2A"}, {n for n in rest if n.startswith("S2A")}),
        ({"startDate": "2023-06-05", "completionDate": "2023-06-06"}, l1c),
        ({"startDate": "2023-06-04", "completionDate": "2023-06-05"}, set()),
        ({"startDate": "2023-06-05T11:00:00Z", "completionDate": "2023-06-05T12:00:00"}, l1c),
        ({"box": "14,45,16,47"}, rest), ({"box": "-180,-90,180,90"}, everything), ({"box": "0,0,1,1"}, set()),
        ({"lat": "45.5", "lon": "15.5"}, {n for n in rest if "T33TWL" in n}), ({"lat": "44.9", "lon": "15.1", "radius": "200000"}, rest),
        ({"geometry": "POLYGON((14 45,16 45,16 47,14 47,14 45))"}, rest),
        ({"geometry": "POLYGON%20((14%2045,%2016%2045,%2016%2047,%2014%2047,%2014%2045))"}, rest),
        ({"productIdentifier": ZIP}, l1c), ({"productIdentifier": ZIP + ".SAFE"}, l1c),
        ({"productIdentifier": "S2B_MSIL1C%25"}, l1c), ({"productIdentifier": "nothing"}, set()),
        ({"relativeOrbitNumber": "137"}, l1c), ({"relativeOrbitNumber": "[130,140]"}, l1c), ({"instrument": "MSI"}, everything),
        ({"cloudCover": "[0,100]"}, everything), ({"cloudCover": "]100"}, set()), ({"cloudCover": "-1]"}, set()),
        ({"lang": "en", "nonsense": "1"}, everything), ({"productType": ""}, everything), ({"q": ZIP}, l1c),
        ({"productType": "it's"}, set()),
    ]
    for parameters, wanted in rows:
        assert names(peps.search("S2ST", **parameters)) == wanted, parameters
    assert peps.search("S2ST", nonsense="1")["properties"]["query"]["ignored"] == ["nonsense"]
    clouds = {f["properties"]["productIdentifier"]: f["properties"]["cloudCover"] for f in peps.search("S2ST")["features"]}
    for low, high in [(0, 10), (10, 50)]:
        assert names(peps.search("S2ST", cloudCover=f"[{low},{high}]")) == {n for n, c in clouds.items() if low <= c <= high}


def test_errors_have_the_keys_that_scripts_test_for(archive, peps):
    base = archive.base + "/resto/api/collections"
    rows = [(f"{base}/S9/search.json", 404, "S9"), (f"{base}/S2/search.json?box=1,2,3", 400, "box"),
            (f"{base}/S2/search.json?cloudCover=many", 400, "cloudCover"), (f"{base}/S2/search.json?geometry=POLYGON((", 400, "geometry"),
            (f"{base}/S2/search.json?geometry=POINT(1 2)) OR (1=1", 400, "geometry"),
            (f"{base}/S2/search.json?startDate=yesterday", 400, "startDate"), (f"{base}/S2/search.json?page=0", 400, "page"),
            (f"{base}/S2/search.json?lat=100&lon=1", 400, "lat"), (f"{base}/S2/search.json?token=x", 400, "token"),
            (f"{archive.base}/resto/collections/S2/no-uuid", 404, "no-uuid")]
    for url, status, text in rows:
        answer = requests.get(url, timeout=30)
        assert answer.status_code == status and answer.headers["Content-Type"] == "application/json", url
        assert answer.json()["ErrorCode"] == status and text in answer.json()["ErrorMessage"]
    feature = peps.search("S2ST")["features"][0]["id"]
    for account in (None, ("jean@example.org", "wrong")):
        answer = Peps(archive.base, account, ".").get("S2ST", feature)
        assert answer.status_code == 401 and answer.json()["ErrorCode"] == 401


def test_pages(peps):
    everything = [f["id"] for f in peps.search("S2ST")["features"]]
    assert len(set(everything)) == 8
    pages, page = [], 1
    while True:
        answer = peps.search("S2ST", maxRecords=3, page=page)
        p = answer["properties"]
        assert p["totalResults"] == 8 and p["exactCount"] is True and p["startIndex"] == 3 * (page - 1) + 1
        pages += [f["id"] for f in answer["features"]]
        links = {link["rel"]: link["href"] for link in p["links"]}
        assert "page=3" in links["last"]
        if "next" not in links:
            break
        assert f"page={page + 1}" in links["next"]
        followed = requests.get(links["next"], timeout=30).json()
        page += 1
        assert [f["id"] for f in followed["features"]] == [f["id"] for f in peps.search("S2ST", maxRecords=3, page=page)["features"]]
        assert followed["properties"]["startIndex"] == 3 * (page - 1) + 1
    assert pages == everything
    assert [f["id"] for f in peps.search("S2ST", maxRecords=3, index=4)["features"]] == everything[3:6]
    assert peps.search("S2ST", maxRecords=3, page=100)["features"] == []


def test_ids_lead_back(archive, peps):
    for feature in peps.search("S2ST")["features"]:
        for url in (f"{archive.base}/resto/collections/S2ST/{feature['id']}.json", f"{archive.base}/resto/collections/S2ST/{feature['id']}"):
            assert requests.get(url, timeout=30).json() == feature
    assert requests.get(f"{archive.base}/resto/collections/S1/{feature['id']}", timeout=30).status_code == 404


def test_description(archive):
    answer = requests.get(f"{archive.base}/resto/api/collections/S2ST/describe.xml", timeout=30)
    assert answer.headers["Content-Type"] == "application/opensearchdescription+xml"
    root = etree.fromstring(answer.content)
    name = "{http://a9.com/-/spec/opensearch/1.1/}"
    assert root.tag == name + "OpenSearchDescription" and root.find(name + "ShortName").text == "S2ST"
    template = root.find(name + "Url").get("template")
    for parameter in ("startDate={time:start?}", "box={geo:box?}", "productType={eo:productType?}", "page={startPage?}"):
        assert parameter in template


def test_a_zip_comes_as_it_is_with_ranges(archive, peps, shared):
    (feature, storage, size), = peps.products("S2ST", productType="S2MSI1C").values()
    whole = (shared / f"data/s2/{ZIP}.zip").read_bytes()
    answer = peps.get("S2ST", feature)
    assert storage == "disk" and answer.content == whole and len(whole) == size
    assert ZIP in answer.headers["Content-Disposition"]
    part = requests.get(answer.url, auth=peps.account, headers={"Range": "bytes=100-199"}, timeout=30)
    assert part.status_code == 206 and part.content == whole[100:200]


def test_a_folder_is_put_into_a_zip_on_the_way(archive, peps, shared):
    found = peps.products("S2ST", productType="S2MSI2A")
    name, (feature, storage, size) = sorted(found.items())[0]
    answer = peps.get("S2ST", feature)
    assert storage == "disk" and len(answer.content) == size == int(answer.headers["Content-Length"])
    with zipfile.ZipFile(io.BytesIO(answer.content)) as made:
        assert made.testzip() is None
        folder = next(p for p in (shared / "data/s2/33TW").iterdir() if p.name == made.namelist()[0].split("/")[0])
        assert sorted(made.namelist()) == sorted(str(p.relative_to(folder.parent)) for p in folder.rglob("*") if p.is_file())
        assert all(made.read(n) == (folder.parent / n).read_bytes() for n in made.namelist())
    head = requests.head(answer.url, auth=peps.account, timeout=30)
    assert head.headers["Content-Length"] == str(size)


def to_tape(archive, collection, product):
    """Leaves a product on tape alone."""
    found = [json.loads(line) for line in archive.command("catalog", "place", "show", collection, product).splitlines()]
    local = next((p for p in found if p["endpoint"] == "local"), None)
    if local:
        archive.command("catalog", "endpoint", "set", "silo", "--kind", "tape")
        path = next(iter(local["assets"].values()))
        root = path[len("/vsizip/"):path.index(".zip") + 4] if path.startswith("/vsizip/") else str(Path(path).parent)
        inside = {k: "./" + v.split(root + "/", 1)[1] for k, v in local["assets"].items()}
        rows = [{"collection": collection, "item": product, "endpoint": "silo", "state": "offline", "href": root, "assets": inside},
                {"collection": collection, "item": product, "endpoint": "local", "remove": True}]
        archive.command("catalog", "place", "set", input="\n".join(map(json.dumps, rows)))
    else:
        archive.command("catalog", "place", "set", input=f"{collection}\t{product}\tsilo\toffline")


@pytest.fixture()
def taped(archive):
    for feature in requests.get(f"{archive.base}/stac/search?limit=100", timeout=30).json()["features"]:
        if "33TWL" in feature["id"] and "S2A" in feature["id"] or feature["id"] == ZIP:
            to_tape(archive, feature["collection"], feature["id"])


def test_the_script_waits_for_tape_and_gets_all(archive, peps, taped, shared):
    before = peps.products("S2ST")
    assert sorted({storage for _, storage, _ in before.values()}) == ["disk", "tape"]
    tape = {name for name, (_, storage, _) in before.items() if storage == "tape"}
    done, waits = peps.download_all("S2ST")
    assert set(done) == set(before) and set(waits) == tape and len(tape) == 3
    assert (peps.folder / f"{ZIP}.zip").read_bytes() == (shared / f"data/s2/{ZIP}.zip").read_bytes()
    assert all(zipfile.ZipFile(path).testzip() is None for path in done.values())
    assert {storage for _, storage, _ in peps.products("S2ST").values()} == {"disk"}


def test_a_product_on_tape_answers_without_a_body(archive, peps, taped):
    (feature, storage, _), = peps.products("S2ST", productType="S2MSI1C").values()
    answer = peps.get("S2ST", feature)
    assert storage == "tape" and answer.status_code == 202 and answer.content == b"" and answer.headers["Retry-After"]
    end = time.time() + 30
    seen = set()
    while "disk" not in seen:
        (_, storage, _), = peps.products("S2ST", productType="S2MSI1C").values()
        seen.add(storage)
        assert time.time() < end
        time.sleep(0.1)
    assert seen == {"staging", "disk"}


EODAG = '''
import sys, json
from eodag import EODataAccessGateway
host, folder, product_type, wait = sys.argv[1:5]
dag = EODataAccessGateway(user_conf_file_path=folder + "/eodag.yml")
dag.set_preferred_provider("peps")
config = dag.providers_config["peps"]
for part in (config.search,):
    part.api_endpoint = part.api_endpoint.replace("https://peps.cnes.fr", host)
config.auth.matching_url = host
found, count = dag.search(productType=product_type, start="2023-06-01", end="2023-06-30", provider="peps",
                          geom={"lonmin": -6, "latmin": 47, "lonmax": 2, "latmax": 54}, cloudCover=100)
assert count == len(found) == 1, (count, found)
product = found[0]
assert product.product_type == product_type and product.properties["storageStatus"] == ("OFFLINE" if wait == "tape" else "ONLINE"), product.properties
path = dag.download(product, outputs_prefix=folder, extract=False, wait=0.05, timeout=1)
print(json.dumps({"path": path, "id": product.properties["id"], "platform": product.properties["platformSerialIdentifier"]}))
'''


@pytest.mark.skipif(not os.environ.get("SENTIER_EODAG_PEPS"), reason="SENTIER_EODAG_PEPS names no Python with eodag < 4.1")
@pytest.mark.parametrize("where", ["disk", "tape"])
def test_eodags_provider_peps(archive, tmp_path, shared, where):
    (feature, storage, _), = Peps(archive.base, None, ".").products("S2ST", productType="S2MSI1C").values()
    if where == "tape":
        to_tape(archive, "sentinel-2-l1c", ZIP)
    elif storage != "disk":
        archive.command("catalog", "place", "set", input=f"sentinel-2-l1c\t{ZIP}\tsilo\tonline")
    (tmp_path / "eodag.yml").write_text("peps:\n  auth:\n    credentials:\n      username: jean@example.org\n      password: open sesame\n")
    done = subprocess.run([os.environ["SENTIER_EODAG_PEPS"], "-c", EODAG, archive.base, str(tmp_path), "S2_MSI_L1C", where],
                          capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["id"] == ZIP and answer["platform"] == "S2B"
    assert Path(answer["path"]).read_bytes() == (shared / f"data/s2/{ZIP}.zip").read_bytes()
