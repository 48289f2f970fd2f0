"""The real servers of a test run: one Postgres and one Redis for all workers, started by the run itself."""

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg2

from ops.quickstart.database import create_installation, migrate
from ops.quickstart.postgres import Postgres
from ops.quickstart.redis_server import RedisServer
from tests.factories.sendgrid_events import KEY

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = "crewline_template"


@dataclass(frozen=True)
class Addresses:
    """Where the servers of this run are; plain values, so that they can be handed to the xdist workers."""

    superuser_dsn: str
    app_url: str
    owner_url: str
    redis_url: str

    def for_database(self, database: str, redis_db: int) -> "Addresses":
        return Addresses(
            self.superuser_dsn,
            self.app_url.replace(TEMPLATE, database),
            self.owner_url.replace(TEMPLATE, database),
            self.redis_url.rsplit("/", 1)[0] + f"/{redis_db}",
        )


class Servers:
    """Postgres with a migrated template database, and Redis, in a folder that goes away."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crewline-tests-", ignore_cleanup_errors=True)
        self._postgres = Postgres(Path(self._folder.name, "postgres"), fast=True)
        self._redis = RedisServer(Path(self._folder.name, "redis"), password=secrets.token_hex(8))

    def start(self) -> Addresses:
        self._postgres.start()
        self._redis.start()
        app_url, owner_url = create_installation(
            self._postgres, database=TEMPLATE, owner_password=secrets.token_hex(8), app_password=secrets.token_hex(8)
        )
        addresses = Addresses(self._postgres.superuser_dsn(), app_url, owner_url, self._redis.url())
        migrate(environment(addresses))
        return addresses

    def stop(self) -> None:
        self._redis.stop()
        self._postgres.stop()
        self._folder.cleanup()


def create_database(addresses: Addresses, name: str, redis_db: int) -> Addresses:
    """A fresh copy of the migrated template."""
    connection = psycopg2.connect(addresses.superuser_dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} OWNER crewline_owner")
        cursor.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
        cursor.execute(f"GRANT CONNECT ON DATABASE {name} TO crewline_app")
    connection.close()
    return addresses.for_database(name, redis_db)


def environment(addresses: Addresses, **more: str) -> dict[str, str]:
    """The application's environment for a test process; nothing of the caller's shell but the search path."""
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "HOME": tempfile.gettempdir(),
        "ENVIRONMENT": "test",
        "DATABASE_URL": addresses.app_url,
        "MIGRATION_DATABASE_URL": addresses.owner_url,
        "REDIS_URL": addresses.redis_url,
        "AUTH_SECRET_KEY": "a-key-of-the-test-run-" + "k" * 20,
        "ORDER_PHOTO_SIGNING_SECRET": "photo-links-of-the-test-run-" + "p" * 20,
        "METRICS_ENABLED": "true",
        "METRICS_TOKEN": "a-token-for-prometheus",
        "STRIPE_WEBHOOK_SECRET": "whsec_test_run",
        "SENDGRID_WEBHOOK_PUBLIC_KEY": KEY.public_key,
        **more,
    }


@contextmanager
def sandbox() -> Iterator[dict[str, int]]:
    """The outside world as a process of its own; yields its ports."""
    command = [sys.executable, "-m", "ops.sandbox", "--webhook-secret", "whsec_test_run"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def plain(addresses: Addresses) -> dict[str, str]:
    return asdict(addresses)
