"""Row-level security, asked of the database itself: what a forgotten WHERE may see, and what a role may do.

What the tables must look like is in `test_catalogue.py`.
"""

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from shared import models
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only
from tests.contract import catalogue
from tests.factories.everything import Everything
from tests.factories.organizations import Company
from tests.rows import TENANT_TABLES, as_role, row, rows

PLATFORM_ONLY = {"sign_in_attempts", "stripe_events"}
"""Tables that belong to no organization."""


def test_every_table_is_a_tenants_or_listed() -> None:
    assert set(models.metadata.tables) == set(TENANT_TABLES) | PLATFORM_ONLY | {"organizations"}
    assert len(TENANT_TABLES) >= 12


def test_the_database_has_no_other_tables(database: Connection) -> None:
    found = database.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
    assert set(found) == set(models.metadata.tables) | {"alembic_version"}


def test_every_tenant_table_has_a_policy_for_each_role_and_no_other(database: Connection) -> None:
    sql = "SELECT tablename, roles::text AS role, permissive, cmd, qual, with_check FROM pg_policies"
    found: dict[str, dict[str, Any]] = {}
    others = " WHERE policyname NOT IN ('retention_reads', 'retention_deletes')"
    for policy in database.execute(text(sql + others)).mappings():
        assert (policy["permissive"], policy["cmd"], policy["with_check"]) == ("PERMISSIVE", "ALL", None)
        found.setdefault(policy["tablename"], {})[policy["role"]] = policy["qual"]
    assert set(found) == {*TENANT_TABLES, "organizations"}
    for table, policies in found.items():
        column = "id" if table == "organizations" else "org_id"
        assert policies == {
            "{crewline_platform}": "true",
            "{crewline_tenant}": f"({column} = (NULLIF(current_setting('app.org_id'::text, true), ''::text))::uuid)",
        }, table


def test_retention_may_take_old_entries_out_of_the_audit_log_and_nothing_else(database: Connection) -> None:
    sql = (
        "SELECT tablename, policyname, roles::text AS role, cmd, qual FROM pg_policies"
        " WHERE roles::text NOT IN ('{crewline_tenant}', '{crewline_platform}')"
    )
    found = [tuple(policy) for policy in database.execute(text(sql + " ORDER BY policyname")).all()]
    own = "(org_id = (NULLIF(current_setting('app.org_id'::text, true), ''::text))::uuid)"
    old = f"({own} AND (created_at < (now() - '365 days'::interval)))"
    assert found == [
        ("audit_entries", "retention_deletes", "{crewline_owner}", "DELETE", old),
        ("audit_entries", "retention_reads", "{crewline_owner}", "SELECT", old),
    ]


def test_what_runs_with_the_rights_of_the_owner_is_listed(database: Connection) -> None:
    sql = (
        "SELECT proname, has_function_privilege('crewline_tenant', oid, 'EXECUTE') AS tenant,"
        " has_function_privilege('crewline_platform', oid, 'EXECUTE') AS platform, proconfig[1] AS path FROM pg_proc"
        " WHERE prosecdef AND pronamespace = 'public'::regnamespace ORDER BY proname"
    )
    path = "search_path=pg_catalog, pg_temp"
    assert [tuple(each) for each in database.execute(text(sql)).all()] == [
        ("forget_audit_entries", True, False, path),
        ("forget_in_stripe_events", True, False, path),
    ]


def test_without_a_where_a_tenant_sees_its_own_rows_only(inhabited: tuple[Everything, Everything]) -> None:
    for each in inhabited:
        with read_only(Tenant(each.org_id)) as session:
            for table in TENANT_TABLES:
                owners = set(session.scalars(text(f"SELECT DISTINCT org_id FROM {table}")))
                assert owners == {each.org_id}, table
            assert list(session.scalars(text("SELECT id FROM organizations"))) == [each.org_id]


@pytest.mark.parametrize("table", sorted(catalogue.MIXED))
def test_no_tenant_sees_or_touches_or_makes_a_row_of_the_installation(
    inhabited: tuple[Everything, Everything], database: Connection, table: str
) -> None:
    columns = [column.name for column in models.metadata.tables[table].columns if column.name not in {"org_id", "id"}]
    copied = f"INSERT INTO {table} (org_id, id, {', '.join(columns)}) SELECT NULL, gen_random_uuid(), "
    copied += f"{', '.join(columns)} FROM {table} WHERE org_id = '{inhabited[0].org_id}' LIMIT 1"
    as_role(database, "crewline_platform")
    database.execute(text(copied))
    before = row(f"SELECT count(*) AS n, max(id::text) AS id FROM {table} WHERE org_id IS NULL")
    assert before["n"] >= 1
    for org_id in (inhabited[0].org_id, ""):
        as_role(database, "crewline_tenant", org_id)
        assert database.scalar(text(f"SELECT count(*) FROM {table} WHERE org_id IS NULL")) == 0
        assert database.execute(text(f"UPDATE {table} SET org_id = NULL WHERE org_id IS NULL")).rowcount == 0
        assert database.execute(text(f"DELETE FROM {table} WHERE org_id IS NULL")).rowcount == 0
    for sql in (f"UPDATE {table} SET org_id = NULL", copied):
        with pytest.raises(ProgrammingError, match="row-level security"), database.begin_nested():
            as_role(database, "crewline_tenant", inhabited[0].org_id)
            database.execute(text(sql))
    assert row(f"SELECT count(*) AS n, max(id::text) AS id FROM {table} WHERE org_id IS NULL") == before


