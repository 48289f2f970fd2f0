"""What a database error means: a conflict that a feature has named, a dependency that is away, or a crash."""

from collections.abc import Callable

from psycopg2 import errorcodes
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.core.errors import Conflict, Refusal, Unavailable, code

DATABASE_AWAY = code("database.unavailable", "The database is not available")
DATABASE_BUSY = code("database.busy", "The database gave up waiting")

_PASSING = {
    errorcodes.QUERY_CANCELED,
    errorcodes.LOCK_NOT_AVAILABLE,
    errorcodes.DEADLOCK_DETECTED,
    errorcodes.SERIALIZATION_FAILURE,
}
_AWAY = {
    errorcodes.ADMIN_SHUTDOWN,
    errorcodes.CRASH_SHUTDOWN,
    errorcodes.CANNOT_CONNECT_NOW,
    errorcodes.TOO_MANY_CONNECTIONS,
    errorcodes.DISK_FULL,
    errorcodes.READ_ONLY_SQL_TRANSACTION,
    errorcodes.IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
}
_conflicts: dict[str, tuple[str, str]] = {}
_refusals: dict[str, Callable[[], Refusal]] = {}


def conflict_on(constraint: str, code: str, detail: str) -> None:
    """Say what a violated `constraint` means. Constraints decide races; this gives the loser a readable answer."""
    _conflicts[constraint] = (code, detail)


def refusal_on(state: str, make: Callable[[], Refusal]) -> None:
    """Say what a function of ours in the database means when it raises with SQLSTATE `state`."""
    _refusals[state] = make


def refusal_for_conflict(error: IntegrityError) -> Refusal | None:
    """The `Conflict` that a feature declared for the violated constraint, if any did."""
    diagnostics = getattr(error.orig, "diag", None)
    known = _conflicts.get(getattr(diagnostics, "constraint_name", None) or "")
    return Conflict(*known) if known else None


def refusal_for(error: DBAPIError) -> Refusal | None:
    """What a feature declared for the SQLSTATE, `Unavailable` when waiting or reconnecting will help; None when the
    statement itself is wrong."""
    state = getattr(error.orig, "pgcode", None)
    if state in _refusals:
        return _refusals[state]()
    if state in _PASSING:
        return Unavailable(DATABASE_BUSY, "The database gave up waiting. Try again in a moment.")
    if error.connection_invalidated or state in _AWAY or (state is None and type(error).__name__ == "OperationalError"):
        return Unavailable(DATABASE_AWAY, "The database is not available. Try again in a moment.")
    return None
