"""How many SQL statements the current request or task has run: in every log line, and held to a limit by a test."""

from contextvars import ContextVar

_count: ContextVar[list[int] | None] = ContextVar("query_count", default=None)


def start() -> None:
    """Begin at zero. The list is shared with contexts copied from this one."""
    _count.set([0])


def current() -> int:
    """Statements since `start`; what opens and ends a transaction is not counted."""
    count = _count.get()
    return count[0] if count else 0


def add(statements: int) -> None:
    """So many have been run."""
    count = _count.get()
    if count is not None:
        count[0] += statements
