"""The catalogue keeps itself in shape while clients write to it over HTTP."""
import datetime
import json
import time

import pytest
import requests

SQUARE = {"type": "Polygon", "coordinates": [[[11, 46], [12, 46], [12, 47], [11, 47], [11, 46]]]}


def item(number, **properties):
    return {"type": "Feature", "stac_version": "1.0.0", "stac_extensions": [], "id": f"i{number:04d}", "bbox": [11, 46, 12, 47],
            "geometry": SQUARE, "properties": {"datetime": f"20{10 + number % 4}-01-01T00:00:00Z", **properties}, "assets": {}, "links": []}


def collection(name):
    return {"type": "Collection", "stac_version": "1.0.0", "id": name, "description": name, "license": "other", "links": [],
            "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}}


@pytest.fixture(scope="module")
def kept(make_service):
    service = make_service("catalog.upkeep=1")
    service.add_user("alice")
    service.add_user("olga", role="operator")
    return service


def put(service, who, name, items, new=True):
    session = service.session(who)
    stac = service.base + "/stac/collections"
    if new:
        assert session.post(stac, json=collection(name), timeout=30).status_code == 201
    answer = session.post(f"{stac}/{name}/items?method=upsert", data="\n".join(map(json.dumps, items)), timeout=60,
                          headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code in (200, 201), answer.text


def until(condition, seconds=30):
    end = time.time() + seconds
    while not condition():
        assert time.time() < end, "it did not happen in time"
        time.sleep(0.1)


def queryable(service, collection, name):
    answer = requests.get(f"{service.base}/stac/collections/{collection}/queryables", timeout=30)
    return answer.json()["properties"].get(name, {})


def number_of(service, name):
    return service.sql(f"SELECT number FROM collections WHERE id = '{name}'")


def is_table(service, name):
    return service.sql(f"SELECT to_regclass('{name}') IS NOT NULL") == "t"


def test_values_and_ranges_follow_what_is_written(kept):
    put(kept, "olga", "values", [item(i, **{"eo:cloud_cover": i, "platform": f"p{i % 2}"}) for i in range(20)])
    until(lambda: queryable(kept, "values", "platform").get("enum") == ["p0", "p1"])
    assert queryable(kept, "values", "eo:cloud_cover")["maximum"] == 19
    # as many as before, with other values
    put(kept, "olga", "values", [item(i, **{"eo:cloud_cover": 30 + i, "platform": "p2"}) for i in range(20)], new=False)
    until(lambda: queryable(kept, "values", "platform").get("enum") == ["p2"])
    cover = queryable(kept, "values", "eo:cloud_cover")
    assert (cover["minimum"], cover["maximum"]) == (30, 49)


def grow(service, name):
    """As if it had more items than the common shelf takes."""
    service.sql(f"UPDATE collections SET count = count + 100000 WHERE id = '{name}'")


def test_a_collection_that_has_grown_gets_its_shelf(kept):
    put(kept, "olga", "grown", [item(i) for i in range(50)])
    number = number_of(kept, "grown")
    grow(kept, "grown")
    until(lambda: kept.sql("SELECT shelves FROM collections WHERE id = 'grown'") == f"{{{number}}}")
    assert kept.sql(f"SELECT count(*) FROM items_c{number}") == "50"
    found = requests.get(f"{kept.base}/stac/search?collections=grown&limit=100", timeout=30).json()["features"]
    assert sorted(f["id"] for f in found) == [f"i{i:04d}" for i in range(50)]


def test_years_are_made_ahead(kept):
    put(kept, "olga", "years", [item(i) for i in range(5)])
    number, year = number_of(kept, "years"), datetime.datetime.now(datetime.timezone.utc).year
    grow(kept, "years")
    until(lambda: kept.sql("SELECT shelves FROM collections WHERE id = 'years'") == f"{{{number}}}")
    for part in (f"items_c{number}_y{year}", f"items_c{number}_y{year + 1}"):
        assert is_table(kept, part)
        kept.sql(f"DROP TABLE {part}")  # as if a year had gone by
    until(lambda: is_table(kept, f"items_c{number}_y{year}") and is_table(kept, f"items_c{number}_y{year + 1}"))


def test_nothing_stays_of_a_user(kept):
    put(kept, "alice", "hers", [item(i) for i in range(10)])
    put(kept, "alice", "hers-too", [item(i) for i in range(10)])
    number, other = number_of(kept, "hers"), number_of(kept, "hers-too")
    grow(kept, "hers")
    until(lambda: kept.sql("SELECT shelves FROM collections WHERE id = 'hers'") == f"{{{number}}}")
    # a row that a writer stores while its collection goes
    kept.sql("CREATE TABLE late AS SELECT * FROM items WHERE collection = " + other)
    kept.sql("DELETE FROM users WHERE name = 'alice'")
    kept.sql("INSERT INTO items SELECT * FROM late; DROP TABLE late")
    until(lambda: not is_table(kept, f"items_c{number}"))
    until(lambda: kept.sql(f"SELECT count(*) FROM items WHERE collection IN ({number}, {other})") == "0")


def test_readers_are_not_locked_out(kept):
    """A long search holds the catalogue: others go on, and the upkeep comes later."""
    put(kept, "olga", "held", [item(i) for i in range(10)])
    number = number_of(kept, "held")
    import subprocess

    reader = subprocess.Popen(["psql", "-h", str(kept.data / "db"), "-U", "sentier", "-qAt", "sentier"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    reader.stdin.write("BEGIN; SELECT count(*) FROM items;\n")
    reader.stdin.flush()
    reader.stdout.readline()
    grow(kept, "held")
    longest, end = 0, time.time() + 4
    while time.time() < end:
        begin = time.monotonic()
        assert requests.get(f"{kept.base}/stac/search?collections=held", timeout=30).status_code == 200
        longest = max(longest, time.monotonic() - begin)
        time.sleep(0.02)
    reader.communicate("COMMIT;\n")
    assert longest < 2, longest
    until(lambda: kept.sql("SELECT shelves FROM collections WHERE id = 'held'") == f"{{{number}}}")
