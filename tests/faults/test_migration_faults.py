"""Migrations meet each other and the traffic: they take turns, they give way, and they end."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.faults.program import Program
from tests.faults.waiting import eventually
from tests.servers import ROOT, Addresses, environment


@pytest.fixture
def empty(addresses: Addresses) -> Iterator[Addresses]:
    """A database of its own without a schema."""
    name = f"crewline_migrations_{secrets.token_hex(4)}"
    with closing(psycopg2.connect(addresses.superuser_dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"CREATE DATABASE {name} OWNER crewline_owner")
        yield addresses.for_database(name, 0)
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def alembic(database: Addresses, log: Path, *arguments: str) -> Program:
    command = [sys.executable, "-m", "alembic", "-c", "setup.cfg", *arguments]
    program = Program(command, environment(database), log)
    program.start()
    return program


@contextmanager
def reader_of(database: Addresses, table: str) -> Iterator[Any]:
    """Somebody who is in the middle of reading the table."""
    with closing(psycopg2.connect(database.owner_url)) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        yield connection
        connection.rollback()


def version(database: Addresses) -> str:
    with closing(psycopg2.connect(database.owner_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT version_num FROM alembic_version")
        ((found,),) = cursor.fetchall()
        return str(found)


def head() -> str:
    return Path(ROOT, "migrations", "HEAD").read_text().strip()


def test_two_upgrades_at_once_take_turns(empty: Addresses, tmp_path: Path) -> None:
    both = [alembic(empty, tmp_path / f"{number}.log", "upgrade", "head") for number in range(2)]
    try:
        assert [program.wait(90) for program in both] == [0, 0], [program.output for program in both]
    finally:
        for program in both:
            program.end()
    assert version(empty) == head()


def test_a_reader_makes_a_migration_try_again_and_not_hang(empty: Addresses, tmp_path: Path) -> None:
    upgrade = alembic(empty, tmp_path / "upgrade.log", "upgrade", "head")
    assert upgrade.wait(90) == 0, upgrade.output
    with reader_of(empty, "organizations"):
        downgrade = alembic(empty, tmp_path / "downgrade.log", "downgrade", "base")
        try:
            eventually(lambda: "a lock was not free, try 2" in downgrade.output, "it gives way")
            assert other_readers_are_served(empty)
        except BaseException:
            downgrade.end()
            raise
    try:
        assert downgrade.wait(90) == 0, downgrade.output
    finally:
        downgrade.end()
    again = alembic(empty, tmp_path / "again.log", "upgrade", "head")
    assert again.wait(90) == 0, again.output
    assert version(empty) == head()


def other_readers_are_served(database: Addresses) -> bool:
    """Nobody queues behind the waiting migration for longer than its lock timeout."""
    connect = psycopg2.connect(database.owner_url, options="-c statement_timeout=10s")
    with closing(connect) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM organizations")
        return cursor.fetchone() is not None


def test_a_migration_that_is_killed_leaves_a_schema_that_an_upgrade_completes(empty: Addresses, tmp_path: Path) -> None:
    killed = alembic(empty, tmp_path / "killed.log", "upgrade", "head")
    eventually(lambda: "Running upgrade" in killed.output or not killed.runs or has_version(empty), "it is at work")
    killed.kill()
    again = alembic(empty, tmp_path / "again.log", "upgrade", "head")
    assert again.wait(90) == 0, again.output
    assert version(empty) == head()


def has_version(database: Addresses) -> bool:
    try:
        return bool(version(database))
    except (psycopg2.Error, ValueError):
        return False
