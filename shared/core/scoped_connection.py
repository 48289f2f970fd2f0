"""psycopg2 connections that spare round trips: what need not be a message of its own travels with the next one.

- The opening: SQL that takes the scope of a transaction (see `shared.core.transaction`); it goes in front of a
  statement.
- BEGIN: psycopg2 sends one by itself, as a message of its own; a `WritingConnection` puts it in front, too.
- Writes whose result nobody waits for (`shared.core.later`): they go in front of the next statement, or of COMMIT.
  Order and atomicity are those of the code; an error of theirs shows at that next statement.

Statements are counted here, because all of them pass here: once Postgres has taken them.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, QuotedString, connection, cursor, register_adapter

from shared.core import query_count

register_adapter(dict, lambda value: QuotedString(to_json(value)))

_BACK = "ROLLBACK TO"
_SAVEPOINTS = ("SAVEPOINT", "RELEASE", _BACK)


def to_json(value: Any) -> str:
    """What a jsonb column is given."""
    return orjson.dumps(value).decode()


class ScopedConnection(connection):
    """`opening` goes in front of the next statement; `each_statement` says whether in front of those after it too."""

    opening: str | None = None
    each_statement = False
    in_scope = False
    begins = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: list[str] = []

    def take_opening(self, opening: str | None, *, each_statement: bool = False) -> None:
        """Use `opening` from now on; None for statements as they are."""
        self.opening, self.each_statement = opening, each_statement
        self.in_scope = opening is not None

    def count(self, statements: int) -> None:
        """So many have reached Postgres, in a scope; those by which SQLAlchemy gets to know a server are not ours."""
        if self.in_scope:
            query_count.add(statements)

    def send_later(self, query: str, values: Mapping[str, Any]) -> None:
        """Let a statement travel with the next message of this transaction."""
        with super().cursor(cursor_factory=cursor) as plain:
            self.waiting.append(plain.mogrify(query, values).decode())

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        """A cursor that knows what is to go in front."""
        kwargs.setdefault("cursor_factory", _ScopedCursor)
        return super().cursor(*args, **kwargs)

    def take_front(self, *, with_opening: bool = True) -> str:
        """What goes in front of the message that is about to be sent."""
        front = ""
        if self.begins and self.get_transaction_status() == TRANSACTION_STATUS_IDLE:
            front = "BEGIN; "
        if (with_opening or self.waiting) and self.opening is not None:
            front += self.opening
            if not self.each_statement:
                self.opening = None
        if self.waiting:
            front += "; ".join(self.waiting) + "; "
            self.waiting.clear()
        return front


class WritingConnection(ScopedConnection):
    """Opens and ends transactions itself, so that BEGIN costs no message and waiting writes travel with COMMIT."""

    begins = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True

    def commit(self) -> None:
        """End the transaction, if one is open or owed. Raises what the waiting writes raise."""
        if self.waiting or self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            sent = len(self.waiting)
            self._send(self.take_front() + "COMMIT")
            self.count(sent)

    def rollback(self) -> None:
        """Forget what waits, and roll back what was sent."""
        self.waiting.clear()
        self.opening = None
        if self.closed or self.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            self._send("ROLLBACK")

    def _send(self, sql: str) -> None:
        with super().cursor(cursor_factory=cursor) as plain:
            plain.execute(sql)


class _ScopedCursor(cursor):
    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's own name
        owner: Any = self.connection
        # First, because what psycopg2 cannot express must not use up what was to travel with it.
        merged = self.mogrify(query, vars)
        if query.startswith(_BACK):
            owner.waiting.clear()
            super().execute(merged)
            return
        savepoint = query.startswith(_SAVEPOINTS)
        sent = len(owner.waiting) + (not savepoint)
        super().execute(owner.take_front(with_opening=not savepoint).encode() + merged)
        owner.count(sent)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        owner: Any = self.connection
        sent = len(owner.waiting) + 1
        super().copy_expert(owner.take_front().encode() + sql, file, size)
        owner.count(sent)

    def executemany(self, query: Any, vars_list: Any) -> None:
        owner: Any = self.connection
        sent = len(owner.waiting) + 1
        front = owner.take_front()
        if front:
            super().execute(front.rstrip("; "))
        super().executemany(query, vars_list)
        owner.count(sent)
