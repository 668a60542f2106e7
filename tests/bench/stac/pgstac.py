"""The peer: stac-fastapi-pgstac on a cluster of its own, with the settings that our cluster has.

Usage: Peer(folder, settings) ... .load(collections, files) ... .root. The packages live in a virtual
environment of their own (PGSTAC_VENV, or made in the folder); uvicorn runs two workers, as its documents advise."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

PACKAGES = ["stac-fastapi.pgstac==7.2.0", "pypgstac[psycopg]==0.10.0", "uvicorn[standard]==0.54.0"]
BIN = Path("/usr/lib/postgresql/15/bin")
OURS = {"listen_addresses", "port", "unix_socket_directories", "unix_socket_permissions", "data_directory", "config_file",
        "hba_file", "ident_file", "log_min_duration_statement"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Peer:
    def __init__(self, folder, settings):
        self.folder, self.settings = Path(folder), {k: v for k, v in settings.items() if k not in OURS}
        self.db_port, self.port = free_port(), free_port()
        self.root = f"http://127.0.0.1:{self.port}"
        self.env = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.db_port), "PGUSER": "pgstac_bench", "PGPASSWORD": "x",
                    "PGDATABASE": "postgis", "WEB_CONCURRENCY": "2"}
        self.env.pop("PYTHONPATH", None)
        self.database = self.server = None

    def run(self, *command, **options):
        done = subprocess.run([str(c) for c in command], env=self.env, capture_output=True, text=True, **options)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}")
        return done.stdout

    def packages(self):
        venv = Path(os.environ.get("PGSTAC_VENV", self.folder / "venv"))
        if not (venv / "bin/pypgstac").exists():
            self.run(sys.executable, "-m", "venv", venv)
            self.run(venv / "bin/pip", "install", "-q", "--disable-pip-version-check", *PACKAGES)
        return venv / "bin"

    def unprivileged(self):
        """PostgreSQL does not run as root."""
        return {"user": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}

    def start_database(self):
        data = self.folder / "db"
        fresh = not data.exists()
        if fresh:
            data.mkdir(parents=True)
            if os.geteuid() == 0:
                shutil.chown(data, "postgres")
            self.run(BIN / "initdb", "-D", data, "-U", "pgstac_bench", "--auth=trust", "-E", "UTF8", "--no-locale", "-N", **self.unprivileged())
        command = [BIN / "postgres", "-D", data, "-p", str(self.db_port), "-c", "listen_addresses=127.0.0.1", "-k", data]
        for name, value in self.settings.items():
            command += ["-c", f"{name}={value}"]
        with open(self.folder / "postgres.log", "ab") as log:
            self.database = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, **self.unprivileged())
        for _ in range(200):
            if subprocess.run([BIN / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.db_port)]).returncode == 0:
                break
            time.sleep(0.1)
        return fresh

    def sql(self, statement, database="postgis"):
        return self.run("psql", "-qAtX", "-d", database, "-c", statement).strip()

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.bin = self.packages()
        if self.start_database():
            self.sql("CREATE DATABASE postgis", "postgres")
            self.run(self.bin / "pypgstac", "migrate")
        return self

    def load(self, collections, files):
        """Seconds for the items of these files."""
        for file in files:  # the first holds the collections, too
            text = file.read_text()
            file.write_text("".join(line for line in text.splitlines(True) if line.startswith('{"type":"Feature"')))
        path = self.folder / "collections.ndjson"
        path.write_text("".join(json.dumps(c) + "\n" for c in collections))
        self.run(self.bin / "pypgstac", "load", "collections", path, "--method", "upsert")
        start = time.monotonic()
        for file in files:
            self.run(self.bin / "pypgstac", "load", "items", file, "--method", "insert")
        seconds = time.monotonic() - start
        self.sql("VACUUM ANALYZE")
        return seconds

    def serve(self):
        command = [self.bin / "uvicorn", "stac_fastapi.pgstac.app:create_app", "--factory", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "2",
                   "--no-access-log", "--log-level", "warning"]
        with open(self.folder / "server.log", "ab") as log:
            self.server = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, env=self.env, cwd=self.folder)
        for _ in range(300):
            try:
                if requests.get(self.root + "/_mgmt/ping", timeout=2).status_code == 200:
                    return self
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError((self.folder / "server.log").read_text()[-3000:])

    def stop(self):
        for process in (self.server, self.database):
            if process and process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)
