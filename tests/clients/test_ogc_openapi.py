"""The OpenAPI document of OGC API - Processes is true: valid, with the processes that there are, every status named; and
schemathesis gets no answer that it does not name."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
METHODS = ("get", "put", "post", "patch", "delete")


@pytest.fixture(scope="module")
def document(service):
    return requests.get(service.base + "/api/ogc", timeout=30).json()


def test_valid_with_the_real_processes(service, document):
    validator = pytest.importorskip("openapi_spec_validator")
    validator.validate(document)
    for process in requests.get(service.base + "/ogc/processes?limit=100", timeout=30).json()["processes"]:
        description = requests.get(f"{service.base}/ogc/processes/{process['id']}", timeout=30).json()
        body = document["paths"][f"/processes/{process['id']}/execution"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(body["properties"]["inputs"]["properties"]) == set(description["inputs"])
        assert set(body["properties"]["outputs"]["properties"]) == set(description["outputs"])


def test_every_status_is_named(document):
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                named = set(item[method]["responses"])
                assert {"400", "401", "413", "414", "429", "500", "503", "504"} <= named and "default" not in named, (method, path)


def output_collection(service, session):
    """Of features: what is computed of scenes is tried elsewhere."""
    field = {"type": "Feature", "id": "f", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}}
    made = session.post(service.base + "/ogc/processes/echo/execution?response=collection", allow_redirects=False, timeout=30,
                        json={"inputs": {"object": {"value": {"type": "FeatureCollection", "features": [field]}}}, "outputs": {"object": {}}})
    assert made.status_code == 303, made.text
    return made.headers["Location"].rsplit("/", 1)[1]


def document_for(service, session, folder):
    """With names of what is there, is not, and cannot be."""
    document = requests.get(service.base + "/api/ogc", timeout=30).json()
    made = session.post(service.base + "/ogc/processes/echo/execution", json={"inputs": {"number": 1}}, headers={"Prefer": "respond-async"}, timeout=30)
    job = made.json()["jobID"]
    names = {"processId": ["echo", "none", "%00"], "jobId": [job, "00000000-0000-4000-8000-000000000000", "x"], "outputId": ["number", "string", "none"],
             "collectionId": [output_collection(service, session), "00000000-0000-4000-8000-000000000000", "x"], "featureId": ["f", "none"]}
    for parameter in document["components"]["parameters"].values():
        if parameter["in"] == "path":
            parameter["schema"] = {"type": "string", "enum": names[parameter["name"]]}
    # the sample scenes are not there: what is computed of them is tried elsewhere
    document["paths"] = {path: item for path, item in document["paths"].items() if "ndvi" not in path}
    path = folder / "ogc.json"
    path.write_text(json.dumps(document))
    return path


@pytest.fixture(scope="module")
def impatient(make_service):
    pytest.importorskip("schemathesis")
    service = make_service("http.sync_timeout=1", workers=1)
    service.add_user("alice")
    return service


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("who", ["nobody", "alice"])
def test_no_undocumented_answer(impatient, tmp_path, who):
    service, session = impatient, impatient.session("alice")
    command = [Path(sys.executable).parent / "st", "run", document_for(service, session, tmp_path), "--url", service.base + "/ogc", "--checks", CHECKS,
               "--max-examples", os.environ.get("SENTIER_EXAMPLES", "10"), "--phases", "examples,fuzzing", "--seed", "1", "--generation-database", "none",
               "--continue-on-failure", "--request-timeout", "30", "--suppress-health-check", "too_slow"]  # of Hypothesis's own making of examples
    if who == "alice":
        command += ["-H", "Authorization: " + session.headers["Authorization"]]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=500, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert service.process.poll() is None
