"""WPS 1.0.0 and 2.0.0 over the processes and jobs of /ogc: the requests of the standards' own examples, OWSLib, what
desktop clients send, and what nobody should. SENTIER_OGC_SCHEMAS names a folder with the OGC's schemas (wps/, ows/, w3c/
as at schemas.opengis.net and www.w3.org); with it every answer is validated."""
import base64
import io
import os
import time
import zipfile
from pathlib import Path

import pytest
import requests
from lxml import etree
from owslib.util import Authentication
from owslib.wps import BoundingBoxDataInput, ComplexDataInput, WebProcessingService

pytestmark = pytest.mark.sanitizer
SCHEMAS = os.environ.get("SENTIER_OGC_SCHEMAS")
ALICE = ("alice", "open sesame")
NS = {"1": {"wps": "http://www.opengis.net/wps/1.0.0", "ows": "http://www.opengis.net/ows/1.1", "x": "http://www.w3.org/1999/xlink"},
      "2": {"wps": "http://www.opengis.net/wps/2.0", "ows": "http://www.opengis.net/ows/2.0", "x": "http://www.w3.org/1999/xlink"}}
HREF = "{http://www.w3.org/1999/xlink}href"


class LocalSchemas(etree.Resolver):
    def resolve(self, url, name, context):
        for host, folder in (("http://schemas.opengis.net/", ""), ("http://www.w3.org/1999/", "w3c/1999/"),
                             ("http://www.w3.org/2001/", "w3c/2001/"), ("http://www.w3.org/2009/01/", "w3c/2001/")):
            if url.startswith(host):
                return self.resolve_filename(str(Path(SCHEMAS) / folder / url[len(host):]), context)


@pytest.fixture(scope="session")
def validate():
    if not SCHEMAS:
        return lambda tree, version: None
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(LocalSchemas())
    known = {}

    def validate(tree, version):
        path = {"1": "wps/1.0.0/wpsAll.xsd", "2": "wps/2.0/wps.xsd", "e1": "ows/1.1.0/owsAll.xsd",
                "e2": "ows/2.0/owsAll.xsd"}[version]
        if path not in known:
            known[path] = etree.XMLSchema(etree.parse(str(Path(SCHEMAS) / path), parser))
        known[path].assertValid(tree)
    return validate


@pytest.fixture(scope="module")
def wps(service, validate):
    class Wps:
        url = service.base + "/wps"

        def parse(self, answer, version, status=200):
            assert answer.status_code == status, answer.text
            assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
            tree = etree.fromstring(answer.content)
            if "ExceptionReport" in tree.tag:
                version = "e" + version
            validate(tree, version)
            return tree

        def get(self, query, version="1", status=200, auth=ALICE):
            return self.parse(requests.get(f"{self.url}?{query}", auth=auth, timeout=60), version, status)

        def post(self, body, version="1", status=200, auth=ALICE):
            return self.parse(self.send(body, auth), version, status)

        def send(self, body, auth=ALICE):
            return requests.post(self.url, data=body.encode() if isinstance(body, str) else body,
                                 headers={"Content-Type": "text/xml"}, auth=auth, timeout=60)
    return Wps()


def text(tree, path, version="1"):
    return tree.xpath(f"string({path})", namespaces=NS[version])


def error(tree, version="1"):
    return (text(tree, "//ows:Exception/@exceptionCode", version), text(tree, "//ows:Exception/@locator", version))


# ---- capabilities and descriptions ----

def test_capabilities(wps):
    first = wps.get("service=WPS&request=GetCapabilities&version=1.0.0", auth=None)
    assert first.xpath("//wps:Process/ows:Identifier/text()", namespaces=NS["1"])[:2] == ["echo", "ndvi-composite"]
    second = wps.get("SERVICE=WPS&REQUEST=GetCapabilities", "2", auth=None)  # the newest that there is
    summary = second.find(".//wps:ProcessSummary", NS["2"])
    assert summary.get("jobControlOptions").split() == ["sync-execute", "async-execute", "dismiss"]
    # a client that would rather have 2.0.0, and one that QGIS's plugin is
    assert wps.get("service=WPS&request=GetCapabilities&acceptVersions=3.0.0,2.0.0,1.0.0", "2").get("version") == "2.0.0"
    assert wps.get("Request=GetCapabilities&identifier=&Service=WPS&AcceptVersions=1.0.0").get("version") == "1.0.0"
    body = f'<wps:GetCapabilities xmlns:wps="{NS["1"]["wps"]}" xmlns:ows="{NS["1"]["ows"]}" service="WPS"/>'
    assert wps.post(body, auth=None).get("version") == "1.0.0"
    urls = {e.getparent().tag.split("}")[1] + e.tag.split("}")[1]: e.get(HREF) for e in second.iter("{*}Get", "{*}Post")}
    assert set(urls.values()) == {wps.url, wps.url + "?"}


