"""Reminders that wait to be sent while their order is moved, called off or begun: they must not go out."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.core.errors import Unavailable
from shared.core.transaction import transaction
from shared.integrations.mail import MAIL_DELAYED
from shared.messages import sending
from shared.messages.jobs import SEND
from shared.orders.states import Move
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.orders.reminding import HOUR, make_due, reminders_of, scan, set_mail
from tests.orders.steps import ask, let_it_begin
from tests.rows import row, rows

WORDS = {
    Move.CANCEL: "The order was cancelled.",
    Move.RESCHEDULE: "The order was moved.",
    Move.START: "The work has begun.",
}


@pytest.fixture
def order_id(company: Company, jobs: JobsProbe) -> UUID:
    """A confirmed order whose client is about to be reminded."""
    order_id = make_due(company)
    assert scan(company) == 1
    jobs.enqueued()
    return order_id


def _move(client: CheckedClient, company: Company, order_id: UUID, move: Move) -> None:
    answer = ask(client, company.headers(), order_id, move)
    assert answer.status_code == 200, answer.get_data(as_text=True)


def _send(company: Company, jobs: JobsProbe) -> None:
    jobs.run(SEND.name, {"org_id": str(company.org_id)})


def _reschedule(client: CheckedClient, company: Company, order_id: UUID, start: datetime) -> None:
    body = {"scheduled_start": start.isoformat()}
    answer = client.post(f"/v1/orders/{order_id}/reschedule", json=body, headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)


@pytest.mark.parametrize("move", list(WORDS))
@pytest.mark.parametrize("state", ["queued", "retrying"])
def test_what_waits_is_withdrawn_with_the_move(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, move: Move, state: str
) -> None:
    set_mail(company, state=state)
    _move(client, company, order_id, move)
    (mail,) = reminders_of(company)
    assert (mail["state"], mail["last_error"], mail["next_attempt_at"]) == ("suppressed", WORDS[move], None)
    later = datetime.now(UTC) + timedelta(days=2)
    with transaction(company.scope) as session:
        sending.sweep(session, company.services.settings, now=later, limit=100)
    jobs.drain()
    assert reminders_of(company) == [mail]


@pytest.mark.parametrize("move", [Move.CHANGE, Move.ASSIGN])
def test_other_changes_withdraw_nothing(client: CheckedClient, company: Company, order_id: UUID, move: Move) -> None:
    before = reminders_of(company)
    _move(client, company, order_id, move)
    assert reminders_of(company) == before


def test_the_same_time_again_withdraws_nothing(client: CheckedClient, company: Company, order_id: UUID) -> None:
    before = reminders_of(company)
    _reschedule(client, company, order_id, row("SELECT * FROM orders WHERE id = :id", id=order_id)["scheduled_start"])
    assert reminders_of(company) == before


def test_a_refused_move_withdraws_nothing(client: CheckedClient, company: Company, order_id: UUID) -> None:
    before = reminders_of(company)
    stale = {"If-Match": '"v99"'}
    assert ask(client, company.headers(), order_id, Move.CANCEL, **stale).status_code == 412
    assert reminders_of(company) == before


def test_who_was_never_reminded_of_an_old_time_is_when_it_is_back(
    client: CheckedClient, company: Company, order_id: UUID
) -> None:
    start = row("SELECT * FROM orders WHERE id = :id", id=order_id)["scheduled_start"]
    _reschedule(client, company, order_id, start + HOUR)
    assert scan(company) == 1
    _reschedule(client, company, order_id, start)
    assert scan(company) == 1
    assert [mail["state"] for mail in reminders_of(company)] == ["suppressed", "suppressed", "queued"]
    assert reminders_of(company)[2]["not_after"] == start


def test_who_was_reminded_of_an_old_time_is_not_again(client: CheckedClient, company: Company, order_id: UUID) -> None:
    start = row("SELECT * FROM orders WHERE id = :id", id=order_id)["scheduled_start"]
    set_mail(company, state="sent", next_attempt_at=None)
    _reschedule(client, company, order_id, start + HOUR)
    _reschedule(client, company, order_id, start)
    assert scan(company) == 0
    assert [mail["state"] for mail in reminders_of(company)] == ["sent"]


@pytest.mark.parametrize("state", ["sent", "dead", "suppressed"])
def test_what_is_over_stays_as_it_is(client: CheckedClient, company: Company, order_id: UUID, state: str) -> None:
    set_mail(company, state=state, next_attempt_at=None, last_error="as it was")
    before = reminders_of(company)
    _move(client, company, order_id, Move.CANCEL)
    assert reminders_of(company) == before


def test_other_mails_and_other_orders_keep_theirs(client: CheckedClient, company: Company, order_id: UUID) -> None:
    other = make_due(company)
    scan(company)
    _move(client, company, order_id, Move.CANCEL)
    states: dict[Any, str] = {mail["resource_id"]: mail["state"] for mail in reminders_of(company)}
    assert states == {order_id: "suppressed", other: "queued"}
    kept = rows("SELECT state FROM messages WHERE resource_id = :id AND kind <> 'order_reminder'", id=order_id)
    assert {mail["state"] for mail in kept} == {"queued"}


def test_one_that_a_worker_has_in_its_hands_may_arrive_and_is_not_tried_again(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    set_mail(company, id=UUID(int=1))  # the oldest mail of all
    settings, now = company.services.settings, datetime.now(UTC)
    with transaction(company.scope) as session:
        claimed = sending.claim(session, company.org_id, settings, now=now)
    assert claimed is not None
    assert claimed.kind == "order_reminder"
    _move(client, company, order_id, Move.CANCEL)
    with transaction(company.scope) as session:
        refused = sending.failed(claimed, settings, Unavailable(MAIL_DELAYED, "Not now."), now=now)
        sending.record(session, claimed, refused)
    assert reminders_of(company)[0]["state"] == "retrying"
    with transaction(company.scope) as session:
        sending.sweep(session, settings, now=now + timedelta(hours=2), limit=100)
    _send(company, jobs)
    (mail,) = reminders_of(company)
    assert (mail["state"], mail["last_error"]) == ("dead", "It is too late for this mail.")


def test_one_that_a_worker_has_sent_meanwhile_says_so(client: CheckedClient, company: Company, order_id: UUID) -> None:
    set_mail(company, id=UUID(int=1))
    settings, now = company.services.settings, datetime.now(UTC)
    with transaction(company.scope) as session:
        claimed = sending.claim(session, company.org_id, settings, now=now)
    assert claimed is not None
    _move(client, company, order_id, Move.CANCEL)
    with transaction(company.scope) as session:
        sending.record(session, claimed, sending.sent(claimed, "taken", now=now))
    (mail,) = reminders_of(company)
    assert (mail["state"], mail["provider_id"]) == ("sent", "taken")


def test_one_that_has_waited_until_the_start_is_too_late(company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    let_it_begin(company, order_id)
    set_mail(company, not_after=row("SELECT * FROM orders WHERE id = :id", id=order_id)["scheduled_start"])
    _send(company, jobs)
    (mail,) = reminders_of(company)
    assert (mail["state"], mail["last_error"]) == ("dead", "It is too late for this mail.")
    assert scan(company) == 0
