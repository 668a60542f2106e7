"""Answers against the published schemas, where these lie beside the checkout."""
import json
import re
from pathlib import Path

import jsonschema
import pytest
import requests
import yaml
from graphs import add, ndvi_of_window
from referencing import Registry, Resource
from test_openeo import wait


@pytest.fixture(scope="module")
def alice(scenes):
    return scenes.session("alice")


def nullable(schema, names=False):
    """OpenAPI 3.0's nullable and example as JSON Schema has them; oneOf as anyOf, because the published
    branches overlap. `names`: the members are names of properties, not keywords."""
    if isinstance(schema, list):
        return [nullable(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    if names:
        return {k: nullable(v) for k, v in schema.items()}
    schema = {{"oneOf": "anyOf"}.get(k, k): v if k in ("enum", "default", "const") else nullable(v, k == "properties")
              for k, v in schema.items() if k not in ("example", "examples", "discriminator")}
    for bound in ("Minimum", "Maximum"):
        if isinstance(schema.get("exclusive" + bound), bool):
            del schema["exclusive" + bound]
    if schema.pop("nullable", False):
        if isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        else:
            schema = {"anyOf": [schema, {"type": "null"}]}
    return schema


@pytest.fixture(scope="module", params=["1.2", "1.3"])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def openeo(shared, version):
    file = shared / f"specs/openeo/api/openapi-{version}.0.yaml"
    if not file.exists():
        pytest.skip("no openEO API document")
    return nullable(json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str)))


@pytest.fixture(scope="module")
def root(scenes, version):
    return f"{scenes.base}/openeo/{version}"


def resolve(document, node):
    while "$ref" in node:
        path = node["$ref"].removeprefix("#/").split("/")
        node = document
        for key in path:
            node = node[key]
    return node


def check(openeo, path, method, answer):
    responses = openeo["paths"][path][method]["responses"]
    status = str(answer.status_code)
    response = resolve(openeo, responses.get(status) or responses[status[0] + "XX"])
    schema = response["content"][answer.headers["Content-Type"].split(";")[0]]["schema"]
    registry = Registry().with_resource("urn:api", Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **openeo}))
    pointed = json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))
    jsonschema.Draft202012Validator(pointed, registry=registry).validate(answer.json())


@pytest.mark.parametrize("path", ["/", "/conformance", "/file_formats", "/udf_runtimes", "/service_types",
                                  "/collections", "/processes", "/process_graphs", "/files", "/me", "/jobs"])
def test_openeo_lists(openeo, alice, root, version, path):
    answer = alice.get(root + path, timeout=30)
    assert answer.status_code == 200
    check(openeo, path, "get", answer)


def test_openeo_error_codes(shared):
    """The registry has every code of the API's list, with its status."""
    file = shared / "specs/openeo/api/errors.json"
    if not file.exists():
        pytest.skip("no list of openEO's errors")
    registry = (Path(__file__).parents[2] / "server/base/errors.def").read_text()
    ours = {code: int(status) for code, status in re.findall(r"ERROR\((\w+), (\d+),", registry)}
    theirs = {code: error["http"] for code, error in json.loads(file.read_text()).items()}
    assert len(theirs) > 40 and {code: ours.get(code) for code in theirs} == theirs


def test_openeo_versions(openeo, scenes, root, version):
    """Each version says which it is, lists no more than it has, and links to itself alone."""
    answer = requests.get(scenes.base + "/.well-known/openeo", timeout=30)
    check(openeo, "/.well-known/openeo", "get", answer)
    assert {v["api_version"]: v["url"] for v in answer.json()["versions"]}[version + ".0"] == root
    body = requests.get(root, timeout=30).json()
    assert body["api_version"] == version + ".0" and body["production"] is True
    assert f"https://api.openeo.org/{version}.0" in body["conformsTo"]
    assert body["conformsTo"] == requests.get(root + "/conformance", timeout=30).json()["conformsTo"]
    assert not [link["href"] for link in body["links"] if "/openeo/" in link["href"] and not link["href"].startswith(root)]
    documented = {p.replace("//", "/"): set(m.upper() for m in methods) for p, methods in openeo["paths"].items()}
    for endpoint in body["endpoints"]:
        if endpoint["path"] in documented:  # spelled as in the document
            assert set(endpoint["methods"]) <= documented[endpoint["path"]] | {"PARAMETERS"}
        else:
            assert endpoint["path"] in ("/collections/{collection_id}/items", "/processes/{namespace}", "/processing_parameters",
                                        "/process_graphs/{process_graph_id}/versions",
                                        "/workspace_providers", "/workspaces", "/workspaces/{workspace_id}")
        if "{" not in endpoint["path"]:
            for method in endpoint["methods"]:
                status = requests.request(method, root + endpoint["path"], timeout=30).status_code
                assert status not in (404, 405), endpoint


