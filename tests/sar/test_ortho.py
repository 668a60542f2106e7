"""ortho-s1-grd: products with real annotations become tiles, through the server, task by task. Their measurements are coded:
the number of a pixel is its column, so the power of a pixel on the ground says which column of the image it shows."""
import io
import json
import re
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
import requests

sys.path.insert(0, str(Path(__file__).parents[1] / "api"))
from jobs_common import kill, pids  # noqa: E402
from rays import Flight, Terrain, compare, look, samples  # noqa: E402

ROME = "S1B_IW_GRDH_1SDV_20211223T051122_20211223T051147_030148_039993_5371"
GERMANY = ["S1A_IW_GRDH_1SDV_20150222T170725_20150222T170750_004739_005DD8_CEAB",
           "S1A_IW_GRDH_1SDV_20150222T170750_20150222T170815_004739_005DD8_3768"]
AREA = {"bbox": [12.43, 41.93, 12.53, 42.02]}
A_BETA = 473.9733  # constant over the image of Rome
ALPS = "S1B_IW_GRDH_1SDV_20210401T052623_20210401T052648_026269_032297_ECC8"
RAVINES = {"bbox": [10.72, 46.77, 10.78, 46.82]}  # of the Alps
TAPE = "#!/bin/sh\ncp \"$1\" \"$2\"\n"


@pytest.fixture(scope="module")
def heights(tmp_path_factory, shared):
    """A model with the ellipsoidal heights of the points in expected_values.json around Rome: steps of 0.05 degrees."""
    points = json.loads((shared / "data/s1/expected_values.json").read_text())[0]["geocoding"]
    path = tmp_path_factory.mktemp("dem") / "dem.tif"
    west, north, step, cells = 11.8, 42.9, 0.01, 200
    rows, columns = np.mgrid[0:cells, 0:cells]
    latitude, longitude = north - (rows + 0.5) * step, west + (columns + 0.5) * step
    distance = [np.hypot(latitude - p["lat"], longitude - p["lon"]) for p in points]
    height = np.array([p["h_ellipsoid"] for p in points])[np.argmin(distance, 0)]
    with rasterio.open(path, "w", driver="GTiff", width=cells, height=cells, count=1, dtype="float32", crs="EPSG:4326",
                       transform=rasterio.transform.from_origin(west, north, step, step)) as file:
        file.write(height.astype("f4"), 1)
    show(path.parent)
    return path, points


def show(folder):
    """To the user that a service runs as."""
    for folder in (folder, *folder.parents):
        if folder in (Path("/"), Path("/tmp")):
            break
        folder.chmod(folder.stat().st_mode | 0o055)


@pytest.fixture(scope="module")
def mountains(shared, tmp_path_factory):
    """A folder with a product of the Alps, whose calibration is made up: 474 throughout."""
    folder = tmp_path_factory.mktemp("mountains")
    with zipfile.ZipFile(shared / f"data/s1/{ALPS}.SAFE.zip") as archive:
        archive.extractall(folder)
    annotation, = (folder / f"{ALPS}.SAFE/annotation").glob("*.xml")
    head = re.search("<adsHeader>.*?</adsHeader>", annotation.read_text(), re.S)[0]
    values = "".join(f'<{name} count="2">474 474</{name}>' for name in ("sigmaNought", "betaNought", "gamma"))
    vectors = "".join(f'<calibrationVector><line>{line}</line><pixel count="2">0 26000</pixel>{values}</calibrationVector>'
                      for line in (0, 20000))
    (annotation.parent / "calibration").mkdir()
    (annotation.parent / "calibration" / f"calibration-{annotation.name}").write_text(
        f'<calibration>{head}<calibrationVectorList count="2">{vectors}</calibrationVectorList></calibration>')
    show(folder)
    return folder


@pytest.fixture(scope="module")
def ravines(shared, tmp_path_factory):
    """The Alps, twice as high above 1000 m."""
    path = tmp_path_factory.mktemp("ravines") / "ravines.tif"
    with rasterio.open(shared / "data/dem/hintereisferner_srtm90.tif") as file:
        profile, height = file.profile, file.read(1).astype("f4")
    with rasterio.open(path, "w", **{**profile, "dtype": "float32"}) as file:
        file.write(1000 + 2 * (height - 1000), 1)
    show(path.parent)
    return path


