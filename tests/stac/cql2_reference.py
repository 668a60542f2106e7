"""CQL2 by brute force: expressions as Python tuples, written as text and as JSON, and evaluated over an item
with Python's own numbers, strings and sets and Shapely's geometries. Unknown is None. Written from the
standard, SQL's rules and the header of server/cql2/cql2.h alone.

An expression is (operator, argument, ...), or a leaf: ("prop", name), ("written", name of a time that is read as text), ("num", 1.5), ("str", "x"), ("bool", True),
("time", microseconds, text), ("date", microseconds, text), ("open",), ("geom", GeoJSON), ("bbox", numbers)."""
import math
import unicodedata
from datetime import datetime, timedelta, timezone

import shapely
import shapely.ops
from shapely.geometry import shape

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
DAY = 86400 * 10**6
SYMBOLS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "add": "+", "sub": "-", "mul": "*",
           "div": "/", "idiv": "div", "mod": "%", "pow": "^"}
ARITHMETIC = {"add", "sub", "mul", "div", "idiv", "mod", "pow"}
COMPARISONS = {"eq", "ne", "lt", "le", "gt", "ge"}
SPATIAL = ["s_intersects", "s_equals", "s_disjoint", "s_touches", "s_within", "s_overlaps", "s_crosses", "s_contains"]
INSTANTS = ["t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"]
INTERVALS = ["t_contains", "t_during", "t_finishedBy", "t_finishes", "t_meets", "t_metBy", "t_overlappedBy",
             "t_overlaps", "t_startedBy", "t_starts"]
ARRAYS = ["a_equals", "a_contains", "a_containedBy", "a_overlaps"]
FUNCTIONS = ["lower", "upper", "trim", "concat", "length", "abs", "ceil", "floor", "round", "sqrt", "year", "month", "day",
             "hour", "doy", "centroid", "size"]


# ---- writing ----

def number_text(x):
    return repr(x)


