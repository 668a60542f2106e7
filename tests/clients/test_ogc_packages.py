"""Processes that users deploy: process graphs and packages of commands, their versions, who sees them, and what runs."""
import http.server
import json
import pathlib
import shutil
import threading
import time

import pytest
import requests
import yaml
from test_ogc import wait

pytestmark = pytest.mark.sandbox

CORE = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
DRU = "http://www.opengis.net/def/exceptions/ogcapi-processes-2/1.0/"
PACKAGE = {"Content-Type": "application/ogcapppkg+json"}
CWL = {"Content-Type": "application/cwl+yaml"}

ADD = {"process_graph": {"add": {"process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}},
                                 "result": True}},
       "parameters": [{"name": "x", "description": "", "schema": {"type": "number"}},
                      {"name": "y", "description": "", "schema": {"type": "number"}, "optional": True, "default": 1}]}

COUNT = """
cwlVersion: v1.2
class: CommandLineTool
id: count-words
label: Counts words
doc: Of a text or a file.
requirements: {InlineJavascriptRequirement: {}}
baseCommand: [sh, -c, 'wc -w < "$0" > words; cat "$0" > copy.txt; echo counted; echo careful >&2']
inputs:
  text: {type: File, inputBinding: {position: 1}}
  factor: {type: int, default: 1}
outputs:
  words: {type: int, outputBinding: {glob: words, loadContents: true, outputEval: "$(parseInt(self[0].contents) * inputs.factor)"}}
  copy: {type: File, outputBinding: {glob: copy.txt}}
"""

SCATTERED = """
cwlVersion: v1.2
$graph:
- class: Workflow
  id: shout
  requirements: {ScatterFeatureRequirement: {}}
  inputs: {words: "string[]"}
  outputs: {text: {type: File, outputSource: join/text}}
  steps:
    upper: {run: "#upper", in: {word: words}, out: [word], scatter: word}
    join: {run: "#join", in: {words: upper/word}, out: [text]}
- class: CommandLineTool
  id: upper
  requirements: {InlineJavascriptRequirement: {}}
  baseCommand: [sh, -c, 'echo "$0" | tr a-z A-Z']
  stdout: o
  inputs: {word: {type: string, inputBinding: {}}}
  outputs: {word: {type: string, outputBinding: {glob: o, loadContents: true, outputEval: "$(self[0].contents.trim())"}}}
- class: CommandLineTool
  id: join
  baseCommand: [echo, -n]
  stdout: all.txt
  inputs: {words: {type: "string[]", inputBinding: {itemSeparator: "-"}}}
  outputs: {text: stdout}
"""


@pytest.fixture(scope="module")
def runtime(tmp_path_factory):
    """A runtime of containers that writes down its words in the file `record` beside it."""
    path = tmp_path_factory.mktemp("runtime") / "podman"
    shutil.copy(pathlib.Path(__file__).parents[1] / "cwl" / "runtime.sh", path)
    return path


@pytest.fixture(scope="module")
def shop(make_service, runtime):
    """A service that may fetch from this machine, and runs images."""
    service = make_service("packages.hosts=127.0.0.1", "packages.disk=50M", f"packages.container={runtime}")
    for name in ("alice", "bob", "carol"):
        service.add_user(name)
    return service


@pytest.fixture(scope="module")
def alice(shop):
    return shop.session("alice")


@pytest.fixture(scope="module")
def bob(shop):
    return shop.session("bob")


def deploy(session, shop, body, headers=PACKAGE, query="", status=201):
    data = body if isinstance(body, str) else json.dumps(body)
    answer = session.post(shop.base + "/ogc/processes" + query, data=data.encode(), headers=headers, timeout=60)
    assert answer.status_code == status, answer.text
    return answer


def run(session, shop, process, inputs, prefer=None, **more):
    return session.post(f"{shop.base}/ogc/processes/{process}/execution", json={"inputs": inputs, **more}, timeout=120,
                        headers={"Prefer": prefer} if prefer else {})


def problem(answer, status, kind):
    assert (answer.status_code, answer.json()["type"]) == (status, kind), answer.text


