"""Every advertised class has a test: conformance.c names it, and it is there."""
import re
from pathlib import Path

import requests


HERE = Path(__file__).resolve().parent


def test_every_class_names_a_test(catalogue):
    text = (HERE.parents[1] / "server/api/stac/conformance.c").read_text()
    rows = re.findall(r'^    \{ (.*), "(test_\w+)" \},$', text, re.M)
    tests = {name for path in [*HERE.glob("test_*.py"), *(HERE.parent / "api").glob("test_*.py")]
             for name in re.findall(r"^def (test_\w+)\(", path.read_text(), re.M)}
    assert rows and {name for _, name in rows} <= tests, {name for _, name in rows} - tests
    listed = requests.get(catalogue.stac + "/conformance", timeout=30).json()["conformsTo"]
    assert len(listed) == len(rows)


def test_openapi(catalogue):
    """OpenAPI 3.0 (requirement class oas30): served as advertised, and valid."""
    import openapi_spec_validator
    landing = requests.get(catalogue.stac, timeout=30).json()
    link, = [k for k in landing["links"] if k["rel"] == "service-desc"]
    answer = requests.get(link["href"], headers={"Accept": link["type"]}, timeout=30)
    assert answer.headers["Content-Type"] == link["type"] == "application/vnd.oai.openapi+json;version=3.0"
    document = answer.json()
    openapi_spec_validator.validate(document)
    assert document["servers"][0]["url"] == catalogue.stac


def test_limits_are_those_of_the_configuration(make_service):
    service = make_service("catalog.page=7", "catalog.max_page=50")
    document = requests.get(service.base + "/api/stac", timeout=30).json()
    schema = document["components"]["parameters"]["limit"]["schema"]
    assert (schema["default"], schema["maximum"]) == (7, 50)
    assert "limit" not in requests.get(service.base + "/api/ogc", timeout=30).json()["components"].get("parameters", {})


def test_filter_of_the_standard(catalogue, shared):
    """Both encodings of every example that the standard has are read the same way: an unknown property is refused
    alike, anything else would be a refusal of the grammar."""
    import json
    folder = shared / "specs/stac/cql2/schema/examples"
    seen = 0
    for path in sorted((folder / "text").glob("*.txt")):
        if "alt" in path.name:
            continue
        tree = json.loads((folder / "json" / (path.stem + ".json")).read_text())
        answers = [requests.get(catalogue.stac + "/search", params={"filter": path.read_text().strip()}, timeout=30),
                   requests.post(catalogue.stac + "/search", json={"filter": tree}, timeout=30)]
        for answer in answers:
            assert answer.status_code == 200 or re.search(
                "property that can be asked for|there is no (property|function)|expected a function", answer.json()["detail"]), (path.name, answer.text)
        seen += 1
    assert seen > 90