def test_the_platform_sees_every_organization(inhabited: tuple[Everything, Everything]) -> None:
    expected = {each.org_id for each in inhabited}
    with read_only(PLATFORM) as session:
        for table in TENANT_TABLES:
            assert set(session.scalars(text(f"SELECT DISTINCT org_id FROM {table}"))) >= expected, table


def test_a_tenant_without_an_organization_sees_nothing(
    inhabited: tuple[Everything, Everything], database: Connection
) -> None:
    for table in [*TENANT_TABLES, "organizations"]:
        as_role(database, "crewline_tenant")
        assert database.scalar(text(f"SELECT count(*) FROM {table}")) == 0, table


@pytest.mark.parametrize("table", sorted({*TENANT_TABLES, *PLATFORM_ONLY, "organizations", "alembic_version"}))
def test_without_a_role_the_login_may_touch_nothing(database: Connection, table: str) -> None:
    for sql in (f"SELECT 1 FROM {table}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with pytest.raises(ProgrammingError, match="permission denied"), database.begin_nested():
            as_role(database, "none")
            database.execute(text(sql))


@pytest.mark.parametrize("table", sorted(PLATFORM_ONLY))
def test_a_tenant_may_not_look_into_what_belongs_to_nobody(database: Connection, company: Company, table: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), database.begin_nested():
        as_role(database, "crewline_tenant", company.org_id)
        database.execute(text(f"SELECT 1 FROM {table}"))


@pytest.mark.parametrize("table", TENANT_TABLES)
def test_a_row_cannot_be_written_into_another_organization(
    inhabited: tuple[Everything, Everything], database: Connection, table: str
) -> None:
    mine, theirs = inhabited
    columns = [column.name for column in models.metadata.tables[table].columns if column.name != "org_id"]
    copied = ", ".join("gen_random_uuid()" if name == "id" else name for name in columns)
    before = row(f"SELECT count(*) AS n FROM {table}")
    sql = f"INSERT INTO {table} (org_id, {', '.join(columns)}) SELECT :theirs, {copied} FROM {table}"
    with pytest.raises(ProgrammingError, match="row-level security"), database.begin_nested():
        as_role(database, "crewline_tenant", mine.org_id)
        database.execute(text(sql), {"theirs": theirs.org_id})
    assert row(f"SELECT count(*) AS n FROM {table}") == before


def test_a_row_cannot_be_moved_into_another_organization(
    inhabited: tuple[Everything, Everything], database: Connection
) -> None:
    mine, theirs = inhabited
    with pytest.raises(ProgrammingError, match="row-level security"), database.begin_nested():
        as_role(database, "crewline_tenant", mine.org_id)
        database.execute(text("UPDATE messages SET org_id = :theirs"), {"theirs": theirs.org_id})


@pytest.mark.parametrize("role", ["crewline_tenant", "crewline_platform"])
@pytest.mark.parametrize("table", ["audit_entries", "order_history"])
@pytest.mark.parametrize(
    "sql", ["UPDATE {table} SET actor_label = 'nobody'", "DELETE FROM {table}", "TRUNCATE {table}"]
)
def test_what_has_happened_cannot_be_rewritten(
    inhabited: tuple[Everything, Everything], database: Connection, role: str, table: str, sql: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"), database.begin_nested():
        as_role(database, role, inhabited[0].org_id)
        database.execute(text(sql.format(table=table)))


def test_the_login_is_restricted(database: Connection) -> None:
    sql = "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolinherit FROM pg_roles WHERE rolname = :name"
    for name in ("crewline_app", "crewline_tenant", "crewline_platform", "crewline_owner"):
        (found,) = database.execute(text(sql), {"name": name}).all()
        assert not any(found[:4]), name
        if name == "crewline_app":
            assert not found.rolinherit
    assert rows("SELECT tablename FROM pg_tables WHERE tableowner <> 'crewline_owner' AND schemaname = 'public'") == []
