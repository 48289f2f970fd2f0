"""Clients that begin a request and then say nothing."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from urllib.parse import urlsplit

import requests

from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually

SILENT = 12
"""More than the API has threads (8), few enough that one of its two processes may get them all: 45 s then."""
HALF_A_REQUEST = (
    b"POST /v1/auth/login HTTP/1.1\r\nHost: crewline\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
)


@contextmanager
def silent_clients(url: str) -> Iterator[list[socket.socket]]:
    address = urlsplit(url)
    assert address.hostname is not None
    with ExitStack() as stack:
        clients = []
        for _ in range(SILENT):
            client = stack.enter_context(socket.create_connection((address.hostname, address.port or 80)))
            client.sendall(HALF_A_REQUEST)
            clients.append(client)
        yield clients


def test_silent_clients_hold_the_api_for_seconds_and_not_for_ever(system: System, owner: Owner) -> None:
    with silent_clients(owner.base_url) as clients:
        eventually(lambda: _healthy(owner.base_url), "the API has let go of them", seconds=120)
        clients[0].settimeout(30)
        assert clients[0].recv(100).startswith(b"HTTP/1.1 400 ")


def _healthy(url: str) -> bool:
    try:
        return requests.get(f"{url}/healthz", timeout=2).status_code == 200
    except requests.RequestException:
        return False
