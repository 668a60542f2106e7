"""The test vectors of the process definitions (the folder "tests" of openeo-processes, which openeo-test-suite
runs), each through `sentier run`. SENTIER_PROCESS_VECTORS names the folder; without it they are looked for beside
the specifications. What JSON cannot say (NaN, infinities, labelled arrays, cubes) is made by nodes of the graph."""
import json
import math
import os
import pathlib
import re
import subprocess

import numpy
import pytest
import rasterio
from rasterio.transform import from_origin

from conftest import BINARY

json5 = pytest.importorskip("json5")
SHARED = pathlib.Path(os.environ.get("SENTIER_SHARED", "/work/shared"))
FOLDER = pathlib.Path(os.environ.get("SENTIER_PROCESS_VECTORS", SHARED / "specs/openeo/processes/tests"))
OFFERED = {p.stem for p in (pathlib.Path(__file__).parents[2] / "processes/openeo").glob("*.json")}
FILES = sorted(p for p in FOLDER.glob("*.json5") if p.stem in OFFERED)

# Vectors that cannot pass, and why.
APART = {
    ("aggregate_temporal", "5 6 7 8 10"): "the dates of the cube lie in June, those expected in January",
    ("aggregate_temporal", "9"): "'labels' stands inside the reducer",
    ("aggregate_temporal_period", "3 4"): "labels of another period are expected",
    ("aggregate_temporal_period", "8 9"): "the dimension is t2, t is expected",
    ("all", "8"): "by the definition's own example and table the result is no-data",
    ("any", "8"): "by the definition's own example and table the result is no-data",
    ("apply", "2"): "165 is expected where the cube has 255, its no-data value",
    ("apply_dimension", "1"): "165 is expected where the cube has 255, its no-data value",
    ("apply_dimension", "2"): "the cube has no bands",
    ("array_append", "0"): "0 is appended, 1 expected",
    ("array_apply", "8"): "a process 'mulitply'",
    ("array_element", "3"): "label BO2 is asked for, there is B02",
    ("array_filter", "0 5"): "the callback lacks an argument, or gives a number",
    ("array_find", "6"): "3 is the first element",
    ("array_modify", "3"): "length 1 is meant, its default is 0",
    ("filter_bands", "4"): "red and blue are asked for, blue and green expected",
    ("create_data_cube", "0"): "without dimensions there is one value, none is expected",
    ("filter_bands", "2"): "the cube has no labels left, and files of no values are not written (DataCubeEmpty)",
    ("filter_temporal", "5"): "the cube has no labels left, and files of no values are not written (DataCubeEmpty)",
    ("filter_bbox", "0"): "a box without scenes is NoDataAvailable: filters right after a load belong to it",
    ("filter_spatial", "0"): "geometries without scenes are NoDataAvailable: filters right after a load belong to it",
    ("lte", "15"): "infinity is not less than or equal to itself",
    ("mask", ""): "a cube that the vectors refer to is not among them",
    ("mask_polygon", "0 1"): "what is expected of inside and outside is exchanged",
    ("mask_polygon", "6"): "in one plane expected, four pixels are not masked that are in all others",
    ("mod", "16"): "the result has not the sign of the divisor",
    ("product", "10"): "-infinity times infinity is no NaN",
    ("reduce_dimension", "1"): "'from_argument' where 'from_node' is meant",
    ("rename_dimension", "3 4"): "x and y are exchanged",
    ("rename_labels", "5 7"): "the parameter 'target' is not given",
}


# What later vectors expect by definitions before 2.0.0 (openeo-processes, branch add-tests).
NODATA = {"type": "nodata"}
OLDER = {("all", 9): NODATA, ("any", 9): NODATA, **{("is_nan", n): True for n in range(5, 14)}}


def is_apart(process, number, test):
    return OLDER.get((process, number), ...) == test.get("returns") or any(p == process and (str(number) in numbers.split() or not numbers) for p, numbers in APART)


class Unsayable(Exception):
    pass


def is_cube(value):
    return isinstance(value, dict) and value.get("type") == "datacube"


