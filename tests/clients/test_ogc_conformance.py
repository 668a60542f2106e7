"""Parts 2 to 4 of OGC API - Processes line by line: the test that shows each requirement of each class that is announced."""
import pathlib
import re

import pytest
import requests

ROOT = "http://www.opengis.net/spec/ogcapi-processes-"
PACKAGES, WORKFLOWS, COLLECTIONS, JOBS, REMOTE = "test_ogc_packages", "test_ogc_workflows", "test_ogc_collections", "test_ogc_jobs", "test_ogc_remote"
GRAPH, COMMANDS, REFUSED = f"{PACKAGES}::test_a_process_graph", f"{PACKAGES}::test_commands", f"{PACKAGES}::test_what_is_refused"
FIXED, STARTED, CHANGED, OPENEO = (f"{PACKAGES}::test_what_cannot_be_changed", f"{JOBS}::test_made_then_started", f"{JOBS}::test_changed",
                                   f"{JOBS}::test_a_process_graph")

SHOWN = {
    "2/1.0/conf/deploy-replace-undeploy": {
        "deploy-post-op": GRAPH, "deploy-content-type": REFUSED, "deploy-body": GRAPH, "deploy-response-success": GRAPH, "deploy-response-body": GRAPH,
        "deploy-response-pid": GRAPH, "deploy-response-duplicate": GRAPH, "deploy-response-immutable": FIXED, "deploy-unsupported-media-type": REFUSED,
        "static-indicator": FIXED, "replace-put-op": GRAPH, "replace-body": GRAPH, "replace-content-type": COMMANDS, "replace-response": GRAPH,
        "undeploy-delete-op": GRAPH, "undeploy-response": GRAPH, "package-get-op": GRAPH, "package-response-success": GRAPH, "package-response-body": GRAPH},
    "2/1.0/conf/ogcapppkg": {
        "body": GRAPH, "deploy-body": GRAPH, "replace-body": GRAPH, "package-response-body": GRAPH, "process-description": f"{PACKAGES}::test_a_package_by_reference",
        "schema": f"{PACKAGES}::test_a_package_by_reference", "profile-docker": REFUSED},
    "2/1.0/conf/cwl": {
        "body": COMMANDS, "deploy-body": COMMANDS, "replace-body": COMMANDS, "package-response-body": COMMANDS,
        "execution-unit": f"{PACKAGES}::test_a_package_by_reference", "deploy-w-param": f"{PACKAGES}::test_a_workflow_is_tasks",
        "deploy-exception-workflow-not-found": f"{PACKAGES}::test_a_workflow_is_tasks"},
    "3/0.0/conf/nested-processes": {
        "referenced-process": f"{WORKFLOWS}::test_nested", "process-execution": f"{WORKFLOWS}::test_outputs_of_inner_processes"},
    "3/0.0/conf/remote-core-processes": {
        "referenced-process": f"{REMOTE}::test_a_service_of_ours_as_a_step", "process-execution": f"{REMOTE}::test_a_remote_process_alone"},
    "3/0.0/conf/collection-input": {
        "referenced-collection": f"{WORKFLOWS}::test_fields_of_features", "collection-access": f"{JOBS}::test_provenance_names_the_scenes"},
    "3/0.0/conf/remote-collections": {
        "referenced-collection": f"{WORKFLOWS}::test_collections_of_others", "collection-access": f"{WORKFLOWS}::test_collections_of_others"},
    "3/0.0/conf/input-fields-modifiers": {
        "filtering": f"{WORKFLOWS}::test_collections_of_others", "derived-fields": f"{WORKFLOWS}::test_derived_fields", "sorting": f"{WORKFLOWS}::test_collections_of_others"},
    "3/0.0/conf/output-fields-modifiers": {
        "filtering": f"{WORKFLOWS}::test_derived_fields", "derived-fields": f"{WORKFLOWS}::test_derived_fields", "sorting": f"{WORKFLOWS}::test_modifiers_one_after_the_other"},
    "3/0.0/conf/deployable-workflows": {
        "deploying-workflow": f"{WORKFLOWS}::test_deployed", "parameterized-inputs": f"{WORKFLOWS}::test_deployed", "parameterized-outputs": f"{WORKFLOWS}::test_deployed"},
    "3/0.0/conf/collection-output": {
        "response-query-parameter": f"{COLLECTIONS}::test_which_output", "collection-response": f"{COLLECTIONS}::test_which_output",
        "landing-page": f"{COLLECTIONS}::test_which_output", "landing-page-response": f"{COLLECTIONS}::test_which_output",
        "data-access-mechanisms": f"{COLLECTIONS}::test_own_pixels"},
    "3/0.0/conf/cwl-workflows": {"adhoc-cwl-execution": f"{WORKFLOWS}::test_commands_that_are_not_deployed"},
    "3/0.0/conf/openeo-workflows": {"adhoc-openeo-execution": f"{WORKFLOWS}::test_graphs_that_are_not_deployed"},
    "4/1.0/conf/job-management": {
        "create-post-op": STARTED, "create-body": STARTED, "create-content-type": f"{JOBS}::test_refused", "create-response-success": STARTED,
        "create-response-jobid": STARTED, "create-response-body": STARTED, "create-unsupported-media-type": f"{JOBS}::test_refused",
        "create-unsupported-schema": f"{JOBS}::test_refused", "update-patch-op": CHANGED, "update-body": CHANGED, "update-content-type": CHANGED,
        "update-response": CHANGED, "update-response-locked": f"{JOBS}::test_locked", "start-post-op": STARTED, "start-response": STARTED,
        "definition-get-op": f"{JOBS}::test_locked", "definition-response-success": STARTED, "definition-response-body": CHANGED},
    "4/1.0/conf/ogcapi-processes": {
        "schema": f"{WORKFLOWS}::test_synchronously_and_by_post_jobs", "create-body": STARTED, "update-body": CHANGED, "definition-response-body": STARTED},
    "4/1.0/conf/openeo": {"schema": OPENEO, "create-body": OPENEO, "update-body": OPENEO, "definition-response-body": OPENEO},
    "4/1.0/conf/provenance": {
        "inputs-get-op": STARTED, "inputs-response": STARTED, "prov-get-op": f"{JOBS}::test_provenance", "prov-response": f"{JOBS}::test_provenance_has_the_form_of_the_note"},
}


@pytest.mark.sandbox
def test_what_is_announced(service):
    """No more and no less than what is shown; where other servers may be called, a test of these says so."""
    told = {name.removeprefix(ROOT) for name in requests.get(service.base + "/ogc/conformance", timeout=30).json()["conformsTo"] if name.startswith(ROOT)}
    assert {name for name in told if name[0] in "234"} == set(SHOWN) - {"3/0.0/conf/remote-core-processes"}


@pytest.mark.parametrize("name", SHOWN)
def test_each_requirement_is_shown(name):
    for requirement, shown in SHOWN[name].items():
        file, test = shown.split("::")
        assert re.search(rf"^def {test}\(", (pathlib.Path(__file__).parent / (file + ".py")).read_text(), re.M), (requirement, shown)
