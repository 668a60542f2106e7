"""Runs op.mjs and walks through its log-in pages as a browser would."""
import json
import os
import signal
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest
import requests

from conftest import free_port

HERE = Path(__file__).resolve().parent
AUDIENCE = "urn:sentier:api"


class OpenIdProvider:
    """One provider process; `keys` is the file of its private keys."""

    def __init__(self, folder, keys=None, **env):
        if not (HERE / "node_modules").is_dir():
            pytest.skip("tests/oidc has no node_modules: run npm ci there")
        self.port = env.pop("port", None) or free_port()
        self.issuer = env.pop("issuer", f"http://127.0.0.1:{self.port}")
        self.address = f"http://127.0.0.1:{self.port}"
        self.keys = Path(keys or Path(folder) / f"keys-{self.port}.json")
        self.redirect = "http://127.0.0.1:8080/ui/"
        settings = {"OP_PORT": str(self.port), "OP_ISSUER": self.issuer, "OP_KEYS": str(self.keys)}
        settings.update({"OP_" + name.upper(): str(value) for name, value in env.items()})
        self.log = open(Path(folder) / f"op-{self.port}.log", "wb")
        self.process = subprocess.Popen(["node", HERE / "op.mjs"], env={**os.environ, **settings},
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, cwd=folder, start_new_session=True)
        line = self.process.stdout.readline()
        assert line.startswith(b"OP ready"), line

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)  # `node` may be a wrapper around the real one
        self.process.wait(10)
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()

    def post(self, path, **data):
        return requests.post(self.address + path, data=data, timeout=20)

    def client_credentials(self):
        answer = requests.post(self.address + "/token", auth=("sentier-bot", "bot-secret"), timeout=20,
                               data={"grant_type": "client_credentials", "scope": "jobs:read"})
        answer.raise_for_status()
        return answer.json()["access_token"]

    def private_key(self):
        return json.loads(self.keys.read_text())["keys"][0]


class FirstForm(HTMLParser):
    def __init__(self):
        super().__init__()
        self.action, self.fields, self.inside = None, {}, False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action, self.inside = attributes.get("action", ""), True
        elif tag == "input" and self.inside and attributes.get("name"):
            self.fields[attributes["name"]] = attributes.get("value", "")

    def handle_endtag(self, tag):
        if tag == "form":
            self.inside = False


def walk(address, user, stop_at=None):
    """Follows redirects and submits the first form of each page (log-in, consent, confirmation) until
    there is none, or until a redirect leads to `stop_at`: the address of the end."""
    session = requests.Session()
    answer = session.get(address, allow_redirects=False, timeout=20)
    for _ in range(30):
        if answer.is_redirect:
            address = urljoin(answer.url, answer.headers["Location"])
            if stop_at and address.startswith(stop_at):
                return address
            answer = session.get(address, allow_redirects=False, timeout=20)
            continue
        assert answer.status_code == 200, (answer.status_code, answer.text[:500])
        form = FirstForm()
        form.feed(answer.text)
        if form.action is None:
            return answer.url
        for name, value in {"login": user, "password": "any"}.items():
            if name in form.fields:
                form.fields[name] = value
        answer = session.post(urljoin(answer.url, form.action), data=form.fields, allow_redirects=False, timeout=20)
    raise AssertionError("the log-in pages did not end")


def device_code(provider, user, scope="openid jobs:read"):
    begun = provider.post("/device/auth", client_id="sentier-cli", scope=scope).json()
    asked = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "sentier-cli", "device_code": begun["device_code"]}
    pending = provider.post("/token", **asked).json()
    assert pending["error"] == "authorization_pending"
    walk(begun["verification_uri_complete"], user)
    for _ in range(20):
        answer = provider.post("/token", **asked).json()
        if "access_token" in answer:
            return answer
        time.sleep(0.3)
    raise AssertionError(answer)


def code_with_pkce(provider, user, scope="openid jobs:read"):
    import base64
    import hashlib
    import secrets
    from urllib.parse import parse_qs, urlencode, urlsplit

    verifier = secrets.token_urlsafe(48)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = urlencode({"client_id": "sentier-web", "response_type": "code", "scope": scope, "state": "s1",
                       "redirect_uri": provider.redirect, "code_challenge": challenge, "code_challenge_method": "S256"})
    end = parse_qs(urlsplit(walk(f"{provider.address}/auth?{query}", user, provider.redirect)).query)
    assert end["state"] == ["s1"], end
    asked = {"grant_type": "authorization_code", "client_id": "sentier-web", "code": end["code"][0], "redirect_uri": provider.redirect}
    assert provider.post("/token", **asked, code_verifier="x" * 50).status_code == 400  # another verifier
    end = parse_qs(urlsplit(walk(f"{provider.address}/auth?{query}", user, provider.redirect)).query)
    asked["code"] = end["code"][0]
    answer = provider.post("/token", **asked, code_verifier=verifier)
    answer.raise_for_status()
    return answer.json()
