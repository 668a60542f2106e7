"""The standard's own examples of CQL2, evaluated: for each expression there are items of which some must be found and
some not, by brute force in Python and Shapely (cql2_reference.py, to which the JSON of the standard is translated here).

Items get what the expression speaks of: values at, beside and far from its literals, or none. Where an example asks for
geometries under other names (a road, a footprint) it is asked of the item's own, the only one that STAC has."""
import json
import random
import re
import zlib

import cql2_reference as reference
import pytest
import requests
import shapely
import shapely.geometry

PER_EXAMPLE = 80
OPERATORS = {symbol: name for name, symbol in reference.SYMBOLS.items()}
GEOMETRIES = {"road", "footprint", "location"}
FIXED = {"id": "string", "geometry": "geometry"}
# functions that the examples invent
INVENTED = {"clause6_01", "clause6_02b", "clause7_18", "example68", "example69"}
# not about an item, true of all; of a polygon whose hole is around its ring, of which nothing is left; relations of
# collections of geometries, which are unknown
ALL_OR_NONE = {"clause7_16", "clause7_17", "example49", "example84"}


# ---- reading the standard's JSON ----

def read_time(kind, text):
    return (kind, reference.microseconds(text)[0], text)


def read_end(end):
    if isinstance(end, dict):
        return read(end)
    return ("open",) if end == ".." else read_time("date" if len(end) == 10 else "time", end)


def read(tree):
    if isinstance(tree, bool):
        return ("bool", tree)
    if isinstance(tree, (int, float)):
        return ("num", tree)
    if isinstance(tree, str):
        return ("str", tree)
    if isinstance(tree, list):
        return ("array", *map(read, tree))
    if "property" in tree:
        return ("prop", "geometry" if tree["property"] in GEOMETRIES else tree["property"])
    if "timestamp" in tree:
        return read_time("time", tree["timestamp"])
    if "date" in tree:
        return read_time("date", tree["date"])
    if "interval" in tree:
        return ("interval", *map(read_end, tree["interval"]))
    if "bbox" in tree:
        box = tree["bbox"]
        return ("bbox", box if len(box) == 4 else [box[0], box[1], box[3], box[4]])
    if "type" in tree:
        return ("geom", tree)
    op, args = tree["op"], tree["args"]
    if op == "in":
        return ("in", read(args[0]), *map(read, args[1]))
    lower = {name.lower(): name for name in reference.INTERVALS + reference.INSTANTS + reference.ARRAYS}
    return (OPERATORS.get(op) or lower.get(op.lower(), op), *map(read, args))


def walk(e):
    yield e
    for part in e[1:]:
        if isinstance(part, tuple):
            yield from walk(part)


def properties_in(e):
    return {part[1] for part in walk(e) if part[0] == "prop"}


def kind_in(e):
    """What the properties of an operation are read as."""
    op, leaves = e[0], {part[0] for part in e[1:] if isinstance(part, tuple)}
    if op in reference.ARITHMETIC | {"between"} or leaves & (reference.ARITHMETIC | {"num"}):
        return "number"
    if op in ("like", "casei", "accenti") or "str" in leaves:
        return "string"
    if op.startswith("t_") or op == "interval" or leaves & {"date", "time"}:
        return "timestamp"
    return {"s": "geometry", "a": "array"}.get(op[0] if op[1:2] == "_" else None, "boolean" if "bool" in leaves else "number")


def types_of(expression):
    types = {}
    for e in walk(expression):
        for part in e[1:]:
            if isinstance(part, tuple) and part[0] == "prop" and e[0] != "isNull":
                types.setdefault(part[1], kind_in(e))
    return {**{name: "number" for name in properties_in(expression)}, **types, **FIXED}


# ---- items ----

def numbers(e):
    literals = [part[1] for part in walk(e) if part[0] == "num"] or [1]
    return sorted({round(x + d, 6) for x in literals for d in (-1, -0.5, 0, 0.5, 1)} | {0, 2, 3, -7.25}) + 4 * literals


def strings(e):
    found = ["", "something else"]
    for part in walk(e):
        if part[0] == "str":
            s = part[1].strip("%")
            found += [s, s.upper(), s.lower(), reference.accenti(s), s + " and more", "before " + s, "x" + s + "y", s[:-1], s.replace("ss", "ß")]
    return found


def times(e):
    found = []
    for part in walk(e):
        if part[0] in ("time", "date"):
            first, last = reference.microseconds(part[2])
            found += [first, last, first - 1, last + 1, first - 40 * reference.DAY, last + 40 * reference.DAY]
    return [time_text(at) for at in found or [0]] + 3 * [part[2] for part in walk(e) if part[0] == "date"]


