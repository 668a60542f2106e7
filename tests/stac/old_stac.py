"""Items and collections as they were written before STAC 1.0, in our own words but with the field names of their time."""

SQUARE = {"type": "Polygon", "coordinates": [[[11, 46], [12, 46], [12, 47], [11, 47], [11, 46]]]}


def item(version, name, properties, assets, extensions=(), **more):
    return {"type": "Feature", "stac_version": version, "stac_extensions": list(extensions), "id": name, "bbox": [11, 46, 12, 47],
            "geometry": SQUARE, "properties": properties, "assets": assets, "links": [], **more}


ITEMS = [
    item("0.8.1", "optical-08", {
        "datetime": "2019-06-01T10:00:00Z", "eo:platform": "sentinel-2a", "eo:constellation": "sentinel-2", "eo:instrument": "msi",
        "eo:gsd": 10, "eo:epsg": 32632, "eo:off_nadir": 3.5, "eo:sun_azimuth": 150.2, "eo:sun_elevation": 60.1, "eo:cloud_cover": 12,
        "eo:bands": [{"name": "B02", "common_name": "blue"}, {"name": "B03", "common_name": "green"}]},
        {"B02": {"href": "https://example.com/a/B02.tif", "type": "image/x.geotiff", "eo:bands": [0]},
         "both": {"href": "https://example.com/a/both.tif", "type": "image/vnd.stac.geotiff; cloud-optimized=true", "eo:bands": [1, 0]}},
        ["eo", "asset"], collection="old"),
    item("0.8.0", "radar-08", {
        "datetime": "2019-06-02T05:00:00Z", "sar:platform": "sentinel-1a", "sar:constellation": "sentinel-1", "sar:instrument": "c-sar",
        "sar:instrument_mode": "IW", "sar:frequency_band": "C", "sar:type": "GRD", "sar:polarization": ["VV", "VH"],
        "sar:pass_direction": "ascending", "sar:relative_orbit": [44], "sar:absolute_orbit": [27512], "sar:resolution": [20, 22],
        "sar:pixel_spacing": [10, 10], "sar:looks": [5, 1, 4.4], "dtr:start_datetime": "2019-06-02T05:00:00Z",
        "dtr:end_datetime": "2019-06-02T05:00:25Z", "collection": "old"},
        {"vv": {"href": "https://example.com/b/vv.tif", "type": "image/tiff", "checksum:multihash": "90e40210f52acd32b09769d3b1871b420789456c"}},
        ["sar", "datetime-range", "checksum"]),
    item("0.9.0", "optical-09", {
        "datetime": "2020-01-01T10:00:00.123456Z", "platform": "sentinel-2b", "instruments": ["msi"], "gsd": 10, "eo:cloud_cover": 1.5,
        "view:off_nadir": 0, "proj:epsg": 32633, "sat:relative_orbit": 122, "sat:orbit_state": "descending"},
        {"B04": {"href": "https://example.com/c/B04.tif", "type": "image/vnd.stac.geotiff", "title": "Red", "eo:bands": [{"name": "B04"}]}},
        ["eo", "view", "projection", "sat", "https://example.com/own/schema.json", "unheard-of"], collection="old"),
    item("1.0.0-beta.2", "optical-beta", {
        "datetime": None, "start_datetime": "2020-05-01T00:00:00Z", "end_datetime": "2020-06-01T00:00:00Z", "eo:cloud_cover": 3, "processing:level": "L2"},
        {"data": {"href": "https://example.com/d.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}},
        ["eo", "processing", "item-assets"], collection="old"),
    item("1.0.0-rc.3", "candidate", {"datetime": "2021-04-01T00:00:00Z", "view:sun_azimuth": 3},
         {}, ["https://stac-extensions.github.io/view/v1.0.0/schema.json"], collection="old"),
]

COLLECTIONS = [
    {"stac_version": "0.8.1", "stac_extensions": ["commons", "eo"], "id": "old", "title": "Old", "description": "As in 2019", "license": "CC-BY-4.0",
     "extent": {"spatial": {"bbox": [[11, 46, 12, 47]]}, "temporal": {"interval": [["2019-01-01T00:00:00Z", None]]}},
     "properties": {"eo:platform": "sentinel-2a", "eo:instrument": "msi", "eo:gsd": 10}, "links": []},
    {"stac_version": "0.9.0", "stac_extensions": ["eo", "asset"], "id": "flat", "description": "Extent without nesting", "license": "proprietary",
     "extent": {"spatial": [11, 46, 12, 47], "temporal": ["2019-01-01T00:00:00Z", "2020-01-01T00:00:00Z"]},
     "summaries": {"eo:cloud_cover": {"min": 0, "max": 80}, "platform": ["sentinel-2a"]}, "links": []},
    {"stac_version": "1.0.0-beta.2", "id": "beta", "description": "Half nested", "license": "various", "stac_extensions": [],
     "extent": {"spatial": {"bbox": [11, 46, 12, 47]}, "temporal": {"interval": ["2019-01-01T00:00:00Z", None]}},
     "summaries": {"gsd": {"min": 10, "max": 60}}, "links": []},
]

REFUSED = [("0.6.2", "/stac_version"), ("1.2.0", "/stac_version"), ("2.0.0", "/stac_version"), ("1.0.0-alpha.1", "/stac_version"), (None, "/stac_version")]
