"""The schema keeps the rules of tenancy; and each look at it finds a table that breaks its rule.

The breaking tables are made by the owner of the schema, in a transaction that is rolled back.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, text

from migrations import rls
from shared.core.settings import Settings
from tests.contract import catalogue
from tests.rows import TENANT_TABLES

Look = Callable[[Connection], set[str]]

LOOKS: list[Look] = [
    catalogue.without_forced_row_security,
    catalogue.with_nullable_org_id,
    catalogue.unique_keys_not_led_by_org_id,
    catalogue.without_primary_key,
    catalogue.foreign_keys_that_may_cross,
    catalogue.without_foreign_key,
]

_KEY = "PRIMARY KEY (org_id, id)"
_TO_ORGANIZATION = "CONSTRAINT to_org FOREIGN KEY (org_id) REFERENCES organizations (id)"
_ENABLED, _FORCED = "ALTER TABLE crews ENABLE ROW LEVEL SECURITY", "ALTER TABLE crews FORCE ROW LEVEL SECURITY"
_SECURED = (_ENABLED, _FORCED)


def _table(*parts: str, org: str = "uuid NOT NULL") -> str:
    return f"CREATE TABLE crews (org_id {org}, id uuid NOT NULL, name text, order_id uuid, {', '.join(parts)})"


BREAKS: dict[str, tuple[Look, tuple[str, ...], set[str]]] = {
    "security that is off": (LOOKS[0], (_table(_KEY, _TO_ORGANIZATION),), {"crews"}),
    "security that the owner escapes": (LOOKS[0], (_table(_KEY, _TO_ORGANIZATION), _ENABLED), {"crews"}),
    "security that is forced but not enabled": (LOOKS[0], (_table(_KEY, _TO_ORGANIZATION), _FORCED), {"crews"}),
    "a row of nobody": (LOOKS[1], (_table("UNIQUE (org_id, id)", _TO_ORGANIZATION, org="uuid"), *_SECURED), {"crews"}),
    "a key without the organization": (
        LOOKS[2],
        (_table("CONSTRAINT own_key PRIMARY KEY (id)", _TO_ORGANIZATION), *_SECURED),
        {"own_key"},
    ),
    "a key with the organization last": (
        LOOKS[2],
        (_table("CONSTRAINT own_key PRIMARY KEY (id, org_id)", _TO_ORGANIZATION), *_SECURED),
        {"own_key"},
    ),
    "a unique constraint over all organizations": (
        LOOKS[2],
        (_table(_KEY, _TO_ORGANIZATION, "CONSTRAINT one_name UNIQUE (name)"), *_SECURED),
        {"one_name"},
    ),
    "a unique index over an expression": (
        LOOKS[2],
        (_table(_KEY, _TO_ORGANIZATION), "CREATE UNIQUE INDEX one_name ON crews (lower(name), org_id)", *_SECURED),
        {"one_name"},
    ),
    "no primary key": (LOOKS[3], (_table("UNIQUE (org_id, id)", _TO_ORGANIZATION), *_SECURED), {"crews"}),
    "a child that may have a parent elsewhere": (
        LOOKS[4],
        (
            _table(_KEY, _TO_ORGANIZATION, "UNIQUE (id)"),
            "CREATE TABLE shifts (org_id uuid NOT NULL, crew_id uuid CONSTRAINT to_crew REFERENCES crews (id))",
            *_SECURED,
        ),
        {"to_crew"},
    ),
    "a child whose key is crossed": (
        LOOKS[4],
        (_table(_KEY, "CONSTRAINT to_order FOREIGN KEY (order_id, id) REFERENCES orders (org_id, id)"), *_SECURED),
        {"to_order"},
    ),
    "an organization named by another column": (
        LOOKS[4],
        (_table(_KEY, "CONSTRAINT to_org FOREIGN KEY (order_id) REFERENCES organizations (id)"), *_SECURED),
        {"to_org"},
    ),
    "nothing that ties it": (LOOKS[5], (_table(_KEY), *_SECURED), {"crews"}),
}


@pytest.fixture
def owner(settings: Settings) -> Iterator[Connection]:
    """The schema's owner, in a transaction that ends in nothing."""
    assert settings.migration_database_url is not None
    engine = create_engine(settings.migration_database_url.get_secret_value())
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def test_the_database_knows_the_tenant_tables_of_the_code(database: Connection) -> None:
    assert catalogue.tenant_tables(database) == set(TENANT_TABLES)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.__name__)
def test_the_schema_has_nothing(look: Look, database: Connection) -> None:
    assert look(database) == set()


@pytest.mark.parametrize("broken", BREAKS.values(), ids=BREAKS.keys())
def test_a_table_that_breaks_a_rule_is_found(owner: Connection, broken: Any) -> None:
    look, statements, offenders = broken
    for sql in statements:
        owner.execute(text(sql))
    assert look(owner) == offenders


def test_a_table_that_keeps_the_rules_is_not(owner: Connection) -> None:
    child = "CONSTRAINT to_order FOREIGN KEY (org_id, order_id) REFERENCES orders (org_id, id)"
    owner.execute(text(_table(_KEY, _TO_ORGANIZATION, child, "UNIQUE (org_id, name)")))
    with Operations.context(MigrationContext.configure(owner)):
        rls.protect_tenant_table("crews")
    assert "crews" in catalogue.tenant_tables(owner)
    assert {look.__name__: look(owner) for look in LOOKS} == {look.__name__: set() for look in LOOKS}
