"""openEO processes, written down from their definitions for tests: slow, plain, no NumPy. A cube is
Cube(dims, data): dims are (name, labels) pairs, the last two are y and x; data maps tuples of labels to
a number, a truth value or None. Callbacks are evaluated for each cell by walking the JSON. As in the
engine, a NaN in a cube is no-data."""
import math
from collections import namedtuple
from itertools import product

Cube = namedtuple("Cube", "dims data")


def none_of(value):
    return None if isinstance(value, float) and math.isnan(value) else value


def passing(function):
    """Null in, null out; what has no result is NaN, hence no-data."""
    def run(*args):
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
    "count": lambda data, condition=None: len(data) if condition is True else sum(map(is_valid, data)),
    "array_element": lambda data, index: data[index],
    "array_create": lambda data: data,
}


def walk(graph, bound):
    """The result of a callback."""
    done = {}

    def resolve(value):
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
            done[name] = VALUES[node["process_id"]](**arguments) if _named(node["process_id"]) else \
                VALUES[node["process_id"]](*arguments.values())
        return done[name]

    return run(next(n for n, v in graph["process_graph"].items() if v.get("result")))


def _named(process):
    return process in ("if", "first", "last", "any", "all", "count", "array_element", "array_create", "mean",
                       "median", "sum", "min", "max", "product", "variance", "sd")


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
        line = [cube.data[key[:at] + (label,) + key[at:]] for label in cube.dims[at][1]]
        yield key, walk(process, {"data": line})


def reduce_dimension(cube, dimension, process):
    at = names(cube).index(dimension)
    return Cube(cube.dims[:at] + cube.dims[at + 1:], dict(along(cube, dimension, process)))


def apply_dimension(cube, dimension, process):
    at = names(cube).index(dimension)
    results = dict(along(cube, dimension, process))
    n = len(next(iter(results.values())))
    labels = cube.dims[at][1] if n == len(cube.dims[at][1]) else list(range(n))
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
        more = dict(two.dims).get(name, [])
        labels = labels + [m for m in more if m not in labels]
        dims.append((name, sorted(labels) if name in ("t", "x", "y") else labels))
    for name, labels in two.dims:
        if name not in names(one):
            dims.insert(len(dims) - 2, (name, labels))
    at = [[n for n, _ in dims].index(n) for n in names(one)], [[n for n, _ in dims].index(n) for n in names(two)]
    data = {}
    for key in cells(dims):
        k1, k2 = (tuple(key[i] for i in a) for a in at)
        if k1 in one.data and k2 in two.data:
            data[key] = walk(resolver, {"x": one.data[k1], "y": two.data[k2]})
        else:
            data[key] = one.data.get(k1, two.data.get(k2))
    return Cube(dims, data)