def wkt(g):
    def position(p):
        return " ".join(map(number_text, p))

    def listed(c, depth):
        return position(c) if depth == 0 else "(" + ", ".join(listed(x, depth - 1) for x in c) + ")"

    kind = g["type"]
    if kind == "GeometryCollection":
        return "GEOMETRYCOLLECTION(" + ", ".join(wkt(x) for x in g["geometries"]) + ")"
    if kind == "Point":
        return f"POINT({position(g['coordinates'])})"
    depth = {"MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}[kind]
    return kind.upper() + listed(g["coordinates"], depth)


def quoted(s):
    return "'" + s.replace("\\", "\\\\").replace("'", "''") + "'"


def end_text(e):
    return "'..'" if e[0] == "open" else quoted(e[2]) if e[0] in ("time", "date") else text(e)


def text(e):
    op, *args = e
    if op in ("prop", "written"):
        return f'"{args[0]}"'
    if op == "num":
        return number_text(args[0])
    if op == "str":
        return quoted(args[0])
    if op == "bool":
        return str(args[0])
    if op in ("time", "date"):
        return f"{'TIMESTAMP' if op == 'time' else 'DATE'}('{args[1]}')"
    if op == "geom":
        return wkt(args[0])
    if op == "bbox":
        return "BBOX(" + ",".join(map(number_text, args[0])) + ")"
    if op == "array":
        return "(" + ", ".join(map(text, args)) + ")"
    if op == "interval":
        return f"INTERVAL({end_text(args[0])}, {end_text(args[1])})"
    if op in ("and", "or"):
        return f" {op.upper()} ".join(f"({text(a)})" for a in args)
    if op == "not":
        return f"NOT ({text(args[0])})"
    if op in SYMBOLS:
        return f"({text(args[0])}) {SYMBOLS[op]} ({text(args[1])})"
    if op == "isNull":
        return f"({text(args[0])}) IS NULL"
    if op == "like":
        return f"{text(args[0])} LIKE {text(args[1])}"
    if op == "between":
        return "({}) BETWEEN ({}) AND ({})".format(*map(text, args))
    if op == "in":
        return f"({text(args[0])}) IN ({', '.join(map(text, args[1:]))})"
    return f"{op.upper() if op not in FUNCTIONS else op}({', '.join(map(text, args))})"


def end_json(e):
    return ".." if e[0] == "open" else e[2] if e[0] in ("time", "date") else as_json(e)


def as_json(e):
    op, *args = e
    if op in ("prop", "written"):
        return {"property": args[0]}
    if op in ("num", "str", "bool", "geom"):
        return args[0]
    if op in ("time", "date"):
        return {"timestamp" if op == "time" else "date": args[1]}
    if op == "bbox":
        return {"bbox": args[0]}
    if op == "array":
        return [as_json(a) for a in args]
    if op == "interval":
        return {"interval": [end_json(args[0]), end_json(args[1])]}
    if op == "in":
        return {"op": "in", "args": [as_json(args[0]), [as_json(a) for a in args[1:]]]}
    return {"op": SYMBOLS.get(op, op), "args": [as_json(a) for a in args]}


# ---- values ----

def microseconds(s):
    """(first, last) of a date or a time."""
    if not isinstance(s, str):
        return None
    if len(s) == 10:
        first = (datetime.fromisoformat(s).replace(tzinfo=timezone.utc) - EPOCH) // timedelta(microseconds=1)
        return first, first + DAY - 1
    at = (datetime.fromisoformat(s.replace("Z", "+00:00")) - EPOCH) // timedelta(microseconds=1)
    return at, at


def part_made_valid(g):
    """Of a polygon: its ring without its holes, wherever they lie."""
    if g.geom_type != "Polygon" or not g.interiors:
        return shapely.make_valid(g)
    holes = [shapely.make_valid(shapely.Polygon(ring)) for ring in g.interiors]
    return shapely.difference(shapely.make_valid(shapely.Polygon(g.exterior)), shapely.union_all(holes))


def made_valid(g, highest):
    """Parts that overlap are one; of an item's geometry only the parts of the highest dimension are kept."""
    if shapely.is_valid(g):
        return shapely.union_all(flat(g)) if g.geom_type == "GeometryCollection" else g
    parts = [p for part in flat(g) for p in flat(part_made_valid(part))]
    most = max(shapely.get_dimensions(p) for p in parts)
    if g.geom_type == "GeometryCollection" and not highest:
        most = None
    return shapely.union_all([p for p in parts if most in (None, shapely.get_dimensions(p))])


def around(g):
    """What was drawn straight across 180 degrees, around the globe."""
    east = shapely.transform(g, lambda c: c + (c[:, :1] < 0) * [360, 0])
    far = shapely.transform(shapely.intersection(east, shapely.box(180, -90, 540, 90)), lambda c: c - [360, 0])
    return shapely.union(shapely.intersection(east, shapely.box(-180, -90, 180, 90)), far)


def flat(g):
    return [p for part in g.geoms for p in flat(part)] if hasattr(g, "geoms") else [g]


def relatable(g):
    return None if g.geom_type == "GeometryCollection" else g


class Item:
    def __init__(self, item):
        self.properties = item["properties"]
        self.item = item
        self.geometry = made_valid(shapely.force_2d(shape(item["geometry"])), True) if item["geometry"] else None
        if self.geometry and item["bbox"][0] > item["bbox"][2]:
            self.geometry = around(self.geometry)

    def raw(self, name):
        if name in ("id", "collection"):
            return self.item[name]
        if name == "geometry":
            return self.geometry
        if name == "datetime":
            return self.properties["datetime"] or self.properties["start_datetime"]
        return self.properties.get(name)

    def span(self):
        at = self.raw("datetime")
        start, end = (self.properties.get(n) or at for n in ("start_datetime", "end_datetime"))
        return microseconds(start)[0], microseconds(end)[1]


def kind_of(v):
    if isinstance(v, bool):
        return "bool"
    return "num" if isinstance(v, (int, float)) else "str" if isinstance(v, str) else type(v).__name__


def same(a, b):
    """JSON equality."""
    if kind_of(a) != kind_of(b):
        return False
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return a == b


# ---- evaluation ----

def arithmetic(op, a, b):
    try:
        if op in ("div", "idiv", "mod"):
            q = a / b
            if q == 0 and a != 0:
                return None
            r = q if op == "div" else math.trunc(q) if op == "idiv" else a - b * float(math.trunc(q))
        else:
            r = {"add": lambda: a + b, "sub": lambda: a - b, "mul": lambda: a * b, "pow": lambda: math.pow(a, b)}[op]()
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    if (op == "mul" and r == 0 and a != 0 and b != 0) or (op == "pow" and r == 0 and a != 0):
        return None
    return float(r) if math.isfinite(r) else None


def casei(s):
    return s.casefold()


def accenti(s):
    kept = [c for c in unicodedata.normalize("NFD", s) if unicodedata.category(c) != "Mn" or c in "\u3099\u309a"]
    return unicodedata.normalize("NFC", "".join(kept))


def like(s, pattern):
    tokens, i = [], 0
    while i < len(pattern):
        c = pattern[i]
        if c == "\\" and i + 1 < len(pattern) and pattern[i + 1] in "%_\\":
            i += 1
            tokens.append(("is", pattern[i]))
        else:
            tokens.append(("any",) if c == "%" else ("one",) if c == "_" else ("is", c))
        i += 1
    reach = {0}  # places in s that the tokens so far may end at
    for token in tokens:
        if token[0] == "any":
            reach = set(range(min(reach), len(s) + 1)) if reach else set()
        else:
            reach = {p + 1 for p in reach if p < len(s) and (token[0] == "one" or s[p] == token[1])}
    return len(s) in reach


def call(name, args):
    if any(a is None for a in args):
        return None
    x = args[0]
    if name in ("year", "month", "day", "hour", "doy"):
        at = EPOCH + timedelta(microseconds=x[0])
        return float(at.timetuple().tm_yday if name == "doy" else getattr(at, name))
    if name == "sqrt":
        return math.sqrt(x) if x >= 0 else None
    return {
        "lower": lambda: x.lower(), "upper": lambda: x.upper(), "trim": lambda: x.strip(" "),
        "concat": lambda: x + args[1], "length": lambda: float(len(x)), "abs": lambda: abs(x),
        "ceil": lambda: float(math.ceil(x)), "floor": lambda: float(math.floor(x)), "round": lambda: float(round(x)),
        "centroid": lambda: shapely.centroid(x), "size": lambda: float(len(x)),
    }[name]()


def negate(t):
    return None if t is None else not t


def conjunction(ts):
    ts = list(ts)
    return False if False in ts else None if None in ts else True


def compare(op, a, b):
    if a is None or b is None:
        return None
    if isinstance(a, tuple):  # times
        a, b = a[0], b[0]
    return {"eq": a == b, "ne": a != b, "lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[op]


def compare_json(op, a, b):
    return compare(op, a, b) if kind_of(a) == kind_of(b) and kind_of(a) in ("num", "str", "bool") else None


def relate(op, a, b):
    if a is None or b is None:
        return None
    if op not in ("s_intersects", "s_disjoint"):
        a, b = relatable(a), relatable(b)
        if a is None or b is None:
            return None
    if "GeometryCollection" in (a.geom_type, b.geom_type):  # GEOS may fail on the whole
        met = any(shapely.intersects(p, q) for p in flat(a) for q in flat(b))
        return met if op == "s_intersects" else not met
    return bool(getattr(shapely, op[2:])(a, b))


def spans(op, a, b):
    (s1, e1), (s2, e2) = a, b
    rules = {
        "t_after": [("gt", s1, e2)], "t_before": [("lt", e1, s2)],
        "t_intersects": [("le", s1, e2), ("ge", e1, s2)], "t_equals": [("eq", s1, s2), ("eq", e1, e2)],
        "t_contains": [("lt", s1, s2), ("gt", e1, e2)], "t_during": [("gt", s1, s2), ("lt", e1, e2)],
        "t_finishes": [("gt", s1, s2), ("eq", e1, e2)], "t_finishedBy": [("lt", s1, s2), ("eq", e1, e2)],
        "t_meets": [("eq", e1, s2)], "t_metBy": [("eq", s1, e2)],
        "t_overlaps": [("lt", s1, s2), ("gt", e1, s2), ("lt", e1, e2)],
        "t_overlappedBy": [("gt", s1, s2), ("lt", s1, e2), ("gt", e1, e2)],
        "t_starts": [("eq", s1, s2), ("lt", e1, e2)], "t_startedBy": [("eq", s1, s2), ("gt", e1, e2)],
    }
    if op == "t_disjoint":
        return negate(spans("t_intersects", a, b))
    return conjunction(compare(*rule) for rule in rules[op])


class Evaluation:
    """Over one item; `types` says what each property is read as."""

    def __init__(self, item, types):
        self.item, self.types = item, types

    def prop(self, name):
        v, kind = self.item.raw(name), self.types[name]
        if v is None:
            return None
        if kind == "number":
            return float(v) if kind_of(v) == "num" else None
        if kind == "timestamp":
            return microseconds(v)
        if kind == "any":
            return v
        return v if kind in ("geometry",) or kind_of(v) == {"string": "str", "boolean": "bool", "array": "list"}[kind] else None

    def span(self, e):
        """(start, end) of what a temporal operator is given; None for ends that are unknown."""
        if e == ("prop", "datetime"):
            return self.item.span()
        if e[0] == "interval":
            start = -math.inf if e[1][0] == "open" else (self.value(e[1]) or (None,))[0]
            end = math.inf if e[2][0] == "open" else (self.value(e[2]) or (None,))[-1]
            return start, end
        return self.value(e) or (None, None)

    def element(self, e):
        if e[0] == "array":
            return self.array(e)
        if e[0] in ("time", "date"):
            return e[2]
        return self.item.raw(e[1]) if e[0] == "prop" else self.value(e)

    def array(self, e):
        if e[0] != "array":
            return self.value(e)
        elements = [self.element(x) for x in e[1:]]
        return None if any(x is None for x in elements) else elements

    def arrays(self, op, a, b):
        a, b = self.array(a), self.array(b)
        if a is None or b is None:
            return None
        def within(x, y):
            return all(any(same(i, j) for j in y) for i in x)
        return {"a_equals": lambda: within(a, b) and within(b, a), "a_contains": lambda: within(b, a),
                "a_containedBy": lambda: within(a, b), "a_overlaps": lambda: any(same(i, j) for i in a for j in b)}[op]()

    def null(self, e):
        if e[0] == "prop":
            return self.item.raw(e[1]) is None
        if e[0] == "interval":
            return None in self.span(e)
        return self.value(e) is None

    def value(self, e):
        op, *args = e
        if op == "prop":
            return self.prop(args[0])
        if op == "written":
            return self.item.raw(args[0])
        if op in ("num", "str", "bool"):
            return args[0]
        if op == "time":
            return args[0], args[0]
        if op == "date":
            return args[0], args[0] + DAY - 1
        if op == "geom":
            return made_valid(shape(args[0]), False)
        if op == "bbox":
            w, s, e_, n = args[0]
            return shapely.box(w, s, e_, n) if w <= e_ else shapely.MultiPolygon([shapely.box(w, s, 180, n), shapely.box(-180, s, e_, n)])
        if op == "and":
            return conjunction(map(self.value, args))
        if op == "or":
            return negate(conjunction(negate(self.value(a)) for a in args))
        if op == "not":
            return negate(self.value(args[0]))
        if op == "isNull":
            return self.null(args[0])
        if op in INSTANTS or op in INTERVALS:
            return spans(op, self.span(args[0]), self.span(args[1]))
        if op in ARRAYS:
            return self.arrays(op, *args)
        values = [self.value(a) for a in args]
        if op in FUNCTIONS:
            return call(op, values)
        if op in ARITHMETIC:
            return None if None in values else arithmetic(op, *map(float, values))
        if op in COMPARISONS:
            mixed = all(a[0] == "prop" and self.types[a[1]] == "any" for a in args)
            return (compare_json if mixed else compare)(op, *self.narrowed(args, values))
        if op == "between":
            v = self.narrowed(args, values)
            return conjunction([compare("ge", v[0], v[1]), compare("le", v[0], v[2])])
        if op == "in":
            v = self.narrowed(args, values)
            return negate(conjunction(negate(compare("eq", v[0], x)) for x in v[1:]))
        if op == "like":
            return None if None in values else like(*values)
        if op in ("casei", "accenti"):
            return None if values[0] is None else {"casei": casei, "accenti": accenti}[op](values[0])
        return relate(op, *values)

    def narrowed(self, args, values):
        """Properties of mixed types are read as what they are compared with."""
        wanted = {kind_of(v) for a, v in zip(args, values)
                  if v is not None and not (a[0] == "prop" and self.types[a[1]] == "any")}
        if not wanted:
            known = any(not (a[0] == "prop" and self.types[a[1]] == "any") for a in args)
            return [None] * len(values) if known else values
        return [v if kind_of(v) in wanted else None for v in values]
