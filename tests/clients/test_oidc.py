"""Log-in through an OpenID Connect provider that somebody else wrote (npm's oidc-provider)."""
import re
import threading
import time

import jwt
import openeo
import pytest

from http_server import HttpServer
from provider import AUDIENCE, OpenIdProvider, code_with_pkce, device_code, walk

pytestmark = pytest.mark.sanitizer


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    provider = OpenIdProvider(tmp_path_factory.mktemp("op"))
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def server(provider):
    server = HttpServer(f"auth.oidc_issuer={provider.issuer}", f"auth.oidc_audience={AUDIENCE}", "auth.oidc_id=local",
                        "auth.oidc_admin_group=admins", "auth.oidc_leeway=0").start()
    yield server
    assert "eyJ" not in server.log_text()  # no token in the log, ever
    assert server.remove() == 0


def test_client_credentials(server, provider):
    token = provider.client_credentials()
    for value in [token, f"oidc/local/{token}"]:
        me = server.get("/api/me", headers=bearer(value))
        assert me.status_code == 200, me.text
        assert me.json()["name"] == f"{provider.issuer}|sentier-bot" and me.json()["role"] == "user"
    assert server.get("/openeo/me", headers=bearer(f"oidc/other/{token}")).status_code == 403
    assert server.get("/openeo/me", headers=bearer(f"basic//{token}")).status_code == 403


def test_device_code(server, provider):
    token = device_code(provider, "alice")["access_token"]
    me = server.get("/openeo/me", headers=bearer(f"oidc/local/{token}")).json()
    assert me["name"].endswith("|alice") and me["role"] == "user"
    # the same person is the same user
    again = device_code(provider, "alice")["access_token"]
    assert again != token and server.get("/api/me", headers=bearer(again)).json()["id"] == me["id"]


def test_code_with_pkce(server, provider):
    token = code_with_pkce(provider, "admin")["access_token"]
    me = server.get("/admin", headers=bearer(token))
    assert me.status_code == 200 and me.json()["role"] == "admin"
    alice = code_with_pkce(provider, "alice")["access_token"]
    assert server.get("/admin", headers=bearer(alice)).status_code == 403


def test_id_tokens_are_not_access_tokens(server, provider):
    answer = code_with_pkce(provider, "alice")
    refused = server.get("/openeo/me", headers=bearer(answer["id_token"]))
    assert refused.status_code == 403 and "aud" in refused.json()["message"]


def test_an_expired_token_is_refused_though_it_was_accepted(provider, tmp_path):
    brief = OpenIdProvider(tmp_path, ttl=3)
    server = HttpServer(f"auth.oidc_issuer={brief.issuer}", f"auth.oidc_audience={AUDIENCE}", "auth.oidc_leeway=0").start()
    try:
        token = brief.client_credentials()
        until = jwt.decode(token, options={"verify_signature": False})["exp"]
        while time.time() < until - 0.3:
            assert server.get("/api/me", headers=bearer(token)).status_code == 200
            time.sleep(0.2)
        time.sleep(max(0, until + 0.1 - time.time()))
        refused = server.get("/api/me", headers=bearer(token))
        assert refused.status_code == 401 and "expired" in refused.json()["detail"]
    finally:
        server.remove()
        brief.stop()


def test_another_issuer_with_the_same_key_is_refused(server, provider, tmp_path):
    foreign = OpenIdProvider(tmp_path, keys=provider.keys)
    try:
        refused = server.get("/api/me", headers=bearer(foreign.client_credentials()))
        assert refused.status_code == 401 and "iss" in refused.json()["detail"]
    finally:
        foreign.stop()


def test_another_audience_is_refused(server, provider, tmp_path):
    other = OpenIdProvider(tmp_path, keys=provider.keys, issuer=provider.issuer, audience="urn:other:api")
    try:
        refused = server.get("/api/me", headers=bearer(other.client_credentials()))
        assert refused.status_code == 401 and "aud" in refused.json()["detail"]
    finally:
        other.stop()


def test_opaque_tokens_are_no_sessions(server, tmp_path):
    opaque = OpenIdProvider(tmp_path, opaque=1)
    try:
        assert server.get("/api/me", headers=bearer(opaque.client_credentials())).status_code == 401
    finally:
        opaque.stop()


# --- the openEO client, against the whole service ---------------------------------------------------

@pytest.fixture(scope="module")
def connect(provider, make_service):
    service = make_service(f"auth.oidc_issuer={provider.issuer}", f"auth.oidc_audience={AUDIENCE}", "auth.oidc_id=local",
                           "auth.oidc_client=sentier-cli", "auth.oidc_scopes=openid jobs:read")
    return lambda: openeo.connect(service.base)


def test_the_openeo_client_by_device_code(connect, provider):
    told = []

    def display(*words):
        told.append(" ".join(map(str, words)))
        address = re.search(re.escape(provider.address) + r"/device[^\s`'\"]*", told[-1])
        if address and len(told) == 1:
            threading.Thread(target=walk, args=(address[0], "alice")).start()

    connection = connect()
    connection.authenticate_oidc_device(provider_id="local", store_refresh_token=False, max_poll_time=40, display=display)
    assert connection.describe_account()["name"].endswith("|alice"), told
    assert connection.list_jobs() == []


def test_the_openeo_client_by_client_credentials(connect, provider):
    connection = connect()
    connection.authenticate_oidc_access_token(provider.client_credentials(), provider_id="local")
    assert connection.describe_account()["name"].endswith("|sentier-bot")
    with pytest.raises(openeo.rest.OpenEoApiError, match="TokenInvalid"):
        connection.authenticate_oidc_access_token("a.b.c", provider_id="local")
        connection.describe_account()
