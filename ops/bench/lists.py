"""Do lists stay as fast as they are when there is much behind them? GET /v1/orders and the board in an organization of
100,000 orders, among a million in the database; and how many SQL statements the greatest requests take.

One connection to each server and one request at a time: latencies are compared, and nothing waits for a thread.
"""

import itertools
import json
import socket
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ops.bench import requests, statements
from ops.bench.client import ask, connect, drive
from ops.bench.gunicorn import Gunicorn
from ops.bench.http_rounds import OURS, WARM_UP_SECONDS, cpu_of
from ops.bench.installation import Installation
from ops.bench.many_orders import Filled, fill
from ops.bench.measured import Rate, quotients
from ops.quickstart import ports

ORDERS, OTHERS, ORDERS_OF_OTHER = 100_000, 999, 901
FEW_ORDERS = 10_000
PAGE = 1000
TURN_SECONDS = 0.25
"""Lists take turns as short as this, so that a slow moment of the machine hits all of them."""

PLAIN = "/v1/orders?limit=50"


@dataclass(slots=True)
class Listing:
    """One list, over a connection of its own server; `latencies` has a list for each round, in seconds."""

    server: Gunicorn
    sock: socket.socket
    request: bytes
    rate: Rate
    latencies: list[list[float]]

    def turn(self, made: Installation, seconds: float) -> None:
        """Read it again and again."""
        before = cpu_of(made, self.server)
        load = drive([self.sock], itertools.repeat(self.request), seconds)
        self.rate.add_cpu(before, cpu_of(made, self.server))
        self.rate.latencies += load.latencies
        self.rate.client_cpu.append(load.client_cpu)
        self.rate.count += len(load.latencies)
        self.latencies[-1] += load.latencies


def measure(
    made: Installation, rounds: int, seconds: float, say: Callable[[str], None]
) -> tuple[dict[str, Rate], dict[str, list[float]]]:
    """Rates of the lists by name, and values by name and round."""
    many = fill(made, "many", orders=ORDERS, others=OTHERS, orders_of_other=ORDERS_OF_OTHER)
    few = fill(made, "few", orders=FEW_ORDERS, others=0, orders_of_other=0)
    say(f"{ORDERS + OTHERS * ORDERS_OF_OTHER} orders in {many.seconds:.0f} s, {FEW_ORDERS} in {few.seconds:.0f} s")
    with ExitStack() as stack:
        full, small = (
            stack.enter_context(Gunicorn(OURS, each.env, ports.free_port(), made.folder)) for each in (many, few)
        )
        to_full, to_small = (stack.enter_context(connect(server.port)) for server in (full, small))
        found = {
            name: Listing(full, to_full, requests.get(path, many.company.token), Rate(), [])
            for name, path in _paths(many, to_full).items()
        }
        found["list_of_10k"] = Listing(small, to_small, requests.get(PLAIN, few.company.token), Rate(), [])
        _run(made, found, rounds, seconds, say)
        values = statements.count(full, to_full, many.company)
    values["page_1000_vs_page_1"] = quotients(found["list_page_1000"].latencies, found["list_of_1m"].latencies)
    values["list_1m_vs_10k"] = quotients(found["list_of_1m"].latencies, found["list_of_10k"].latencies)
    return {name: listing.rate for name, listing in found.items()}, values


def _run(
    made: Installation, found: dict[str, Listing], rounds: int, seconds: float, say: Callable[[str], None]
) -> None:
    for listing in found.values():
        drive([listing.sock], itertools.repeat(listing.request), WARM_UP_SECONDS)
    turns = max(1, round(seconds / TURN_SECONDS))
    for number in range(1, rounds + 1):
        for listing in found.values():
            listing.latencies.append([])
        for _ in range(turns):
            for listing in found.values():
                listing.turn(made, TURN_SECONDS)
        for listing in found.values():
            listing.rate.rounds.append(len(listing.latencies[-1]) / sum(listing.latencies[-1]))
        latest = "  ".join(f"{name} {listing.rate.rounds[-1]:.0f}" for name, listing in found.items())
        say(f"round {number}/{rounds}, per second: {latest}")


def _paths(many: Filled, sock: socket.socket) -> dict[str, str]:
    """The lists by name, each with the filters of one view of an office."""

    def read(path: str) -> Any:
        return json.loads(ask(sock, requests.get(path, many.company.token)))

    first = read(PLAIN)
    cursor = first["next_cursor"]
    for _ in range(PAGE - 2):
        cursor = read(f"{PLAIN}&cursor={cursor}")["next_cursor"]
    shown = next(order for order in first["data"] if order["team_id"])
    monday = next_monday(datetime.now(UTC).date())
    since = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    filters = {
        "of_1m": "",
        "page_1000": f"&cursor={cursor}",
        "by_status": "&status=completed",
        "by_statuses": "&status=in_progress,no_show",
        "by_team": f"&team_id={shown['team_id']}",
        "unassigned": "&unassigned=true",
        "by_client": f"&client_id={shown['client_id']}",
        "on_date": f"&date={monday}",
        "status_on_date": f"&status=confirmed&date={monday}",
        "changed_since": f"&updated_since={since}",
        "by_name": "&q=anna",
        "by_number": "&q=50123",
    }
    board = f"/v1/schedule?from={monday}&to={monday + timedelta(days=7)}"
    return {f"list_{name}": PLAIN + query for name, query in filters.items()} | {"board_week_of_500": board}


def next_monday(today: date) -> date:
    """The first Monday after `today`."""
    return today + timedelta(days=7 - today.weekday())
