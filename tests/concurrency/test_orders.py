"""Orders under callers who come at the same moment."""

from collections import Counter
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from shared.core.locks import queue_up
from shared.core.transaction import read_only, transaction
from shared.messages.model import Message
from shared.orders.model import Order, OrderHistory
from shared.orders.placing import FIRST_NUMBER
from tests.concurrency.together import together
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company, make_company
from tests.jobs_probe import JobsProbe


def post(app: Flask, company: Company, path: str, **options: Any) -> TestResponse:
    """One request on a client of its own."""
    headers = company.headers() | options.pop("headers", {})
    return app.test_client().post(f"/v1/orders{path}", headers=headers, **options)


def events(company: Company, order_id: UUID) -> list[str]:
    query = select(OrderHistory.event).where(OrderHistory.order_id == order_id).order_by(OrderHistory.id)
    with read_only(company.scope) as session:
        return list(session.scalars(query))


def mails(company: Company) -> list[str]:
    with read_only(company.scope) as session:
        return sorted(session.scalars(select(Message.kind)))


def order(company: Company, order_id: UUID) -> Any:
    with read_only(company.scope) as session:
        return session.execute(select(Order).where(Order.id == order_id)).one()


def test_twenty_requests_with_one_key_place_one_order(app: Flask, company: Company) -> None:
    company.headers()
    body, key = order_body(company), {"Idempotency-Key": str(uuid4())}
    answers = together(*[partial(post, app, company, "", json=body, headers=key)] * 20)
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert statuses[201] >= 1
    refused = [answer.get_json()["code"] for answer in answers if answer.status_code == 409]
    assert set(refused) <= {"idempotency.in_flight"}
    made = [answer for answer in answers if answer.status_code == 201]
    assert len({answer.get_json()["id"] for answer in made}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in made) == 1
    with read_only(company.scope) as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1
    again = post(app, company, "", json=body, headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.get_json()["id"] == made[0].get_json()["id"]


def test_twenty_requests_with_twenty_keys_place_twenty_orders(app: Flask, company: Company) -> None:
    company.headers()
    body = order_body(company)
    keys = [{"Idempotency-Key": str(uuid4())} for _ in range(20)]
    answers = together(*[partial(post, app, company, "", json=body, headers=key) for key in keys])
    assert [answer.status_code for answer in answers] == [201] * 20
    numbers = sorted(answer.get_json()["number"] for answer in answers)
    assert numbers == list(range(FIRST_NUMBER, FIRST_NUMBER + 20))


def test_numbers_stay_gapless_when_some_orders_are_refused(app: Flask, company: Company) -> None:
    company.headers()
    good, bad = order_body(company), order_body(company, total={"amount": 1, "currency": "usd"})
    answers = together(*[partial(post, app, company, "", json=body) for body in [good, bad] * 8])
    placed = [answer.get_json()["number"] for answer in answers if answer.status_code == 201]
    assert Counter(answer.status_code for answer in answers) == {201: 8, 422: 8}
    assert sorted(placed) == list(range(FIRST_NUMBER, FIRST_NUMBER + 8))


def test_two_organizations_count_on_their_own(app: Flask, company: Company) -> None:
    other = make_company(company.services)
    both = [company, other] * 5
    for each in (company, other):
        each.headers()
    answers = together(*[partial(post, app, each, "", json=order_body(each)) for each in both])
    for each in (company, other):
        numbers = [a.get_json()["number"] for a, whose in zip(answers, both, strict=True) if whose is each]
        assert sorted(numbers) == list(range(FIRST_NUMBER, FIRST_NUMBER + 5))


@pytest.mark.parametrize("round_", range(5))
def test_of_a_confirmation_and_a_cancellation_of_one_version_one_wins(
    app: Flask, company: Company, round_: int
) -> None:
    company.headers()
    order_id = make_order(company)
    version = {"If-Match": '"v1"'}
    confirmed, cancelled = together(
        partial(post, app, company, f"/{order_id}/confirm", headers=version),
        partial(post, app, company, f"/{order_id}/cancel", headers=version, json={"reason": "The client is ill"}),
    )
    assert sorted([confirmed.status_code, cancelled.status_code]) == [200, 412]
    winner = "confirm" if confirmed.status_code == 200 else "cancel"
    assert events(company, order_id) == ["place", winner]
    assert order(company, order_id).version == 2
    assert mails(company) == ["order_confirmed" if winner == "confirm" else "order_cancelled"]


@pytest.mark.parametrize("round_", range(5))
def test_whoever_comes_first_a_cancelled_order_stays_cancelled_and_its_history_agrees(
    app: Flask, company: Company, jobs: JobsProbe, round_: int
) -> None:
    company.headers()
    order_id = make_order(company)
    confirmed, cancelled = together(
        partial(post, app, company, f"/{order_id}/confirm"),
        partial(post, app, company, f"/{order_id}/cancel", json={"reason": "The client is ill"}),
    )
    assert cancelled.status_code == 200
    assert order(company, order_id).state == "cancelled"
    if confirmed.status_code == 200:
        assert events(company, order_id) == ["place", "confirm", "cancel"]
        assert mails(company) == ["order_cancelled", "order_confirmed"]
    else:
        assert (confirmed.status_code, confirmed.get_json()["code"]) == (409, "orders.wrong_state")
        assert events(company, order_id) == ["place", "cancel"]
        assert mails(company) == ["order_cancelled"]
    assert order(company, order_id).version == len(events(company, order_id))
    assert len(jobs.enqueued()) == len(mails(company))


def test_ten_confirmations_at_once_confirm_and_mail_once(app: Flask, company: Company, jobs: JobsProbe) -> None:
    company.headers()
    order_id = make_order(company)
    answers = together(*[partial(post, app, company, f"/{order_id}/confirm")] * 10)
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 9}
    assert events(company, order_id) == ["place", "confirm"]
    assert mails(company) == ["order_confirmed"]
    assert len(jobs.enqueued()) == 1
    assert order(company, order_id).updated_at <= datetime.now(UTC)


def test_who_waits_too_long_for_a_number_is_told_to_try_again(app: Flask, company: Company) -> None:
    with transaction(company.scope) as session:
        queue_up(session, "orders.calendar", company.org_id)
        session.execute(text("SELECT 1"))
        answer = post(app, company, "", json=order_body(company))
    assert (answer.status_code, answer.get_json()["code"]) == (503, "database.busy")
    assert post(app, company, "", json=order_body(company)).get_json()["number"] == FIRST_NUMBER
