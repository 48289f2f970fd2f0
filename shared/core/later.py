"""Statements that nobody waits for: they travel to Postgres in front of the next one, or of COMMIT, and cost no round
trip. What is wrong with one shows at that next statement, or at the commit.
"""

from collections.abc import Mapping
from typing import Any, cast

from sqlalchemy import Table
from sqlalchemy.orm import Session

from shared.core.orm import Reader
from shared.core.scoped_connection import ScopedConnection


def send_later(session: Reader, sql: str, values: Mapping[str, Any]) -> None:
    """Let `sql`, with psycopg2's `%(name)s` for values, travel with the next statement of this transaction."""
    connection = session.connection() if isinstance(session, Session) else session
    cast(ScopedConnection, connection.connection.dbapi_connection).send_later(sql, values)


class LaterInsert:
    """An INSERT of one row into `table`, with a value for every column, that nobody reads back.

    For what is written beside a change with every request (history, audit). The text is made once per table: to build
    and compile a statement each time would cost more than everything else about it.
    """

    def __init__(self, table: Table) -> None:
        names = [column.name for column in table.columns]
        values = ", ".join(f"%({name})s" for name in names)
        self._sql = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values})"  # noqa: S608 - names of ours

    def add(self, session: Session, row: Mapping[str, Any]) -> None:
        """Write `row` in this transaction."""
        send_later(session, self._sql, row)
