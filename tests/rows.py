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
    """Number and checksum of everything that an organization has, table by table; equal means that nothing changed."""
    keys = dict.fromkeys(TENANT_TABLES, "org_id") | {"organizations": "id"}
    return {
        table: tuple(
            row(
                f"SELECT count(*) AS n, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') AS checksum"
                f" FROM {table} AS t WHERE {key} = :org",
                org=org_id,
            ).values()
        )
        for table, key in keys.items()
    }


def as_role(connection: Connection, role: str, org_id: Any = "") -> None:
    """Take a role on a raw connection, as `shared.core.transaction` does, for the length of the transaction."""
    connection.info.clear()  # or the opening of the last scope would travel in front of each statement
    connection.execute(
        text("SELECT set_config('role', :role, true), set_config('app.org_id', :org, true)"),
        {"role": role, "org": str(org_id)},
    )
