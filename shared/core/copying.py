"""Rows as Postgres itself writes them as CSV, by COPY: nothing else is as fast, and no object is made for a value."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import psycopg2
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from shared.core.orm import Reader


class Sink(Protocol):
    """Takes line after line: one row each, whatever line breaks are in it, with a line feed at its end."""

    @property
    def write(self) -> Callable[[bytes], Any]: ...


def copy_csv(reader: Reader, query: str, values: Mapping[str, Any], sink: Sink) -> None:
    """Write what `query` finds into `sink`, in UTF-8, as RFC 4180 has it but for the ends of lines. `query` has
    psycopg2's `%(name)s` for values. Raises what a statement raises."""
    connection = reader if isinstance(reader, Connection) else reader.connection()
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor:
        copy = b"COPY (" + cursor.mogrify(query, values) + b") TO STDOUT (FORMAT csv, ENCODING 'UTF8')"
        try:
            cursor.copy_expert(copy, sink)
        except psycopg2.Error as error:
            raise _as_sqlalchemy_says(connection, query, error) from error


def _as_sqlalchemy_says(connection: Connection, query: str, error: psycopg2.Error) -> BaseException:
    """The error as it would come from a statement: `shared.core.transaction` knows what those mean."""
    is_lost = bool(connection.connection.dbapi_connection.closed)  # type: ignore[union-attr]
    if is_lost:
        connection.invalidate(error)
    return DBAPIError.instance(query, None, error, psycopg2.Error, hide_parameters=True, connection_invalidated=is_lost)
