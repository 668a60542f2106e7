"""The mixes of searches: lists of addresses, made from items that the catalogue itself holds.

A mix has some dozens of parameter sets, so that neither a plan nor a page is only ever asked once. What
is asked for (places, times, grid codes, orbits) is taken from items at random instants; so the same
code serves any catalogue, and the same lists go to the peer (but for the tokens of deep pages)."""
import datetime
import json
import random
import urllib.parse

import requests

SETS, SEED = 48, 7
DEEP_PAGES, DEEP_LIMIT = 60, 100


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def text_of(when):
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


def search(**parameters):
    return "/search?" + urllib.parse.urlencode(parameters)


def box(x, y, width, height):
    west, south = max(-180, min(x - width / 2, 180 - width)), max(-90, min(y - height / 2, 90 - height))
    return f"{west:.4f},{south:.4f},{west + width:.4f},{south + height:.4f}"


def sample(root, chance):
    """Items of all collections, at random instants between the oldest and the newest."""
    found, session = [], requests.Session()
    names = [c["id"] for c in session.get(root + "/collections", timeout=60).json()["collections"]]
    newest = instant(session.get(root + search(limit=1), timeout=60).json()["features"][0]["properties"]["datetime"])
    while len(found) < 4 * SETS:
        when = newest - datetime.timedelta(seconds=chance.random() * 7.5 * 365 * 86400)
        page = session.get(root + search(collections=chance.choice(names), limit=4, datetime="../" + text_of(when)), timeout=60)
        found += page.json()["features"]
    return found


def deep(root, collection):
    """Pages far down: follows the links next and keeps the last of them."""
    url, paths = root + search(collections=collection, limit=DEEP_LIMIT), []
    session = requests.Session()
    for _ in range(DEEP_PAGES):
        page = session.get(url, timeout=60).json()
        url = next((k["href"] for k in page["links"] if k["rel"] == "next"), None)
        if not url:
            break
        paths.append(url[len(root):] if url.startswith(root) else "/search?" + url.split("?", 1)[1])
    return paths[len(paths) // 2:]


def months(item, days, chance):
    start = instant(item["properties"]["datetime"]) - datetime.timedelta(days=days * chance.random())
    return text_of(start) + "/" + text_of(start + datetime.timedelta(days=days))


def centre(item):
    west, south, east, north = item["bbox"]
    return (west + east) / 2, (south + north) / 2


def make(root):
    """{mix: [path...]}, and the items that were looked at."""
    chance = random.Random(SEED)
    items = sample(root, chance)
    optical = [i for i in items if "eo:cloud_cover" in i["properties"]] or items
    gridded = [i for i in items if "grid:code" in i["properties"] and "sat:relative_orbit" in i["properties"]]
    pick = lambda among: [chance.choice(among) for _ in range(SETS)]  # noqa: E731
    names = sorted({i["collection"] for i in items})
    mixes = {
        "newest 10": [search(limit=10)] + [search(collections=n, limit=10) for n in names],
        "AOI, 3 months, cloud": [
            search(collections=i["collection"], bbox=box(*centre(i), 0.5, 0.5), datetime=months(i, 90, chance), limit=10,
                   filter=f"eo:cloud_cover < {chance.choice([20, 40, 60])}") for i in pick(optical)],
        "AOI, year": [
            search(collections=i["collection"], bbox=box(*centre(i), 0.5, 0.5), datetime=months(i, 365, chance), limit=10)
            for i in pick(items)],
        "grid code, orbit": [
            search(collections=i["collection"], limit=10,
                   filter=f"grid:code = '{i['properties']['grid:code']}' AND sat:relative_orbit = {i['properties']['sat:relative_orbit']}")
            for i in pick(gridded)] if gridded else [],
        "40 x 30 degrees": [search(collections=i["collection"], bbox=box(*centre(i), 40, 30), limit=10) for i in pick(items)],
        "unknown id": [search(ids=f"S2Z_{n:08}_NOTHING") for n in range(SETS)],
        "page of 1000": [search(collections=i["collection"], limit=1000, datetime="../" + i["properties"]["datetime"])
                         for i in pick(items)[:12]],
        "deep pages of 100": deep(root, names[-1]),
    }
    return mixes


def check(root, paths, least):
    """Every address answers; the mean number of items that it gives."""
    counts = []
    for path in paths:
        answer = requests.get(root + path, timeout=120)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        counts.append(len(answer.json()["features"]))
    mean = sum(counts) / len(counts)
    assert mean >= least, (json.dumps(paths[:3]), counts)
    return mean
