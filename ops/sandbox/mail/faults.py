"""What the SMTP server is told to do wrong, and for how many deliveries."""

from dataclasses import dataclass
from enum import StrEnum

from ops.sandbox.plan import Plan


class Step(StrEnum):
    """Where in a delivery something may go wrong."""

    SESSION = "session"  # the greeting, and MAIL on a connection that stands
    RECIPIENT = "recipient"
    DATA = "data"


class Mode(StrEnum):
    """How a delivery goes. Reply codes are those of RFC 5321, section 4.2."""

    OK = "ok"
    REJECT_4XX = "reject_4xx"  # 451 after DATA, not stored: try again later
    REJECT_5XX = "reject_5xx"  # 550 after DATA, not stored: never try again
    DROP_AFTER_DATA = "drop_after_data"  # stored, then the connection ends before the 250: the sender cannot know
    STALL = "stall"  # stored, then silence for some seconds before the 250
    REFUSE_RECIPIENT = "refuse_recipient"  # 550 to every RCPT of the delivery
    AWAY = "away"  # 421 in place of the greeting, or to MAIL on a connection that stands, which then ends


BEFALLS = {Mode.AWAY: Step.SESSION, Mode.REFUSE_RECIPIENT: Step.RECIPIENT}
"""At which step a mode shows; all others after DATA."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A mode, for ``count`` more deliveries (None: until changed); ``seconds`` is the length of a stall."""

    mode: Mode = Mode.OK
    count: int | None = None
    seconds: float = 0.0


class FaultPlan(Plan[Fault]):
    """The fault in force. Deliveries take their share of it, one each."""

    def __init__(self) -> None:
        super().__init__(Fault())

    def take(self, step: Step) -> Fault:
        """The fault for one delivery that is at ``step``, which uses up one of its count. A fault that shows at another
        step is left alone, and the answer is OK."""
        return self.take_if(lambda fault: BEFALLS.get(fault.mode, Step.DATA) is step)
