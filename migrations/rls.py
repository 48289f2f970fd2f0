"""Who may touch a table. Called by the migration that creates it; roles are made by `ops/postgres/roles.sql`.

Row-level security is enabled *and forced*, so that it holds for the owner too. A tenant transaction sees the rows whose
`org_id` is its `app.org_id`; without one it sees none. `nullif`: after a SET LOCAL the setting reads '' and not NULL.
"""

from alembic import op

_THIS_ORG = "nullif(current_setting('app.org_id', true), '')::uuid"
EVERYTHING = "SELECT, INSERT, UPDATE, DELETE"


def protect_tenant_table(table: str, *, column: str = "org_id", rights: str = EVERYTHING) -> None:
    """Rows of `table` belong to the organization in `column`."""
    for statement in (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {table} TO crewline_tenant USING ({column} = {_THIS_ORG})",
        f"CREATE POLICY platform ON {table} TO crewline_platform USING (true)",
        f"GRANT {rights} ON {table} TO crewline_tenant, crewline_platform",
    ):
        op.execute(statement)


def platform_table(table: str, *, rights: str = EVERYTHING) -> None:
    """`table` belongs to no organization: a tenant transaction is refused."""
    op.execute(f"GRANT {rights} ON {table} TO crewline_platform")
