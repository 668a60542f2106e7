"""Random process graphs of which is known what they make: each step is added with the reference evaluator's answer."""
import random

import reference as ref
import reference_places as places

W, H, DATES = 7, 5, ["2023-05-01T10:00:00Z", "2023-05-04T10:00:00Z", "2023-05-09T10:00:00Z", "2023-06-01T10:00:00Z"]
X0, Y0 = 500000, 5100000
PLACES = ("x", "y", "geometry")


class Builder:
    """Grows a graph from nodes whose cubes are known; kind is "number" or "truth", exact says whether
    float32 holds every value exactly, so that comparing cannot go either way."""

    def __init__(self, seed, cube):
        self.random = random.Random(seed)
        self.nodes, self.pool = {}, []
        self.add("load_collection", {"id": "made", "spatial_extent": None, "temporal_extent": None}, cube, "number", True)

    def add(self, process, arguments, cube, kind, exact):
        name = f"n{len(self.nodes)}"
        self.nodes[name] = {"process_id": process, "arguments": arguments}
        self.pool.append((name, cube, kind, exact))

    def scalar(self, inputs, depth, kind, exact):
        """A callback made of nodes; inputs are (reference, kind). Returns it and whether it is exact."""
        nodes, r = {}, self.random
        state = {"exact": exact}

        def put(process, **arguments):
            name = f"c{len(nodes)}"
            nodes[name] = {"process_id": process, "arguments": arguments}
            return {"from_node": name}

        def grow(want, left):
            fitting = [i for i, k in inputs if k == want]
            if left == 0 or (fitting and r.random() < 0.25):
                if fitting:
                    return r.choice(fitting)
                return r.choice([1, 2, 3, -2, 5]) if want == "number" else r.choice([True, False])
            if want == "truth":
                p = r.choice(["gt", "lte", "eq", "gte", "lt", "neq", "between", "and", "or", "xor", "not", "is_nodata", "is_nan", "is_valid"])
                if p in ("gt", "lte", "eq", "gte", "lt", "neq"):
                    if not state["exact"]:
                        return put("is_valid", x=grow("number", left - 1))
                    return put(p, x=grow("number", left - 1), y=grow("number", left - 1))
                if p == "between":
                    if not state["exact"]:
                        return put("is_nodata", x=grow("number", left - 1))
                    return put(p, x=grow("number", left - 1), min=2, max=50)
                if p == "not":
                    return put(p, x=grow("truth", left - 1))
                if p in ("is_nodata", "is_nan", "is_valid"):
                    return put(p, x=grow("number", left - 1))
                return put(p, x=grow("truth", left - 1), y=grow("truth", left - 1))
            p = r.choice(["add", "subtract", "multiply", "absolute", "clip", "if", "if", "sgn", "divide", "sqrt",
                          "normalized_difference", "sum", "max", "median", "first", "floor", "ceil", "last", "min", "count"])
            if p in ("divide", "sqrt", "normalized_difference", "multiply"):
                if depth > 0 and state.get("compares"):
                    return grow("number", left - 1)
                state["exact"] = False
            if p in ("floor", "ceil"):
                x = grow("number", left - 1)
                return put(p, x=put("divide", x=x, y=4)) if state["exact"] else x  # quarters are exact, whatever follows
            if p == "count":
                return put(p, data=[grow("number", left - 1) for _ in range(r.randrange(2, 4))])
            if p in ("absolute", "sqrt", "sgn"):
                return put(p, x=grow("number", left - 1))
            if p == "clip":
                return put(p, x=grow("number", left - 1), min=2, max=90)
            if p == "if":
                return put(p, value=grow("truth", left - 1), accept=grow("number", left - 1),
                           reject=r.choice([None, 0, grow("number", left - 1)]))
            if p in ("sum", "max", "median", "first", "last", "min"):
                return put(p, data=[grow("number", left - 1) for _ in range(r.randrange(2, 4))],
                           ignore_nodata=r.random() < 0.7)
            return put(p, x=grow("number", left - 1), y=grow("number", left - 1))

        state["compares"] = True  # first pass: exact operators only, so that any comparison is safe
        if not exact or (kind == "number" and r.random() < 0.3):
            state["compares"] = False
            state["exact"] = False
        root = grow(kind, depth)
        if not (isinstance(root, dict) and "from_node" in root):
            root = put("constant", x=root)
        nodes[root["from_node"]]["result"] = True
        return {"process_graph": nodes}, state["exact"]

    def reducer(self, kind, n, exact):
        r = self.random
        if kind == "truth":
            p = r.choice(["any", "all", "first", "count"])
        else:
            p = r.choice(["mean", "median", "min", "max", "sum", "first", "last", "count", "variance", "sd", "mix"])
        data = {"from_parameter": "data"}
        if p == "mix":
            return {"process_graph": {
                "a": {"process_id": r.choice(["max", "median", "last"]), "arguments": {"data": data}},
                "b": {"process_id": r.choice(["min", "mean", "first"]), "arguments": {"data": data}},
                "c": {"process_id": "array_element", "arguments": {"data": data, "index": r.randrange(n)}},
                "d": {"process_id": "subtract", "arguments": {"x": {"from_node": "a"}, "y": {"from_node": "b"}}},
                "e": {"process_id": "add", "arguments": {"x": {"from_node": "d"}, "y": {"from_node": r.choice("bc")}},
                      "result": True}}}, "number", False
        arguments = {"data": data}
        if p == "count":
            if r.random() < 0.3:
                arguments["condition"] = True
        elif r.random() < 0.3:
            arguments["ignore_nodata"] = False
        result = "truth" if kind == "truth" and p != "count" else "number"
        same = p in ("min", "max", "first", "last", "count", "any", "all", "sum")
        return {"process_graph": {"r": {"process_id": p, "arguments": arguments, "result": True}}}, result, exact and same

    def series(self, n):
        """A callback that makes an array of an array of n numbers: (it, how long it is, whether that
        depends on the values)."""
        r, nodes = self.random, {}
        array, length, ragged, ordered = {"from_parameter": "data"}, n, False, False

        def put(id, **arguments):
            nodes[f"s{len(nodes)}"] = {"process_id": id, "arguments": arguments}
            return {"from_node": f"s{len(nodes) - 1}"}

        def condition():
            return {"process_graph": {
                "v": {"process_id": "is_valid", "arguments": {"x": {"from_parameter": "x"}}},
                "g": {"process_id": r.choice(["gt", "lte"]), "arguments": {"x": {"from_parameter": "x"}, "y": 2}},
                "a": {"process_id": r.choice(["and", "or"]), "arguments": {"x": {"from_node": "v"}, "y": {"from_node": "g"}},
                      "result": True}}}

        def mapped():
            return {"process_graph": {
                "a": {"process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "index"}},
                      "result": True}}}

        for _ in range(r.randrange(1, 4)):
            p = r.choice(["sort", "order", "array_filter", "array_apply", "cumsum", "cummax", "cummin",
                          "array_interpolate_linear", "array_append", "quantiles", "extrema", "rearrange", "array_concat"])
            if p in ("sort", "order"):
                nodata = r.choice([None, True]) if ragged else r.choice([None, True, False])
                array = put(p, data=array, asc=r.random() < 0.5, nodata=nodata)
                ragged, ordered = ragged or nodata is None, True
            elif p == "array_filter":
                array, ragged = put(p, data=array, condition=condition()), True
            elif p == "array_apply":
                array = put(p, data=array, process=mapped())
            elif p == "array_interpolate_linear" and ragged and ordered:
                continue
            elif p in ("cumsum", "cummax", "cummin"):
                array = put(p, data=array, ignore_nodata=ragged or r.random() < 0.5)
            elif p == "array_interpolate_linear":
                array = put(p, data=array)
            elif p == "array_append":
                array, length, ordered = put(p, data=array, value=put("mean", data=array)), length + 1, True
            elif p == "array_concat":
                array = put(p, array1=array, array2=put("extrema", data=array, ignore_nodata=r.random() < 0.5))
                length, ordered = length + 2, True
            elif p == "quantiles":
                probabilities, length = r.choice([([0.1, 0.5], 2), ([0, 0.3, 1], 3), (4, 3)])
                array = put(p, data=array, probabilities=probabilities, ignore_nodata=r.random() < 0.7)
                ragged, ordered = False, True
            elif p == "extrema":
                array, length, ragged, ordered = put(p, data=array, ignore_nodata=r.random() < 0.7), 2, False, True
            elif p == "rearrange" and length > 0:
                array = put(p, data=array, order=put("order", data=array, nodata=None))
                ragged, ordered = True, True
        if not nodes:
            array = put("sort", data=array, nodata=True)
        nodes[array["from_node"]]["result"] = True
        return {"process_graph": nodes}, length, ragged

    def of_series(self, n):
        """A callback that makes a number of an array of them."""
        r = self.random
        process, length, _ = self.series(n)
        nodes = process["process_graph"]
        name, = (k for k, v in nodes.items() if v.pop("result", False))
        p = r.choice(["mean", "max", "first", "last", "count", "array_element", "array_find", "median"])
        arguments = {"data": {"from_node": name}}
        if p in ("mean", "max", "first", "last", "median"):
            arguments["ignore_nodata"] = r.random() < 0.5
        elif p == "array_element":
            arguments.update(index=r.randrange(length + 1), return_nodata=True)
        elif p == "array_find":
            arguments.update(value=r.choice([1, 2]), reverse=r.random() < 0.5)
        elif r.random() < 0.5:
            arguments["condition"] = True
        nodes["end"] = {"process_id": p, "arguments": arguments, "result": True}
        return process

    def of_pixels(self, kind):
        """A reducer for which order does not matter: (it, kind of the result, whether that is exact)."""
        r, nodes, data = self.random, {}, {"from_parameter": "data"}

        def put(id, **arguments):
            nodes[f"p{len(nodes)}"] = {"process_id": id, "arguments": arguments}
            return {"from_node": f"p{len(nodes) - 1}"}

        def condition(id, **more):
            return {"process_graph": {"c": {"process_id": id, "arguments": {"x": {"from_parameter": "x"}, **more}, "result": True}}}

        def one(array):
            if kind == "truth":
                return put(r.choice(["any", "all"]), data=array, ignore_nodata=r.random() < 0.7)
            p = r.choice(["mean", "median", "min", "max", "sum", "count", "count", "variance", "sd", "quantiles", "extrema"])
            if p == "count":
                return put(p, data=array, condition=r.choice([True, None, condition("gt", y=3)]))
            keep = {"ignore_nodata": r.random() < 0.7}
            if p in ("quantiles", "extrema"):
                many = put(p, data=array, **keep, **({"probabilities": [0.2, 0.5, 0.75]} if p == "quantiles" else {}))
                return put("array_element", data=many, index=r.randrange(2))
            return put(p, data=array, **keep)

        if kind == "number" and r.random() < 0.3:
            data = put("array_filter", data=data, condition=condition("gt", y=2))
        if kind == "number" and r.random() < 0.3:
            data = put("array_apply", data=data, process=condition("add", y=1))
        end = one(data)
        if kind == "number" and r.random() < 0.3:
            end = put("subtract", x=end, y=one(data))
        nodes[end["from_node"]]["result"] = True
        return {"process_graph": nodes}, kind, kind == "truth"

    def beside(self, name, cube, kind, exact):
        """A step among pixels beside each other."""
        r = self.random
        data = {"data": {"from_node": name}}
        what = r.choice(["whole", "windows", "kernel", "hood", "hood"])
        if what == "hood":
            self.in_windows(name, cube, kind)
            return
        if what == "kernel":
            if kind == "number":
                kernel = [[r.randrange(-2, 4) for _ in range(r.choice([3]))] for _ in range(r.choice([1, 3, 5]))]
                more = {"border": r.choice([0, 4, "replicate", "reflect", "reflect_pixel", "wrap"]), "factor": r.choice([1, 0.5])}
                if r.random() < 0.5:
                    more["replace_invalid"] = 7
                self.add("apply_kernel", {**data, "kernel": kernel, **more}, places.apply_kernel(cube, kernel, **more), "number", False)
            return
        reducer, want, still = self.of_pixels(kind)
        if what == "whole":
            self.add("reduce_spatial", {**data, "reducer": reducer}, places.reduce_spatial(cube, reducer), want, exact and still)
        else:
            more = {"size": [r.randrange(1, 5), r.randrange(1, 4)], "boundary": r.choice(["pad", "trim"]),
                    "align": r.choice(["upper-left", "upper-right", "lower-left", "lower-right"])}
            made = places.aggregate_spatial_window(cube, reducer, **more)
            if made.data:
                self.add("aggregate_spatial_window", {**data, "reducer": reducer, **more}, made, want, exact and still)

    def in_windows(self, name, cube, kind):
        """apply_neighborhood. A callback on cubes is made with the function that does the same."""
        r = self.random
        if kind != "number" or len(cube.data) > 2000:
            return
        size = {"x": r.randrange(2, 6), "y": r.randrange(2, 5)}
        overlap = {d: r.randrange(3) for d in size if r.random() < 0.5}
        labels = dict(cube.dims).get("t", [])
        if len(labels) > 2 and r.random() < 0.4:
            size["t"] = r.randrange(2, len(labels))
        nodes, functions, last = {}, [], {"from_parameter": "data"}

        def put(id, data, **arguments):
            nodes[f"w{len(nodes)}"] = {"process_id": id, "arguments": {**data, **arguments}}
            return {"from_node": f"w{len(nodes) - 1}"}

        def less(one, process, reduced):
            """The window less what it was reduced to, which lacks dimensions of it."""
            resolver = {"process_graph": {"s": {"process_id": r.choice(["subtract", "max", "add"]), "arguments": {
                "x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}}, "result": True}}}
            if resolver["process_graph"]["s"]["process_id"] == "max":
                resolver["process_graph"]["s"]["arguments"] = {"data": [{"from_parameter": "x"}, {"from_parameter": "y"}]}
            functions.append(lambda c: ref.merge_cubes(c, reduced(c), resolver))
            return put("merge_cubes", {"cube1": one, "cube2": process}, overlap_resolver=resolver)

        for _ in range(r.randrange(1, 3)):
            what = r.choice(["centred", "centred", "kernel", "point", "dates"])
            if what == "point":
                process, _ = self.scalar([({"from_parameter": "x"}, "number")], 2, "number", False)
                last = put("apply", {"data": last}, process=process)
                functions.append(lambda c, process=process: ref.apply(c, process))
            elif what == "kernel":
                more = {"kernel": [[r.randrange(-1, 3) for _ in range(3)] for _ in range(r.choice([1, 3]))],
                        "border": r.choice([0, "replicate", "reflect"])}
                last = put("apply_kernel", {"data": last}, **more)
                functions.append(lambda c, more=more: places.apply_kernel(c, **more))
            elif what == "centred":
                reducer, _, _ = self.of_pixels("number")
                last = less(last, put("reduce_spatial", {"data": last}, reducer=reducer),
                            lambda c, reducer=reducer: places.reduce_spatial(c, reducer))
            elif labels:
                reducer, _, _ = self.of_pixels("number")
                last = less(last, put("reduce_dimension", {"data": last}, dimension="t", reducer=reducer),
                            lambda c, reducer=reducer: ref.reduce_dimension(c, "t", reducer))
        if not functions:
            return

        def function(window):
            for one in functions:
                window = one(window)
            return window

        nodes[last["from_node"]]["result"] = True
        given = {k: [{"dimension": d, "value": n, "unit": "px"} for d, n in of.items()] for k, of in (("size", size), ("overlap", overlap)) if of}
        self.add("apply_neighborhood", {"data": {"from_node": name}, "process": {"process_graph": nodes}, **given},
                 places.apply_neighborhood(cube, function, size, overlap), "number", False)

    def shapes(self):
        """Rings in pixels whose sides meet no centre, convex; now and then a point, or one beyond all pixels; and as GeoJSON."""
        r, rings = self.random, []
        for _ in range(r.randrange(1, 4)):
            x, y = r.randrange(-2, W + 1), r.randrange(-2, H + 1)
            w, h = r.randrange(1, W + 2), r.randrange(1, H + 2)
            what = r.choice(["box", "box", "triangle", "point"])
            if what == "box":
                rings.append([(x + 0.25, y + 0.25), (x + w + 0.3125, y + 0.25), (x + w + 0.3125, y + h + 0.375), (x + 0.25, y + h + 0.375)])
            elif what == "triangle":
                rings.append([(x + 0.17, y + 0.29), (x + w + 0.41, y + 0.83 * h + 0.07), (x + 0.13, y + h + 0.61)])
            else:
                rings.append([(x + 0.4, y + 0.7)])

        def geometry(ring):
            points = [[X0 + 10 * x, Y0 - 10 * y] for x, y in ring]
            return {"type": "Point", "coordinates": points[0]} if len(ring) == 1 else {"type": "Polygon", "coordinates": [points + points[:1]]}

        return rings, {"type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32633"}},
                       "features": [{"type": "Feature", "properties": {}, "geometry": geometry(ring)} for ring in rings]}

    def under(self, name, cube, kind, exact):
        """A step under geometries."""
        r = self.random
        rings, geometries = self.shapes()
        data = {"data": {"from_node": name}}
        what = r.choice(["aggregate", "aggregate", "weigh", "mask", "filter"])
        if what == "filter":
            made = places.filter_spatial(cube, rings)
            if made:
                self.add("filter_spatial", {**data, "geometries": geometries}, made, kind, exact)
        elif what == "mask":
            rings = [ring for ring in rings if len(ring) > 1]
            geometries["features"] = [f for f in geometries["features"] if f["geometry"]["type"] == "Polygon"]
            more = {"inside": r.random() < 0.5}
            if kind == "number" and r.random() < 0.3:
                more["replacement"] = 7
            if rings:
                self.add("mask_polygon", {**data, "mask": geometries, **more}, places.mask_polygon(cube, rings, **more), kind, exact)
        elif what == "weigh" and kind == "number":
            p = r.choice(["mean", "sum"])
            reducer = {"process_graph": {"r": {"process_id": p, "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}
            more = {"target_dimension": f"s{len(self.nodes)}"} if r.random() < 0.3 else {}
            self.add("aggregate_spatial", {**data, "geometries": geometries, "reducer": reducer, "context": {"partial_pixels": True}, **more},
                     places.aggregate_spatial(cube, rings, None, weighted=p, **more), "number", False)
        else:
            reducer, want, still = self.of_pixels(kind)
            more = {"target_dimension": f"s{len(self.nodes)}"} if want == "number" and r.random() < 0.3 else {}
            self.add("aggregate_spatial", {**data, "geometries": geometries, "reducer": reducer, **more},
                     places.aggregate_spatial(cube, rings, reducer, **more), want, exact and still)
        if "geometry" in dict(self.pool[-1][1].dims) and r.random() < 0.3:  # the values stay, whatever becomes of the geometries
            last, made, *about = self.pool[-1]
            moved = {label: f"{len(self.nodes)} {label}" for label in made.dims[0][1]}
            made = ref.Cube([("geometry", list(moved.values()))] + made.dims[1:], {(moved[k[0]],) + k[1:]: v for k, v in made.data.items()})
            if r.random() < 0.5:
                self.add("vector_reproject", {"data": {"from_node": last}, "projection": 4326}, made, *about)
            else:
                self.add("vector_buffer", {"geometries": {"from_node": last}, "distance": 20}, made, *about)

    def target(self, cube, source):
        """Where apply_dimension puts its values: arguments."""
        r = self.random
        if r.random() < 0.6:
            return {}
        single = [n for n, labels in cube.dims if n not in (*PLACES, source) and len(labels) == 1]
        return {"target_dimension": r.choice(single) if single and r.random() < 0.5 else f"q{len(self.nodes)}"}

    def in_time(self, name, cube, kind, exact):
        """A step along t."""
        r = self.random
        data = {"data": {"from_node": name}}
        labels = dict(cube.dims)["t"]
        if kind == "number":
            p = r.choice(["mean", "median", "min", "max", "sum", "first", "last", "count"])
        else:
            p = r.choice(["any", "all", "count"])
        reducer = {"process_graph": {"r": {"process_id": p, "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}
        want = "truth" if p in ("any", "all") else "number"
        still = exact and p in ("min", "max", "first", "last", "count", "any", "all", "sum")
        what = r.choice(["period", "period", "interval", "retime", "normal", "labels"])
        if what == "period" and labels == [l for l in DATES if l in labels]:
            period = r.choice(["day", "week", "dekad", "month", "season", "tropical-season", "year", "decade", "decade-ad"])
            made = ref.aggregate_temporal_period(cube, "t", period, reducer)
            if len(made.data) > 6000:
                return
            self.add("aggregate_temporal_period", {**data, "period": period, "reducer": reducer}, made, want, still)
            if r.random() < 0.4 and want == "number" and period in ("month", "season", "tropical-season"):
                normals = ref.climatological_normal(cube, "t", period, [2022, 2023])
                arguments = {**data, "period": period, "climatology_period": [2022, 2023]}
                self.add("climatological_normal", arguments, normals, "number", False)
                names = [self.pool[-2][0], self.pool[-1][0]]
                if kind == "number":
                    self.add("anomaly", {"data": {"from_node": names[0]}, "normals": {"from_node": names[1]}, "period": period},
                             ref.anomaly(made, normals, "t"), "number", False)
        elif what == "interval":
            intervals = r.choice([[["2023-05-01", "2023-05-09T10:00:00Z"], ["2023-05-04", "2023-06-02"]],
                                  [["2023-01-01", "2023-02-01"], ["2023-05-09T10:00:00Z", "2024-01-01"]],
                                  [["06:00:00", "18:00:00"], ["18:00:00", "06:00:00"]]])
            for start, _ in intervals:
                if start[2] == ":":
                    ref.STARTS[start] = ref.instant("1970-01-01T" + start + "Z")
            self.add("aggregate_temporal", {**data, "intervals": intervals, "reducer": reducer},
                     ref.aggregate_temporal(cube, "t", intervals, reducer), want, still)
        elif what == "retime":
            targets = [(n, c) for n, c, _, _ in self.pool if "t" in dict(c.dims) and all(isinstance(l, str) for l in dict(c.dims)["t"])]
            other, target = r.choice(targets)
            within = r.choice([None, None, 2, 9, 40])
            if len(cube.data) / len(labels) * len(dict(target.dims)["t"]) <= 6000:
                self.add("resample_cube_temporal", {**data, "target": {"from_node": other}, "valid_within": within},
                         ref.resample_cube_temporal(cube, target, "t", within), kind, exact)
        elif what == "normal" and kind == "number" and labels == [l for l in DATES if l in labels]:
            period = r.choice(["month", "season", "tropical-season", "climatology-period"])
            self.add("climatological_normal", {**data, "period": period, "climatology_period": [2022, 2023]},
                     ref.climatological_normal(cube, "t", period, [2022, 2023]), "number", False)
        elif what == "labels" and labels == [l for l in DATES if l in labels]:
            before = r.choice(["2023-05-04T10:00:00Z", "2023-05-20T00:00:00+02:00"])
            condition = {"process_graph": {"c": {"process_id": "date_between", "result": True, "arguments": {
                "x": {"from_parameter": "value"}, "min": "2023-05-02", "max": before}}}}
            kept = [l for l in labels if ref.instant("2023-05-02") <= ref.instant(l) <= ref.instant(before)]
            if kept:
                self.add("filter_labels", {**data, "dimension": "t", "condition": condition}, ref.pick(cube, "t", kept), kind, exact)

    def flatten(self, name, cube, kind, exact):
        data = {"data": {"from_node": name}}
        dims = [n for n in ref.names(cube) if n not in PLACES and "~" not in str(dict(cube.dims)[n])]
        self.random.shuffle(dims)
        if not dims:
            return
        f = f"f{len(self.nodes)}"
        made = ref.flatten_dimensions(cube, dims, f)
        self.add("flatten_dimensions", {**data, "dimensions": dims, "target_dimension": f}, made, kind, exact)
        if self.random.random() < 0.5 and len(dims) > 1:
            kept = self.random.sample(dict(made.dims)[f], max(1, len(dict(made.dims)[f]) // 2))
            kept.sort(key=dict(made.dims)[f].index)
            condition = {"process_graph": {"c": {"process_id": "array_contains", "result": True, "arguments": {
                "data": kept, "value": {"from_parameter": "value"}}}}}
            fewer = ref.pick(made, f, kept)
            self.add("filter_labels", {"data": {"from_node": self.pool[-1][0]}, "dimension": f, "condition": condition},
                     fewer, kind, exact)
            targets = [f"{f}{i}" for i in range(len(dims))]
            self.add("unflatten_dimension", {"data": {"from_node": self.pool[-1][0]}, "dimension": f, "target_dimensions": targets},
                     ref.unflatten_dimension(fewer, f, targets), kind, exact)

    def step(self):
        r = self.random
        name, cube, kind, exact = r.choice(self.pool[-4:])
        data = {"data": {"from_node": name}}
        dims = [n for n in ref.names(cube) if n not in PLACES]
        what = r.choice(["apply", "apply", "reduce", "reduce", "apply_dimension", "series", "series", "mask", "mask", "merge",
                         "pick", "bbox", "time", "time", "flatten", "beside", "beside", "under", "under", "trim"])
        pixels = dict(cube.dims).get("x", [])
        if what == "apply":
            want = r.choice(["number", "number", "truth"])
            process, still = self.scalar([({"from_parameter": "x"}, kind)], r.randrange(1, 5), want, exact)
            self.add("apply", {**data, "process": process}, ref.apply(cube, process), want, still)
        elif what == "reduce" and dims:
            d = r.choice(dims)
            process, want, still = self.reducer(kind, len(dict(cube.dims)[d]), exact)
            self.add("reduce_dimension", {**data, "dimension": d, "reducer": process},
                     ref.reduce_dimension(cube, d, process), want, still)
        elif what == "apply_dimension" and dims and kind == "number":
            d = r.choice(dims)
            n = len(dict(cube.dims)[d])
            array = {"from_parameter": "data"}
            elements = [{"from_node": f"e{i}"} for i in range(r.choice([n, n + 1]))]
            nodes = {"m": {"process_id": r.choice(["max", "median", "mean"]), "arguments": {"data": array}}}
            for i in range(len(elements)):
                nodes[f"a{i}"] = {"process_id": "array_element", "arguments": {"data": array, "index": i % n}}
                nodes[f"e{i}"] = {"process_id": "subtract", "arguments": {"x": {"from_node": f"a{i}"}, "y": {"from_node": "m"}}}
            nodes["z"] = {"process_id": "array_create", "arguments": {"data": elements}, "result": True}
            process = {"process_graph": nodes}
            more = self.target(cube, d)
            if d == "t" and len(elements) != n and not more:
                return
            self.add("apply_dimension", {**data, "dimension": d, "process": process, **more},
                     ref.apply_dimension(cube, d, process, **more), "number", False)
        elif what == "series" and dims and kind == "number" and exact:
            d = r.choice(dims)
            n = len(dict(cube.dims)[d])
            if r.random() < 0.4:
                process = self.of_series(n)
                self.add("reduce_dimension", {**data, "dimension": d, "reducer": process},
                         ref.reduce_dimension(cube, d, process), "number", False)
                return
            process, length, ragged = self.series(n)
            more = self.target(cube, d)
            if length != n and d == "t" and not more:
                return
            self.add("apply_dimension", {**data, "dimension": d, "process": process, **more},
                     ref.apply_dimension(cube, d, process, length if ragged else None, **more), "number", False)
        elif what == "time" and "t" in dims and all(isinstance(l, str) for l in dict(cube.dims)["t"]):
            self.in_time(name, cube, kind, exact)
        elif what == "trim" and exact and "geometry" not in dict(cube.dims):
            made = ref.trim_cube(cube)
            if made:
                self.add("trim_cube", data, made, kind, exact)
        elif what == "under" and pixels and isinstance(pixels[0], int) and isinstance(dict(cube.dims)["y"][0], int):
            self.under(name, cube, kind, exact)
        elif what == "flatten" and dims and "geometry" not in dict(cube.dims):
            self.flatten(name, cube, kind, exact)
        elif what == "beside" and pixels:
            self.beside(name, cube, kind, exact)
        elif what == "mask":
            fitting = [p for p in self.pool if all(dict(cube.dims).get(n) == l for n, l in p[1].dims if n not in ("x", "y"))
                       and (not pixels or set(dict(p[1].dims).get("x", pixels)) >= set(pixels))
                       and {"x", "y"} - set(ref.names(cube)) <= {"x", "y"} - set(ref.names(p[1]))
                       and ("y" not in dict(p[1].dims) or dict(p[1].dims)["y"] == dict(cube.dims)["y"])]
            other, other_cube, _, other_exact = r.choice(fitting)
            if not other_exact:
                return
            self.add("mask", {**data, "mask": {"from_node": other}}, ref.mask(cube, other_cube), kind, exact)
        elif what == "merge":
            other, other_cube, other_kind, other_exact = r.choice(self.pool)
            grids = [{n: l for n, l in c.dims if n in ("x", "y")} for c in (cube, other_cube)]
            rows = [dict(c.dims).get("geometry") for c in (cube, other_cube)]
            if rows[0] != rows[1] or (rows[0] and grids[0] != grids[1]):
                return
            if grids[0] and grids[1] and grids[0] != grids[1] and not all(isinstance(l[0], int) for g in grids for l in g.values()):
                return
            if other_kind != kind or any(l not in DATES if n == "t" else isinstance(l, int) for c in (cube, other_cube)
                                         for n, ls in c.dims if n not in PLACES for l in ls):
                return
            resolver, still = self.scalar([({"from_parameter": "x"}, kind), ({"from_parameter": "y"}, kind)], 2, kind,
                                          exact and other_exact)
            merged = ref.merge_cubes(cube, other_cube, resolver)
            if len(merged.data) > 3000:
                return
            self.add("merge_cubes", {"cube1": {"from_node": name}, "cube2": {"from_node": other},
                                     "overlap_resolver": resolver}, merged, kind, still)
        elif what == "pick" and dims:
            d = r.choice(dims)
            labels = dict(cube.dims)[d]
            if d == "t" and labels and isinstance(labels[0], str):
                start, end = sorted(r.sample(["2023-05-01", "2023-05-03", "2023-05-08", "2023-05-20", "2023-07-01"], 2))
                kept = [l for l in labels if ref.instant(start) <= ref.instant(l) < ref.instant(end)]
                if kept:
                    self.add("filter_temporal", {**data, "extent": [start, end]}, ref.pick(cube, d, kept), kind, exact)
            elif d == "bands" and labels and isinstance(labels[0], str):
                kept = r.sample(labels, r.randrange(1, len(labels) + 1))
                self.add("filter_bands", {**data, "bands": kept}, ref.pick(cube, d, kept), kind, exact)
        elif what == "bbox" and pixels and isinstance(pixels[0], int):
            west, east = sorted(r.sample(range(W + 1), 2))
            kept = [x for x in dict(cube.dims)["x"] if west <= x < east]
            if kept:
                box = {"west": X0 + 10 * west, "east": X0 + 10 * east, "south": Y0 - 10 * H, "north": Y0, "crs": 32633}
                self.add("filter_bbox", {**data, "extent": box}, ref.pick(cube, "x", kept), kind, exact)
