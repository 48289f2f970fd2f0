"""What the life of an order costs in SQL statements, those counted in that travel in front of others."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from shared.orders.states import Move, OrderState
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.catalog import make_estimate
from tests.factories.checklists import make_checklist_template
from tests.factories.crews import make_team, make_worker
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.orders.steps import BY_REQUEST, ask, let_it_begin, order_in
from tests.rows import row

BOOKING = 10
"""Fewer than this, with a key, a team, a worker and everything that is written beside."""
MOVE = 11
"""Lock, change, history, audit, export, mail and its recipient; and what the move is about, such as a checklist."""


def _soon() -> datetime:
    """Ten in the morning of a Monday in one or two weeks."""
    day = datetime.now(ZoneInfo("America/Edmonton")) + timedelta(days=7)
    day += timedelta(days=(7 - day.weekday()) % 7)
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def quiet(client: CheckedClient, company: Company) -> None:
    company.headers()
    client.get("/healthz")  # the checked client fetches the contract once, which is a request as well


def test_a_booking_by_staff(client: CheckedClient, company: Company, services: Services, quiet: None) -> None:
    body: dict[str, Any] = {
        "client_id": str(company.client_id),
        "estimate_id": str(make_estimate(company)),
        "team_id": str(make_team(company)),
        "address": "12 Elm Street",
        "scheduled_start": _soon().isoformat(),
    }
    with counted(services) as sent:
        answer = client.post("/v1/orders", json=body, headers=company.headers() | {"Idempotency-Key": "one"})
    assert answer.status_code == 201
    assert 0 < sent.logged < BOOKING, sent


def test_a_booking_by_a_stranger_makes_fewer_than_ten_round_trips(
    client: CheckedClient, company: Company, services: Services, quiet: None
) -> None:
    make_team(company)
    body = {
        "estimate_id": str(make_estimate(company)),
        "scheduled_start": _soon().isoformat(),
        "name": "Bo Lund",
        "email": "bo@client.test",
        "address": "12 Elm Street",
    }
    with counted(services) as sent:
        answer = client.post(f"/v1/public/{company.slug}/orders", json=body)
    assert answer.status_code == 201
    beside = [statement for statement in sent if statement == "a row beside the change"]
    assert 0 < len(sent) - len(beside) < BOOKING, sent


@pytest.mark.parametrize("move", BY_REQUEST)
def test_a_move(client: CheckedClient, company: Company, services: Services, quiet: None, move: Move) -> None:
    estimate_id = make_estimate(company)
    make_checklist_template(
        company, row("SELECT service_id FROM estimates WHERE id = :id", id=estimate_id)["service_id"]
    )
    source = {Move.START: OrderState.CONFIRMED, Move.COMPLETE: OrderState.IN_PROGRESS}.get(move, OrderState.PENDING)
    if move is Move.NO_SHOW:
        source = OrderState.CONFIRMED
    start = _soon()
    order_id = order_in(
        client,
        company,
        source,
        estimate_id=estimate_id,
        total=None,
        title=None,
        scheduled_start=start,
        scheduled_end=None,
        team_id=make_team(company),
        worker_ids=[make_worker(company)],
    )
    if move is Move.NO_SHOW:
        let_it_begin(company, order_id)
    if move is Move.COMPLETE:
        for item in client.get(f"/v1/orders/{order_id}/checklist", headers=company.headers()).get_json()["data"]:
            client.post(f"/v1/orders/{order_id}/checklist/{item['id']}/tick", headers=company.headers())
    with counted(services) as sent:
        assert ask(client, company.headers(), order_id, move).status_code == 200
    assert 0 < sent.logged <= MOVE, sent


def test_a_list_a_timeline_and_a_search(
    client: CheckedClient, company: Company, services: Services, quiet: None
) -> None:
    order_id = make_order(company)
    for path, most in (
        ("/v1/orders?q=anna%20berg&status=pending&date=2126-01-01&unassigned=true", 3),
        (f"/v1/orders/{order_id}/timeline", 4),
    ):
        with counted(services) as sent:
            assert client.get(path, headers=company.headers()).status_code == 200
        assert 0 < sent.logged <= most, sent
