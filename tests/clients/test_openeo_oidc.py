"""The openEO Python client (and the JavaScript client, as a machine) logs in through OpenID Connect: device code, code, client credentials, refresh."""
import re

import openeo
import pytest
from conftest import free_port
from openeo.rest.auth.config import RefreshTokenStore
from provider import AUDIENCE, OpenIdProvider, walk
from test_openeo_js import BROWSER, OIDC, run, with_client


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    port = free_port()
    provider = OpenIdProvider(tmp_path_factory.mktemp("op"), redirects=f"http://localhost:{port}/callback")
    provider.back = "localhost", port
    yield provider
    provider.stop()


@pytest.fixture(scope="module")
def service(provider, make_service):
    return make_service(f"auth.oidc_issuer={provider.issuer}", f"auth.oidc_audience={AUDIENCE}", "auth.oidc_id=local",
                        "auth.oidc_title=Test provider", "auth.oidc_client=sentier-cli", "auth.oidc_scopes=openid jobs:read")


@pytest.fixture
def connection(service, tmp_path):
    url = service.base + "/openeo/1.2"
    return openeo.rest.connection.Connection(url, refresh_token_store=RefreshTokenStore(path=tmp_path))


def test_device_code_and_refresh(connection):
    def approve(text, *_, **__):
        address = re.search(r"https?://\S+user_code=[A-Z0-9-]+", text) or re.search(r"https?://[^\s`\])]+", text)
        if address:
            walk(address.group(), "alice")

    connection.authenticate_oidc_device(display=approve, max_poll_time=30, store_refresh_token=True)
    me = connection.describe_account()
    assert me["name"].endswith("|alice")
    job = connection.create_job({"sum": {"process_id": "add", "arguments": {"x": 1, "y": 2}, "result": True}})
    job.start_and_wait(print=lambda *_: None, max_poll_interval=0.5)
    assert job.get_results().get_asset().load_json() == 3
    job.delete()
    connection.authenticate_oidc()  # without questions, by the refresh token that was kept
    assert connection.describe_account() == me
    connection.authenticate_oidc_refresh_token(provider_id="local")
    assert connection.describe_account() == me


def test_code(connection, provider):
    connection.authenticate_oidc_authorization_code(client_id="sentier-web", server_address=provider.back, timeout=30,
                                                    webbrowser_open=lambda address: walk(address, "alice"))
    assert connection.describe_account()["name"].endswith("|alice")


def test_token_of_a_machine(connection, provider):
    connection.authenticate_oidc_access_token(provider.client_credentials(), provider_id="local")
    assert connection.describe_account()["name"].endswith("|sentier-bot")
    connection.authenticate_oidc_client_credentials("sentier-bot", "bot-secret", provider_id="local")
    assert connection.describe_account()["name"].endswith("|sentier-bot")


@with_client
def test_javascript(service, tmp_path):
    """What is left of its calls walks through pages of a browser."""
    told = run(service.base, "1.3", tmp_path, SENTIER_OIDC="local")
    assert told["supported"] and told["account"]["name"].endswith("|sentier-bot") and not told["authenticated"]
    assert OIDC & set(told["notCalled"]) == set() and BROWSER <= set(told["notCalled"])


def test_provider_is_described(service):
    import requests
    provider = requests.get(service.base + "/openeo/1.2/credentials/oidc", timeout=30).json()["providers"][0]
    assert provider["id"] == "local" and provider["scopes"] == ["openid", "jobs:read"]
    client = provider["default_clients"][0]
    assert client["id"] == "sentier-cli"
    assert {"authorization_code+pkce", "urn:ietf:params:oauth:grant-type:device_code+pkce", "refresh_token"} <= set(client["grant_types"])
