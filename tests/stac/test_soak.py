"""Writers and readers at once: nothing lost, nothing twice, no deadlock, all counts right at the end.

Writers own their items (no two write the same), so each knows what the catalogue must hold of it. They insert
singly and in batches, replace, move items to other years (another partition), and delete. Readers page through
everything in several orders, forwards and back: items that nobody touches must come exactly once in every pass;
another item may come twice only if it was changed meanwhile, and never when the order is by id, which does not
change. SOAK_SECONDS=600 is `make soak-stac`; ./check runs 20 seconds."""
import collections
import json
import os
import random
import threading
import time
import zlib

import pytest
import requests

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
WRITERS, READERS, STABLE = 8, 16, 400
COLLECTIONS = ["soak-a", "soak-b"]
ORDERS = [None, "+properties.datetime", "-properties.datetime", "+id", "-id", "+properties.eo:cloud_cover,-id",
          "-properties.eo:cloud_cover", "+collection,-properties.datetime"]


def item(name, collection, year, cloud):
    some = zlib.crc32(name.encode())
    west, south = -170 + some % 330, -60 + some % 110
    ring = [[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]
    return {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": collection, "bbox": [west, south, west + 1, south + 1],
            "geometry": {"type": "Polygon", "coordinates": [ring]},
            "properties": {"datetime": f"{year}-{1 + some % 12:02}-{1 + some % 28:02}T00:00:{some % 60:02}Z",
                           **({"eo:cloud_cover": cloud} if cloud is not None else {})},
            "links": [], "assets": {"data": {"href": "https://data.example/" + name}}}


def any_item(chance, name):
    return item(name, chance.choice(COLLECTIONS), chance.randint(2015, 2024), chance.choice([None, round(chance.random() * 100, 1)]))


class Soak:
    def __init__(self, service, session):
        self.root, self.headers = service.base + "/stac", dict(session.headers)
        self.end = time.monotonic() + SECONDS
        self.failures, self.changes = [], collections.Counter()
        self.touched = {}  # id: the last instant at which its writer began to change it
        self.done = collections.Counter()

    def session(self):
        session = requests.Session()
        session.headers.update(self.headers)
        return session

    def ask(self, session, method, path, expected, **options):
        answer = session.request(method, path if path.startswith("http") else self.root + path, timeout=60, **options)
        if answer.status_code not in expected:
            raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
        return answer

    def thread(self, work, *arguments):
        def guarded():
            try:
                work(*arguments)
            except Exception as error:  # noqa: BLE001: told at the end
                self.failures.append(f"{work.__name__}{arguments}: {error!r}"[:2000])
                self.end = 0
        return threading.Thread(target=guarded)


def write(soak, number, live):
    chance, session, made = random.Random(number), soak.session(), 0

    def touch(name):
        soak.touched[name] = time.monotonic()

    def one():
        nonlocal made
        new = any_item(chance, f"w{number}-{made:05}")
        made += 1
        soak.ask(session, "POST", f"/collections/{new['collection']}/items", [201], json=new)
        live[new["id"]] = new

    def batch():
        nonlocal made
        where = chance.choice(COLLECTIONS)
        new = [{**any_item(chance, f"w{number}-{made + k:05}"), "collection": where} for k in range(chance.randint(2, 30))]
        made += len(new)
        soak.ask(session, "POST", f"/collections/{where}/items", [200, 201], json={"type": "FeatureCollection", "features": new})
        live.update({i["id"]: i for i in new})

    def replace(move):
        old = live[chance.choice(list(live))]
        new = json.loads(json.dumps(old))
        new["properties"]["eo:cloud_cover"] = round(chance.random() * 100, 1)
        if move:
            new["properties"]["datetime"] = f"{chance.randint(2015, 2024)}{old['properties']['datetime'][4:]}"
        touch(old["id"])
        soak.ask(session, "PUT", f"/collections/{old['collection']}/items/{old['id']}", [200, 204], json=new)
        live[old["id"]] = new

    def delete():
        old = live[chance.choice(list(live))]
        touch(old["id"])
        soak.ask(session, "DELETE", f"/collections/{old['collection']}/items/{old['id']}", [200, 204])
        del live[old["id"]]

    while time.monotonic() < soak.end:
        action = chance.choice(["one", "one", "batch", "replace", "move", "move", "delete"])
        if action in ("one", "batch") or not live:
            {"one": one, "batch": batch}.get(action, one)()
        elif action == "delete":
            delete()
        else:
            replace(action == "move")
        soak.done[action] += 1


def judge(soak, order, began, seen):
    """No stable item is missing or twice; others twice only when they were changed since the pass began."""
    counts = collections.Counter(seen)
    stable = {f"stable-{k:04}" for k in range(STABLE)}
    assert stable <= set(counts), f"{order}: {len(stable - set(counts))} items are missing: {sorted(stable - set(counts))[:5]}"
    for name, n in counts.items():
        if n > 1:
            fixed = name in stable or order in ("+id", "-id")
            assert not fixed and soak.touched.get(name, -1) >= began - 1, f"{order}: {name} came {n} times"


def read(soak, number):
    chance, session = random.Random(1000 + number), soak.session()
    while time.monotonic() < soak.end:
        order, limit, began = chance.choice(ORDERS), chance.choice([40, 150, 600]), time.monotonic()
        parameters = {"limit": limit, "collections": ",".join(COLLECTIONS), **({"sortby": order} if order else {})}
        page = soak.ask(session, "GET", "/search", [200], params=parameters).json()
        for rel in ("next", "prev"):
            seen = [f["id"] for f in page["features"]]
            while time.monotonic() < soak.end:
                url = next((k["href"] for k in page["links"] if k["rel"] == rel), None)
                if not url:
                    judge(soak, order, began, seen)
                    soak.done["passes " + rel] += 1
                    break
                page = soak.ask(session, "GET", url, [200]).json()
                part = [f["id"] for f in page["features"]]
                seen = seen + part if rel == "next" else part + seen


def everything_held(soak, session):
    held, url = {}, f"{soak.root}/search?limit=1000&collections={','.join(COLLECTIONS)}"
    while url:
        page = soak.ask(session, "GET", url, [200]).json()
        for found in page["features"]:
            assert found["id"] not in held
            held[found["id"]] = found
        url = next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
    return held


def check_end(service, soak, expected):
    session = soak.session()
    held = everything_held(soak, session)
    assert set(held) == set(expected)
    for name, wanted in expected.items():
        assert held[name]["collection"] == wanted["collection"], name
        for member in ("datetime", "eo:cloud_cover"):
            assert held[name]["properties"].get(member) == wanted["properties"].get(member), (name, member)
    for collection in COLLECTIONS:
        here = [i for i in expected.values() if i["collection"] == collection]
        page = soak.ask(session, "GET", f"/collections/{collection}/items?limit=1", [200]).json()
        assert page["numberMatched"] == len(here)
        assert int(service.sql(f"SELECT count FROM collections WHERE id = '{collection}'")) == len(here)
        assert int(service.sql(f"SELECT count(*) FROM items i JOIN collections c ON c.number = i.collection WHERE c.id = '{collection}'")) == len(here)
    log = (service.data / "postgres.log").read_text(errors="replace")
    assert "deadlock" not in log and "PANIC" not in log
    assert service.process.poll() is None


@pytest.mark.slow
def test_writers_and_readers(make_service):
    service = make_service("http.max_body=64M", workers=1)
    service.add_user("root", role="admin")
    soak = Soak(service, service.session("root"))
    session = soak.session()
    for name in COLLECTIONS:
        soak.ask(session, "POST", "/collections", [201], json={
            "type": "Collection", "stac_version": "1.0.0", "id": name, "description": "Soak", "license": "proprietary", "links": [],
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}})
    chance = random.Random(1)
    stable = {i["id"]: i for i in (any_item(chance, f"stable-{k:04}") for k in range(STABLE))}
    service.command("catalog", "add", "-", input="\n".join(map(json.dumps, stable.values())))
    live = [{} for _ in range(WRITERS)]
    soak.end = time.monotonic() + SECONDS
    threads = [soak.thread(write, soak, n, live[n]) for n in range(WRITERS)] + [soak.thread(read, soak, n) for n in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(dict(soak.done), "items at the end:", sum(map(len, live)))
    assert soak.failures == []
    assert soak.done["passes next"] and soak.done["passes prev"] and soak.done["move"] and soak.done["delete"]
    check_end(service, soak, {**stable, **{k: v for part in live for k, v in part.items()}})
