"""The Atom feed of a collection, read by feedparser and by the rules of RFC 4287 and GeoRSS."""
import xml.etree.ElementTree as ElementTree

import pytest
import requests

from test_changes import place, put
from test_transactions import collection

TIMEOUT = 60
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def stac(make_service):
    service = make_service(workers=1)
    service.add_user("ops", role="operator")
    service.stac = service.base + "/stac"
    service.as_ = {"ops": service.session("ops")}
    service.as_["ops"].post(service.stac + "/collections", json=collection("feed", title="A & <b>"), timeout=TIMEOUT)
    ring = [[10, 40], [12, 40], [12, 42], [10, 42], [10, 40]]
    items = [place(f"i{n:02}", n, 45, datetime=f"20{n % 20:02}-01-01T00:00:00Z") for n in range(60)]
    put(service, "ops", "feed", items)
    last = place("last", 10, 40, title='"Quoted" & <tagged>')
    last.update(geometry={"type": "Polygon", "coordinates": [ring]}, bbox=[10, 40, 12, 42],
                assets={"data": {"href": "https://example.com/a.tif?x=1&y=2", "type": "image/tiff"}})
    put(service, "ops", "feed", [last])
    return service


def test_the_feed(stac):
    feedparser = pytest.importorskip("feedparser")
    page = requests.get(stac.stac + "/collections/feed", timeout=TIMEOUT).json()
    url = next(link["href"] for link in page["links"] if link.get("type") == "application/atom+xml" and link["rel"] == "alternate")
    answer = requests.get(url, timeout=TIMEOUT)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/atom+xml"
    root = ElementTree.fromstring(answer.content)
    for element in [root, *root.findall(ATOM + "entry")]:
        for needed in ["id", "title", "updated"]:
            assert len(element.findall(ATOM + needed)) == 1, needed
    assert root.find(ATOM + "author") is not None
    feed = feedparser.parse(answer.content)
    assert not feed.bozo and feed.feed.title == "A & <b>" and len(feed.entries) == 50
    first = feed.entries[0]
    assert first.id == stac.stac + "/collections/feed/items/last" and requests.get(first.id, timeout=TIMEOUT).status_code == 200
    enclosure = next(link for link in first.links if link.rel == "enclosure")
    assert enclosure.href == "https://example.com/a.tif?x=1&y=2" and enclosure.type == "image/tiff"
    polygon = root.find(ATOM + "entry").find("{http://www.georss.org/georss}polygon").text
    assert [float(n) for n in polygon.split()] == [40, 10, 40, 12, 42, 12, 42, 10, 40, 10]
    updated = [e.updated for e in feed.entries]
    assert updated == sorted(updated, reverse=True)
    assert requests.get(url, headers={"If-None-Match": answer.headers["ETag"]}, timeout=TIMEOUT).status_code == 304


def test_the_feed_can_be_narrowed(stac):
    url = stac.stac + "/collections/feed/feed.atom"

    def ids(**params):
        answer = requests.get(url, params=params, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        return {e.find(ATOM + "id").text.rsplit("/", 1)[1] for e in ElementTree.fromstring(answer.content).findall(ATOM + "entry")}

    assert ids(bbox="4.5,44,7.5,46") == {"i05", "i06", "i07"}
    assert ids(datetime="2003-01-01T00:00:00Z/2004-06-01T00:00:00Z") == {f"i{n:02}" for n in range(60) if n % 20 in (3, 4)}
    for bad in [{"bbox": "1,2"}, {"datetime": "x"}, {"limit": 5}]:
        assert requests.get(url, params=bad, timeout=TIMEOUT).status_code == 400, bad
    assert requests.get(stac.stac + "/collections/none/feed.atom", timeout=TIMEOUT).status_code == 404
