"""CWL by `sentier cwl`: command lines, expressions, files and workflows, each held against what the standard says. The whole
official suite is `make cwl-conformance CWL_TESTS=FOLDER`."""
import json
import subprocess

import pytest
from conftest import BINARY

pytestmark = pytest.mark.sandbox

TOOL = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["printf", "%s\\n"], "stdout": "out", "inputs": {},
        "outputs": {"lines": {"type": "string[]", "outputBinding": {
            "glob": "out", "loadContents": True, "outputEval": "$(self[0].contents.split('\\n').slice(0, -1))"}}},
        "requirements": {"InlineJavascriptRequirement": {}}}


def cwl(folder, document, inputs=None, status=0, outdir="result"):
    path = folder / "document.cwl"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    words = [BINARY, "cwl", str(path), "--outdir", str(folder / outdir)]
    if inputs is not None:
        (folder / "inputs.json").write_text(json.dumps(inputs))
        words.append(str(folder / "inputs.json"))
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else done.stderr


BINDINGS = [
    # type, inputBinding, value, words: the examples of the standard's table of bindings, and their corners
    ("string", {}, "a b", ["a b"]),
    ("string", {"prefix": "-x"}, "y", ["-x", "y"]),
    ("string", {"prefix": "-x=", "separate": False}, "y", ["-x=y"]),
    ("boolean", {"prefix": "-b"}, True, ["-b"]),
    ("boolean", {"prefix": "-b"}, False, []),
    ("int?", {"prefix": "-i"}, None, []),
    ("double", {}, 1230000.0, ["1230000"]),
    ("double", {}, 1.5e-5, ["0.000015"]),
    ("long", {}, 9007199254740993, ["9007199254740993"]),
    ("string[]", {"prefix": "-a"}, ["x", "y"], ["-a", "x", "y"]),
    ("string[]", {"prefix": "-a", "itemSeparator": ","}, ["x", "y"], ["-a", "x,y"]),
    ("string[]", {"prefix": "-a"}, [], []),
    ({"type": "array", "items": "string", "inputBinding": {"prefix": "-a"}}, None, ["x", "y"], ["-a", "x", "-a", "y"]),
    ({"type": "enum", "symbols": ["red", "blue"]}, {"prefix": "-c"}, "blue", ["-c", "blue"]),
    ({"type": "record", "fields": {"b": {"type": "int", "inputBinding": {"position": 2}},
                                   "a": {"type": "string", "inputBinding": {"position": 3}}}}, {}, {"a": "x", "b": 7}, ["7", "x"]),
    ("string", {"valueFrom": "$(self)-$(inputs.v.length)"}, "abc", ["abc-3"]),
    (["null", "string", "int"], {"prefix": "-u"}, 5, ["-u", "5"]),
]


@pytest.mark.parametrize("kind,binding,value,words", BINDINGS)
def test_bindings(tmp_path, kind, binding, value, words):
    parameter = {"type": kind} | ({"inputBinding": binding} if binding is not None else {})
    tool = TOOL | {"inputs": {"v": parameter}, "arguments": ["first"]}
    assert cwl(tmp_path, tool, {"v": value})["lines"] == ["first"] + words


def test_order(tmp_path):
    tool = TOOL | {"arguments": [{"position": 2, "valueFrom": "a2"}, "a0"], "inputs": {
        "z": {"type": "string", "inputBinding": {}}, "b": {"type": "string", "inputBinding": {"position": 2}},
        "c": {"type": "string", "inputBinding": {"position": -1}}}}
    assert cwl(tmp_path, tool, {"z": "z", "b": "b", "c": "c"})["lines"] == ["c", "a0", "z", "a2", "b"]


@pytest.mark.parametrize("given,message", [
    ({}, "/inputs/n: expected int, found nothing"),
    ({"n": "x"}, "/inputs/n: expected int, found a string"),
    ({"n": 1.5}, "/inputs/n: expected int, found a number"),
])
def test_wrong_inputs(tmp_path, given, message):
    assert message in cwl(tmp_path, TOOL | {"inputs": {"n": "int"}}, given, status=1)


FILES = """
cwlVersion: v1.2
class: CommandLineTool
requirements:
  InlineJavascriptRequirement: {}
  ShellCommandRequirement: {}
  EnvVarRequirement: {envDef: {WHO: $(inputs.data.nameroot)}}
  InitialWorkDirRequirement:
    listing:
      - {entryname: script.sh, entry: "cat $(inputs.data.path) > copy.txt; ls -1 `dirname $(inputs.data.path)`; echo $WHO"}
inputs:
  data: {type: File, secondaryFiles: [.idx, ^.hdr?]}
arguments: [{shellQuote: false, valueFrom: "sh script.sh | sort"}]
stdout: said.txt
outputs:
  copy: {type: File, outputBinding: {glob: "*.txt", outputEval: "$(self.filter(function(f) {return f.basename == 'copy.txt'})[0])"}}
  said: {type: string, outputBinding: {glob: said.txt, loadContents: true, outputEval: "$(self[0].contents)"}}
"""


