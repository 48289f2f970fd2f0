"""What siteverify is told to do wrong, and for how many checks."""

from dataclasses import dataclass
from enum import StrEnum

from ops.sandbox.plan import PlanForAll


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


class FaultPlan(PlanForAll[Fault]):
    """The fault in force. Checks take their share of it, one each."""

    def __init__(self) -> None:
        super().__init__(Fault())
