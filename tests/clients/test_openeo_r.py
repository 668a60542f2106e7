"""openEO's R client: every call that it offers and a server can answer (tests/peers/openeo_r.R). It is in no registry that
`./check` may use: `make openeo-r` fetches it, builds it and runs this."""
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from provider import AUDIENCE, OpenIdProvider, walk

SCRIPT = Path(__file__).resolve().parent.parent / "peers/openeo_r.R"
LIBRARY = os.environ.get("SENTIER_R_LIBRARY", "")
pytestmark = pytest.mark.skipif(not shutil.which("Rscript") or not Path(LIBRARY, "openeo").is_dir(), reason="make openeo-r")


def begin(service, folder, **more):
    return subprocess.Popen(["Rscript", SCRIPT, service.base, folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "R_LIBS": LIBRARY, "TZ": "UTC", **more})


def told_by(process):
    said, errors = process.communicate(timeout=180)
    assert process.returncode == 0, said[-2000:] + errors[-2000:]
    assert "SERVER-ERROR" not in errors + said  # the client tells, and goes on
    return json.loads(said.splitlines()[-1])


def test_every_call(scenes, tmp_path):
    told = told_by(begin(scenes, tmp_path, SENTIER_USER="alice", SENTIER_PASSWORD="open sesame"))
    assert told["api"] == "1.3.0" and told["versions"] == ["1.2.0", "1.3.0"] and told["features"] > 30
    assert {"COG", "GTiff", "netCDF"} <= set(told["formats"]) and set(told["services"]) == {"xyz", "wmts"}
    assert told["account"] == "alice" and "sentinel-2-l2a" in told["collections"] and told["predefined"] > 100
    assert set(told["dimensions"]) == {"x", "y", "t", "bands"} and told["described"] == "ndvi"
    assert told["valid"] == 0 and told["invalid"] == ["ProcessParameterInvalid"]
    assert told["computed"] == "computed.tif" and (tmp_path / "computed.tif").read_bytes()[:2] == b"II"
    assert told["status"] == "finished" and told["title"] == "changed" and told["estimate"].startswith("PT")
    assert told["assets"] == 1 and [name[-4:] for name in told["downloads"]] == [".tif"] and "info" in told["levels"]
    assert told["listed"] == 1 and told["stopped"] is True and told["left"] == 0
    assert told["own"] and told["summary"] == "Another" and told["used"] == 0 and not told["own_left"]
    assert "r/text.txt" in told["files"] and (tmp_path / "back.txt").read_text() == "from R\n"
    assert told["service"] == "xyz" and told["service_title"] == "more tiles"
    assert told["service_log"] == 2 and told["service_listed"] == 1


def test_log_in_by_device_code(make_service, tmp_path):
    provider = OpenIdProvider(tmp_path)
    try:
        service = make_service(f"auth.oidc_issuer={provider.issuer}", f"auth.oidc_audience={AUDIENCE}", "auth.oidc_id=local",
                               "auth.oidc_title=Test provider", "auth.oidc_client=sentier-cli", "auth.oidc_scopes=openid jobs:read")
        process = begin(service, tmp_path, SENTIER_OIDC="local")
        for line in process.stderr:  # it tells where to go, and waits
            address = re.search(r"https?://\S+user_code=[A-Z0-9-]+", line)
            if address:
                walk(address.group(), "alice")
                break
        assert told_by(process)["account"].endswith("|alice")
    finally:
        provider.stop()
