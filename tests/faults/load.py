"""Callers who never stop, each with a connection that is kept alive, and a record of what they were answered."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from tests.faults.owner import Owner

RESET = 0
"""The status of a request whose connection ended before the answer."""


@dataclass(frozen=True)
class Answer:
    """One request: whose it was, when it was sent (monotonic), and its status."""

    caller: int
    sent_at: float
    status: int


@dataclass
class Load:
    """The answers so far, from all callers."""

    answers: list[Answer] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def statuses(self, *, since: float = 0.0) -> list[int]:
        return [answer.status for answer in list(self.answers) if answer.sent_at >= since]


Request = Callable[[requests.Session], requests.Response]


@contextmanager
def load(owner: Owner, request: Request, callers: int = 4) -> Iterator[Load]:
    """Keep `callers` busy with `request` until the block ends."""
    running = Load()
    threads = [threading.Thread(target=_call, args=(owner, request, running, caller)) for caller in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield running
    finally:
        running.stopping.set()
        for thread in threads:
            thread.join()


def _call(owner: Owner, request: Request, running: Load, caller: int) -> None:
    with owner.session() as session:
        while not running.stopping.is_set():
            sent_at = time.monotonic()
            try:
                status = request(session).status_code
            except requests.RequestException:
                status = RESET
                time.sleep(0.02)  # nobody listens: ask again, but do not spin
            running.answers.append(Answer(caller, sent_at, status))
