"""make openeo-test-suite: the official suite (github.com/Open-EO/openeo-test-suite, cloned with its submodules) against a
server with the sample scenes. Usage: run.py BUILD-FOLDER SUITE-FOLDER [PYTEST-ARGUMENTS...], by a Python that has the suite's
requirements.

The suite logs in by OpenID Connect alone; here its `authenticate_oidc` is the log-in with name and password. Which of its tests
cannot pass, and why, is in EXPECTED below; another failure is an error."""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
build, suite = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
sys.path.insert(0, str(ROOT / "tests"))
from conftest import SHARED, Service  # noqa: E402

PLUGIN = '''
import openeo
import openeo_test_suite.lib.compliance_util as util
openeo.Connection.authenticate_oidc = lambda self, *a, **k: self.authenticate_basic("suite", "open sesame")
load = util.load_payloads_from_directory
util.load_payloads_from_directory = lambda directory_path: ({k: v for k, v in one.items() if k != "plan"} for one in load(directory_path))
'''
OVERLAP = "the API document's own schema: alternatives of a oneOf that are all true of a plain schema or of statistics"
EXPECTED = {
    "test_GET_file_formats": OVERLAP,
    "test_GET_service_types": OVERLAP,
    "test_GET_collections": OVERLAP,
    "test_GET_me": OVERLAP + " (it reads collections)",
    "test_GET_processes": "the document allows a type but no list of types, which the process definitions have",
    "test_GET_credentials_oidc": "no OpenID provider is set up here",
    "test_POST_result": "expects 201, the document says 200",
    "test_empty_PATCH_jobs_job_id": "expects 204 for {}, the registry has NoDataForUpdate for it",
    "test_empty_POST_validation": "expects 200 for {}, the document requires a process_graph",
    "test_get_collections": "the validator fetches schemas from the web",
    "test_get_collections_collection_id": "the validator fetches schemas from the web",
}


def collection(folder):
    """The one that the suite's payloads load."""
    sys.path.insert(0, str(ROOT / "tests/process"))
    import numpy
    from rasterio.transform import from_origin
    from real_scenes import write_item
    folder.mkdir()
    folder.chmod(0o755)
    for month in range(1, 13):
        write_item(folder, "CGLS_SSM_1KM", f"ssm-{month}", f"2020-{month:02}-10T00:00:00Z", from_origin(16, 48.5, 0.01, 0.01), 4326,
                   {"B01": numpy.full((60, 80), month, "uint8"), "ssm": numpy.full((60, 80), month, "uint8")}, nodata=0)
    return folder


def main():
    with tempfile.TemporaryDirectory(prefix="sentier-suite-") as folder:
        os.chmod(folder, 0o755)
        (Path(folder) / "basic_plugin.py").write_text(PLUGIN)
        service = Service(Path(folder) / "service").start()
        try:
            service.add_user("suite")
            service.command("catalog", "import", collection(Path(folder) / "scenes"))
            service.command("catalog", "import", *sorted((SHARED / "data/s2/33TW").glob("*33TWL*")))
            arguments = sys.argv[3:] or ["general", "collections"]
            tests = [str(suite / "src/openeo_test_suite/tests" / a) if not a.startswith("-") and (suite / "src/openeo_test_suite/tests" / a).exists() else a
                     for a in arguments]
            done = subprocess.run([sys.executable, "-m", "pytest", "-p", "basic_plugin", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider",
                                   "-U", service.base + "/openeo/1.2/", "--s2-collection", "sentinel-2-l2a", *tests],
                                  cwd=suite, capture_output=True, text=True, timeout=1800,
                                  env={**os.environ, "PYTHONPATH": f"{folder}:{suite / 'src'}", "OPENEO_AUTH_METHOD": "basic",
                                       "OPENEO_AUTH_BASIC_USERNAME": "suite", "OPENEO_AUTH_BASIC_PASSWORD": "open sesame"})
        finally:
            service.stop()
    (build / "openeo-test-suite.txt").write_text(done.stdout + done.stderr)
    outcome = {m[2].split("/tests/")[-1]: m[1] for m in re.finditer(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S+)", done.stdout, re.M)}
    print(done.stdout.strip().splitlines()[-1])
    bad = [t for t, o in outcome.items() if o in ("FAILED", "ERROR")]
    for test in bad:
        print("FAILED", test, EXPECTED.get(test.split("::")[-1].split("[")[0], ""))
    return 1 if any(t.split("::")[-1].split("[")[0] not in EXPECTED for t in bad) else 0


sys.exit(main())
