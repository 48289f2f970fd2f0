"""The life of an order, and nothing else: one table, which the API, the documentation and the tests read."""

from enum import StrEnum


class OrderState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class Move(StrEnum):
    CONFIRM = "confirm"
    START = "start"
    COMPLETE = "complete"
    CANCEL = "cancel"
    EXPIRE = "expire"
    NO_SHOW = "no_show"
    RESCHEDULE = "reschedule"
    ASSIGN = "assign"
    CHANGE = "change"


S = OrderState

ARROWS: dict[Move, dict[OrderState, OrderState]] = {
    Move.CONFIRM: {S.PENDING: S.CONFIRMED},
    Move.START: {S.CONFIRMED: S.IN_PROGRESS},
    Move.COMPLETE: {S.IN_PROGRESS: S.COMPLETED},
    Move.CANCEL: {S.PENDING: S.CANCELLED, S.CONFIRMED: S.CANCELLED, S.IN_PROGRESS: S.CANCELLED},
    Move.EXPIRE: {S.PENDING: S.CANCELLED},
    Move.NO_SHOW: {S.CONFIRMED: S.NO_SHOW},
    Move.RESCHEDULE: {S.PENDING: S.PENDING, S.CONFIRMED: S.CONFIRMED},
    Move.ASSIGN: {S.PENDING: S.PENDING, S.CONFIRMED: S.CONFIRMED, S.IN_PROGRESS: S.IN_PROGRESS},
    Move.CHANGE: {S.PENDING: S.PENDING, S.CONFIRMED: S.CONFIRMED, S.IN_PROGRESS: S.IN_PROGRESS},
}
"""Each move: from which state to which. The last three leave the state as it is."""

WHO: dict[Move, str] = {
    Move.CONFIRM: "staff, or the deposit that is paid",
    Move.START: "staff, or a worker who clocks in",
    Move.COMPLETE: "staff",
    Move.CANCEL: "staff, with a reason",
    Move.EXPIRE: "the system, when a deposit is not paid before the hold runs out",
    Move.NO_SHOW: "staff, when nobody was there",
    Move.RESCHEDULE: "staff",
    Move.ASSIGN: "staff",
    Move.CHANGE: "staff",
}

OCCUPYING = (S.PENDING, S.CONFIRMED, S.IN_PROGRESS)
"""States in which an order takes its team's and its workers' time."""

_BY_SYSTEM = {Move.EXPIRE}
_ALLOWED: dict[str, list[Move]] = {
    state: [move for move, arrows in ARROWS.items() if state in arrows and move not in _BY_SYSTEM]
    for state in OrderState
}


def allowed_from(state: str) -> list[Move]:
    """What can be done with an order in `state`, by staff."""
    return _ALLOWED[state]
