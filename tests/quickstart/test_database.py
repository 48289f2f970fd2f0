"""The roles of an installation: what each may, and that making them again is harmless."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest

from ops.quickstart.database import create_installation
from ops.quickstart.postgres import Postgres

# Every character that a shell, psql, SQL or a URL could take for something else.
OWNER = r"""o'w"n\e%r:/@?# $x"""
APP = "app-password"


def _installation(server: Postgres, database: str = "crewline") -> tuple[str, str]:
    return create_installation(server, database=database, owner_password=OWNER, app_password=APP)


def _query(dsn: str, *statements: str) -> list[tuple[Any, ...]]:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@pytest.mark.parametrize("via", ["tcp", "socket"])
def test_both_logins_work_over_tcp_and_over_the_socket(postgres: Postgres, via: Any) -> None:
    app, owner = create_installation(postgres, database="crewline", owner_password=OWNER, app_password=APP, via=via)
    assert _query(app, "SELECT current_user") == [("crewline_app",)]
    assert _query(owner, "SELECT current_user") == [("crewline_owner",)]


def test_the_application_reads_nothing_before_it_takes_a_role(postgres: Postgres) -> None:
    app, owner = _installation(postgres)
    _query(
        owner,
        "DROP TABLE IF EXISTS secret",
        "CREATE TABLE secret AS SELECT 1 AS n",
        "GRANT SELECT ON secret TO crewline_platform",
    )
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _query(app, "SELECT n FROM secret")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _query(app, "SET LOCAL ROLE crewline_tenant", "SELECT n FROM secret")
    assert _query(app, "SET LOCAL ROLE crewline_platform", "SELECT n FROM secret") == [(1,)]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _query(app, "SET LOCAL ROLE crewline_owner")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        _query(app, "CREATE TABLE mine (n int)")


def test_no_role_of_the_application_may_bypass_row_level_security(postgres: Postgres) -> None:
    app, _ = _installation(postgres)
    rows = _query(app, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'crewline%' AND (rolsuper OR rolbypassrls)")
    assert rows == []


def test_a_wrong_password_is_refused(postgres: Postgres) -> None:
    app, _ = _installation(postgres)
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(app.replace(APP, "guess"))


def test_many_can_make_installations_on_one_server_at_once(postgres: Postgres) -> None:
    names = [f"crewline_{number}" for number in range(6)]
    with ThreadPoolExecutor(len(names)) as pool:
        installations = list(pool.map(lambda name: _installation(postgres, name), names))
    assert [_query(app, "SELECT current_database()") for app, _ in installations] == [[(name,)] for name in names]
