"""What siteverify is told to do wrong, and for how many checks."""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum


class Mode(StrEnum):
    """How a check goes."""

    OK = "ok"
    SLOW = "slow"  # checked, then silence for some seconds before the answer
    DRIP = "drip"  # checked, and answered letter by letter for some seconds
    DOWN = "down"  # 503 with a page
    ERROR = "error"  # 200 with internal-error
    WRONG = "wrong"  # 200 with what is no JSON
    NO_VERDICT = "no_verdict"  # 200 with JSON that says nothing
    ENDLESS = "endless"  # 200 with an answer that would let everything pass, and a megabyte of blanks
    REDIRECT = "redirect"  # 307 to an answer that would let everything pass
    FAILED_SUCCESS = "failed_success"  # 500 with an answer that would let everything pass


@dataclass(frozen=True, slots=True)
class Fault:
    """A mode, for ``count`` more checks (None: until changed); ``seconds`` is the length of what is slow."""

    mode: Mode = Mode.OK
    count: int | None = None
    seconds: float = 0.0


class FaultPlan:
    """The fault in force. Checks take their share of it, one each. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault = Fault()

    def set(self, fault: Fault) -> None:
        """Replace the fault in force."""
        with self._lock:
            self._fault = fault

    def current(self) -> Fault:
        """The fault in force, with the count that is left."""
        with self._lock:
            return self._fault

    def take(self) -> Fault:
        """The fault for one check, which uses up one of its count."""
        with self._lock:
            fault = self._fault
            if fault.count is not None:
                self._fault = replace(fault, count=fault.count - 1) if fault.count > 1 else Fault()
            return fault
