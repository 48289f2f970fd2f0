"""What Cloudflare is told to do wrong, in which calls, and for how many of them; and what was called."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from ops.sandbox.plan import Plan

KEPT_CALLS = 1_000


class Operation(StrEnum):
    """What is called; ``any`` in a fault means all of them."""

    ALLOCATE = "allocate"
    UPLOAD = "upload"
    GET = "get"  # details and blob
    DELETE = "delete"
    LIST = "list"
    DELIVER = "deliver"
    ANY = "any"


class Mode(StrEnum):
    """How a call goes."""

    OK = "ok"
    SLOW = "slow"  # done, then silence for some seconds before the answer
    DRIP = "drip"  # done, and answered byte by byte for some seconds
    DOWN = "down"  # 503 with a page
    ERROR = "error"  # 500 with an envelope
    FORBIDDEN = "forbidden"  # 403 with an envelope: code 10000
    RATE_LIMITED = "rate_limited"  # 429 with an envelope; `seconds` is its Retry-After
    RESET = "reset"  # not done, and the connection ends without an answer
    CORRUPT = "corrupt"  # done, and one byte of the answer is another
    VANISHED = "vanished"  # 404 with an envelope: there is no such image
    WRONG = "wrong"  # 200 with a page
    EMPTY = "empty"  # 200 with JSON that says nothing
    ENDLESS = "endless"  # done, and 64 MB of blanks after the answer
    REDIRECT = "redirect"  # 307 to where it would work
    HALF = "half"  # done, and the connection ends in the middle of the answer


@dataclass(frozen=True, slots=True)
class Fault:
    """A mode, for ``count`` more calls of ``operation`` (None: until changed)."""

    mode: Mode = Mode.OK
    count: int | None = None
    seconds: float = 0.0
    operation: Operation = Operation.ANY


class FaultPlan(Plan[Fault]):
    """The fault in force. Calls take their share of it, one each."""

    def __init__(self) -> None:
        super().__init__(Fault())

    def take(self, operation: Operation) -> Fault:
        """The fault for one call of ``operation``, which uses up one of its count."""
        return self.take_if(lambda fault: fault.operation in {operation, Operation.ANY})


@dataclass(frozen=True, slots=True)
class Call:
    """One call: when (UTC), of what, on which path, and how it went."""

    at: datetime
    operation: Operation
    path: str
    mode: Mode


class CallLog:
    """The newest 1,000 calls. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: deque[Call] = deque(maxlen=KEPT_CALLS)

    def add(self, operation: Operation, path: str, mode: Mode) -> None:
        """Remember a call, forgetting the oldest when there are too many."""
        with self._lock:
            self._calls.append(Call(datetime.now(UTC), operation, path, mode))

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()

    def all(self) -> list[Call]:
        """Every call kept, oldest first."""
        with self._lock:
            return list(self._calls)
