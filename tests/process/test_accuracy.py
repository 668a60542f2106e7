"""The accuracy report: the worked example of Olofsson et al. (2014, section 5.2 and table 8), and plain counts."""
import json
import subprocess

import numpy as np
import pytest

from conftest import BINARY

# samples by mapped (rows) and true class: deforestation, forest gain, stable forest, stable non-forest
MATRIX = [[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]]
HECTARES = {"1": 18000, "2": 13500, "3": 288000, "4": 580500}


def run(tmp_path, pairs, options=None, names=("reference", "found")):
    features = [{"type": "Feature", "properties": dict(zip(names, pair)), "geometry": {"type": "Point", "coordinates": [k % 100 / 10, k // 100 / 10]}}
                for k, pair in enumerate(pairs)]
    graph = {"samples": {"process_id": "load_geojson", "arguments": {"data": {"type": "FeatureCollection", "features": features}, "properties": list(names)}},
             "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "samples"}, "format": "accuracy", "options": options or {}}, "result": True}}
    (tmp_path / "graph.json").write_text(json.dumps({"process_graph": graph}))
    done = subprocess.run([str(BINARY), "run", str(tmp_path / "graph.json"), "--output", str(tmp_path / "out")], capture_output=True, text=True, timeout=60)
    return json.loads((tmp_path / "out" / "save.json").read_text()) if done.returncode == 0 else done.stderr


def test_the_published_example(tmp_path):
    pairs = [(k + 1, i + 1) for i, row in enumerate(MATRIX) for k, n in enumerate(row) for _ in range(n)]
    report = run(tmp_path, pairs, {"areas": HECTARES})
    assert report["classes"] == [1, 2, 3, 4] and report["matrix"] == MATRIX and report["samples"] == 640
    assert report["overall_accuracy"] == pytest.approx(0.95, abs=0.005) and report["overall_accuracy_error_95"] == pytest.approx(0.02, abs=0.005)
    for one, user, producer in zip(report["by_class"], (0.88, 0.73, 0.93, 0.96), (0.75, 0.85, 0.93, 0.96)):
        assert one["users_accuracy"] == pytest.approx(user, abs=0.005) and one["producers_accuracy"] == pytest.approx(producer, abs=0.005)
    assert report["by_class"][0]["area"] == pytest.approx(21158, abs=1) and report["by_class"][0]["area_error_95"] == pytest.approx(6158, abs=2)
    assert sum(one["area"] for one in report["by_class"]) == pytest.approx(sum(HECTARES.values()))


def test_plain_counts(tmp_path):
    random = np.random.default_rng(4)
    true = random.integers(0, 4, 300)
    mapped = np.where(random.random(300) < 0.7, true, random.integers(0, 4, 300))
    report = run(tmp_path, [*zip(true.tolist(), mapped.tolist()), (None, 1), (2, None)])
    assert (report["samples"], report["left_out"]) == (300, 2)
    agreement = (true == mapped).mean()
    chance = sum((true == k).mean() * (mapped == k).mean() for k in range(4))
    assert report["overall_accuracy"] == pytest.approx(agreement) and report["kappa"] == pytest.approx((agreement - chance) / (1 - chance))
    for one in report["by_class"]:
        k = one["class"]
        user, producer = (true[mapped == k] == k).mean(), (mapped[true == k] == k).mean()
        assert (one["users_accuracy"], one["producers_accuracy"]) == pytest.approx((user, producer))
        assert one["f1"] == pytest.approx(2 * user * producer / (user + producer)) and "area" not in one


@pytest.mark.parametrize("pairs, options, names, message", [
    ([(1, 2)], None, ("reference", "mapped"), "needs the label 'found'"),
    ([(1, 2)], {"areas": {"1": 4}}, ("reference", "found"), "Class 2 was mapped, and its area is not told."),
    ([(1, 2)], {"areas": {"1": -4}}, ("reference", "found"), "expected whole numbers as names, each with a number above 0"),
    ([(1.5, 2)], None, ("reference", "found"), "Sample 0: expected a whole number as class, found 1.5."),
    ([(None, 2)], None, ("reference", "found"), "None of 1 samples has both"),
    ([(k, k) for k in range(101)], None, ("reference", "found"), "more than 100 classes"),
])
def test_refused(tmp_path, pairs, options, names, message):
    assert message in run(tmp_path, pairs, options, names)
