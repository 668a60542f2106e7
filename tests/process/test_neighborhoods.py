"""Windows that are computed each for itself, against NumPy and SciPy run on each window."""
from datetime import datetime, timedelta

import numpy
import pytest

from test_around import WIDTH, convolved, result_of, scene  # noqa: F401
from test_cubes import cube_of, load, node, run
from test_random_graphs import H, W, X0, Y0, write_scene
from test_windows import reducer

HERE = {"from_parameter": "data"}


def size(x=None, y=None, t=None, unit="px", **others):
    entries = [{"dimension": d, "value": v, "unit": unit} for d, v in (("x", x), ("y", y)) if v is not None]
    entries += [{"dimension": d, "value": v} for d, v in ({"t": t} if t is not None else {}).items()]
    return entries + [{"dimension": d, "value": v, "unit": "px"} for d, v in others.items()]


def graph(**nodes):
    nodes[list(nodes)[-1]]["result"] = True
    return {"process_graph": nodes}


def hood(**arguments):
    return {"process_id": "apply_neighborhood", "arguments": {"data": {"from_node": "load"}, **arguments}}


def at(name, /, data=HERE, **arguments):
    return {"process_id": name, "arguments": {"data": data, **arguments}}


def binary(process, **more):
    return graph(o={"process_id": process, "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}, **more}})


MINUS_MEAN = graph(m=at("reduce_spatial", reducer=reducer("mean")),
                   d={"process_id": "merge_cubes", "arguments": {"cube1": HERE, "cube2": {"from_node": "m"},
                                                                 "overlap_resolver": binary("subtract")}})


def in_windows(image, w, h, left, top, function):
    """`function` on each window with what lies around it; only the window itself is kept."""
    padded = numpy.pad(image, ((top, top), (left, left)), constant_values=numpy.nan)
    result = numpy.empty_like(image)
    for y in range(0, image.shape[0], h):
        for x in range(0, image.shape[1], w):
            ny, nx = min(h, image.shape[0] - y), min(w, image.shape[1] - x)
            made = function(padded[y:y + ny + 2 * top, x:x + nx + 2 * left])
            result[y:y + ny, x:x + nx] = made[top:top + ny, left:left + nx]
    return result


def valid(scene):  # noqa: F811
    return numpy.where(scene[1] == 0, numpy.nan, scene[1].astype(float))


def less_mean(v):
    return v - (numpy.nanmean(v) if numpy.isfinite(v).any() else numpy.nan)


@pytest.mark.parametrize("w, h, left, top", [(256, 128, 16, 8), (WIDTH, 37, 0, 3), (2000, 2000, 5, 0)])
def test_windows_are_apart(scene, tmp_path, w, h, left, top):  # noqa: F811
    """The mean of each window and its overlap, taken off it; windows at the right and lower border are smaller."""
    nodes = {**load(bands=["A"]), "n": hood(process=MINUS_MEAN, size=size(w, h), overlap=size(left, top))}
    got, profile = result_of(scene, tmp_path, nodes)
    want = in_windows(valid(scene), w, h, left, top, less_mean)
    assert numpy.allclose(got, want, atol=2e-3, equal_nan=True)
    assert (profile["transform"].c, profile["transform"].f) == (X0, Y0)


@pytest.mark.parametrize("w, h, left, top", [(5, 3, 0, 0), (3, 2, 1, 1), (1, 1, 2, 1)])
def test_small_windows(scene, tmp_path, w, h, left, top):  # noqa: F811
    box = {"west": X0 + 400, "east": X0 + 1500, "north": Y0 - 300, "south": Y0 - 1110, "crs": 32633}
    nodes = {**load(bands=["A"]), "b": node("filter_bbox", extent=box), "n": hood(process=MINUS_MEAN, size=size(w, h), overlap=size(left, top))}
    nodes["n"]["arguments"]["data"] = {"from_node": "b"}
    got, _ = cube_of(scene[0], tmp_path, nodes)
    want = in_windows(valid(scene)[30:111, 40:150], w, h, left, top, less_mean)
    assert got[0, 0] == pytest.approx(want, abs=2e-3, nan_ok=True)


@pytest.mark.parametrize("unit, factor", [("px", 1), ("m", 10), (None, 10)])
def test_kernels_end_at_the_window(scene, tmp_path, unit, factor):  # noqa: F811
    """The border of a kernel is that of the window with its overlap; sizes in pixels, metres and the unit of the CRS."""
    kernel = [[1, 2, 0.5], [0, 3, -3], [-1, -2, 4]]
    process = graph(k=at("apply_kernel", kernel=kernel, border="reflect"))
    nodes = {**load(bands=["A"]), "n": hood(process=process, size=size(100 * factor, 90 * factor, unit=unit),
                                            overlap=size(4 * factor, 0, unit=unit))}
    got, _ = result_of(scene, tmp_path, nodes)
    want = in_windows(valid(scene), 100, 90, 4, 0, lambda v: convolved(v, kernel, "reflect", 0, 1))
    assert numpy.allclose(got, want, rtol=1e-6, atol=1e-2)


def test_windows_in_windows_in_little_memory(scene, tmp_path, monkeypatch):  # noqa: F811
    """A window is a cube, so it can be cut again; and bands of rows give the same."""
    process = graph(n=at("apply_neighborhood", process=MINUS_MEAN, size=size(170, 140), overlap=size(2, 1)),
                    k=at("apply_kernel", {"from_node": "n"}, kernel=[[1, 1, 1]], factor=1 / 3, border="replicate"))
    nodes = {**load(bands=["A"]), "n": hood(process=process, size=size(430, 410), overlap=size(7, 9))}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    got, _ = result_of(scene, tmp_path / "a", nodes)
    want = in_windows(valid(scene), 430, 410, 7, 9, lambda v: convolved(
        in_windows(v, 170, 140, 2, 1, less_mean), [[1, 1, 1]], "replicate", 0, 1 / 3))
    assert numpy.allclose(got, want, atol=2e-3, equal_nan=True)
    monkeypatch.setenv("SENTIER_RASTER_BLOCK_BUDGET", "300M")
    again, _ = result_of(scene, tmp_path / "b", nodes)
    assert numpy.array_equal(got, again, equal_nan=True)


def test_what_is_pointwise_needs_no_windows(scene, tmp_path):  # noqa: F811
    process = graph(a=at("apply", process=graph(m={"process_id": "multiply", "arguments": {"x": {"from_parameter": "x"}, "y": 2}})))
    got, _ = result_of(scene, tmp_path, {**load(bands=["A"]), "n": hood(process=process, size=size(7, 7))})
    assert numpy.array_equal(got, valid(scene) * 2, equal_nan=True)


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Fourteen dates, not equally far apart: bands of random numbers, with gaps."""
    folder = tmp_path_factory.mktemp("days")
    r = numpy.random.default_rng(4)
    dates, all_values = [], []
    for i, gap in enumerate([0, 1, 1, 3, 2, 9, 1, 4, 5, 1, 1, 12, 2, 6]):
        dates.append((dates[-1] if dates else datetime(2023, 1, 28, 10)) + timedelta(days=gap))
        values = {b: r.integers(0, 200, (H, W)) * (r.random((H, W)) > 0.2) for b in "ABC"}
        write_scene(folder, i, dates[-1].strftime("%Y-%m-%dT%H:%M:%SZ"), values)
        all_values.append(numpy.where(values["A"] == 0, numpy.nan, values["A"]))
    return folder, dates, numpy.array(all_values)


def test_small_images_need_little(days, tmp_path):
    """What is read for windows at once is no more than there is, however many planes and sizes of windows there are."""
    process = graph(n=at("apply_neighborhood", process=MINUS_MEAN, size=size(2, 2)), m=at("apply_kernel", {"from_node": "n"}, kernel=[[1, 1, 1]]))
    got, result = cube_of(days[0], tmp_path, {**load(), "n": hood(process=process, size=size(4, 3), overlap=size(1, 1))})
    assert got.shape == (14, 3, H, W) and numpy.isfinite(got).any()


def months_later(date, n):
    at = date.month - 1 + n
    for day in (date.day, 30, 29, 28):
        try:
            return date.replace(year=date.year + at // 12, month=at % 12 + 1, day=day)
        except ValueError:
            pass


CHUNKS = [("P5D", None, lambda d, n: d + timedelta(days=5 * n), timedelta(0)),
          ("P5D", "P3D", lambda d, n: d + timedelta(days=5 * n), timedelta(days=3)),
          ("P1M", "PT36H", months_later, timedelta(hours=36)), ("P1W", "P2W", lambda d, n: d + timedelta(days=7 * n), timedelta(days=14))]


@pytest.mark.parametrize("length, overlap, start, around", CHUNKS)
def test_windows_of_time(days, tmp_path, length, overlap, start, around):
    """Windows of days, weeks and months from the first date on; each value less the mean of its window."""
    folder, dates, values = days
    mean = graph(m=at("reduce_dimension", dimension="t", reducer=reducer("mean")),
                 d={"process_id": "merge_cubes", "arguments": {"cube1": HERE, "cube2": {"from_node": "m"},
                                                               "overlap_resolver": binary("subtract")}})
    arguments = {"size": size(t=length), **({"overlap": size(t=overlap)} if overlap else {})}
    got, _ = cube_of(folder, tmp_path, {**load(bands=["A"]), "n": hood(process=mean, **arguments)})
    want = numpy.empty_like(values)
    for i, date in enumerate(dates):
        n = next(n for n in range(200) if start(dates[0], n + 1) > date)
        inside = [start(dates[0], n) - around <= d < start(dates[0], n + 1) + around for d in dates]
        want[i] = values[i] - numpy.nanmean(values[inside], axis=0)
    assert got[:, 0] == pytest.approx(want, rel=1e-5, abs=1e-3, nan_ok=True)


def test_arrays_of_labels(days, tmp_path):
    """One dimension of more than one label makes labelled arrays; beyond the ends there are labels without data."""
    folder, dates, values = days
    process = graph(s={"process_id": "array_apply", "arguments": {"data": HERE, "process": graph(
        n={"process_id": "count", "arguments": {"data": HERE, "condition": True}},
        m={"process_id": "sum", "arguments": {"data": HERE}},
        a={"process_id": "add", "arguments": {"x": {"from_node": "m"}, "y": {"from_node": "n"}}})}})
    nodes = {**load(bands=["A"]), "n": hood(process=process, size=size(1, 1, t=3), overlap=size(t=2))}
    got, _ = cube_of(folder, tmp_path, nodes)
    padded = numpy.pad(values, ((2, 2), (0, 0), (0, 0)), constant_values=numpy.nan)
    want = numpy.empty_like(values)
    for first in range(0, 14, 3):
        n = min(3, 14 - first)
        window = padded[first:first + n + 4]
        want[first:first + n] = numpy.where(numpy.isfinite(window).any(0), numpy.nansum(window, 0) + n + 4, numpy.nan)
    assert got[:, 0] == pytest.approx(want, nan_ok=True)


def test_labels_beyond_the_ends(days, tmp_path):
    """They go on as the two at the end do; overlap is not part of the result."""
    folder, dates, _ = days
    labels = graph(f={"process_id": "array_apply", "arguments": {"data": HERE, "process": graph(
                       d={"process_id": "date_difference", "arguments": {"date1": "2023-01-01T10:00:00Z", "date2": {"from_parameter": "label"}, "unit": "day"}},
                       i={"process_id": "array_labels", "arguments": {"data": HERE}},
                       f={"process_id": "array_element", "arguments": {"data": {"from_node": "i"}, "index": 0}},
                       e={"process_id": "date_difference", "arguments": {"date1": "2023-01-01T10:00:00Z", "date2": {"from_node": "f"}, "unit": "day"}},
                       s={"process_id": "subtract", "arguments": {"x": {"from_node": "d"}, "y": {"from_node": "e"}}})}})
    nodes = {**load(bands=["A"]), "n": hood(process=labels, size=size(1, 1, t=2), overlap=size(t=3))}
    got, result = cube_of(folder, tmp_path, nodes)
    assert len(result["labels"]["t"]) == 14
    assert got[0, 0, 0, 0] == 3 and got[1, 0, 0, 0] == 4  # three days before the first date, which a day follows
    assert got[13, 0, 0, 0] == (dates[13] - dates[9]).days


ERRORS = [
    (dict(size=size(z=3)), "no dimension 'z'"),
    (dict(size=size(0, 4)), "at least one pixel"),
    (dict(size=size(15, 20, unit="m")), "no whole number"),
    (dict(size=size(2, 2, t="P0D")), "no duration of more than nothing"),
    (dict(size=[{"dimension": "x", "value": "P1D"}]), "no dates that P1D"),
    (dict(size=size(2, 2) + size(2)), "named twice"),
    (dict(size=size(2, 2, bands=1), overlap=size(bands=1)), "no names for what lies beyond"),
    (dict(size=size(5, 1, t=1, bands=1)), "Arrays along 'x'"),
    (dict(size=size(4, 4), process=graph(m=at("reduce_spatial", reducer=reducer("mean")))), "are not those of the window"),
    (dict(size=size(4, 4), process=graph(m=at("resample_spatial", resolution=20))), "are not those of the window"),
    (dict(size=size(4, 4), process=graph(l=at("dimension_labels", dimension="x"), r=at("reduce_dimension", dimension="t", reducer=reducer("mean")))),
     "have no coordinates"),
    (dict(size=size(4, 4), process=graph(b=at("filter_bbox", extent={"west": 15, "south": 46, "east": 15.001, "north": 46.1}))),
     "have no coordinates"),
    (dict(size=size(1, 1, t=2), process=graph(m=at("mean"))), "expected an array"),
]


@pytest.mark.parametrize("arguments, message", ERRORS)
def test_errors(days, tmp_path, arguments, message):
    nodes = {**load(bands=["A"]), "n": {**hood(**{"process": MINUS_MEAN, **arguments}), "result": True}}
    done = run(days[0], tmp_path, nodes)
    assert done.returncode != 0 and message in done.stderr, done.stderr
