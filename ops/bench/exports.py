"""Events per second that one worker process delivers to a fast receiver: claimed, signed, posted, recorded."""

import time
from collections.abc import Callable
from contextlib import closing

import psycopg2
from celery import Celery

from ops.bench.errors import BenchError
from ops.bench.installation import Installation
from ops.bench.receiver import FastReceiver
from ops.bench.servers import Program

EVENTS, WARM_UP = 3000, 100
PATIENCE_SECONDS, POLL_SECONDS = 120.0, 0.02
_FILL = """
    INSERT INTO exports (org_id, id, event, resource_id, payload, state, created_at, next_attempt_at)
    SELECT %(org)s, gen_random_uuid(), 'order.created', gen_random_uuid(),
           '{"id": "01890000-0000-7000-8000-000000000001", "number": 1001, "version": 1, "state": "pending",
             "scheduled_start": "2026-11-24T16:00:00Z", "scheduled_end": "2026-11-24T19:00:00Z",
             "total": {"amount": 12900, "currency": "cad"}, "deposit": {"amount": 0, "currency": "cad"}}',
           'pending', now(), now()
    FROM generate_series(1, %(events)s)
"""
_LEFT = "SELECT count(*) FROM exports WHERE state <> 'delivered' AND org_id = %(org)s"


def measure(made: Installation, rounds: int, say: Callable[[str], None]) -> list[float]:
    """Deliveries per second in each round, from asking for them to the last that is written down."""
    with FastReceiver() as receiver:
        env = {**made.env, "EXPORT_WEBHOOK_URL": f"http://127.0.0.1:{receiver.port}/"}
        worker = ["celery", "-A", "worker.app", "worker", "--concurrency", "1", "-Q", "exports"]
        with Program(worker, env, made.folder / "exports.log") as program:
            _deliver(made, program, receiver, WARM_UP)
            found = [round(EVENTS / _deliver(made, program, receiver, EVENTS), 1) for _ in range(rounds)]
    say("exports, deliveries per second: " + "  ".join(f"{each:.0f}" for each in found))
    return found


def _deliver(made: Installation, program: Program, receiver: FastReceiver, events: int) -> float:
    """Have so many events delivered. Returns the seconds."""
    values = {"org": made.seed.spread[0].org_id, "events": events}
    app = Celery(broker=made.redis.url(), set_as_current=False)
    with closing(app), closing(psycopg2.connect(made.postgres.superuser_dsn("crewline"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM exports")
            cursor.execute(_FILL, values)
            cursor.execute("VACUUM ANALYZE exports")
            before, started = receiver.taken, time.perf_counter()
            app.send_task("exports.deliver", kwargs={"org_id": values["org"]}, queue="exports")
            while receiver.taken < before + events or _left(cursor, values):
                program.check()
                if time.perf_counter() > started + PATIENCE_SECONDS:
                    raise BenchError(f"{events} events were not delivered in {PATIENCE_SECONDS} s; see {program.log}")
                time.sleep(POLL_SECONDS)
            return time.perf_counter() - started


def _left(cursor: "psycopg2.extensions.cursor", values: dict[str, object]) -> bool:
    cursor.execute(_LEFT, values)
    row = cursor.fetchone()
    return bool(row and row[0])
