"""What the receiver is told to do wrong, and for how many deliveries."""

from dataclasses import dataclass
from enum import StrEnum

from ops.sandbox.plan import PlanForAll


class Mode(StrEnum):
    """How a delivery goes."""

    OK = "ok"
    SLOW = "slow"  # taken, then silence for some seconds before the answer
    HANG = "hang"  # not taken, and no answer for as long as the sender waits
    RESET = "reset"  # not taken, and the connection ends without an answer
    DROP_AFTER_ACCEPT = "drop_after_accept"  # taken, then the connection ends: the sender cannot know
    ERROR = "error"  # 500
    BUSY = "busy"  # 429; `seconds` until Retry-After
    GONE = "gone"  # 410: wants no more
    REDIRECT = "redirect"  # 307 to what takes everything
    HUGE = "huge"  # taken, and answered with a megabyte


@dataclass(frozen=True, slots=True)
class Fault:
    """A mode, for ``count`` more deliveries (None: until changed); ``seconds`` is the length of what takes long."""

    mode: Mode = Mode.OK
    count: int | None = None
    seconds: float = 0.0


class FaultPlan(PlanForAll[Fault]):
    """The fault in force. Deliveries take their share of it, one each."""

    def __init__(self) -> None:
        super().__init__(Fault())
