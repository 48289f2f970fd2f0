"""How many SQL statements a request takes, as the API's own log says: the greatest reads, and bookings."""

import itertools
import json
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ops.bench import requests
from ops.bench.client import ask
from ops.bench.errors import BenchError
from ops.bench.gunicorn import Gunicorn
from ops.bench.many_orders import SLUG
from ops.bench.seed import Company

PATIENCE_SECONDS = 5.0
DAYS = 31
_BOOK = {
    "currency": "cad",
    "services": {"cleaning": {"base": {"price": "80.00", "minutes": 60}}},
    "addons": {},
    "taxes": [],
}


class Desk:
    """Somebody who asks and reads in the log what it took."""

    def __init__(self, server: Gunicorn, sock: socket.socket, token: str) -> None:
        self._server, self._sock, self._token = server, sock, token
        self._numbers = itertools.count(1)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> tuple[Any, int]:
        """The answer, and the number of statements. Raises `BenchError` for an answer that is not 2xx."""
        request_id = f"bench-statements-{next(self._numbers)}"
        headers = {"Authorization": f"Bearer {self._token}", "X-Request-Id": request_id}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = ask(self._sock, requests.request(method, path, headers, json.dumps(body).encode() if body else b""))
        return json.loads(answer), self._logged(request_id)

    def _logged(self, request_id: str) -> int:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            found = queries_in(self._server.log.read_text(errors="replace"), request_id)
            if found is not None:
                return found
            time.sleep(0.02)
        raise BenchError(f"{self._server.log} has no line of the request {request_id}")


def queries_in(log: str, request_id: str) -> int | None:
    """What the log line of a request says, or None while it is not there."""
    for line in log.splitlines(keepends=True):
        if request_id in line and line.startswith("{") and line.endswith("\n"):
            entry = json.loads(line)
            if entry.get("request_id") == request_id and "queries" in entry:
                return int(entry["queries"])
    return None


def count(server: Gunicorn, sock: socket.socket, company: Company) -> dict[str, list[float]]:
    """Statements of the board of a week, a month of slots, and an order that takes a team's time, placed by staff and
    booked by a client."""
    desk = Desk(server, sock, company.token)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    estimate = _estimate(desk)
    _, of_board = desk.ask("GET", f"/v1/schedule?from={tomorrow}&to={tomorrow + timedelta(days=7)}")
    month = f"from={tomorrow}&to={tomorrow + timedelta(days=DAYS)}"
    found, of_slots = desk.ask("GET", f"/v1/slots?estimate_id={estimate}&{month}")
    place = {"estimate_id": estimate, "address": "12 Elm Street, Calgary"}
    staffs, clients = found["data"][0], found["data"][-1]
    placed = {"client_id": company.client_id, "scheduled_start": staffs["start"], "team_id": staffs["team_ids"][0]}
    _, of_placing = desk.ask("POST", "/v1/orders", place | placed)
    booked = {"scheduled_start": clients["start"], "name": "Bo Lund", "email": "bo@bench.test"}
    _, of_booking = desk.ask("POST", f"/v1/public/{SLUG}/orders", place | booked)
    return {
        "board_statements": [of_board],
        "slots_statements": [of_slots],
        "booking_statements": [of_placing],
        "public_booking_statements": [of_booking],
    }


def _estimate(desk: Desk) -> str:
    """An estimate of something that the company begins to sell."""
    service, _ = desk.ask("POST", "/v1/services", {"key": "cleaning", "name": "Cleaning"})
    desk.ask("POST", "/v1/price-books", {"rules": _BOOK})
    estimate, _ = desk.ask("POST", "/v1/estimates", {"service_id": service["id"]})
    return str(estimate["id"])
