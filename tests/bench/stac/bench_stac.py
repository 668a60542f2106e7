"""The catalogue under load: searches over HTTP, the same SQL through pgbench, and stac-fastapi-pgstac.

    bench_stac.py BUILD-FOLDER --items 100000,1000000 --data DIR [--peer 100000] [--seconds 5]

At each size of the synthetic catalogue (loaded in steps into DIR, which is kept) every mix of mixes.py is
asked by wrk over 1 and over 16 connections. Two floors are pgbench with the very statements that the server
sent for these addresses, over as many connections, on the same database: with the values as constants in prepared
statements, and with the values as parameters, as the server has to send them.
Prints a table a size and at the end how each mix grows; DIR/bench-stac.json keeps the numbers."""
import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent)]
CHUNK, ALL = 250000, 10_000_000
FEW, MANY = 1, 16


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--items", default="100000", help="sizes, separated by commas")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peer", type=int, default=0, help="size at which stac-fastapi-pgstac is measured, too")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--only", default="", help="only mixes whose name contains this")
    parser.add_argument("--no-floor", action="store_true")
    return parser.parse_args()


def count(service):
    return int(service.sql("SELECT coalesce(sum(count), 0) FROM collections"))


def chunk_file(options, first, many):
    """Items of the catalogue of ALL, in no order: the first N of them are as spread as all are."""
    path = options.data / f"items-{first}.ndjson"
    with open(path, "w") as file:
        subprocess.run([options.build / "tests/bench/stac_items", str(many), "--from", str(first), "--of", str(ALL), "--shuffle",
                        *(["--collections"] if first == 0 else [])], stdout=file, check=True)
    return path


