"""Receivers of webhooks, good and bad: real servers on 127.0.0.1, which keep what they have got."""

import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_" + "c2VjcmV0LW9mLXRoZS10ZXN0LXJ1bi0zMi1ieXRlcyE="
LONGEST_WAIT = 20.0


@dataclass(frozen=True)
class Got:
    """A request. `connection` counts them from 1."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.body)
        return told

    def verify(self, secret: str = SECRET) -> Any:
        """What the reference library makes of it; raises for a wrong signature."""
        return Webhook(secret).verify(self.body, self.headers)


class Connection(socketserver.StreamRequestHandler):
    """One connection, request after request. What `behave` says of it decides whether it goes on."""

    server: "_Server"

    def setup(self) -> None:
        self.number = self.server.count()
        if self.server.tls is not None:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        self.connection.settimeout(LONGEST_WAIT)
        while (got := self._read()) is not None:
            self.server.receiver.requests.append(got)
            if not self.server.receiver.behave(self, got):
                return

    def say(self, answer: bytes) -> None:
        self.wfile.write(answer)

    def hang(self) -> None:
        """Until the other side has enough, or the test is over."""
        with suppress(OSError):
            while not self.server.receiver.over.is_set() and self.connection.recv(1000):
                pass

    def drip(self, answer: bytes, seconds: float = 0.05) -> None:
        """Byte by byte, for ever."""
        while not self.server.receiver.over.is_set():
            for byte in answer:
                self.wfile.write(bytes([byte]))
                time.sleep(seconds)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def _read(self) -> Got | None:
        line = self.rfile.readline().decode().strip()
        if not line:
            return None
        headers = {}
        while text := self.rfile.readline().decode().strip():
            name, value = text.split(": ", 1)
            headers[name.lower()] = value
        body = self.rfile.read(int(headers["content-length"]))
        return Got(line, headers, body, self.number)


Behaviour = Callable[[Connection, Got], bool]
"""Answers; returns whether the connection stays."""


def says(status: int, body: bytes = b"", *headers: str) -> Behaviour:
    """The same answer to everybody."""
    head = [f"HTTP/1.1 {status} What", f"Content-Length: {len(body)}", *headers]
    answer = "\r\n".join(head).encode() + b"\r\n\r\n" + body

    def behave(connection: Connection, _: Got) -> bool:
        connection.say(answer)
        return True

    return behave


def raw(answer: bytes) -> Behaviour:
    """These bytes, and the end."""

    def behave(connection: Connection, _: Got) -> bool:
        connection.say(answer)
        return False

    return behave


def hangs_after(beginning: bytes) -> Behaviour:
    """These bytes, and then nothing."""

    def behave(connection: Connection, _: Got) -> bool:
        connection.say(beginning)
        connection.hang()
        return False

    return behave


def drips(beginning: bytes, drop: bytes) -> Behaviour:
    """These bytes, and then a drop at a time, for ever."""

    def behave(connection: Connection, _: Got) -> bool:
        connection.say(beginning)
        with suppress(OSError):
            connection.drip(drop)
        return False

    return behave


def resets(connection: Connection, _: Got) -> bool:
    connection.reset()
    return False


@dataclass
class Receiver:
    """`behave` may be changed at any time."""

    behave: Behaviour
    requests: list[Got] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    url: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        return [got.id for got in self.requests]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, receiver: Receiver, tls: ssl.SSLContext | None) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), Connection)
        self.receiver, self.tls = receiver, tls
        self._lock = threading.Lock()

    def count(self) -> int:
        with self._lock:
            self.receiver.connections += 1
            return self.receiver.connections

    def handle_error(self, *_: object) -> None:
        """What goes wrong at this end is what the test wanted."""


@contextmanager
def receiver(
    behave: Behaviour | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    name: str = "",
) -> Iterator[Receiver]:
    """A receiver that is called `name` in its URL; it takes everything unless it has another behaviour."""
    found = Receiver(behave or says(204))
    with _Server(host, port, found, tls) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        found.port = server.server_address[1]
        shown = name or (f"[{host}]" if ":" in host else host)
        found.url = f"{'https' if tls else 'http'}://{shown}:{found.port}/hooks?of=us"
        try:
            yield found
        finally:
            found.over.set()
            server.shutdown()
