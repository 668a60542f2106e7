"""Random filters over random items: /stac/search, cql2_match() and brute force in Python with Shapely
(cql2_reference.py) must choose the same items. SENTIER_RANDOM_FILTERS=5000 for a long run, SENTIER_RANDOM_SEED
for other items."""
import json
import os
import random
import subprocess
from pathlib import Path

import pytest
import requests
import cql2_reference as reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import BINARY

COUNT = int(os.environ.get("SENTIER_RANDOM_FILTERS", 300))
SEED = int(os.environ.get("SENTIER_RANDOM_SEED", 3))
PROGRAM = Path(os.environ.get("SENTIER_CQL2_MATCH", BINARY.parent / "tests/stac/cql2_match"))

TYPES = {"id": "string", "collection": "string", "datetime": "timestamp", "geometry": "geometry", "a": "number", "b": "number",
         "eo:cloud_cover": "number", "sat:relative_orbit": "number", "platform": "string", "s": "string", "t": "string",
         "flag": "boolean", "created": "timestamp", "day": "timestamp", "mixed": "any", "other": "any", "list": "array",
         "words": "array"}

# ---- items ----

TEXTS = ["", "a", "A", "ab", "aB", "Ab%", "a_b", "a\\b", "it's", "é", "e\u0301", "É", "straße", "STRASSE", "Straẞe", "Οδός", "ΟΔΟΣ",
         "οδοσ", "Ёлка", "елка", "ЁЛКА", "İ", "ı", "i", "I", "はじめ", "はしめ", "\u212b", "å", "ﬁ", "fi", "a😀b", "a\ufffdb", " a ",
         "100%", "ab\\%", "q\"q", "5", "2024-01-02T00:00:00Z", "ǆ", "Ǆ", "ǅ", "ς", "日本語", "한국", "ä\u0323", "ạ\u0308"]
NUMBERS = [0, 1, 2, 2.5, -1, -2.5, 3, 7, 10, 1e300, -1e300, 1e-300, 0.1, 0.2, 0.3, 100, 12345.678]
TIMES = ["2024-01-01T00:00:00Z", "2024-01-01T23:59:59.999999Z", "2024-01-02T00:00:00Z", "2024-01-02T12:00:00.5Z",
         "2024-01-02T13:00:00+01:00", "2024-01-03T00:00:00Z", "2024-02-29T12:00:00.123456Z", "2023-12-31T23:30:00-00:30",
         "1969-12-31T23:59:59.999999Z", "2030-06-01T00:00:00Z"]
DATES = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-02-29", "1969-12-31"]


def square(x, y, w, h):
    return [[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]]


