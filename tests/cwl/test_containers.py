"""Images of containers by `sentier cwl`. The runtime is runtime.sh beside this file, which shows what it was asked for and does
it; the test at the end is of podman itself, where there is one (CONTAINER_RUNTIME names it and CONTAINER_IMAGE an image)."""
import json
import os
import pathlib
import re
import subprocess

import pytest
from test_cwl import cwl

pytestmark = pytest.mark.sandbox

SCRIPT = ('cat "$0"; echo changed 2>/dev/null > "$0" || echo kept; echo other > /in/new 2>/dev/null || echo closed; echo $WHO; pwd;'
          ' ls -d /root /var /home 2>/dev/null; echo made > made.txt; grep -c : /proc/net/dev')
TOOL = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["sh", "-c", SCRIPT], "stdout": "said",
        "inputs": {"text": {"type": "File", "inputBinding": {}}},
        "requirements": {"DockerRequirement": {"dockerPull": "debian:12"}, "EnvVarRequirement": {"envDef": {"WHO": "a,b=c d"}},
                         "InlineJavascriptRequirement": {}},
        "outputs": {"made": {"type": "File", "outputBinding": {"glob": "made.txt"}}, "said": {"type": "string", "outputBinding": {
            "glob": "said", "loadContents": True, "outputEval": "$(self[0].contents)"}}}}
SAID = "input\nkept\nclosed\na,b=c d\n/work\n1\n"


def runtime(folder, name, monkeypatch):
    path = folder / name
    path.write_text((pathlib.Path(__file__).parent / "runtime.sh").read_text())
    path.chmod(0o755)
    monkeypatch.setenv("SENTIER_PACKAGES_CONTAINER", str(path))
    return path


def asked(folder):
    return (folder / "record").read_text().splitlines()


def given(folder):
    (folder / "a, \"b\".txt").write_text("input\n")
    (folder / "plain.txt").write_text("input\n")
    return {"text": {"class": "File", "location": "plain.txt"}}


def with_image(pull, **more):
    tool = json.loads(json.dumps(TOOL))
    tool["requirements"]["DockerRequirement"] = {"dockerPull": pull, **more}
    return tool


@pytest.mark.parametrize("name", ["podman", "apptainer"])
def test_a_command_in_an_image(tmp_path, monkeypatch, name):
    runtime(tmp_path, name, monkeypatch)
    monkeypatch.setenv("SENTIER_DATABASE_URL", "secret")
    tool = TOOL if name == "podman" else {**TOOL, "requirements": {**TOOL["requirements"], "EnvVarRequirement": {"envDef": {}}}}
    got = cwl(tmp_path, tool, given(tmp_path))
    assert got["said"] == (SAID if name == "podman" else SAID.replace("a,b=c d", ""))
    assert (tmp_path / "result" / "made.txt").read_text() == "made\n"
    words, environment = asked(tmp_path), (tmp_path / "record.environment").read_text()
    image = words.index("docker.io/library/debian:12" if name == "podman" else "docker://docker.io/library/debian:12")
    assert words[image + 1:image + 3] == ["sh", "-c"]  # no shell in between, and no word after it is an option
    mounts = [words[i + 1] for i, word in enumerate(words) if word == "--mount"]
    assert [m.split(",destination=")[1] for m in mounts if m.endswith(",ro")] == ["/in/1/plain.txt,ro"]
    assert sorted(m.split(",destination=")[1] for m in mounts if not m.endswith(",ro")) == (["/tmp", "/work"] if name == "podman" else ["/tmp"])
    assert "secret" not in environment
    if name == "podman":
        assert {"--network=none", "--read-only", "--cap-drop=all", "--security-opt=no-new-privileges", "--rm"} <= set(words[:image])
        assert "WHO=a,b=c d" in words and "PATH=" not in "\n".join(words)
        user = words[words.index("--user") + 1]
        assert (user == "0:0") == (os.geteuid() != 0)  # of root's namespace a user that nobody is, else ourselves
    else:
        assert words[0:3] == ["--silent", "exec", "--containall"] and "--no-privs" in words
        assert words[words.index("--net"):][:3] == ["--net", "--network", "none"] and "APPTAINERENV_TMPDIR=/tmp" in environment
        assert re.search(r"/work:/work$", words[words.index("--home") + 1])


def test_network_where_it_is_declared_and_granted(tmp_path, monkeypatch):
    runtime(tmp_path, "podman", monkeypatch)
    tool = with_image("ghcr.io/some-one/a_b.c:v1.2@sha256:" + "0a" * 32)
    tool["requirements"]["NetworkAccess"] = {"networkAccess": True}
    assert "no network" in cwl(tmp_path, tool, given(tmp_path), status=33)
    monkeypatch.setenv("SENTIER_PACKAGES_NETWORK", "yes")
    cwl(tmp_path, tool, given(tmp_path))
    assert "--network=host" in asked(tmp_path) and "--network=none" not in asked(tmp_path)
    assert "ghcr.io/some-one/a_b.c:v1.2@sha256:" + "0a" * 32 in asked(tmp_path)


def test_names_of_files_are_quoted(tmp_path, monkeypatch):
    runtime(tmp_path, "podman", monkeypatch)
    given(tmp_path)
    cwl(tmp_path, {**TOOL, "baseCommand": ["true"], "outputs": []}, {"text": {"class": "File", "location": 'a, "b".txt'}}, status=1)
    mount = next(m for m in asked(tmp_path) if m.endswith(",ro"))
    assert mount.endswith(',"destination=/in/1/a, ""b"".txt",ro')


