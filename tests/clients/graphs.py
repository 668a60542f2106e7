"""Process graphs that several tests send."""

SCL_VALID = [4, 5, 6, 7, 11]
BANDS = ["B02", "B03", "B04", "B08"]
# NumPy on the five dates of tile 33TWL: plain median of the dates that count.
COMPOSITE = {"B02": 436.29, "B03": 636.51, "B04": 433.86, "B08": 3388.80}
NDVI, VALID = 0.7707, 0.99935


def add(x=1, y=2):
    return {"process_graph": {"sum": {"process_id": "add", "arguments": {"x": x, "y": y}, "result": True}}}


def load(collection="sentinel-2-l2a", **arguments):
    return {"process_id": "load_collection",
            "arguments": {"id": collection, "spatial_extent": None, "temporal_extent": None, **arguments}}


def ndvi_of_window(collection="sentinel-2-l2a", format="COG"):
    """NDVI median of a small window."""
    west, south, east, north = 15.2, 45.6, 15.3, 45.7
    box = {"west": west, "south": south, "east": east, "north": north}
    return {"process_graph": {
        "load": load(collection, spatial_extent=box, bands=["B04", "B08"]),
        "ndvi": {"process_id": "ndvi", "arguments": {"data": {"from_node": "load"}, "nir": "B08", "red": "B04"}},
        "median": {"process_id": "reduce_dimension", "arguments": {
            "data": {"from_node": "ndvi"}, "dimension": "t", "reducer": {"process_graph": {
                "m": {"process_id": "median", "arguments": {"data": {"from_parameter": "data"}}, "result": True}}}}},
        "save": {"process_id": "save_result", "arguments": {"data": {"from_node": "median"}, "format": format},
                 "result": True}}}
