"""make openeo-test-suite: the official suite for back-ends (github.com/Open-EO/openeo-test-suite, cloned with its submodules)
against a server with the sample scenes: its general, collection, process metadata and workflow tests, and the vectors of all
processes over HTTP. Usage: run.py BUILD-FOLDER SUITE-FOLDER [PYTEST-ARGUMENTS...], by a Python that has the suite's requirements.

The suite logs in by OpenID Connect alone; here its `authenticate_oidc` is the log-in with name and password. Schemas of STAC come
from beside the checkout. Its optional tests compare the prose of descriptions, which is our own, and are left out. Which of the
others cannot pass, and why, is in EXPECTED below; another failure is an error, and so is one listed there that passes."""
import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
build, suite = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/process"), str(ROOT / "tests/oidc")]
from conftest import SHARED, Service  # noqa: E402

PLUGIN = '''
import offline_validator  # noqa: F401
import openeo
import openeo_test_suite.lib.compliance_util as util
openeo.Connection.authenticate_oidc = lambda self, *a, **k: self.authenticate_basic("suite", "open sesame")
load = util.load_payloads_from_directory
util.load_payloads_from_directory = lambda directory_path: ({k: v for k, v in one.items() if k != "plan"} for one in load(directory_path))
'''
EXPECTED = {
    "test_GET_me": "reads collections: by the API document a range as summary is a range and a JSON Schema, and of these one only may be true",
    "test_GET_processes": "by the API document a plain schema is generic, of a process graph and of a cube, and of these one only may be "
                          "true; what would tell them apart is not in the definitions, with which other tests compare",
    "test_POST_result": "expects 201, the API document says 200 and nothing else",
    "test_apply_dimension_quantiles_1": "three quantiles of each of two bands are six; the definition has no case for such a target",
    "test_load_save_netcdf_batch_job_metadata": "asserts what a function without a return statement returns",
}
# Of the vectors of processes, by what the suite says (None: of any process).
UNSAYABLE = "JSON has neither NaN nor infinities"
OLDER = "the vector follows the definition before 2.0.0"
VECTORS = [
    (None, "HTTP JSON APIs don't support", UNSAYABLE),
    (None, "Got None instead of NaN|Expected a numerical result but got None", UNSAYABLE),
    (None, "Failed to load external reference", "the suite looks for its cubes in another folder, and cannot send cubes anyway"),
    ("all|any", "Expected None but got (True|False)", OLDER),
    ("array_append", "'new_value': 0, 'old_value': 1", "0 is appended, 1 expected"),
    ("array_apply|array_filter", "expected a process graph, found null", "the suite's runner sends null for a process graph"),
    ("array_create_labeled", "Expected a dict but got <class 'list'>", "JSON has no labelled arrays"),
    ("array_filter", "has no parameter 'process'", OLDER),
    ("array_modify", r"iterable_item_added.*root\[2\]", "length 1 is meant, its default is 0"),
    ("create_data_cube", "Differences", "cubes have another form in JSON here"),
    ("is_nan", "assert False == True", OLDER),
]
RUNS = {  # each is asked of a process of its own: runners of processes replace what other tests connect with
    "API": ["general", "collections", "processes/metadata", "workflows", "-m", "not optional", "--experimental"],
    "processes": ["processes/processing", "--runner=http", "--experimental"],
}


def write_collections(folder):
    """Those that the suite's payloads and workflows load."""
    import datetime

    import numpy
    import rasterio
    from rasterio.transform import from_origin
    from rasterio.windows import Window
    from real_scenes import write_item
    folder.mkdir()
    folder.chmod(0o755)
    for month in range(1, 13):
        write_item(folder, "CGLS_SSM_1KM", f"ssm-{month}", f"2020-{month:02}-10T00:00:00Z", from_origin(16, 48.5, 0.01, 0.01), 4326,
                   {"B01": numpy.full((60, 80), month, "uint8"), "ssm": numpy.full((60, 80), month, "uint8")}, nodata=0)
    with rasterio.open(SHARED / "data/s2/bolzano_S2_L2A_sample.tif") as scene:  # the area that workflows ask for, and some more
        part = Window(400, 260, 240, 190)
        pixels, transform = scene.read(window=part), scene.window_transform(part)
    for n in range(10):
        day = datetime.date(2022, 6, 1) + datetime.timedelta(3 * n)
        write_item(folder, "bolzano", f"bolzano-{n}", f"{day}T10:10:00Z", transform, 32632,
                   {band: (pixels[i] + 10 * n).astype("uint16") for i, band in enumerate(("B02", "B03", "B04", "B08"))}, nodata=0)
    return folder