@pytest.fixture(scope="module")
def model(heights, ravines):
    """Both in one."""
    path, parts = ravines.parent / "dem.vrt", []
    with rasterio.open(heights[0]) as south, rasterio.open(ravines) as north:
        west, top, step = min(south.bounds.left, north.bounds.left), max(south.bounds.top, north.bounds.top), north.res[0]
        width, height = (round(length / step) for length in (max(south.bounds.right, north.bounds.right) - west,
                                                             top - min(south.bounds.bottom, north.bounds.bottom)))
        for file in (south, north):
            place = ((file.bounds.left - west) / step, (top - file.bounds.top) / step, file.width * file.res[0] / step,
                     file.height * file.res[1] / step)
            parts.append(f"""<ComplexSource resampling="bilinear"><SourceFilename>{file.name}</SourceFilename><SourceBand>1</SourceBand>
                <SrcRect xOff="0" yOff="0" xSize="{file.width}" ySize="{file.height}"/>
                <DstRect xOff="{place[0]}" yOff="{place[1]}" xSize="{place[2]}" ySize="{place[3]}"/></ComplexSource>""")
    path.write_text(f"""<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS dataAxisToSRSAxisMapping="2,1">EPSG:4326</SRS>
        <GeoTransform>{west}, {step}, 0, {top}, 0, {-step}</GeoTransform><VRTRasterBand dataType="Float32" band="1">
        <NoDataValue>-9999</NoDataValue>{"".join(parts)}</VRTRasterBand></VRTDataset>""")
    return path


@pytest.fixture(scope="module")
def site(make_service, shared, heights, model, mountains):
    script = heights[0].parent / "fetch"
    script.write_text(TAPE)
    script.chmod(0o755)
    service = make_service(f"sar.dem={model}", "sar.geoid=none", f"catalog.stage_command={script} {{href}} {{target}}",
                           "billing.currency=credits", "billing.work_hour=3600", workers=2)
    service.add_user("alice")
    service.command("catalog", "import", *(shared / f"data/s1/{name}.SAFE.zip" for name in [ROME, *GERMANY]),
                    mountains / f"{ALPS}.SAFE")
    return service


@pytest.fixture(scope="module")
def alice(site):
    return site.session("alice")


def submit(site, session, inputs, **more):
    return session.post(f"{site.base}/ogc/processes/ortho-s1-grd/execution", json={"inputs": inputs, "response": "document", **more},
                        headers={"Prefer": "respond-async"}, timeout=60)


def wait(session, url, timeout=180):
    end, progress = time.time() + timeout, 0
    while time.time() < end:
        status = session.get(url, timeout=30).json()
        assert status.get("progress", 0) >= progress or status["status"] == "failed"
        progress = status.get("progress", 0)
        if status["status"] in ("successful", "failed", "dismissed"):
            return status
        time.sleep(0.05)
    raise TimeoutError(status)


def run(site, session, inputs, **more):
    answer = submit(site, session, inputs, **more)
    assert answer.status_code == 201, answer.text
    job = answer.headers["Location"]
    status = wait(session, job)
    assert status["status"] == "successful", (status, session.get(job + "/logs", timeout=30).text)
    return job


def results(session, job):
    """{output: {file name: bytes}}"""
    found = {}
    for output, links in session.get(job + "/results", timeout=60).json().items():
        for link in links if isinstance(links, list) else [links]:
            name = link["href"].split("?")[0].rsplit("/", 1)[1]
            found.setdefault(output, {})[name] = session.get(link["href"], timeout=60).content
    return found


def opened(data):
    with rasterio.open(io.BytesIO(data)) as file:
        return file.read(1), file.profile, file.tags()


def column_at(data, longitude, latitude):
    """Which column of the source a place shows, by bilinear interpolation of the file."""
    with rasterio.open(io.BytesIO(data)) as file:
        x, y = pyproj.Transformer.from_crs(4326, file.crs, always_xy=True).transform(longitude, latitude)
        column, row = ~file.transform * (x, y)
        values = np.sqrt(file.read(1).astype("f8")) * A_BETA
    column, row = column - 0.5, row - 0.5
    c, r = int(column), int(row)
    u, v = column - c, row - r
    return ((1 - u) * (1 - v) * values[r, c] + u * (1 - v) * values[r, c + 1] + (1 - u) * v * values[r + 1, c]
            + u * v * values[r + 1, c + 1])


