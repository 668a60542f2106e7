"""Writers and readers at once: nothing lost, nothing twice, no deadlock, all counts right at the end.

Writers own their items (no two write the same), so each knows what the catalogue must hold of it. They insert
singly and in batches, replace, move items to other years (another partition), and delete. Readers page through
everything in several orders, forwards and back: items that nobody touches must come exactly once in every pass;
another item may come twice only if it was changed meanwhile, and never when the order is by id, which does not
change. Another reads what changed, which at the end must be each row of the outbox once, and lead to what is held.

SOAK_SECONDS=600 is `make soak-stac`; ./check runs 20 seconds. From a minute on it is hard, too: two servers answer, a
collection outgrows the common shelf and its items move, and each kind of process is killed once. Who is not answered
asks again, at the other server; a write may have been done then, and what must hold at the end is the same."""
import collections
import json
import os
import random
import subprocess
import threading
import time
import zlib

import pytest
import requests

from conftest import BINARY, free_port
from jobs_common import kill, pids

SECONDS = float(os.environ.get("SOAK_SECONDS", "20"))
WRITERS, READERS, STABLE = 8, 16, 400
HARD = SECONDS >= 60
COLLECTIONS = ["soak-a", "soak-b"]
LARGE, LARGE_ITEMS = "soak-large", 99900  # a hundred below the bound of the common shelf
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
        self.bases, self.headers = [service.base], dict(session.headers)
        self.end = time.monotonic() + SECONDS
        self.failures, self.changes = [], []
        self.touched = {}  # id: the last instant at which its writer began or ended to change it
        self.done = collections.Counter()

    def session(self):
        session = requests.Session()
        session.headers.update(self.headers)
        return session

    def ask(self, session, method, path, expected, after_all=(), **options):
        """`after_all`: what is good, too, when it was asked before and nobody knows what became of it."""
        path, asked, end = path.removeprefix(self.bases[0] + "/stac"), 0, time.monotonic() + 60
        for base in self.bases:
            path = path.removeprefix(base + "/stac")
        while True:
            base = self.bases[(id(session) + asked) % len(self.bases)]
            good, asked = (*expected, *(after_all if asked else ())), asked + 1
            try:
                answer = session.request(method, base + "/stac" + path, timeout=60, **options)
            except requests.RequestException as error:
                answer = None
                assert HARD and time.monotonic() < end, f"{method} {path}: {error!r}"
            if answer is not None and answer.status_code in good:
                return answer
            if answer is not None and not (HARD and answer.status_code == 503 and time.monotonic() < end):
                raise AssertionError(f"{method} {path}: {answer.status_code} {answer.text[:500]}")
            self.done["asked again"] += 1
            time.sleep(0.2)

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
        soak.ask(session, "POST", f"/collections/{new['collection']}/items", [201], [409], json=new)
        live[new["id"]] = new

    def batch():
        nonlocal made
        where = chance.choice(COLLECTIONS)
        new = [{**any_item(chance, f"w{number}-{made + k:05}"), "collection": where} for k in range(chance.randint(2, 30))]
        made += len(new)
        soak.ask(session, "POST", f"/collections/{where}/items", [200, 201], [409], json={"type": "FeatureCollection", "features": new})
        live.update({i["id"]: i for i in new})

    def replace(move):
        old = live[chance.choice(list(live))]
        new = json.loads(json.dumps(old))
        new["properties"]["eo:cloud_cover"] = round(chance.random() * 100, 1)
        if move:
            new["properties"]["datetime"] = f"{chance.randint(2015, 2024)}{old['properties']['datetime'][4:]}"
        touch(old["id"])
        soak.ask(session, "PUT", f"/collections/{old['collection']}/items/{old['id']}", [200, 204], json=new)
        touch(old["id"])
        live[old["id"]] = new

    def delete():
        old = live[chance.choice(list(live))]
        touch(old["id"])
        soak.ask(session, "DELETE", f"/collections/{old['collection']}/items/{old['id']}", [200, 204], [404])
        touch(old["id"])
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


def follow(soak, since):
    """Reads what changes until the writers have ended, then to the end."""
    session = soak.session()
    while True:
        ended = time.monotonic() >= soak.end and soak.written.is_set()
        page = soak.ask(session, "GET", f"/changes?limit=500&since={since}", [200]).json()
        soak.changes += page["changes"]
        since = page["seq"]
        if not page["changes"]:
            if ended and not page["more"]:
                return
            time.sleep(0.1)


def check_changes(service, soak, expected, since):
    """Each row of the outbox was told once, an item's in their order; what they lead to is what is held."""
    told = [(c["seq"], c["kind"], c["collection"], c["id"]) for c in soak.changes]
    rows = service.sql("SELECT seq, kind, c.id, item FROM changes ch JOIN collections c ON c.number = ch.collection"
                       f" WHERE item IS NOT NULL AND seq > {since} ORDER BY seq").split("\n")
    assert sorted(told) == [(int(seq), *rest) for seq, *rest in (row.split("|") for row in rows)]
    held = set()
    for _, kind, collection, name in told:
        if collection == LARGE:
            continue
        assert (kind == "create") == (name not in held), (kind, name)
        (held.discard if kind == "delete" else held.add)(name)
    assert held == set(expected)
    soak.done["changes"] = len(told)


# --- hardship ----------------------------------------------------------------------------------------------------------

