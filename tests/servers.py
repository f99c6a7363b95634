"""Servers on loopback that stores are read from: plain files, and a proxy that misbehaves."""

import re
import socket
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        pass  # clients that are killed, and connections that are cut on purpose


class _Files(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass


@contextmanager
def running(server):
    """Run a server in a thread; yields its address."""
    thread = threading.Thread(target=partial(server.serve_forever, 0.05), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def serving(folder: Path):
    """Serve the files of a folder, as `python -m http.server` does."""
    return running(_Quiet(("127.0.0.1", 0), partial(_Files, directory=str(folder))))


class Proxy:
    """Passes requests on to another server, or not.

    `fault` is asked for each request, by its path and how often that path was asked for before,
    and returns None or what goes wrong: a status, "reset", "hang", or "short" for half a body.
    """

    def __init__(self, target: str) -> None:
        self.target = target.removeprefix("http://")
        self.fault = lambda path, before: None
        self.latency = 0.0
        self.asked: list[str] = []
        self.most_at_once = self._at_once = 0
        self._lock = threading.Lock()

    @contextmanager
    def running(self):
        with running(_Quiet(("127.0.0.1", 0), partial(_Handler, self))) as address:
            yield address

    def begin(self, path: str) -> int | str | None:
        with self._lock:
            before = self.asked.count(path)
            self.asked.append(path)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        time.sleep(self.latency)
        return self.fault(path, before)

    def end(self) -> None:
        with self._lock:
            self._at_once -= 1


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: Proxy, *args) -> None:
        self.proxy = proxy
        super().__init__(*args)

    def log_message(self, *args):
        pass

    def do_GET(self):
        fault = self.proxy.begin(self.path)
        try:
            if isinstance(fault, int):
                self._answer(fault, {}, b"")
            elif fault == "reset":
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                self.close_connection = True
                self.connection.close()
            elif fault == "hang":
                time.sleep(60)
            else:
                self._pass_on(short=fault == "short")
        finally:
            self.proxy.end()

    do_HEAD = do_GET  # noqa: N815 (what http.server looks for)

    def _pass_on(self, *, short: bool) -> None:
        connection = HTTPConnection(self.proxy.target, timeout=20)
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        connection.request(self.command, self.path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        kept = {
            name: value
            for name, value in answer.getheaders()
            if not re.fullmatch("connection|transfer-encoding|date|server", name, re.IGNORECASE)
        }
        if self.command != "HEAD":
            kept["Content-Length"] = str(len(body))
        self._answer(answer.status, kept, body[: len(body) // 2] if short else body)
        self.close_connection |= short

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def main() -> None:
    """Serve a folder with so many seconds of latency, until standard input ends."""
    folder, latency = sys.argv[1:]
    with serving(Path(folder)) as files:
        slow = Proxy(files)
        slow.latency = float(latency)
        with slow.running() as address:
            print(address, flush=True)
            sys.stdin.read()


if __name__ == "__main__":
    main()
