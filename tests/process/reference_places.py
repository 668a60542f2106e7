"""The reference evaluator's processes that look at where pixels lie."""
import math
from itertools import product

from reference import Cube, cells, is_valid, walk


def reduce_spatial(cube, process):
    rest = cube.dims[:-2]
    ys, xs = cube.dims[-2][1], cube.dims[-1][1]
    return Cube(rest, {k: walk(process, {"data": [cube.data[k + (y, x)] for y in ys for x in xs]}) for k in cells(rest)})


def axis_windows(labels, size, boundary, from_end):
    """The labels of each window along an axis, None for what lies beyond."""
    n = -(-len(labels) // size) if boundary == "pad" else len(labels) // size
    first = len(labels) - n * size if from_end else 0
    return [[labels[i] if 0 <= i < len(labels) else None for i in range(first + k * size, first + (k + 1) * size)] for k in range(n)]


def aggregate_spatial_window(cube, process, size, boundary="pad", align="upper-left"):
    columns = axis_windows(cube.dims[-1][1], size[0], boundary, "right" in align)
    rows = axis_windows(cube.dims[-2][1], size[1], boundary, "lower" in align)
    rest, data = cube.dims[:-2], {}
    for k in cells(rest):
        for i, ys in enumerate(rows):
            for j, xs in enumerate(columns):
                pixels = [cube.data.get(k + (y, x)) for y in ys for x in xs]
                data[k + (f"y{i}", f"x{j}")] = walk(process, {"data": pixels})
    return Cube(rest + [("y", [f"y{i}" for i in range(len(rows))]), ("x", [f"x{j}" for j in range(len(columns))])], data)


def beyond(i, n, border):
    """Which row or column stands for one beyond the border; None: the number that border is."""
    if 0 <= i < n:
        return i
    if border == "replicate":
        return min(max(i, 0), n - 1)
    if border == "wrap":
        return i % n
    if border == "reflect":
        i %= 2 * n
        return min(i, 2 * n - 1 - i)
    if border == "reflect_pixel":
        i = i % (2 * n - 2) if n > 1 else 0
        return min(i, 2 * n - 2 - i)
    return None


def apply_kernel(cube, kernel, border=0, replace_invalid=0, factor=1):
    rest, ys, xs, data = cube.dims[:-2], cube.dims[-2][1], cube.dims[-1][1], {}
    for k in cells(rest):
        for i, j in product(range(len(ys)), range(len(xs))):
            total = 0
            for a, b in product(range(len(kernel)), range(len(kernel[0]))):
                y = beyond(i + a - len(kernel) // 2, len(ys), border)
                x = beyond(j + b - len(kernel[0]) // 2, len(xs), border)
                v = border if y is None or x is None else cube.data[k + (ys[y], xs[x])]
                total += kernel[a][b] * factor * (v if v is not None and math.isfinite(v) else replace_invalid)
            data[k + (ys[i], xs[j])] = total
    return Cube(cube.dims, data)


def apply_neighborhood(cube, function, size, overlap):
    """function makes a cube of a cube; size and overlap are numbers of labels by dimension."""
    def windows(name, labels):
        """(labels of the window, with those around it)"""
        length, more = size.get(name, len(labels)), overlap.get(name, 0)
        for first in range(0, len(labels), length):
            own = labels[first:first + length]
            around = [labels[i] if 0 <= i < len(labels) else (name, i) for i in range(first - more, first + len(own) + more)]
            yield own, around

    data = {}
    for window in product(*(list(windows(name, labels)) for name, labels in cube.dims)):
        dims = [(name, around) for (name, _), (_, around) in zip(cube.dims, window)]
        made = function(Cube(dims, {key: cube.data.get(key) for key in cells(dims)}))
        data.update({key: made.data[key] for key in product(*(own for own, _ in window))})
    return Cube(cube.dims, data)


def lies_in(ring, x, y):
    """Whether a point lies in a ring of corners, by the sides that a line to the right of it meets."""
    found = False
    for (x1, y1), (x2, y2) in zip(ring, ring[1:] + ring[:1]):
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) * (x2 - x1) / (y2 - y1):
            found = not found
    return found


def share_of_pixel(ring, x, y):
    """How much of pixel (x, y) a convex ring covers: what is left of the ring when it is cut at the pixel's four sides."""
    for axis, bound, sign in (0, x, 1), (0, x + 1, -1), (1, y, 1), (1, y + 1, -1):
        kept = []
        for a, b in zip(ring, ring[1:] + ring[:1]):
            da, db = sign * (a[axis] - bound), sign * (b[axis] - bound)
            if da >= 0:
                kept.append(a)
            if (da >= 0) != (db >= 0):
                kept.append(tuple(a[i] + (b[i] - a[i]) * da / (da - db) for i in (0, 1)))
        ring = kept
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1]))) / 2


