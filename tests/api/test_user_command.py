"""sentier user, beside a running service: what it makes and takes away counts at the next request."""
import re

import pytest
import requests

pytestmark = pytest.mark.sanitizer


@pytest.fixture(scope="module")
def quiet(make_service):
    return make_service()


def me(service, **credentials):
    return requests.get(service.base + "/api/me", timeout=20, **credentials)


def test_users(quiet):
    assert me(quiet, auth=("carol", "correct horse")).status_code == 401
    assert "carol" in quiet.command("user", "add", "carol", "--role", "operator", "--email", "c@example.test", input="correct horse\n")
    seen = me(quiet, auth=("carol", "correct horse")).json()
    assert seen["role"] == "operator" and seen["email"] == "c@example.test"
    assert re.search(r"^carol\toperator\tc@example.test\tpassword\t", quiet.command("user", "list"), re.M)
    token = quiet.token("carol", "correct horse")
    bearer = {"headers": {"Authorization": "Bearer " + token}}
    assert me(quiet, **bearer).status_code == 200
    quiet.command("user", "password", "carol", input="battery staple\n")
    assert me(quiet, auth=("carol", "correct horse")).status_code == 401  # though it was remembered
    assert me(quiet, **bearer).status_code == 401  # sessions have ended
    assert me(quiet, auth=("carol", "battery staple")).status_code == 200
    quiet.command("user", "remove", "carol")
    assert me(quiet, auth=("carol", "battery staple")).status_code == 401


def test_keys(quiet):
    quiet.command("user", "add", "dave", input="correct horse\n")
    key = quiet.command("user", "key", "dave", "night run; --").strip()
    assert me(quiet, headers={"X-API-Key": key}).json()["name"] == "dave"
    row = quiet.command("user", "keys", "dave").strip().split("\t")
    assert row[1] == "night run; --" and row[3] != "never used" and key not in row
    quiet.command("user", "revoke", row[0])
    assert me(quiet, headers={"X-API-Key": key}).status_code == 401


@pytest.mark.parametrize("arguments, password, status, reason", [
    (["add", "dave"], "correct horse", 1, "already"), (["add", "eve"], "short", 1, "bytes"), (["add", "e:ve"], "correct horse", 1, "letters"),
    (["add", "eve", "--role", "king"], "correct horse", 2, "operator"), (["add"], "", 2, "arguments"), (["add", "eve"], None, 2, "standard input"),
    (["password", "nobody"], "correct horse", 1, "no user"), (["remove", "nobody"], "", 1, "no user"), (["key", "nobody", "x"], "", 1, "no user"),
    (["revoke", "x' OR 1=1"], "", 1, "no key"), (["sing"], "", 2, "expected add"), (["add", "x" * 65], "correct horse", 1, "letters"),
])
def test_refusals(quiet, arguments, password, status, reason):
    if arguments[:2] == ["add", "dave"]:
        quiet.command("user", "add", "dave", input="correct horse\n", check=False)
    done = quiet.command("user", *arguments, input=password + "\n" if password is not None else "", check=False)
    assert done.returncode == status and reason in done.stderr, done.stderr
    assert not password or password not in done.stderr
