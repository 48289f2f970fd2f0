"""Requests at a pace of their own, however long the answers take (an open loop): what other users of a server feel.

A latency counts from the moment at which its request was due, so that a stall shows in every request that it has held
up, and not in one alone.
"""

import gc
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ops.bench.client import PATIENCE_SECONDS, Lane, receive
from ops.bench.errors import BenchError


@dataclass(slots=True)
class Stream:
    """`per_second` requests over these connections, and what came of them: latencies in seconds, and statuses.

    `accepted` are the beginnings of statuses that may come.
    """

    sockets: list[socket.socket]
    requests: Iterator[bytes]
    per_second: float
    accepted: tuple[bytes, ...] = (b"2",)
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


class _Flow:
    """A stream while it runs: when the next request is due, which ones wait for a connection, which are free."""

    def __init__(self, stream: Stream, selector: selectors.BaseSelector, started: float, seconds: float) -> None:
        self._stream = stream
        self._dues = (started + number / stream.per_second for number in range(int(seconds * stream.per_second)))
        self.next_due = next(self._dues, None)
        self._late: deque[float] = deque()
        self._free = deque(Lane(sock, stream.accepted) for sock in stream.sockets)
        for lane in self._free:
            selector.register(lane.sock, selectors.EVENT_READ, (self, lane))

    @property
    def goes_on(self) -> bool:
        """Whether anything is in flight, or has to be sent yet."""
        return len(self._free) < len(self._stream.sockets) or bool(self._late) or self.next_due is not None

    def send_due(self, now: float) -> None:
        while self.next_due is not None and self.next_due <= now:
            self._late.append(self.next_due)
            self.next_due = next(self._dues, None)
        while self._late and self._free:
            lane = self._free.popleft()  # in turns: an idle one would be closed
            lane.send(next(self._stream.requests), since=self._late.popleft())

    def take(self, lane: Lane) -> None:
        if receive(lane):
            self._stream.latencies.append(time.perf_counter() - lane.since)
            self._stream.statuses[int(lane.received[9:12])] += 1
            self._free.append(lane)


def keep_pace(streams: list[Stream], seconds: float) -> None:
    """Send what is due in `seconds`, and wait for the answers.

    Raises `BenchError` for an answer that is not accepted, a closed connection, or silence.
    """
    with selectors.DefaultSelector() as selector:
        started = time.perf_counter()
        flows = [_Flow(stream, selector, started, seconds) for stream in streams]
        gc.collect()
        gc.disable()
        try:
            while any(flow.goes_on for flow in flows):
                _turn(selector, flows)
        finally:
            gc.enable()


def _turn(selector: selectors.BaseSelector, flows: list[_Flow]) -> None:
    now = time.perf_counter()
    for flow in flows:
        flow.send_due(now)
    dues = [flow.next_due for flow in flows if flow.next_due is not None]
    events = selector.select(max(0.0, min(dues) - time.perf_counter()) if dues else PATIENCE_SECONDS)
    if not events and not dues:
        raise BenchError(f"no answer within {PATIENCE_SECONDS} s")
    for key, _ in events:
        flow, lane = key.data
        flow.take(lane)