def test_a_process_graph(shop, alice, bob):
    unit = {"processDescription": {"id": "plus", "title": "Plus", "version": "3.1"}, "executionUnit": ADD}
    answer = deploy(alice, shop, unit)
    assert answer.headers["Location"] == shop.base + "/ogc/processes/plus"
    assert answer.json()["id"] == "plus" and answer.json()["mutable"] is True and "inputs" not in answer.json()
    described = alice.get(shop.base + "/ogc/processes/plus", timeout=30).json()
    assert described["title"] == "Plus" and described["version"] == "3.1" and described["inputs"]["x"]["schema"] == {"type": "number"}
    assert described["inputs"]["y"]["minOccurs"] == 0
    assert run(alice, shop, "plus", {"x": 2, "y": 3}).json() == 5
    assert "/inputs/x" in run(alice, shop, "plus", {"x": "two"}).json()["detail"]
    problem(deploy(alice, shop, unit, status=409), 409, DRU + "duplicated-process")
    assert json.loads(alice.get(shop.base + "/ogc/processes/plus/package", timeout=30).text) == unit
    problem(run(bob, shop, "plus", {"x": 2}), 404, CORE + "no-such-process")
    problem(bob.get(shop.base + "/ogc/processes/plus", timeout=30), 404, CORE + "no-such-process")
    problem(bob.delete(shop.base + "/ogc/processes/plus", timeout=30), 404, CORE + "no-such-process")
    newer = json.loads(json.dumps(unit))
    newer["executionUnit"]["process_graph"]["add"]["process_id"] = "multiply"
    answer = alice.put(shop.base + "/ogc/processes/plus", data=json.dumps(newer), headers=PACKAGE, timeout=30)
    assert answer.status_code == 204 and not answer.content
    assert run(alice, shop, "plus", {"x": 2, "y": 3}).json() == 6
    assert run(alice, shop, "plus@1", {"x": 2, "y": 3}).json() == 5
    assert json.loads(alice.get(shop.base + "/ogc/processes/plus@1/package", timeout=30).text) == unit
    assert alice.delete(shop.base + "/ogc/processes/plus", timeout=30).status_code == 204
    problem(alice.get(shop.base + "/ogc/processes/plus", timeout=30), 404, CORE + "no-such-process")
    problem(alice.delete(shop.base + "/ogc/processes/plus", timeout=30), 404, CORE + "no-such-process")
    problem(alice.put(shop.base + "/ogc/processes/plus", data=json.dumps(newer), headers=PACKAGE, timeout=30), 404, CORE + "no-such-process")


def test_what_cannot_be_changed(shop, alice, bob):
    for method in ("put", "delete"):
        problem(getattr(alice, method)(shop.base + "/ogc/processes/echo", data=json.dumps(ADD), headers=PACKAGE, timeout=30), 403,
                DRU + "immutable-process")
    problem(deploy(alice, shop, {"processDescription": {"id": "echo"}, "executionUnit": ADD}, status=403), 403, DRU + "immutable-process")
    deploy(alice, shop, {"processDescription": {"id": "fixed", "mutable": False}, "executionUnit": ADD}, query="?visibility=public")
    for session in (alice, bob):
        problem(session.delete(shop.base + "/ogc/processes/fixed", timeout=30), 403, DRU + "immutable-process")
    listed = requests.get(shop.base + "/ogc/processes", timeout=30).json()["processes"]
    assert {p["id"]: p["mutable"] for p in listed}["echo"] is False
    assert {p["id"]: p["mutable"] for p in listed}["fixed"] is False
    assert run(bob, shop, "fixed", {"x": 2, "y": 5}).json() == 7
    problem(deploy(bob, shop, {"processDescription": {"id": "fixed"}, "executionUnit": ADD}, status=409), 409, DRU + "duplicated-process")


def test_groups(shop, alice, bob):
    shop.sql("INSERT INTO group_members(user_id, name) SELECT id, 'foresters' FROM users WHERE name = 'bob'")
    deploy(alice, shop, {"processDescription": {"id": "grouped"}, "executionUnit": ADD}, query="?visibility=group&group=foresters")
    assert run(bob, shop, "grouped", {"x": 2, "y": 5}).json() == 7
    assert requests.get(shop.base + "/ogc/processes/grouped", timeout=30).status_code == 404
    ids = [p["id"] for p in bob.get(shop.base + "/ogc/processes?limit=1000", timeout=30).json()["processes"]]
    assert "grouped" in ids and ids == list(dict.fromkeys(ids))
    problem(shop.session("carol").get(shop.base + "/ogc/processes/grouped", timeout=30), 404, CORE + "no-such-process")


