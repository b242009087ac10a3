"""A server on loopback that speaks the protocol of chat completions, well or badly."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[[BaseHTTPRequestHandler, dict[str, Any]], None]


@dataclass
class Served:
    """A running server: where it is, and what it was sent."""

    url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def serving(*replies: Reply) -> Iterator[Served]:
    """Serve the replies one after the other, the last one for ever."""
    left = list(replies)
    lock = threading.Lock()
    served = Served("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                served.requests.append(json.loads(body))
                served.headers.append({k.lower(): v for k, v in self.headers.items()})
                reply = left.pop(0) if len(left) > 1 else left[0]
            with suppress(OSError):  # the client has given up
                reply(self, json.loads(body))

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    served.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    """Send a whole answer."""
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("content-length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def chat(text: str | None) -> bytes:
    """Return a chat completion that says something."""
    message = {"role": "assistant", "content": text}
    return json.dumps({"choices": [{"index": 0, "message": message}]}).encode()


def saying(text: str | None) -> Reply:
    """Answer with one text."""
    return lambda handler, payload: send(handler, chat(text))


def echo(handler: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
    """Answer with the prompt's own words, backwards."""
    send(handler, chat(payload["messages"][-1]["content"][::-1]))


def failing(status: int, body: bytes = b"", **headers: str) -> Reply:
    """Answer with a status."""
    return lambda handler, payload: send(handler, body, status, **headers)


def raw(body: bytes) -> Reply:
    """Answer 200 with any bytes."""
    return lambda handler, payload: send(handler, body)


def never(handler: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
    """Say nothing for longer than anybody waits."""
    time.sleep(3)


def closing(handler: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
    """Break the connection off in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [')
    handler.wfile.flush()
    handler.connection.close()


def dripping(handler: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
    """Send one byte of the body at a time."""
    handler.send_response(200)
    handler.send_header("content-length", "1000")
    handler.end_headers()
    for _ in range(60):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def dripping_head(handler: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
    """Send one byte of the headers at a time."""
    for byte in b"HTTP/1.1 200 OK\r\nx-slow: " + b"s" * 60:
        handler.wfile.write(bytes([byte]))
        handler.wfile.flush()
        time.sleep(0.05)


def huge(handler: BaseHTTPRequestHandler, payload: dict[str, Any]) -> None:
    """Send 10 MB, without saying so beforehand."""
    handler.send_response(200)
    handler.end_headers()
    for _ in range(160):
        handler.wfile.write(b"x" * 65_536)
