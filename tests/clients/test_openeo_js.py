"""openEO's JavaScript client: every call that it offers and a server can answer (tests/peers/openeo_js.mjs)."""
import json
import os
import subprocess
from pathlib import Path

import pytest

PEERS = Path(__file__).resolve().parent.parent / "peers"


with_client = pytest.mark.skipif(not (PEERS / "node_modules" / "@openeo" / "js-client").exists(), reason="tests/peers: npm ci --ignore-scripts")
BROWSER = {"OidcProvider." + name for name in ("addListener", "removeListener", "resume", "getOptions", "getResponseType")}
NOT_CALLED = {
    "Capabilities.getFederationBackend", "Capabilities.getFederationBackends",  # this is none
    "AuthProvider.login", "AuthProvider.getDisplayName",  # what kinds of providers have of their own is called
    "Connection.getOidcProviderFactory", "Connection.setOidcProviderFactory", "Builder.addProcessSpec",  # hooks for programs
    "Capabilities.toJSON", "FileTypes.toJSON", "Parameter.toJSON",
    "OidcProvider.detectDefaultClient",  # while it is made, by providers alone
}
OIDC = {"OidcProvider." + name for name in (  # by test_openeo_oidc.py
    "login", "loginClientCredentials", "getWellKnownDocument", "getTokenEndpoint", "supportsClientCredentials", "logout", "setGrant", "setClientId",
    "setClientSecret", "setUser", "getDisplayName")}


def run(base, version, folder, **env):
    done = subprocess.run(["node", PEERS / "openeo_js.mjs", f"{base}/openeo/{version}", folder], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **env})
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@with_client
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_call(scenes, tmp_path, version):
    graph = {"process_graph": {"load": {"process_id": "load_collection", "arguments": {
        "id": "sentinel-2-l2a", "bands": ["B04"], "spatial_extent": None, "temporal_extent": ["2023-08-15", "2023-08-16"]}, "result": True}}}
    told = run(scenes.base, version, tmp_path, SENTIER_USER="alice", SENTIER_PASSWORD="open sesame", SENTIER_GRAPH=json.dumps(graph))
    assert told["version"].startswith(version) and told["unsupported"] == []
    assert "COG" in told["formats"] and set(told["services"]) == {"xyz", "wmts"}
    assert told["parameters"]["create_job_parameters"][0]["name"] == "dialect"
    assert told["providers"] == ["basic"] and told["account"]["name"] == "alice"
    assert told["token"].startswith("ey" if version == "1.3" else "basic//ey")  # by the conformance class
    assert "sentinel-2-l2a" in told["collections"] and told["collection"] == told["collections"][0]
    assert told["process"] == "ndvi" and len(told["processes"]) == 50 and sum(told["pages"]) > 100  # a list is the first page
    assert told["built"] == [] and told["invalid"] == ["ProcessUnsupported"]
    assert told["about"][0] and told["about"][1] and told["about"][2] and told["about"][4] > 3 and told["about"][6:] == [True, 0]
    assert told["inputs"][0] == "netCDF" and told["inputs"][1] == 6 and "Python" in told["runtimes"] and told["authenticated"] is True
    assert told["allCollections"] >= len(told["collections"]) and "eo:cloud_cover" in told["queryables"]
    assert told["allFiles"] >= 1 and told["sameFile"] and told["monitored"] == "finished" and told["allJobs"] == 1
    assert set(told["notCalled"]) == NOT_CALLED | OIDC | BROWSER
    assert told["addresses"] == [True, True, f"{scenes.base}/openeo/{version}", "alice"]
    assert told["provider"][:3] == ["basic", "alice", "HTTP Basic"] and told["loggedOut"] and told["again"] == "alice" and told["heard"] == 2
    assert len(told["items"]) == len(set(told["items"])) > 1 and told["supports"] == [True, False, "ndvi"]
    assert told["missing"] == [] and told["allServices"] == 1 and told["serviceMonitored"] > 0
    assert json.loads((tmp_path / "product.json").read_text()) == 14
    assert "js_sum" in told["own"] and told["replaced"] == "A sum" and "js_sum" not in told["ownAfter"]
    assert "js/text.txt" in told["files"] and "js/text.txt" not in told["filesAfter"]
    assert (tmp_path / "back.txt").read_text() == "from the client"
    assert told["result"]["type"] == "application/json" and json.loads((tmp_path / "result.json").read_text()) == 3
    assert told["status"] == "finished" and told["title"] == "changed" and told["estimate"]["duration"].startswith("PT")
    assert told["stac"]["assets"] and len(told["results"]) == len(told["stac"]["assets"]) == 1 and told["downloads"]
    assert told["logs"] > 0 and told["jobs"] and told["jobsAfter"] == told["jobsBefore"]
    assert told["service"]["type"] == "xyz" and told["serviceTitle"] == "changed"
    assert told["serviceLogs"] == ["The service was created.", "The service was changed."]
    assert told["listed"] and not told["listedAfter"]
