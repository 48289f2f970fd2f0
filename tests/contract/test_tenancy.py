"""Row-level security, asked of the database itself: what a forgotten WHERE may see, and what a role may do."""

from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from shared import models
from shared.core import transaction as transactions
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only
from tests.factories.messages import make_message
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import TENANT_TABLES, as_role, row, rows

PLATFORM_ONLY = {"job_runs", "stripe_events"}
"""Tables that belong to no organization."""


@pytest.fixture
def inhabited(company: Company, neighbour: Company) -> tuple[Company, Company]:
    """Two organizations with a row in every tenant table."""
    for each in (company, neighbour):
        order_id = make_order(each)
        make_photo(each, order_id, with_object=False)
        make_message(each)
        each.headers()
        with transactions.transaction(each.scope) as session:
            for sql in (
                "INSERT INTO idempotency_keys VALUES (:org, :user, 'k', 'f', 201, '{}', now())",
                (
                    "INSERT INTO payments VALUES"
                    " (:org, gen_random_uuid(), :order, 'succeeded', 1, 'cad', 'pi_1', false, now(), now())"
                ),
                "INSERT INTO password_links VALUES (:org, gen_random_uuid(), :user, 'h', now(), now(), NULL)",
            ):
                session.execute(text(sql), {"org": each.org_id, "user": each.owner.user_id, "order": order_id})
    return company, neighbour


def test_every_table_is_a_tenants_or_listed() -> None:
    assert set(models.metadata.tables) == set(TENANT_TABLES) | PLATFORM_ONLY | {"organizations"}
    assert len(TENANT_TABLES) >= 12


def test_the_database_has_no_other_tables(database: Connection) -> None:
    found = database.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
    assert set(found) == set(models.metadata.tables) | {"alembic_version"}


def test_row_level_security_is_enabled_and_forced_on_every_tenant_table(database: Connection) -> None:
    sql = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
    assert set(database.execute(text(sql)).scalars()) == {*TENANT_TABLES, "organizations"}


def test_every_tenant_table_has_a_policy_for_each_role_and_no_other(database: Connection) -> None:
    sql = "SELECT tablename, roles::text AS role, permissive, cmd, qual, with_check FROM pg_policies"
    found: dict[str, dict[str, Any]] = {}
    for policy in database.execute(text(sql)).mappings():
        assert (policy["permissive"], policy["cmd"], policy["with_check"]) == ("PERMISSIVE", "ALL", None)
        found.setdefault(policy["tablename"], {})[policy["role"]] = policy["qual"]
    assert set(found) == {*TENANT_TABLES, "organizations"}
    for table, policies in found.items():
        column = "id" if table == "organizations" else "org_id"
        assert policies == {
            "{crewline_platform}": "true",
            "{crewline_tenant}": f"({column} = (NULLIF(current_setting('app.org_id'::text, true), ''::text))::uuid)",
        }, table


def test_org_id_is_never_null_and_leads_every_key(database: Connection) -> None:
    nullable = "SELECT table_name FROM information_schema.columns WHERE column_name = 'org_id' AND is_nullable = 'YES'"
    assert list(database.execute(text(nullable)).scalars()) == []
    sql = """
        SELECT c.relname AS table, i.relname AS index, a.attname AS first
        FROM pg_index AS x
        JOIN pg_class AS c ON c.oid = x.indrelid
        JOIN pg_class AS i ON i.oid = x.indexrelid
        LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
        WHERE x.indisunique AND c.relname = ANY(:tables)
    """
    found = list(database.execute(text(sql), {"tables": TENANT_TABLES}).mappings())
    assert {key["table"] for key in found} == set(TENANT_TABLES)
    assert [key for key in found if key["first"] != "org_id"] == []


def test_foreign_keys_between_tenant_tables_carry_the_organization(database: Connection) -> None:
    sql = """
        SELECT conname, conrelid::regclass::text AS child, confrelid::regclass::text AS parent,
               (SELECT array_agg(attname::text ORDER BY n) FROM unnest(conkey) WITH ORDINALITY AS k(num, n)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = num) AS mine,
               (SELECT array_agg(attname::text ORDER BY n) FROM unnest(confkey) WITH ORDINALITY AS k(num, n)
                JOIN pg_attribute ON attrelid = confrelid AND attnum = num) AS theirs
        FROM pg_constraint WHERE contype = 'f'
    """
    found = list(database.execute(text(sql)).mappings())
    assert {key["child"] for key in found} == set(TENANT_TABLES)
    for key in found:
        if key["parent"] == "organizations":
            assert (key["mine"], key["theirs"]) == (["org_id"], ["id"]), key["conname"]
        else:
            assert (key["mine"][0], key["theirs"]) == ("org_id", ["org_id", "id"]), key["conname"]


def test_without_a_where_a_tenant_sees_its_own_rows_only(inhabited: tuple[Company, Company]) -> None:
    for each in inhabited:
        with read_only(Tenant(each.org_id)) as session:
            for table in TENANT_TABLES:
                owners = set(session.scalars(text(f"SELECT DISTINCT org_id FROM {table}")))
                assert owners == {each.org_id}, table
            assert list(session.scalars(text("SELECT id FROM organizations"))) == [each.org_id]


def test_the_platform_sees_every_organization(inhabited: tuple[Company, Company]) -> None:
    expected = {each.org_id for each in inhabited}
    with read_only(PLATFORM) as session:
        for table in TENANT_TABLES:
            assert set(session.scalars(text(f"SELECT DISTINCT org_id FROM {table}"))) >= expected, table


def test_a_tenant_without_an_organization_sees_nothing(
    inhabited: tuple[Company, Company], database: Connection
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
    inhabited: tuple[Company, Company], database: Connection, table: str
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
    inhabited: tuple[Company, Company], database: Connection
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
    inhabited: tuple[Company, Company], database: Connection, role: str, table: str, sql: str
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
