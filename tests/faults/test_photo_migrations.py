"""Photos outlive a release that is taken back and comes again."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg2
import pytest
from psycopg2.extensions import make_dsn

from tests.faults.test_migration_faults import alembic
from tests.servers import Addresses, create_database

BEFORE_THE_WORKER = "0021"
ORG, ORDER = str(uuid4()), str(uuid4())
_PARENTS = (
    "INSERT INTO organizations VALUES (%(org)s, 'a-b', 'A', 'America/Edmonton', 'cad', now())",
    "INSERT INTO clients (org_id, id, name, email, created_at) VALUES (%(org)s, %(order)s, 'A', 'a@b.test', now())",
    (
        "INSERT INTO orders (org_id, id, number, client_id, state, title, address, notes, scheduled_start,"
        " scheduled_end, total_amount, paid_amount, currency, photo_consent, version, created_at, updated_at)"
        " VALUES (%(org)s, %(order)s, 1, %(order)s, 'completed', '', '', '', now(), now() + interval '1 hour', 1, 0,"
        " 'cad', true, 1, now(), now())"
    ),
)
_ADD = (
    "INSERT INTO order_photos (org_id, order_id, id, state, phase, caption, mime, size, sha256, kept_sha256, backend,"
    " storage_key, created_at) VALUES (%(org)s, %(order)s, %(id)s, 'stored', 'after', '', 'image/png', 10, %(came)s,"
    " %(kept)s, 'local', %(came)s, now())"
)


@pytest.fixture
def database(addresses: Addresses) -> Iterator[Addresses]:
    """One of the test's own."""
    name = f"crewline_photo_migrations_{secrets.token_hex(4)}"
    yield create_database(addresses, name, 0)
    with closing(psycopg2.connect(addresses.superuser_dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _execute(database: Addresses, sql: str, **values: str) -> list[tuple[Any, ...]]:
    """As the superuser, to whom no policy applies."""
    dsn = make_dsn(database.superuser_dsn, dbname=database.owner_url.rpartition("/")[2])
    with closing(psycopg2.connect(dsn)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute(sql, {"org": ORG, "order": ORDER} | values)
        return cursor.fetchall() if cursor.description else []


def _migrate(database: Addresses, log: Path, *arguments: str) -> None:
    program = alembic(database, log, *arguments)
    assert program.wait(90) == 0, program.output


def test_what_was_stored_is_found_undamaged_after_a_release_was_taken_back(database: Addresses, tmp_path: Path) -> None:
    """The worker holds the object against `sha256`; of two whose pixels are the same, one can have it."""
    for parent in _PARENTS:
        _execute(database, parent)
    for came, kept in [("came", "kept"), ("came otherwise", "kept"), ("other came", "other kept")]:
        _execute(database, _ADD, id=str(uuid4()), came=came, kept=kept)
    _migrate(database, tmp_path / "down.log", "downgrade", BEFORE_THE_WORKER)
    _migrate(database, tmp_path / "up.log", "upgrade", "head")
    found = _execute(database, "SELECT state, upload_key, sha256 FROM order_photos ORDER BY upload_key")
    assert {state for state, _, _ in found} == {"uploaded"}
    digests = [digest for _, _, digest in found]
    assert sorted(digests[:2])[1] == "kept"
    assert digests[2] == "other kept"
