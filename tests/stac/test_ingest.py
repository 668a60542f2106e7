"""Writing the catalogue: repeated and concurrent loads, counts, shelves that are made while others read and write."""
import json
import re
import subprocess
import threading
import time

import conftest
import pytest
import requests

SQUARE = {"type": "Polygon", "coordinates": [[[11, 46], [12, 46], [12, 47], [11, 47], [11, 46]]]}


def item(name, when="2020-01-01T00:00:00Z", collection="some", **properties):
    return {"type": "Feature", "stac_version": "1.0.0", "stac_extensions": [], "id": name, "collection": collection, "bbox": [11, 46, 12, 47],
            "geometry": SQUARE, "properties": {"datetime": when, **properties}, "assets": {}, "links": []}


def lines(items):
    return "\n".join(map(json.dumps, items))


@pytest.fixture(scope="module")
def place(make_service):
    return make_service()


def count(service, collection):
    return service.sql(f"SELECT count FROM collections WHERE id = '{collection}'")


def counted(service, collection):
    return service.sql(f"SELECT count(*) FROM items JOIN collections c ON c.number = items.collection WHERE c.id = '{collection}'")


def changes(service, collection):
    return service.sql("SELECT string_agg(kind || ' ' || coalesce(item, '-'), ',' ORDER BY seq) FROM changes"
                       f" JOIN collections c ON c.number = changes.collection WHERE c.id = '{collection}' AND item IS NOT NULL")


def test_ids_are_unique_and_changes_tell(place):
    place.command("catalog", "add", "-", input=lines([item("a"), item("b")]))
    # another year, a duplicate within the batch of which the later stays, and a new one
    place.command("catalog", "add", "-", input=lines([item("a", "2015-05-05T00:00:00Z"), item("c", gsd=1), item("c", gsd=2)]))
    assert (count(place, "some"), counted(place, "some")) == ("3", "3")
    assert changes(place, "some") == "create a,create b,create c,update a" or changes(place, "some") == "create a,create b,update a,create c"
    c = requests.get(place.base + "/stac/collections/some/items/c", timeout=10).json()
    assert c["properties"]["gsd"] == 2


