"""Looking at rows, and at how many there are, without going through the code under test."""

from typing import Any

from sqlalchemy import Connection, text

from shared import models
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only

TENANT_TABLES = sorted(table.name for table in models.metadata.tables.values() if "org_id" in table.columns)


def rows(sql: str, **values: Any) -> list[dict[str, Any]]:
    """What `sql` finds, over all organizations."""
    with read_only(PLATFORM) as session:
        return [dict(row) for row in session.execute(text(sql), values).mappings()]


def row(sql: str, **values: Any) -> dict[str, Any]:
    """The one row that `sql` finds."""
    (found,) = rows(sql, **values)
    return found


def footprint(org_id: Any) -> dict[str, tuple[int, str]]:
    """Number and checksum of everything that an organization has, table by table, and of its own row; equal means that
    nothing changed."""
    owned = [(table, "org_id") for table in TENANT_TABLES] + [("organizations", "id")]
    sources = [f"{table} AS t WHERE {column} = $1" for table, column in owned]
    return _checksums("footprint(uuid)", sources, f"'{org_id}'")


def platform_footprint() -> dict[str, tuple[int, str]]:
    """The same for what belongs to no organization."""
    others = sorted(set(models.metadata.tables) - {*TENANT_TABLES, "organizations"})
    return _checksums("platform_footprint", [f"{table} AS t" for table in others])


def _checksums(signature: str, sources: list[str], values: str = "") -> dict[str, tuple[int, str]]:
    """In one statement, which Postgres plans once for each connection: tests ask often, and most of it is planning."""
    name = signature.partition("(")[0]
    with read_only(PLATFORM) as session:
        if not session.scalar(text("SELECT 1 FROM pg_prepared_statements WHERE name = :name"), {"name": name}):
            session.exec_driver_sql(f"PREPARE {signature} AS {' UNION ALL '.join(map(_checksum, sources))}")
        found = session.exec_driver_sql(f"EXECUTE {name}({values})" if values else f"EXECUTE {name}")
        return {table: (number, checksum) for table, number, checksum in found}


def _checksum(source: str) -> str:
    return (
        f"SELECT '{source.split(maxsplit=1)[0]}' AS name, count(*) AS n,"
        f" coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS checksum FROM {source}"
    )


def as_role(connection: Connection, role: str, org_id: Any = "") -> None:
    """Take a role on a raw connection, as `shared.core.transaction` does, for the length of the transaction."""
    connection.info.clear()  # or the opening of the last scope would travel in front of each statement
    connection.execute(
        text("SELECT set_config('role', :role, true), set_config('app.org_id', :org, true)"),
        {"role": role, "org": str(org_id)},
    )
