"""Browseable: every item is reached by links child and item alone."""
import json

import pytest
import requests

from test_face import get, link


def crawl(url, kinds):
    """Addresses of all items below; each catalogue is valid and leads back to its parent."""
    items, todo, seen = [], [(url, None)], set()
    while todo:
        url, parent = todo.pop()
        assert url not in seen
        seen.add(url)
        thing = get(url).json()
        assert link(thing, "self")["href"] == url and (parent is None or link(thing, "parent")["href"] == parent)
        assert kinds.errors({**thing, "stac_extensions": []}) == []
        below = [k["href"] for k in thing["links"] if k["rel"] == "child"]
        items += [k["href"] for k in thing["links"] if k["rel"] == "item"]
        if below:
            children = get(link(thing, "children")["href"]).json()
            assert [link(c, "self")["href"] for c in children["children"]] == below
            assert link(children, "parent")["href"] == url and link(children, "self")["href"].endswith("/children")
            for child in children["children"]:
                assert kinds.errors({**child, "stac_extensions": []}) == []
        todo += [(u, url) for u in below]
    return items, seen


def test_browseable(catalogue, schemas):
    items, _ = crawl(catalogue.stac, schemas)
    expected = {f"{catalogue.stac}/collections/{i['collection']}/items/{requests.utils.quote(i['id'], safe='')}" for i in catalogue.items}
    assert len(items) == len(set(items)) and set(items) == expected


def test_many_items_have_periods(make_service, schemas):
    service = make_service(workers=1)
    times = [f"2019-{m:02}-{d:02}T10:11:12Z" for m in range(1, 13) for d in (1, 28)]
    times += [f"2020-02-29T{h:02}:30:{s:02}.5Z" for h in range(24) for s in range(10)]
    times += [f"2021-12-31T23:59:{s % 60:02}Z" for s in range(250)] + ["1969-12-31T23:59:59Z", "2000-01-01T00:00:00Z"]
    lines = [{"type": "Feature", "stac_version": "1.0.0", "id": f"i{n}", "collection": "many", "geometry": None,
              "properties": {"datetime": t}, "assets": {}, "links": []} for n, t in enumerate(times)]
    lines.append({**lines[0], "id": "long", "properties": {"datetime": None, "start_datetime": "2019-05-05T00:00:00Z", "end_datetime": "2022-01-01T00:00:00Z"}})
    service.command("catalog", "add", "-", input="\n".join(map(json.dumps, lines)))
    items, seen = crawl(service.base + "/stac/collections/many", schemas)
    assert sorted(i.rsplit("/", 1)[1] for i in items) == sorted(i["id"] for i in lines)
    root = service.base + "/stac/collections/many/browse"
    years = [k["title"] for k in get(root).json()["links"] if k["rel"] == "child"]
    assert years == ["1969", "2000", "2019", "2020", "2021"]
    assert {root + "/2020-02-29T23", root + "/2021-12-31T23:59"} <= seen
    for bad in ("2021-13", "20", "2021-12-32", "2021-1-1", "abcd", "2021-12-31T24", "children/x"):
        assert requests.get(f"{root}/{bad}", timeout=30).status_code == 404
    assert get(root + "/1980").json()["links"][-1]["rel"] == "parent"
    assert "text/html" in get(root, headers={"Accept": "text/html"}).headers["Content-Type"]
