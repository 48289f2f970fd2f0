"""An order's last mail once more: a new mail with the same words, to the address that the client has now."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.permissions import Role
from shared.messages.model import MessageKind
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import WRITE, counted
from tests.factories.messages import change_message, make_dead, make_message, make_sent, make_suppression
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.messages.resending_steps import CORRECTED, correct, resend
from tests.rows import footprint, row, rows


@pytest.fixture
def order_id(company: Company) -> UUID:
    return make_order(company)


def _mails_of(order_id: UUID) -> list[dict[str, Any]]:
    return rows("SELECT * FROM messages WHERE resource_id = :order ORDER BY id", order=order_id)


def test_a_corrected_address_gets_what_the_wrong_one_was_sent(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    order_id = make_order(company, title="Spring cleaning")
    client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers())
    jobs.drain()
    (first,) = postbox.mails(company.client_email)
    correct(client, company)
    answer = resend(client, company, order_id, **{"X-Request-Id": "once-more"})
    assert answer.status_code == 202, answer.get_json()
    made = answer.get_json()
    assert (made["state"], made["recipient"], made["kind"]) == ("queued", CORRECTED, "order_confirmed")
    assert (made["resource_id"], made["request_id"]) == (str(order_id), "once-more")
    assert jobs.drain() == ["messages.send"]
    (mail,) = postbox.mails(CORRECTED)
    assert mail["envelope_to"] == [CORRECTED]
    assert mail["message_id"] == f"<{made['id']}@crewline.test>" != first["message_id"]
    assert (mail["subject"], mail["text"]) == (first["subject"], first["text"])
    assert len(postbox.mails(company.client_email)) == 1


def test_the_copy_has_the_words_the_language_and_the_end_of_the_first(
    client: CheckedClient, company: Company, order_id: UUID
) -> None:
    first = make_sent(company, about=order_id, client_name="Anna As She Was Then")
    until = datetime.now(UTC) + timedelta(days=1)
    change_message(company, first, locale="fr-CA", not_after=until)
    assert resend(client, company, order_id).status_code == 202
    before, copy = _mails_of(order_id)
    same = ("kind", "variables", "locale", "not_after", "recipient", "resource_id")
    assert [copy[name] for name in same] == [before[name] for name in same]
    assert copy["variables"]["client_name"] == "Anna As She Was Then"
    assert (copy["attempts"], copy["sent_at"], copy["provider_id"], copy["delivery"]) == (0, None, None, None)


def test_the_last_mail_is_sent_whatever_has_become_of_the_order_since(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox, order_id: UUID
) -> None:
    headers = company.headers()
    client.post(f"/v1/orders/{order_id}/confirm", headers=headers)
    jobs.drain()
    client.post(f"/v1/orders/{order_id}/cancel", json={"reason": "The crew is ill"}, headers=headers)
    jobs.drain()
    assert resend(client, company, order_id).get_json()["kind"] == "order_cancelled"
    jobs.drain()
    assert "The crew is ill" in postbox.mails(company.client_email)[-1]["text"]


@pytest.mark.parametrize("times", [2, 3])
def test_what_was_sent_again_can_be_sent_again(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox, order_id: UUID, times: int
) -> None:
    make_sent(company, about=order_id)
    for _ in range(times):
        copy = resend(client, company, order_id)
        assert copy.status_code == 202
        jobs.drain()
        a_minute_ago = datetime.now(UTC) - timedelta(minutes=1)
        change_message(company, UUID(copy.get_json()["id"]), created_at=a_minute_ago)
    assert len(postbox.mails(company.client_email)) == times


def test_a_mail_that_was_given_up_goes_to_the_corrected_address(
    client: CheckedClient, company: Company, order_id: UUID
) -> None:
    dead = make_dead(company, about=order_id)
    correct(client, company)
    assert resend(client, company, order_id).status_code == 202
    before, copy = _mails_of(order_id)
    assert (before["id"], before["state"], copy["recipient"]) == (dead, "dead", CORRECTED)


def test_mails_to_staff_about_the_order_do_not_go_to_the_client(
    client: CheckedClient, company: Company, order_id: UUID
) -> None:
    make_sent(company, about=order_id)
    make_sent(company, about=order_id, kind=MessageKind.OPERATOR_ALERT, to="staff@crewline.test")
    assert resend(client, company, order_id).get_json()["kind"] == "order_confirmed"


def test_history_audit_and_timeline_tell_of_it(client: CheckedClient, company: Company, order_id: UUID) -> None:
    make_sent(company, about=order_id)
    made = resend(client, company, order_id).get_json()
    said = {"message_id": made["id"], "mail": "order_confirmed"}
    entry = row("SELECT * FROM audit_entries WHERE action = 'orders.resend_mail'")
    assert (entry["resource_id"], entry["actor_id"], entry["after"]) == (order_id, company.owner.user_id, said)
    timeline = client.get(f"/v1/orders/{order_id}/timeline", headers=company.headers()).get_json()["data"]
    history, message = timeline[-2:]
    assert (history["kind"], history["event"], history["details"]) == ("history", "resend_mail", said)
    assert (message["kind"], message["details"]["message_id"]) == ("message", made["id"])
    version = row("SELECT version FROM orders WHERE id = :id", id=order_id)["version"]
    assert version == 1, "the order itself has not changed"


def test_with_a_key_the_second_answer_is_the_first(client: CheckedClient, company: Company, order_id: UUID) -> None:
    make_sent(company, about=order_id)
    first, second = (resend(client, company, order_id, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert (first.status_code, second.status_code) == (202, 202)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.get_json() == first.get_json()
    assert len(_mails_of(order_id)) == 2


def test_a_mail_that_a_bounced_address_was_spared_goes_to_the_corrected_one(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox, order_id: UUID
) -> None:
    make_suppression(company, company.client_email)
    make_message(company, about=order_id)
    jobs.drain()
    assert [mail["state"] for mail in _mails_of(order_id)] == ["suppressed"]
    correct(client, company)
    assert resend(client, company, order_id).status_code == 202
    jobs.drain()
    assert len(postbox.mails(CORRECTED)) == 1


def test_a_mail_that_was_taken_back_is_passed_over(client: CheckedClient, company: Company, order_id: UUID) -> None:
    make_sent(company, about=order_id)
    taken = make_message(company, about=order_id, kind="order_reminder")
    change_message(company, taken, state="suppressed", last_error="The order was moved.")
    assert resend(client, company, order_id).get_json()["kind"] == "order_confirmed"


def test_a_reminder_before_the_start_is_of_no_use_after_it(
    client: CheckedClient, company: Company, order_id: UUID
) -> None:
    make_sent(company, about=order_id, kind="order_reminder")
    set_order_state(company, order_id, "confirmed")
    assert resend(client, company, order_id).status_code == 202
    start = row("SELECT scheduled_start FROM orders WHERE id = :id", id=order_id)["scheduled_start"]
    assert _mails_of(order_id)[-1]["not_after"] == start


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_who_may_change_orders_may_and_nobody_else(
    client: CheckedClient, company: Company, order_id: UUID, role: Role
) -> None:
    make_sent(company, about=order_id)
    headers = company.headers(role)
    before = footprint(company.org_id)
    answer = client.post(f"/v1/orders/{order_id}/resend-last-email", headers=headers)
    allowed = role in {Role.OWNER, Role.ADMIN, Role.DISPATCHER}
    assert answer.status_code == (202 if allowed else 403)
    assert (footprint(company.org_id) == before) != allowed


def test_another_organizations_orders_are_nobodys(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_order(neighbour)
    make_sent(neighbour, about=theirs)
    before = footprint(neighbour.org_id)
    for stranger in (theirs, uuid4()):
        refused = resend(client, company, stranger)
        assert (refused.status_code, refused.get_json()["code"]) == (404, "orders.not_found")
    assert footprint(neighbour.org_id) == before


def test_it_costs_at_most_eight_statements(
    client: CheckedClient, company: Company, services: Services, order_id: UUID
) -> None:
    make_sent(company, about=order_id)
    headers = company.headers() | {"Idempotency-Key": "count"}
    client.get("/healthz")
    with counted(services) as sent:
        assert client.post(f"/v1/orders/{order_id}/resend-last-email", headers=headers).status_code == 202
    assert 0 < sent.logged <= WRITE, sent
