"""The life of a lead, and nothing else."""

from enum import StrEnum


class LeadState(StrEnum):
    NEW = "new"
    CONTACTED = "contacted"
    QUOTED = "quoted"
    WON = "won"
    LOST = "lost"


class Move(StrEnum):
    CONTACT = "contact"
    QUOTE = "quote"
    LOSE = "lose"
    WIN = "win"


S = LeadState

ARROWS: dict[Move, dict[LeadState, LeadState]] = {
    Move.CONTACT: {S.NEW: S.CONTACTED},
    Move.QUOTE: {S.NEW: S.QUOTED, S.CONTACTED: S.QUOTED, S.QUOTED: S.QUOTED},
    Move.LOSE: {S.NEW: S.LOST, S.CONTACTED: S.LOST, S.QUOTED: S.LOST},
    Move.WIN: {S.NEW: S.WON, S.CONTACTED: S.WON, S.QUOTED: S.WON, S.LOST: S.WON, S.WON: S.WON},
}
"""Each move: from which state to which. A quote may be given without a call before, and again, because estimates
expire. A lost lead may be won: people change their minds, and the order that they place is the proof."""

OPEN = (S.NEW, S.CONTACTED, S.QUOTED)
"""States in which somebody still has to do something."""

_BY_ORDER = {Move.WIN}
_ALLOWED: dict[str, list[Move]] = {
    state: [move for move, arrows in ARROWS.items() if state in arrows and move not in _BY_ORDER] for state in LeadState
}


def allowed_from(state: str) -> list[Move]:
    """What staff can do with a lead in `state`; it is won by an order only."""
    return _ALLOWED[state]
