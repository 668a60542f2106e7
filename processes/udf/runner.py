"""Runs the code of users on parts of cubes, as the process that owns the pixels asks for.

Messages have a head (kind, number, size: u32, u32, u64) and a body. Asked: D defines UDF `number` (JSON), R runs
it on pixels, P says what it makes of made-up pixels. Answered, one for each: d, r (pixels), p (JSON) or e (JSON:
message, trace, line); before that any number of l (JSON: a line of the log). What users print goes to stderr.
"""
import io
import json
import logging
import os
import struct
import sys
import types

HEAD = struct.Struct("=IIQ")
PLACE = struct.Struct("=4d2Q")  # x0, dx, y0, dy, columns, rows
MOST_LOG = 60000


def talk(inbox, outbox):
    import numpy
    import xarray

    def take(size):
        data = inbox.read(size)
        if len(data) != size:
            os._exit(0)  # whoever asked is gone
        return data

    me = os.getpid()

    def give(kind, number, body):
        if os.getpid() != me:
            os._exit(0)  # a child that the user's code made has nothing to say
        sys.stdout.flush()
        sys.stderr.flush()
        outbox.write(HEAD.pack(ord(kind), number, len(body)))
        outbox.write(body)
        outbox.flush()

    def give_json(kind, number, value):
        give(kind, number, json.dumps(value, default=repr).encode("utf-8", "replace"))

    # ---- the log ----

    def plain(value, depth=0):
        if value is None or isinstance(value, (bool, int, str)):
            return value if not isinstance(value, str) else value[:MOST_LOG]
        if isinstance(value, float):
            return value if value == value and abs(value) != float("inf") else str(value)
        if isinstance(value, numpy.generic):
            return plain(value.item(), depth + 1) if value.dtype.kind in "biuf" else str(value)
        if isinstance(value, dict) and depth < 8:
            return {str(k): plain(v, depth + 1) for k, v in list(value.items())[:1000]}
        if isinstance(value, (list, tuple, set)) and depth < 8:
            return [plain(v, depth + 1) for v in list(value)[:1000]]
        return str(value)[:2000]

    class ToLog(logging.Handler):
        def emit(self, record):
            level = ("error" if record.levelno >= 40 else "warning" if record.levelno >= 30 else
                     "info" if record.levelno >= 20 else "debug")
            line = {"level": level, "message": record.getMessage()[:4000]}
            if hasattr(record, "code"):
                line["code"] = str(record.code)[:100]
            if getattr(record, "data", None) is not None:
                data = plain(record.data)
                line["data"] = data if len(json.dumps(data, default=repr)) < MOST_LOG else str(data)[:2000]
            give_json("l", 0, line)

    root = logging.getLogger()
    root.handlers[:] = [ToLog()]
    root.setLevel(logging.WARNING)
    user_log = logging.getLogger("openeo.udf.debug.user")
    user_log.setLevel(logging.DEBUG)

    # ---- openeo.udf ----

    class OpenEoUdfException(Exception):
        pass

    class XarrayDataCube:
        def __init__(self, array):
            if not isinstance(array, xarray.DataArray):
                raise OpenEoUdfException("an XarrayDataCube is made of an xarray.DataArray, not of %s"
                                         % type(array).__name__)
            self._array = array

        def __repr__(self):
            return "<XarrayDataCube shape:%s>" % (self._array.shape,)

        def get_array(self):
            return self._array

        array = property(get_array)
        id = property(lambda self: self._array.name)

    class StructuredData:
        def __init__(self, data, description=None, type=None):
            self.data = data
            self.type = type or data.__class__.__name__
            self.description = description or self.type

    class FeatureCollection:
        def __init__(self, id, data, start_times=None, end_times=None):
            self.id, self.data, self.start_times, self.end_times = id, data, start_times, end_times

    class UdfData:
        def __init__(self, proj=None, datacube_list=None, feature_collection_list=None,
                     structured_data_list=None, user_context=None):
            self.proj = proj
            self.datacube_list = datacube_list
            self.feature_collection_list = feature_collection_list
            self.structured_data_list = structured_data_list
            self._user_context = user_context or {}

        user_context = property(lambda self: self._user_context)

        def get_datacube_list(self):
            return self.datacube_list

        def set_datacube_list(self, cubes):
            self.datacube_list = cubes

        def get_feature_collection_list(self):
            return self.feature_collection_list

        def set_feature_collection_list(self, collections):
            self.feature_collection_list = collections

        def get_structured_data_list(self):
            return self.structured_data_list

        def set_structured_data_list(self, data):
            self.structured_data_list = data

    def inspect_in_udf(data=None, message="", code="User", level="info"):
        user_log.log(getattr(logging, level.upper(), logging.INFO), "%s", message,
                     extra={"data": data, "code": code})

    class Dimension:
        def __init__(self, name, type, labels):
            self.name, self.type, self.labels = name, type, labels

    class CollectionMetadata:
        """What apply_metadata is given: dimensions with their labels, which it may change."""

        def __init__(self, dimensions):
            self._dimensions = list(dimensions)

        def _with(self, dimensions):
            return CollectionMetadata(dimensions)

        def dimension_names(self):
            return [d.name for d in self._dimensions]

        def has_dimension(self, name):
            return name in self.dimension_names()

        def get_dimension(self, name):
            for d in self._dimensions:
                if d.name == name:
                    return d
            raise ValueError("there is no dimension %r, only %s" % (name, self.dimension_names()))

        def _bands(self):
            return next((d for d in self._dimensions if d.type == "bands"), None)

        def has_band_dimension(self):
            return self._bands() is not None

        @property
        def band_dimension(self):
            if self._bands() is None:
                raise ValueError("there is no dimension of bands")
            return self._bands()

        @property
        def band_names(self):
            return list(self.band_dimension.labels)

        def rename_labels(self, dimension, target, source=None):
            self.get_dimension(dimension)
            labels = list(target)
            if source:
                renamed = dict(zip(source, target))
                labels = [renamed.get(label, label) for label in self.get_dimension(dimension).labels]
            return self._with(Dimension(d.name, d.type, labels) if d.name == dimension else d
                              for d in self._dimensions)

        def filter_bands(self, band_names):
            return self.rename_labels(self.band_dimension.name, band_names)

        def append_band(self, band):
            name = getattr(band, "name", band)
            return self.rename_labels(self.band_dimension.name, self.band_names + [name])

        def rename_dimension(self, source, target):
            self.get_dimension(source)
            return self._with(Dimension(target, d.type, d.labels) if d.name == source else d
                              for d in self._dimensions)

        def reduce_dimension(self, dimension_name):
            self.get_dimension(dimension_name)
            return self._with(d for d in self._dimensions if d.name != dimension_name)

        drop_dimension = reduce_dimension

        def add_dimension(self, name, label, type=None):
            return self._with(self._dimensions + [Dimension(name, type or "other", [label])])

    CubeMetadata = CollectionMetadata

    def offer_openeo():
        """The modules that UDFs import, where the real ones are not installed."""
        names = {
            "openeo.udf": dict(XarrayDataCube=XarrayDataCube, UdfData=UdfData, StructuredData=StructuredData,
                               FeatureCollection=FeatureCollection, OpenEoUdfException=OpenEoUdfException,
                               inspect=inspect_in_udf),
            "openeo.udf.xarraydatacube": dict(XarrayDataCube=XarrayDataCube),
            "openeo.udf.udf_data": dict(UdfData=UdfData),
            "openeo.udf.structured_data": dict(StructuredData=StructuredData),
            "openeo.udf.feature_collection": dict(FeatureCollection=FeatureCollection),
            "openeo.udf.debug": dict(inspect=inspect_in_udf),
            "openeo.metadata": dict(CollectionMetadata=CollectionMetadata, CubeMetadata=CubeMetadata),
        }
        top = types.ModuleType("openeo")
        top.__path__ = []
        sys.modules["openeo"] = top
        for name, members in names.items():
            module = types.ModuleType(name)
            module.__dict__.update(members)
            if name == "openeo.udf":
                module.__path__ = []
            sys.modules[name] = module
        for name in names:
            parent, _, own = name.rpartition(".")
            setattr(sys.modules[parent], own, sys.modules[name])

    def need_openeo(code):
        nonlocal XarrayDataCube, UdfData
        if "openeo" not in code or "openeo" in sys.modules:
            return
        try:
            import openeo.udf as real
            XarrayDataCube, UdfData = real.XarrayDataCube, real.UdfData
        except ImportError:
            offer_openeo()

    # ---- definitions ----

    def spelled(annotation):
        """How a type is written, whichever way it was given."""
        if annotation is None or isinstance(annotation, str):
            return annotation or ""
        return getattr(annotation, "__name__", str(annotation))

    def find_entry(module, names):
        """The function to call, and how: as the openEO client's own runner chooses, by names and annotations,
        but also without these."""
        import inspect
        found = [module[n] for n in names if callable(module.get(n))]
        for name in ("apply_timeseries", "apply_datacube", "apply_hypercube", "apply_vectorcube", "apply_udf_data"):
            if not isinstance(module.get(name), types.FunctionType):
                continue
            function = module[name]
            parameters = inspect.signature(function).parameters
            first = spelled(next(iter(parameters.values())).annotation) if parameters else ""
            if name == "apply_vectorcube":
                raise OpenEoUdfException("apply_vectorcube is not offered: apply_datacube has vector cubes, too")
            if name == "apply_timeseries":
                return "timeseries", function
            if name == "apply_udf_data" or first.endswith("UdfData"):
                return "udf_data", function
            return ("cube" if first.endswith(("XarrayDataCube", "DataCube")) and not first.endswith("DataArray")
                    else "array"), function
        for function in found:
            if isinstance(function, types.FunctionType):
                parameters = list(inspect.signature(function).parameters.values())
                if len(parameters) == 1 and spelled(parameters[0].annotation).endswith("UdfData"):
                    return "udf_data", function
        raise OpenEoUdfException("the UDF has none of the functions apply_datacube, apply_timeseries, "
                                 "apply_udf_data; it has %s" % (", ".join(n for n in names
                                 if isinstance(module.get(n), types.FunctionType)) or "no function"))

    class Udf:
        def __init__(self, wish):
            self.wish = wish
            self.axes, self.result = wish["axes"], wish.get("result")
            self.along, self.mode = wish.get("along"), wish["mode"]
            self.context = wish.get("context")
            code = wish["code"]
            need_openeo(code)
            module = {"__name__": "udf", "__builtins__": __builtins__, "numpy": numpy, "np": numpy,
                      "xarray": xarray, "XarrayDataCube": XarrayDataCube, "DataCube": XarrayDataCube,
                      "UdfData": UdfData, "StructuredData": StructuredData, "FeatureCollection": FeatureCollection}
            before = set(module)
            exec(compile(code, "<udf>", "exec"), module)
            self.module = module
            self.how, self.function = find_entry(module, [n for n in module if n not in before])

        def array(self, pixels, place):
            """Pixels as xarray: t first, bands before y and x, as UDFs are written."""
            coords = {}
            for axis in self.axes:
                kind, name = axis["kind"], axis["name"]
                if kind == "x":
                    coords[name] = place[0] + (numpy.arange(place[4]) + 0.5) * place[1]
                elif kind == "y":
                    coords[name] = place[2] - (numpy.arange(place[5]) + 0.5) * place[3]
                elif kind == "g":
                    coords[name] = numpy.arange(int(place[0]), int(place[0]) + place[4])
                elif kind == "t" and "instants" in axis:
                    coords[name] = numpy.array(axis["instants"], "datetime64[ms]").astype("datetime64[ns]")
                else:
                    coords[name] = axis["labels"]
            array = xarray.DataArray(pixels, dims=[axis["name"] for axis in self.axes], coords=coords)
            order = {"t": 0, "o": 1, "b": 2, "g": 3, "y": 4, "x": 5}
            return array.transpose(*(a["name"] for a in sorted(self.axes, key=lambda a: order[a["kind"]])))

        def call(self, array):
            context = self.context
            if self.how == "timeseries":
                return self.timeseries(array)
            if self.how == "udf_data":
                data = UdfData(proj={"EPSG": self.wish["epsg"]} if self.wish.get("epsg") else None,
                               datacube_list=[XarrayDataCube(array)],
                               user_context=context if isinstance(context, dict) else {})
                back = self.function(data)
                data = back if isinstance(back, UdfData) else data
                cubes = data.get_datacube_list() or []
                if len(cubes) != 1:
                    raise OpenEoUdfException("the UDF leaves %d cubes in its UdfData, expected one" % len(cubes))
                return cubes[0].get_array()
            given = XarrayDataCube(array) if self.how == "cube" else array
            return self.function(given, context=context) if self.takes_context() else self.function(given)

        def takes_context(self):
            import inspect
            parameters = inspect.signature(self.function).parameters
            return "context" in parameters or any(p.kind == p.VAR_KEYWORD for p in parameters.values())

        def timeseries(self, array):
            import pandas
            times = [a["name"] for a in self.axes if a["kind"] == "t"]
            if not times:
                raise OpenEoUdfException("apply_timeseries needs a cube with a temporal dimension")
            moved = array.transpose(..., times[0])
            index = pandas.DatetimeIndex(moved[times[0]].values)
            flat = moved.values.reshape(-1, moved.shape[-1])
            with_context = self.takes_context()
            lines = []
            for line in flat:
                series = pandas.Series(line, index=index)
                lines.append(numpy.asarray(self.function(series, context=self.context) if with_context
                                           else self.function(series)))
            lengths = {line.shape for line in lines}
            if lines and (len(lengths) > 1 or len(lines[0].shape) != 1):
                raise OpenEoUdfException("apply_timeseries gives series of different lengths: %s" % sorted(lengths))
            made = numpy.array(lines).reshape(moved.shape[:-1] + (len(lines[0]) if lines else 0,))
            result = xarray.DataArray(made, dims=moved.dims, coords={n: c for n, c in moved.coords.items()
                                      if n != times[0] or made.shape[-1] == moved.shape[-1]})
            return result.transpose(*array.dims)

        def made(self, array):
            """What the function gave, as an array of numbers with names of dimensions."""
            found = self.call(array)
            if hasattr(found, "get_array"):
                found = found.get_array()
            if isinstance(found, xarray.Dataset):
                raise OpenEoUdfException("the UDF gives an xarray.Dataset, expected an xarray.DataArray")
            if not isinstance(found, xarray.DataArray):
                if isinstance(found, (numpy.ndarray, numpy.generic)):
                    raise OpenEoUdfException("the UDF gives a bare NumPy array, expected an xarray.DataArray "
                                             "with the names of its dimensions")
                raise OpenEoUdfException("the UDF gives %s, expected an xarray.DataArray"
                                         % ("nothing (None)" if found is None else type(found).__name__))
            if found.dtype.kind not in "biuf":
                raise OpenEoUdfException("the UDF gives values of type %s, expected numbers or booleans" % found.dtype)
            if self.mode == "reduce" and self.along in found.dims and found.sizes[self.along] == 1:
                found = found.isel({self.along: 0}, drop=True)
            return found

        def run(self, pixels, place):
            found = self.made(self.array(pixels, place))
            sizes = {"x": place[4], "y": place[5], "g": place[4]}
            names = [axis["name"] for axis in self.result]
            shape = [sizes.get(axis["kind"], axis.get("count")) for axis in self.result]
            told = ", ".join("%s: %d" % pair for pair in zip(names, shape))
            if sorted(map(str, found.dims)) != sorted(names):
                raise OpenEoUdfException("the UDF gives dimensions (%s), expected (%s)" %
                                         (", ".join("%s: %d" % (d, n) for d, n in found.sizes.items()), told))
            found = found.transpose(*names)
            if list(found.shape) != shape:
                raise OpenEoUdfException("the UDF gives (%s), expected (%s)" %
                                         (", ".join("%s: %d" % (d, n) for d, n in found.sizes.items()), told))
            return numpy.ascontiguousarray(found.values, numpy.float64 if self.wish["wide"] else numpy.float32)

        def probe(self):
            """The dimensions of the result: as apply_metadata says, or as made-up pixels show."""
            count = {"x": min(16, self.wish["columns"]), "y": min(16, self.wish["rows"]),
                     "g": min(16, self.wish["columns"])}
            place = (0.0, 1.0, float(count["y"]), 1.0, count["x"], count["y"])
            told = self.metadata()
            if told is not None:
                return told
            shape = [count[a["kind"]] if a["kind"] in count else len(a.get("labels", a.get("instants")))
                     for a in self.axes]
            pixels = (numpy.arange(int(numpy.prod(shape)), dtype=numpy.float64) % 997 + 1).reshape(shape)
            found = self.made(self.array(pixels.astype(numpy.float64 if self.wish["wide"] else numpy.float32), place))
            axes = []
            for name in found.dims:
                axis = {"name": str(name), "count": int(found.sizes[name])}
                if name in found.coords:
                    labels = found.coords[name].values
                    if labels.dtype.kind == "M":
                        axis["instants"] = [int(n) for n in labels.astype("datetime64[ms]").astype(numpy.int64)]
                    else:
                        axis["labels"] = [plain(label) for label in labels.tolist()]
                axes.append(axis)
            return axes

        def metadata(self):
            function = self.module.get("apply_metadata")
            if not isinstance(function, types.FunctionType):
                return None
            kinds = {"t": "temporal", "b": "bands", "x": "spatial", "y": "spatial", "g": "geometry", "o": "other"}
            dimensions = [Dimension(a["name"], kinds[a["kind"]], list(a.get("labels", a.get("instants", []))))
                          for a in self.axes]
            given = CollectionMetadata(dimensions)
            if "openeo" in sys.modules and not isinstance(sys.modules["openeo"].__path__, list) or \
                    getattr(sys.modules.get("openeo"), "__file__", None):
                given = self.real_metadata(dimensions)
            found = function(given, self.context)
            if found is None:
                raise OpenEoUdfException("apply_metadata gives nothing (None), expected the metadata")
            axes = []
            for name in found.dimension_names():
                known = next((a for a in self.axes if a["name"] == name), None)
                axis = {"name": name}
                if known and known["kind"] in "xyg":
                    axes.append(dict(axis, count=None))
                    continue
                dimension = next(d for d in found._dimensions if d.name == name)
                labels = getattr(dimension, "labels", None)
                if labels is None and hasattr(dimension, "band_names"):
                    labels = dimension.band_names
                if labels is None and getattr(dimension, "extent", None) is not None:
                    labels = None
                if labels is None and known:
                    axes.append(dict(axis, **{k: known[k] for k in ("labels", "instants") if k in known},
                                     count=len(known.get("labels", known.get("instants", [])))))
                    continue
                labels = list(labels or [])
                same = known and "instants" in known and labels == known["instants"]
                axes.append(dict(axis, count=len(labels), **({"instants": labels} if same else {"labels": labels})))
            return axes

        def real_metadata(self, dimensions):
            import openeo.metadata as real
            made = []
            for d in dimensions:
                if d.type == "bands":
                    made.append(real.BandDimension(name=d.name, bands=[real.Band(name=str(n)) for n in d.labels]))
                elif d.type == "temporal":
                    made.append(real.TemporalDimension(name=d.name, extent=[None, None]))
                elif d.type == "spatial":
                    made.append(real.SpatialDimension(name=d.name, extent=[None, None]))
                else:
                    made.append(real.Dimension(name=d.name, type=d.type))
            return real.CollectionMetadata({}, dimensions=made)

    # ---- the conversation ----

    def trouble(exception):
        """The user's own lines of a traceback."""
        import traceback
        frames = traceback.extract_tb(exception.__traceback__)
        own = [f for f in frames if f.filename == "<udf>"]
        lines = ["Traceback (most recent call last):"]
        for f in frames[next((i for i, f in enumerate(frames) if f.filename == "<udf>"), len(frames)):]:
            lines.append('  File "%s", line %s, in %s' % (f.filename, f.lineno, f.name))
        lines += [line.rstrip("\n") for line in traceback.format_exception_only(type(exception), exception)]
        line = own[-1].lineno if own else getattr(exception, "lineno", None)
        name = "" if isinstance(exception, OpenEoUdfException) else type(exception).__name__
        message = str(exception)[:500]
        return {"message": name + ": " + message if name and message else name or message, "line": line,
                "memory": isinstance(exception, MemoryError), "trace": "\n".join(lines)[-6000:] if own or isinstance(exception, SyntaxError) else None}

    udfs = {}

    def answer(kind, number, body):
        if kind == "D":
            udfs[number] = Udf(json.loads(body))
            return "d", b""
        udf = udfs[number]
        if kind == "P":
            return "p", json.dumps(udf.probe()).encode()
        place = PLACE.unpack_from(body)
        sizes = {"x": place[4], "y": place[5], "g": place[4]}
        shape = [sizes[a["kind"]] if a["kind"] in sizes else len(a.get("labels", a.get("instants")))
                 for a in udf.axes]
        pixels = numpy.frombuffer(body, numpy.float64 if udf.wish["wide"] else numpy.float32,
                                  offset=PLACE.size).reshape(shape)
        return "r", udf.run(pixels.copy(), place)

    give_json("h", 0, {"ready": True})
    while True:
        kind, number, size = HEAD.unpack(take(HEAD.size))
        body = take(size)
        try:
            kind, body = answer(chr(kind), number, body)
            body = memoryview(body).cast("B") if kind == "r" and body.size else bytes(body) if kind != "r" else b""
        except BaseException as exception:
            kind, body = "e", json.dumps(trouble(exception)).encode("utf-8", "replace")
        give(kind, number, body)


def main():
    inbox = os.fdopen(os.dup(0), "rb", buffering=1 << 20)
    outbox = os.fdopen(os.dup(1), "wb", buffering=1 << 20)
    os.dup2(2, 1)  # what is printed is for the log
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    sys.stdout = io.TextIOWrapper(os.fdopen(os.dup(2), "wb", buffering=0), errors="replace", line_buffering=True,
                                  write_through=True)
    talk(inbox, outbox)


main()