def write_heights(path):
    """A site with an elevation model offers processes of radar images."""
    import numpy
    import rasterio
    from rasterio.transform import from_origin
    with rasterio.open(path, "w", driver="GTiff", width=8, height=8, count=1, dtype="float32", crs=4326, transform=from_origin(11, 47, 0.1, 0.1)) as tif:
        tif.write(numpy.zeros((1, 8, 8), "float32"))
    return path


def run_tests(service, folder, arguments):
    """The suite's own names of tests and how they ended."""
    tests = suite / "src/openeo_test_suite/tests"
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "basic_plugin", "-q", "-rA", "--tb=short", "-p", "no:cacheprovider",
                           "-U", service.base + "/openeo/1.2/", "--s2-collection", "bolzano",
                           *(str(tests / a) if not a.startswith("-") and (tests / a).exists() else a for a in arguments)],
                          cwd=suite, capture_output=True, text=True, timeout=1800,
                          env={**os.environ, "SCHEMAS": str(SHARED / "specs/stac"), "PYTHONPATH": f"{folder}:{ROOT / 'tests/stac'}:{suite / 'src'}",
                               "OPENEO_AUTH_METHOD": "basic", "OPENEO_AUTH_BASIC_USERNAME": "suite",
                               "OPENEO_AUTH_BASIC_PASSWORD": "open sesame"})
    return done.stderr + done.stdout


def reason(test, said):
    """Why it cannot pass; None when it can."""
    name = test.split("::")[-1]
    if name.startswith("test_process["):
        process = name.removeprefix("test_process[").split("-")[0]
        return next((why for of, what, why in VECTORS if re.fullmatch(of or ".*", process) and re.search(what, said, re.S)), None)
    return EXPECTED.get(name, EXPECTED.get(name.split("[")[0]))


def judge(title, text):
    """Prints how the tests ended; how many of them otherwise than they should."""
    print(title + ":", text.strip().splitlines()[-1])
    said = dict(zip(*[iter(re.split(r"\n_{4,} (\S+) _{4,}\n", text.split("= PASSES =")[0])[1:])] * 2))
    ends = {m[2]: m[1] for m in re.finditer(r"^(PASSED|FAILED|ERROR) \S+/tests/(\S+)", text, re.M)}
    reasons, wrong = collections.Counter(), not ends
    for test, end in ends.items():
        why = reason(test, said.get(test.split("::")[-1], ""))
        if (end == "PASSED") == bool(why):
            print(end, test, "although " + why if why else "")
            wrong += 1
        elif why:
            reasons[why] += 1
    for why, count in reasons.most_common():
        print(f"  {count} cannot pass: {why}")
    return wrong


def main():
    sys.path.insert(0, str(ROOT / "tests/oidc"))
    from provider import AUDIENCE, OpenIdProvider
    with tempfile.TemporaryDirectory(prefix="sentier-suite-") as folder:
        os.chmod(folder, 0o755)
        (Path(folder) / "basic_plugin.py").write_text(PLUGIN)
        provider = OpenIdProvider(folder)
        service = Service(Path(folder) / "service", f"auth.oidc_issuer={provider.issuer}", f"auth.oidc_audience={AUDIENCE}",
                          "auth.oidc_client=sentier-cli", f"udf.python={sys.executable}",
                          f"sar.dem={write_heights(Path(folder) / 'heights.tif')}", "sar.geoid=none")
        try:
            service.start()
            service.add_user("suite")
            service.command("catalog", "import", write_collections(Path(folder) / "scenes"))
            service.command("catalog", "import", *sorted((SHARED / "data/s2/33TW").glob("*33TWL*")))
            runs = {"tests": sys.argv[3:]} if sys.argv[3:] else RUNS
            texts = {name: run_tests(service, folder, arguments) for name, arguments in runs.items()}
        finally:
            service.stop()
            provider.stop()
    (build / "openeo-test-suite.txt").write_text("\n".join(texts.values()))
    return 1 if sum(judge(name, text) for name, text in texts.items()) else 0


sys.exit(main())
