"""Postgres, Redis and the database of one run, in a folder of their own."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
from redis import Redis

from ops.bench.errors import BenchError
from ops.bench.seed import Company, Seed
from ops.quickstart import ports
from ops.quickstart.database import REPOSITORY, create_installation, migrate, run_psql
from ops.quickstart.postgres import Postgres
from ops.quickstart.redis_server import RedisServer
from ops.quickstart.settings import Paths, application_environment, kept_secrets, stripe_secret

LIMITS_DATABASE = "limits"
_PORTS = ("api", "flower", "sandbox", "smtp", "s3")


@dataclass(frozen=True, slots=True)
class Installation:
    """A running, migrated and seeded installation. `env` is what each of its processes is told."""

    folder: Path
    env: dict[str, str]
    postgres: Postgres
    redis: RedisServer
    stripe_secret: str
    seed: Seed
    item_ids: list[str]


@contextmanager
def installation(folder: Path, orders: int) -> Iterator[Installation]:
    """Start one in `folder`, with `orders` orders in the organization that is read from; remove it at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    paths = Paths(folder)
    secret = kept_secrets(paths)
    postgres = Postgres(folder / "postgres")  # not fast: fsync is on, as it must be in production
    redis = RedisServer(folder / "redis", password=secret["redis_password"])
    try:
        postgres.start()
        redis.start()
        env = _environment(paths, secret, postgres, redis)
        migrate(env)
        run_psql(env["LIMITS_DATABASE_URL"], (REPOSITORY / "ops/bench/limits/items.sql").read_text(), {})
        seed = _seed(env, orders)
        with Redis.from_url(redis.url()) as queue:
            queue.flushdb()  # what the seed has published
        run_psql(postgres.superuser_dsn("crewline"), "VACUUM ANALYZE; CHECKPOINT;", {})
        yield Installation(folder, env, postgres, redis, stripe_secret(secret), seed, _item_ids(env))
    finally:
        redis.stop()
        postgres.stop()
        _keep_logs(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _keep_logs(folder: Path) -> None:
    """The logs of the last run stay beside its folder: what to read when it failed."""
    kept = folder.with_name("log")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir()
    for log in folder.glob("*.log"):
        log.rename(kept / log.name)


def _environment(paths: Paths, secret: dict[str, str], postgres: Postgres, redis: RedisServer) -> dict[str, str]:
    """Over TCP on the loopback interface, ours and the bare ones alike."""
    owner_password, app_password = secret["postgres_owner_password"], secret["postgres_app_password"]
    app, owner = create_installation(
        postgres, database="crewline", owner_password=owner_password, app_password=app_password
    )
    _, limits = create_installation(
        postgres, database=LIMITS_DATABASE, owner_password=owner_password, app_password=app_password
    )
    port: dict[str, int] = {}
    for name in _PORTS:
        port[name] = ports.free_port(taken=frozenset(port.values()))
    urls = {"DATABASE_URL": app, "MIGRATION_DATABASE_URL": owner, "REDIS_URL": redis.url()}
    return {
        **application_environment(paths, port, secret, urls),
        "LIMITS_DATABASE_URL": limits,
        "AUTH_ACCESS_TOKEN_TTL_MINUTES": "120",  # signed in once, for a run that may be slow
    }


def _seed(env: dict[str, str], orders: int) -> Seed:
    command = [sys.executable, "-m", "ops.bench.seed", str(orders)]
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the seed failed:\n{done.stderr[-3000:]}")
    made = json.loads(done.stdout)
    return Seed(
        reading=Company(**made["reading"]),
        creating=Company(**made["creating"]),
        spread=[Company(**company) for company in made["spread"]],
        order_ids=made["order_ids"],
    )


def _item_ids(env: dict[str, str]) -> list[str]:
    connection = psycopg2.connect(env["LIMITS_DATABASE_URL"])
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM items ORDER BY random() LIMIT 1000")
        return [row[0] for row in cursor]
