"""A browser without a window: Chromium by its DevTools protocol, over a pipe. It opens pages of 127.0.0.1 alone, logs in where it is
asked to, and keeps what goes wrong on a page: errors of scripts, what the policy refuses, what cannot be loaded."""
import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Tab:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session
        for method, options in (("Page.enable", {}), ("Runtime.enable", {}), ("Log.enable", {}),
                                ("Fetch.enable", {"handleAuthRequests": True, "patterns": [{"urlPattern": "*"}]})):
            self.call(method, **options)

    def call(self, method, **options):
        return self.browser.call(method, self.session, **options)

    def open(self, url):
        assert "errorText" not in self.call("Page.navigate", url=url)

    def ask(self, expression):
        """The value of an expression of JavaScript; None while the page is exchanged for another one."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer.get("result", {}).get("value") if "exceptionDetails" not in answer else None

    def wait(self, expression, timeout=60):
        """Until it is true of the page, whichever that is by then."""
        deadline = time.time() + timeout
        while (value := self.ask(expression)) in (None, False):  # an element is {}
            assert time.time() < deadline, f"{expression} is not so; the page: " + str(self.ask("document.body.innerText"))
            time.sleep(0.02)
        return value

    def type(self, name, text):
        """Into the field of this name, as its user would."""
        assert self.ask(f"(field => (field.focus(), field === document.activeElement))(document.getElementsByName({json.dumps(name)})[0])")
        self.call("Input.insertText", text=text)

    def click(self, selector):
        """When it is where a pointer would hit it. (Events of a pointer are lost while a new page is not painted yet.)"""
        self.wait("document.readyState === 'complete' && (one => { if (!one) return false; one.scrollIntoView({block: 'center'});"
                  " const at = one.getBoundingClientRect(), hit = document.elementFromPoint(at.x + at.width / 2, at.y + at.height / 2);"
                  f" return one === hit && (one.click(), true) }})(document.querySelector({json.dumps(selector)}))")

    def picture(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))


class Browser:
    """with Browser("alice", "password") as browser: browser.tab().open(url)"""

    def __init__(self, user, password):
        self.user, self.password, self.last, self.rest, self.wrong = user, password, 0, b"", []

    def __enter__(self):
        with contextlib.ExitStack() as ends:
            folder = tempfile.mkdtemp(prefix="sentier-browser-")
            ends.callback(shutil.rmtree, folder, ignore_errors=True)
            (reads, self.to), (self.at, writes) = os.pipe(), os.pipe()
            theirs = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (reads, writes)]  # beyond 3 and 4, where it wants them
            command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en",
                       "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", f"--user-data-dir={folder}",
                       "--remote-debugging-pipe", "about:blank"]
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "HOME": folder},
                                       start_new_session=True, close_fds=False, preexec_fn=lambda: [os.dup2(end, n) for n, end in enumerate(theirs, 3)])
            for end in reads, writes, *theirs:
                os.close(end)
            ends.callback(os.close, self.at)
            ends.callback(self.stop, process)
            ends.callback(os.close, self.to)
            self.call("Browser.getVersion")
            self.ends = ends.pop_all()
        return self

    def __exit__(self, *_):
        self.ends.close()

    def stop(self, process):
        """It ends when the pipe does; what it started is its group."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def tab(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])

    # ---- the protocol: JSON texts that end in a zero byte ----

    def send(self, method, session, options):
        self.last += 1
        message = {"id": self.last, "method": method, "params": options, **({"sessionId": session} if session else {})}
        os.write(self.to, json.dumps(message).encode() + b"\0")
        return self.last

    def call(self, method, session=None, **options):
        number = self.send(method, session, options)
        while True:
            message = self.receive()
            if message.get("id") == number:
                return message.get("result") or {"exceptionDetails": message.get("error")}
            self.note(message)

    def receive(self, timeout=120):
        while b"\0" not in self.rest:
            if not select.select([self.at], [], [], timeout)[0]:
                raise TimeoutError("the browser does not answer")
            more = os.read(self.at, 1 << 20)
            if not more:
                raise EOFError("the browser has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def note(self, message):
        event, options, session = message.get("method"), message.get("params", {}), message.get("sessionId")
        if event == "Runtime.exceptionThrown":
            self.wrong.append(options["exceptionDetails"])
        elif event == "Log.entryAdded" and options["entry"]["level"] == "error":
            self.wrong.append(options["entry"])
        elif event == "Fetch.authRequired":
            answer = {"response": "ProvideCredentials", "username": self.user, "password": self.password}
            self.send("Fetch.continueWithAuth", session, {"requestId": options["requestId"], "authChallengeResponse": answer})
        elif event == "Fetch.requestPaused" and not options["request"]["url"].startswith("http://127.0.0.1:"):
            self.wrong.append(options["request"])
            self.send("Fetch.failRequest", session, {"requestId": options["requestId"], "errorReason": "AccessDenied"})
        elif event == "Fetch.requestPaused":
            self.send("Fetch.continueRequest", session, {"requestId": options["requestId"]})
