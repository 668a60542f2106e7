"""Load on a server (wrk) and on the database alone (pgbench), and the statements in between."""
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
MOST_SCRIPTS = 120
PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"


def wrk(root, paths, connections, seconds):
    """{per_second, p50, p95, p99 in ms, bytes}; one thread of wrk, so that little is taken from the server."""
    prefix = "/".join(["", *root.split("/")[3:]])
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"{prefix}{path}\n" for path in paths)
        file.flush()
        done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}", "--timeout", "60", "-s", HERE / "requests.lua", root],
                              capture_output=True, text=True, env={**os.environ, "REQUESTS": file.name})
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.strip().splitlines()[-1])
    assert told["bad"] == 0, (paths[0], done.stdout)
    return {"per_second": told["requests"] / told["us"] * 1e6, "bytes": told["bytes"] / max(told["requests"], 1),
            **{p: told[p] / 1000 for p in ("p50", "p95", "p99")}}


class Statements:
    """What the server sends to its database while `with` lasts: [(mode, sql, {number: value as a literal})]."""

    def __init__(self, service):
        self.service, self.log = service, service.data / "postgres.log"

    def __enter__(self):
        self.set("0")
        self.start = self.log.stat().st_size
        return self

    def set(self, value):
        self.service.sql(f"ALTER SYSTEM SET log_min_duration_statement = {value}")
        self.service.sql("SELECT pg_reload_conf()")
        time.sleep(0.3)

    def __exit__(self, *_):
        time.sleep(0.2)
        with open(self.log, "rb") as file:
            file.seek(self.start)
            self.text = file.read().decode(errors="replace")
        self.set("-1")

    def searches(self):
        return [statement for statement in self.executed() if re.search(r"\bitems\b", statement[1])]

    def executed(self):
        found = []
        # a record begins with a date; DETAIL follows the statement that it belongs to
        records = re.split(r"\n(?=\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)", self.text)
        for i, record in enumerate(records):
            match = re.search(r"duration: [0-9.]+ ms  execute (\S+): (.*)", record, re.S)
            if not match:
                continue
            detail = next((r for r in records[i + 1:i + 2] if "DETAIL:  parameters:" in r), "")
            values = dict(re.findall(r"\$(\d+) = ('(?:[^']|'')*'|NULL)", detail))
            found.append(("extended" if match[1] == "<unnamed>" else "prepared", match[2].replace("\n\t", "\n"), values))
        return found


def put_in(sql, values):
    return re.sub(r"\$(\d+)", lambda m: values.get(m[1], "NULL"), sql)


QUOTED = re.compile(r"'(?:[^']|'')*'")


def no_variable(match):
    """pgbench takes :name for a variable of its own, inside quotes too."""
    text = match[0]
    return "E" + text.replace("\\", "\\\\").replace(":", "\\x3a") if re.search(r":[A-Za-z_]", text) else text


def pgbench(service, mode, scripts, clients, seconds, variables=(), settings=""):
    """Transactions per second of these scripts, each a statement; pgbench takes at most 128."""
    with tempfile.TemporaryDirectory() as folder:
        options = []
        for i, sql in enumerate(scripts[:MOST_SCRIPTS]):
            path = Path(folder) / f"{i}.sql"
            path.write_text(QUOTED.sub(no_variable, sql.rstrip("; \n")) + ";\n")
            options += ["-f", str(path)]
        for name, value in variables:
            options += ["-D", f"{name}={value}"]
        done = subprocess.run([PGBENCH, "-n", "-M", mode, "-c", str(clients), "-j", "1", "-T", str(seconds), *options,
                               "-h", service.data / "db", "-U", "sentier", "sentier"], capture_output=True, text=True,
                              env={**os.environ, "PGOPTIONS": settings})
    assert done.returncode == 0, done.stderr[-2000:]
    return float(re.search(r"tps = ([0-9.]+)", done.stdout)[1])


def floor_of_constants(service, statements, clients, seconds):
    """The values are constants: a prepared statement is planned once for exactly these, and skips partitions then."""
    return pgbench(service, "prepared", [put_in(sql, values) for _, sql, values in statements], clients, seconds)


def floor_of_parameters(service, statements, clients, seconds):
    """The values are parameters, as any values may come: planned for each execution, or once for all, as the server has it."""
    scripts, variables = [], []
    for i, (_, sql, values) in enumerate(statements[:MOST_SCRIPTS]):
        given = {n: v for n, v in values.items() if v != "NULL"}
        variables += [(f"v{i}_{n}", v[1:-1].replace("''", "'")) for n, v in given.items()]
        scripts.append(put_in(sql, {n: f":v{i}_{n}" for n in given}))
    if any(mode == "extended" for mode, *_ in statements):
        return pgbench(service, "extended", scripts, clients, seconds, variables)
    return max(pgbench(service, "prepared", scripts, clients, seconds, variables, f"-c plan_cache_mode={how}")
               for how in ("auto", "force_generic_plan"))
