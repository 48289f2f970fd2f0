"""Dead mails, sent again by who may: and never one that would be wrong or of no use."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Row

from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.messages import sending
from shared.messages.model import SEALED_PASSWORD, MessageKind, Suppression
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.messages import change_message, make_dead, make_message, make_suppression
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import footprint, row

PATH = "/v1/admin/messages"


def _mail(message_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM messages WHERE id = :id", id=message_id)


def _replay(client: CheckedClient, company: Company, message_id: UUID) -> Any:
    return client.post(f"{PATH}/{message_id}/replay", headers=company.headers())


def test_a_dead_mail_is_sent_again_from_the_beginning_as_the_same_mail(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    message_id = make_dead(company)
    jobs.enqueued()
    asked = datetime.now(UTC)
    answer = _replay(client, company, message_id)
    assert answer.status_code == 200
    shown = answer.get_json()
    assert (shown["state"], shown["attempts"], shown["last_error"]) == ("queued", 0, "550 no such user")
    assert shown["summary"] == "Waiting to be sent again; before: 550 no such user"
    wait = (_mail(message_id)["next_attempt_at"] - asked).total_seconds()
    assert 29 < wait < 40, "the sweep leaves it to its message at first"
    assert jobs.drain() == ["messages.send"]
    kept = _mail(message_id)
    assert (kept["state"], kept["attempts"], kept["last_error"]) == ("sent", 1, None)
    (mail,) = postbox.mails(company.client_email)
    assert mail["message_id"] == f"<{message_id}@crewline.test>"


def test_a_lost_message_of_a_replay_is_made_up_for_by_the_sweep(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox, services: Services
) -> None:
    message_id = make_dead(company)
    _replay(client, company, message_id)
    jobs.enqueued()
    with transaction(company.scope) as session:
        later = datetime.now(UTC) + timedelta(minutes=1)
        assert sending.sweep(session, services.settings, now=later, limit=9) == {"requeued": 1, "dead": 0}
    jobs.drain()
    assert len(postbox.mails(company.client_email)) == 1


def test_a_replay_is_audited_without_what_is_personal(client: CheckedClient, company: Company) -> None:
    message_id = make_dead(company, error=f"550 <{company.client_email}> unknown")
    _replay(client, company, message_id)
    entry = row("SELECT * FROM audit_entries WHERE resource_id = :id", id=message_id)
    assert (entry["actor_id"], entry["action"]) == (company.owner.user_id, "messages.replay")
    assert (entry["before"], entry["after"]) == ({}, {"kind": "order_confirmed"})


@pytest.mark.parametrize("state", ["queued", "sending", "retrying", "sent"])
def test_only_what_was_given_up_is_sent_again(
    client: CheckedClient, company: Company, jobs: JobsProbe, state: str
) -> None:
    message_id = change_message(company, make_message(company), state=state)
    _expect_refusal(client, company, jobs, message_id, "messages.not_dead", state=state)


def test_a_second_replay_finds_it_queued(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    message_id = make_dead(company)
    assert _replay(client, company, message_id).status_code == 200
    _expect_refusal(client, company, jobs, message_id, "messages.not_dead", state="queued")


def test_a_mail_that_would_be_too_late_is_not_sent_again(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    late, in_time = make_dead(company), make_dead(company)
    change_message(company, late, not_after=datetime.now(UTC) - timedelta(seconds=1))
    change_message(company, in_time, not_after=datetime.now(UTC) + timedelta(minutes=1))
    assert _replay(client, company, in_time).status_code == 200
    _expect_refusal(client, company, jobs, late, "messages.too_late")


@pytest.mark.parametrize("to_staff", [MessageKind.ACCOUNT_CREATED, MessageKind.PASSWORD_RESET])
def test_a_mail_whose_password_is_gone_is_not_sent_without_it(
    client: CheckedClient, company: Company, jobs: JobsProbe, services: Services, to_staff: MessageKind
) -> None:
    had, never_had = (make_message(company, kind=to_staff, **more) for more in ({SEALED_PASSWORD: "x"}, {}))
    for message_id in (had, never_had):
        with transaction(company.scope) as session:
            claimed = _claim(company, services)
            assert claimed.id == message_id
            sending.record(session, claimed, sending.dead(claimed, "550 no such user"))
    assert SEALED_PASSWORD not in _mail(had)["variables"]
    assert _replay(client, company, never_had).status_code == 200
    _expect_refusal(client, company, jobs, had, "messages.password_gone")


def test_the_sweep_leaves_the_same_trace_of_a_password(
    client: CheckedClient, company: Company, jobs: JobsProbe, services: Services
) -> None:
    message_id = make_message(company, kind=MessageKind.ACCOUNT_CREATED, **{SEALED_PASSWORD: "x"})
    now = datetime.now(UTC)
    change_message(company, message_id, state="sending", attempts=services.settings.email_max_retries + 1)
    with transaction(company.scope) as session:
        assert sending.sweep(session, services.settings, now=now + timedelta(hours=1), limit=9)["dead"] == 1
    _expect_refusal(client, company, jobs, message_id, "messages.password_gone")


def test_a_mail_to_an_erased_person_is_not_sent_again(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    message_id = make_dead(company, about=company.client_id)
    erased = client.post(f"/v1/clients/{company.client_id}/erase", json={"reason": "asked"}, headers=company.headers())
    assert erased.status_code == 200, erased.get_json()
    assert _mail(message_id)["recipient"] == "Erased"
    _expect_refusal(client, company, jobs, message_id, "messages.forgotten")


def test_a_mail_that_was_kept_from_a_dead_address_goes_out_when_that_is_lifted(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    make_suppression(company, company.client_email)
    message_id = make_message(company)
    jobs.drain()
    assert (_mail(message_id)["state"], _mail(message_id)["last_error"]) == ("suppressed", "bounced")
    _expect_refusal(client, company, jobs, message_id, "messages.suppressed")
    _lift(company)
    answer = _replay(client, company, message_id)
    assert (answer.status_code, answer.get_json()["last_error"]) == (200, None)
    jobs.drain()
    assert (_mail(message_id)["state"], len(postbox.mails(company.client_email))) == ("sent", 1)


def test_a_mail_that_was_taken_back_stays_back(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    message_id = make_message(company, kind="order_reminder")
    change_message(company, message_id, state="suppressed", next_attempt_at=None, last_error="The order was moved.")
    _expect_refusal(client, company, jobs, message_id, "messages.withdrawn")
    shown = client.get(f"{PATH}/{message_id}", headers=company.headers()).get_json()
    assert (shown["suppressed_reason"], shown["summary"]) == (None, "Not sent: The order was moved.")


def test_a_dead_mail_to_an_address_that_has_bounced_since_is_left_alone(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    upper = make_dead(company, to=company.client_email.upper())
    make_suppression(company, company.client_email)
    _expect_refusal(client, company, jobs, upper, "messages.suppressed")


def test_who_wants_no_reminders_gets_other_mails_again(client: CheckedClient, company: Company) -> None:
    make_suppression(company, company.client_email, "unsubscribed")
    assert _replay(client, company, make_dead(company)).status_code == 200
    reminder = _replay(client, company, make_dead(company, kind="order_reminder"))
    assert (reminder.status_code, reminder.get_json()["code"]) == (409, "messages.suppressed")


def test_a_late_worker_of_an_earlier_claim_writes_nothing_over(
    client: CheckedClient, company: Company, services: Services
) -> None:
    """Both claims count as the first try, since a replay counts anew: the lease tells them apart."""
    message_id = make_message(company)
    early = _claim(company, services)
    change_message(company, message_id, state="dead", next_attempt_at=None)
    assert _replay(client, company, message_id).status_code == 200
    late = _claim(company, services)
    assert (early.id, early.attempts) == (late.id, late.attempts) == (message_id, 1)
    before = _mail(message_id)
    with transaction(company.scope) as session:
        for outcome in (
            sending.sent(early, "the early one", now=datetime.now(UTC)),
            sending.dead(early, "of the early one"),
            sending.suppressed(early),
        ):
            sending.record(session, early, outcome)
    assert _mail(message_id) == before
    with transaction(company.scope) as session:
        sending.record(session, late, sending.sent(late, "the late one", now=datetime.now(UTC)))
    assert (_mail(message_id)["state"], _mail(message_id)["provider_id"]) == ("sent", "the late one")


def test_a_late_worker_leaves_a_replayed_mail_queued(
    client: CheckedClient, company: Company, services: Services
) -> None:
    message_id = make_message(company)
    early = _claim(company, services)
    change_message(company, message_id, state="dead", next_attempt_at=None)
    _replay(client, company, message_id)
    with transaction(company.scope) as session:
        sending.record(session, early, sending.sent(early, None, now=datetime.now(UTC)))
    assert (_mail(message_id)["state"], _mail(message_id)["attempts"]) == ("queued", 0)


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_owners_and_administrators_may_and_nobody_else(client: CheckedClient, company: Company, role: Role) -> None:
    one, other = make_dead(company), make_dead(company)
    headers = company.headers(role)
    before = footprint(company.org_id)
    answers = [
        client.post(f"{PATH}/{one}/replay", headers=headers).status_code,
        client.post(f"{PATH}/replay", json={"message_ids": [str(other)]}, headers=headers).status_code,
    ]
    allowed = role in {Role.OWNER, Role.ADMIN}
    assert answers == ([200, 202] if allowed else [403, 403])
    assert (footprint(company.org_id) == before) != allowed


def test_another_organizations_mails_are_nobodys(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_dead(neighbour)
    before = footprint(neighbour.org_id)
    for message_id in (theirs, uuid4()):
        refused = _replay(client, company, message_id)
        assert (refused.status_code, refused.get_json()["code"]) == (404, "messages.not_found")
    assert footprint(neighbour.org_id) == before


def test_one_costs_three_statements(client: CheckedClient, company: Company, services: Services) -> None:
    message_id, headers = make_dead(company), company.headers()
    client.get("/healthz")
    with counted(services) as sent:
        assert client.post(f"{PATH}/{message_id}/replay", headers=headers).status_code == 200
    assert 0 < sent.logged <= 3, sent


def _claim(company: Company, services: Services) -> Row[Any]:
    """What a worker takes that is about to send."""
    with transaction(company.scope) as session:
        claimed = sending.claim(session, company.org_id, services.settings, now=datetime.now(UTC))
    assert claimed is not None
    return claimed


def _lift(company: Company) -> None:
    with transaction(company.scope) as session:
        session.query(Suppression).filter_by(org_id=company.org_id).delete()


def _expect_refusal(
    client: CheckedClient, company: Company, jobs: JobsProbe, message_id: UUID, code: str, **fields: Any
) -> None:
    """Refused with that code, nothing changed, nothing enqueued."""
    company.headers()
    jobs.enqueued()
    before = footprint(company.org_id)
    refused = _replay(client, company, message_id)
    assert (refused.status_code, refused.get_json()["code"]) == (409, code)
    assert {name: refused.get_json()[name] for name in fields} == fields
    assert (footprint(company.org_id), jobs.enqueued()) == (before, [])
