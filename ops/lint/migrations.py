"""Migrations that cannot hurt: `python -m ops.lint.migrations`.

On a fresh database of its own: numbers and `HEAD` agree, upgrade, downgrade, upgrade, the models match the schema, and
squawk finds nothing dangerous in the SQL.
"""

import os
import secrets
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

from ops.quickstart.database import create_installation
from ops.quickstart.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "migrations" / "versions"
HEAD = ROOT / "migrations" / "HEAD"

SQUAWK_EXCLUDED = (
    "require-timeout-settings",  # migrations/env.py gives both as connection options
    "prefer-text-field",  # alembic's own version table; ours are TEXT by the type map
    "prefer-robust-stmts",  # every migration is one transaction
)
POSTGRES_VERSION = "15.0"


def main() -> int:
    """Run every check, 1 at the first that fails; or with `--add TITLE` write a new migration."""
    if sys.argv[1:2] == ["--add"]:
        add(" ".join(sys.argv[2:]))
        return 0
    check_numbers()
    with tempfile.TemporaryDirectory(prefix="crewline-migrations-") as folder:
        server = Postgres(Path(folder, "postgres"), fast=True)
        server.start()
        try:
            rehearse(server)
        finally:
            server.stop()
    return 0


def numbers() -> list[str]:
    """The numbers of the migration files, in order."""
    return sorted(path.name[:4] for path in VERSIONS.glob("*.py") if path.name != "__init__.py")


def check_numbers() -> None:
    """Files are numbered without gaps, and `HEAD` names the last: two branches that add one collide in git."""
    found = numbers()
    wanted = [f"{number:04}" for number in range(1, len(found) + 1)]
    head = HEAD.read_text().strip()
    if found != wanted or head != found[-1]:
        sys.exit(f"migrations: files {found}, HEAD {head}: wanted {wanted} and HEAD {wanted[-1]}")
    print(f"migrations: {len(found)} files, HEAD {head}")


def add(title: str) -> None:
    """Write the next migration from the difference between the models and MIGRATION_DATABASE_URL, and move `HEAD`."""
    number = f"{len(numbers()) + 1:04}"
    environment = dict(os.environ) | {"PYTHONPATH": str(ROOT)}
    print(alembic(["revision", "--autogenerate", "-m", title, "--rev-id", number], environment), end="")
    HEAD.write_text(number + "\n")


def rehearse(server: Postgres) -> None:
    """Up, down, up, compare, lint."""
    app_url, owner_url = create_installation(
        server, database="rehearsal", owner_password=secrets.token_hex(8), app_password=secrets.token_hex(8)
    )
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "ENVIRONMENT": "test",
        "DATABASE_URL": app_url,
        "MIGRATION_DATABASE_URL": owner_url,
        "REDIS_URL": "redis://127.0.0.1:9/0",
        "AUTH_SECRET_KEY": "not used by migrations",
        "ORDER_PHOTO_SIGNING_SECRET": "not used either",
    }
    for step in (["upgrade", "head"], ["downgrade", "base"], ["upgrade", "head"], ["check"]):
        alembic(step, environment)
        print(f"migrations: {' '.join(step)} works")
    revisions = ["base", *numbers()]
    for before, after in pairwise(revisions):
        squawk(after, alembic(["upgrade", f"{before}:{after}", "--sql"], environment))
    print("migrations: squawk finds nothing dangerous")


def alembic(arguments: list[str], environment: dict[str, str]) -> str:
    """Run alembic; its output. Exits with what it said when it fails."""
    command = [sys.executable, "-m", "alembic", "-c", "setup.cfg", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"migrations: alembic {' '.join(arguments)} failed\n{done.stdout}{done.stderr}")
    return done.stdout


def squawk(revision: str, sql: str) -> None:
    """Lint the SQL of one migration; it holds its own BEGIN and COMMIT."""
    program = Path(sys.executable).with_name("squawk")
    command = [str(program), f"--pg-version={POSTGRES_VERSION}", f"--exclude={','.join(SQUAWK_EXCLUDED)}"]
    done = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"migrations: squawk objects to {revision}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