def test_openeo_process(openeo, alice, root):
    body = {"id": "x", "summary": "one", "parameters": [{"name": "x", "description": "x", "schema": {"type": "number"}}],
            "returns": {"schema": {"type": "number"}}, **add()}
    assert alice.put(root + "/process_graphs/schema_test", json=body, timeout=30).status_code == 200
    check(openeo, "/process_graphs/{process_graph_id}", "get", alice.get(root + "/process_graphs/schema_test", timeout=30))
    check(openeo, "/process_graphs", "get", alice.get(root + "/process_graphs", timeout=30))
    alice.delete(root + "/process_graphs/schema_test", timeout=30)
    check(openeo, "/process_graphs/{process_graph_id}", "get", alice.get(root + "/process_graphs/schema_test", timeout=30))


def test_openeo_collection(openeo, alice, root):
    check(openeo, "/collections/{collection_id}", "get", alice.get(root + "/collections/sentinel-2-l2a", timeout=30))
    check(openeo, "/collections/{collection_id}/queryables", "get", alice.get(root + "/collections/sentinel-2-l2a/queryables", timeout=30))


def test_openeo_job(openeo, alice, root):
    job = alice.post(root + "/jobs", json={"title": "x", "process": ndvi_of_window()}, timeout=30).headers["Location"]
    check(openeo, "/jobs/{job_id}/estimate", "get", alice.get(job + "/estimate", timeout=30))
    check(openeo, "/jobs/{job_id}/results", "get", alice.get(job + "/results", timeout=30))
    alice.post(job + "/results", timeout=30)
    done = wait(alice, job)
    assert job.startswith(root) and all(link["href"].startswith(root) for link in done["links"])
    assert done["created"] <= done["queued"] <= done["started"] <= done["updated"] < done["unpublished"]
    check(openeo, "/jobs/{job_id}", "get", alice.get(job, timeout=30))
    check(openeo, "/jobs/{job_id}/logs", "get", alice.get(job + "/logs", timeout=30))
    assert alice.get(job + "/logs", timeout=30).json()["level"] == {"/1.2": "info", "/1.3": "debug"}[root[-4:]]
    results = alice.get(job + "/results", timeout=30)
    assert done["updated"] < results.json()["expires"] <= results.json()["unpublished"]
    assert [link["href"] for link in results.json()["links"] if link["rel"] == "self"] == [job + "/results"]
    registry = Registry().with_resource("urn:api", Resource.from_contents(
        {"$schema": "https://json-schema.org/draft/2020-12/schema", **openeo}))
    jsonschema.Draft202012Validator({"$ref": "urn:api#/components/schemas/collection"}, registry=registry).validate(results.json())
    item = alice.get(job + "/results", headers={"Accept": "application/geo+json"}, timeout=30)
    jsonschema.Draft202012Validator({"$ref": "urn:api#/components/schemas/batch_job_result"}, registry=registry).validate(item.json())
    check(openeo, "/validation", "post", alice.post(root + "/validation", json=add(), timeout=30))
    alice.delete(job, timeout=30)


@pytest.fixture(scope="module")
def ogc(shared):
    folder = shared / "specs/ogcapi-processes/part1-1.0.0/schemas"
    if not folder.is_dir():
        pytest.skip("no schemas of OGC API - Processes")

    def check(name, answer):
        # names of files as they are: relative references are resolved within the folder
        registry = Registry()
        for file in folder.glob("*.yaml"):
            text = json.dumps(nullable(yaml.safe_load(file.read_text())))
            contents = json.loads(text.replace('"$ref": "', '"$ref": "urn:ogc:').replace("urn:ogc:#", "#"))
            registry = registry.with_resource("urn:ogc:" + file.name, Resource.from_contents(
                {"$schema": "https://json-schema.org/draft/2020-12/schema", **contents}))
        jsonschema.Draft202012Validator({"$ref": "urn:ogc:" + name}, registry=registry).validate(answer.json())
    return check


def test_ogc(ogc, alice, scenes):
    root = scenes.base + "/ogc"
    ogc("landingPage.yaml", alice.get(root, timeout=30))
    ogc("confClasses.yaml", alice.get(root + "/conformance", timeout=30))
    ogc("processList.yaml", alice.get(root + "/processes", timeout=30))
    for id in ("echo", "ndvi-composite", "cloud-free-mosaic"):
        ogc("process.yaml", alice.get(f"{root}/processes/{id}", timeout=30))
    made = alice.post(root + "/processes/echo/execution", json={"inputs": {"number": 1}},
                      headers={"Prefer": "respond-async"}, timeout=30)
    ogc("statusInfo.yaml", made)
    ogc("jobList.yaml", alice.get(root + "/jobs", timeout=30))
    ogc("exception.yaml", alice.get(root + "/jobs/x", timeout=30))
    ogc("statusInfo.yaml", alice.delete(made.headers["Location"], timeout=30))


def test_own_documents(scenes):
    """The OpenAPI documents are valid OpenAPI 3.0 as far as a validator of the package index says."""
    validator = pytest.importorskip("openapi_spec_validator")
    for link in requests.get(scenes.base + "/api", timeout=30).json()["links"]:
        validator.validate(requests.get(link["href"], timeout=30).json())