def test_files(tmp_path):
    for name, text in (("scene.tif", "pixels"), ("scene.tif.idx", ""), ("scene.hdr", ""), ("other", "")):
        (tmp_path / name).write_text(text)
    got = cwl(tmp_path, FILES, {"data": {"class": "File", "location": "scene.tif"}})
    assert got["said"] == "scene\nscene.hdr\nscene.tif\nscene.tif.idx\n"
    assert (tmp_path / "result" / "copy.txt").read_text() == "pixels"
    assert got["copy"]["size"] == 6 and got["copy"]["checksum"].startswith("sha1$")
    (tmp_path / "scene.tif.idx").unlink()
    assert "scene.tif.idx" in cwl(tmp_path, FILES, {"data": {"class": "File", "location": "scene.tif"}}, status=1)


def test_a_folder_as_output(tmp_path):
    """It is one thing in the folder of the results, with all that is in it, and nothing beside it."""
    tool = TOOL | {"baseCommand": ["sh", "-c", "mkdir -p made/inner; echo 1 > made/a; echo 2 > made/inner/b"], "outputs": {"made": {
        "type": "Directory", "outputBinding": {"glob": "made"}}}}
    made = cwl(tmp_path, tool)["made"]
    result = tmp_path / "result"
    assert sorted(str(p.relative_to(result)) for p in result.rglob("*")) == ["made", "made/a", "made/inner", "made/inner/b"]
    assert [(f["basename"], f["path"]) for f in made["listing"]] == [("a", f"{result}/made/a"), ("inner", f"{result}/made/inner")]
    assert made["listing"][1]["listing"][0]["path"] == f"{result}/made/inner/b"


def test_files_beside_an_output(tmp_path):
    """Told by an expression, with another name; no more files are looked for beside these."""
    beside = "${ return [{class: 'File', path: self.path.replace('.txt', '.idx'), basename: self.basename + '.index'}]; }"
    tool = TOOL | {"baseCommand": ["touch", "a.txt", "a.idx"], "outputs": {"text": {"type": "File", "outputBinding": {"glob": "*.txt"}, "secondaryFiles": beside}}}
    assert [f["basename"] for f in cwl(tmp_path, tool)["text"]["secondaryFiles"]] == ["a.txt.index"]
    assert sorted(p.name for p in (tmp_path / "result").iterdir()) == ["a.txt", "a.txt.index"]


def test_formats(tmp_path):
    """Prefixes are those of the document, also in the inputs; another format is refused."""
    (tmp_path / "a").write_text("")
    tool = TOOL | {"baseCommand": "touch", "arguments": ["o"], "$namespaces": {"edam": "http://edamontology.org/"}, "inputs": {"data": {"type": "File", "format": "edam:format_2330"}},
                   "outputs": {"o": {"type": "File", "outputBinding": {"glob": "o"}, "format": "$(inputs.data.format)"}}}
    for said in ("edam:format_2330", "http://edamontology.org/format_2330"):
        assert cwl(tmp_path, tool, {"data": {"class": "File", "location": "a", "format": said}})["o"]["format"] == "http://edamontology.org/format_2330"
    assert "the format of 'a'" in cwl(tmp_path, tool, {"data": {"class": "File", "location": "a", "format": "edam:format_1929"}}, status=1)


FORGERIES = [
    ("echo '{\"stolen\": {\"class\": \"File\", \"location\": \"file:///etc/passwd\"}}' > cwl.output.json", {}),
    ("echo '{\"stolen\": {\"class\": \"File\", \"path\": \"../../../etc/passwd\"}}' > cwl.output.json", {}),
    ("ln -s /etc/passwd stolen", {"glob": "stolen"}),
    ("ln -s /etc stolen", {"glob": "stolen/passwd"}),
    ("true", {"glob": "/etc/passwd"}),
    ("true", {"glob": "../../../../etc/passwd"}),
    ("true", {"outputEval": "$({class: 'File', location: 'file:///etc/passwd'})"}),
]


