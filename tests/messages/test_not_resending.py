"""When an order's last mail is not sent once more: it would be wrong, of no use, or reach nobody."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.checked_client import CheckedClient
from tests.factories.messages import change_message, make_message, make_sent, make_suppression
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.resending_steps import correct, resend
from tests.orders.steps import change_row
from tests.rows import footprint, row, rows


@pytest.fixture
def order_id(company: Company) -> UUID:
    return make_order(company)


def _refused(client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, code: str) -> dict[str, Any]:
    """Refused with that code, nothing changed, nothing enqueued."""
    company.headers()
    jobs.enqueued()
    before = footprint(company.org_id)
    answer = resend(client, company, order_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, code)
    assert (footprint(company.org_id), jobs.enqueued()) == (before, [])
    found: dict[str, Any] = answer.get_json()
    return found


@pytest.mark.parametrize("state", ["queued", "sending", "retrying"])
def test_a_last_mail_on_its_way_is_waited_for(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, state: str
) -> None:
    make_sent(company, about=order_id)
    change_message(company, make_message(company, about=order_id), state=state)
    assert _refused(client, company, jobs, order_id, "messages.on_its_way")["state"] == state


def test_asked_twice_it_is_sent_once(client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID) -> None:
    make_sent(company, about=order_id)
    assert resend(client, company, order_id).status_code == 202
    assert _refused(client, company, jobs, order_id, "messages.on_its_way")["state"] == "queued"


def test_of_two_who_ask_at_once_one_sends(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    """The other one has written its copy since this one looked; the key of the copy tells."""
    last = make_sent(company, about=order_id)
    change_message(company, make_message(company), dedupe_key=f"again:{last}")
    assert _refused(client, company, jobs, order_id, "messages.on_its_way")["state"] == "queued"


def test_a_mailbox_is_not_filled_by_pressing_the_button(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    """A corrected address need not wait, nor what could not be sent."""
    make_sent(company, about=order_id)
    copy = resend(client, company, order_id).get_json()
    jobs.drain()
    again_at = _refused(client, company, jobs, order_id, "messages.just_sent")["again_at"]
    waited = datetime.fromisoformat(again_at) - datetime.fromisoformat(copy["created_at"])
    assert waited == timedelta(minutes=1)
    correct(client, company)
    corrected = resend(client, company, order_id)
    assert corrected.status_code == 202
    change_message(company, UUID(corrected.get_json()["id"]), state="dead", next_attempt_at=None)
    copy = resend(client, company, order_id)
    assert copy.status_code == 202
    past = datetime.now(UTC) - timedelta(seconds=61)
    change_message(company, UUID(copy.get_json()["id"]), state="sent", next_attempt_at=None, created_at=past)
    assert resend(client, company, order_id).status_code == 202


def test_without_a_mail_there_is_nothing_to_send(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    make_sent(company)
    make_sent(company, about=make_order(company))
    _refused(client, company, jobs, order_id, "messages.nothing_to_resend")


def test_what_a_mail_said_may_be_forgotten(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    change_message(company, make_sent(company, about=order_id), variables={})
    _refused(client, company, jobs, order_id, "messages.nothing_to_resend")


def test_a_client_without_an_address_gets_none(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    make_sent(company, about=order_id)
    correct(client, company, None)
    _refused(client, company, jobs, order_id, "orders.client_without_address")


def test_an_erased_client_gets_none_and_no_stored_answer_names_them(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    make_sent(company, about=order_id)
    assert resend(client, company, order_id, **{"Idempotency-Key": "k"}).status_code == 202
    jobs.drain()
    kept = "SELECT 1 FROM idempotency_keys WHERE body::text LIKE :email"
    assert len(rows(kept, email=f"%{company.client_email}%")) == 1
    headers = company.headers()
    client.post(f"/v1/orders/{order_id}/cancel", json={"reason": "moved away"}, headers=headers)
    erased = client.post(f"/v1/clients/{company.client_id}/erase", json={"reason": "asked"}, headers=headers)
    assert erased.status_code == 200, erased.get_json()
    assert rows(kept, email=f"%{company.client_email}%") == []
    _refused(client, company, jobs, order_id, "clients.erased")


def test_an_address_that_has_bounced_gets_none_until_it_is_another(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    make_suppression(company, company.client_email)
    make_sent(company, about=order_id)
    assert _refused(client, company, jobs, order_id, "messages.suppressed")["reason"] == "bounced"
    correct(client, company)
    assert resend(client, company, order_id).status_code == 202


def test_a_reminder_after_the_start_is_too_late(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    make_sent(company, about=order_id, kind="order_reminder")
    set_order_state(company, order_id, "confirmed")
    begun = datetime.now(UTC) - timedelta(seconds=1)
    change_row(company, order_id, scheduled_start=begun)
    _refused(client, company, jobs, order_id, "messages.too_late")


@pytest.mark.parametrize("state", ["pending", "in_progress", "cancelled"])
def test_nobody_is_reminded_of_what_is_not_ahead(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID, state: str
) -> None:
    begins = row("SELECT scheduled_start FROM orders WHERE id = :id", id=order_id)["scheduled_start"]
    change_message(company, make_sent(company, about=order_id, kind="order_reminder"), not_after=begins)
    set_order_state(company, order_id, state)
    _refused(client, company, jobs, order_id, "messages.too_late")


def test_nobody_is_reminded_of_a_time_that_was_given_up(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    """The client had no address when the order was moved, so no later mail tells them."""
    begins = row("SELECT scheduled_start FROM orders WHERE id = :id", id=order_id)["scheduled_start"]
    change_message(company, make_sent(company, about=order_id, kind="order_reminder"), not_after=begins)
    set_order_state(company, order_id, "confirmed")
    change_row(company, order_id, scheduled_start=begins + timedelta(minutes=30))
    _refused(client, company, jobs, order_id, "messages.too_late")
    change_row(company, order_id, scheduled_start=begins)
    assert resend(client, company, order_id).status_code == 202


def test_a_mail_whose_time_is_over_is_too_late(
    client: CheckedClient, company: Company, jobs: JobsProbe, order_id: UUID
) -> None:
    change_message(company, make_sent(company, about=order_id), not_after=datetime.now(UTC))
    _refused(client, company, jobs, order_id, "messages.too_late")


@pytest.mark.parametrize(("kind", "status"), [("order_reminder", 409), ("order_confirmed", 202)])
def test_who_wants_no_reminders_gets_other_mails(
    client: CheckedClient, company: Company, order_id: UUID, kind: str, status: int
) -> None:
    make_suppression(company, company.client_email, "unsubscribed")
    make_sent(company, about=order_id, kind=kind)
    set_order_state(company, order_id, "confirmed")
    assert resend(client, company, order_id).status_code == status
