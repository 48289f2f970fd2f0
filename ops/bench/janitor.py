"""How fast the storage janitor deletes: 10,000 files of the local storage, by one worker, from rows that are due."""

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg2
from celery import Celery

from ops.bench.errors import BenchError
from ops.bench.installation import Installation
from ops.bench.servers import Program

DELETES = 10_000
IN_ONE_ORDER = 20
PATIENCE_SECONDS = 180.0
POLL_SECONDS = 0.02
_FILL = """
    INSERT INTO storage_deletes
        (org_id, id, owner_id, backend, storage_key, held_bytes, state, created_at, next_attempt_at)
    SELECT %(org)s, gen_random_uuid(), gen_random_uuid(), 'local',
           'orders/' || %(org)s || '/' || (n / %(per_order)s) || '/' || n || '.jpg', 1000, 'waiting', now(), now()
    FROM generate_series(0, %(deletes)s - 1) AS n
"""


def measure(made: Installation, rounds: int, say: Callable[[str], None]) -> list[float]:
    """Deletes per second in each round, of rows, objects and the quota they hold."""
    env = {**made.env, "SWEEP_INTERVAL_SECONDS": "1"}
    worker = ["celery", "-A", "worker.app", "worker", "--concurrency", "1", "-Q", "storage"]
    found = []
    with Program(worker, env, made.folder / "janitor.log") as program:
        for _ in range(rounds):
            _fill(made)
            found.append(round(_clear(made, program), 1))
    say("janitor, deletes per second: " + "  ".join(f"{each:.0f}" for each in found))
    return found


def _fill(made: Installation) -> None:
    org_id = made.seed.reading.org_id
    folder = Path(made.env["ORDER_UPLOAD_ROOT"], "orders", org_id)
    for number in range(DELETES):
        order = folder / str(number // IN_ONE_ORDER)
        order.mkdir(parents=True, exist_ok=True)
        (order / f"{number}.jpg").write_bytes(bytes(1000))
    values = {"org": org_id, "per_order": IN_ONE_ORDER, "deletes": DELETES}
    with closing(psycopg2.connect(made.postgres.superuser_dsn("crewline"))) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute(_FILL, values)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE storage_deletes")


def _clear(made: Installation, program: Program) -> float:
    """Ask for a run in every slot, as beat does, until nothing is left. Returns deletes per second from the first to
    the last."""
    app = Celery(broker=made.redis.url(), set_as_current=False)
    with closing(app), closing(psycopg2.connect(made.postgres.superuser_dsn("crewline"))) as connection:
        connection.autocommit = True
        asked, begun = 0.0, None
        deadline = time.perf_counter() + PATIENCE_SECONDS
        while (now := time.perf_counter()) < deadline:
            program.check()
            left = _left(connection)
            begun = begun or (now if left < DELETES else None)
            if not left and begun:
                return DELETES / (now - begun)
            if now - asked > 1:
                app.send_task("storage_deletes.sweep", queue="storage")
                asked = now
            time.sleep(POLL_SECONDS)
    raise BenchError(f"the janitor did not delete {DELETES} files in {PATIENCE_SECONDS} s")


def _left(connection: "psycopg2.extensions.connection") -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM storage_deletes")
        row = cursor.fetchone()
    return int(row[0]) if row else 0