def test_descriptions(wps):
    first = wps.get("service=WPS&request=DescribeProcess&version=1.0.0&identifier=echo,ndvi-composite", auth=None)
    assert len(first.findall("ProcessDescription")) == 2
    number = first.xpath("//ProcessDescription[1]/DataInputs/Input[ows:Identifier='number']", namespaces=NS["1"])[0]
    assert (number.get("minOccurs"), number.get("maxOccurs")) == ("0", "1")
    assert number.xpath("string(LiteralData/ows:DataType)", namespaces=NS["1"]) == "double"
    assert number.xpath("LiteralData/ows:AllowedValues/ows:Range/*/text()", namespaces=NS["1"]) == ["-1000000", "1000000"]
    choice = first.xpath("//Input[ows:Identifier='choice']//ows:Value/text()", namespaces=NS["1"])
    assert choice == ["small", "medium", "large"]
    assert text(first, "//Output[ows:Identifier='composite']/ComplexOutput/Default/Format/MimeType").startswith("image/tiff")
    second = wps.get("service=WPS&request=DescribeProcess&version=2.0.0&identifier=ALL", "2", auth=None)
    assert len(second.findall("wps:ProcessOffering", NS["2"])) >= 2
    assert text(second, "//wps:Input[ows:Identifier='format']//ows:DefaultValue", "2") == "COG"
    body = (f'<wps:DescribeProcess xmlns:wps="{NS["2"]["wps"]}" xmlns:ows="{NS["2"]["ows"]}" service="WPS" version="2.0.0">'
            "<ows:Identifier>echo</ows:Identifier></wps:DescribeProcess>")
    assert text(wps.post(body, "2"), "//wps:Process/ows:Identifier", "2") == "echo"


# ---- 1.0.0 ----

def execute_url(inputs, **more):
    query = "&".join(f"{k}={v}" for k, v in more.items())
    return f"service=WPS&version=1.0.0&request=Execute&identifier=echo&DataInputs={inputs}&{query}"


def outputs(tree):
    found = {}
    for out in tree.iterfind(".//wps:ProcessOutputs/wps:Output", NS["1"]):
        data = out.find("wps:Data/*", NS["1"])
        found[out.findtext("ows:Identifier", namespaces=NS["1"])] = (
            data.tag.split("}")[1], [c.text for c in data] if len(data) else data.text)
    return found


def test_execute_by_keys(wps):
    answer = wps.get(execute_url('string=a b;number=2.5;choice=small;array=[1,2];bbox=1,2,3,4,EPSG:4326;object={"a":"x;y"}'))
    assert text(answer, "//wps:ProcessSucceeded") == "Process echo succeeded"
    assert outputs(answer) == {
        "string": ("LiteralData", "a b"), "number": ("LiteralData", "2.5"), "choice": ("LiteralData", "small"),
        "array": ("ComplexData", "[1,2]"), "object": ("ComplexData", '{"a":"x;y"}'),
        "bbox": ("BoundingBoxData", ["1 2", "3 4"])}
    assert text(answer, "//wps:BoundingBoxData/@crs") == "http://www.opengis.net/def/crs/EPSG/0/4326"
    # brackets around, a list as several inputs, one output
    answer = wps.get(execute_url("[array=1;array=2;number=7]", ResponseDocument="[array]"))
    assert outputs(answer) == {"array": ("ComplexData", "[1,2]")}
    assert answer.get("statusLocation") is None


