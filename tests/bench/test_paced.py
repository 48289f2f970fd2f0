"""Requests at a pace, against a server that is slow on purpose."""

import socket
import threading
import time
from collections.abc import Iterator
from itertools import repeat

import pytest

from ops.bench.client import connect
from ops.bench.errors import BenchError
from ops.bench.paced import Stream, keep_pace

REQUEST = b"GET / HTTP/1.1\r\n\r\n"


class SlowServer(threading.Thread):
    """Answers each request of one connection after `seconds`, with a status."""

    def __init__(self, seconds: float, status: int) -> None:
        super().__init__(daemon=True)
        self._seconds, self._status = seconds, status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        sock, _ = self._listener.accept()
        with sock, self._listener:
            while sock.recv(len(REQUEST)):
                time.sleep(self._seconds)
                sock.sendall(b"HTTP/1.1 %d x\r\nContent-Length: 0\r\n\r\n" % self._status)


@pytest.fixture
def slow(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    server = SlowServer(*request.param)
    server.start()
    with connect(server.port) as sock:
        yield sock
    server.join(10)


@pytest.mark.parametrize("slow", [(0.05, 200)], indirect=True)
def test_what_is_held_up_counts_from_when_it_was_due(slow: socket.socket) -> None:
    """One connection, a request each 10 ms, answers after 50 ms: each of ten waits 40 ms longer than the one before."""
    stream = Stream([slow], repeat(REQUEST), 100.0)
    keep_pace([stream], 0.1)
    assert stream.statuses == {200: 10}
    assert stream.latencies == sorted(stream.latencies)
    assert stream.latencies[-1] > 0.05 + 9 * 0.04 - 0.02


@pytest.mark.parametrize("slow", [(0.0, 503)], indirect=True)
def test_an_answer_that_is_not_accepted_ends_the_measurement(slow: socket.socket) -> None:
    with pytest.raises(BenchError, match="503"):
        keep_pace([Stream([slow], repeat(REQUEST), 100.0)], 0.1)
