"""What a search for slots costs: a month of 20 teams that are busy. `python -m ops.bench.slots ROUNDS` prints CPU
milliseconds as JSON; it runs in a process of its own, with the installation's environment.
"""

import json
import logging
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from api.app import create_app
from ops.bench.errors import BenchError
from ops.bench.installation import Installation
from ops.bench.seed import BATCH, company, place_orders
from ops.quickstart.database import REPOSITORY
from shared.core import clock
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.settings import load_settings
from shared.core.tenancy import Tenant
from shared.core.transaction import transaction
from shared.crews import teams
from shared.orders.model import Order
from shared.wiring import build_services

TEAMS, DAYS, ORDERS_A_DAY, SEARCHES = 20, 31, 5, 20
FIRST_DAY = clock.utc_now().date() + timedelta(days=30)
PATH = f"/v1/slots?minutes=120&from={FIRST_DAY}&to={FIRST_DAY + timedelta(days=DAYS)}"
_ALWAYS = {day: [{"opens": "00:00", "closes": "24:00"}] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
_GAP, _LENGTH, _BLOCKED = timedelta(hours=2), timedelta(minutes=60), timedelta(minutes=90)


def measure(made: Installation, rounds: int) -> list[float]:
    """CPU milliseconds of one search in each round. Raises `BenchError` when it fails."""
    command = [sys.executable, "-m", "ops.bench.slots", str(rounds)]
    done = subprocess.run(command, cwd=REPOSITORY, env=made.env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the search for slots failed:\n{done.stderr[-3000:]}")
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def fill(owner: Actor, client_id: UUID) -> None:
    """Teams that never close, and orders all over their days."""
    (order_id,) = place_orders(owner, client_id, 1)
    with transaction(Tenant(owner.org_id)) as session:
        now = clock.utc_now()
        team_ids = [
            teams.create(session, owner, name=f"Team {number}", hours=_ALWAYS, now=now).id for number in range(TEAMS)
        ]
        mine = (Order.org_id == owner.org_id, Order.id == UUID(order_id))
        session.execute(update(Order).where(*mine).values(team_id=None))
        first = dict(session.execute(select(Order.__table__).where(*mine)).mappings().one())
        copies = [_copy(first, number, team_ids) for number in range(TEAMS * DAYS * ORDERS_A_DAY)]
        for start in range(0, len(copies), BATCH):
            session.execute(insert(Order), copies[start : start + BATCH])


def _copy(first: dict[str, Any], number: int, team_ids: list[UUID]) -> dict[str, Any]:
    of_team, team = divmod(number, TEAMS)
    day, turn = divmod(of_team, ORDERS_A_DAY)
    start = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=day, hours=15) + turn * _GAP
    return first | {
        "id": new_id(),
        "number": first["number"] + number + 1,
        "team_id": team_ids[team],
        "scheduled_start": start,
        "scheduled_end": start + _LENGTH,
        "blocked_until": start + _BLOCKED,
    }


def search(client: FlaskClient, token: str) -> float:
    """CPU milliseconds of one search. Raises `BenchError` for another answer than the expected."""
    before = time.process_time()
    answer = client.get(PATH, headers={"Authorization": f"Bearer {token}"})
    spent = (time.process_time() - before) * 1000
    if answer.status_code != 200 or b'"team_ids"' not in answer.data:
        raise BenchError(f"not a list of slots: {answer.data[:300]!r}")
    return spent


def main() -> None:
    settings = load_settings()
    services = build_services(settings)
    made, owner = company(settings, "slots")
    fill(owner, UUID(made.client_id))
    logging.disable()
    client = create_app(settings, services).test_client()
    search(client, made.token)  # connects, and compiles statements
    rounds = [
        round(statistics.median(search(client, made.token) for _ in range(SEARCHES)), 2)
        for _ in range(int(sys.argv[1]))
    ]
    print(json.dumps(rounds))


if __name__ == "__main__":
    main()
