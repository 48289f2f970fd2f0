"""The life of an order, and nothing else."""

from enum import StrEnum


class OrderState(StrEnum):
    PENDING = "pending"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"


class Move(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"


MOVES: dict[Move, tuple[frozenset[OrderState], OrderState]] = {
    Move.CONFIRM: (frozenset({OrderState.PENDING}), OrderState.CONFIRMED),
    Move.CANCEL: (frozenset({OrderState.PENDING, OrderState.CONFIRMED}), OrderState.CANCELLED),
}
"""Each move: the states it may start from, and the one it leads to."""


_ALLOWED: dict[str, list[Move]] = {
    state: [move for move, (sources, _) in MOVES.items() if state in sources] for state in OrderState
}


def allowed_from(state: str) -> list[Move]:
    """What can be done with an order in `state`."""
    return _ALLOWED[state]