def test_pages_of_the_list(shop, alice):
    for name in ("page-a", "page-b", "page-c"):
        deploy(alice, shop, {"processDescription": {"id": name}, "executionUnit": ADD})
    whole = [p["id"] for p in alice.get(shop.base + "/ogc/processes?limit=1000", timeout=30).json()["processes"]]
    ids, url = [], shop.base + "/ogc/processes?limit=2"
    while url:
        page = alice.get(url, timeout=30).json()
        assert len(page["processes"]) <= 2
        ids += [p["id"] for p in page["processes"]]
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
    assert ids == whole and {"page-a", "page-b", "page-c"} < set(ids)


def test_commands(shop, alice, bob):
    answer = deploy(alice, shop, COUNT, CWL)
    assert answer.json()["id"] == "count-words" and answer.json()["title"] == "Counts words"
    described = alice.get(shop.base + "/ogc/processes/count-words", timeout=30).json()
    assert described["inputs"]["factor"] == {"title": "factor", "schema": {"type": "integer", "default": 1}, "minOccurs": 0}
    assert described["outputs"]["words"]["schema"] == {"type": "integer"}
    answer = run(alice, shop, "count-words", {"text": {"value": "one two three"}, "factor": 2})
    assert answer.status_code == 200 and answer.json()["words"] == 6, answer.text
    copy = requests.get(answer.json()["copy"]["href"], timeout=30)
    assert copy.text == "one two three"
    answer = run(alice, shop, "count-words", {"text": {"value": "a b"}}, outputs={"copy": {}})
    assert answer.text == "a b" and answer.headers["Content-Type"].startswith("text/plain")
    answer = run(alice, shop, "count-words", {"text": {"value": "a b"}}, "respond-async")
    assert answer.status_code == 201
    status = wait(alice, answer.headers["Location"])
    assert status["status"] == "successful", status
    logs = alice.get(answer.headers["Location"] + "/logs", timeout=30).json()
    said = [entry["message"] for entry in logs["logs"]]
    assert "counted" in said and "careful" in said
    package = alice.get(shop.base + "/ogc/processes/count-words/package", timeout=30)
    assert package.text == COUNT and package.headers["Content-Type"].startswith("application/cwl")
    newer = COUNT.replace("default: 1", "default: 10")
    for media in ("application/cwl", "application/cwl+yaml"):
        assert alice.put(shop.base + "/ogc/processes/count-words", data=newer, headers={"Content-Type": media}, timeout=30).status_code == 204
    assert alice.get(shop.base + "/ogc/processes/count-words/package", timeout=30).text == newer
    assert run(alice, shop, "count-words", {"text": {"value": "a b"}}, outputs={"words": {}}).json() == 20
    for wrong, message in (({}, "/inputs/text: expected File, found nothing"), ({"text": 1}, "/inputs/text: expected {\"href\"}"),
                           ({"text": {"value": "a"}, "factor": "x"}, "/inputs/factor: expected int, found a string"),
                           ({"text": {"value": "a"}, "more": 1}, "/inputs/more: the process has no such input"),
                           ({"text": {"href": "file:///etc/passwd"}}, "/inputs/text: expected"),
                           ({"text": {"class": "File", "location": "/etc/passwd"}}, "/inputs/text: expected")):
        answer = run(alice, shop, "count-words", wrong)
        assert answer.status_code == 400 and message in answer.json()["detail"], answer.text


def test_a_workflow_is_tasks(shop, alice):
    assert deploy(alice, shop, SCATTERED, CWL).json()["id"] == "shout"
    assert deploy(alice, shop, SCATTERED, CWL, "?w=join").json()["id"] == "join"
    problem(deploy(alice, shop, SCATTERED, CWL, "?w=nothing", status=400), 400, DRU + "workflow-not-found")
    answer = run(alice, shop, "shout", {"words": ["a", "b", "c"]}, "respond-async")
    job = answer.headers["Location"].split("/")[-1]
    assert wait(alice, answer.headers["Location"])["status"] == "successful"
    result = alice.get(answer.headers["Location"] + "/results", timeout=30)
    assert result.text == "A-B-C"
    assert shop.sql(f"SELECT count(*) FROM tasks WHERE job = '{job}' AND kind = 4") == "4"
    keys = shop.sql(f"SELECT string_agg(key, ' ' ORDER BY number) FROM job_steps WHERE job = '{job}' AND key <> ''")
    assert keys == "upper/0 upper/1 upper/2 join"
    nodes = {(entry.get("data") or {}).get("node") for entry in alice.get(answer.headers["Location"] + "/logs", timeout=30).json()["logs"]}
    assert {"upper/0", "upper/2", "join"} <= nodes, nodes


