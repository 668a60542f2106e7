"""./demo as a newcomer runs it: real scenes, a second start, synthetic scenes, another server's scenes."""
import os
import signal
import subprocess
import time

import pytest
import requests
from conftest import BINARY, ROOT, free_port

pytestmark = pytest.mark.skipif("build/sentier" not in str(BINARY) or "sanitizer" in str(BINARY),
                                reason="the demo runs build/sentier")


def demo(data, *options, timeout=280):
    port = free_port()
    return subprocess.run([ROOT / "demo", "--no-install", "--data", data, "--port", str(port), *options],
                          capture_output=True, text=True, timeout=timeout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    for parent in [folder, folder.parent, folder.parent.parent]:
        parent.chmod(0o755)
    return folder


def test_real_scenes_give_the_published_numbers(folder, shared):
    done = demo(folder / "real", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The result is right" in done.stdout
    for band in ["B02", "B03", "B04", "B08"]:
        assert f"  {band}  mean" in done.stdout


def test_a_second_start_is_quick_and_keeps_everything(folder, shared):
    port = free_port()
    begun = time.time()
    running = subprocess.Popen([ROOT / "demo", "--no-install", "--data", folder / "real", "--port", str(port)],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("Serving"):
                assert time.time() - begun < 10, line
            if "Ctrl-C ends" in line:
                break
        password = (folder / "real/demo.password").read_text().strip()
        jobs = requests.get(f"http://127.0.0.1:{port}/ogc/jobs", auth=("demo", password), timeout=10).json()["jobs"]
        assert len(jobs) == 2, "".join(lines)  # the first start's and this one's
        for job in jobs:
            assert job["status"] == "successful"
            results = requests.get(f"http://127.0.0.1:{port}/openeo/1.2/jobs/{job['jobID']}/results",
                                   auth=("demo", password), timeout=10).json()
            assert any(name.endswith(".tif") for name in results["assets"])
    finally:
        os.kill(running.pid, signal.SIGTERM)
        running.communicate(timeout=40)


def test_synthetic_scenes_give_their_truth(folder):
    subprocess.run([BINARY, "catalog", "synthesize", folder / "scenes"], check=True, capture_output=True)
    done = demo(folder / "synthetic", "--once", "--samples", folder / "scenes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The result is right" in done.stdout


def test_live_scenes_are_read_over_http(folder, scenes):
    done = demo(folder / "live", "--once", "--live", scenes.base + "/stac")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The result is right" in done.stdout


def test_a_wrong_option_is_refused():
    done = subprocess.run([ROOT / "demo", "--nonsense"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "there is no option --nonsense" in done.stderr
