"""A closed loop of HTTP/1.1 requests over kept-alive connections, as cheap as Python allows.

The two cores of a small machine are shared with the servers, so the client may cost little: requests are bytes that
were made before, one thread drives all connections, and of an answer only the status and the length are read.
"""

import gc
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from ops.bench.errors import BenchError

HOST = "127.0.0.1"
PATIENCE_SECONDS = 30.0
_CHUNK = 1 << 18


@dataclass(slots=True)
class Load:
    """What one round saw: latencies and its length in seconds, and how much of a core the client itself took."""

    latencies: list[float]
    seconds: float
    client_cpu: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds


@dataclass(slots=True)
class Lane:
    """One connection, with one request in flight: `since` when, on `perf_counter`. `wanted` is the length of the answer
    that is coming in, once its head is known; `accepted` are the beginnings of statuses that it may have."""

    sock: socket.socket
    accepted: tuple[bytes, ...] = (b"2",)
    since: float = 0.0
    received: bytes = b""
    wanted: int = 0
    latencies: list[float] = field(default_factory=list)

    def send(self, request: bytes, *, since: float) -> None:
        """Put `request` in flight."""
        self.received, self.wanted, self.since = b"", 0, since
        self.sock.sendall(request)


def connect(port: int) -> socket.socket:
    """A connection to a local server, with TCP_NODELAY: without it small writes can wait 40 ms."""
    sock = socket.create_connection((HOST, port), PATIENCE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def ask(sock: socket.socket, request: bytes) -> bytes:
    """The body of the answer to one request. Raises `BenchError` for an answer that is not 2xx."""
    lane = Lane(sock)
    lane.send(request, since=0.0)
    while not receive(lane):
        pass
    return lane.received.partition(b"\r\n\r\n")[2]


def drive(sockets: list[socket.socket], requests: Iterator[bytes], seconds: float) -> Load:
    """Keep one request in flight on each socket for `seconds`, or until `requests` ends.

    Raises `BenchError` for an answer that is not 2xx, a closed connection, or silence.
    """
    lanes = [Lane(sock) for sock in sockets]
    with selectors.DefaultSelector() as selector:
        for lane in lanes:
            selector.register(lane.sock, selectors.EVENT_READ, lane)
        gc.collect()
        gc.disable()
        try:
            cpu, started = time.process_time(), time.perf_counter()
            _run(selector, lanes, requests, started + seconds)
            elapsed = time.perf_counter() - started
            cpu = time.process_time() - cpu
        finally:
            gc.enable()
    return Load([latency for lane in lanes for latency in lane.latencies], elapsed, cpu / elapsed)


def _run(selector: selectors.BaseSelector, lanes: list[Lane], requests: Iterator[bytes], deadline: float) -> None:
    flying = sum(_send(lane, requests) for lane in lanes)
    while flying:
        events = selector.select(PATIENCE_SECONDS)
        if not events:
            raise BenchError(f"no answer within {PATIENCE_SECONDS} s")
        for key, _ in events:
            lane: Lane = key.data
            if receive(lane):
                now = time.perf_counter()
                lane.latencies.append(now - lane.since)
                flying -= 1
                if now < deadline:
                    flying += _send(lane, requests)


def _send(lane: Lane, requests: Iterator[bytes]) -> bool:
    request = next(requests, None)
    if request is None:
        return False
    lane.send(request, since=time.perf_counter())
    return True


def receive(lane: Lane) -> bool:
    """Take what has come; whether the answer is complete. Raises `BenchError` for one that is not accepted, and when
    the connection is closed."""
    chunk = lane.sock.recv(_CHUNK)
    if not chunk:
        raise BenchError(f"the server closed a connection; received so far: {lane.received[:300]!r}")
    lane.received = lane.received + chunk if lane.received else chunk
    if not lane.wanted:
        lane.wanted = _length(lane)
    return 0 < lane.wanted <= len(lane.received)


def _length(lane: Lane) -> int:
    """The length of the whole answer, or 0 while its head is incomplete."""
    received = lane.received
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return 0
    if not received.startswith(lane.accepted, 9):
        raise BenchError(f"not an answer that is accepted here: {received[:600]!r}")
    at = received.find(b"Content-Length: ", 0, end)
    if at < 0:
        raise BenchError(f"an answer without a length: {received[:300]!r}")
    return end + 4 + int(received[at + 16 : received.find(b"\r\n", at)])
