"""What SendGrid is told to do wrong, and for how many mails."""

from dataclasses import dataclass
from enum import StrEnum

from ops.sandbox.plan import PlanForAll


class Mode(StrEnum):
    """How a call of mail/send goes."""

    OK = "ok"
    RATE_LIMITED = "rate_limited"  # 429; `seconds` until X-RateLimit-Reset
    UNAUTHORIZED = "unauthorized"  # 401: the key is not good any more
    FORBIDDEN = "forbidden"  # 403: the sender is not verified
    REFUSED = "refused"  # 400: never this mail
    TOO_LARGE = "too_large"  # 413
    DOWN = "down"  # 503 with a page
    ERROR = "error"  # 500 with errors
    SLOW = "slow"  # stored, then silence for some seconds before the 202
    HANG = "hang"  # not stored, and no answer for as long as the client waits
    RESET = "reset"  # not stored, and the connection ends without an answer
    DROP_AFTER_ACCEPT = "drop_after_accept"  # stored, then the connection ends before the 202: the caller cannot know
    GARBAGE = "garbage"  # not stored, and 200 with a page
    NO_ID = "no_id"  # stored, and 202 without X-Message-Id
    REDIRECT = "redirect"  # not stored, and 302 to what says 202 to everything


@dataclass(frozen=True, slots=True)
class Fault:
    """A mode, for ``count`` more mails (None: until changed)."""

    mode: Mode = Mode.OK
    count: int | None = None
    seconds: float = 0.0


class FaultPlan(PlanForAll[Fault]):
    """The fault in force. Mails take their share of it, one each."""

    def __init__(self) -> None:
        super().__init__(Fault())
