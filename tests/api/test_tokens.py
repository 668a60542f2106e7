"""Tokens that nobody should have made, and key sets that misbehave: an issuer of our own that can do both."""
import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from http_server import HttpServer

pytestmark = pytest.mark.sanitizer
AUDIENCE = "urn:sentier:api"


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(key, kid, algorithm="RS256"):
    kind = jwt.algorithms.ECAlgorithm if algorithm.startswith("ES") else jwt.algorithms.RSAAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, "use": "sig", "alg": algorithm}


class Issuer:
    """Serves discovery and keys, and counts; `hang` seconds before it answers."""

    def __init__(self):
        self.keys, self.fetches, self.hang, self.says = [], 0, 0, None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/keys":
                    issuer.fetches += 1
                    time.sleep(issuer.hang)
                    body = {"keys": issuer.keys}
                else:
                    body = {"issuer": issuer.says or issuer.url, "jwks_uri": issuer.url + "/keys"}
                body = json.dumps(body).encode()
                try:
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    def claims(self, **changes):
        now = time.time()
        claims = {"iss": self.url, "aud": AUDIENCE, "sub": "carol", "iat": now, "exp": now + 60, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def server(self, *settings):
        return HttpServer(f"auth.oidc_issuer={self.url}", f"auth.oidc_audience={AUDIENCE}", "auth.oidc_leeway=0",
                          "auth.oidc_admin_group=admins", *settings).start()


@pytest.fixture(scope="module")
def key():
    return rsa_key()


@pytest.fixture(scope="module")
def curve():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def issuer(key, curve):
    issuer = Issuer()
    issuer.keys = [public_jwk(key, "k1"), public_jwk(curve, "e1", "ES256")]
    yield issuer
    issuer.stop()


@pytest.fixture(scope="module")
def server(issuer):
    server = issuer.server()
    yield server
    assert "eyJ" not in server.log_text()
    assert server.remove() == 0


def ask(server, token, **options):
    return server.get("/api/me", headers={"Authorization": f"Bearer {token}"}, **options)


def sign(claims, key, kid="k1", algorithm="RS256", **headers):
    return jwt.encode(claims, key, algorithm, headers={**({"kid": kid} if kid else {}), **headers})


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_good_tokens(server, issuer, key, curve):
    good = [sign(issuer.claims(), key), sign(issuer.claims(), key, kid=None), sign(issuer.claims(aud=["x", AUDIENCE]), key),
            sign(issuer.claims(aud="x", azp=AUDIENCE), key), sign(issuer.claims(nbf=time.time() - 5), key),
            sign(issuer.claims(exp=int(time.time()) + 100000), key), sign(issuer.claims(), curve, "e1", "ES256")]
    for token in good:
        answer = ask(server, token)
        assert answer.status_code == 200, answer.text
        assert answer.json()["name"] == issuer.url + "|carol"
    assert ask(server, sign(issuer.claims(groups=["admins"]), key)).json()["role"] == "admin"
    assert ask(server, sign(issuer.claims(groups=["other"]), key)).json()["role"] == "user"
    long = ask(server, sign(issuer.claims(sub="x" * 250), key)).json()["name"]
    other = ask(server, sign(issuer.claims(sub="x" * 249 + "y"), key)).json()["name"]
    assert len(long) < 128 and long != other


def test_claims_are_compared(server, issuer, key):
    now = time.time()
    bad = {
        "expired": issuer.claims(exp=now - 1), "no exp": issuer.claims(exp=None), "exp as text": issuer.claims(exp=str(now + 60)),
        "issuer": issuer.claims(iss="https://evil.example"), "no issuer": issuer.claims(iss=None),
        "issuer with a slash": issuer.claims(iss=issuer.url + "/"), "audience": issuer.claims(aud="other"),
        "no audience": issuer.claims(aud=None), "empty audience": issuer.claims(aud=[]), "azp of another": issuer.claims(aud="x", azp="y"),
        "too early": issuer.claims(nbf=now + 30), "nobody": issuer.claims(sub=None), "empty subject": issuer.claims(sub=""),
        "long subject": issuer.claims(sub="x" * 300),
    }
    for name, claims in bad.items():
        token = jwt.api_jws.encode(json.dumps(claims).encode(), key, "RS256", headers={"kid": "k1"})
        answer = ask(server, token)
        assert answer.status_code == 401, name
        assert token.split(".")[1] not in answer.text


def test_algorithms_are_ours_to_choose(server, issuer, key, curve):
    claims = issuer.claims()
    pem = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    modulus = base64.urlsafe_b64decode(public_jwk(key, "k1")["n"] + "==")
    import hashlib
    import hmac
    forged = [part({"alg": name, "kid": "k1"}) + "." + part(claims) + "." for name in ["none", "None", "NONE", ""]]
    forged += [f + "AAAA" for f in forged]
    for secret in [pem, pem.strip(), der, modulus]:  # HS256 under what everybody knows
        body = part({"alg": "HS256", "kid": "k1"}) + "." + part(claims)
        mac = hmac.new(secret, body.encode(), hashlib.sha256).digest()
        forged.append(body + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode())
    forged += [sign(claims, key, algorithm="RS512"), sign(claims, key, algorithm="PS256"),  # not this key's
               sign(claims, rsa_key()), sign(claims, curve, "k1", "ES256"), sign(claims, key, "e1"), sign(claims, key, crit=["exp"])]
    for token in forged:
        assert ask(server, token).status_code == 401, token[:40]


def test_broken_tokens(server, issuer, key):
    good = sign(issuer.claims(), key)
    head, body, signature = good.split(".")
    broken = [f"{head}.{body}", f"{head}.{body}.", f"{head}.{body}.{signature}.x", f".{body}.{signature}", f"{head}..{signature}", "..", "a.b.c",
              f"{head}.{body}.{signature[:-4]}", f"{head}.{part(issuer.claims(sub='root'))}.{signature}", f"{head}.{body}.{signature}AAAA",
              f"{part(['RS256'])}.{body}.{signature}", f"{part({'alg': 5})}.{body}.{signature}", f"{part({'alg': 'RS256', 'kid': 5})}.{body}.{signature}",
              f"{head}.{part('x')}.{signature}", "é.é.é".encode().decode("latin-1"), good + "é".encode().decode("latin-1"), "A" * 20000 + ".a.b"]
    for token in broken:
        assert ask(server, token).status_code == 401, token[:60]
    assert ask(server, good).status_code == 200


def test_forged_kids_cost_no_traffic(issuer, key):
    server = issuer.server()
    try:
        assert ask(server, sign(issuer.claims(), key)).status_code == 200
        before = issuer.fetches
        stranger = rsa_key()
        for i in range(50):
            assert ask(server, sign(issuer.claims(), stranger, kid=f"forged-{i}")).status_code == 401
            assert ask(server, sign(issuer.claims(), stranger)).status_code == 401
        assert issuer.fetches - before <= 1
        assert ask(server, sign(issuer.claims(), key)).status_code == 200
    finally:
        server.remove()


def test_new_keys_are_found_when_it_is_time():
    """A minute by default (test_config.c), four seconds here: not before, though somebody asks all the time."""
    issuer, old, new = Issuer(), rsa_key(), rsa_key()
    issuer.keys = [public_jwk(old, "old")]
    server = issuer.server("auth.oidc_keys_again=4")
    try:
        begun = time.monotonic()
        assert ask(server, sign(issuer.claims(), old, "old")).status_code == 200
        fetched = time.monotonic()
        issuer.keys = [public_jwk(new, "new")]
        while ask(server, sign(issuer.claims(), new, "new")).status_code != 200:
            assert issuer.fetches == 1 and time.monotonic() - fetched < 14
            time.sleep(0.1)
        assert time.monotonic() - begun > 4 and issuer.fetches == 2
        assert ask(server, sign(issuer.claims(), old, "old")).status_code == 401
    finally:
        server.remove()
        issuer.stop()


def test_a_key_set_that_hangs_stops_nobody_else(key):
    issuer = Issuer()
    issuer.keys, issuer.hang = [public_jwk(key, "k1")], 30
    server = issuer.server("database.pool=4", "http.trusted_proxy=yes")
    answers = []

    def log_in():
        begun = time.time()
        answers.append((ask(server, sign(issuer.claims(), key)).status_code, time.time() - begun))

    try:
        threads = [threading.Thread(target=log_in) for _ in range(10)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        for _ in range(10):
            begun = time.time()
            # from elsewhere: who is not known yet takes turns with all others of his address
            assert server.get("/echo", headers={"X-Forwarded-For": "203.0.113.2"}).status_code == 200 and time.time() - begun < 1
        for thread in threads:
            thread.join()
        assert all(code in (502, 503) and seconds < 6.5 for code, seconds in answers), answers
        issuer.hang = 0
        time.sleep(6)  # it is not asked again at once
        assert ask(server, sign(issuer.claims(), key)).status_code == 200
        assert issuer.fetches == 2
    finally:
        server.remove()
        issuer.stop()


def test_discovery_must_speak_for_the_issuer(key):
    issuer = Issuer()
    issuer.keys, issuer.says = [public_jwk(key, "k1")], "https://evil.example"
    server = issuer.server()
    try:
        answer = ask(server, sign(issuer.claims(), key))
        assert answer.status_code == 502 and issuer.fetches == 0
    finally:
        server.remove()
        issuer.stop()


def test_a_provider_that_is_away_stops_only_its_own_users(key):
    server = HttpServer("auth.oidc_issuer=http://127.0.0.1:9", f"auth.oidc_audience={AUDIENCE}").start()
    try:
        claims = {"iss": "http://127.0.0.1:9", "aud": AUDIENCE, "sub": "x", "exp": time.time() + 60}
        assert ask(server, sign(claims, key)).status_code == 502
        assert requests.get(server.base + "/api/me", auth=("alice", "open sesame"), timeout=20).status_code == 200
    finally:
        server.remove()