def random_geometry(r, depth=0):
    def p():
        return [r.randint(0, 6), r.randint(0, 6)]

    def line():
        a, b = p(), p()
        return [a, b if b != a else [a[0] + 1, a[1]]] + [p() for _ in range(r.randint(0, 2))]

    def ring():
        if r.random() < 0.15:  # a bow tie: not valid
            x, y = p()
            return [[x, y], [x + 2, y + 2], [x + 2, y], [x, y + 2], [x, y]]
        return square(r.randint(0, 5), r.randint(0, 5), r.randint(1, 4), r.randint(1, 4))

    if depth == 0 and r.random() < 0.05:
        return {"type": "Polygon", "coordinates": [[[x, y, 100.5] for x, y in square(r.randint(0, 4), 1, 2, 3)]]}
    kinds = ["Point", "LineString", "Polygon", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"]
    kind = r.choice(kinds[:7] if depth else kinds)
    if kind == "GeometryCollection":
        return {"type": kind, "geometries": [random_geometry(r, 1) for _ in range(r.randint(1, 3))]}
    return {"type": kind, "coordinates": {
        "Point": p, "LineString": line,
        "Polygon": lambda: [square(0, 0, 6, 6), square(1, 1, 2, 2)] if r.random() < 0.2 else [ring()],
        "MultiPoint": lambda: [p() for _ in range(r.randint(1, 3))],
        "MultiLineString": lambda: [line() for _ in range(r.randint(1, 2))],
        "MultiPolygon": lambda: [[square(i * 4, 0, 3, 3)] for i in range(r.randint(1, 2))] if r.random() < 0.7 else [[ring()], [ring()]],
    }[kind]()}


def maybe(r, properties, name, choose, absent=0.15):
    chance = r.random()
    if chance > absent:
        properties[name] = choose()
    elif chance < absent / 2:
        properties[name] = None


def random_item(r, number):
    at = r.choice(TIMES)
    properties = {"datetime": at}
    if r.random() < 0.5:
        start, end = sorted([r.choice(TIMES), r.choice(TIMES)], key=reference.microseconds)
        properties |= {"start_datetime": start, "end_datetime": end}
        inside = [t for t in TIMES if reference.microseconds(start) <= reference.microseconds(t) <= reference.microseconds(end)]
        properties["datetime"] = r.choice(inside + [None])
    for name in ("a", "b", "eo:cloud_cover"):
        maybe(r, properties, name, lambda: r.choice(NUMBERS[:12] if name != "eo:cloud_cover" else [0, 5, 10.5, 50, 100]))
    maybe(r, properties, "sat:relative_orbit", lambda: r.randint(1, 5))
    maybe(r, properties, "platform", lambda: r.choice(["sentinel-1a", "Sentinel-2B", "landsat-8"]))
    maybe(r, properties, "s", lambda: r.choice(TEXTS))
    maybe(r, properties, "t", lambda: r.choice(TEXTS))
    maybe(r, properties, "flag", lambda: r.random() < 0.5)
    maybe(r, properties, "created", lambda: r.choice(TIMES))
    maybe(r, properties, "day", lambda: r.choice(DATES))
    for name in ("mixed", "other"):
        maybe(r, properties, name, lambda: r.choice([1, 2.5, "a", "1", True, False, [1], {"x": 1}, "b", 2]))
    maybe(r, properties, "list", lambda: [r.choice([1, 2, 2.0, "a", "b", True, None, [1, 2], [1]]) for _ in range(r.randint(0, 4))])
    maybe(r, properties, "words", lambda: [r.choice(["a", "b", "c"]) for _ in range(r.randint(0, 3))])
    item = {"type": "Feature", "stac_version": "1.0.0", "id": f"item-{number:03}", "collection": "random",
            "geometry": None, "properties": properties, "links": [], "assets": {}}
    if r.random() > 0.1:
        item["geometry"] = random_geometry(r)
        item["bbox"] = list(reference.shape(item["geometry"]).bounds)
    if r.random() < 0.05:  # drawn straight across 180 degrees
        item["geometry"] = {"type": "Polygon", "coordinates": [[[178, 0], [-178, 0], [-178, 5], [178, 5], [178, 0]]]}
        item["bbox"] = [178, 0, -178, 5]
    return item


# The service learns the types of properties from what it sees: one item has each as it is meant.
TELLING = {"a": 1.5, "b": 1.5, "eo:cloud_cover": 1.5, "sat:relative_orbit": 1, "platform": "x", "s": "x", "t": "x", "flag": True,
           "created": "2020-01-01T00:00:00Z", "day": "2020-01-01", "mixed": 1, "other": "x", "list": [], "words": []}


class Three:
    """The three that must agree."""

    def __init__(self, service, folder):
        r = random.Random(SEED)
        items = [random_item(r, n) for n in range(150)]
        items.append({**random_item(r, 150), "properties": {"datetime": TIMES[0], **TELLING}})
        items.append({**random_item(r, 151), "properties": {"datetime": TIMES[0], **TELLING, "mixed": "x", "other": 1}})
        collection = {"type": "Collection", "stac_version": "1.0.0", "id": "random", "description": "Random items.",
                      "license": "other", "links": [], "extent": {"spatial": {"bbox": [[-180, -90, 180, 90]]},
                                                                  "temporal": {"interval": [["1960-01-01T00:00:00Z", None]]}}}
        (folder / "collection.json").write_text(json.dumps(collection))
        (folder / "items.ndjson").write_text("".join(json.dumps(i) + "\n" for i in items))
        (folder / "types.json").write_text(json.dumps(TYPES))
        service.command("catalog", "add", folder / "collection.json", folder / "items.ndjson")
        self.items = [(i["id"], reference.Evaluation(reference.Item(i), TYPES)) for i in items]
        self.url = service.base + "/stac/search"
        self.session = requests.Session()
        self.program = subprocess.Popen([str(PROGRAM), str(folder / "types.json"), str(folder / "items.ndjson")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def by_brute_force(self, expression):
        return {name for name, evaluation in self.items if evaluation.value(expression) is True}

    def by_search(self, language, words):
        answer = self.session.post(self.url, json={"collections": ["random"], "limit": 1000, "filter": words,
                                                   "filter-lang": f"cql2-{language}"}, timeout=60)
        assert answer.status_code == 200, answer.text
        return {feature["id"] for feature in answer.json()["features"]}

    def by_match(self, language, words):
        self.program.stdin.write(json.dumps({language: words}) + "\n")
        self.program.stdin.flush()
        answer = json.loads(self.program.stdout.readline())
        assert "ids" in answer, answer
        return set(answer["ids"])


@pytest.fixture(scope="module")
def three(make_service, tmp_path_factory):
    if not PROGRAM.exists():
        pytest.skip(f"{PROGRAM} is not built (make check)")
    three = Three(make_service(workers=1), tmp_path_factory.mktemp("random"))
    yield three
    three.program.stdin.close()
    three.program.wait()


# ---- expressions ----

def prop(*names):
    return st.sampled_from([("prop", n) for n in names])


def call(op, *arguments):
    return st.tuples(st.just(op), *arguments)


def instant(text):
    return ("date" if len(text) == 10 else "time", reference.microseconds(text)[0], text)


number_leaves = st.one_of(prop("a", "b", "eo:cloud_cover", "sat:relative_orbit"), st.sampled_from(NUMBERS).map(lambda n: ("num", n)))
text_leaves = st.one_of(prop("s", "t", "platform", "id"), st.sampled_from(TEXTS).map(lambda s: ("str", s)))
times = st.one_of(prop("created", "day", "datetime"), st.sampled_from(TIMES + DATES).map(instant))
ends = st.one_of(prop("created", "day"), st.sampled_from(TIMES + DATES).map(instant))
lists = st.one_of(prop("list", "words"), st.lists(
    st.sampled_from([("num", 1), ("num", 2), ("str", "a"), ("str", "b"), ("bool", True), ("prop", "a"), ("prop", "s"), ("prop", "mixed"),
                     ("array", ("num", 1), ("num", 2)), ("array", ("num", 1)), ("array",), instant("2024-01-01"),
                     ("add", ("prop", "b"), ("num", 1)), ("lower", ("prop", "s"))]), max_size=3).map(lambda e: ("array", *e)))


def in_order(pair):
    ends_ = [e for e in pair if e[0] in ("time", "date")]
    swapped = len(ends_) == 2 and reference.microseconds(pair[0][2])[0] > reference.microseconds(pair[1][2])[1]
    return ("interval", *(pair[::-1] if swapped else pair))


def pair_in_order(pair):
    """Open ends stay where they are."""
    return in_order(list(pair))


intervals = st.one_of(st.just(("prop", "datetime")),
                      st.tuples(st.one_of(ends, st.just(("open",))), st.one_of(ends, st.just(("open",)))).map(pair_in_order))
geometry_literals = st.one_of(
    st.integers(0, 10**6).map(lambda n: ("geom", random_geometry(random.Random(n)))),
    st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(1, 4), st.integers(1, 4)).map(
        lambda b: ("bbox", [b[0], b[1], b[0] + b[2], b[1] + b[3]])),
    st.sampled_from([("bbox", [170, -10, 3, 10]), ("bbox", [-179, 1, 3, 2]), ("geom", {"type": "Point", "coordinates": [179, 2]}),
                     ("geom", {"type": "Point", "coordinates": [2, 2, 7.5]})]))
geometries = st.one_of(st.just(("prop", "geometry")), geometry_literals, call("centroid", st.just(("prop", "geometry"))))
booleans = st.one_of(prop("flag"), st.booleans().map(lambda b: ("bool", b)))

texts = st.recursive(text_leaves, lambda inner: st.one_of(
    call("casei", inner), call("accenti", inner), call("lower", inner), call("upper", inner), call("trim", inner),
    call("concat", inner, inner)), max_leaves=3)
numbers = st.recursive(
    st.one_of(number_leaves, call("length", texts), call("size", prop("list", "words")),
              st.sampled_from(["year", "month", "day", "hour", "doy"]).flatmap(lambda f: call(f, times))),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(sorted(reference.ARITHMETIC)), inner, inner),
        st.tuples(st.sampled_from(["abs", "ceil", "floor", "round", "sqrt"]), inner)), max_leaves=4)
