"""OGC API - Processes as people see it: a real browser fills in the form of a process and looks at what comes of it."""
import pytest
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
        tab.wait("location.pathname.endsWith('/results') && document.querySelector('svg path.area')")
        for name in "composite.tif", "ndvi.tif", "count.tif":
            picture = f"document.querySelector('img[alt=\"Preview of {name}\"]')"
            tab.wait(picture)
            tab.ask(picture + ".scrollIntoView()")
            tab.wait(f"{picture}.complete && {picture}.naturalWidth > 50")
        watch.wait(STATUS + " === 'dismissed'")  # of itself
        assert browser.wrong == []
