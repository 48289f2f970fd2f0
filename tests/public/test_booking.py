"""Strangers book what is offered to them, and learn nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from shared.core.transaction import transaction
from shared.orders import moving
from shared.organizations import settings
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_estimate
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.orders.test_placing import change_company
from tests.rows import footprint, row, rows

EDMONTON = ZoneInfo("America/Edmonton")
HOUR = timedelta(hours=1)


def _monday(weeks: int = 1) -> datetime:
    """Ten in the morning of a Monday in so many weeks, or one more."""
    day = datetime.now(EDMONTON) + timedelta(weeks=weeks)
    day += timedelta(days=(7 - day.weekday()) % 7)
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


def _body(estimate_id: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "estimate_id": str(estimate_id),
        "scheduled_start": _monday().isoformat(),
        "name": "Bo Lund",
        "email": "bo@client.test",
        "address": "12 Elm Street",
    } | changes


def _book(client: CheckedClient, company: Company, estimate_id: UUID, **changes: Any) -> Any:
    return client.post(f"/v1/public/{company.slug}/orders", json=_body(estimate_id, **changes))


def _refused(answer: Any) -> tuple[int, str, list[str]]:
    problem = answer.get_json()
    return answer.status_code, problem["code"], [error["pointer"] for error in problem.get("errors", [])]


def test_a_booking_is_a_pending_order_with_a_team_workers_and_a_mail(client: CheckedClient, company: Company) -> None:
    team_id, estimate_id = make_team(company), make_estimate(company)
    worker_id = make_worker(company, team_id=team_id)
    taken = _book(client, company, estimate_id, access_notes="Key at the neighbour's")
    assert taken.status_code == 201
    shown = taken.get_json()
    assert (shown["state"], shown["hold_until"], shown["deposit"]["amount"]) == ("pending", None, 0)
    assert "Key" not in taken.get_data(as_text=True)
    order = row("SELECT * FROM orders WHERE id = :id", id=shown["id"])
    assert (order["team_id"], order["source"], order["access_notes"]) == (team_id, "public", "Key at the neighbour's")
    assert [each["worker_id"] for each in rows("SELECT worker_id FROM order_workers")] == [worker_id]
    (mail,) = rows("SELECT kind, recipient FROM messages")
    assert (mail["kind"], mail["recipient"]) == ("order_pending", "bo@client.test")


@pytest.mark.parametrize("end", ["cancelled by staff", "hold ran out"])
def test_until_staff_confirm_it_no_mail_repeats_what_a_stranger_typed(
    client: CheckedClient, company: Company, end: str
) -> None:
    """The mailbox may be anybody's: a name that advertises something would reach them half an hour later."""
    make_team(company)
    typed = {"name": "Win at evil.example", "address": "Click evil.example"}
    order = _book(client, company, make_estimate(company), **typed).get_json()
    moved = {"scheduled_start": (_monday() + HOUR).isoformat()}
    answer = client.post(f"/v1/orders/{order['id']}/reschedule", json=moved, headers=company.headers())
    assert answer.status_code == 200
    if end == "cancelled by staff":
        client.post(f"/v1/orders/{order['id']}/cancel", json={"reason": "no"}, headers=company.headers())
    else:
        with transaction(company.scope) as session:
            pending = moving.lock(session, company.owner, UUID(order["id"]))
            moving.expire(session, company.owner, pending, now=datetime.now(UTC))
    told = rows("SELECT kind, variables FROM messages WHERE kind <> 'order_pending' ORDER BY id")
    assert [mail["kind"] for mail in told] == ["order_rescheduled", "order_cancelled"]
    assert "evil" not in str(told)


def test_whose_team_is_booked_cannot_be_sent_elsewhere(client: CheckedClient, company: Company) -> None:
    team_id, estimate_id = make_team(company), make_estimate(company)
    worker_id = make_worker(company, team_id=team_id)
    assert _book(client, company, estimate_id).status_code == 201
    other = make_order(company, scheduled_start=_monday() + HOUR, scheduled_end=_monday() + 2 * HOUR)
    body = {"team_id": None, "worker_ids": [str(worker_id)]}
    sent = client.post(f"/v1/orders/{other}/assign", json=body, headers=company.headers())
    assert (sent.status_code, sent.get_json()["code"]) == (409, "orders.slot_taken")


def test_workers_who_are_away_or_busy_elsewhere_are_not_named(client: CheckedClient, company: Company) -> None:
    team_id, estimate_id = make_team(company), make_estimate(company)
    away, busy, free = (make_worker(company, team_id=team_id) for _ in range(3))
    make_blackout(company, worker_id=away, starts_at=_monday(), ends_at=_monday() + HOUR)
    make_order(company, worker_ids=[busy], scheduled_start=_monday(), scheduled_end=_monday() + HOUR)
    taken = _book(client, company, estimate_id).get_json()
    sent = rows("SELECT worker_id FROM order_workers WHERE order_id = :id", id=taken["id"])
    assert [each["worker_id"] for each in sent] == [free]


