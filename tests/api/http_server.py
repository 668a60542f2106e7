"""Starts tests/api/http_server.c: http/ and auth/ with a route table made for the tests."""
import re
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import requests

from conftest import BINARY, free_port

PROGRAM = BINARY.parent / "tests" / "api" / "http_server"


class HttpServer:
    def __init__(self, *settings):
        self.folder = Path(tempfile.mkdtemp(prefix="sentier-http-"))
        self.folder.chmod(0o755)
        self.files = self.folder / "files"
        self.files.mkdir()
        self.metrics = free_port()
        self.settings = [f"http.metrics_port={self.metrics}", *settings]
        self.log = self.folder / "log"
        self.process = None

    def start(self, timeout=60):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([PROGRAM, self.folder / "data", self.files, *self.settings],
                                            stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline()
        match = re.match(r"ready (\d+)", line)
        if not match:
            raise RuntimeError(f"http_server: {line}{self.log.read_text()[-2000:]}")
        self.port = int(match[1])
        self.base = f"http://127.0.0.1:{self.port}"
        # handlers that wait run once more when it begins to hear notices: it is to hear them before a test makes one wait
        end = time.monotonic() + timeout
        while "\nsentier_listening 1" not in requests.get(f"http://127.0.0.1:{self.metrics}/metrics", timeout=timeout).text:
            assert time.monotonic() < end, "the server does not hear the database"
            time.sleep(0.01)
        return self

    def stop(self, timeout=40):
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.process.stdout.close()
        self.process = None
        return code

    def remove(self):
        code = self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        return code

    def get(self, path, **options):
        return requests.get(self.base + path, timeout=options.pop("timeout", 20), **options)

    def post(self, path, **options):
        return requests.post(self.base + path, timeout=options.pop("timeout", 20), **options)

    def log_text(self):
        time.sleep(0.1)
        return self.log.read_text(errors="replace")
