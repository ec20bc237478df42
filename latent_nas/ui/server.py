"""The server: this machine alone, a thread for each request, and events that say when something has changed."""

import errno
import json
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from latent_nas import __version__
from latent_nas.ui.frame import refusal
from latent_nas.ui.guard import HEADERS, LOCAL, Guard
from latent_nas.ui.routes import CSP, JSON, Answer, Missing, Routes, error

LOOK_S = 0.4  # between two looks at what has changed
ALIVE_S = 10.0  # between two signs of life on a connection where nothing happens
BODY = 64 << 10  # bytes of a form at most


class Server(ThreadingHTTPServer):
    """The page of a folder of runs on a port of this machine."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        """Listen.

        Raises:
            ValueError: the port is taken, or none may be listened on; the line names the next free one.
        """
        try:
            super().__init__((LOCAL, port), Handler)
        except OverflowError:
            raise ValueError(f"--port {port}; wanted 0 (any that is free) to 65535") from None
        except OSError as refused:
            if refused.errno == errno.EADDRINUSE:
                raise ValueError(
                    f"port {port} is in use, perhaps by another latent-nas ui; --port {_free(port)} is free"
                ) from None
            raise ValueError(f"--port {port} can't be listened on: {refused.strerror}; choose one above 1023") from None
        self.guard = Guard(self.server_address[1])
        self.routes = Routes(folder, self.guard.base)
        self.closing = threading.Event()

    def server_close(self) -> None:
        """Listen no more, and end all streams; processes that were started go on."""
        if hasattr(self, "closing"):  # else it never listened
            self.closing.set()
            self.routes.works.close()
        super().server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has gone away."""


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    server_version, sys_version = f"latent_nas/{__version__}", ""
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        """Show a page, a file or a stream of events."""
        if why := self.server.guard.refused(self.path, self.headers, writes=False):  # type: ignore[arg-type]
            self._send(Answer(refusal(why).encode(), status=403))
            return
        try:
            if urlsplit(self.path).path == f"{self.server.guard.base}/events":
                self._events()
            elif urlsplit(self.path).path.startswith(f"{self.server.guard.base}/checked/"):
                self._send(_json(self.server.routes.job(self.path.rsplit("/", 1)[1])))
            else:
                self._send(self.server.routes.get(self.path))
        except ValueError as missing:
            self._send(Answer(refusal(str(missing)).encode(), status=404))
        except OSError as refused:  # a file that may not be read, or has no such name
            self._send(Answer(refusal(f"{refused.strerror}: {refused.filename}").encode(), status=404))

    def do_POST(self) -> None:
        """Start or stop something; the answer is JSON, an error of one line."""
        if why := self.server.guard.refused(self.path, self.headers, writes=True):  # type: ignore[arg-type]
            self.close_connection = True  # what was sent is not read
            self._send(Answer(error(why), JSON, 403))
            return
        try:
            self._send(_json(self.server.routes.post(self.path, self._form())))
        except Missing as missing:
            self._send(Answer(error(str(missing)), JSON, 404))
        except ValueError as wrong:
            self._send(Answer(error(str(wrong)), JSON, 422))
        except OSError as refused:
            self._send(Answer(error(f"{refused.strerror}: {refused.filename}"), JSON, 422))

    def _form(self) -> dict[str, str]:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > BODY:
            self.close_connection = True
            raise ValueError(f"wanted a form of at most {BODY} bytes")
        try:
            given = json.loads(self.rfile.read(int(length)) or b"{}")
        except (ValueError, RecursionError):
            raise ValueError("wanted the form as JSON") from None
        if not isinstance(given, dict) or not all(isinstance(value, str) for value in given.values()):
            raise ValueError("wanted an object of texts")
        return given

    def _events(self) -> None:
        """Tell a page when its topic has changed, until one of both goes."""
        query = parse_qs(urlsplit(self.path).query)
        topic = query.get("topic", ["runs"])[0]
        seen = self.headers.get("Last-Event-ID") or query.get("seen", [""])[0]
        self.server.routes.seen(topic)  # of no topic is an error before anything is sent
        self.close_connection = True
        self._head(200, {"Content-Type": "text/event-stream", **CSP})
        spoke = time.monotonic()
        with suppress(OSError, ValueError):  # the browser has gone, or what it followed
            self.wfile.write(b"retry: 1000\n\n")
            while not self.server.closing.is_set():
                now = self.server.routes.seen(topic)
                if now != seen:
                    seen = now
                    told = json.dumps({"seen": now, "state": self.server.routes.state(topic)})
                    self.wfile.write(f"id: {now}\ndata: {told}\n\n".encode())
                    spoke = time.monotonic()
                elif time.monotonic() - spoke > ALIVE_S:
                    self.wfile.write(b": still here\n\n")
                    spoke = time.monotonic()
                self.server.closing.wait(LOOK_S)

    def _send(self, answer: Answer) -> None:
        headers = {"Content-Type": answer.kind, "Content-Length": str(len(answer.body)), **CSP, **answer.headers}
        self._head(answer.status, headers)
        with suppress(OSError):
            self.wfile.write(answer.body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, **headers}.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the terminal says the address and how to stop."""


def _json(value: dict[str, str]) -> Answer:
    return Answer(json.dumps(value).encode(), JSON)


def _free(port: int) -> int:
    """Return the next port that is free; 0, which means any, where none is found near."""
    for other in range(port + 1, min(port + 100, 65536)):
        with socket.socket() as trial, suppress(OSError):
            trial.bind((LOCAL, other))
            return other
    return 0


def follow(server: Server) -> None:
    """Serve until Ctrl-C."""
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