@pytest.mark.parametrize("script,binding", FORGERIES)
def test_nothing_of_others_is_taken_for_an_output(tmp_path, script, binding):
    tool = TOOL | {"baseCommand": ["sh", "-c", script], "outputs": {"stolen": {"type": "File", "outputBinding": binding}}}
    message = cwl(tmp_path, tool, status=1)
    assert "/stolen" in message or "cwl.output.json" in message or "passwd" in message
    assert not list((tmp_path).glob("result/*"))


WORKFLOW = {"cwlVersion": "v1.2", "class": "Workflow", "inputs": {"words": "string[]", "more": "string[]", "big": "boolean"},
            "requirements": {"ScatterFeatureRequirement": {}, "InlineJavascriptRequirement": {}, "StepInputExpressionRequirement": {}},
            "steps": {"say": {"run": {"class": "CommandLineTool", "baseCommand": "printf", "stdout": "o",
                                      "inputs": {"a": {"type": "string", "inputBinding": {"position": 1}},
                                                 "b": {"type": "string", "inputBinding": {"position": 2}}}, "arguments": ["%s+%s"],
                                      "outputs": {"o": {"type": "string", "outputBinding": {
                                          "glob": "o", "loadContents": True, "outputEval": "$(self[0].contents)"}}}},
                              "in": {"a": "words", "b": "more"}, "out": ["o"], "scatter": ["a", "b"], "scatterMethod": "dotproduct"},
                      "perhaps": {"run": {"class": "ExpressionTool", "inputs": {"n": "int"}, "outputs": {"r": "int"},
                                          "expression": "$({r: inputs.n * 2})"},
                                  "in": {"n": {"source": "say/o", "valueFrom": "$(self.length)"}, "big": "big"},
                                  "when": "$(inputs.big)", "out": ["r"]}},
            "outputs": {"all": {"type": "Any", "outputSource": "say/o"}, "r": {"type": "int?", "outputSource": "perhaps/r"}}}


@pytest.mark.parametrize("method,expected", [
    ("dotproduct", ["x+1", "y+2"]), ("nested_crossproduct", [["x+1", "x+2"], ["y+1", "y+2"]]),
    ("flat_crossproduct", ["x+1", "x+2", "y+1", "y+2"]),
])
def test_workflow(tmp_path, method, expected):
    workflow = json.loads(json.dumps(WORKFLOW))
    workflow["steps"]["say"]["scatterMethod"] = method
    for big in (True, False):
        got = cwl(tmp_path, workflow, {"words": ["x", "y"], "more": ["1", "2"], "big": big})
        assert got == {"all": expected, "r": 2 * len(expected) if big else None}


@pytest.mark.parametrize("text,message", [
    ("cwlVersion: v1.2\nclass: Nonsense\n", "/class: expected CommandLineTool, Workflow or ExpressionTool, found 'Nonsense'"),
    ("class: CommandLineTool\n", "/cwlVersion: expected v1.0, v1.1 or v1.2, found 'nothing'"),
    ("cwlVersion: v1.0\nclass: CommandLineTool\ninputs: {a: {type: File, secondaryFiles: [{pattern: .idx}]}}\noutputs: []\n", "objects came with CWL v1.1"),
    ("a: [1\n", "YAML, line"), ("a: 1\na: 2\n", "YAML, line 2, column 1: the key is there twice"),
    ("cwlVersion: v1.2\nclass: CommandLineTool\ninputs: {a: nonsense}\noutputs: []\n", "The type 'nonsense'"),
    ("cwlVersion: v1.2\nclass: Workflow\ninputs: []\noutputs: []\nsteps: {s: {run: '#no', in: [], out: []}}\n", "no process 'no'"),
])
def test_broken_documents(tmp_path, text, message):
    assert message in cwl(tmp_path, text, status=1)


@pytest.mark.parametrize("requirement,message", [
    ({"DockerRequirement": {"dockerPull": "debian"}}, "neither apptainer nor podman"),
    ({"NetworkAccess": {"networkAccess": True}}, "no network"),
    ({"ResourceRequirement": {"coresMin": 1000}}, "1000 cores are wanted"),
    ({"ResourceRequirement": {"ramMin": 1e9}}, "1e+09 MiB of memory"),
])
def test_what_cannot_be_given(tmp_path, requirement, message):
    assert message in cwl(tmp_path, TOOL | {"requirements": requirement}, status=33)
    if "DockerRequirement" in requirement:
        assert cwl(tmp_path, TOOL | {"hints": requirement, "arguments": ["x"]})["lines"] == ["x"]


def test_limits(tmp_path):
    tool = TOOL | {"baseCommand": ["sleep", "100"], "requirements": {"ToolTimeLimit": {"timelimit": 0.2}}}
    assert "it ran for more than 0.2 s" in cwl(tmp_path, tool, status=1)
