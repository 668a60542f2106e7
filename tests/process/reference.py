"""openEO processes, written down from their definitions for tests: slow, plain, no NumPy. A cube is
Cube(dims, data): dims are (name, labels) pairs, the last two are y and x, or the first one is "geometry"; data maps
tuples of labels to a number, a truth value or None. Callbacks are evaluated for each cell by walking the JSON. As in the
engine, a NaN in a cube is no-data."""
import math
from collections import namedtuple
from datetime import datetime, timedelta, timezone
from itertools import product

Cube = namedtuple("Cube", "dims data")


def none_of(value):
    return None if isinstance(value, float) and math.isnan(value) else value


def passing(function):
    """Null in, null out; what has no result is NaN, hence no-data."""
    def run(*args, **named):
        args += tuple(named.values())
        if any(a is None for a in args):
            return None
        try:
            return none_of(function(*args))
        except ValueError:
            return None
    return run


def divide(x, y):
    if y == 0:
        return None if x == 0 else math.inf * math.copysign(1, x) * math.copysign(1, y)
    return x / y


def kleene_and(x, y):
    return False if x is False or y is False else None if x is None or y is None else True


def kleene_or(x, y):
    return True if x is True or y is True else None if x is None or y is None else False


def reducer(function, empty=None):
    def run(data, ignore_nodata=True):
        kept = [v for v in data if v is not None]
        if len(kept) < len(data) and not ignore_nodata:
            return None
        return none_of(function(kept)) if kept else empty
    return run