comparison = st.sampled_from(sorted(reference.COMPARISONS))
mixed = prop("mixed", "other")
patterns = st.one_of(st.sampled_from(TEXTS), st.sampled_from(["%", "a%", "%b", "_", "a_b", "A%", "%\\%", "a\\_b", "%\\\\%", "%ß%", "%δ%", "a\\b", "__", "%_%"]))


# the same folding on both sides of LIKE, or none
folded = st.tuples(st.sampled_from(["", "casei", "accenti"]), texts, patterns.map(lambda p: ("str", p))).map(
    lambda c: ("like", c[1], c[2]) if not c[0] else ("like", (c[0], c[1]), (c[0], c[2])))


predicates = st.one_of(
    st.tuples(comparison, numbers, numbers), st.tuples(comparison, texts, texts), st.tuples(comparison, booleans, booleans),
    st.tuples(st.sampled_from(["eq", "ne"]), texts.map(lambda e: ("casei", e)), texts.map(lambda e: ("casei", e))),
    st.tuples(st.sampled_from(["eq", "ne"]), texts.map(lambda e: ("accenti", e)), texts.map(lambda e: ("accenti", e))),
    st.tuples(comparison, times, times), st.tuples(comparison, mixed, mixed), st.tuples(comparison, mixed, number_leaves),
    st.tuples(comparison, text_leaves, mixed),
    call("between", numbers, numbers, numbers), call("between", texts, texts, texts), call("between", times, times, times),
    st.tuples(numbers, st.lists(numbers, max_size=3)).map(lambda c: ("in", c[0], *c[1])),
    st.tuples(texts, st.lists(texts, min_size=1, max_size=3)).map(lambda c: ("in", c[0], *c[1])),
    st.tuples(prop("platform", "sat:relative_orbit", "collection"), st.integers(0, 3)).map(
        lambda c: ("in", c[0], *([("num", n) for n in range(c[1])] if c[0][1] == "sat:relative_orbit"
                                 else [("str", s) for s in ["random", "Sentinel-2B", "landsat-8"][:c[1]]]))),
    st.tuples(times, st.lists(times, min_size=1, max_size=3)).map(lambda c: ("in", c[0], *c[1])),
    folded,
    st.tuples(prop("created", "day"), st.sampled_from(["2024%", "%Z", "_____01-%", "%01:00"])).map(
        lambda c: ("like", ("written", c[0][1]), ("str", c[1]))),
    call("isNull", st.one_of(prop(*TYPES), numbers, texts, intervals.filter(lambda i: i[0] == "interval"))),
    st.tuples(st.sampled_from(reference.SPATIAL), geometries, geometries),
    st.tuples(st.sampled_from(reference.SPATIAL), st.just(("prop", "geometry")), geometry_literals),
    st.tuples(st.sampled_from(reference.INSTANTS), st.one_of(times, intervals), st.one_of(times, intervals)),
    st.tuples(st.sampled_from(reference.INTERVALS), intervals, intervals),
    st.tuples(st.sampled_from(reference.ARRAYS), lists, lists))
conditions = st.recursive(predicates, lambda inner: st.one_of(
    st.lists(inner, min_size=2, max_size=3).map(lambda l: ("and", *l)),
    st.lists(inner, min_size=2, max_size=3).map(lambda l: ("or", *l)),
    call("not", inner), call("isNull", inner), st.tuples(st.sampled_from(["eq", "ne"]), inner, inner)), max_leaves=4)


@settings(max_examples=COUNT, deadline=None, derandomize="SENTIER_RANDOM_FILTERS" not in os.environ, database=None,
          suppress_health_check=list(HealthCheck))
@given(conditions, st.booleans())
def test_random_filters(three, expression, in_text):
    words = reference.text(expression) if in_text else reference.as_json(expression)
    language = "text" if in_text else "json"
    expected = three.by_brute_force(expression)
    matched = three.by_match(language, words)
    assert matched == expected, (words, sorted(matched ^ expected))
    found = three.by_search(language, words)
    assert found == expected, (words, sorted(found ^ expected))
