"""schemathesis asks the catalogue whatever its OpenAPI document allows, and what it forbids: no answer 5xx, none of a
status, media type or schema that the document does not name. SENTIER_EXAMPLES=100 asks for a long run."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from conftest import SLOW_BUILD
from stac_fixtures import real_items

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture(scope="module")
def catalogue_to_harm(make_service, shared):
    """One of its own: what an administrator may write is written."""
    service = make_service(workers=1)
    service.add_user("root", role="admin")
    service.command("catalog", "add", "-", input="\n".join(map(json.dumps, real_items(shared)[:40])), check=False)
    return service


def operations(document):
    return [(path, method, at[method]) for path, at in document["paths"].items() for method in METHODS if method in at]


def document_for(service, folder):
    """The document as it is served, with names of what is there, is not, and cannot be: any text is a name, so that
    schemathesis would ask for what is not there alone, and could make none that is wrong."""
    document = requests.get(service.base + "/api/stac", timeout=30).json()
    item = requests.get(service.base + "/stac/search?limit=1", timeout=30).json()["features"][0]
    # a few: each is combined with all else
    names = {"collectionId": [item["collection"], "none", "x" * 513], "itemId": [item["id"], "\u00e4 \u65e5", "%00"],
             "period": [item["properties"]["datetime"][:7], "2023-13"]}
    for parameter in document["components"]["parameters"].values():
        if parameter["in"] == "path":
            parameter["schema"] = {"type": "string", "enum": names[parameter["name"]]}
    path = folder / "stac.json"
    path.write_text(json.dumps(document))
    return path


def test_every_status_is_named(service):
    """None is left to "default", under which any would pass."""
    document = requests.get(service.base + "/api/stac", timeout=30).json()
    for path, method, operation in operations(document):
        named = set(operation["responses"])
        assert {"400", "401", "413", "414", "429", "500", "503", "504"} <= named and "default" not in named, (method, path)
        if "requestBody" in operation:
            assert "415" in named, (method, path)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("who", ["nobody", "root"])
def test_no_undocumented_answer(catalogue_to_harm, tmp_path, who):
    pytest.importorskip("schemathesis")
    service = catalogue_to_harm
    # the cases of "coverage" are the same each time: once is enough
    phases = "examples,coverage,fuzzing" if who == "root" and not SLOW_BUILD else "examples,fuzzing"
    command = [Path(sys.executable).parent / "st", "run", document_for(service, tmp_path), "--url", service.base + "/stac", "--checks", CHECKS,
               "--max-examples", os.environ.get("SENTIER_EXAMPLES", "25"), "--phases", phases, "--seed", "1",
               "--generation-database", "none", "--continue-on-failure", "--request-timeout", "30", "--exclude-path-regex", "events|stream"]
    if who == "root":
        command += ["-H", "Authorization: " + service.session("root").headers["Authorization"]]
    hooks = {"PYTHONPATH": str(Path(__file__).parent), "SCHEMATHESIS_HOOKS": "schemathesis_hooks"}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900, cwd=tmp_path, env={**os.environ, **hooks})
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert service.process.poll() is None