def pixels_of(cube, ring):
    """(row, column) of those that belong to a geometry in pixel coordinates: a ring, or a single point."""
    rows, columns = dict(cube.dims)["y"], dict(cube.dims)["x"]
    if len(ring) == 1:
        return [(y, x) for y in rows for x in columns if (x, y) == (math.floor(ring[0][0]), math.floor(ring[0][1]))]
    return [(y, x) for y in rows for x in columns if lies_in(ring, x + 0.5, y + 0.5)]


COUNTS = ["value", "total_count", "valid_count"]


def aggregate_spatial(cube, rings, process, target_dimension=None, weighted=None):
    """weighted: "mean" or "sum", where pixels count by the share of them that is covered."""
    rest, labels, data = cube.dims[:-2], [f"{i}: {ring}" for i, ring in enumerate(rings)], {}
    for g, ring in zip(labels, rings):
        pixels = pixels_of(cube, ring)
        shares = dict.fromkeys(pixels, 1)
        if weighted and len(ring) > 1:
            shares = {(y, x): share_of_pixel(ring, x, y) for y in dict(cube.dims)["y"] for x in dict(cube.dims)["x"]}
            shares = {p: share for p, share in shares.items() if share > 0}
        for key in cells(rest):
            values = [(cube.data[key + p], share) for p, share in shares.items()]
            kept = [(v, share) for v, share in values if v is not None]
            if weighted:
                total = sum(v * share for v, share in kept)
                value = None if not kept else total if weighted == "sum" else total / sum(share for _, share in kept)
            else:
                value = walk(process, {"data": [v for v, _ in values]}) if values else None
            found = {"value": value, "total_count": sum(share for _, share in values),
                     "valid_count": sum(share for v, share in values if is_valid(v))}
            for count in COUNTS if target_dimension else COUNTS[:1]:
                data[(g,) + key + ((count,) if target_dimension else ())] = found[count]
    return Cube([("geometry", labels)] + rest + ([(target_dimension, COUNTS)] if target_dimension else []), data)


def covered(cube, rings):
    return {p for ring in rings for p in pixels_of(cube, ring)}


def mask_polygon(cube, rings, replacement=None, inside=False):
    of_mask = covered(cube, rings)
    return Cube(cube.dims, {key: replacement if (key[-2:] in of_mask) == inside and v is not None else v for key, v in cube.data.items()})


def filter_spatial(cube, rings):
    """What lies around is cut off at the bounding box. None when no pixel is left."""
    kept, boxes = covered(cube, rings), set()
    for ring in rings:
        (west, east), (north, south) = ((min(v), max(v)) for v in zip(*ring))
        boxes |= {(y, x) for y in dict(cube.dims)["y"] for x in dict(cube.dims)["x"]
                  if west <= x + 0.5 <= east and north <= y + 0.5 <= south} or set(pixels_of(cube, ring))
    if not boxes:
        return None
    dims = list(cube.dims)
    for at in -2, -1:
        ends = sorted(p[at] for p in boxes)
        dims[at] = (dims[at][0], [label for label in dims[at][1] if ends[0] <= label <= ends[-1]])
    return Cube(dims, {key: cube.data[key] if key[-2:] in kept else None for key in cells(dims)})
