"""Films and drawn pictures, read by Pillow and ffmpeg: which dates are shown, for how long, in which colours; time-lapse and snapshot
on real scenes."""
import json
import shutil
import subprocess

import numpy as np
import pytest
import rasterio
from PIL import Image

from conftest import BINARY, ROOT
from real_scenes import NAN, call, graph_of, load, write_item, zagreb

DATES = [f"2023-06-{d:02}T10:00:00Z" for d in (1, 11, 21, 30)]
GREYS = [40, 90, 140, 190]  # of each date, where something is seen
TRANSFORM = rasterio.Affine(10, 0, 500000, 0, -10, 5000000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four dates of 64 x 48 pixels; the third one sees only its left half, the last one all but a corner."""
    folder = tmp_path_factory.mktemp("flat")
    for date, grey, seen in zip(DATES, GREYS, (64, 64, 32, 64)):
        values = np.full((48, 64), grey, "uint8")
        values[:, seen:] = 0
        if grey == 190:
            values[:12, :16] = 0
        write_item(folder, "flat", f"F{grey}", date, TRANSFORM, 32633, {"B1": values}, nodata=0)
    return folder


def run(process, source, out, parameters=None, check=True):
    if isinstance(process, dict):
        graph = out.parent / f"{out.name}.json"
        graph.write_text(json.dumps(process))
    else:
        graph = ROOT / f"processes/ogc/{process}.graph.json"
    done = subprocess.run([str(BINARY), "run", str(graph), "--from", str(source), "--output", str(out), "--parameters", json.dumps(parameters or {})],
                          capture_output=True, text=True, timeout=120)
    if not check:
        assert done.returncode == 1, done.stdout
        return done.stderr
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def film(folder, tmp_path, format, check=True, **options):
    out = tmp_path / "out"
    done = run(graph_of(call("save_result", data=load("flat"), format=format, options=options)), folder, out, check=check)
    return done["files"][0]["path"] if check else done


def frames(path):
    """[(pixels as RGB, milliseconds)]"""
    with Image.open(path) as image:
        made = []
        for i in range(image.n_frames):
            image.seek(i)
            made.append((np.array(image.convert("RGB")).astype(int), image.info.get("duration")))
        return made


@pytest.mark.parametrize("format, near", [("GIF", 0), ("WebP", 3)])
def test_dates_as_frames(folder, tmp_path, format, near):
    made = frames(film(folder, tmp_path, format, seconds=0.5, quality=100) if format == "WebP" else film(folder, tmp_path, format, seconds=0.5))
    assert [pixels.shape for pixels, _ in made] == [(48, 64, 3)] * 4 and [ms for _, ms in made] == [500] * 4
    for (pixels, _), grey in zip(made, GREYS):
        assert abs(pixels[30, 8] - grey).max() <= near
    ground = made[2][0][30, 60]
    assert (ground < 45).all() and (abs(made[3][0][2, 2] - ground) <= near).all()


def test_what_is_not_seen(folder, tmp_path):
    """Dates that show too little are left out; others keep what was seen last."""
    made = frames(film(folder, tmp_path, "GIF", least_valid=0.6, hold=True))
    assert [pixels[30, 8, 0] for pixels, _ in made] == [40, 90, 190]
    assert (made[2][0][2, 2] == 90).all()
    made = frames(film(folder, tmp_path, "GIF", hold=True))
    assert [pixels[30, 8, 0] for pixels, _ in made] == GREYS and (made[2][0][30, 60] == 90).all()
    assert "no date shows 1 of the pixels, which least_valid asks for; the best one shows 1.000" not in film(folder, tmp_path, "GIF", least_valid=1)
    said = film(folder, tmp_path, "GIF", check=False, least_valid=1, width=2000)
    assert "option 'width': expected a whole number from 16 to 1920" in said


def test_fading(folder, tmp_path):
    made = frames(film(folder, tmp_path, "GIF", seconds=1, fade=0.4))
    assert len(made) == 4 + 3 * 4 and [ms for _, ms in made][:6] == [1000, 100, 100, 100, 100, 1000]
    greys = [pixels[30, 8, 0] for pixels, _ in made[:6]]
    assert np.abs(np.array(greys) - np.linspace(40, 90, 6)).max() <= 4  # of 255 colours at most


@pytest.mark.parametrize("gamma", [1, 2])
def test_one_stretch_for_all_dates(folder, tmp_path, gamma):
    made = frames(film(folder, tmp_path, "GIF", percentiles=[0, 100], gamma=gamma))
    want = [255 * ((g - 40) / 150) ** (1 / gamma) for g in GREYS]
    assert np.abs(np.array([pixels[30, 8, 0] for pixels, _ in made]) - want).max() <= 1
    made = frames(film(folder, tmp_path, "GIF", range=[40, 190], gamma=gamma))
    assert np.abs(np.array([pixels[30, 8, 0] for pixels, _ in made]) - want).max() <= 1


def test_palette_and_classes(folder, tmp_path):
    made = frames(film(folder, tmp_path, "GIF", palette="vegetation", range=[0, 255]))
    brown, green = made[0][0][30, 8], made[3][0][30, 8]
    assert brown[0] > brown[2] + 40 and green[1] > green[0] + 20
    made = frames(film(folder, tmp_path, "GIF", colormap={"40": [255, 0, 0], "90": [0, 0, 255]}, width=100))
    assert made[0][0].shape == (75, 100, 3) and (made[0][0] == [255, 0, 0]).all() and (made[1][0] == [0, 0, 255]).all()


def test_a_band_that_says_what_counts(shared, tmp_path):
    """Clouds are shown where nothing was seen before; they neither count nor stretch."""
    folder = tmp_path / "clouds"
    for i, date in enumerate(DATES[:3]):
        values, seen = np.full((20, 30), 50 + i, "uint8"), np.ones((20, 30), "uint8")
        values[:, :15], seen[:, :15] = (240, 2) if i != 1 else (values[0, 20], 1)
        write_item(folder, "clouds", f"C{i}", date, TRANSFORM, 32633, {"B1": values, "B2": seen - 1 if i == 5 else np.where(seen == 1, 1, 2).astype("uint8")})
    graph = graph_of(call("save_result", data=call("apply_dimension", data=load("clouds"), dimension="bands", process=graph_of(call(
        "array_create", data=[call("array_element", data={"from_parameter": "data"}, index=0),
                              call("eq", x=call("array_element", data={"from_parameter": "data"}, index=1), y=1)]))),
        format="GIF", options={"hold": True, "percentiles": [0, 100]}))
    made = frames(run(graph, folder, tmp_path / "out")["files"][0]["path"])
    left, right = [p[10, 5, 0] for p, _ in made], [p[10, 25, 0] for p, _ in made]
    assert np.abs(np.array(right) - [0, 127.5, 255]).max() <= 1
    assert left[0] == 255 and abs(left[1] - 127.5) <= 1 and left[2] == left[1]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="no ffmpeg")
@pytest.mark.parametrize("format, codec", [("MP4", "h264"), ("WebM", "vp9")])
def test_videos(folder, tmp_path, format, codec):
    path = film(folder, tmp_path, format, seconds=0.5, width=101, fade=0.1)
    about = json.loads(subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", path], capture_output=True).stdout)["streams"][0]
    assert (about["codec_name"], about["width"], about["height"]) == (codec, 100, 76)
    assert int(about["nb_read_frames"]) == round((4 * 0.5 + 3 * 0.1) * 20)
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "gray", "-"], capture_output=True).stdout
    pixels = np.frombuffer(raw, "uint8").reshape(-1, 76, 100).astype(int)
    assert abs(pixels[3, 50, 10] - 40) <= 6 and abs(pixels[-1, 50, 10] - 190) <= 6


def test_formats_without_their_program(folder, tmp_path):
    done = subprocess.run([str(BINARY), "run", "-", "--output", str(tmp_path)], env={"PATH": "/nothing"}, capture_output=True, text=True, timeout=60,
                          input="")
    path = tmp_path / "g.json"
    path.write_text(json.dumps(graph_of(call("save_result", data=load("flat"), format="MP4"))))
    done = subprocess.run([str(BINARY), "run", str(path), "--from", str(folder), "--output", str(tmp_path / "o")], env={"PATH": "/nothing"},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "'MP4' is no output format; there are COG, GTiff, PNG, JPEG, GIF, WebP, netCDF" in done.stderr


# ---- what is drawn ----

def test_drawing(folder, tmp_path):
    """Letters, bar and arrow are where they belong, and nowhere else."""
    plain = frames(film(folder, tmp_path, "WebP", width=640, range=[0, 255], quality=100))[1][0]
    drawn = {name: frames(film(folder, tmp_path, "WebP", width=640, range=[0, 255], quality=100, **options))[1][0] for name, options in {
        "title": {"title": "Žabljak"}, "date": {"show": ["date"]}, "scale": {"show": ["scale"]}, "north": {"show": ["north"]},
        "credit": {"credit": "Contains modified Copernicus Sentinel data YYYY"}, "legend": {"show": ["legend"], "palette": "grey", "legend": "Grey"}}.items()}
    where = {}
    for name, picture in drawn.items():
        bright = picture.min(axis=2) > 235
        y, x = np.nonzero(bright & (plain.min(axis=2) < 200))
        assert len(y) > 30, name
        where[name] = [x.min(), y.min(), x.max(), y.max()]
    width, height = 640, 480
    assert where["title"][3] < height * 0.15 and where["title"][2] < width * 0.5
    assert where["scale"][1] > height * 0.85 and where["scale"][2] < width * 0.4
    assert where["north"][0] > width * 0.85 and where["north"][3] < height * 0.25
    assert where["credit"][0] > width * 0.3 and where["credit"][1] > height * 0.85
    assert where["legend"][0] > width * 0.5 and where["legend"][1] > height * 0.7
    # 640 m are 640 pixels wide: the bar is 100 m, a fifth at most
    x = where["scale"][2] - where["scale"][0]
    assert abs(x - 100) <= 4


def test_sizes(folder, tmp_path):
    for options, size in (({}, (64, 48)), ({"width": 32}, (32, 24)), ({"height": 24}, (32, 24)), ({"width": 1000, "height": 96}, (128, 96))):
        with Image.open(film(folder, tmp_path, "GIF", **options)) as image:
            assert image.size == size
    done = run(graph_of(call("save_result", data=load("flat"), format="JPEG", options={"width": 32, "title": "x"})), folder, tmp_path / "jpeg")
    assert len(done["files"]) == 4 and all(Image.open(f["path"]).size == (32, 24) for f in done["files"])


@pytest.mark.parametrize("options, message", [
    ({"percentiles": [2, 101]}, "option 'percentiles': expected two numbers from 0 to 100"),
    ({"percentiles": [2, 98], "range": [0, 1]}, "option 'percentiles': there is a range already"),
    ({"show": ["moon"]}, "option 'show': expected an array of some of: date scale north legend"),
    ({"title": "x" * 201}, "option 'title': expected a text of at most 200 bytes"),
    ({"seconds": 0}, "option 'seconds': expected a number from 0.04 to 20"),
    ({"palette": "rainbow"}, "option 'palette': expected grey, vegetation, moisture, heat or terrain"),
])
def test_what_cannot_be(folder, tmp_path, options, message):
    assert message in film(folder, tmp_path, "GIF", check=False, **options)


# ---- the processes ----

@pytest.fixture(scope="module")
def scenes(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    return folder, zagreb(shared, folder, size=(120, 160))


def box(cube):
    t, (height, width) = cube.transform, cube.values.shape[-2:]
    return {"west": t.c, "east": t.c + t.a * width, "north": t.f, "south": t.f + t.e * height, "crs": cube.epsg}


def stretched(cube, clear, names):
    """By the same percentiles; [t, y, x, band]"""
    made = []
    for name in names:
        low, high = np.nanpercentile(cube[name][clear], [2, 98], method="inverted_cdf")
        made.append(255 * np.clip((cube[name] - low) / (high - low), 0, 1) ** (1 / 1.2))
    return np.stack(made, axis=-1)


def test_time_lapse(scenes, tmp_path):
    folder, cube = scenes
    done = run("time-lapse", folder, tmp_path / "out", {"collection": "zagreb", "bbox": box(cube), "width": 160, "fade": 0, "format": "WebP", "show": [],
                                                        "credit": "", "clouds": "show"})
    made = frames(done["files"][0]["path"])
    clear = np.isin(cube["SCL"], [4, 5, 6, 7, 11]) & ~np.isnan(cube["B04"])
    shown = [t for t in range(5) if clear[t].sum() / clear.any(axis=0).sum() >= 0.6]
    assert 0 < len(shown) < 5 and len(made) == len(shown)
    want = stretched(cube, clear, ["B04", "B03", "B02"])
    for (pixels, _), t in zip(made, shown):
        off = (pixels - want[t]).reshape(15, 8, 20, 8, 3).mean(axis=(1, 3))  # WebP is lossy, pixel by pixel
        assert np.abs(off).mean() < 2 and np.abs(off).max() < 16


def test_snapshot(scenes, tmp_path):
    folder, cube = scenes
    parameters = {"collection": "zagreb", "bbox": box(cube), "date": "2023-08-19", "width": 160, "show": [], "credit": "", "gamma": 1, "stretch": [0, 4000]}
    clear = np.isin(cube["SCL"], [4, 5, 6, 7, 11])
    for clouds in "show", "replace":
        done = run("snapshot", folder, tmp_path / clouds, {**parameters, "clouds": clouds})
        got = np.array(Image.open(done["files"][0]["path"])).astype(float)
        want = np.full((120, 160, 3), NAN)
        for use in [np.ones_like(clear), clear] if clouds == "replace" else [np.ones_like(clear)]:
            for t in range(4):  # up to that day
                there = use[t] & ~np.isnan(cube["B04"][t])
                for k, name in enumerate(("B04", "B03", "B02")):
                    want[..., k][there] = cube[name][t][there]
        want = 255 * np.clip(want / 4000, 0, 1)
        assert np.abs(got - want)[~np.isnan(want)].max() <= 0.51, clouds


def test_pictures_are_drawn_from_overviews(tmp_path):
    """Of a large grid no more pixels are read than are drawn, but for a power of two."""
    folder = tmp_path / "large"
    values = (np.add.outer(np.arange(2048), np.arange(2048)) // 16 % 200 + 20).astype("uint8")
    for band in "B04", "B08":
        write_item(folder, "large", f"L{band}", DATES[0], TRANSFORM, 32633, {band: values})
    for path in folder.rglob("*.tif"):
        with rasterio.open(path, "r+") as file:
            file.build_overviews([2, 4, 8], rasterio.enums.Resampling.average)
    for path in folder.rglob("*.json"):  # measured numbers: others may be flags, of which there are no averages
        path.write_text(path.read_text().replace('"data_type"', '"scale": 0.0001, "data_type"'))
    done = run("snapshot", folder, tmp_path / "out", {"collection": "large", "date": "2023-06-01", "look": "ndvi", "mask_band": "", "width": 256, "bbox": {
        "west": 500000, "east": 520480, "south": 4979520, "north": 5000000, "crs": 32633}})
    assert done["read"]["pixels"] <= 2 * 512 * 512
    with Image.open(done["files"][0]["path"]) as image:
        assert image.size == (256, 256)
