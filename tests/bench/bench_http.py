"""HTTP: landing page and searches against bare libmicrohttpd and pgbench. Usage: bench_http.py BUILD-FOLDER

Requests per second of 16 connections that stay open (wrk), median of some rounds, the peers in turn
with the service in each round, so that other work on the machine meets both. The page of bare_mhd
has the size of the service's own answer; pgbench runs the statement that makes the page of a search,
prepared, over as many connections as the service has."""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
build = Path(sys.argv[1] if len(sys.argv) > 1 else "build").resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
import requests  # noqa: E402
from conftest import Service  # noqa: E402

ROUNDS, SECONDS, ITEMS, POOL = int(os.environ.get("BENCH_ROUNDS", "5")), 3, 20000, 8
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
SELECT = ("SELECT s.body, s.id, s.datetime, s.collection, c.id FROM (SELECT body, id, datetime, collection FROM items WHERE true"
          " AND collection = $1::integer{more} ORDER BY datetime DESC, id DESC, collection DESC LIMIT 11) s"
          " JOIN collections c ON c.number = s.collection ORDER BY s.datetime DESC, s.id DESC, s.collection DESC")


def wrk(url):
    out = subprocess.run(["wrk", "-t2", "-c16", f"-d{SECONDS}", url], capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out, out
    return float(re.search(r"Requests/sec: *([0-9.]+)", out)[1])


def pgbench(service, sql):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(sql + ";\n")
        script.flush()
        out = subprocess.run([PGBENCH, "-n", "-M", "prepared", "-c", str(POOL), "-j", "2", "-T", str(SECONDS), "-f", script.name,
                              "-h", service.data / "db", "-U", "sentier", "sentier"], capture_output=True, text=True, check=True).stdout
    return float(re.search(r"tps = ([0-9.]+)", out)[1])


class BareMhd:
    def __init__(self, size):
        self.process = subprocess.Popen([build / "tests/bench/bare_mhd", str(size)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().split()[1]}/"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()


def items():
    """Footprints on a grid, one scene an hour, with assets as real items have them."""
    for i in range(ITEMS):
        west, south = -170 + (i * 7) % 330, -60 + (i * 13) % 110
        ring = [[west, south], [west + 1, south], [west + 1, south + 1], [west, south + 1], [west, south]]
        day, hour = divmod(i, 24)
        yield {"type": "Feature", "stac_version": "1.0.0", "id": f"bench-{i:06}", "collection": "bench",
               "geometry": {"type": "Polygon", "coordinates": [ring]}, "bbox": [west, south, west + 1, south + 1],
               "properties": {"datetime": f"{2000 + day // 336}-{1 + day // 28 % 12:02}-{1 + day % 28:02}T{hour:02}:00:00Z",
                              "eo:cloud_cover": i % 100, "platform": "sentinel-2a"},
               "links": [], "assets": {f"B{b:02}": {"href": f"https://data.example/{i}/B{b:02}.tif", "type": "image/tiff; application=geotiff",
                                                   "roles": ["data"], "proj:shape": [10980, 10980]} for b in range(1, 13)}}


def compare(what, url, peer_name, peer):
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(wrk(url))
        theirs.append(peer())
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(f"{what:<34} {ours:9.0f}/s   {peer_name:<22} {theirs:9.0f}/s   ratio {ours / theirs:5.2f}", flush=True)


def measure(service):
    lines = "\n".join(map(json.dumps, items()))
    service.command("catalog", "add", "-", input=lines)
    number = subprocess.run(["psql", "-h", service.data / "db", "-U", "sentier", "-qAt", "-c",
                             "ANALYZE; SELECT number FROM collections WHERE id = 'bench'", "sentier"],
                            capture_output=True, text=True, check=True).stdout.split()[-1]
    box = '{"type":"Polygon","coordinates":[[[0,40],[0,50],[10,50],[10,40],[0,40]]]}'
    place = f" AND ST_Intersects(geom, ST_MakeValid(ST_SetSRID(ST_GeomFromGeoJSON('{box}'), 4326)))"
    for name, path in [("healthz", "/healthz"), ("landing page", "/"), ("STAC landing page", "/stac")]:
        bare = BareMhd(len(requests.get(service.base + path, headers={"Accept-Encoding": "identity"}, timeout=20).content))
        compare(name, service.base + path, "bare libmicrohttpd", lambda bare=bare: wrk(bare.url))
        bare.stop()
    for name, query, more in [("search, newest 10", "", ""), ("search, newest 10 of a bbox", "&bbox=0,40,10,50", place)]:
        url = service.base + "/stac/search?collections=bench&limit=10" + query
        answer = requests.get(url, timeout=20).json()
        assert len(answer["features"]) == 10, answer
        sql = SELECT.format(more=more).replace("$1", number)
        compare(name, url, f"pgbench, {POOL} clients", lambda sql=sql: pgbench(service, sql))


def main():
    with tempfile.TemporaryDirectory(prefix="sentier-bench-") as folder:
        os.chmod(folder, 0o755)
        service = Service(folder, "worker.slots=1", f"database.pool={POOL}", "log.level=warning")
        service.start()
        try:
            measure(service)
        finally:
            service.stop()


if __name__ == "__main__":
    main()
