"""An installation's roles and database on a server, and its schema."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from ops.quickstart import binaries
from ops.quickstart.errors import QuickstartError
from ops.quickstart.postgres import Postgres

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = REPOSITORY / "ops" / "postgres" / "roles.sql"

# Roles belong to the whole server: two test workers that alter them at once would meet "tuple concurrently updated".
_LOCK = "SELECT pg_advisory_lock(hashtext('crewline roles.sql'));\n"


def create_installation(
    server: Postgres,
    *,
    database: str,
    owner_password: str,
    app_password: str,
    via: Literal["tcp", "socket"] = "tcp",
) -> tuple[str, str]:
    """Makes the roles and the database, unless they are there, and returns (DATABASE_URL, MIGRATION_DATABASE_URL).

    The passwords are set every time, for the whole server: give every database on it the same ones.
    Raises QuickstartError with what psql said.
    """
    variables = {"owner_password": owner_password, "app_password": app_password, "database": database}
    run_psql(server.superuser_dsn(), _LOCK + ROLES.read_text(), variables)
    return (
        url(server, "crewline_app", app_password, database, via),
        url(server, "crewline_owner", owner_password, database, via),
    )


def url(server: Postgres, role: str, password: str, database: str, via: Literal["tcp", "socket"] = "tcp") -> str:
    """A `postgresql://` URL for the role, over the loopback interface or the server's private Unix socket."""
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    if via == "socket":
        return f"postgresql://{login}@/{quote(database)}?host={quote(str(server.socket_dir))}&port={server.port}"
    return f"postgresql://{login}@{server.host}:{server.port}/{quote(database)}"


def run_psql(dsn: str, script: str, variables: Mapping[str, str]) -> None:
    """Runs a psql script that stops at the first error. Raises QuickstartError with what psql said."""
    # Through standard input, because a password on a command line is readable by everybody on the machine.
    settings = "".join(f"\\set {name} {_literal(value)}\n" for name, value in variables.items())
    done = subprocess.run(
        [str(binaries.psql()), "--no-psqlrc", "--quiet", "--tuples-only", "--set=ON_ERROR_STOP=1", dsn],
        input=settings + script,
        capture_output=True,
        text=True,
        env={"PATH": os.environ.get("PATH", os.defpath)},  # no PGOPTIONS, PGSSLMODE… of the caller
        check=False,
    )
    if done.returncode != 0:
        raise QuickstartError(f"psql failed:\n{done.stderr}")


def migrate(env: Mapping[str, str]) -> None:
    """Brings the schema to the newest migration; `env` names the database. Raises QuickstartError with the output."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", "setup.cfg", "upgrade", "head"],
        cwd=REPOSITORY,
        env=dict(env),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise QuickstartError(f"The migrations failed:\n{(done.stdout + done.stderr)[-4000:]}")


def _literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
