"""10,000 wrong sign-ins in a minute: what the people who are at work notice, and whether others still get in.

The worst kind of flood: each try is for an account of its own and comes from an address of its own, so no counter stops
any of them. (One from few addresses, or against few accounts, ends at the counters, with one read each.) Those who work
and those who sign in meanwhile are at one address, as in an office.
"""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

from ops.bench import requests
from ops.bench.client import Lane, connect, receive
from ops.bench.gunicorn import Gunicorn
from ops.bench.http_rounds import OURS
from ops.bench.installation import Installation
from ops.bench.measured import percentiles
from ops.bench.paced import Stream, keep_pace
from ops.bench.seed import EMAIL, PASSWORD
from ops.quickstart import ports

GUESSES = 10_000
SECONDS = 60.0
READS_PER_SECOND = 25.0
READERS, GUESSERS = 8, 32
"""Connections."""
WARM_UP_SECONDS = 2.0
BUSY_OR_WRONG = (b"401", b"503")
OFFICE = "192.0.2.1"
FORWARDED = "X-Forwarded-For"


class SignIns(threading.Thread):
    """Somebody with the right password, again and again: tries until let in, a second after each refusal as it asks
    for, then rests. `waits` are the seconds that it took (or had taken when the flood ended), `tries` the requests."""

    REST_SECONDS = 4.0

    def __init__(self, port: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._done = threading.Event()
        self.waits: list[float] = []
        self.tries: list[int] = []

    def run(self) -> None:
        login = _login(EMAIL, PASSWORD, OFFICE)
        while not self._done.wait(self.REST_SECONDS):
            began, tries = time.perf_counter(), 1
            with connect(self._port) as sock:
                while _status(sock, login) != 200 and not self._done.wait(1.0):
                    tries += 1
            self.waits.append(time.perf_counter() - began)
            self.tries.append(tries)

    def stop(self) -> None:
        self._done.set()
        self.join()


def measure(made: Installation, rounds: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Values by name and round. All rounds together are one flood of 10,000 in a minute, with a quiet time of the same
    length before each part of it."""
    env = made.env | {"TRUST_PROXY_HEADERS": "true", "TRUSTED_PROXY_IPS": "127.0.0.1"}
    values: dict[str, list[float]] = {"list_p95_in_flood_vs_quiet": [], "sign_in_in_flood_s": []}
    guesses = _guesses()
    with ExitStack() as stack:
        server = stack.enter_context(Gunicorn(OURS, env, ports.free_port(), made.folder))
        readers = [stack.enter_context(sock) for sock in server.connections(READERS)]
        guessers = [stack.enter_context(sock) for sock in server.connections(GUESSERS)]
        work = {"Authorization": f"Bearer {made.seed.reading.token}", FORWARDED: OFFICE}
        reading = requests.request("GET", "/v1/orders?limit=50", work)
        keep_pace([_reads(readers, reading)], WARM_UP_SECONDS)
        for number in range(1, rounds + 1):
            quiet, flooded = _reads(readers, reading), _reads(readers, reading)
            flood = Stream(guessers, guesses, GUESSES / SECONDS, BUSY_OR_WRONG)
            keep_pace([quiet], SECONDS / rounds)
            others = SignIns(server.port)
            others.start()
            keep_pace([flooded, flood], SECONDS / rounds)
            others.stop()
            before, within = percentiles(quiet.latencies)[95], percentiles(flooded.latencies)[95]
            values["list_p95_in_flood_vs_quiet"].append(round(within / before, 2))
            values["sign_in_in_flood_s"].append(round(max(others.waits), 2))
            say(
                f"round {number}/{rounds}: p95 of the list {before:.1f} ms quiet, {within:.1f} ms in the flood;"
                f" guesses {dict(flood.statuses)}; {len(others.waits)} signed in with {sum(others.tries)} tries"
            )
    return values


def _reads(sockets: list[socket.socket], reading: bytes) -> Stream:
    return Stream(sockets, iter(lambda: reading, None), READS_PER_SECOND)


def _guesses() -> Iterator[bytes]:
    for number in range(1 << 24):
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        yield _login(f"guess-{number}@bench.test", "not the right phrase", address)


def _login(email: str, password: str, address: str) -> bytes:
    body = json.dumps({"org": "reading", "email": email, "password": password}).encode()
    return requests.request("POST", "/v1/auth/login", {"Content-Type": "application/json", FORWARDED: address}, body)


def _status(sock: socket.socket, request: bytes) -> int:
    lane = Lane(sock, (b"200", *BUSY_OR_WRONG))
    lane.send(request, since=0.0)
    while not receive(lane):
        pass
    return int(lane.received[9:12])
