"""Very many orders for the demo company, written past the application; and readers of its tables."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psutil

from tests.faults.owner import Owner
from tests.faults.system import System

MANY = 200_000
PATH = "/v1/exports/orders.csv"
SMALL_BUFFER = 4096
_FILL = """
    INSERT INTO orders (org_id, id, number, client_id, state, title, address, notes, scheduled_start, scheduled_end,
        total_amount, paid_amount, currency, photo_consent, version, created_at, updated_at)
    SELECT c.org_id, ('018f' || lpad(to_hex(n), 8, '0') || '7' || substr(md5(n::text), 14))::uuid, 1000000 + n, c.id,
        'completed', 'Made for a file', '12 Elm Street, Calgary', '', at, at + interval '1 hour', 9900, 9900, 'cad',
        false, 1, at, at
    FROM (SELECT org_id, id FROM clients WHERE org_id = %s LIMIT 1) AS c, generate_series(1, %s) AS n,
        LATERAL (SELECT timestamptz '2020-01-01' + n * interval '10 minutes' AS at) AS t
"""


@contextmanager
def many_orders(system: System, count: int = MANY) -> Iterator[None]:
    """So many more orders, which are gone afterwards."""
    try:
        with system.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
            cursor.execute(_FILL, (system.owner.org_id, count))
        system.sql("ANALYZE orders")
        yield
    finally:
        with system.connection() as connection, connection.cursor() as cursor:
            cursor.execute("SET session_replication_role = replica; SET synchronous_commit = off")
            cursor.execute("DELETE FROM orders WHERE number > 1000000")


class Reader:
    """A client that takes as much as it is told to, and no more."""

    def __init__(self, owner: Owner, path: str = PATH, **headers: str) -> None:
        address = urlsplit(owner.base_url)
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        self.socket.settimeout(30)
        self.socket.connect((address.hostname, address.port))
        lines = {"Host": "crewline", **owner.headers, **headers}
        head = f"GET {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.socket.sendall(f"{head}\r\n".encode())
        self.taken = b""

    @property
    def status(self) -> int:
        """The status of the answer, waited for."""
        while b"\r\n" not in self.taken:
            self.taken += self.socket.recv(SMALL_BUFFER)
        return int(self.taken.split()[1])

    def take_rest(self) -> bytes:
        """Everything until the server closes the connection or has sent its last chunk."""
        pieces = [self.taken]
        while not pieces[-1].endswith(b"0\r\n\r\n") and (more := self.socket.recv(1_000_000)):
            pieces.append(more)
        return b"".join(pieces)

    def close(self) -> None:
        self.socket.close()


def memory(system: System) -> dict[int, int]:
    """Resident memory of the API's processes, in bytes."""
    children = psutil.Process(system.program("api").pid).children()
    return {child.pid: child.memory_info().rss for child in children}


def busy_backends(system: System) -> list[str]:
    """What the application does in the database at this moment: statements, and transactions that are open."""
    sql = (
        "SELECT state || ' ' || query FROM pg_stat_activity WHERE usename = 'crewline_app' AND state <> 'idle'"
        " AND query LIKE %s"
    )
    return [row[0] for row in system.sql(sql, "%orders AS r%")]