def median(v):
    v = sorted(v)
    return v[len(v) // 2] if len(v) % 2 else (v[len(v) // 2 - 1] + v[len(v) // 2]) / 2


def variance(v):
    if len(v) == 1:
        return math.nan
    mean = sum(v) / len(v)
    return sum((x - mean) ** 2 for x in v) / (len(v) - 1)


def end(data, ignore_nodata, step):
    for v in data[::step]:
        if v is not None or not ignore_nodata:
            return v
    return None


def quantifier(data, ignore_nodata, fold, start):
    result = start
    for v in data:
        if v is not None or not ignore_nodata:
            result = fold(result, v)
    return result


def is_valid(x):
    return x is not None and (isinstance(x, bool) or math.isfinite(x))


class Array(list):
    """An array with labels."""
    labels = None


def labelled(items, labels):
    array = Array(items)
    array.labels = labels
    return array


def labels_of(data):
    labels = getattr(data, "labels", None)
    return [None] * len(data) if labels is None else labels


def like(data, items):
    return labelled(items, getattr(data, "labels", None))


def array_apply(data, process):
    return like(data, [walk(process, {"x": x, "index": i, "label": l})
                       for i, (x, l) in enumerate(zip(data, labels_of(data)))])


def array_filter(data, condition):
    kept = [(x, l) for i, (x, l) in enumerate(zip(data, labels_of(data)))
            if walk(condition, {"x": x, "index": i, "label": l}) is True]
    return labelled([x for x, _ in kept], [l for _, l in kept] if getattr(data, "labels", None) else None)


def order(data, asc=True, nodata=None):
    valid = [i for i, v in enumerate(data) if v is not None]
    none = [i for i, v in enumerate(data) if v is None]
    valid.sort(key=lambda i: (data[i] if asc else -data[i], i))
    return valid if nodata is None else valid + none if nodata else none + valid


def rearrange(data, order):
    return [data[i] if i is not None and 0 <= i < len(data) else None for i in order]


def quantiles(data, probabilities, ignore_nodata=True):
    if isinstance(probabilities, int):
        probabilities = [i / probabilities for i in range(1, probabilities)]
    kept = sorted(v for v in data if v is not None)
    if not kept or (len(kept) < len(data) and not ignore_nodata):
        return [None] * len(probabilities)
    result = []
    for p in probabilities:
        at = (len(kept) - 1) * p
        low = math.floor(at)
        g = at - low
        result.append(none_of(kept[low] if g == 0 else (1 - g) * kept[low] + g * kept[low + 1]))
    return result


def running(step):
    def run(data, ignore_nodata=True):
        result, total, gone = [], None, False
        for v in data:
            gone = gone or (v is None and not ignore_nodata)
            if v is None or gone:
                result.append(None)
                continue
            total = v if total is None else step(total, v)
            result.append(none_of(total))
        return like(data, result)
    return run


STARTS = {}  # of labels that are no dates: when their period or interval begins


def instant(label):
    """When a temporal label is, or None for other texts."""
    if label in STARTS:
        return STARTS[label]
    try:
        at = datetime.fromisoformat(label.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


def place(label, index):
    if isinstance(label, str):
        at = instant(label)
        return index if at is None else at.timestamp()
    return index if label is None else label


def interpolate(data):
    x = [place(l, i) for i, l in enumerate(labels_of(data))]
    known = [i for i, v in enumerate(data) if v is not None]
    result = list(data)
    for a, b in zip(known, known[1:]):
        for i in range(a + 1, b):
            g = (x[i] - x[a]) / (x[b] - x[a])
            result[i] = none_of((1 - g) * data[a] + g * data[b])
    return like(data, result)


def find(data, value, reverse=False):
    found = [i for i, v in enumerate(data) if v is not None and value is not None and v == value
             and isinstance(v, bool) == isinstance(value, bool)]
    return (found[-1] if reverse else found[0]) if found else None


VALUES = {
    "add": passing(lambda x, y: x + y),
    "subtract": passing(lambda x, y: x - y),
    "multiply": passing(lambda x, y: x * y),
    "divide": passing(divide),
    "absolute": passing(abs),
    "sqrt": passing(math.sqrt),
    "floor": passing(math.floor),
    "ceil": passing(math.ceil),
    "sgn": passing(lambda x: (x > 0) - (x < 0)),
    "mod": passing(lambda x, y: x - y * math.floor(x / y)),
    "clip": passing(lambda x, min, max: min if x < min else max if x > max else x),
    "normalized_difference": passing(lambda x, y: divide(x - y, x + y)),
    "gt": passing(lambda x, y: x > y),
    "gte": passing(lambda x, y: x >= y),
    "lt": passing(lambda x, y: x < y),
    "lte": passing(lambda x, y: x <= y),
    "eq": passing(lambda x, y: x == y),
    "neq": passing(lambda x, y: x != y),
    "between": passing(lambda x, min, max: min <= x <= max),
    "and": kleene_and,
    "or": kleene_or,
    "xor": passing(lambda x, y: x != y),
    "not": passing(lambda x: not x),
    "if": lambda value, accept, reject=None: accept if value is True else reject,
    "is_nodata": lambda x: x is None,
    "is_nan": lambda x: x is None,
    "is_valid": is_valid,
    "constant": lambda x: x,
    "mean": reducer(lambda v: sum(v) / len(v)),
    "median": reducer(median),
    "sum": reducer(sum),
    "min": reducer(min),
    "max": reducer(max),
    "product": reducer(math.prod),
    "variance": reducer(variance),
    "sd": reducer(lambda v: math.sqrt(variance(v))),
    "first": lambda data, ignore_nodata=True: end(data, ignore_nodata, 1),
    "last": lambda data, ignore_nodata=True: end(data, ignore_nodata, -1),
    "any": lambda data, ignore_nodata=True: quantifier(data, ignore_nodata, kleene_or, False),
    "all": lambda data, ignore_nodata=True: quantifier(data, ignore_nodata, kleene_and, True),
    "count": lambda data, condition=None: len(data) if condition is True else sum(map(is_valid, data)) if condition is None
    else sum(walk(condition, {"x": v}) is True for v in data),
    "array_element": lambda data, index, return_nodata=False: data[index] if index < len(data) else None,
    "array_create": lambda data: data,
    "array_apply": array_apply,
    "array_filter": array_filter,
    "array_append": lambda data, value: list(data) + [value],
    "array_concat": lambda array1, array2: list(array1) + list(array2),
    "array_find": find,
    "array_contains": lambda data, value: find(data, value) is not None,
    "array_interpolate_linear": interpolate,
    "array_labels": lambda data: list(data.labels) if getattr(data, "labels", None) else list(range(len(data))),
    "sort": lambda data, asc=True, nodata=None: [data[i] for i in order(data, asc, nodata)],
    "order": order,
    "rearrange": rearrange,
    "quantiles": quantiles,
    "extrema": lambda data, ignore_nodata=True: quantiles(data, [0, 1], ignore_nodata),
    "cumsum": running(lambda a, b: a + b),
    "cumproduct": running(lambda a, b: a * b),
    "cummin": running(min),
    "cummax": running(max),
}


def walk(graph, bound):
    """The result of a callback."""
    done = {}

    def resolve(value):
        if isinstance(value, dict) and "process_graph" in value:
            return value  # a callback
        if isinstance(value, list):
            return [resolve(v) for v in value]
        if isinstance(value, dict) and "from_parameter" in value:
            return bound[value["from_parameter"]]
        if isinstance(value, dict) and "from_node" in value:
            return run(value["from_node"])
        return value

    def run(name):
        if name not in done:
            node = graph["process_graph"][name]
            arguments = {k: resolve(v) for k, v in node["arguments"].items()}
            done[name] = VALUES[node["process_id"]](**arguments)
        return done[name]

    return run(next(n for n, v in graph["process_graph"].items() if v.get("result")))


def names(cube):
    return [n for n, _ in cube.dims]


def cells(dims):
    return product(*(labels for _, labels in dims))


def apply(cube, process):
    return Cube(cube.dims, {k: walk(process, {"x": v}) for k, v in cube.data.items()})


def along(cube, dimension, process):
    """(key without the dimension, result) for each line of cells."""
    at = names(cube).index(dimension)
    rest = cube.dims[:at] + cube.dims[at + 1:]
    for key in cells(rest):
        line = labelled([cube.data[key[:at] + (label,) + key[at:]] for label in cube.dims[at][1]], cube.dims[at][1])
        yield key, walk(process, {"data": line})


def reduce_dimension(cube, dimension, process):
    at = names(cube).index(dimension)
    return Cube(cube.dims[:at] + cube.dims[at + 1:], dict(along(cube, dimension, process)))


def apply_dimension(cube, dimension, process, most=None, target_dimension=None):
    """most: how long the results can be, where it depends on the values; the rest is no-data. A target dimension takes the
    values in the place of the source, for each label that it has."""
    at = names(cube).index(dimension)
    results = dict(along(cube, dimension, process))
    n = len(next(iter(results.values()))) if most is None else most
    results = {k: list(v) + [None] * (n - len(v)) for k, v in results.items()}
    if target_dimension is not None:
        rest = cube.dims[:at] + cube.dims[at + 1:]
        if target_dimension not in dict(rest):
            to = len(rest) - 2 if "x" in dict(rest) else len(rest)
            rest.insert(to, (target_dimension, [None]))
            results = {k[:to] + (None,) + k[to:]: v for k, v in results.items()}
        to = [name for name, _ in rest].index(target_dimension)
        old = rest[to][1]
        rest[to] = (target_dimension, list(range(n * len(old))))
        return Cube(rest, {k[:to] + (old.index(k[to]) * n + i,) + k[to + 1:]: x for k, v in results.items() for i, x in enumerate(v)})
    labels = cube.dims[at][1] if n == len(cube.dims[at][1]) and most is None else list(range(n))
    data = {key[:at] + (label,) + key[at:]: v[i] for key, v in results.items() for i, label in enumerate(labels)}
    return Cube(cube.dims[:at] + [(dimension, labels)] + cube.dims[at + 1:], data)


def mask(cube, other, replacement=None):
    at = [names(cube).index(n) for n in names(other)]
    data = {}
    for key, v in cube.data.items():
        m = other.data.get(tuple(key[i] for i in at))
        data[key] = replacement if m is not None and m is not False and m != 0 else v
    return Cube(cube.dims, data)


def pick(cube, dimension, labels):
    at = names(cube).index(dimension)
    dims = list(cube.dims)
    dims[at] = (dimension, labels)
    return Cube(dims, {k: cube.data[k] for k in cells(dims)})


def merge_cubes(one, two, resolver):
    dims = []
    for name, labels in one.dims:
        more = [m for m in dict(two.dims).get(name, []) if m not in labels]
        dims.append((name, sorted(labels + more) if more and name in ("t", "x", "y") else labels + more))
    for name, labels in two.dims:
        if name not in names(one):
            dims.insert(len(dims) - 2 if "x" in names(one) else len(dims), (name, labels))
    at = [[n for n, _ in dims].index(n) for n in names(one)], [[n for n, _ in dims].index(n) for n in names(two)]
    data = {}
    for key in cells(dims):
        k1, k2 = (tuple(key[i] for i in a) for a in at)
        if k1 in one.data and k2 in two.data:
            data[key] = walk(resolver, {"x": one.data[k1], "y": two.data[k2]})
        else:
            data[key] = one.data.get(k1, two.data.get(k2))
    return Cube(dims, data)


SEASONS = {12: "djf", 1: "djf", 2: "djf", 3: "mam", 4: "mam", 5: "mam", 6: "jja", 7: "jja", 8: "jja", 9: "son", 10: "son",
           11: "son"}


def period_of(at, period):
    """The label of the period that an instant lies in."""
    if period == "hour":
        return at.strftime("%Y-%m-%d-%H")
    if period == "day":
        return at.strftime("%Y-%j")
    if period == "week":
        return "%04d-%02d" % at.isocalendar()[:2]
    if period == "dekad":
        return "%04d-%02d" % (at.year, 3 * (at.month - 1) + (1 if at.day <= 10 else 2 if at.day <= 20 else 3))
    if period == "month":
        return at.strftime("%Y-%m")
    if period == "season":
        return "%04d-%s" % (at.year - (at.month < 3), SEASONS[at.month])
    if period == "tropical-season":
        return "%04d-%s" % (at.year - (at.month < 5), "mjjaso" if 5 <= at.month <= 10 else "ndjfma")
    if period == "year":
        return "%04d" % at.year
    return "%04d" % (at.year - at.year % 10 if period == "decade" else (at.year - 1) // 10 * 10 + 1)


def along_groups(cube, dimension, groups, process):
    """groups: (new label, old labels)."""
    at = names(cube).index(dimension)
    dims = cube.dims[:at] + [(dimension, [g for g, _ in groups])] + cube.dims[at + 1:]
    data = {}
    for key in cells(cube.dims[:at] + cube.dims[at + 1:]):
        for label, members in groups:
            line = labelled([cube.data[key[:at] + (m,) + key[at:]] for m in members], members)
            data[key[:at] + (label,) + key[at:]] = walk(process, {"data": line})
    return Cube(dims, data)


def aggregate_temporal_period(cube, dimension, period, process):
    labels = dict(cube.dims)[dimension]
    first, last = min(map(instant, labels)), max(map(instant, labels))
    groups, at = {}, first
    while period_of(at, period) != period_of(last, period):  # hour by hour, which is slow and sure
        groups.setdefault(period_of(at, period), [])
        at += timedelta(hours=1)
    groups.setdefault(period_of(last, period), [])
    for label in labels:
        groups[period_of(instant(label), period)].append(label)
    for label in groups:
        start = at = min([instant(m) for m in groups[label]] or [first])
        if not groups[label]:
            while period_of(at, period) != label:
                at += timedelta(hours=1)
            start = at
        start = start.replace(minute=0, second=0, microsecond=0)
        while period_of(start - timedelta(hours=1), period) == label:
            start -= timedelta(hours=1)
        STARTS[label] = start
    return along_groups(cube, dimension, list(groups.items()), process)


def aggregate_temporal(cube, dimension, intervals, process):
    def lies(at, start, end):
        if start[2] != ":":
            return instant(start) <= at < instant(end)
        time = at.strftime("%H:%M:%S")
        return start <= time < end if start < end else time >= start or time < end

    groups = [(start, [m for m in dict(cube.dims)[dimension] if lies(instant(m), start, end)]) for start, end in intervals]
    return along_groups(cube, dimension, groups, process)


def resample_cube_temporal(cube, target, dimension, within=None):
    at = names(cube).index(dimension)
    labels, old = dict(target.dims)[dimension], cube.dims[at][1]
    dims = cube.dims[:at] + [(dimension, labels)] + cube.dims[at + 1:]
    data = {}
    for key in cells(dims):
        want = instant(key[at])
        near = sorted(old, key=lambda m: (abs(instant(m) - want), instant(m)))
        if within is None:
            data[key] = cube.data[key[:at] + (near[0],) + key[at + 1:]]
            continue
        values = [cube.data[key[:at] + (m,) + key[at + 1:]] for m in near if abs(instant(m) - want) < timedelta(days=within)]
        data[key] = next((v for v in values if is_valid(v)), None)
    return Cube(dims, data)


def climatological_normal(cube, dimension, period, years):
    """Winters and wet seasons are left out: the test has dates of other ones only."""
    keys = {"month": ["%02d" % m for m in range(1, 13)], "day": ["%03d" % d for d in range(1, 366)],
            "season": ["djf", "mam", "jja", "son"], "tropical-season": ["ndjfma", "mjjaso"]}.get(period, [period])
    mean = {"process_graph": {"m": {"process_id": "mean", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}
    groups = {k: [] for k in keys}
    for label in dict(cube.dims)[dimension]:
        at = instant(label)
        key = period_of(at, period)[5:] if len(groups) > 1 else period
        if at.year in years and key not in ("djf", "ndjfma"):
            groups[key].append(label)
    for k, label in enumerate(groups):
        STARTS[label] = datetime(years[0], 1, 1, tzinfo=timezone.utc) + timedelta(hours=k)
    return along_groups(cube, dimension, list(groups.items()), mean)


def anomaly(cube, normals, dimension):
    at = names(cube).index(dimension)
    data = {}
    for key, v in cube.data.items():
        normal = normals.data.get(key[:at] + (key[at][5:],) + key[at + 1:])
        data[key] = None if v is None or normal is None else v - normal
    return Cube(cube.dims, data)


def flatten_dimensions(cube, dimensions, target):
    kept = [d for d in cube.dims if d[0] not in dimensions]
    spatial = len(kept) - 2
    parts = [dict(cube.dims)[d] for d in dimensions]
    labels = ["~".join(str(p) for p in combination) for combination in product(*parts)]
    dims = kept[:spatial] + [(target, labels)] + kept[spatial:]
    data = {}
    for key, v in cube.data.items():
        of = dict(zip(names(cube), key))
        rest = tuple(of[n] for n, _ in kept)
        data[rest[:spatial] + ("~".join(str(of[d]) for d in dimensions),) + rest[spatial:]] = v
    return Cube(dims, data)


def unflatten_dimension(cube, dimension, targets):
    at = names(cube).index(dimension)
    parts = [list(dict.fromkeys(l.split("~")[i] for l in cube.dims[at][1])) for i in range(len(targets))]
    rest = cube.dims[:at] + cube.dims[at + 1:]
    dims = rest[:-2] + list(zip(targets, parts)) + rest[-2:]
    data = dict.fromkeys(cells(dims))
    for key, v in cube.data.items():
        others = key[:at] + key[at + 1:]
        data[others[:-2] + tuple(key[at].split("~")) + others[-2:]] = v
    return Cube(dims, data)


def trim_cube(cube):
    """None when nothing is left. Labels are names, and go wherever they are, but for numbers in even steps."""
    valid = [key for key, v in cube.data.items() if v is not None]
    if not valid:
        return None
    dims = []
    for at, (name, labels) in enumerate(cube.dims):
        held = [i for i, label in enumerate(labels) if any(key[at] == label for key in valid)]
        if name in ("x", "y") or (name not in ("t", "bands") and len(labels) > 2 and all(isinstance(l, int) for l in labels)):
            held = list(range(held[0], held[-1] + 1))
        dims.append((name, [labels[i] for i in held]))
    return Cube(dims, {key: cube.data[key] for key in cells(dims)})
