"""POST /validation: each error with its code, its node and the place of the argument, all at once."""
import pytest
import requests
from graphs import load

pytestmark = pytest.mark.sanitizer
BANDS = ["B04", "B08"]


def node(process, **arguments):
    return {"process_id": process, "arguments": arguments}


def cube(name="l"):
    return {"from_node": name}


def along(dimension, callback):
    return node("reduce_dimension", data=cube(), dimension=dimension, reducer={"process_graph": callback})


def element(**arguments):
    return {"e": {**node("array_element", data={"from_parameter": "data"}, **arguments), "result": True}}


def box(**change):
    return {"west": 15.2, "south": 45.6, "east": 15.3, "north": 45.7, **change}


def loaded(**arguments):
    return load(bands=BANDS, **arguments)


MEAN = {"m": {**node("mean", data={"from_parameter": "data"}), "result": True}}
FINE = {"l": loaded()}
# nodes (the last one is the result), and what is found: (code, place)
ROWS = {
    "right": (FINE, []),
    "an empty list for no arguments, as R and PHP send it": ({"p": {"process_id": "pi", "arguments": []}}, []),
    "unbound parameter": ({"l": loaded(temporal_extent={"from_parameter": "time"})}, []),
    "band": ({"l": load(bands=["B99"])}, [("ProcessParameterInvalid", "l/arguments/bands")]),
    "collection": ({"l": load("nowhere")}, [("CollectionNotFound", "l/arguments/id")]),
    "box": ({"l": loaded(spatial_extent=box(south=80))}, [("ProcessParameterInvalid", "l/arguments/spatial_extent")]),
    "half a box": ({"l": loaded(spatial_extent={"west": 1})}, [("ProcessParameterInvalid", "l/arguments/spatial_extent")]),
    "reference system": ({"l": loaded(spatial_extent=box(crs=99999))}, [("ProcessParameterInvalid", "l/arguments/spatial_extent")]),
    "date": ({"l": loaded(temporal_extent=["2023-13-01", None])}, [("ProcessParameterInvalid", "l/arguments/temporal_extent")]),
    "interval": ({"l": loaded(temporal_extent=["2023-02-01", "2023-01-01"])}, [("TemporalExtentEmpty", "l/arguments/temporal_extent")]),
    "filter of dates": ({**FINE, "f": node("filter_temporal", data=cube(), extent=["2023-02-01"])},
                        [("ProcessParameterInvalid", "f/arguments/extent")]),
    "no band is left": ({**FINE, "f": node("filter_bands", data=cube(), bands=["B02"])}, [("DataCubeEmpty", "f/arguments/data")]),
    "dimension": ({**FINE, "r": along("time", MEAN)}, [("DimensionNotAvailable", "r/arguments/dimension")]),
    "label": ({**FINE, "r": along("bands", element(label="B02"))},
              [("ArrayElementNotAvailable", "r/arguments/reducer/process_graph/e/arguments/label")]),
    "index": ({**FINE, "r": along("bands", element(index=5))},
              [("ArrayElementNotAvailable", "r/arguments/reducer/process_graph/e/arguments/index")]),
    "callback": ({**FINE, "r": along("t", {"m": node("mean", data={"from_parameter": "data"})})},
                 [("ProcessGraphInvalid", "r/arguments/reducer/process_graph")]),
    "in a callback": ({**FINE, "r": along("t", {**MEAN, "n": node("nonsense"), "s": node("sqrt", x="text")})},
                      [("ProcessUnsupported", "r/arguments/reducer/process_graph/n"),
                       ("ProcessParameterInvalid", "r/arguments/reducer/process_graph/s/arguments/x")]),
    "type": ({**FINE, "a": node("add", x=cube(), y="two")},
             [("ProcessParameterInvalid", "a/arguments/x"), ("ProcessParameterInvalid", "a/arguments/y")]),
    "names": ({**FINE, "a": node("add", x=1, z=2, q=3)},
              [("ProcessParameterUnsupported", "a/arguments/z"), ("ProcessParameterUnsupported", "a/arguments/q"),
               ("ProcessParameterRequired", "a/arguments")]),
    "format": ({**FINE, "s": node("save_result", data=cube(), format="XLS")}, [("FormatUnsuitable", "s/arguments/format")]),
    "option": ({**FINE, "s": node("save_result", data=cube(), format="GTiff", options={"foo": 1})},
               [("ProcessParameterInvalid", "s/arguments/options")]),
    "cycle, and another": ({"a": node("add", x=cube("b"), y=1), "b": node("add", x=cube("a"), y=1), "c": node("sqrt", x="text")},
                           [("ProcessGraphInvalid", "a"), ("ProcessParameterInvalid", "c/arguments/x")]),
    "no such node": ({**FINE, "a": node("absolute", x=cube("zz"))}, [("ProcessGraphInvalid", "a/arguments/x")]),
    "several": ({"l": loaded(spatial_extent=box(south=80), temporal_extent=7), "a": node("sqrt", x="text"), "n": node("nonsense")},
                [("ProcessUnsupported", "n"), ("ProcessParameterInvalid", "l/arguments/temporal_extent"),
                 ("ProcessParameterInvalid", "a/arguments/x")]),
}


@pytest.mark.parametrize("nodes, wanted", ROWS.values(), ids=ROWS.keys())
def test_validation(scenes, nodes, wanted):
    nodes = {**nodes, list(nodes)[-1]: {**list(nodes.values())[-1], "result": True}}
    answer = requests.post(f"{scenes.base}/openeo/1.2/validation", json={"process_graph": nodes}, timeout=30)
    assert answer.status_code == 200
    errors = answer.json()["errors"]
    assert [error["code"] for error in errors] == [code for code, _ in wanted], errors
    for error, (_, place) in zip(errors, wanted):
        assert f"/process_graph/{place})" in error["message"] and ("(node '" in error["message"] or place.endswith("graph")), error


@pytest.mark.parametrize("body, code", [([], "ProcessInvalid"), ("x", "ProcessInvalid")])
def test_what_is_no_process(scenes, body, code):
    answer = requests.post(f"{scenes.base}/openeo/1.2/validation", json=body, timeout=30)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
