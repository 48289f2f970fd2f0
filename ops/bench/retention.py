"""Retention at work on a million rows: its longest statement, and what those notice who place orders meanwhile.

Postgres itself times the statements: the run's login may switch on their log. Orders are placed at a steady pace, once
while nothing else happens and once during the run.
"""

import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, closing

import psycopg2

from ops.bench import requests
from ops.bench.errors import BenchError
from ops.bench.gunicorn import Gunicorn
from ops.bench.http_rounds import OURS
from ops.bench.installation import Installation
from ops.bench.measured import percentiles
from ops.bench.paced import Stream, keep_pace
from ops.quickstart import ports
from ops.quickstart.database import REPOSITORY

ROWS = 1_000_000
CREATES_PER_SECOND, CREATORS, QUIET_SECONDS = 20.0, 4, 15.0
LONGEST_SECONDS = 900.0
_TIMED = re.compile(r"duration: ([\d.]+) ms")
_MAY_LOG = "GRANT SET ON PARAMETER log_min_duration_statement TO crewline_app"
_FILL = """
    INSERT INTO exports (org_id, id, event, resource_id, payload, state, created_at, delivered_at)
    SELECT %(org)s, gen_random_uuid(), 'order.created', gen_random_uuid(), '{"number": 1001, "state": "pending"}',
           'delivered', now() - interval '60 days' - n * interval '1 second', now() - interval '60 days'
    FROM generate_series(1, %(exports)s) AS n;
    INSERT INTO messages (org_id, id, kind, recipient, variables, dedupe_key, state, created_at, sent_at)
    SELECT %(org)s, gen_random_uuid(), 'order_confirmed', 'anna-' || n || '@bench.test', '{"client_name": "Anna Berg"}',
           'bench-' || n, 'sent', now() - interval '120 days' - n * interval '1 second', now() - interval '120 days'
    FROM generate_series(1, %(messages)s) AS n;
"""
_LEFT = """
    SELECT (SELECT count(*) FROM exports WHERE org_id = %(org)s)
         + (SELECT count(*) FROM messages WHERE org_id = %(org)s AND dedupe_key LIKE 'bench-%%' AND variables <> '{}')
"""


class _Run(threading.Thread):
    """Retention in a process of its own, as an operator starts it. `seconds` is how long it took."""

    def __init__(self, made: Installation) -> None:
        super().__init__(daemon=True)
        self._made = made
        self.seconds = 0.0
        self.fault = ""

    def run(self) -> None:
        url = self._made.env["DATABASE_URL"]
        logged = url + ("&" if "?" in url else "?") + "options=-c%20log_min_duration_statement%3D0"
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "worker.run", "retention"],
            cwd=REPOSITORY,
            env=self._made.env | {"DATABASE_URL": logged},
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_SECONDS,
        )
        self.seconds = time.perf_counter() - started
        self.fault = done.stderr[-3000:] if done.returncode else ""


def measure(made: Installation, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Values by name, of one run over a million rows of one organization."""
    _fill(made)
    with ExitStack() as stack:
        server = stack.enter_context(Gunicorn(OURS, made.env, ports.free_port(), made.folder))
        sockets = [stack.enter_context(sock) for sock in server.connections(CREATORS)]
        creating = requests.new_order(made.seed.creating.client_id, made.seed.creating.token)

        def place(seconds: float) -> list[float]:
            stream = Stream(sockets, iter(lambda: creating, None), CREATES_PER_SECOND)
            keep_pace([stream], seconds)
            return stream.latencies

        place(2.0)
        quiet = place(QUIET_SECONDS)
        log_begins = made.postgres.log.stat().st_size
        run, busy = _Run(made), list[float]()
        run.start()
        while run.is_alive():
            busy += place(2.0)
        run.join()
    if run.fault or _left(made):
        raise BenchError(f"retention left {_left(made)} rows of {ROWS}: {run.fault}")
    longest = max(_durations(made, log_begins))
    delay = percentiles(busy)[95] - percentiles(quiet)[95]
    say(
        f"{ROWS / run.seconds:.0f} rows per second; longest statement {longest * 1000:.0f} ms; placing an order:"
        f" median {statistics.median(quiet) * 1000:.1f} and {statistics.median(busy) * 1000:.1f} ms,"
        f" p95 {percentiles(quiet)[95]:.1f} and {percentiles(busy)[95]:.1f} ms, worst {max(busy) * 1000:.0f} ms"
    )
    return {
        "retention_longest_statement_s": [round(longest, 3)],
        "retention_delay_to_create_ms": [round(max(delay, 0.0), 1)],
    }


def _fill(made: Installation) -> None:
    values = {"org": made.seed.spread[1].org_id, "exports": ROWS // 2, "messages": ROWS // 2}
    with closing(psycopg2.connect(made.postgres.superuser_dsn("crewline"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(_MAY_LOG)
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(_FILL, values)
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")


def _left(made: Installation) -> int:
    with (
        closing(psycopg2.connect(made.postgres.superuser_dsn("crewline"))) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(_LEFT, {"org": made.seed.spread[1].org_id})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _durations(made: Installation, begins: int) -> list[float]:
    """The seconds of each statement of the run, from the server's log."""
    with made.postgres.log.open("rb") as log:
        log.seek(begins)
        found = [float(ms) / 1000 for ms in _TIMED.findall(log.read().decode("utf-8", "replace"))]
    if not found:
        raise BenchError("Postgres has timed no statement")
    return found
