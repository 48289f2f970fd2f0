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
    return _checksums([f"{table} AS t WHERE {column} = :org" for table, column in owned], org=org_id)


def platform_footprint() -> dict[str, tuple[int, str]]:
    """The same for what belongs to no organization."""
    others = sorted(set(models.metadata.tables) - {*TENANT_TABLES, "organizations"})
    return _checksums([f"{table} AS t" for table in others])


def _checksums(sources: list[str], **values: Any) -> dict[str, tuple[int, str]]:
    """In one statement, because tests ask often."""
    parts = [
        f"SELECT '{source.split()[0]}' AS name, count(*) AS n,"
        f" coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS checksum FROM {source}"
        for source in sources
    ]
    return {found["name"]: (found["n"], found["checksum"]) for found in rows(" UNION ALL ".join(parts), **values)}


def as_role(connection: Connection, role: str, org_id: Any = "") -> None:
    """Take a role on a raw connection, as `shared.core.transaction` does, for the length of the transaction."""
    connection.info.clear()  # or the opening of the last scope would travel in front of each statement
    connection.execute(
        text("SELECT set_config('role', :role, true), set_config('app.org_id', :org, true)"),
        {"role": role, "org": str(org_id)},
    )