ENDLESS = """
cwlVersion: v1.2
$graph:
- class: Workflow
  id: uneven
  inputs: []
  outputs: []
  steps:
    endless: {run: "#wait", in: {seconds: {default: 600}}, out: [said]}
    quick: {run: "#wait", in: {seconds: {default: 0}}, out: [said]}
    after: {run: "#wait", in: {seconds: {default: 0}, before: quick/said}, out: [said]}
- class: CommandLineTool
  id: wait
  baseCommand: [sleep]
  stdout: o
  inputs: {seconds: {type: int, inputBinding: {}}, before: {type: "File?"}}
  outputs: {said: stdout}
"""


def test_a_step_waits_for_its_own_inputs_alone(shop, alice):
    """What follows a quick step begins while a slow one beside it still runs."""
    deploy(alice, shop, ENDLESS, CWL)
    job = run(alice, shop, "uneven", {}, "respond-async").headers["Location"]
    deadline = time.time() + 120
    while time.time() < deadline:
        steps = {step["id"]: step for step in alice.get(job + "/steps", timeout=30).json()["steps"]}
        if steps.get("after", {}).get("status") == "successful":
            break
        time.sleep(0.05)
    assert {key: step["status"] for key, step in steps.items()} == {"endless": "running", "quick": "successful", "after": "successful"}
    assert steps["after"]["progress"] == 100 and steps["after"]["started"] <= steps["after"]["finished"] and "finished" not in steps["endless"]
    assert alice.delete(job, timeout=30).json()["status"] == "dismissed"
    assert alice.get(job + "/steps", timeout=30).json()["steps"][0]["status"] == "dismissed"


SEVERAL = """
cwlVersion: v1.2
class: CommandLineTool
id: several
baseCommand: [sh, -c, 'echo -n a > a.txt; echo -n b > b.txt; echo -n c > c.txt']
inputs: []
outputs:
  letters: {type: "File[]", outputBinding: {glob: "*.txt"}}
"""


def test_several_files_of_one_output(shop, alice):
    deploy(alice, shop, SEVERAL, CWL)
    answer = run(alice, shop, "several", {}, "respond-async")
    job = answer.headers["Location"]
    assert wait(alice, job)["status"] == "successful"
    for url in (job + "/results", job + "/results/letters"):
        links = alice.get(url, timeout=30).json()["letters"]
        assert [requests.get(link["href"], timeout=30).text for link in links] == ["a", "b", "c"]
    parts = alice.get(job + "/results", headers={"Accept": "multipart/related"}, timeout=30).text
    assert [f"<letters{n}>" in parts for n in ("", ".2", ".3")] == [True] * 3
    page = alice.get(job + "/results?f=html", timeout=30).text
    assert all(name in page for name in ("a.txt", "b.txt", "c.txt"))
    assert alice.get(job + "/prov", timeout=30).json()["entity"]


