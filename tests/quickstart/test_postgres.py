"""Our own PostgreSQL: starts anywhere, survives what happens to servers, keeps strangers out."""

import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest

from ops.quickstart import account
from ops.quickstart.database import REPOSITORY
from ops.quickstart.errors import QuickstartError
from ops.quickstart.postgres import Postgres

from .conftest import wait_until


@pytest.fixture
def own_server(closed_folder: Path, request: pytest.FixtureRequest) -> Iterator[Postgres]:
    server = Postgres(closed_folder / request.node.name, fast=True)
    yield server
    server.stop("immediate")


def _run(server: Postgres, *statements: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(server.superuser_dsn())
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows


def test_data_outlives_stop_and_start(own_server: Postgres) -> None:
    own_server.start()
    first = own_server.pid
    _run(own_server, "CREATE TABLE kept AS SELECT 42 AS answer")
    own_server.restart()
    assert own_server.pid not in (None, first)
    assert _run(own_server, "SELECT answer FROM kept") == [(42,)]
    own_server.stop()
    assert own_server.pid is None
    assert not own_server.socket_dir.exists()


def test_a_killed_server_recovers_what_was_committed(own_server: Postgres) -> None:
    own_server.start()
    _run(own_server, "CREATE TABLE kept AS SELECT 42 AS answer")
    pid = own_server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: own_server.pid is None)
    own_server.start()
    assert _run(own_server, "SELECT answer FROM kept") == [(42,)]


def test_a_note_of_a_dead_server_with_a_reused_number_does_not_prevent_a_start(own_server: Postgres) -> None:
    own_server.start()
    own_server.stop()
    note = own_server.data_dir / "postmaster.pid"
    note.write_text(f"{os.getpid()}\n{own_server.data_dir}\n")
    own_server.start()
    assert own_server.is_ready()


def test_a_taken_port_is_named(own_server: Postgres) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        server = Postgres(own_server.data_dir, other.getsockname()[1])
        with pytest.raises(QuickstartError, match=f"Port {server.port} .* taken"):
            server.start()


def test_a_second_server_on_the_same_directory_is_refused(postgres: Postgres) -> None:
    with pytest.raises(QuickstartError, match="already runs"):
        Postgres(postgres.data_dir).start()
    assert postgres.is_ready()


def test_data_of_another_major_version_is_refused_before_it_is_touched(own_server: Postgres) -> None:
    own_server.data_dir.mkdir()
    (own_server.data_dir / "PG_VERSION").write_text("12\n")
    with pytest.raises(QuickstartError, match="made by PostgreSQL 12"):
        own_server.start()


def test_a_half_made_data_directory_is_made_again(own_server: Postgres) -> None:
    half = own_server.data_dir.with_name(own_server.data_dir.name + ".new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    own_server.start()
    assert own_server.is_ready()
    assert not half.exists()


def test_the_server_never_runs_as_root_and_only_its_account_reaches_the_socket(postgres: Postgres) -> None:
    assert postgres.pid is not None
    assert psutil.Process(postgres.pid).uids().effective != 0
    assert postgres.socket_dir.stat().st_mode & 0o077 == 0
    assert len(str(postgres.socket_dir / ".s.PGSQL.65535.lock")) <= 107


def test_the_superuser_cannot_come_in_over_tcp(postgres: Postgres) -> None:
    with pytest.raises(psycopg2.OperationalError, match="reject"):
        psycopg2.connect(f"postgresql://postgres@{postgres.host}:{postgres.port}/postgres")


def test_a_start_that_cannot_work_shows_the_log(own_server: Postgres) -> None:
    own_server.prepare()
    (own_server.data_dir / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(QuickstartError, match="no_such_setting"):
        own_server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests have shown it already")
def test_a_normal_user_needs_no_privileges(closed_folder: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    home = closed_folder / "of-nobody"
    home.mkdir(mode=0o700)
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    program = """
import os, sys, psycopg2
from pathlib import Path
from ops.quickstart.postgres import Postgres
assert os.geteuid() != 0
server = Postgres(Path(sys.argv[1]) / "data", fast=True)
server.start()
psycopg2.connect(server.superuser_dsn()).close()
server.stop()
"""
    # The prefix lets the interpreter read its own files, which may belong to root alone; it gives no other right.
    command = [*account.prefix(nobody), sys.executable, "-c", program, str(home)]
    subprocess.run(command, cwd=REPOSITORY, check=True)
    assert (home / "data" / "PG_VERSION").stat().st_uid == nobody.pw_uid
