"""A server of products: parts of files, entity tags, and ways to misbehave."""
import hashlib
import http.server
import re
import threading


class Origin(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.sent = {}, []  # sent: (path, first byte, bytes) of each answer but those of a single byte
        self.cuts = {}     # path: after how many bytes connections break off, one after another
        self.holds = {}    # path: (bytes, event): so much is sent, then the event is waited for
        self.answers = {}  # path: [(status, headers)] that come first
        self.credentials = []  # (path, X-API-Key)
        self.lock = threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def put(self, path, data):
        self.files[path] = data
        return f"http://127.0.0.1:{self.server_port}{path}"

    def of(self, path):
        with self.lock:
            return [(start, count) for name, start, count in self.sent if name == path]


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def plain(self, status, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self):
        origin, path = self.server, self.path.split("?")[0]
        origin.credentials.append((path, self.headers.get("X-API-Key")))
        if origin.answers.get(path):
            return self.plain(*origin.answers[path].pop(0))
        if path not in origin.files:
            return self.plain(404)
        data = origin.files[path]
        tag = '"%s"' % hashlib.md5(data).hexdigest()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked and self.headers.get("If-Range", tag) != tag:
            asked = None
        first = int(asked[1]) if asked else 0
        last = int(asked[2]) if asked and asked[2] else len(data) - 1
        self.send_response(206 if asked else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(last + 1 - first))
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
        self.end_headers()
        if first == last:
            return self.wfile.write(data[first:last + 1])
        with origin.lock:
            cut = origin.cuts[path].pop(0) if origin.cuts.get(path) else None
        part = data[first:last + 1][:cut]
        hold = origin.holds.get(path)
        try:
            if hold and not hold[1].is_set():
                self.wfile.write(part[:hold[0]])
                self.wfile.flush()
                hold[1].wait(60)
                part = part[hold[0]:]
            self.wfile.write(part)
        except OSError:
            pass  # whoever asked has gone
        with origin.lock:
            origin.sent.append((path, first, len(part)))
        if cut is not None:
            self.close_connection = True