def test_raw_data(wps):
    get = lambda inputs, raw: requests.get(f"{wps.url}?{execute_url(inputs, RawDataOutput=raw)}", auth=ALICE, timeout=60)
    answer = get("string=%3Ca%3E;number=1", "string")
    assert (answer.text, answer.headers["Content-Type"]) == ("<a>", "text/plain; charset=utf-8")
    assert get("array=[1,2]", "[array]").json() == [1, 2]
    assert get("number=7", "number").text == "7"


def wait_for(check, timeout=60):
    end = time.time() + timeout
    while time.time() < end:
        found = check()
        if found is not None:
            return found
        time.sleep(0.05)
    raise TimeoutError


def test_stored_with_status(wps, service):
    accepted = wps.get(execute_url("number=7", storeExecuteResponse="true", status="true", lineage="true"))
    assert text(accepted, "//wps:ProcessAccepted") == "Process echo accepted"
    where = accepted.get("statusLocation")
    assert list(accepted.attrib)[-1] == "statusLocation"
    ended = lambda: next((t for t in [etree.fromstring(requests.get(where, timeout=30).content)]
                          if t.find(".//wps:ProcessOutputs", NS["1"]) is not None), None)
    done = wait_for(ended)
    assert outputs(done)["number"] == ("LiteralData", "7")
    assert text(done, "//wps:DataInputs/wps:Input/wps:Data/wps:LiteralData") == "7"
    # the link is signed: changed, it is nobody's; with a log-in it needs no signature, but it must be the owner's
    bare = where.split("?")[0]
    assert requests.get(bare, timeout=30).status_code == 401
    assert requests.get(bare, auth=ALICE, timeout=30).status_code == 200
    assert requests.get(bare, auth=("bob", "open sesame"), timeout=30).status_code == 404
    # the same job as /ogc has
    job = bare.rsplit("/", 1)[1].removesuffix(".xml")
    assert requests.get(f"{service.base}/ogc/jobs/{job}", auth=ALICE, timeout=30).json()["status"] == "successful"


def test_output_as_reference(wps):
    answer = wps.get(execute_url("string=x;array=[5]", ResponseDocument="array=@asReference=true;string"))
    reference = answer.find(".//wps:ProcessOutputs/wps:Output/wps:Reference", NS["1"])
    assert requests.get(reference.get("href"), timeout=30).json()["array"] == [5]