def time_text(at):
    return (reference.EPOCH + reference.timedelta(microseconds=at)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def arrays(e, chance):
    literals = [part[2] if part[0] in ("time", "date") else part[1] for part in walk(e) if part[0] in ("str", "num", "bool", "time", "date")]
    return chance.sample(literals, chance.randint(0, len(literals))) + chance.choice([[], [], ["other"], literals])


def geometries(e):
    """The literals themselves, what lies in, on, across and beside them."""
    found = [shapely.Point(100, 60), shapely.box(100, 60, 101, 61)]
    for part in walk(e):
        if part[0] in ("geom", "bbox"):
            g = reference.Evaluation(None, {}).value(part)
            empty = g.is_empty
            if empty:  # of which nothing is left: what lies about it
                g = shapely.force_2d(shapely.geometry.shape(part[1])).convex_hull
            w, s, east, n = g.bounds
            x, y = (w + east) / 2, (s + n) / 2
            line = g.boundary if g.geom_type.endswith("Polygon") else g
            if part[0] == "bbox" or shapely.is_valid(shapely.geometry.shape(part[1])):
                found += [g, line]  # else they have places that were computed, and are the same but for the last digit
            found += [g.centroid, g.representative_point(), shapely.box(w, s, x, y), shapely.box(w, s, east, n),
                      shapely.LineString([(w, s), (east, n)]), shapely.LineString([(x, s), (x, n)]), shapely.box(x, y, min(x + 20, 180), min(y + 20, 90))]
            if w < -1 and east > 1:  # something that covers it
                found += [shapely.box(-180, -90, 180, 90), shapely.box(-180, s, 10, n)]
            if part[0] == "geom" and not empty:
                found.append(part[1])
            corner = shapely.get_coordinates(shapely.geometry.shape(part[1]) if part[0] == "geom" else g)[0]  # touches, mostly
            found += [shapely.Point(corner), shapely.box(*corner, min(corner[0] + 0.001, 180), min(corner[1] + 0.001, 90))]
    return [g if isinstance(g, dict) else json.loads(shapely.to_geojson(g)) for g in found if isinstance(g, dict) or not g.is_empty]


def choices(kind, e, chance):
    if kind == "array":
        return [arrays(e, chance) for _ in range(10)]
    return {"number": numbers, "string": strings, "timestamp": times, "boolean": lambda _: [True, False], "geometry": geometries}[kind](e)


def near(expression, name):
    """The operations that a property is given to, where they have literals."""
    given = ("all", *(e for e in walk(expression) if ("prop", name) in e))
    return given if any(e[0] in ("num", "str", "bool", "time", "date", "geom", "bbox") for e in walk(given)) else expression


def items_for(name, expression):
    chance, types, items = random.Random(zlib.crc32(name.encode())), types_of(expression), []
    values = {p: choices(types[p], near(expression, p), chance) for p in sorted(properties_in(expression) | {"geometry"})}
    if "updated" in values:  # STAC has it as a time
        values["updated"] = [v for v in values["updated"] if "T" in v]
    for n in range(PER_EXAMPLE):
        item = {"type": "Feature", "stac_version": "1.0.0", "collection": name, "id": f"{n:03}", "geometry": None, "links": [], "assets": {},
                "properties": {"datetime": "2020-01-01T00:00:00Z"}}
        if "id" in values:
            item["id"] = strings(expression)[2] + (f"-{n}" if n else "")
        for p, some in values.items():
            if p != "id" and (n == 0 or chance.random() < 0.9):  # the first tells the types
                chosen = chance.choice(some)
                item.update({"geometry": chosen} if p == "geometry" else {"properties": {**item["properties"], p: chosen}})
        if expression[0] in ("eq", "ne") and expression[1][0] == "prop" and expression[2][0] in reference.ARITHMETIC and chance.random() < 0.5:
            result = reference.Evaluation(reference.Item({**item, "geometry": None}), types).value(expression[2])
            item["properties"][expression[1][1]] = result
        if item["geometry"]:
            bounds = reference.made_valid(shapely.force_2d(reference.shape(item["geometry"])), True).bounds
            item["bbox"] = list(bounds)
        items.append(item)
    return items


# ---- the service ----

@pytest.fixture(scope="module")
def examples(make_service, shared):
    """name: (its texts, JSON, expression, items); the items of each lie in a collection of its name."""
    folder, found = shared / "specs/stac/cql2/schema/examples", {}
    for path in sorted((folder / "text").glob("*.txt")):
        name = path.stem.split("-")[0]
        text = path.read_text().strip()
        if name in found:
            found[name][0].append(text)
            continue
        tree = json.loads((folder / "json" / (name + ".json")).read_text())
        expression = read(tree)
        found[name] = ([text], tree, expression, [] if name in INVENTED else items_for(name, expression))
    service = make_service(workers=1)
    service.command("catalog", "add", "-", input="\n".join(json.dumps(item) for *_, items in found.values() for item in items))
    return service.base + "/stac/search", found


def own_geometry(tree):
    """The example with the item's geometry for others."""
    if isinstance(tree, dict):
        return {k: "geometry" if k == "property" and v in GEOMETRIES else own_geometry(v) for k, v in tree.items()}
    return list(map(own_geometry, tree)) if isinstance(tree, list) else tree


def search(url, name, **filter_):
    answer = requests.post(url, json={"collections": [name], "limit": 1000, **filter_}, timeout=30)
    assert answer.status_code == 200, (name, filter_, answer.text)
    return {feature["id"] for feature in answer.json()["features"]}


def test_examples_of_the_standard_choose_what_they_mean(examples):
    url, found = examples
    judged = 0
    for name, (texts, tree, expression, items) in found.items():
        if name in INVENTED:
            continue
        types = types_of(expression)
        expected = {item["id"] for item in items if reference.Evaluation(reference.Item(item), types).value(expression) is True}
        assert (0 < len(expected) < len(items)) != (name in ALL_OR_NONE), (name, len(expected))
        assert search(url, name, filter=own_geometry(tree)) == expected, (name, "json")
        for text in texts:
            words = re.sub(rf"\b({'|'.join(GEOMETRIES)})\b", "geometry", text)
            assert search(url, name, filter=words, **{"filter-lang": "cql2-text"}) == expected, (name, text)
        judged += 1
    assert judged > 95

