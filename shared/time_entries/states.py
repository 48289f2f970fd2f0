"""The life of a time entry, and nothing else."""

from enum import StrEnum


class TimeEntryState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"


class Move(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    FINISH = "finish"


S = TimeEntryState

ARROWS: dict[Move, dict[TimeEntryState, TimeEntryState]] = {
    Move.PAUSE: {S.RUNNING: S.PAUSED},
    Move.RESUME: {S.PAUSED: S.RUNNING},
    Move.FINISH: {S.RUNNING: S.FINISHED, S.PAUSED: S.FINISHED},
}
"""Each move: from which state to which."""


def allowed_from(state: str) -> list[Move]:
    """What can be done with an entry in `state`."""
    return [move for move, arrows in ARROWS.items() if state in arrows]
