"""Pages for people: well formed, escaped, and whole by themselves."""
import html.parser

import pytest
import requests


class Page(html.parser.HTMLParser):
    """Fails on tags that are not closed in their order; collects what is loaded and linked."""
    EMPTY = {"meta", "link", "img", "input", "br", "hr"}

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.links, self.text = [], [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag == "a":
            self.links.append(dict(attributes).get("href"))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("face", ["stac", "ogc", "openeo", "resto", "service"])
def test_api_documents_for_people(service, face):
    document = requests.get(f"{service.base}/api/{face}", timeout=30)
    assert document.headers["Content-Type"].startswith("application/vnd.oai.openapi+json")
    document = document.json()
    for options in ({"params": {"f": "html"}}, {"headers": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}}):
        answer = requests.get(f"{service.base}/api/{face}", timeout=30, **options)
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Page(answer.text)
    for path, item in document["paths"].items():
        server = item.pop("servers", document["servers"])[0]["url"]
        for method in item:
            assert f"{method.upper()} {server}{path if path != '/' else ''}" in page.text
    assert not [t for t, _ in page.tags if t == "script"]


def test_icon(service):
    answer = requests.get(service.base + "/favicon.ico", timeout=30)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.text.startswith("<svg")