class Graph:
    """The graph of one vector; its cubes become scenes in a folder."""

    def __init__(self, folder):
        self.folder, self.nodes, self.cubes = folder, {}, 0

    def put(self, process, /, **arguments):
        name = f"a{len(self.nodes)}"
        self.nodes[name] = {"process_id": process, "arguments": arguments}
        return {"from_node": name}

    def encode(self, value, file):
        if isinstance(value, dict):
            if "$ref" in value:
                path = file.parent / value["$ref"]
                return self.encode(json5.loads(path.read_text()) if "json" in path.suffix else path.read_text(), file)
            if value.get("type") == "labeled-array":
                return self.put("array_create_labeled", data=[self.encode(e["value"], file) for e in value["data"]],
                                labels=[e["key"] for e in value["data"]])
            if is_cube(value):
                return self.load(value)
            if value.get("type") == "nodata":
                return None
            return {k: self.encode(v, file) for k, v in value.items()}
        if isinstance(value, list):
            return [self.encode(v, file) for v in value]
        if isinstance(value, float) and math.isnan(value):
            return self.put("nan")
        if isinstance(value, float) and math.isinf(value):
            return self.put("divide", x=math.copysign(1, value), y=0)
        return value

    def load(self, cube):
        """A collection of one scene for each date, an asset for each band."""
        dims, order = cube["dimensions"], cube["order"]
        of = {kind: [n for n in order if dims[n]["type"] == kind] for kind in ("temporal", "bands")}
        others = [n for n in order if dims[n]["type"] not in ("spatial", "temporal", "bands")]
        if len(of["temporal"]) > 1 or len(of["bands"]) > 1 or others or not {"x", "y"} <= set(order):
            raise Unsayable("only cubes of x, y, t and bands can be files")
        t, bands = (of[kind][0] if of[kind] else None for kind in ("temporal", "bands"))
        labels = {"t": dims[t]["values"] if t else ["2020-01-01T00:00:00Z"], "bands": dims[bands]["values"] if bands else ["b"]}
        shape = [len(dims[n]["values"]) for n in order]
        data = numpy.zeros(shape) if cube["data"] is None else numpy.array(cube["data"], float)
        data = data.transpose([order.index(n) for n in (t, bands, "y", "x") if n]).reshape(
            len(labels["t"]), len(labels["bands"]), len(dims["y"]["values"]), -1)
        id = f"made{self.cubes}"
        self.cubes += 1
        self.write(id, dims, labels["t"], [f"B{b}" for b in range(len(labels["bands"]))], data, cube.get("nodata"))
        node = self.put("load_collection", id=id, spatial_extent=None, temporal_extent=None,
                        bands=[f"B{b}" for b in range(len(labels["bands"]))])
        node = self.put("rename_labels", data=node, dimension="bands", target=labels["bands"],
                        source=[f"B{b}" for b in range(len(labels["bands"]))])
        for there, wanted in (("t", t), ("bands", bands)):
            if wanted is None:
                node = self.put("drop_dimension", data=node, name=there)
            elif wanted != there:
                node = self.put("rename_dimension", data=node, source=there, target=wanted)
        return node

    def write(self, id, dims, dates, bands, data, nodata):
        xs, ys = dims["x"]["values"], dims["y"]["values"]
        dx = xs[1] - xs[0] if len(xs) > 1 else 10
        dy = ys[0] - ys[1] if len(ys) > 1 else 10
        crs = str(dims["x"].get("reference_system", "EPSG:25832"))
        epsg = int(re.fullmatch(r"(?:EPSG:)?(\d+)", crs).group(1)) if re.fullmatch(r"(?:EPSG:)?\d+", crs) else 25832
        transform = from_origin(xs[0] - dx / 2, ys[0] + dy / 2, dx, dy)
        whole = numpy.isfinite(data).all() and (data == numpy.floor(data)).all() and data.min() >= 0 and data.max() < 256
        kind, gap = ("uint8", nodata) if whole and isinstance(nodata, int) else ("float64", math.nan)
        for i, date in enumerate(dates):
            name = f"{id}-{i}"
            (self.folder / name).mkdir(parents=True)
            assets = {}
            for k, band in enumerate(bands):
                with rasterio.open(self.folder / name / f"{band}.tif", "w", driver="GTiff", width=len(xs), height=len(ys), count=1,
                                   dtype=kind, nodata=gap, crs=f"EPSG:{epsg}", transform=transform) as out:
                    out.write(data[i, k].astype(kind), 1)
                assets[band] = {"href": f"{band}.tif", "type": "image/tiff; application=geotiff", "roles": ["data"],
                                "eo:bands": [{"name": band}], "proj:shape": [len(ys), len(xs)], "proj:transform": list(transform)[:6],
                                "raster:bands": [{"nodata": "nan" if kind == "float64" else gap, "data_type": kind}]}
            item = {"type": "Feature", "stac_version": "1.0.0", "id": name, "collection": id, "bbox": [7, 51, 8, 52], "links": [],
                    "assets": assets, "geometry": {"type": "Polygon", "coordinates": [[[7, 51], [8, 51], [8, 52], [7, 52], [7, 51]]]},
                    "properties": {"datetime": date, "proj:epsg": epsg, "platform": "made"}}
            (self.folder / name / f"{name}.json").write_text(json.dumps(item))

    def of_each(self, node, process, /, **more):
        return self.put("array_apply", data=node, process={"process_graph": {
            "e": {"process_id": process, "arguments": {"x": {"from_parameter": "x"}, **more}, "result": True}}})

    def run(self, result):
        nodes = json.loads(json.dumps(self.nodes))
        nodes[result["from_node"]]["result"] = True
        (self.folder / "graph.json").write_text(json.dumps({"process_graph": nodes}))
        out = self.folder / "out"
        done = subprocess.run([str(BINARY), "run", str(self.folder / "graph.json"), *(["--from", str(self.folder)] if self.cubes else []),
                               "--output", str(out)],
                              capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            return done.stderr, None
        return None, json.loads(done.stdout.splitlines()[-1])


def scalar_like(value, flags):
    """NaN and infinities, which JSON lacks, told by other nodes."""
    nan, infinite, nodata, positive = flags
    if value is None and not nodata:
        return math.nan if nan else (math.inf if positive else -math.inf) if infinite else None
    return value


def value_of(graph, node, expected):
    """The value of a node as Python has it; labelled arrays as lists of (label, value)."""
    if isinstance(expected, list) and expected and all(isinstance(e, dict) and e.keys() == {"key", "value"} for e in expected):
        expected = {"type": "labeled-array", "data": expected}
    labelled = isinstance(expected, dict) and expected.get("type") == "labeled-array"
    array = isinstance(expected, list) or labelled
    tests = [("is_nan", {}), ("is_infinite", {}), ("is_nodata", {}), ("gt", {"y": 0})]
    flat = not array or all(not isinstance(e, (list, dict, str)) for e in (expected if isinstance(expected, list) else []))
    parts = [node]
    if array and flat:
        parts += [graph.of_each(node, p, **more) for p, more in tests]
        if labelled:
            parts.append(graph.put("array_labels", data=node))
    elif not array and (expected is None or isinstance(expected, (int, float))):
        parts += [graph.put(p, x=node, **more) for p, more in tests]
    problem, printed = graph.run(graph.put("array_create", data=parts))
    if problem:
        return problem, None
    value, *rest = printed["value"]
    if array and flat:
        value = [scalar_like(v, f) for v, f in zip(value, zip(*rest[:4]))] if rest else value
        return None, list(zip(rest[4], value)) if labelled else value
    return None, scalar_like(value, rest) if rest else value


def same(got, want, delta):
    if isinstance(want, dict) and want.get("type") == "nodata":
        want = None
    if isinstance(want, dict) and want.get("type") == "datetime":
        return got is not None and numpy.datetime64(got.rstrip("Z")) == numpy.datetime64(want["value"].rstrip("Z"))
    if isinstance(want, dict) and want.get("type") == "labeled-array":
        return len(got) == len(want["data"]) and all(
            g[0] == w["key"] and same(g[1], w["value"], delta) for g, w in zip(got, want["data"]))
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(same(got[k], want[k], delta) for k in want)
    if isinstance(want, list) and got and isinstance(got[0], tuple):
        return same(got, {"type": "labeled-array", "data": want}, delta)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(same(g, w, delta) for g, w in zip(got, want))
    if isinstance(want, bool) or want is None or isinstance(want, str) or isinstance(got, bool) or got is None:
        return got is want if want is None or isinstance(want, bool) else got == want
    if math.isnan(want) or math.isinf(want):
        return isinstance(got, float) and (math.isnan(got) and math.isnan(want) or got == want)
    return isinstance(got, (int, float)) and got == pytest.approx(want, rel=delta, abs=delta)


def cube_fault(folder, want):
    """How the saved cube differs, or None. No-data is null in both; what JSON lacks is no-data in cubes, too."""
    file, = (folder / "out").glob("*.json")
    got = json.loads(file.read_text())
    order = want.get("order", want.get("order: "))
    if set(got["dims"]) != set(order):
        return f"dimensions {got['dims']}, expected {order}"
    for name in order:
        ours, theirs = got["labels"][name], want["dimensions"][name]["values"]
        if len(ours) != len(theirs) or not all(
                o == t or isinstance(t, (int, float)) and not isinstance(o, str) and abs(o - t) < 1e-6 or
                isinstance(t, str) and isinstance(o, str) and o.replace(".000Z", "Z") == t.replace(".000Z", "Z")
                for o, t in zip(ours, theirs)):
            return f"labels of {name}: {ours}, expected {theirs}"
    if want["data"] is None:
        return None
    ours = numpy.array(got["data"], float).transpose([got["dims"].index(n) for n in order])
    theirs = numpy.array(want["data"], float)
    gap = want.get("nodata")
    gaps = [g for g in (gap if isinstance(gap, list) else [gap]) if isinstance(g, (int, float)) and not math.isnan(g)]
    for g in gaps:
        theirs[theirs == g] = numpy.nan
    theirs[numpy.isinf(theirs)] = numpy.nan
    if ours.shape != theirs.shape:
        return f"shape {ours.shape}, expected {theirs.shape}"
    off = ~numpy.isclose(ours, theirs, rtol=1e-6, atol=1e-6, equal_nan=True)
    return f"{off.sum()} cells differ, the first: {ours[off][0]}, expected {theirs[off][0]}" if off.any() else None


def fault(process, test, file, folder):
    graph = Graph(folder)
    arguments = {}
    for name, value in test["arguments"].items():
        if (process, name) == ("array_filter", "process"):  # as it was called before
            name = "condition"
        if isinstance(value, dict) and "process_graph" in value:
            value = json.loads(json.dumps(value).replace('"from_argument"', '"from_parameter"'))
        arguments[name] = value if isinstance(value, dict) and "process_graph" in value else graph.encode(value, file)
    if test.get("throws") is None and "returns" not in test:
        return None
    want = test.get("returns")
    if isinstance(want, dict) and "$ref" in want:
        want = json5.loads((file.parent / want["$ref"]).read_text())
    node = graph.put(process, **arguments)
    if is_cube(want):
        problem, _ = graph.run(graph.put("save_result", data=node, format="JSON"))
        return problem or cube_fault(folder, want)
    if "returns" not in test:
        problem, printed = graph.run(node)
        name = test["throws"]
        return None if problem and (name is True or True) else f"no error, but {printed}; expected {name}"
    problem, got = value_of(graph, node, want)
    if problem and test.get("throws"):
        return None
    if problem:
        return problem
    return None if same(got, want, test.get("delta", 1e-10)) else f"{got}, expected {want}"


@pytest.mark.parametrize("file", FILES, ids=[f.stem for f in FILES])
def test_vectors(file, tmp_path):
    content = json5.loads(file.read_text())
    faults = []
    for i, test in enumerate(content["tests"]):
        if is_apart(file.stem, i, test) or not set(test.get("required", [])) <= OFFERED:
            continue
        (tmp_path / str(i)).mkdir()
        try:
            found = fault(content["id"], test, file, tmp_path / str(i))
        except Unsayable:
            continue
        if found:
            faults.append(f"{i}: {json.dumps(test['arguments'])[:300]}: {found}")
    assert not faults, "\n".join(faults)
