"""The README's first steps are run as they stand there, against a service of the tests."""
import json
import re
import shlex
import subprocess
import sys

import pytest
from conftest import ROOT

TEXT = (ROOT / "README.md").read_text()


def run_python(block, service, folder):
    code = block.replace("http://127.0.0.1:8080", service.base)
    code = code.replace('"demo", "the password it printed"', '"alice", "open sesame"')
    return subprocess.run([sys.executable, "-W", "error::UserWarning:openeo", "-c", code], cwd=folder,
                          capture_output=True, text=True, timeout=120)


def test_openeo(scenes, tmp_path):
    done = run_python(re.findall(r"```python\n(import openeo.*?)```", TEXT, re.S)[0], scenes, tmp_path)
    assert done.returncode == 0, done.stderr
    assert list((tmp_path / "out").glob("*.tif"))


def test_pystac_client(scenes, tmp_path):
    done = run_python(re.findall(r"```python\n(import pystac_client.*?)```", TEXT, re.S)[0], scenes, tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5


def test_curl(scenes, tmp_path):
    command = re.search(r"    (curl -u demo:PASSWORD.*?)\n\n", TEXT, re.S)[1].replace("\\\n", " ")
    command = command.replace("demo:PASSWORD", "'alice:open sesame'").replace("http://127.0.0.1:8080", scenes.base)
    done = subprocess.run(shlex.split(command), capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("HTTP/1.1 201"), done.stdout + done.stderr
    assert "Location: " in done.stdout


def test_catalogue(scenes, tmp_path):
    """Each command answers JSON of its kind."""
    block = re.search(r"```sh\n(host=.*?)```", TEXT, re.S)[1]
    block = block.replace("http://127.0.0.1:8080", scenes.base).replace("demo:PASSWORD", "'alice:open sesame'")
    done = subprocess.run(["bash", "-e", "-c", block.replace("curl -f", "echo; curl -sf")], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    search, filtered, made, changes, peps = [json.loads(line) for line in done.stdout.splitlines() if line]
    assert len(search["features"]) == 3 and filtered["type"] == "FeatureCollection"
    assert made["id"] == "mine" and changes["changes"] and peps["type"] == "FeatureCollection"


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()