def test_bad_items_are_named_and_the_others_stored(place):
    text = lines([item("good-1"), item("bad time", "2020-13-01T00:00:00Z"), {**item("no-box"), "bbox": [1, 2]}]) + "\n{broken\n" + lines(
        [{**item("far"), "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 91], [0, 0]]]}}, item("upd", updated="yesterday"), item("good-2")])
    done = place.command("catalog", "add", "-", input=text, check=False)
    assert done.returncode == 1 and done.stdout.startswith("2 items") and "5 refused" in done.stdout
    for wanted in ("-:2: /properties/datetime: expected an RFC 3339 date and time, found '2020-13-01T00:00:00Z'",
                   "-:3: /bbox: expected 4 or 6 numbers, found 2", "-:4: Invalid JSON at line 1",
                   "-:5: /geometry/coordinates/0/2: expected a latitude in [-90, 90]", "-:6: /properties/updated: expected an RFC 3339"):
        assert wanted in done.stderr, done.stderr


def test_microseconds_and_texts_are_kept(place):
    odd = item("odd", "2020-01-01T00:00:00.123456Z", number=1.50, text="snow ☃ and \\u0001 as letters", more={"z": 1, "a": [1, 2.0, None]})
    place.command("catalog", "add", "-", input=json.dumps(odd, ensure_ascii=False) + "\n" + json.dumps({**odd, "id": "odd-2"}) + "\n" +
                  json.dumps({**odd, "id": "odd-3"}, ensure_ascii=False, separators=(" ,\t", " : ")))
    for name in ("odd", "odd-2", "odd-3"):
        got = requests.get(f"{place.base}/stac/collections/some/items/{name}", timeout=10).json()
        assert got["properties"] == odd["properties"]
        assert place.sql(f"SELECT datetime FROM items WHERE id = '{name}'") == "2020-01-01 00:00:00.123456+00"


def test_geometries_are_repaired(place):
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]}
    wide = {"type": "Polygon", "coordinates": [[[-179, 10], [179, 10], [179, 12], [-179, 12], [-179, 10]]]}
    shapes = {"bow": (bow, [0, 0, 2, 2]), "wide": (wide, [179, 10, -179, 12]), "point": ({"type": "Point", "coordinates": [1, 2, 300]}, [1, 2, 1, 2]),
              "line": ({"type": "LineString", "coordinates": [[1, 2], [3, 4], [1, 2]]}, [1, 2, 3, 4]), "none": (None, None),
              "group": ({"type": "GeometryCollection", "geometries": [bow, {"type": "MultiPoint", "coordinates": [[5, 5]]}]}, [0, 0, 5, 5])}
    made = []
    for name, (shape, box) in shapes.items():
        one = {**item("g-" + name), "geometry": shape, "bbox": box}
        if box is None:
            del one["bbox"]
        made.append(one)
    place.command("catalog", "add", "-", input=lines(made))
    assert place.sql("SELECT bool_and(ST_IsValid(geom)) FROM items WHERE id LIKE 'g-%'") == "t"
    assert place.sql("SELECT round(ST_Area(geom)) FROM items WHERE id = 'g-wide'") == "4"
    assert place.sql("SELECT ST_Area(geom) FROM items WHERE id = 'g-bow'") == "2"
    assert place.sql("SELECT geom IS NULL FROM items WHERE id = 'g-none'") == "t"
    assert place.sql("SELECT ST_AsText(geom) FROM items WHERE id = 'g-point'") == "POINT(1 2)"


def test_made_collections_lose_no_widening(place):
    """Several intakes widen one collection at the same time."""
    def load(k):
        items = [{**item(f"w-{k}-{i}", f"20{10 + k}-0{1 + i % 9}-01T00:00:00Z", "wide", platform=f"p{k}", **{"eo:cloud_cover": k * 10 + i % 10}),
                  "bbox": [k, 0, k + 1, 1]} for i in range(1200)]
        place.command("catalog", "add", "-", input=lines(items))
    threads = [threading.Thread(target=load, args=(k,)) for k in range(5)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    made = requests.get(place.base + "/stac/collections/wide", timeout=10).json()
    assert made["extent"]["spatial"]["bbox"] == [[0, 0, 5, 1]]
    assert made["extent"]["temporal"]["interval"] == [["2010-01-01T00:00:00Z", "2014-09-01T00:00:00Z"]]
    assert sorted(made["summaries"]["platform"]) == [f"p{k}" for k in range(5)]
    assert made["summaries"]["eo:cloud_cover"] == {"minimum": 0, "maximum": 49}
    assert (count(place, "wide"), counted(place, "wide")) == ("6000", "6000")


def big(collection, n, first=0):
    return "\n".join(json.dumps(item(f"{collection}-{i:07d}", f"{2014 + i % 9}-0{1 + i % 8}-{1 + i % 28:02d}T{i % 24:02d}:00:00Z", collection))
                     for i in range(first, first + n))


@pytest.mark.slow
def test_a_shelf_is_made_while_others_read_and_write(make_service):
    """A reader sees all items, each once, and never waits; a writer goes on writing."""
    service = make_service()
    service.command("catalog", "add", "-", input=big("calm", 99000))
    # whether ids are there is asked of their index alone: an index on the collection would give all of it for each batch
    read = "SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE indexrelname = 'items_small_collection_updated_idx'"
    assert int(service.sql(read)) < 10 * 99000
    for setting in ("log_lock_waits = on", "deadlock_timeout = '500ms'"):
        service.sql("ALTER SYSTEM SET " + setting)
    service.sql("SELECT pg_reload_conf()")
    assert service.sql("SELECT shelves FROM collections WHERE id = 'calm'") == "{0}"
    stop, waits, wrong, written = threading.Event(), [], [], []

    def read():
        session = subprocess.Popen(["psql", "-h", str(service.data / "db"), "-U", "sentier", "-qAt", "sentier"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        ask = ("SELECT count(*), count(DISTINCT id) FROM items WHERE id = ANY('{calm-0000001,calm-0040000,calm-0098999}')"
               " AND shelf IN ((SELECT shelves[1] FROM collections WHERE id = 'calm'), (SELECT shelves[2] FROM collections WHERE id = 'calm'));\n")
        while not stop.is_set():
            begin = time.monotonic()
            session.stdin.write(ask)
            session.stdin.flush()
            answer = session.stdout.readline().strip()
            waits.append(time.monotonic() - begin)
            if answer != "3|3":
                wrong.append(answer)
            time.sleep(0.003)
        session.stdin.close()
        session.wait()

    def search():
        session = requests.Session()
        while not stop.is_set():
            page = session.get(service.base + "/stac/search", params={"collections": "calm", "ids": "calm-0000007,calm-0050000", "limit": 10}, timeout=30)
            found = sorted(f["id"] for f in page.json()["features"])
            if found != ["calm-0000007", "calm-0050000"]:
                wrong.append(found)

    def write():
        while not stop.is_set():
            begin = time.monotonic()
            done = service.command("catalog", "add", "-", input=big("calm", 20, 50000 + 20 * len(written)), check=False)
            if done.returncode:
                wrong.append(done.stderr)
            written.append(time.monotonic() - begin)

    threads = [threading.Thread(target=f) for f in (read, search, write)]
    [t.start() for t in threads]
    time.sleep(1)
    service.command("catalog", "add", "-", input=big("calm", 2000, 99000))  # outgrows the common shelf, and its rows move
    stop.set()
    [t.join() for t in threads]  # whichever writer saw first that it is too large moves the rows
    assert not wrong, wrong[:5]
    assert service.sql("SELECT array_length(shelves, 1) FROM collections WHERE id = 'calm'") == "1"
    assert service.sql("SELECT count(*) FROM items_small") == "0"
    assert (count(service, "calm"), counted(service, "calm")) == ("101000", "101000")
    assert service.sql("SELECT count(*) - count(DISTINCT id) FROM items") == "0"
    assert len(waits) > 200 and written
    # nobody waits half a second for a table; of the other waits a few are those for a processor
    log = (service.data / "postgres.log").read_text(errors="replace")
    waited = [line for line in log.splitlines() if re.search(r"still waiting for \w+ on (relation|tuple)", line)]
    assert not waited, waited[:3]
    assert sorted(waits)[-1 - len(waits) // 100] < 0.5 or conftest.SLOW_BUILD, sorted(waits)[-5:]


@pytest.mark.slow
def test_eight_writers(make_service):
    """Overlapping upserts, kills and a deletion by many processes: counts right, no id twice, no deadlock."""
    service = make_service()
    end = time.monotonic() + 30
    errors, kills = [], []

    def work(k):
        turn = 0
        while time.monotonic() < end:
            turn += 1
            batch = lines([item(f"x-{(i * (k + 3) + turn * 7) % 3000}", f"{2015 + (i + turn) % 6}-01-01T00:00:00Z", f"busy-{(k + i) % 3}", turn=turn)
                           for i in range(1500)])
            process = subprocess.Popen([str(conftest.BINARY), "catalog", "add", "-", "--data", str(service.data)], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            if k == 7 and turn % 2:
                timer = threading.Timer(0.05 + turn % 5 * 0.05, process.kill)
                timer.start()
                kills.append(turn)
            try:
                out, err = process.communicate(batch)
            except BrokenPipeError:
                continue
            if process.returncode > 0:
                errors.append(err)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not errors, errors[:3]
    assert kills
    for collection in ("busy-0", "busy-1", "busy-2"):
        assert count(service, collection) == counted(service, collection)
    assert service.sql("SELECT count(*) FROM (SELECT 1 FROM items GROUP BY collection, id HAVING count(*) > 1) d") == "0"
    assert service.sql("SELECT bool_and(n = 1) FROM (SELECT count(*) FILTER (WHERE kind = 'create') AS n FROM changes WHERE item IS NOT NULL"
                       " GROUP BY collection, item) c") == "t"


def test_a_killed_load_goes_on(make_service, tmp_path):
    service = make_service()
    path = tmp_path / "many.ndjson"
    path.write_text(big("cut", 30000))
    process = subprocess.Popen([str(conftest.BINARY), "catalog", "add", str(path), "--data", str(service.data)], stdout=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while service.sql("SELECT count(*) FROM items") == "0" and time.monotonic() < end:
        time.sleep(0.01)
    process.kill()
    process.wait()
    stored = int(service.sql("SELECT count(*) FROM items"))
    assert 0 < stored < 30000 and count(service, "cut") == str(stored)
    done = service.command("catalog", "add", path, "--resume", check=False)
    assert done.returncode == 0 and f"{30000 - stored + 1} items" in done.stdout, done.stdout  # the line of the mark is read again
    assert "going on after line" in done.stderr
    assert (count(service, "cut"), counted(service, "cut")) == ("30000", "30000")
    assert service.sql("SELECT count(*) FROM progress") == "0"
