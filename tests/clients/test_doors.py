"""The doors that PEPS's and GEODES's users know: scripts written after their calls, with only the host changed."""
import http.server
import re
import threading
import time

import pytest
import requests

ACCOUNT = ("alice", "open sesame")
NAMES = "resto.processes=FULL_MAJA=ndvi-composite MAJA=ndvi-composite"


@pytest.fixture(scope="module")
def doors(make_service, shared):
    service = make_service(NAMES, "jobs.url_hosts=127.0.0.1", workers=1)
    service.add_user("alice")
    service.add_user("bob")
    service.command("catalog", "import", *sorted((shared / "data/s2/33TW").glob("*33TWL*")))
    return service


class Maja:
    """Calls and text searches as full_maja_process.py and full_maja_download.py make them: no XML parser, no JSON parser
    for the older script."""

    def __init__(self, host, account=ACCOUNT):
        self.host, self.account = host, account

    def get(self, url):
        return requests.get(url, auth=self.account, timeout=60)

    def submit(self, identifier, inputs):
        url = (f"{self.host}/resto/wps?request=execute&service=WPS&version=1.0.0&identifier={identifier}&datainputs={inputs}"
               "&status=true&storeExecuteResponse=true")
        answer = self.get(url)
        if "ErrorCode" in answer.text:
            raise RuntimeError(answer.json()["ErrorMessage"])
        assert answer.status_code == 200 and f"Process {identifier} accepted" in answer.text
        line = next(line for line in answer.text.split("\n") if line.startswith("<wps:ExecuteResponse"))
        location = line.split("statusLocation=")[1].rstrip()
        assert location.startswith('"') and location.endswith('">')
        return location[1:-2]

    def state_url(self, location):
        line = next(line for line in self.get(location).text.split("\n") if "<wps:Reference" in line)
        return re.search(r'href="([^"]*)"', line).group(1)

    def wait(self, location, timeout=60):
        """The newer script: JSON."""
        end = time.time() + timeout
        while time.time() < end:
            info = self.get(self.state_url(location)).json()["USER_INFO"]
            assert info["job_status"] in ("PENDING", "STALLED", "FINISHED", "ERROR", "CANCELED")
            if info["job_status"] not in ("PENDING", "STALLED"):
                return info
            time.sleep(0.1)
        raise TimeoutError

    def lines(self, location):
        """The older script: line by line."""
        percent, finished, urls = None, False, []
        for line in self.get(self.state_url(location)).text.split("\n"):
            if '"percentCompleted"' in line:
                percent = int(line.split(":")[1].strip(" ,"))
            if "FINISHED" in line or "CANCELED" in line:
                finished = True
            elif finished and "http" in line and ".zip" in line:
                urls.append(line.split('"')[1])
        return percent, urls


def test_time_series(doors):
    script = Maja(doors.base)
    # two days and a tile become an interval and an area of the process behind the name
    location = script.submit("FULL_MAJA", "startDate=2023-08-14;completionDate=2023-08-16;tileid=33TWL")
    uuid = re.search(r"pywps-([0-9a-f-]{36})\.xml$", location).group(1)
    assert "<wps:Reference" in script.get(location).text  # already while it runs
    refresh = script.get(f"{doors.base}/resto/wps?service=WPS&request=execute&version=1.0.0&identifier=PROCESSING_STATUS"
                         f"&datainputs=[wps_id={uuid}]&status=false&storeExecuteResponse=false")
    assert refresh.status_code == 200 and "<wps:Reference" in refresh.text
    # such a composite of a whole tile is more than a test needs: somebody else cannot, its owner can end it
    assert requests.get(location, auth=("bob", "open sesame"), timeout=30).status_code == 404
    assert requests.get(location, timeout=30).status_code == 401
    assert requests.delete(f"{doors.base}/ogc/jobs/{uuid}", auth=ACCOUNT, timeout=30).status_code == 200
    assert script.wait(location)["job_status"] in ("CANCELED", "FINISHED")


def test_one_product_to_the_zip(doors):
    script = Maja(doors.base)
    item = requests.get(f"{doors.base}/stac/search?limit=1", timeout=30).json()["features"][0]["id"]
    location = script.submit("MAJA", f"product={item};bbox=15.2,45.6,15.21,45.61&title=Maja-Process")
    info = script.wait(location)
    assert info["job_status"] == "FINISHED" and info["process"] == "100%" and info["unprocessed"] == 0
    percent, urls = script.lines(location)
    assert (percent, urls) == (100, info["results"]) and len(urls) == 1 and urls[0].endswith(".zip")
    package = script.get(urls[0])
    assert package.content[:2] == b"PK" and requests.get(urls[0], timeout=30).status_code == 401
    assert "info" in script.get(info["logs"][0]).text


@pytest.mark.parametrize("identifier, inputs, told", [
    ("NONE", "product=x", "There is no process 'NONE'."),
    ("MAJA", "product=S2A_MSIL1C_NOT_THERE", "/inputs/product-title: the catalogue has no product 'S2A_MSIL1C_NOT_THERE'"),
    ("FULL_MAJA", "startDate=2023-08-14;tileid=33TWL", "completionDate: is required where startDate is given"),
    ("FULL_MAJA", "startDate=2023-08-14;completionDate=2023-08-16;tileid=99XXX", "no product of tile '99XXX'"),
    ("FULL_MAJA", "startDate=2023-08-14;completionDate=2023-08-16;relativeOrbitNumber=51", "no input 'relativeOrbitNumber'"),
    ("PROCESSING_STATUS", "wps_id=1", "There is no job '1'."),
])
def test_refused(doors, identifier, inputs, told):
    with pytest.raises(RuntimeError, match=re.escape(told)):
        Maja(doors.base).submit(identifier, inputs)


def test_wrong_account(doors):
    answer = requests.get(doors.base + "/resto/wps?service=WPS&request=execute&version=1.0.0&identifier=MAJA",
                          auth=("alice", "wrong"), timeout=30)
    assert answer.status_code == 401 and answer.json()["ErrorCode"] == 401


# ---- references by POST ----

class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"got": "%s"}' % body)

    def log_message(self, *arguments):
        pass


def test_reference_by_post(doors):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        body = ('<wps:Execute service="WPS" version="1.0.0" xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:xlink="http://www.w3.org/1999/xlink"'
                ' xmlns:ows="http://www.opengis.net/ows/1.1"><ows:Identifier>echo</ows:Identifier><wps:DataInputs><wps:Input>'
                f'<ows:Identifier>object</ows:Identifier><wps:Reference method="POST" xlink:href="http://127.0.0.1:{server.server_port}/">'
                "<wps:Body>what</wps:Body></wps:Reference></wps:Input></wps:DataInputs><wps:ResponseForm><wps:RawDataOutput>"
                "<ows:Identifier>object</ows:Identifier></wps:RawDataOutput></wps:ResponseForm></wps:Execute>")
        answer = requests.post(doors.base + "/wps", data=body, auth=ACCOUNT, timeout=30)
        server.shutdown()
    assert answer.json() == {"got": "what"}, answer.text