def test_every_stranger_is_a_new_customer_until_they_have_proved_otherwise(
    client: CheckedClient, company: Company
) -> None:
    """Or a deposit could be avoided with a known address, and the door would tell who is a customer."""
    change_company(company, deposit_policy=settings.DEPOSIT_POLICY | {"required_for": ["first_order"]})
    make_team(company), make_team(company)
    estimate_id = make_estimate(company)
    known = make_order(company)
    client.post(f"/v1/orders/{known}/confirm", headers=company.headers())
    answers = [_book(client, company, estimate_id, email=email) for email in (company.client_email, "new@client.test")]
    assert [answer.status_code for answer in answers] == [201, 201]
    one, other = (answer.get_json() for answer in answers)
    assert one["deposit"] == other["deposit"]
    assert one["deposit"]["amount"] > 0
    assert None not in {one["hold_until"], other["hold_until"]}
    assert set(one) == set(other)


@pytest.mark.parametrize("wrong", ["weekly", "foreign", "unknown", "off sale"])
def test_an_estimate_that_cannot_be_booked_is_refused(
    client: CheckedClient, company: Company, neighbour: Company, wrong: str
) -> None:
    make_team(company)
    estimates = {
        "weekly": lambda: make_estimate(company, frequency="weekly"),
        "foreign": lambda: make_estimate(neighbour),
        "unknown": uuid4,
        "off sale": lambda: make_estimate(company),
    }
    estimate_id = estimates[wrong]()
    if wrong == "off sale":
        service_id = row("SELECT service_id FROM estimates WHERE id = :id", id=estimate_id)["service_id"]
        off = client.patch(f"/v1/services/{service_id}", json={"is_active": False}, headers=company.headers())
        assert off.status_code == 200
    before = footprint(company.org_id)
    code = {"weekly": "orders.not_single", "off sale": "orders.not_on_sale"}.get(wrong, "orders.unknown_estimate")
    assert _refused(_book(client, company, estimate_id)) == (422, code, ["/estimate_id"])
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("when", ["closed", "too soon", "too far", "off the grid", "past"])
def test_a_time_that_is_not_offered_is_refused_with_three_that_are(
    client: CheckedClient, company: Company, when: str
) -> None:
    make_team(company)
    estimate_id = make_estimate(company)
    starts = {
        "closed": _monday().replace(hour=4),
        "too soon": datetime.now(EDMONTON) + timedelta(hours=2),
        "too far": _monday(weeks=60),
        "off the grid": _monday() + timedelta(minutes=7),
        "past": datetime.now(EDMONTON) - timedelta(days=1),
    }
    before = footprint(company.org_id)
    answer = _book(client, company, estimate_id, scheduled_start=starts[when].isoformat())
    assert (answer.status_code, answer.get_json()["code"]) == (409, "orders.slot_taken")
    offered = answer.get_json()["alternatives"]
    assert len(offered) == (0 if when == "too far" else 3)
    assert footprint(company.org_id) == before
    for each in offered[:1]:
        assert _book(client, company, estimate_id, scheduled_start=each["start"]).status_code == 201


def test_only_teams_that_work_there_are_offered_and_come(client: CheckedClient, company: Company) -> None:
    make_team(company, postal_prefixes=["T2P"])
    estimate_id = make_estimate(company)
    day = {"from": f"{_monday():%Y-%m-%d}", "to": f"{_monday() + timedelta(days=1):%Y-%m-%d}"}
    slots = f"/v1/public/{company.slug}/slots"
    for code, is_served in (("T2P 1J9", True), ("X1X 1X1", False), ("", False)):
        area = {"postal_code": code} if code else {}
        found = client.get(slots, query_string=day | area | {"estimate_id": str(estimate_id)}).get_json()["data"]
        assert bool(found) is is_served
        status = _book(client, company, estimate_id, **area).status_code
        assert status == (201 if is_served else 409)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "Your account\nis blocked"}, "/name"),
        ({"name": ""}, "/name"),
        ({"email": None}, "/email"),
        ({"email": "no address"}, "/email"),
        ({"email": None, "phone": "12"}, "/phone"),
        ({"notes": "x" * 10_001}, "/notes"),
        ({"address": ""}, "/address"),
        ({"total": {"amount": 1, "currency": "cad"}}, "/total"),
        ({"client_id": str(uuid4())}, "/client_id"),
        ({"team_id": str(uuid4())}, "/team_id"),
    ],
)
def test_a_booking_that_is_not_right_is_refused(
    client: CheckedClient, company: Company, changes: dict[str, Any], pointer: str
) -> None:
    make_team(company)
    estimate_id = make_estimate(company)
    before = footprint(company.org_id)
    status, _, pointers = _refused(_book(client, company, estimate_id, **changes))
    assert (status, pointers) == (422, [pointer])
    assert footprint(company.org_id) == before
