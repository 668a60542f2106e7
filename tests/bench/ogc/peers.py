"""The peers of bench_ogc.py, each with the process that it brings for trying: pygeoapi's hello-world under gunicorn with its TinyDB
manager, and a PyWPS service with a process that gives back its input, asynchronous by its own processes and SQLite."""
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import requests

CONFIG = """
server:
  bind: {{host: 127.0.0.1, port: {port}}}
  url: http://127.0.0.1:{port}
  mimetype: application/json; charset=UTF-8
  encoding: utf-8
  language: en-US
  limits: {{default_items: 10, max_items: 100}}
  map: {{url: "https://tile.example/{{z}}/{{x}}/{{y}}", attribution: none}}
  manager: {{name: TinyDB, connection: {folder}/manager.db, output_dir: {folder}}}
logging: {{level: ERROR}}
metadata:
  identification: {{title: x, description: x, keywords: [x], keywords_type: theme, terms_of_service: x, url: "http://x"}}
  license: {{name: x, url: "http://x"}}
  provider: {{name: x, url: "http://x"}}
  contact: {{name: x, position: x, address: x, city: x, stateorprovince: x, postalcode: x, country: x, phone: x, fax: x, email: x, url: "http://x",
             hours: x, instructions: x, role: x}}
resources:
  hello-world: {{type: process, processor: {{name: HelloWorld}}}}
"""

WPS = """
from pywps import Process, Service, LiteralInput, LiteralOutput, configuration
class Echo(Process):
    def __init__(self):
        super().__init__(self.run, "echo", "echo", inputs=[LiteralInput("number", "number", data_type="float")],
                         outputs=[LiteralOutput("number", "number", data_type="float")], store_supported=True, status_supported=True)
    def run(self, request, response):
        response.outputs["number"].data = request.inputs["number"][0].data
        return response
application = Service([Echo()], ["{folder}/pywps.cfg"])
"""
WPS_CONFIG = """
[server]
url=http://127.0.0.1:{port}/wps
outputurl=http://127.0.0.1:{port}/outputs
outputpath={folder}/outputs
workdir={folder}
maxprocesses=100000
parallelprocesses=2
[logging]
level=ERROR
database=sqlite:///{folder}/pywps.sqlite
"""


class Busy(Exception):
    """It takes no more for the moment."""


class Peer:
    threads = ["--threads", "8"]

    def __init__(self, folder, port):
        self.folder, self.port, self.base = Path(folder), port, f"http://127.0.0.1:{port}"
        self.folder.mkdir()
        self.process = None

    def serve(self, application, environment, ready):
        log = open(self.folder / "log", "w")
        self.process = subprocess.Popen([Path(sys.executable).parent / "gunicorn", "-w", "2", *self.threads, "-b", f"127.0.0.1:{self.port}",
                                         "--log-level", "error", application], cwd=self.folder, env={**os.environ, **environment}, stdout=log, stderr=log,
                                        start_new_session=True)
        end = time.time() + 60
        while time.time() < end:
            try:
                if requests.get(self.base + ready, timeout=5).status_code == 200:
                    return self
            except requests.RequestException:
                time.sleep(0.1)
        raise RuntimeError((self.folder / "log").read_text()[-2000:])

    def memory(self):
        """Kilobytes of its processes."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                if os.getsid(int(status.parent.name)) == self.process.pid:
                    total += int(next(line for line in status.read_text().splitlines() if line.startswith("VmRSS")).split()[1])
            except (OSError, StopIteration):
                continue
        return total

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


class Pygeoapi(Peer):
    name = "pygeoapi"

    def start(self):
        (self.folder / "config.yml").write_text(CONFIG.format(port=self.port, folder=self.folder))
        environment = {"PYGEOAPI_CONFIG": "config.yml", "PYGEOAPI_OPENAPI": "openapi.yml"}
        with open(self.folder / "openapi.yml", "w") as out:
            subprocess.run([Path(sys.executable).parent / "pygeoapi", "openapi", "generate", "config.yml"], cwd=self.folder, stdout=out, check=True,
                           env={**os.environ, **environment})
        return self.serve("pygeoapi.flask_app:APP", environment, "/processes?f=json")

    def submit(self, session, wait):
        answer = session.post(self.base + "/processes/hello-world/execution", json={"inputs": {"name": "x"}}, timeout=120,
                              headers={} if wait else {"Prefer": "respond-async"})
        assert answer.status_code in (200, 201), answer.text
        return answer

    def done(self, session):
        """How many have ended well."""
        page, total = 0, 0
        while True:
            jobs = session.get(f"{self.base}/jobs?f=json&limit=100&offset={page}", timeout=120).json()["jobs"]
            total += sum(job["status"] == "successful" for job in jobs)
            if len(jobs) < 100:
                return total
            page += 100


class Pywps(Peer):
    name = "PyWPS"
    threads = []  # it forks for each job

    def start(self):
        (self.folder / "outputs").mkdir()
        (self.folder / "pywps.cfg").write_text(WPS_CONFIG.format(port=self.port, folder=self.folder))
        (self.folder / "echo_service.py").write_text(textwrap.dedent(WPS.format(folder=self.folder)))
        return self.serve("echo_service:application", {}, "/?service=WPS&request=GetCapabilities")

    def submit(self, session, wait):
        stored = "" if wait else "&storeExecuteResponse=true&status=true"
        answer = session.get(f"{self.base}/?service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs=number=1{stored}", timeout=120)
        if "ServerBusy" in answer.text:
            raise Busy
        assert answer.status_code == 200 and "Exception" not in answer.text, answer.text[:500]
        return answer

    def done(self, session):
        return sum("ProcessSucceeded" in file.read_text(errors="replace") for file in (self.folder / "outputs").rglob("*.xml"))