class Files(http.server.BaseHTTPRequestHandler):
    item = {"type": "Feature", "stac_version": "1.0.0", "id": "S2X", "geometry": None, "properties": {"datetime": "2023-05-01T10:00:00Z"},
            "links": [], "assets": {"red": {"href": "./red.txt"}, "nir": {"href": "/nir.txt"}}}

    def do_GET(self):
        body = {"/item.json": json.dumps(self.item), "/red.txt": "red pixels", "/nir.txt": "nir pixels", "/count.cwl": COUNT}.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or "")))
        self.end_headers()
        self.wfile.write((body or "").encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def files():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


STAC = """
cwlVersion: v1.2
class: CommandLineTool
id: stac-tool
baseCommand: [python3, -c]
arguments:
- |
  import json, os, sys
  root = sys.argv[1]
  catalog = json.load(open(root + "/catalog.json"))
  os.mkdir("out")
  links = []
  for link in catalog["links"]:
      path = os.path.normpath(os.path.join(root, link["href"]))
      item = json.load(open(path))
      text = "".join(open(os.path.join(os.path.dirname(path), item["assets"][k]["href"])).read() + "\\n" for k in ("red", "nir"))
      open("out/made.txt", "w").write(text)
      item["assets"] = {"made": {"href": "./made.txt", "type": "text/plain", "roles": ["data"]}}
      item["bbox"] = [1, 2, 3, 4]
      json.dump(item, open("out/item.json", "w"))
      links.append({"rel": "item", "href": "./item.json"})
  json.dump({"type": "Catalog", "id": "out", "stac_version": "1.0.0", "description": "", "links": links}, open("out/catalog.json", "w"))
inputs:
  stac: {type: Directory, inputBinding: {}}
outputs:
  results: {type: Directory, outputBinding: {glob: out}}
"""


def test_stac_in_and_out(shop, alice, files):
    deploy(alice, shop, STAC, CWL)
    answer = run(alice, shop, "stac-tool", {"stac": {"href": files + "/item.json"}})
    assert answer.status_code == 200 and answer.text == "red pixels\nnir pixels\n", answer.text
    answer = run(alice, shop, "stac-tool", {"stac": {"href": files + "/item.json"}}, "respond-async")
    job = answer.headers["Location"].split("/")[-1]
    assert wait(alice, answer.headers["Location"])["status"] == "successful"
    fields = json.loads(shop.sql(f"SELECT fields FROM job_assets WHERE job = '{job}'"))
    assert fields["bbox"] == [1, 2, 3, 4] and fields["datetime"] == "2023-05-01T10:00:00Z"
    answer = run(alice, shop, "stac-tool", {"stac": {"href": files + "/nothing.json"}})
    assert answer.status_code == 400 and "the server answered 404" in answer.text
    answer = run(alice, shop, "stac-tool", {"stac": {"href": "http://169.254.169.254/latest/meta-data"}})
    assert answer.status_code == 400 and "not public" in answer.text or "public" in answer.text, answer.text


def test_a_package_by_reference(shop, alice, files):
    unit = {"processDescription": {"process": {"id": "counted", "keywords": ["words"]}}, "executionUnit": {"href": files + "/count.cwl",
                                                                                                     "type": "application/cwl"}}
    assert deploy(alice, shop, unit).json()["keywords"] == ["words"]
    assert run(alice, shop, "counted", {"text": {"href": files + "/red.txt"}}, outputs={"words": {}}).json() == 2
    by_value = {"processDescription": {"id": "by-value"}, "executionUnit": {"value": yaml.safe_load(COUNT), "mediaType": "application/cwl+json"}}
    assert deploy(alice, shop, by_value).json()["id"] == "by-value"


@pytest.mark.parametrize("body,headers,status,kind,message", [
    ("a", {"Content-Type": "text/plain"}, 415, DRU + "unsupported-media-type", "expected application/ogcapppkg+json"),
    ("a: [", CWL, 400, "about:blank", "YAML, line"),
    ("", CWL, 400, "about:blank", "empty"),
    ("cwlVersion: v1.2\nclass: Nothing", CWL, 400, "about:blank", "/class"),
    (COUNT.replace("count-words", "a/b c"), CWL, 400, "about:blank", "The id of a process"),
    ({"processDescription": {"id": "x"}, "executionUnit": {"type": "docker", "image": "debian"}}, PACKAGE, 501, "about:blank", "images"),
    ({"processDescription": {"id": "x"}, "executionUnit": {}}, PACKAGE, 400, "about:blank", "/executionUnit"),
    ({"processDescription": {"id": "x"}, "executionUnit": {"process_graph": {"a": {"process_id": "nothing", "arguments": {}, "result": True}}}},
     PACKAGE, 400, "about:blank", "nothing"),
    (COUNT.replace("{InlineJavascriptRequirement: {}}", "{DockerRequirement: {dockerPull: 10.0.0.1/debian}}"), CWL, 501, "about:blank",
     "images come from"),
    (COUNT.replace("{InlineJavascriptRequirement: {}}", "{DockerRequirement: {dockerPull: --privileged}}"), CWL, 400, "about:blank",
     "found '--privileged'"),
    (COUNT.replace("{InlineJavascriptRequirement: {}}", "{NetworkAccess: {networkAccess: true}}"), CWL, 501, "about:blank", "no network"),
    (COUNT.replace("inputs:\n", "inputs:\n  other: {type: File, default: {class: File, location: 'x.txt'}}\n").replace(
        "baseCommand", "$import: other.cwl\nbaseCommand"), CWL, 400, "about:blank", "another file"),
])
def test_what_is_refused(shop, alice, body, headers, status, kind, message):
    answer = deploy(alice, shop, body, headers, status=status)
    assert answer.json()["type"] == kind and message in answer.json()["detail"], answer.text


IN_IMAGE = COUNT.replace("count-words", "count-in-image").replace(
    "{InlineJavascriptRequirement: {}}", "{InlineJavascriptRequirement: {}, DockerRequirement: {dockerPull: debian:12}}")


def test_a_package_by_wps_and_by_keys(shop, alice, files):
    tool = COUNT.replace("count-words", "count-by-keys")
    deploy(alice, shop, tool, CWL)
    answer = alice.get(shop.base + "/wps?service=WPS&version=1.0.0&request=Execute&identifier=count-by-keys&DataInputs=text=one two;factor=2"
                       "&ResponseDocument=words", timeout=60)
    assert "<wps:LiteralData>4</wps:LiteralData>" in answer.text, answer.text
    answer = alice.get(f"{shop.base}/ogc/processes/count-by-keys/execution?text[href]={files}/red.txt&factor=3&words[include]=true", timeout=60)
    assert answer.text == "6", answer.text


def test_an_image(shop, alice, files, runtime):
    deploy(alice, shop, IN_IMAGE, CWL)
    assert run(alice, shop, "count-in-image", {"text": {"href": files + "/red.txt"}}, outputs={"words": {}}).json() == 2
    words = (runtime.parent / "record").read_text().splitlines()
    assert "docker.io/library/debian:12" in words and "--network=none" in words


def test_an_image_where_none_can_be_run(service):
    answer = deploy(service.session("alice"), service, IN_IMAGE, CWL, status=501)
    assert "neither apptainer nor podman" in answer.json()["detail"]


HOSTILE = {
    "forks": ("import os\nwhile True:\n  try:\n    os.fork()\n  except OSError:\n    pass", "processes and threads"),
    "fills": ("f = open('a', 'wb')\nwhile True:\n  f.write(b'0' * 1000000)", "wrote more than 50 MiB|File too large"),
    "passwd": ("open('/etc/shadow')", "No such file or directory: '/etc/shadow'"),
    "socket": ("import socket\nsocket.create_connection(('127.0.0.1', PORT))", "Network is unreachable|Connection refused"),
    "steals": ("import json\njson.dump({'o': {'class': 'File', 'location': 'file:///etc/passwd'}}, open('cwl.output.json', 'w'))",
               "'/etc/passwd' is no file that the tool made"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_packages(shop, alice, name):
    script, message = HOSTILE[name]
    tool = {"cwlVersion": "v1.2", "class": "CommandLineTool", "id": "hostile-" + name, "inputs": {},
            "baseCommand": ["python3", "-c", script.replace("PORT", shop.base.split(":")[-1])],
            "outputs": {"o": {"type": "File", "outputBinding": {"glob": "o"}}}}
    deploy(alice, shop, yaml.safe_dump(tool), CWL)
    answer = run(alice, shop, "hostile-" + name, {})
    assert answer.status_code == 400 and any(part in answer.json()["detail"] for part in message.split("|")), answer.text
    assert run(alice, shop, "echo", {"number": 1}, outputs={"number": {"transmissionMode": "reference"}}).status_code in (200, 204)


def test_dismissing_ends_the_command(shop, alice):
    tool = {"cwlVersion": "v1.2", "class": "CommandLineTool", "id": "sleeper", "inputs": {}, "outputs": {},
            "baseCommand": ["sh", "-c", "trap '' TERM HUP; echo begun; while :; do sleep 1; done"]}
    deploy(alice, shop, json.dumps(tool), {"Content-Type": "application/cwl+json"})
    url = run(alice, shop, "sleeper", {}, "respond-async").headers["Location"]
    while not any(entry["message"] == "begun" for entry in alice.get(url + "/logs", timeout=30).json()["logs"]):
        pass
    assert alice.delete(url, timeout=30).json()["status"] == "dismissed"
    assert run(alice, shop, "echo", {"number": 1}, outputs={"number": {"transmissionMode": "reference"}}).status_code in (200, 204)


def test_commands_come_in_by_deployment_alone(shop, alice):
    """What a request calls a process never runs as commands."""
    document = {"main": "main", "graph": {"main": {"class": "CommandLineTool", "baseCommand": ["true"], "inputs": [], "outputs": []}}}
    answer = alice.post(shop.base + "/openeo/1.2/jobs", json={"process": {"cwl": document, "process_graph": {}}}, timeout=30)
    if answer.status_code == 201:
        job = answer.headers["OpenEO-Identifier"]
        assert alice.post(f"{shop.base}/openeo/1.2/jobs/{job}/results", timeout=30).status_code == 400
        assert shop.sql(f"SELECT count(*) FROM job_steps WHERE job = '{job}'") == "0"
    answer = alice.post(shop.base + "/openeo/1.2/result", json={"process": {"cwl": document}}, timeout=30)
    assert answer.status_code == 400, answer.text
