"""The switch that makes a stand-in do something wrong, as a request names it: how, for how many calls, for how long."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from ops.sandbox.fields import BadBodyError, Fields

MAX_COUNT = 1_000_000
OK = "ok"

SWITCHED = ("mode", "count", "seconds")
"""The fields that `switched` reads."""


@dataclass(frozen=True, slots=True)
class Switched:
    """The first fields of every provider's ``Fault``: the mode, for ``count`` more calls (None: until changed), and how
    long what takes long takes."""

    mode: str
    count: int | None = None
    seconds: float = 0.0


def switched(fields: Fields, modes: type[StrEnum], *, lasting: Container[str], longest: float) -> Switched:
    """What the body says. Modes in ``lasting`` need ``seconds``, ``longest`` at most. Raises BadBodyError."""
    mode = fields.text("mode", None)
    if mode not in list(modes):
        raise BadBodyError(f"mode must be one of {', '.join(modes)}")
    count = fields.whole("count", None, low=1, high=MAX_COUNT)
    seconds = fields.number("seconds", None, low=0, high=longest)
    if mode in lasting and not seconds:
        raise BadBodyError("seconds must say how long it takes")
    return Switched(OK) if mode == OK else Switched(mode, count, seconds or 0.0)
