"""make ets-processes: OGC's executable test suite for OGC API - Processes (ets-ogcapi-processes10) against a server of ours.
Usage: run.py BUILD-FOLDER SUITE-FOLDER; SUITE-FOLDER holds the suite's sources.

The suite takes no credentials, so requests without any act as the user `anonymous` here. Its remote schemas come from the copy in
the folder of specifications: those that it asks for by https from LocalSchemas.java, those by http from a proxy."""
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

HERE = Path(__file__).resolve().parent
build, suite = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
os.environ.setdefault("SENTIER_BINARY", str(build / "sentier"))
sys.path.insert(0, str(HERE.parent))
from conftest import SHARED, Service  # noqa: E402

TESTS = 54
work = build / "ets-processes"


def compile_suite():
    """Its classes and what they need, in work/."""
    if not (work / "lib").is_dir():
        subprocess.run(["mvn", "-B", "-q", "-f", HERE / "pom.xml", "package", f"-Dsuite={suite}", f"-Dours={HERE / 'java'}", f"-Dfolder={work}"],
                       check=True)


def schemas(folder):
    """https://HOST/PATH as FOLDER/HOST/PATH."""
    place = folder / "schemas.opengis.net/ogcapi/processes/part1/1.0"
    place.mkdir(parents=True)
    (place / "openapi").symlink_to(SHARED / "specs/ogcapi-processes/part1-1.0.0")
    return folder


class Proxy(http.server.BaseHTTPRequestHandler):
    folder = None

    def do_GET(self):
        file = self.folder / re.sub(r"^http://", "", self.path).split("?")[0]
        if ".." in self.path or not file.is_file():
            self.send_error(404)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(file.read_bytes())

    def log_message(self, *_):
        pass


def configuration(base, folder):
    """The suite's own list of tests with our arguments."""
    tree = ET.parse(suite / "src/main/resources/org/opengis/cite/ogcapiprocesses10/testng.xml")
    root = tree.getroot()
    for parameter in root.findall("parameter"):
        root.remove(parameter)
    for name, value in {"iut": base + "/ogc", "echoprocessid": "echo", "testallprocesses": "on", "processtestlimit": "100"}.items():
        ET.SubElement(root, "parameter", name=name, value=value)
        root.insert(0, root[-1])
        del root[-1]
    ET.SubElement(root.find("listeners"), "listener", {"class-name": "LocalSchemas"})
    path = folder / "suite.xml"
    path.write_text('<!DOCTYPE suite SYSTEM "https://testng.org/testng-1.0.dtd">\n' + ET.tostring(root, encoding="unicode"))
    return path


def main():
    if not (SHARED / "specs/ogcapi-processes").is_dir():
        sys.exit("SENTIER_SHARED names the folder that specs/ogcapi-processes lies in")
    compile_suite()
    with tempfile.TemporaryDirectory(prefix="sentier-ets-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        Proxy.folder = schemas(folder / "schemas")
        proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        service = Service(folder / "service", "auth.anonymous=user").start()
        try:
            done = subprocess.run(["java", "-cp", f"{work}/ets-1.jar:{work}/lib/*", f"-Dschemas={Proxy.folder}", "-Dhttp.proxyHost=127.0.0.1",
                                   f"-Dhttp.proxyPort={proxy.server_port}", "-Dhttp.nonProxyHosts=127.0.0.1", f"-Djava.io.tmpdir={folder}",
                                   "org.testng.TestNG", "-usedefaultlisteners", "false", "-listener", "org.testng.reporters.XMLReporter",
                                   "-d", folder / "results", configuration(service.base, folder)],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, cwd=folder)
        finally:
            service.stop()
        (build / "ets-processes.txt").write_text(done.stdout)
        results = [m for m in ET.parse(folder / "results/testng-results.xml").iter("test-method") if m.get("is-config") != "true"]
    for method in results:
        if method.get("status") != "PASS":
            print(method.get("status"), method.get("signature").split("(")[0], (method.findtext(".//message") or "").strip()[:1000])
    passed = sum(m.get("status") == "PASS" for m in results)
    print(f"{passed} passed, {len(results) - passed} failed")
    return 0 if passed == len(results) >= TESTS else 1


sys.exit(main())
