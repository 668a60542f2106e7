"""OGC API - Processes as people see it: a real browser fills in the form of a process and looks at what comes of it."""
import pytest
import requests
from browser import CHROMIUM, Browser

pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: package chromium, or CHROMIUM names one")
STATUS = "document.querySelector('.status').textContent"


def test_from_the_form_to_the_picture(scenes):
    alice = scenes.session("alice")
    waiting = alice.post(f"{scenes.base}/ogc/processes/echo/execution", json={"inputs": {"pause": 60}}, headers={"Prefer": "respond-async"},
                         timeout=30).headers["Location"]
    with Browser("alice", "open sesame") as browser:
        watch, tab = browser.tab(), browser.tab()
        watch.open(waiting)
        assert watch.wait(STATUS) == "accepted"
        tab.open(scenes.base + "/ogc/processes/ndvi-composite")
        tab.wait("document.querySelector('form.process button')")
        tab.type("bbox", "15.2,45.5,15.3,45.6")
        tab.click("form.process button")
        tab.wait("location.pathname.startsWith('/ogc/jobs/')")  # the page itself goes there, and looks until the job ends
        tab.wait(STATUS + " === 'successful' && document.querySelector('progress').value === 100")
        assert alice.delete(waiting, timeout=30).status_code == 200
        tab.click("a.results")
        tab.wait("location.pathname.endsWith('/results') && document.querySelector('svg.map path.frame')")
        for name in "composite.tif", "ndvi.tif", "count.tif":
            picture = f"document.querySelector('img[alt=\"Preview of {name}\"]')"
            tab.wait(picture)
            tab.ask(picture + ".scrollIntoView()")
            tab.wait(f"{picture}.complete && {picture}.naturalWidth > 50")
        placed = "document.querySelector('svg.map image')"
        load = "(async (one) => { const picture = new Image(); picture.src = one.href.baseVal; await picture.decode(); return picture.naturalWidth })"
        assert tab.call("Runtime.evaluate", expression=f"{load}({placed})", awaitPromise=True, returnByValue=True)["result"]["value"] > 50
        tab.open(tab.ask("document.querySelector('a[href*=\"/ogc/jobs/\"]').href"))
        tab.wait("document.querySelector('svg.map a image')")  # the page of the job has the map, too; it leads to the results
        watch.wait(STATUS + " === 'dismissed'")  # of itself
        assert browser.wrong == []


def test_api_keys(service):
    use = lambda key: requests.get(service.base + "/ogc/jobs", headers={"X-API-Key": key}, timeout=30).status_code
    row = "[...document.querySelectorAll('table.keys tr')].find(row => row.cells[0].textContent === 'for <me>')"
    with Browser("bob", "open sesame") as browser:
        tab = browser.tab()
        tab.open(service.base + "/ogc")
        tab.click("nav a[href*='/api/keys']")
        tab.wait("location.pathname === '/api/keys' && document.querySelector('table.keys') && !" + row)
        tab.type("title", "for <me>")
        tab.click("input[value=read]")
        tab.click("form.card button")
        key = tab.wait("document.getElementById('key') && document.getElementById('key').textContent")
        assert use(key) == 200
        tab.open(service.base + "/api/keys")
        tab.wait(f"{row} && !document.getElementById('key')")  # its secret is not shown again
        tab.ask(row + ".querySelector('button').click()")
        tab.wait("location.pathname.endsWith('/revocation') && document.querySelector('table.keys') && !" + row)
        assert use(key) == 401
        assert browser.wrong == []
