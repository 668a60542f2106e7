"""schemathesis asks the catalogue whatever its OpenAPI document allows, and what it forbids: no answer 5xx, none of a
status, media type or schema that the document does not name."""
import subprocess
import sys
from pathlib import Path

import pytest

from stac_fixtures import everything  # noqa: F401

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.slow
@pytest.mark.sanitizer
@pytest.mark.parametrize("who", ["nobody", "root"])
def test_no_undocumented_answer(everything, tmp_path, who):
    pytest.importorskip("schemathesis")
    command = [Path(sys.executable).parent / "st", "run", everything.base + "/api/stac", "--url", everything.stac, "--checks", CHECKS,
               "--max-examples", "25", "--phases", "examples,coverage,fuzzing", "--seed", "1", "--suppress-health-check", "all",
               "--generation-database", "none", "--continue-on-failure", "--request-timeout", "30", "--exclude-path-regex", "events|stream"]
    if who == "root":
        command += ["-H", "Authorization: " + everything.session("root").headers["Authorization"]]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=900, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert everything.process.poll() is None
