"""sentier run: the composite of five dates against NumPy and against its known numbers."""
import json
import subprocess

import numpy
import pytest
import rasterio

from conftest import BINARY, ROOT

GRAPH = ROOT / "processes/ogc/ndvi-composite.graph.json"


def run(*arguments, check=True):
    done = subprocess.run([str(BINARY), "run", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    if check:
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)
    return done


@pytest.fixture(scope="module")
def composite(shared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    scenes = sorted((shared / "data/s2/33TW").glob("*33TWL*"))
    sources = [a for scene in scenes for a in ("--from", scene)]
    answer = run(GRAPH, *sources, "--output", folder)
    return scenes, folder, {f["save"]: f for f in answer["files"]}


def test_the_composite_has_its_known_numbers(composite):
    _, _, files = composite
    means = {b["name"]: b["mean"] for b in files["composite"]["bands"]}
    assert means == {"B02": pytest.approx(436.29, abs=0.01), "B03": pytest.approx(636.51, abs=0.01),
                     "B04": pytest.approx(433.86, abs=0.01), "B08": pytest.approx(3388.80, abs=0.01)}
    for band in files["composite"]["bands"] + files["ndvi"]["bands"]:
        assert band["valid_percent"] == pytest.approx(99.935, abs=0.001)
    assert files["ndvi"]["bands"][0]["mean"] == pytest.approx(0.7707, abs=0.0001)
    assert files["count"]["bands"][0]["mean"] == pytest.approx(3.363, abs=0.001)


def test_every_pixel_equals_numpy(composite):
    scenes, folder, _ = composite
    names, stacks = ["B02", "B03", "B04", "B08"], []
    for scene in scenes:
        classes = rasterio.open(scene / "SCL.tif").read(1)
        bands = numpy.stack([rasterio.open(scene / f"{n}.tif").read(1) for n in names]).astype("float32")
        good = numpy.isin(classes, [4, 5, 6, 7, 11]) & (bands > 0).all(axis=0)
        bands[:, ~good] = numpy.nan
        stacks.append(bands)
    with numpy.errstate(all="ignore"), pytest.warns(RuntimeWarning):
        median = numpy.nanmedian(numpy.stack(stacks), axis=0)
    with rasterio.open(folder / "composite.tif") as file:
        got = file.read(masked=True).filled(numpy.nan)
    assert numpy.array_equal(got, median.astype("float32"), equal_nan=True)
    with numpy.errstate(all="ignore"):
        ndvi = (median[3] - median[2]) / (median[3] + median[2])
    with rasterio.open(folder / "ndvi.tif") as file:
        assert file.crs.to_epsg() == 32633 and file.transform.a == 120
        index = file.read(1, masked=True).filled(numpy.nan)
    assert numpy.allclose(index, ndvi, atol=1e-6, equal_nan=True)


def test_synthetic_scenes_give_their_truth(tmp_path):
    subprocess.run([str(BINARY), "catalog", "synthesize", tmp_path / "scenes", "--size", "300", "--dates", "4", "--seed", "9"],
                   check=True, capture_output=True)
    truth = json.loads((tmp_path / "scenes/truth.json").read_text())
    answer = run(GRAPH, "--from", tmp_path / "scenes", "--output", tmp_path / "out",
                 "--parameters", json.dumps({"collection": truth["collection"]}))
    files = {f["save"]: f for f in answer["files"]}
    expected = {k: pytest.approx(v[0], abs=v[1]) for k, v in truth["expected"].items()}
    for band in files["composite"]["bands"]:
        assert band["mean"] == expected[band["name"]]
        assert band["valid_percent"] == expected["valid_percent"]
    assert files["ndvi"]["bands"][0]["mean"] == expected["ndvi"]
    item = json.loads(next((tmp_path / "scenes").glob("SYNTHETIC*/*.json")).read_text())
    assert "Synthetic" in item["properties"]["title"] and item["id"].startswith("SYNTHETIC")


def test_mistakes_are_told(shared, tmp_path):
    scene = next((shared / "data/s2/33TW").glob("*33TWL*"))
    graph = tmp_path / "g.json"
    for text, message in [
        ("{", "g.json, line 1"),
        ("[]", "expected an object"),
        (json.dumps({"process_graph": {"a": {"process_id": "load_collection", "arguments": {"id": "nowhere", "spatial_extent": None,
         "temporal_extent": None}, "result": True}}}), "The collection 'nowhere' is not in the folders; there sentinel-2-l2a."),
    ]:
        graph.write_text(text)
        done = run(graph, "--from", scene, check=False)
        assert done.returncode == 1 and message in done.stderr, done.stderr
    assert run(graph, "--from", tmp_path / "nothing", check=False).returncode == 1
    assert run(check=False).returncode == 2
    assert run(graph, "--nonsense", check=False).returncode == 2