def warnings(session, job):
    return [line["message"] for line in session.get(job + "/logs", timeout=30).json()["logs"] if line["level"] == "warning"]


@pytest.fixture(scope="module")
def undisturbed(site, alice):
    job = run(site, alice, {"product-title": ROME + ".SAFE", "bbox": AREA, "clip": True, "calibration": "beta0", "remove-noise": False,
                            "tiles": ["33TTG"]})
    return job, results(alice, job)


def test_places(undisturbed, heights):
    """To 0.02 columns of where the source has the place."""
    (name, data), = undisturbed[1]["images"].items()
    assert name == "s1b_33TTG_vv_DES_022_20211223t051122.tif"
    checked = 0
    for point in heights[1]:
        if AREA["bbox"][0] < point["lon"] < AREA["bbox"][2] and AREA["bbox"][1] < point["lat"] < AREA["bbox"][3]:
            assert column_at(data, point["lon"], point["lat"]) == pytest.approx(point["pixel_linear"], abs=0.02)
            checked += 1
    assert checked >= 2


def test_files(undisturbed, tmp_path):
    data, = undisturbed[1]["images"].values()
    pixels, profile, tags = opened(data)
    assert profile["crs"] == "EPSG:32633" and profile["dtype"] == "float32" and profile["nodata"] == 0
    assert (profile["transform"].c - 199980) % 10 == 0 and (profile["transform"].f - 4700040) % 10 == 0
    assert (pixels > 0).all()
    assert {k: tags[k] for k in ("CALIBRATION", "FLYING_UNIT_CODE", "IMAGE_TYPE", "INPUT_S1_IMAGES", "NOISE_REMOVED", "ORBIT_DIRECTION",
                                 "ORBIT_NUMBER", "RELATIVE_ORBIT_NUMBER", "POLARIZATION", "ORTHORECTIFIED", "S2_TILE_CORRESPONDING_CODE",
                                 "SPATIAL_RESOLUTION", "TIFFTAG_DATETIME")} == {
        "CALIBRATION": "beta0", "FLYING_UNIT_CODE": "S1B", "IMAGE_TYPE": "GRD", "INPUT_S1_IMAGES": ROME, "NOISE_REMOVED": "False",
        "ORBIT_DIRECTION": "DES", "ORBIT_NUMBER": "30148", "RELATIVE_ORBIT_NUMBER": "022", "POLARIZATION": "VV",
        "ORTHORECTIFIED": "true", "S2_TILE_CORRESPONDING_CODE": "33TTG", "SPATIAL_RESOLUTION": "10",
        "TIFFTAG_DATETIME": "2021:12:23 05:11:22"}
    path = tmp_path / "x.tif"
    path.write_bytes(data)
    from rio_cogeo.cogeo import cog_validate
    assert cog_validate(path, strict=True)[0]
    with rasterio.open(path) as file:
        levels = file.overviews(1)
        assert levels
        half = file.read(1, out_shape=((file.height + 1) // 2, (file.width + 1) // 2))
    whole = pixels[:pixels.shape[0] // 2 * 2, :pixels.shape[1] // 2 * 2].reshape(pixels.shape[0] // 2, 2, -1, 2).mean((1, 3))
    np.testing.assert_allclose(half[:whole.shape[0], :whole.shape[1]], whole, rtol=1e-5)


def test_item(undisturbed, site):
    (name, data), = undisturbed[1]["items"].items()
    item = json.loads(data)
    assert name == "s1b_33TTG_DES_022_20211223t051122.json" and item["id"] == name[:-5]
    p = item["properties"]
    assert (p["grid:code"], p["sat:relative_orbit"], p["sat:absolute_orbit"], p["sat:orbit_state"], p["platform"]) == (
        "MGRS-33TTG", 22, 30148, "descending", "sentinel-1b")
    assert p["sar:polarizations"] == ["VV"] and p["sar:instrument_mode"] == "IW" and p["sar:product_type"] == "GRD"
    assert p["sentier:completeness"] == "WHOLE" and p["proj:code"] == "EPSG:32633"
    asset = item["assets"]["vv"]
    assert asset["href"] == "./s1b_33TTG_vv_DES_022_20211223t051122.tif" and asset["bands"][0]["statistics"]["valid_percent"] == 100
    assert [link["href"] for link in item["links"]] == [f"/stac/collections/sentinel-1-grd/items/{ROME}"]
    import pystac
    pystac.Item.from_dict(item)
    box = item["bbox"]
    assert box[0] < 12.43 + 0.01 and box[2] > 12.53 - 0.01 and box[1] < 41.93 + 0.01 and box[3] > 42.02 - 0.01


def test_steps(undisturbed, alice, site):
    job = undisturbed[0]
    steps = alice.get(job + "/steps", timeout=30).json()["steps"]
    assert [(s["title"], s["status"], s["progress"], s.get("tag")) for s in steps] == [
        ("init", "successful", 100, None), ("geocode", "successful", 100, "33TTG VV"), ("package", "successful", 100, "33TTG"),
        ("publish", "successful", 100, None)]
    assert [s["id"] for s in steps] == ["init", f"geocode/S1B-030148/33TTG/VV/{ROME}", "package/S1B-030148/33TTG", "publish"]
    for before, after in zip(steps[1:], steps[2:-1]):
        assert before["finished"] <= after["started"] and before["duration"] > 0
    log = next(link["href"] for link in steps[1]["links"] if link["rel"] == "log")
    lines = alice.get(log, timeout=30).json()["logs"]
    assert len(lines) == 2 and "Of 1 image; 100.00 %" in lines[0]["message"] and lines[1]["message"].startswith("Done in")
    planned, = [line["message"] for line in alice.get(job + "/logs?step=init", timeout=30).json()["logs"] if "Planned" in line["message"]]
    price = re.fullmatch(r"Planned: 1 tile of 1 product in 2 steps, about 1 s of work and (\d+) MB of results for about ([0-9.]+) credits\.", planned)
    pixels, _, _ = opened(*undisturbed[1]["images"].values())
    seconds = site.sql(f"SELECT estimate->>'seconds' FROM jobs WHERE id = '{job.rsplit('/', 1)[1]}'")
    assert int(price[1]) == round(4 * pixels.size / 1e6) and float(price[2]) == pytest.approx(float(seconds), rel=0.01)
    missing = alice.get(job + "/logs?step=nothing", timeout=30)
    assert missing.status_code == 400 and "has no step 'nothing'" in missing.json()["detail"]
    assert not list((Path(site.data) / "scratch").glob("*/*"))


@pytest.mark.parametrize("platform, mode, swath, data_type", [("S1C", "EW", "EW", "float32"), ("S1D", "SM", "S4", "int16")])
def test_other_satellites_and_modes(site, alice, undisturbed, shared, tmp_path, platform, mode, swath, data_type):
    """Whoever took it, and however: names tell it, and numbers do not depend on it. Whole ones are hundredths of a decibel."""
    words = {ROME: ROME.replace("S1B_IW", f"{platform}_{swath}"), "s1b-iw": f"{platform}-{swath}".lower(), "<missionId>S1B": f"<missionId>{platform}",
             "<mode>IW": f"<mode>{mode}", "<swath>IW<": f"<swath>{swath}<", "sarl1:mode>IW": f"sarl1:mode>{mode}",
             "<safe:number>B": f"<safe:number>{platform[2]}", "20211223": "20201223", "2021-12-23": "2020-12-23"}

    def other(text):
        for old, new in words.items():
            text = text.replace(old, new)
        return text

    with zipfile.ZipFile(shared / f"data/s1/{ROME}.SAFE.zip") as given, zipfile.ZipFile(tmp_path / other(f"{ROME}.SAFE.zip"), "w") as made:
        for name in given.namelist():
            data = given.read(name)
            made.writestr(other(name), data if name.endswith(".tiff") else other(data.decode()))
    for folder in (tmp_path, tmp_path.parent):
        folder.chmod(0o755)
    site.command("catalog", "import", tmp_path / other(f"{ROME}.SAFE.zip"))
    found = results(alice, run(site, alice, {"product-title": other(ROME), "bbox": AREA, "clip": True, "calibration": "beta0", "remove-noise": False,
                                             "tiles": ["33TTG"], "data-type": data_type}))
    (name, data), = found["images"].items()
    assert name == f"{platform.lower()}_33TTG_vv_DES_022_20201223t051122.tif"
    pixels, profile, tags = opened(data)
    power, _, _ = opened(*undisturbed[1]["images"].values())
    assert profile["dtype"] == data_type and tags["FLYING_UNIT_CODE"] == platform
    if data_type == "int16":
        np.testing.assert_allclose(pixels, 1000 * np.log10(power), rtol=0, atol=0.51)
    else:
        assert (pixels == power).all()
    p = json.loads(*found["items"].values())["properties"]
    assert (p["platform"], p["sar:instrument_mode"]) == (f"sentinel-{platform[1:].lower()}", mode)


def test_killed_in_the_middle(site, alice, undisturbed):
    """Children and workers die while images are geocoded; what was done stays, what was not is done again, and the files are
    the same."""
    answer = submit(site, alice, {"product-title": ROME, "bbox": AREA, "clip": True, "calibration": "beta0", "remove-noise": False,
                                  "tiles": ["33TTG"]})
    job, id, kills, end = answer.headers["Location"], answer.json()["jobID"], 0, time.time() + 60
    while kills < 3 and time.time() < end:
        running = site.sql(f"SELECT count(*) FROM tasks WHERE job = '{id}' AND kind = 4 AND state = 'x'") != "0"
        victims = pids(site, "worker" if kills == 2 else "task") if running else []
        kills += any([kill(victim) for victim in victims])
        if alice.get(job, timeout=30).json()["status"] in ("successful", "failed"):
            break
    assert kills >= 1
    assert wait_through(alice, job)["status"] == "successful"
    again = results(alice, job)
    assert again == undisturbed[1]
    tries = sum(step.get("tries", 0) for step in alice.get(job + "/steps", timeout=30).json()["steps"])
    assert tries > 3
    assert not list((Path(site.data) / "scratch").glob("*/*"))


def wait_through(session, url, timeout=120):
    """Progress may go back when a task is lost, and when what comes after staging is known."""
    end = time.time() + timeout
    while time.time() < end:
        status = session.get(url, timeout=30).json()
        if status["status"] in ("successful", "failed"):
            return status
        time.sleep(0.1)
    raise TimeoutError(status)


SEAM = {"bbox": [10.0, 50.35, 10.1, 50.65]}  # across the border of the two frames


@pytest.fixture(scope="module")
def joined(site, alice):
    job = run(site, alice, {"items": GERMANY, "bbox": SEAM, "clip": True, "polarisations": ["VV"], "calibration": "beta0",
                            "tiles": ["32UNB"]})
    return job, results(alice, job)


def test_frames_of_a_pass_are_joined(alice, joined):
    job, found = joined
    (name, data), = found["images"].items()
    assert name == "s1a_32UNB_vv_ASC_117_20150222txxxxxx.tif"
    pixels, _, tags = opened(data)
    assert (pixels > 0).all()
    columns = np.sqrt(pixels)  # of the image, by a factor: the ground is flat, so they go evenly
    bend = np.abs(np.diff(columns, 2, axis=0)) / np.median(np.abs(np.diff(columns, axis=1)))
    # by their own annotations they differ by 0.74 to 1.20 columns at their border
    assert bend.max() < 0.05
    assert tags["INPUT_S1_IMAGES"] == ", ".join(GERMANY) and tags["ACQUISITION_DATETIME_2"].startswith("2015-02-22T17:07:50")
    item = json.loads(*found["items"].values())
    assert item["properties"]["sentier:completeness"] == "WHOLE" and len(item["links"]) == 2
    keys = [s["id"].split("/")[0] for s in alice.get(job + "/steps", timeout=30).json()["steps"]]
    assert keys == ["init", "geocode", "geocode", "join", "package", "publish"]


def test_flattened_terrain(site, alice):
    """Where the ground is flat it is gamma0 of the ellipsoid, to 0.05 dB, across the border of two frames, too."""
    inputs = {"items": GERMANY, "bbox": SEAM, "clip": True, "polarisations": ["VV"], "tiles": ["32UNB"], "remove-noise": False}
    flat, plain = (results(alice, run(site, alice, {**inputs, "calibration": name})) for name in ("gamma0-terrain", "gamma0"))
    (name, data), = flat["images"].items()
    assert name == "s1a_32UNB_vv_ASC_117_20150222txxxxxx_GammaNaughtRTC.tif"
    assert next(iter(flat["items"])) == "s1a_32UNB_ASC_117_20150222txxxxxx_GammaNaughtRTC.json"
    pixels, _, tags = opened(data)
    assert tags["CALIBRATION"] == "gamma0-terrain"
    other, _, _ = opened(*plain["images"].values())
    assert (other > 0).all() and (pixels > 0).all() and np.abs(10 * np.log10(pixels / other)).max() < 0.05


def test_layers_of_the_geometry(site, alice, joined):
    """Angles and the mask are files beside the image; what sigma0-normlim multiplies by is one of them."""
    layers = ["local-incidence-angle", "sin-local-incidence-angle", "incidence-angle", "mask"]
    inputs = {"items": GERMANY, "bbox": SEAM, "clip": True, "polarisations": ["VV"], "tiles": ["32UNB"]}
    job = run(site, alice, {**inputs, "calibration": "sigma0-normlim", "layers": layers})
    made = results(alice, job)
    names = dict(zip(layers, ("LIA", "sin_LIA", "IA", "MASK")))
    files = {layer: f"{name}_s1a_32UNB_ASC_117.tif" for layer, name in names.items()}
    image = "s1a_32UNB_vv_ASC_117_20150222txxxxxx_NormLim.tif"
    assert set(made["images"]) == {image, *files.values()}
    (pixels, _, tags), (lia, profile, told), (sine, _, _), (angle, _, _), (mask, bits, _) = (
        opened(made["images"][name]) for name in (image, *files.values()))
    assert tags["CALIBRATION"] == "sigma0-normlim" and (profile["dtype"], profile["nodata"]) == ("uint16", 0)
    assert (bits["dtype"], bits["nodata"]) == ("uint8", 255) and told["DATA_TYPE"] == "100 * degree(LIA)"
    assert (mask == 4).all()  # the model has no heights there; nothing is hidden, and both frames are covered
    assert (np.abs(lia.astype("i4") - angle) < 20).all() and 2900 < angle.min() < angle.max() < 4700
    np.testing.assert_allclose(sine, np.sin(np.radians(lia / 100)), atol=2e-3)
    beta, _, _ = opened(*joined[1]["images"].values())
    np.testing.assert_allclose(pixels, beta * sine, rtol=1e-5)
    item = json.loads(*made["items"].values())
    assert {key: asset["href"] for key, asset in item["assets"].items()} == {"vv": "./" + image, **{k: "./" + v for k, v in files.items()}}
    assert [item["assets"][layer]["roles"][-1] for layer in layers] == [
        "local-incidence-angle", "local-incidence-angle", "ellipsoid-incidence-angle", "metadata"]
    band, = item["assets"]["mask"]["bands"]
    assert item["assets"]["mask"]["roles"][0] == "data-mask"
    assert [field["name"] for field in band["classification:bitfields"]] == ["layover", "shadow", "no_height"]
    keys = [s["id"].split("/")[0] for s in alice.get(job + "/steps", timeout=30).json()["steps"]]
    assert keys == ["init", "geocode", "geocode", "join", "layer", "layer", "layer", "layer", "package", "publish"]


def test_borders_of_old_images(site, alice):
    """Of 1000 columns, or of those at the edge where the numbers, which are columns, are dark: half of the next 25 are below 25."""
    edge = {"product-title": GERMANY[0], "bbox": {"bbox": [8.9, 48.9, 9.1, 48.901]}, "clip": True, "polarisations": ["VV"],
            "calibration": "beta0", "resampling": "near", "tiles": ["32UMV"], "coverage": 0}
    first = {}
    for border in "fixed", "adaptive":
        pixels, _, _ = opened(*results(alice, run(site, alice, {**edge, "border": border}))["images"].values())
        first[border] = np.sqrt(pixels[pixels > 0].min())
    assert first["fixed"] / first["adaptive"] == pytest.approx(1000 / 13, rel=0.01)


def test_layers_of_mountains(site, alice, mountains, ravines):
    """Angles are those between vectors, and what is masked is what rays meet, where mountains are steep."""
    layers = ["local-incidence-angle", "sin-local-incidence-angle", "incidence-angle", "mask"]
    job = run(site, alice, {"product-title": ALPS, "bbox": RAVINES, "clip": True, "tiles": ["32TPS"], "calibration": "sigma0-terrain",
                            "layers": layers})
    images = results(alice, job)["images"]
    assert "s1b_32TPS_vh_DES_168_20210401t052623_SigmaNaughtRTC.tif" in images
    lia, sine, ia, mask = (images[f"{name}_s1b_32TPS_DES_168.tif"] for name in ("LIA", "sin_LIA", "IA", "MASK"))
    (lia, profile, _), (sine, _, _), (ia, _, _), (mask, _, _) = map(opened, (lia, sine, ia, mask))
    rows, columns, x, y = samples(profile, 19)
    annotation, = (mountains / f"{ALPS}.SAFE/annotation").glob("*.xml")
    level, local, flat, folded, hidden = look(Flight(annotation.read_text()), Terrain(ravines), profile["crs"], x, y, 10)
    assert np.abs(ia[rows, columns] / 100 - level).max() < 0.006
    assert np.abs(lia[rows, columns] / 100 - local).max() < 0.05
    np.testing.assert_allclose(sine[rows, columns], np.sin(np.radians(flat)), atol=1e-3)
    assert folded.sum() > 200 and hidden.sum() > 50
    for bit, truth in ((1, folded), (2, hidden)):
        wrong, far = compare(mask & bit > 0, truth, rows, columns)
        assert wrong < 0.01 and far == 0


def test_missing_neighbours_are_told(site, alice):
    inputs = {"product-title": GERMANY[1], "bbox": {"bbox": [10.0, 50.45, 10.03, 51.05]}, "clip": True, "polarisations": ["VV"], "tiles": ["32UNB"], "packaging": "zip",
              "data-type": "int16", "speckle-filter": "lee", "calibration": "beta0"}
    job = run(site, alice, inputs)
    assert any("PARTIAL" in line and GERMANY[0] in line for line in warnings(alice, job))
    (name, data), = results(alice, job)["packages"].items()
    assert name == "s1a_32UNB_ASC_117_20150222t170750_filtered.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        item = json.loads(archive.read(next(n for n in names if n.endswith(".json"))))
        image = archive.read(next(n for n in names if n.endswith(".tif")))
    assert item["properties"]["sentier:completeness"] == "PARTIAL"
    assert item["properties"]["sentier:unused_neighbours"] == [GERMANY[0]]
    pixels, profile, tags = opened(image)
    assert profile["dtype"] == "int16" and profile["nodata"] == -32768 and tags["FILTERED"] == "lee"
    assert 0 < (pixels == -32768).mean() < 0.9
    whole = run(site, alice, {**inputs, "neighbours": True, "packaging": "files"})
    assert not any("PARTIAL" in line for line in warnings(alice, whole))
    (name, image), = results(alice, whole)["images"].items()
    assert name == "s1a_32UNB_vv_ASC_117_20150222txxxxxx_filtered.tif"
    joined, _, _ = opened(image)
    assert (joined != -32768).all()
    far = np.s_[:400]  # more than 50 km from the border, where the frame knows nothing of its neighbour's orbit: the same image
    assert (pixels[far] != -32768).all() and np.array_equal(joined[far], pixels[far])


@pytest.mark.parametrize("product, tile, told", [
    (GERMANY[1], "32UNB", f"1 product of the same pass beside it that was not asked for: {GERMANY[0]}. With"),
    (ROME, "33TTG", "The catalogue has no other product of this pass for it."),
])
def test_whole_tiles_tell_what_is_missing_before_work_begins(site, alice, product, tile, told):
    """And what is dismissed leaves nothing behind."""
    job = submit(site, alice, {"product-title": product, "tiles": [tile], "polarisations": ["VV"]}).headers["Location"]
    end = time.time() + 60
    while not (said := warnings(alice, job)):
        assert time.time() < end
        time.sleep(0.02)
    alice.delete(job, timeout=30)
    assert re.match(rf"Tile {tile} is covered to [0-9.]+ %\. ", said[0]) and told in said[0]
    while list((Path(site.data) / "scratch").glob("*/*")):
        assert time.time() < end
        time.sleep(0.02)


def test_by_area_period_and_orbit(site, alice):
    found = {"bbox": AREA, "clip": True, "datetime": ["2021-12-23", "2021-12-24"], "relative-orbit": 22, "orbit-direction": "descending"}
    job = run(site, alice, found)
    images = results(alice, job)["images"]
    assert {name.split("_")[1] for name in images} == {"32TQM", "33TTG"}
    assert submit(site, alice, {**found, "relative-orbit": 23}).status_code == 201


@pytest.mark.parametrize("inputs, status, message", [
    ({}, 400, "expected product-title, items, or datetime with bbox or tiles"),
    ({"product-title": "S1A_nothing"}, 400, "the catalogue has no product 'S1A_nothing'"),
    ({"product-title": ROME, "tiles": ["31TSJ"]}, 400, "/inputs/tiles/0: '31TSJ' is no tile of the Sentinel-2 grid"),
    ({"product-title": ROME, "polarisations": ["XX"]}, 400, "/inputs/polarisations/0"),
    ({"product-title": ROME, "calibration": "dn"}, 400, "/inputs/calibration"),
    ({"bbox": AREA, "datetime": ["2021-12-24", "2021-12-23"]}, 400, "the end is not after the begin"),
    ({"product-title": ROME, "dem": "mine"}, 400, "/inputs/dem: the process has no such input"),
])
def test_wrong_requests(site, alice, inputs, status, message):
    answer = submit(site, alice, inputs)
    assert (answer.status_code, message in answer.text) == (status, True), answer.text


@pytest.mark.parametrize("inputs, message", [
    ({"product-title": ROME, "tiles": ["31TCJ"]}, "the products cover no tile"),
    ({"product-title": ROME, "polarisations": ["HH"]}, "the products cover no tile"),
    ({"items": [ROME, "nothing"]}, "of 2 products that are named, the collection 'sentinel-1-grd' has 1"),
    ({"bbox": AREA, "datetime": ["2020-01-01", "2020-02-01"]}, "has no product of this area, period and orbit"),
])
def test_requests_without_products(site, alice, inputs, message):
    answer = submit(site, alice, inputs)
    assert answer.status_code == 201, answer.text
    status = wait(alice, answer.headers["Location"])
    assert status["status"] == "failed" and message in status["message"], status


def test_from_tape(site, alice, undisturbed, shared):
    """What lies on tape is fetched as a step of its own, if that is wanted."""
    rows = [json.loads(line) for line in site.command("catalog", "place", "show", "sentinel-1-grd", ROME).splitlines()]
    path = str(shared / f"data/s1/{ROME}.SAFE.zip")
    site.command("catalog", "endpoint", "set", "silo", "--kind", "tape")
    away = [{"collection": "sentinel-1-grd", "item": ROME, "endpoint": row["endpoint"], "remove": True} for row in rows]
    there = {"collection": "sentinel-1-grd", "item": ROME, "endpoint": "silo", "state": "offline", "href": path}
    site.command("catalog", "place", "set", input="\n".join(map(json.dumps, [*away, there])))
    inputs = {"product-title": ROME, "bbox": AREA, "clip": True, "calibration": "beta0", "remove-noise": False, "tiles": ["33TTG"]}
    refused = submit(site, alice, {**inputs, "restoration": False})
    assert refused.status_code == 400 and "lies on tape" in refused.text
    job = submit(site, alice, {**inputs, "restoration": True}).headers["Location"]
    assert wait_through(alice, job)["status"] == "successful"
    steps = alice.get(job + "/steps", timeout=30).json()["steps"]
    assert [(s["title"], s["status"]) for s in steps] == [(name, "successful") for name in ("init", "stage", "geocode", "package", "publish")]
    assert steps[1]["tag"] == ROME and results(alice, job) == undisturbed[1]


def test_sites_without_heights_do_not_offer_it(service):
    processes = requests.get(service.base + "/ogc/processes?limit=1000", timeout=30).json()["processes"]
    assert "ortho-s1-grd" not in {process["id"] for process in processes}
    answer = requests.get(service.base + "/ogc/processes/ortho-s1-grd", timeout=30)
    assert answer.status_code == 501 and "sar.dem is not set" in answer.json()["detail"]


def test_rice_is_looked_for_in_what_the_chain_made(site, alice, joined):
    """Tiles of a user's jobs are items of his collection of results, which is a series for rice-map. One date is too few for a class."""
    answer = alice.post(site.base + "/ogc/processes/rice-map/execution", timeout=60, json={"inputs": {
        "collection": "results-alice", "band": "VV", "bbox": {"bbox": [10.02, 50.48, 10.08, 50.52]}, "observations": 2}})
    assert answer.status_code == 200, answer.text
    classes, profile, _ = opened(alice.get(answer.json()["classes"]["href"], timeout=60).content)
    assert profile["crs"].to_epsg() == 32632 and profile["transform"].a == 10 and profile["transform"].c % 10 == 0
    assert min(classes.shape) > 400 and (classes == profile["nodata"]).all()
