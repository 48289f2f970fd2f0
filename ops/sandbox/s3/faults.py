"""What S3 is told to do wrong, to which requests, and for how many of them."""

from dataclasses import dataclass
from enum import StrEnum

from ops.sandbox.plan import Plan


class Operation(StrEnum):
    """What a request is about. HEAD counts as get."""

    ANY = "any"
    PUT = "put"
    GET = "get"
    DELETE = "delete"
    LIST = "list"


class Mode(StrEnum):
    """How a request goes."""

    OK = "ok"
    SLOW = "slow"  # done, then silence for some seconds before the answer
    DRIP = "drip"  # done, and the answer's body comes in small pieces for some seconds
    DOWN = "down"  # 503 SlowDown
    ERROR = "error"  # 500 InternalError
    FORBIDDEN = "forbidden"  # 403 AccessDenied
    RESET = "reset"  # the connection ends in the middle of the request
    BAD_DIGEST = "bad_digest"  # what arrives is not what was sent: 400 BadDigest, for those who sent a Content-MD5
    CORRUPT = "corrupt"  # one byte of the object is another
    VANISHED = "vanished"  # 404 NoSuchKey
    HALF = "half"  # the connection ends after half of the object


BEFALLS = {
    Mode.BAD_DIGEST: {Operation.PUT},
    Mode.CORRUPT: {Operation.GET},
    Mode.VANISHED: {Operation.GET, Operation.DELETE},
    Mode.HALF: {Operation.GET},
}
"""Modes that only some operations can meet; every other passes them by, and does not use up their count."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A mode, for ``count`` more requests (None: until changed) of ``operation`` whose key contains ``key``;
    ``seconds`` is the length of what is slow."""

    mode: Mode = Mode.OK
    count: int | None = None
    seconds: float = 0.0
    operation: Operation = Operation.ANY
    key: str = ""

    def befalls(self, operation: Operation | None, key: str) -> bool:
        """Whether it is meant for such a request; ``operation`` is None for those that have no name here."""
        return (
            self.operation in {Operation.ANY, operation}
            and operation in BEFALLS.get(self.mode, {operation})
            and self.key in key
        )


class FaultPlan(Plan[Fault]):
    """The fault in force. Requests take their share of it, one each."""

    def __init__(self) -> None:
        super().__init__(Fault())

    def take(self, operation: Operation | None, key: str) -> Fault:
        """The fault for one request, which uses up one of its count; OK when it is meant for others."""
        return self.take_if(lambda fault: fault.befalls(operation, key))
