"""A million orders as CSV: our route against Postgres's own COPY of the same columns, and what it takes of memory.

Ours goes the whole way over HTTP from gunicorn, with header, texts that are defused, times in RFC 3339 and local, and
amounts in major units. The bare one is `COPY (SELECT …) TO STDOUT WITH CSV` by psycopg2, as the superuser. The rows lie
in the table in no order, which is the worst case for ours: it reads them in the order of their identifiers.
"""

import http.client
import os
import socket
import time
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from pathlib import Path

import psycopg2

from ops.bench import requests
from ops.bench.client import HOST
from ops.bench.errors import BenchError
from ops.bench.gunicorn import Gunicorn
from ops.bench.http_rounds import OURS
from ops.bench.installation import Installation
from ops.bench.many_orders import Filled, fill
from ops.bench.measured import Rate
from ops.bench.uploads import MEGABYTE, Memory
from ops.quickstart import ports

ORDERS = 1_000_000
DATABASE = "tables"
PATH = "/v1/exports/orders.csv"
WARM_UP = f"{PATH}?scheduled_from=2100-01-01T00:00:00Z"
PATIENCE_SECONDS = 300.0
_CHUNK = 1 << 20
_BARE = """
    COPY (
        SELECT o.id, o.number, o.state, o.source, o.title, s.name, t.name, o.client_id, c.name, c.email, c.phone,
            o.address, o.postal_code, o.scheduled_start, o.scheduled_end, o.scheduled_start, 'America/Edmonton',
            o.started_at, o.ended_at, o.total_amount, o.deposit_amount, o.paid_amount, o.cancellation_fee_amount,
            o.refund_due_amount, o.currency, o.created_at, o.updated_at
        FROM orders AS o
            LEFT JOIN clients AS c ON c.org_id = o.org_id AND c.id = o.client_id
            LEFT JOIN teams AS t ON t.org_id = o.org_id AND t.id = o.team_id
            LEFT JOIN services AS s ON s.org_id = o.org_id AND s.id = o.service_id
        WHERE o.org_id = '{org_id}'
    ) TO STDOUT WITH CSV
"""


def measure(
    made: Installation, rounds: int, say: Callable[[str], None]
) -> tuple[dict[str, Rate], dict[str, list[float]]]:
    """Rates of `csv` and `bare_copy` in rows, and `csv_rss_growth_mb`."""
    filled = fill(made, DATABASE, orders=ORDERS, others=0, orders_of_other=0)
    say(f"{ORDERS} orders in {filled.seconds:.0f} s")
    rates = {"bare_copy": Rate(), "csv": Rate()}
    growths = []
    with Gunicorn(OURS, filled.env, ports.free_port(), made.folder) as server:
        _warm_up(server, filled)
        for number in range(1, rounds + 1):
            rates["bare_copy"].rounds.append(ORDERS / _copy(made, filled))
            memory = Memory(server.workers)
            before = memory.now()
            memory.start()
            try:
                rates["csv"].rounds.append(ORDERS / _read(server, filled))
            finally:
                memory.stop()
            growths.append(round((memory.peak - before) / MEGABYTE, 1))
            latest = "  ".join(f"{name} {rate.rounds[-1]:,.0f}" for name, rate in rates.items())
            say(f"round {number}/{rounds}, rows per second: {latest}  growth {growths[-1]} MB")
    return rates, {"csv_rss_growth_mb": growths}


def _copy(made: Installation, filled: Filled) -> float:
    """Seconds of the bare COPY."""
    with (
        closing(psycopg2.connect(made.postgres.superuser_dsn(DATABASE))) as connection,
        connection.cursor() as cursor,
        Path(os.devnull).open("wb") as nowhere,
    ):
        started = time.perf_counter()
        cursor.copy_expert(_BARE.format(org_id=filled.company.org_id), nowhere)
        return time.perf_counter() - started


def _read(server: Gunicorn, filled: Filled) -> float:
    """Seconds of our answer, from the request to its last chunk."""
    with socket.create_connection((HOST, server.port), PATIENCE_SECONDS) as sock:
        started = time.perf_counter()
        sock.sendall(requests.get(PATH, filled.company.token))
        end, size, buffer = b"", 0, bytearray(_CHUNK)
        while not end.endswith(b"\r\n0\r\n\r\n"):
            got = sock.recv_into(buffer)
            if not got:
                raise BenchError(f"the table broke off after {size} bytes: {end!r}")
            size += got
            end = (end + buffer[max(0, got - 16) : got])[-16:]
        return time.perf_counter() - started


def _warm_up(server: Gunicorn, filled: Filled) -> None:
    """Let every worker import and know time zones, and see that all rows come."""
    for _ in range(4 * len(server.workers)):
        _lines(server, filled, WARM_UP)
    found = _lines(server, filled, PATH)
    if found != ORDERS + 1:
        raise BenchError(f"the table has {found} lines")


def _lines(server: Gunicorn, filled: Filled, path: str) -> int:
    """How many lines a table has."""
    connection = http.client.HTTPConnection(HOST, server.port, timeout=PATIENCE_SECONDS)
    with closing(connection):
        connection.request("GET", path, headers={"Authorization": f"Bearer {filled.company.token}"})
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            raise BenchError(f"a table was answered with {answer.status}")
        return sum(chunk.count(b"\n") for chunk in iter(lambda: answer.read(_CHUNK), b""))
