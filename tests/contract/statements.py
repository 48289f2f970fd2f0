"""The SQL statements of a request, counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from shared.core import query_count
from shared.wiring import Services
from tests.rows import row

READ, WRITE = 4, 8
FRAME = ("SAVEPOINT", "RELEASE", "ROLLBACK TO")
BESIDE = ("audit_entries", "exports", "order_history")
"""Tables whose rows are written without SQLAlchemy (`shared.core.later`)."""


class Sent(list[str]):
    """Statements; `logged` is how many of them the log line tells of."""

    logged = 0


@contextmanager
def counted(services: Services) -> Iterator[Sent]:
    """The statements that are sent inside the block, without those that open and end a transaction."""
    sent = Sent()
    before = _beside()

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        if not statement.startswith(FRAME):
            sent.append(statement)

    event.listen(services.database.writer, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(services.database.writer, "before_cursor_execute", note)
        sent.logged = query_count.current()
        sent += ["a row beside the change"] * (_beside() - before)


def _beside() -> int:
    return sum(int(row(f"SELECT count(*) AS n FROM {table}")["n"]) for table in BESIDE)