class SecondServer:
    def __init__(self, service):
        self.service, self.port = service, free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self):
        with open(self.service.data / "second.log", "ab") as log:
            self.process = subprocess.Popen([str(BINARY), "serve", "--data", str(self.service.data), "--port", str(self.port), "--set", "http.max_body=64M"],
                                            stdout=log, stderr=log)

    def kill(self):
        self.process.kill()
        self.process.wait()


def grow(soak):
    """The large collection outgrows the common shelf."""
    session = soak.session()
    for turn in range(100):
        if time.monotonic() >= soak.end:
            return
        new = [large_item(LARGE_ITEMS + turn * 20 + k) for k in range(20)]
        soak.ask(session, "POST", f"/collections/{LARGE}/items", [200, 201], [409], json={"type": "FeatureCollection", "features": new})
        soak.done["grown"] += 20
        time.sleep(SECONDS / 400)


def watch(soak):
    """What lies in the large collection is found once, while it moves, too."""
    chance, session = random.Random(99), soak.session()
    while time.monotonic() < soak.end:
        names = sorted({f"large-{chance.randrange(LARGE_ITEMS):06}" for _ in range(40)})
        page = soak.ask(session, "GET", f"/search?collections={LARGE}&limit=100&sortby=%2Bid&ids=" + ",".join(names), [200]).json()
        assert [f["id"] for f in page["features"]] == names
        soak.done["looks"] += 1


def large_item(number):
    return {**item(f"large-{number:06}", LARGE, 2015 + number % 10, number % 100), "assets": {}}


def harm(soak, service, second):
    """One after the other, a few seconds apart at least."""
    def at(part):
        time.sleep(max(0, soak.end - SECONDS * (1 - part) - time.monotonic()))

    at(0.3)
    service.command("catalog", "add", "-", input=json.dumps(large_item(0)))  # has the items of the large collection moved
    soak.done["moved"] = int(service.sql(f"SELECT shelves = ARRAY[number] FROM collections WHERE id = '{LARGE}'") == "t")
    at(0.4)
    second.kill()
    time.sleep(2)
    second.start()
    at(0.5)
    soak.done["worker killed"] = kill(pids(service, "worker")[0])
    at(0.6)
    soak.done["backend killed"] = kill(int(service.sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
                                                       " AND pid <> pg_backend_pid() ORDER BY state, pid LIMIT 1")))
    at(0.8)
    soak.done["server killed"] = kill(pids(service, "serve")[0])


def everything_held(soak, session):
    held, url = {}, f"/search?limit=1000&collections={','.join(COLLECTIONS)}"
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
    if HARD:
        n = LARGE_ITEMS + soak.done["grown"]
        large = f"FROM items i JOIN collections c ON c.number = i.collection WHERE c.id = '{LARGE}'"
        assert service.sql(f"SELECT count(*), count(DISTINCT i.id), bool_and(i.shelf = c.number), min(c.count) {large}") == f"{n}|{n}|t|{n}"
    log = (service.data / "postgres.log").read_text(errors="replace")
    assert "deadlock" not in log and "PANIC" not in log
    assert service.process.poll() is None


@pytest.mark.slow
def test_writers_and_readers(make_service):
    service = make_service("http.max_body=64M", workers=1)
    service.add_user("root", role="admin")
    soak = Soak(service, service.session("root"))
    session = soak.session()
    for name in COLLECTIONS + [LARGE] * HARD:
        soak.ask(session, "POST", "/collections", [201], json={
            "type": "Collection", "stac_version": "1.0.0", "id": name, "description": "Soak", "license": "proprietary", "links": [],
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}})
    chance = random.Random(1)
    stable = {i["id"]: i for i in (any_item(chance, f"stable-{k:04}") for k in range(STABLE))}
    if HARD:
        service.command("catalog", "add", "-", input="\n".join(json.dumps(large_item(k)) for k in range(LARGE_ITEMS)))
        assert service.sql(f"SELECT shelves FROM collections WHERE id = '{LARGE}'") == "{0}"
    since = int(service.sql("SELECT max(seq) FROM changes"))
    service.command("catalog", "add", "-", input="\n".join(map(json.dumps, stable.values())))
    live = [{} for _ in range(WRITERS)]
    second = SecondServer(service) if HARD else None
    try:
        run(soak, service, second, live, since)
    finally:
        if second:
            second.kill()
    assert soak.failures == [], dict(soak.done)
    assert soak.done["passes next"] and soak.done["passes prev"] and soak.done["move"] and soak.done["delete"]
    if HARD:
        assert all(soak.done[what] for what in ("moved", "worker killed", "backend killed", "server killed", "looks", "asked again"))
    expected = {**stable, **{k: v for part in live for k, v in part.items()}}
    check_end(service, soak, expected)
    check_changes(service, soak, expected, since)
    print(dict(soak.done), "items at the end:", sum(map(len, live)))


def run(soak, service, second, live, since):
    if second:
        soak.bases.append(second.base)
    soak.written, soak.end = threading.Event(), time.monotonic() + SECONDS
    writers = [soak.thread(write, soak, n, live[n]) for n in range(WRITERS)]
    if second:
        writers.append(soak.thread(grow, soak))
    others = [soak.thread(read, soak, n) for n in range(READERS)] + [soak.thread(follow, soak, since)]
    if second:
        others += [soak.thread(watch, soak), soak.thread(harm, soak, service, second)]
    for thread in writers + others:
        thread.start()
    for thread in writers:
        thread.join()
    soak.written.set()
    for thread in others:
        thread.join()