def test_hints_are_used_where_they_can_be(tmp_path, monkeypatch):
    path = runtime(tmp_path, "podman", monkeypatch)
    plain = {**TOOL, "requirements": {k: v for k, v in TOOL["requirements"].items() if k != "DockerRequirement"}}
    cwl(tmp_path, {**plain, "hints": {"DockerRequirement": {"dockerPull": "debian"}}}, given(tmp_path))
    assert "docker.io/library/debian" in asked(tmp_path)
    (tmp_path / "record").unlink()
    cwl(tmp_path, {**plain, "hints": {"DockerRequirement": {"dockerFile": "FROM debian"}}}, given(tmp_path))
    assert path.exists() and not (tmp_path / "record").exists()


@pytest.mark.parametrize("pull,status,message", [
    ("--privileged", 1, "expected [REGISTRY/]NAME[:TAG][@sha256:DIGEST], found '--privileged'"), ("", 1, "found ''"),
    ("/etc/passwd", 1, "expected [REGISTRY/]"), ("../up", 1, "expected [REGISTRY/]"), ("a b", 1, "expected [REGISTRY/]"),
    ("docker-archive:/etc/x", 1, "expected [REGISTRY/]"), ("Debian", 1, "expected [REGISTRY/]"), ("debian:", 1, "expected [REGISTRY/]"),
    ("debian:-x", 1, "expected [REGISTRY/]"), ("debian@sha256:12", 1, "expected [REGISTRY/]"), ("docker.io/", 1, "expected [REGISTRY/]"),
    ("oci:/x:y", 1, "expected [REGISTRY/]"), ("a/b/", 1, "expected [REGISTRY/]"), ("docker.io:x/a", 1, "expected [REGISTRY/]"),
    ("10.0.0.1:5000/a", 33, "images come from docker.io ghcr.io quay.io on this site, not from 10.0.0.1:5000"),
    ("localhost/a", 33, "not from localhost"),
])
def test_images_that_are_refused(tmp_path, monkeypatch, pull, status, message):
    runtime(tmp_path, "podman", monkeypatch)
    assert message in cwl(tmp_path, with_image(pull), given(tmp_path), status=status)
    assert not (tmp_path / "record").exists()


@pytest.mark.parametrize("more", ["dockerFile", "dockerLoad", "dockerImport", "dockerOutputDirectory"])
def test_other_ways_to_an_image(tmp_path, monkeypatch, more):
    runtime(tmp_path, "podman", monkeypatch)
    assert f"{more} is not offered here" in cwl(tmp_path, with_image("debian", **{more: "x"}), given(tmp_path), status=33)


@pytest.mark.parametrize("setting,message", [("docker", "expected the path of apptainer, singularity or podman, found 'docker'"),
                                             ("/usr/bin/docker", "found '/usr/bin/docker'"), ("/nowhere/podman", "cannot be run")])
def test_runtimes_that_are_none(tmp_path, monkeypatch, setting, message):
    monkeypatch.setenv("SENTIER_PACKAGES_CONTAINER", setting)
    assert message in cwl(tmp_path, TOOL, given(tmp_path), status=1)


@pytest.mark.parametrize("script,limit,message", [
    ("sleep 100", {"ToolTimeLimit": {"timelimit": 0.5}}, "it ran for more than 0.5 s"),
    ("(setsid sleep 100 &); exec tail /dev/zero", {}, "tail: memory exhausted"),
    ("for i in $(seq 30); do sleep 100 & done; wait", {}, "it started more than 20 processes and threads"),
])
def test_limits(tmp_path, monkeypatch, script, limit, message):
    runtime(tmp_path, "podman", monkeypatch)
    monkeypatch.setenv("SENTIER_WORKER_MEMORY", "64M")
    monkeypatch.setenv("SENTIER_PACKAGES_PROCESSES", "20")
    tool = with_image("debian")
    tool["requirements"].update(limit, ResourceRequirement={"ramMin": 32})
    assert message in cwl(tmp_path, {**tool, "baseCommand": ["sh", "-c", script]}, given(tmp_path), status=1)


@pytest.mark.skipif("CONTAINER_RUNTIME" not in os.environ, reason="CONTAINER_RUNTIME and CONTAINER_IMAGE name no container runtime")
def test_a_real_runtime(tmp_path, monkeypatch):
    monkeypatch.setenv("SENTIER_PACKAGES_CONTAINER", os.environ["CONTAINER_RUNTIME"])
    image = os.environ["CONTAINER_IMAGE"]
    monkeypatch.setenv("SENTIER_PACKAGES_REGISTRIES", image.split("/")[0])
    before = subprocess.run(["pgrep", "-c", "conmon"], capture_output=True, text=True).stdout
    for name in ("plain.txt", "a, \"b\".txt"):
        given(tmp_path)
        got = cwl(tmp_path, with_image(image), {"text": {"class": "File", "location": name}}, outdir=f"result-{len(name)}")
        assert [line for line in got["said"].splitlines() if line not in ("/root", "/var", "/home")] == SAID.splitlines()
    tool = with_image(image)
    tool["requirements"]["ToolTimeLimit"] = {"timelimit": 2}
    said = cwl(tmp_path, {**tool, "baseCommand": ["sh", "-c", "sleep 100"]}, given(tmp_path), status=1)
    assert "it ran for more than 2 s" in said
    assert subprocess.run(["pgrep", "-c", "conmon"], capture_output=True, text=True).stdout == before