XML_1 = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<wps:Execute service="WPS" version="1.0.0" xmlns:wps="http://www.opengis.net/wps/1.0.0" xmlns:ows="http://www.opengis.net/ows/1.1"
  xmlns:xlink="http://www.w3.org/1999/xlink"><ows:Identifier>echo</ows:Identifier><wps:DataInputs>%s</wps:DataInputs>
  <wps:ResponseForm>%s</wps:ResponseForm></wps:Execute>"""
INPUT_1 = "<wps:Input><ows:Identifier>%s</ows:Identifier><ows:Title>t</ows:Title><wps:Data>%s</wps:Data></wps:Input>"


def test_execute_by_xml(wps):
    inputs = (INPUT_1 % ("string", "<wps:LiteralData dataType='xs:string'>Zürich &amp; &#xe4;</wps:LiteralData>")
              + INPUT_1 % ("object", '<wps:ComplexData mimeType="application/json"><![CDATA[{"a": [1, null]}]]></wps:ComplexData>')
              + INPUT_1 % ("bbox", '<wps:BoundingBoxData crs="EPSG:4326"><ows:LowerCorner>1 2</ows:LowerCorner>'
                                   "<ows:UpperCorner>3 4</ows:UpperCorner></wps:BoundingBoxData>"))
    answer = wps.post(XML_1 % (inputs, "<wps:ResponseDocument storeExecuteResponse='true' lineage='true'/>"))
    assert outputs(answer) == {"string": ("LiteralData", "Zürich & ä"), "object": ("ComplexData", '{"a":[1,null]}'),
                               "bbox": ("BoundingBoxData", ["1 2", "3 4"])}
    assert answer.get("statusLocation")
    raw = wps.send(XML_1 % (inputs, "<wps:RawDataOutput><ows:Identifier>object</ows:Identifier></wps:RawDataOutput>"))
    assert raw.json() == {"a": [1, None]}


def test_xml_in_complex_data_is_its_text(wps):
    gml = '<gml:Point xmlns:gml="http://www.opengis.net/gml"><gml:pos>1 2</gml:pos></gml:Point>'
    answer = wps.post(XML_1 % (INPUT_1 % ("string", f"<wps:ComplexData>{gml}</wps:ComplexData>"), ""))
    assert outputs(answer)["string"][1] == gml


# ---- what is refused ----

@pytest.mark.parametrize("query, code, locator, status", [
    ("request=GetCapabilities", "MissingParameterValue", "service", 400),
    ("service=WFS&request=GetCapabilities", "InvalidParameterValue", "service", 400),
    ("service=WPS", "MissingParameterValue", "request", 400),
    ("service=WPS&request=GetMap", "OperationNotSupported", "request", 501),
    ("service=WPS&request=GetCapabilities&acceptVersions=0.4.0", "VersionNegotiationFailed", "acceptVersions", 400),
    ("service=WPS&request=DescribeProcess&identifier=echo", "MissingParameterValue", "version", 400),
    ("service=WPS&request=DescribeProcess&version=1.1.0&identifier=echo", "InvalidParameterValue", "version", 400),
    ("service=WPS&request=DescribeProcess&version=1.0.0", "MissingParameterValue", "identifier", 400),
    ("service=WPS&request=DescribeProcess&version=1.0.0&identifier=none", "InvalidParameterValue", "identifier", 400),
    ("service=WPS&request=GetStatus&version=1.0.0&jobid=1", "OperationNotSupported", "request", 501),
    (execute_url("number=7", status="true"), "InvalidParameterValue", "status", 400),
    (execute_url("number=7", storeExecuteResponse="perhaps"), "InvalidParameterValue", "storeExecuteResponse", 400),
    (execute_url("number=much"), "InvalidParameterValue", "number", 400),
    (execute_url("number=1e9"), "InvalidParameterValue", "number", 400),
    (execute_url("nothing=7"), "InvalidParameterValue", "nothing", 400),
    (execute_url("number"), "MissingParameterValue", "number", 400),
    (execute_url("bbox=1,2,3"), "InvalidParameterValue", "bbox", 400),
    (execute_url("number=7", ResponseDocument="none"), "InvalidParameterValue", "none", 400),
    (execute_url("number=7", RawDataOutput="number;string"), "InvalidParameterValue", "RawDataOutput", 400),
    (execute_url("number=7", RawDataOutput="number", ResponseDocument="number"), "InvalidParameterValue", "RawDataOutput", 400),
])
def test_refused_keys(wps, query, code, locator, status):
    assert error(wps.get(query, status=status)) == (code, locator)


def test_log_in_is_needed_to_execute(wps):
    answer = requests.get(f"{wps.url}?{execute_url('number=7')}", timeout=30)
    assert answer.status_code == 401 and "WWW-Authenticate" in answer.headers
    assert error(wps.parse(answer, "1", 401))[0] == "NoApplicableCode"


BOMB = ('<!DOCTYPE a [<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        + "]><wps:Execute xmlns:wps='http://www.opengis.net/wps/1.0.0' service='&l9;'>&l9;</wps:Execute>")


@pytest.mark.parametrize("body, told", [
    ("", "no well-formed XML"), ("<a", "no well-formed XML"), ("<a/>", "request: expected GetCapabilities"),
    (BOMB, "document type (DOCTYPE)"),
    ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><Execute>&x;</Execute>', "document type (DOCTYPE)"),
    ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><Execute/>', "document type (DOCTYPE)"),
    ('<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;]><Execute/>', "document type (DOCTYPE)"),
    ("<Execute service='WPS' version='1.0.0'>&x;</Execute>", "no well-formed XML"),
    ("<a>" * 100 + "</a>" * 100, "nested more than 64"), ("<a>" * 5000 + "</a>" * 5000, "no well-formed XML"),
    ("<Execute service='WPS' version='1.0.0'/>", "identifier: is required"),
], ids=str)
def test_refused_xml(wps, service, body, told):
    report = wps.post(body, status=501 if told.startswith("request:") else 400)
    assert told in text(report, "//ows:ExceptionText")
    assert "root:" not in etree.tostring(report).decode()


def test_references_stay_outside(wps, service):
    """What a user names is called for him: never what only this machine can reach."""
    for url in (service.base + "/stac", "http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "http://[::1]:5432/"):
        body = XML_1 % (f"<wps:Input><ows:Identifier>object</ows:Identifier><wps:Reference xlink:href='{url}'/></wps:Input>", "")
        assert error(wps.post(body, status=400)) == ("InvalidParameterValue", "object"), url


# ---- 2.0.0 ----

def execute_2(inputs, outputs, mode="sync", response="document", process="echo"):
    return (f'<wps:Execute xmlns:wps="{NS["2"]["wps"]}" xmlns:ows="{NS["2"]["ows"]}" xmlns:xlink="{NS["2"]["x"]}" service="WPS"'
            f' version="2.0.0" response="{response}" mode="{mode}"><ows:Identifier>{process}</ows:Identifier>{inputs}{outputs}</wps:Execute>')


INPUTS_2 = ('<wps:Input id="number"><wps:Data>2.5</wps:Data></wps:Input><wps:Input id="string"><wps:Data mimeType="text/xml">'
            "<wps:LiteralValue>b</wps:LiteralValue></wps:Data></wps:Input>")
OUT_2 = '<wps:Output id="number" transmission="value"/>'


def job_request(operation, job):
    return (f'<wps:{operation} xmlns:wps="{NS["2"]["wps"]}" service="WPS" version="2.0.0"><wps:JobID>{job}</wps:JobID>'
            f"</wps:{operation}>")


@pytest.mark.parametrize("mode", ["sync", "auto"])
def test_second_sync(wps, mode):
    result = wps.post(execute_2(INPUTS_2, OUT_2 + '<wps:Output id="string" transmission="value"/>', mode), "2")
    assert [d.text for d in result.iterfind("wps:Output/wps:Data", NS["2"])] == ["2.5", "b"]
    assert wps.send(execute_2(INPUTS_2, OUT_2, mode, "raw")).text == "2.5"


def test_second_async(wps):
    job = text(wps.post(execute_2(INPUTS_2, OUT_2, "async"), "2"), "//wps:JobID", "2")
    state = lambda: text(wps.get(f"service=WPS&version=2.0.0&request=GetStatus&jobid={job}", "2"), "//wps:Status", "2")
    wait_for(lambda: state() == "Succeeded" or None)
    result = wps.post(job_request("GetResult", job), "2")
    assert text(result, "wps:Output[@id='number']/wps:Data", "2") == "2.5"
    assert text(wps.post(job_request("Dismiss", job), "2"), "//wps:Status", "2") == "Dismissed"
    assert error(wps.post(job_request("GetStatus", job), "2", 400), "2") == ("NoSuchJob", "jobid")
    assert error(wps.get("service=WPS&version=2.0.0&request=GetResult&jobid=1", "2", 400), "2") == ("NoSuchJob", "jobid")


@pytest.mark.parametrize("body, code, locator", [
    (execute_2(INPUTS_2, OUT_2, "never"), "InvalidParameterValue", "mode"),
    (execute_2(INPUTS_2, OUT_2, response="song"), "InvalidParameterValue", "response"),
    (execute_2(INPUTS_2, OUT_2, process="none"), "NoSuchProcess", "identifier"),
    (execute_2('<wps:Input id="none"><wps:Data>1</wps:Data></wps:Input>', OUT_2), "NoSuchInput", "none"),
    (execute_2('<wps:Input id="number"/>', OUT_2), "MissingParameterValue", "number"),
    (execute_2(INPUTS_2, '<wps:Output id="none"/>'), "NoSuchOutput", "none"),
    (execute_2(INPUTS_2, OUT_2 + '<wps:Output id="string"/>', response="raw"), "InvalidParameterValue", "RawDataOutput"),
    (execute_2("<wps:Input id='a'><wps:Data/></wps:Input>" * 101, OUT_2), "TooManyInputs", "DataInputs"),
], ids=["mode", "response", "process", "input", "empty", "output", "raw", "many"])
def test_second_refused(wps, body, code, locator):
    assert error(wps.post(body, "2", 400), "2") == (code, locator)


def test_execute_as_keys_is_not_of_the_second(wps):
    query = "service=WPS&version=2.0.0&request=Execute&identifier=echo"
    assert error(wps.get(query, "2", 501), "2") == ("OperationNotSupported", "request")


# ---- what users deploy ----

NAME = {"name": "", "description": ""}
PLUS = {"processDescription": {"id": "plus", "title": "Plus", "version": "3.1"}, "executionUnit": {
    "process_graph": {"add": {"process_id": "add", "arguments": {"x": {"from_parameter": "x"}, "y": {"from_parameter": "y"}}, "result": True}},
    "parameters": [{**NAME, "name": "x", "schema": {"type": "number"}}, {**NAME, "name": "y", "schema": {"type": "number"}, "optional": True, "default": 1}]}}


@pytest.fixture
def deploy(service):
    made = []
    session = service.session("alice")

    def deploy(unit):
        answer = session.post(service.base + "/ogc/processes", json=unit, headers={"Content-Type": "application/ogcapppkg+json"}, timeout=30)
        assert answer.status_code == 201, answer.text
        made.append(answer.headers["Location"])
    yield deploy
    for url in made:
        session.delete(url, timeout=30)


def test_deployed(wps, deploy):
    bob = ("bob", "open sesame")
    deploy(PLUS)
    for version, path in ("1", "//wps:Process/ows:Identifier/text()"), ("2", "//wps:ProcessSummary/ows:Identifier/text()"):
        query = f"service=WPS&request=GetCapabilities&acceptVersions={version}.0.0"
        assert "plus" in wps.get(query, version).xpath(path, namespaces=NS[version])
        for other in (None, bob):
            assert "plus" not in wps.get(query, version, auth=other).xpath(path, namespaces=NS[version])
    described = wps.get("service=WPS&request=DescribeProcess&version=1.0.0&identifier=plus,echo")
    assert [d.get(f"{{{NS['1']['wps']}}}processVersion") for d in described.iterfind("ProcessDescription")][0] == "3.1"
    assert [i.get("minOccurs") for i in described.find("ProcessDescription").iter("Input")] == ["1", "0"]
    assert "plus" in wps.get("service=WPS&request=DescribeProcess&version=2.0.0&identifier=all", "2").xpath("//wps:Process/ows:Identifier/text()", namespaces=NS["2"])
    query = "service=WPS&version=1.0.0&request=Execute&identifier=plus&DataInputs=x=2;y=3"
    answer = wps.get(query)
    assert text(answer, "//wps:Process/ows:Title") == "Plus" and outputs(answer) == {"result": ("LiteralData", "5")}
    for no, code in (("service=WPS&request=DescribeProcess&version=1.0.0&identifier=plus", 400), (query, 400)):
        assert error(wps.get(no, status=code, auth=bob)) == ("InvalidParameterValue", "identifier")
    assert error(wps.get(query.replace("x=2", "x=two"), status=400)) == ("InvalidParameterValue", "x")
    # a stored response is asked for by its link alone
    stored = wps.get(query + "&storeExecuteResponse=true&status=true")
    now = lambda: etree.fromstring(requests.get(stored.get("statusLocation"), timeout=30).content)
    wait_for(lambda: text(now(), "//wps:ProcessSucceeded") or None)
    assert text(now(), "//wps:Process/ows:Title") == "Plus" and outputs(now()) == {"result": ("LiteralData", "5")}
    job = text(wps.post(execute_2('<wps:Input id="x"><wps:Data>4</wps:Data></wps:Input>', '<wps:Output id="result"/>', "async", process="plus"), "2"),
               "//wps:JobID", "2")
    wait_for(lambda: text(wps.get(f"service=WPS&version=2.0.0&request=GetStatus&jobid={job}", "2"), "//wps:Status", "2") == "Succeeded" or None)
    assert text(wps.post(job_request("GetResult", job), "2"), "wps:Output[@id='result']/wps:Data", "2") == "5"


def test_an_output_of_several_files(wps, deploy, scenes):
    """It is told once: all of its files in a zip."""
    load = {"process_id": "load_collection", "arguments": {"id": "sentinel-2-l2a", "bands": ["B04"], "temporal_extent": ["2023-08-01", "2023-10-01"],
                                                           "spatial_extent": {"west": 15.2, "south": 45.6, "east": 15.21, "north": 45.61}}}
    save = {"process_id": "save_result", "arguments": {"data": {"from_node": "load"}, "format": "GTiff"}, "result": True}
    deploy({"processDescription": {"id": "dates"}, "executionUnit": {"process_graph": {"load": load, "save": save}, "parameters": []}})
    query = "service=WPS&version=1.0.0&request=Execute&identifier=dates"
    answer = wps.get(query)
    assert [o.findtext("ows:Identifier", namespaces=NS["1"]) for o in answer.iterfind(".//wps:ProcessOutputs/wps:Output", NS["1"])] == ["save"]
    reference = answer.find(".//wps:ProcessOutputs//wps:Reference", NS["1"])
    assert reference.get("mimeType") == "application/zip"
    names = lambda content: zipfile.ZipFile(io.BytesIO(content)).namelist()
    files = names(requests.get(reference.get("href"), timeout=30).content)
    assert len(files) > 1 and all(name.endswith(".tif") for name in files)
    raw = requests.get(f"{wps.url}?{query}&RawDataOutput=save", auth=ALICE, timeout=60)
    assert raw.headers["Content-Type"] == "application/zip" and names(raw.content) == files
    second = wps.post(execute_2("", '<wps:Output id="save"/>', process="dates"), "2")
    assert second.xpath("wps:Output/@id", namespaces=NS["2"]) == ["save"]
    assert second.find("wps:Output/wps:Reference", NS["2"]).get("mimeType") == "application/zip"
    wrong = reference.get("href").replace("output=save", "output=none")
    assert requests.get(wrong, timeout=30).status_code == 404


# ---- OWSLib ----

def test_owslib(wps, service):
    client = WebProcessingService(wps.url, auth=Authentication(username=ALICE[0], password=ALICE[1]))
    assert "echo" in [p.identifier for p in client.processes] and client.identification.type == "WPS"
    process = client.describeprocess("echo")
    kinds = {i.identifier: i.dataType for i in process.dataInputs}
    assert kinds["number"].endswith("double") and kinds["bbox"] == "BoundingBoxData" and kinds["object"] == "ComplexData"
    inputs = [("string", "hello"), ("number", "7"), ("bbox", BoundingBoxDataInput([1, 2, 3, 4], crs="EPSG:4326")),
              ("object", ComplexDataInput('{"a":1}', mimeType="application/json"))]
    execution = client.execute("echo", inputs, output=[("string", False), ("object", True), ("bbox", False)])
    while not execution.isComplete():
        execution.checkStatus(sleepSecs=0.05)
    assert execution.isSucceeded(), execution.errors
    found = {o.identifier: o for o in execution.processOutputs}
    assert found["string"].data == ["hello"] and found["object"].reference.startswith(service.base)
    assert [float(getattr(found["bbox"].data[0], n)) for n in ("minx", "miny", "maxx", "maxy")] in ([1, 2, 3, 4], [2, 1, 4, 3])


@pytest.mark.slow
def test_files(wps, service, shared, scenes):
    """Rasters: small ones in base64, as OWSLib and QGIS read them; others as references."""
    area = "bbox=15.2,45.6,15.22,45.62"
    query = ("service=WPS&version=1.0.0&request=Execute&identifier=ndvi-composite&DataInputs=" + area
             + "&ResponseDocument=ndvi;count=@asReference=true")
    answer = wps.get(query)
    data = answer.find(".//wps:ComplexData", NS["1"])
    assert data.get("encoding") == "base64" and base64.b64decode(data.text)[:4] in (b"II*\0", b"II+\0")
    reference = answer.find(".//wps:ProcessOutputs//wps:Reference", NS["1"])
    assert requests.get(reference.get("href"), timeout=30).content[:2] == b"II"
    raw = requests.get(f"{wps.url}?{query.split('&ResponseDocument')[0]}&RawDataOutput=ndvi", auth=ALICE, timeout=60)
    assert raw.headers["Content-Type"].startswith("image/tiff") and raw.content == base64.b64decode(data.text)
