"""schemathesis asks the catalogue whatever its OpenAPI document allows, and what it forbids: no answer 5xx, none of a
status, media type or schema that the document does not name. SENTIER_EXAMPLES=100 asks for a long run."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from stac_fixtures import real_items

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.fixture(scope="module")
def catalogue_to_harm(make_service, shared):
    """One of its own: what an administrator may write is written."""
    service = make_service(workers=1)
    service.add_user("root", role="admin")
    service.command("catalog", "add", "-", input="\n".join(map(json.dumps, real_items(shared)[:40])), check=False)
    return service


@pytest.mark.slow
@pytest.mark.sanitizer
@pytest.mark.parametrize("who", ["nobody", "root"])
def test_no_undocumented_answer(catalogue_to_harm, tmp_path, who):
    pytest.importorskip("schemathesis")
    service = catalogue_to_harm
    command = [Path(sys.executable).parent / "st", "run", service.base + "/api/stac", "--url", service.base + "/stac", "--checks", CHECKS,
               "--max-examples", os.environ.get("SENTIER_EXAMPLES", "8"), "--phases", "examples,coverage,fuzzing", "--seed", "1", "--suppress-health-check", "all",
               "--generation-database", "none", "--continue-on-failure", "--request-timeout", "30", "--exclude-path-regex", "events|stream"]
    if who == "root":
        command += ["-H", "Authorization: " + service.session("root").headers["Authorization"]]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert service.process.poll() is None
