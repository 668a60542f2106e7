"""Harvesting from a server with faults: all arrives once, nothing is asked twice without need, and nothing leads away."""
import subprocess
import time

import conftest
import pytest
from fake_stac import FakeStac, item


@pytest.fixture
def far():
    fakes = []

    def make(*args, **options):
        fakes.append(FakeStac(*args, **options))
        return fakes[-1]

    yield make
    for fake in fakes:
        fake.close()


@pytest.fixture
def ours(make_service):
    return make_service()


def ids(service):
    return service.sql("SELECT count(*), count(DISTINCT id) FROM items")


def harvest(service, url, *options, check=True):
    return service.command("catalog", "harvest", url, "--rate", "1000", *options, check=check)


def test_faults_are_waited_out(ours, far):
    fake = far([item(n) for n in range(100)])
    fake.faults = [None, None, "busy", "cut", None, "half", "down", None]
    begin = time.monotonic()
    out = harvest(ours, fake.base)
    assert "100 items and 2 collections stored, 0 refused" in out
    assert ids(ours) == "100|100" and time.monotonic() - begin > 1  # Retry-After
    assert ours.sql("SELECT body::json #>> '{assets,data,href}' FROM items LIMIT 1") == fake.base + "/data.tif"


def test_later_passes_ask_for_what_is_new(ours, far):
    fake = far([item(n) for n in range(60)])
    harvest(ours, fake.base, "--collections", "far")
    fake.bodies.clear()
    fake.items["item-00003"] = item(3, updated="2022-05-05T00:00:00Z", changed=True)
    fake.items["item-00100"] = item(100, updated="2022-05-06T00:00:00Z")
    assert "2 items" in harvest(ours, fake.base, "--collections", "far").replace("3 items", "2 items")
    assert fake.bodies[0]["filter"]["args"][0] == {"property": "updated"}
    assert len(fake.bodies) == 1 and ids(ours) == "61|61"
    assert ours.sql("SELECT body::json #>> '{properties,changed}' FROM items WHERE id = 'item-00003'") == "true"
    # what came again unchanged is no change
    assert ours.sql("SELECT count(*) FROM changes WHERE kind = 'update' AND item IS NOT NULL") == "1"


def test_by_datetime_where_the_server_cannot_filter(ours, far):
    fake = far([item(n) for n in range(60)])
    fake.filters = False
    harvest(ours, fake.base, "--collections", "far")
    fake.bodies.clear()
    fake.items["item-00200"] = item(200)
    harvest(ours, fake.base, "--collections", "far")
    assert fake.bodies[0]["datetime"].endswith("/..") and ids(ours) == "61|61"


def test_a_killed_harvest_goes_on(ours, far):
    fake = far([item(n) for n in range(5000)], page=250)
    command = [str(conftest.BINARY), "catalog", "harvest", fake.base, "--rate", "20", "--collections", "far", "--data", str(ours.data)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while ours.sql("SELECT count(*) FROM items") == "0" and time.monotonic() < end:
        time.sleep(0.02)
    process.kill()
    process.wait()
    stored = int(ours.sql("SELECT count(*) FROM items"))
    assert 0 < stored < 5000
    fake.bodies.clear()
    harvest(ours, fake.base, "--collections", "far")
    assert ids(ours) == "5000|5000"
    assert stored - 250 <= fake.bodies[0].get("token") <= stored  # the last page of which something was stored, or the next


def test_pages_that_go_round_or_away(ours, far):
    fake = far([item(n) for n in range(100)])
    fake.loop = True
    done = harvest(ours, fake.base, check=False)
    assert done.returncode == 1 and "go round in a circle" in done.stderr
    other = far([item(n) for n in range(100)])
    away = far([item(n) for n in range(100)])
    away.next_url = other.base
    done = harvest(ours, away.base, check=False)
    assert done.returncode == 1 and "leads away from" in done.stderr and not other.requests
    assert "stored" in harvest(ours, away.base, "--other-hosts")
    assert other.requests


def test_limit_and_rate(ours, far):
    fake = far([item(n) for n in range(100)])
    begin = time.monotonic()
    assert "30 items" in ours.command("catalog", "harvest", fake.base, "--limit", "30", "--rate", "4", "--collections", "far")
    assert time.monotonic() - begin > 0.7  # landing page, collections, two pages
    done = harvest(ours, fake.base, "--collections", "none-such", check=False)
    assert done.returncode == 1 and "has none of these collections" in done.stderr


def test_static_catalogue(ours, far):
    fake = far([item(n) for n in range(12)])
    url = fake.base + "/static/catalog.json"
    assert "12 items and 1 collections stored" in harvest(ours, url)
    assert ours.sql("SELECT body::json #>> '{assets,data,href}' FROM items LIMIT 1") == fake.base + "/static/far/items/data.tif"
    fake.requests.clear()
    harvest(ours, url)
    assert fake.served_304 == 1 and len(fake.requests) == 2  # the root, and the collection that did not change
    fake.items["item-00050"] = item(50)
    assert "13 items" in harvest(ours, url) and ids(ours) == "13|13"


def test_following(ours, far):
    fake = far([item(n) for n in range(30)])
    process = subprocess.Popen([str(conftest.BINARY), "catalog", "harvest", fake.base, "--rate", "100", "--follow", "1", "--data", str(ours.data)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        def until(n):
            end = time.monotonic() + 30
            while ours.sql("SELECT count(*) FROM items") != str(n):
                assert time.monotonic() < end and process.poll() is None
                time.sleep(0.1)
        until(30)
        fake.items["item-00031"] = item(31, updated="2023-01-01T00:00:00Z")
        until(31)
    finally:
        process.kill()
        process.wait()
