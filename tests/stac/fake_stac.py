"""A small STAC API and a static catalogue with faults: busy answers, cut connections, pages that repeat, go round, or lead away."""
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SQUARE = {"type": "Polygon", "coordinates": [[[11, 46], [12, 46], [12, 47], [11, 47], [11, 46]]]}


def item(n, collection="far", updated=None, **properties):
    day = f"2021-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}T00:00:00Z"
    return {"type": "Feature", "stac_version": "1.0.0", "stac_extensions": [], "id": f"item-{n:05d}", "collection": collection, "bbox": [11, 46, 12, 47],
            "geometry": SQUARE, "properties": {"datetime": day, "updated": updated or day, **properties},
            "assets": {"data": {"href": "./data.tif", "type": "image/tiff"}}, "links": []}


def collection(name):
    return {"type": "Collection", "stac_version": "1.0.0", "id": name, "description": "Far away", "license": "CC0-1.0", "links": [],
            "extent": {"spatial": {"bbox": [[11, 46, 12, 47]]}, "temporal": {"interval": [["2021-01-01T00:00:00Z", None]]}}}


class FakeStac:
    def __init__(self, items, page=20):
        self.items, self.page, self.requests, self.faults, self.bodies = {i["id"]: i for i in items}, page, [], [], []
        self.filters, self.next_url, self.loop, self.served_304 = True, None, False, 0
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def send(self, value, status=200, headers=()):
                body = json.dumps(value).encode()
                self.send_response(status)
                for name, text in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def fault(self):
                """True when the request was spoiled."""
                kind = fake.faults.pop(0) if fake.faults else None
                if kind == "busy":
                    self.send({"message": "slowly"}, 429, [("Retry-After", "1")])
                elif kind == "down":
                    self.send({"message": "soon"}, 503)
                elif kind == "cut":
                    self.send_response(200)
                    self.send_header("Content-Length", "100000")
                    self.end_headers()
                    self.wfile.write(b'{"features": [')
                    self.wfile.flush()
                    self.connection.shutdown(socket.SHUT_RDWR)  # close() would wait until its files are closed, too
                elif kind == "half":
                    body = b'{"features": [{"type": "Fea'
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                return kind is not None

            def do_GET(self):
                fake.requests.append(self.path)
                if self.fault():
                    return
                if self.path.startswith("/static/"):
                    return self.static(self.path[len("/static/"):])
                base = fake.base
                if self.path == "/":
                    conforms = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
                    conforms += ["http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter"] if fake.filters else []
                    self.send({"type": "Catalog", "stac_version": "1.0.0", "id": "fake", "description": "", "conformsTo": conforms,
                               "links": [{"rel": "search", "href": base + "/search"}, {"rel": "data", "href": base + "/collections"}]})
                elif self.path == "/collections":
                    self.send({"collections": [collection("far"), collection("empty")], "links": []})
                else:
                    self.send({"message": "nothing"}, 404)

            def static(self, name):
                files = {"catalog.json": {"type": "Catalog", "stac_version": "1.0.0", "id": "root", "description": "", "links": [
                            {"rel": "child", "href": "./far/collection.json"}, {"rel": "child", "href": "catalog.json"}, {"rel": "self", "href": "https://elsewhere.example/catalog.json"}]},
                         "far/collection.json": {**collection("far"), "links": [{"rel": "root", "href": "../catalog.json"}] +
                                                 [{"rel": "item", "href": f"items/{i}.json"} for i in sorted(fake.items)]}}
                files.update({f"far/items/{k}.json": v for k, v in fake.items.items()})
                if name not in files:
                    return self.send({}, 404)
                etag = f'"{hash(json.dumps(files[name], sort_keys=True)) & 0xffffffff:x}"'
                if self.headers.get("If-None-Match") == etag:
                    fake.served_304 += 1
                    self.send_response(304)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send(files[name], headers=[("ETag", etag)])

            def do_POST(self):
                fake.requests.append(self.path)
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                fake.bodies.append(body)
                if self.fault():
                    return
                found = sorted((i for i in fake.items.values() if i["collection"] in body["collections"]), key=lambda i: i["id"])
                if "filter" in body:
                    since = body["filter"]["args"][1]["timestamp"]
                    found = [i for i in found if i["properties"]["updated"] >= since]
                if "/.." in body.get("datetime", ""):
                    found = [i for i in found if i["properties"]["datetime"] >= body["datetime"].split("/")[0]]
                at = body.get("token", 0)
                links = []
                if at + fake.page < len(found):
                    more = {**body, "token": 0 if fake.loop and at else at + fake.page}
                    links = [{"rel": "next", "method": "POST", "href": (fake.next_url or fake.base) + "/search", "body": more}]
                self.send({"type": "FeatureCollection", "features": found[at:at + fake.page], "links": links, "numberMatched": len(found)})

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
