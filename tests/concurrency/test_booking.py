"""One time, two hundred who want it: one gets it, and everybody else three other times that are free."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from shared.clients.model import Client
from shared.core.transaction import transaction
from tests.concurrency.together import together, until_waiting
from tests.factories.catalog import make_estimate
from tests.factories.clients import make_client
from tests.factories.crews import make_team, make_worker
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.rows import row, rows

MANY = 200
EDMONTON = ZoneInfo("America/Edmonton")
HOUR = timedelta(hours=1)


def _monday_at(hour: int) -> datetime:
    """On a Monday in one or two weeks: the company works."""
    day = datetime.now(EDMONTON) + timedelta(days=7)
    day += timedelta(days=(7 - day.weekday()) % 7)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


def _overlaps(company: Company) -> list[dict[str, Any]]:
    """Pairs of orders that take the same team's, or the same worker's, time."""
    taking = "('pending', 'confirmed', 'in_progress')"
    return rows(
        f"""
        SELECT a.id FROM orders a JOIN orders b ON a.org_id = b.org_id AND a.team_id = b.team_id AND a.id < b.id
        WHERE a.org_id = :org AND a.state IN {taking} AND b.state IN {taking}
          AND tstzrange(a.scheduled_start, a.blocked_until) && tstzrange(b.scheduled_start, b.blocked_until)
        UNION ALL
        SELECT a.order_id FROM order_workers a JOIN order_workers b USING (org_id, worker_id)
        JOIN orders x ON x.org_id = a.org_id AND x.id = a.order_id
        JOIN orders y ON y.org_id = b.org_id AND y.id = b.order_id
        WHERE a.org_id = :org AND x.id < y.id AND x.state IN {taking} AND y.state IN {taking}
          AND tstzrange(x.scheduled_start, x.blocked_until) && tstzrange(y.scheduled_start, y.blocked_until)
        """,
        org=company.org_id,
    )


@pytest.mark.timeout(300)
@pytest.mark.parametrize("door", ["staff", "public"])
def test_two_hundred_bookings_of_one_time_have_one_winner_and_real_alternatives(
    app: Flask, company: Company, door: str
) -> None:
    team_id, estimate_id = make_team(company), make_estimate(company)
    start = _monday_at(10)
    staff = order_body(company, team_id=str(team_id), scheduled_start=start.isoformat())
    staff["scheduled_end"] = (start + 2 * HOUR).isoformat()
    headers = company.headers()

    def book(number: int, at: str | None = None) -> TestResponse:
        if door == "staff":
            body = staff | ({"scheduled_start": at, "scheduled_end": _two_hours_after(at)} if at else {})
            return app.test_client().post("/v1/orders", json=body, headers=headers)
        body = {
            "estimate_id": str(estimate_id),
            "scheduled_start": at or start.isoformat(),
            "name": f"Guest {number}",
            "email": f"guest-{number}@client.test",
            "address": "12 Elm Street",
        }
        return app.test_client().post(f"/v1/public/{company.slug}/orders", json=body)

    answers = together(*(partial(book, number) for number in range(MANY)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: MANY - 1}
    losers = [answer.get_json() for answer in answers if answer.status_code == 409]
    assert {problem["code"] for problem in losers} == {"orders.slot_taken"}
    assert {len(problem["alternatives"]) for problem in losers} == {3}
    assert row("SELECT count(*) AS n FROM orders WHERE org_id = :org", org=company.org_id)["n"] == 1
    for number, offered in enumerate(losers[0]["alternatives"]):
        answer = book(MANY + number, offered["start"])
        assert answer.status_code == 201, answer.get_data(as_text=True)
        order_id = answer.get_json()["id"]
        app.test_client().post(f"/v1/orders/{order_id}/cancel", json={"reason": "looked"}, headers=headers)
    assert _overlaps(company) == []


def _two_hours_after(at: str) -> str:
    return (datetime.fromisoformat(at) + 2 * HOUR).isoformat()


def test_rescheduling_into_one_time_has_one_winner(app: Flask, company: Company) -> None:
    team_id, target = make_team(company), _monday_at(10)
    order_ids = [
        make_order(
            company,
            team_id=team_id,
            scheduled_start=target + timedelta(days=1 + number, hours=2),
            scheduled_end=target + timedelta(days=1 + number, hours=3),
        )
        for number in range(10)
    ]
    headers = company.headers()

    def move(order_id: Any) -> TestResponse:
        body = {"scheduled_start": target.isoformat()}
        return app.test_client().post(f"/v1/orders/{order_id}/reschedule", json=body, headers=headers)

    answers = together(*(partial(move, order_id) for order_id in order_ids))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert _overlaps(company) == []


def test_assigning_one_worker_to_many_orders_of_one_time_has_one_winner(app: Flask, company: Company) -> None:
    worker_id, start = make_worker(company), _monday_at(10)
    order_ids = [
        make_order(company, scheduled_start=start + number * HOUR / 4, scheduled_end=start + 2 * HOUR)
        for number in range(6)
    ]
    headers = company.headers()

    def assign(order_id: Any) -> TestResponse:
        body = {"team_id": None, "worker_ids": [str(worker_id)]}
        return app.test_client().post(f"/v1/orders/{order_id}/assign", json=body, headers=headers)

    answers = together(*(partial(assign, order_id) for order_id in order_ids))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 5}
    assert _overlaps(company) == []


@pytest.mark.parametrize("column", ["erased_at", "merged_into_id"])
def test_an_order_that_is_placed_while_its_client_goes_is_refused(app: Flask, company: Company, column: str) -> None:
    other = make_client(company)
    headers = company.headers()

    def place() -> TestResponse:
        return app.test_client().post("/v1/orders", json=order_body(company), headers=headers)

    value = datetime.now(UTC) if column == "erased_at" else other
    with ThreadPoolExecutor(1) as threads:
        with transaction(company.scope) as session:
            mine = (Client.org_id == company.org_id, Client.id == company.client_id)
            session.execute(select(Client.id).where(*mine).with_for_update())
            session.execute(update(Client).where(*mine).values({column: value}))
            placing = threads.submit(place)
            until_waiting(1)
        answer = placing.result(30)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "orders.unknown_client")