def load(service, options, size):
    """Brings the catalogue to this size; items per second of `catalog add`, None when there was nothing to add."""
    first, seconds, start = count(service), 0, None
    start = first
    while first < size:
        many = min(CHUNK, size - first)
        path = chunk_file(options, first, many)
        begin = time.monotonic()
        done = service.command("catalog", "add", path, check=False, timeout=3600)
        seconds += time.monotonic() - begin
        path.unlink()
        assert done.returncode == 0, done.stderr[-2000:]
        first += many
        print(f"  {first:>9} items, {(first - start) / seconds:.0f}/s", file=sys.stderr, flush=True)
    if first == start:
        return None
    begin = time.monotonic()
    service.sql("VACUUM (ANALYZE) items")
    service.sql("CHECKPOINT")
    print(f"  vacuumed and analysed in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return (first - start) / seconds


def floors(service, root, paths, clients, seconds):
    with measure.Statements(service) as sent:
        for path in paths:
            requests.get(root + path, timeout=120)
    found = sent.searches()
    trips = len(sent.executed()) / len(paths)
    result = {"trips": trips, "planned_anew": any(mode == "extended" for mode, *_ in found)}
    for n in clients:
        result[str(n)] = measure.floor_of_constants(service, found, n, seconds)
        result[f"{n} parameters"] = measure.floor_of_parameters(service, found, n, seconds)
    return result


def measure_all(service, root, mixes, options, with_floor):
    results = {}
    for name, paths in mixes.items():
        if not paths or options.only not in name:
            continue
        row = {"items": mixes_module.check(root, paths, 0)}
        if with_floor:
            row["floor"] = floors(service, root, paths, (FEW, MANY), options.seconds)
        for n in (FEW, MANY):
            row[str(n)] = measure.wrk(root, paths, n, options.seconds)
        results[name] = row
        print_row(name, row)
    return results


HEAD = (f"{'mix':<22} {'items':>6} {'c':>3} {'req/s':>9} {'p50':>8} {'p95':>8} {'p99 ms':>8} {'floor/s':>9} {'ratio':>6} {'$n/s':>9} {'ratio':>6} {'trips':>6}")


def print_row(name, row):
    for n in (FEW, MANY):
        r = row[str(n)]
        text = f"{name if n == FEW else '':<22} {row['items']:6.0f} {n:>3} {r['per_second']:9.0f} {r['p50']:8.2f} {r['p95']:8.2f} {r['p99']:8.2f}"
        if "floor" in row:
            for floor in (row["floor"][str(n)], row["floor"][f"{n} parameters"]):
                text += f" {floor:9.0f} {r['per_second'] / floor:6.2f}"
            text += f" {row['floor']['trips']:6.1f}"
        print(text, flush=True)


def settings_of(service):
    return dict(line.split("|", 1) for line in service.sql(
        "SELECT name, current_setting(name) FROM pg_settings WHERE source = 'command line'").splitlines())


def measure_peer(service, root, size, mixes, options):
    peer = pgstac.Peer(options.data / "pgstac", settings_of(service))
    try:
        peer.start()
        if int(peer.sql("SELECT count(*) FROM pgstac.items")) != size:
            collections = requests.get(root + "/collections", timeout=60).json()["collections"]
            files = [chunk_file(options, first, min(CHUNK, size - first)) for first in range(0, size, CHUNK)]
            seconds = peer.load([{**c, "links": []} for c in collections], files)
            print(f"pgstac: {size / seconds:.0f} items/s loaded")
            for file in files:
                file.unlink()
        peer.serve()
        mixes = {**mixes, "deep pages of 100": mixes_module.deep(peer.root, sorted(c["id"] for c in requests.get(
            peer.root + "/collections", timeout=60).json()["collections"])[-1])}
        return measure_all(None, peer.root, mixes, options, with_floor=False)
    finally:
        peer.stop()


def print_growth(kept):
    sizes = sorted((int(s) for s in kept["sizes"]), key=int)
    print(f"\n| mix ({MANY} connections; p95 of 1 connection) | " + " | ".join(f"{s:,} items" for s in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    for name in kept["sizes"][str(sizes[-1])]["ours"]:
        cells = []
        for s in sizes:
            row = kept["sizes"][str(s)]["ours"].get(name)
            cells.append(f"{row[str(MANY)]['per_second']:,.0f}/s, {row[str(FEW)]['p95']:.2f} ms" if row else "")
        print(f"| {name} | " + " | ".join(cells) + " |")


def main():
    options = arguments()
    options.data.mkdir(parents=True, exist_ok=True)
    kept_path = options.data / "bench-stac.json"
    kept = json.loads(kept_path.read_text()) if kept_path.exists() else {"sizes": {}}
    service = Service(options.data, "worker.slots=1", "log.level=warning", workers=1)
    service.start()
    root = service.base + "/stac"
    try:
        for size in map(int, options.items.split(",")):
            rate = load(service, options, size)
            mixes = mixes_module.make(root)
            print(f"\n## {size:,} items" + (f" (added at {rate:,.0f}/s)" if rate else "") + f"\n{HEAD}")
            told = kept["sizes"].setdefault(str(size), {"ours": {}, "peer": {}})
            told["rate"] = rate or told.get("rate")
            told["ours"].update(measure_all(service, root, mixes, options, not options.no_floor))
            if size == options.peer:
                print("\nstac-fastapi-pgstac")
                told["peer"].update(measure_peer(service, root, size, mixes, options))
                print_times(told, options.seconds)
            kept_path.write_text(json.dumps(kept, indent=1))
    finally:
        service.stop()
    print_growth(kept)


def times(ours, peers, seconds):
    """A peer that answers nothing in this time is slower than once in it."""
    return f"{'' if peers else '> '}{ours / (peers or 1 / seconds):.1f}"


def print_times(told, seconds):
    print("\nrequests per second, times the peer's")
    for name, row in told["ours"].items():
        peer = told["peer"].get(name)
        if peer:
            print(f"{name:<22} " + "  ".join(
                f"{n} connections: {times(row[str(n)]['per_second'], peer[str(n)]['per_second'], seconds):>8}" for n in (FEW, MANY)))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        os.environ.setdefault("SENTIER_BINARY", str(Path(sys.argv[1]).resolve() / "sentier"))
    import measure  # noqa: E402
    import mixes as mixes_module  # noqa: E402
    import pgstac  # noqa: E402
    import requests  # noqa: E402
    from conftest import Service  # noqa: E402

    main()
