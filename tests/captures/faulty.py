"""An HTTP server that stands before the origin and fails as a scenario asks.

It keeps what it saw of each request: the truth that a capture is held against.
Knows no FFmpeg.
"""

import http.client
import http.server
import socket
import ssl
import struct
import threading
import time

PIECE_BYTES = 16384
ORIGIN_TIMEOUT_SECS = 10
COPIED_FIELDS = ("Content-Type", "Content-Range", "Accept-Ranges")


class Response:
    """The response to one request, and the fate of the connection."""

    def __init__(self, status=None, body=b"", fields=None, fate="complete", send_bytes=None):
        self.status = status  # None: nothing is sent
        self.body = body
        self.fields = fields or {}
        self.fate = fate  # complete, close, drop, hang, reset or truncated
        self.send_bytes = send_bytes  # None: the whole body

    def set_body(self, body):
        """Replaces the body; a partial response becomes a whole one."""
        self.body = body
        self.status = 200
        self.fields.pop("Content-Range", None)


class Seen:
    """Requests and connections in order of arrival."""

    def __init__(self):
        self.start = time.monotonic()
        self.lock = threading.Lock()
        self.rows = []
        self.connections = 0
        self.counts = {}

    def now(self):
        return time.monotonic() - self.start

    def connect(self):
        with self.lock:
            self.connections += 1
            return self.connections

    def count(self, path):
        """The number of requests for this path, including this one."""
        with self.lock:
            self.counts[path] = self.counts.get(path, 0) + 1
            return self.counts[path]

    def add(self, began, method, path, status, sent, connection, end):
        row = (began, method, path, status, sent, connection, end, self.now())
        with self.lock:
            self.rows.append(row)

    def text(self):
        with self.lock:
            rows = sorted(self.rows)
        return "".join(
            f"{began:.3f}\t{method}\t{path}\t{status}\t{sent}\t{connection}\t{end}\t{ended:.3f}\n"
            for began, method, path, status, sent, connection, end, ended in rows
        )


class Request:
    """A request, as passed to a scenario."""

    def __init__(self, path, elapsed, server, byte_range):
        self.path = path
        self.count = server.seen.count(path)
        self.elapsed = elapsed
        self.server = server
        self.byte_range = byte_range
        name = path.rsplit("/", 1)[-1]
        self.master = name in ("stream.m3u8", "master.m3u8")
        self.playlist = name.endswith(".m3u8") and not self.master
        self.segment = name.endswith((".ts", ".m4s"))
        digits = "".join(c for c in name if c.isdigit())
        self.number = int(digits) if digits else 0

    def from_origin(self):
        """The origin's response for the path, which the scenario may have changed."""
        port = self.server.origin_port
        origin = http.client.HTTPConnection("127.0.0.1", port, ORIGIN_TIMEOUT_SECS)
        try:
            fields = {"Range": self.byte_range} if self.byte_range else {}
            origin.request("GET", self.path, headers=fields)
            got = origin.getresponse()
            body = got.read()
        finally:
            origin.close()
        fields = {name: got.headers[name] for name in COPIED_FIELDS if name in got.headers}
        return Response(got.status, body, fields)

    def from_folder(self):
        """A file of the server's folder, whole."""
        file = self.server.folder / self.path.rsplit("/", 1)[-1]
        return Response(200, file.read_bytes()) if file.is_file() else Response(404, b"not here\n")

    def keep(self, name, value):
        """The first value that was stored under this name."""
        return self.server.kept.setdefault(name, value)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        self.number = self.server.seen.connect()
        with self.server.lock:
            self.server.open.add(self.request)
        if self.server.tls:
            began = self.server.seen.now()
            try:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            except (ssl.SSLError, OSError) as error:
                why = getattr(error, "reason", None) or type(error).__name__
                self.server.seen.add(began, "-", "-", "-", 0, self.number, f"tls:{why}")
                raise
        super().setup()

    def log_message(self, *_):
        pass

    def do_GET(self):
        seen = self.server.seen
        began = seen.now()
        sent = 0
        request = Request(self.path, began, self.server, self.headers["Range"])
        response = self.server.scenario(request)
        try:
            if response.status is not None:
                self.head(response)
            self.close_connection = response.fate != "complete"
            for piece in pieces(response.body, response.send_bytes):
                self.wfile.write(piece)
                sent += len(piece)
            end = response.fate
            if end == "hang":
                self.hang()
            elif end == "reset":
                self.reset()
        except (OSError, ValueError):
            self.close_connection = True
            end = "client_left"
        status = "-" if response.status is None else response.status
        seen.add(began, "GET", self.path, status, sent, self.number, end)

    def head(self, response):
        self.send_response_only(response.status)
        for name, value in response.fields.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.send_header("Connection", "close" if response.fate == "close" else "keep-alive")
        self.end_headers()

    def hang(self):
        """Sends nothing more until the client closes."""
        while self.connection.recv(PIECE_BYTES):
            pass

    def reset(self):
        """Closes with RST, after the client had time to read the bytes sent."""
        time.sleep(0.2)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


def pieces(body, limit):
    whole = body if limit is None else body[:limit]
    return (whole[at : at + PIECE_BYTES] for at in range(0, len(whole), PIECE_BYTES))


class Server(http.server.ThreadingHTTPServer):
    """Serves one capture."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, scenario, origin_port, folder, tls=None, port=0):
        self.scenario = scenario
        self.origin_port = origin_port
        self.folder = folder
        self.tls = tls
        self.kept = {}
        self.seen = Seen()
        self.lock = threading.Lock()
        self.open = set()
        super().__init__(("127.0.0.1", port), Handler)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def handle_error(self, *_):
        pass

    def shutdown_request(self, request):
        with self.lock:
            self.open.discard(request)
        super().shutdown_request(request)

    def go_down(self):
        """Refuses connections and resets open ones, as a killed origin does."""
        self.shutdown()
        self.server_close()
        with self.lock:
            left = list(self.open)
        for connection in left:
            try:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
            except OSError:
                pass

    def come_back(self):
        """A server on the same port that continues the same record."""
        again = Server(self.scenario, self.origin_port, self.folder, self.tls, self.port)
        again.seen = self.seen
        return again
