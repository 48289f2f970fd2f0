"""Dead mails, sent again by who may: one, some by name, or all that fit; never one that would be wrong or of no use."""

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
from tests.contract.test_statement_counts import WRITE, counted
from tests.factories.messages import change_message, make_dead, make_message, make_sent, make_suppression
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import footprint, row, rows

PATH = "/v1/admin/messages"


def _mail(message_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM messages WHERE id = :id", id=message_id)


def _replay(client: CheckedClient, company: Company, message_id: UUID) -> Any:
    return client.post(f"{PATH}/{message_id}/replay", headers=company.headers())


def _replay_all(client: CheckedClient, company: Company, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = client.post(f"{PATH}/replay", json=body, headers=company.headers() | headers)
    assert answer.status_code == 202, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def _counts(replayed: int, remaining: int = 0, **skipped: int) -> dict[str, Any]:
    reasons = {f"messages.{reason}": number for reason, number in skipped.items()}
    return {
        "replayed": replayed,
        "skipped": sum(skipped.values()),
        "skipped_by_reason": reasons,
        "remaining": remaining,
    }


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
            sending.mark_dead(session, claimed, "550 no such user")
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
        sending.mark_sent(session, early, "the early one", now=datetime.now(UTC))
        sending.mark_dead(session, early, "of the early one")
        sending.mark_suppressed(session, early)
    assert _mail(message_id) == before
    with transaction(company.scope) as session:
        sending.mark_sent(session, late, "the late one", now=datetime.now(UTC))
    assert (_mail(message_id)["state"], _mail(message_id)["provider_id"]) == ("sent", "the late one")


def test_a_late_worker_leaves_a_replayed_mail_queued(
    client: CheckedClient, company: Company, services: Services
) -> None:
    message_id = make_message(company)
    early = _claim(company, services)
    change_message(company, message_id, state="dead", next_attempt_at=None)
    _replay(client, company, message_id)
    with transaction(company.scope) as session:
        sending.mark_sent(session, early, None, now=datetime.now(UTC))
    assert (_mail(message_id)["state"], _mail(message_id)["attempts"]) == ("queued", 0)


def test_all_dead_mails_that_fit_are_sent_again_oldest_first(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    made = [make_dead(company, error="451 Try again later") for _ in range(5)]
    others = [make_dead(company), make_sent(company), make_message(company, to="other@client.test")]
    jobs.enqueued()
    body = {"kind": "order_confirmed", "error_contains": "TRY again", "limit": 3}
    assert _replay_all(client, company, body) == _counts(3, remaining=2)
    states = [_mail(message_id)["state"] for message_id in made + others]
    assert states == ["queued"] * 3 + ["dead"] * 2 + ["dead", "sent", "queued"]
    assert _replay_all(client, company, body) == _counts(2)
    assert _replay_all(client, company, body) == _counts(0)
    jobs.drain()
    assert len(postbox.mails(company.client_email)) == 5


def test_what_can_never_be_sent_again_does_not_stand_in_the_way(client: CheckedClient, company: Company) -> None:
    for _ in range(3):
        change_message(company, make_dead(company), not_after=datetime.now(UTC) - timedelta(days=1))
    change_message(company, make_dead(company), variables={})
    fine = make_dead(company)
    body = {"kind": "order_confirmed", "limit": 1}
    assert _replay_all(client, company, body) == _counts(1, too_late=3, forgotten=1)
    assert _mail(fine)["state"] == "queued"


def test_a_time_and_a_kind_say_which(client: CheckedClient, company: Company) -> None:
    now = datetime.now(UTC)
    receipt, order = make_dead(company, kind="receipt"), make_dead(company)
    before, after = ((now + timedelta(hours=hours)).isoformat() for hours in (-1, 1))
    assert _replay_all(client, company, {"created_from": after}) == _counts(0)
    assert _replay_all(client, company, {"created_to": before}) == _counts(0)
    assert _replay_all(client, company, {"created_from": before, "created_to": after, "kind": "receipt"}) == _counts(1)
    assert (_mail(receipt)["state"], _mail(order)["state"]) == ("queued", "dead")


def test_named_mails_are_sent_again_and_those_that_cannot_be_are_counted(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    dead = [make_dead(company) for _ in range(2)]
    sent, late = make_sent(company), make_dead(company)
    change_message(company, late, not_after=datetime.now(UTC))
    untold = make_dead(company)
    jobs.enqueued()
    body = {"message_ids": [str(each) for each in (*dead, sent, late, dead[0])]}
    assert _replay_all(client, company, body) == _counts(2, not_dead=1, too_late=1)
    assert [_mail(each)["state"] for each in (*dead, sent, late, untold)] == [
        "queued",
        "queued",
        "sent",
        "dead",
        "dead",
    ]
    assert len(jobs.enqueued()) == 1
    entry = row("SELECT * FROM audit_entries WHERE action = 'messages.replay_all'")
    assert entry["resource_id"] == company.org_id
    assert entry["after"] == {"chosen_by": ["message_ids"], "message_ids": [str(each) for each in dead]}


def test_words_of_an_error_are_not_kept_in_the_audit_log(client: CheckedClient, company: Company) -> None:
    make_dead(company, error="550 anna@client.test unknown")
    _replay_all(client, company, {"error_contains": "anna@client.test"})
    assert rows("SELECT 1 FROM audit_entries WHERE after::text LIKE '%anna@%'") == []


def test_one_unknown_name_sends_nothing(client: CheckedClient, company: Company, neighbour: Company) -> None:
    mine = make_dead(company)
    company.headers()
    for stranger in (uuid4(), make_dead(neighbour)):
        before = footprint(company.org_id), footprint(neighbour.org_id)
        body = {"message_ids": [str(mine), str(stranger)]}
        answer = client.post(f"{PATH}/replay", json=body, headers=company.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "messages.not_found")
        assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


def test_a_repeated_request_with_its_key_is_answered_and_not_done_again(
    client: CheckedClient, company: Company
) -> None:
    first, body = make_dead(company), {"kind": "order_confirmed"}
    key = {"Idempotency-Key": "after-the-outage"}
    assert _replay_all(client, company, body, **key) == _counts(1)
    change_message(company, first, state="dead")
    assert _replay_all(client, company, body, **key) == _counts(1)
    assert _mail(first)["state"] == "dead"
    other = client.post(f"{PATH}/replay", json={"kind": "receipt"}, headers=company.headers() | key)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency.key_reused")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"limit": 5}, 422),
        ({"message_ids": []}, 422),
        ({"message_ids": ["x"]}, 422),
        ({"message_ids": [str(UUID(int=n)) for n in range(201)]}, 422),
        ({"kind": "spam"}, 422),
        ({"kind": "receipt", "limit": 0}, 422),
        ({"kind": "receipt", "limit": 1001}, 422),
        ({"kind": "receipt", "limit": "1"}, 422),
        ({"error_contains": ""}, 422),
        ({"error_contains": "\x00"}, 422),
        ({"created_from": "yesterday"}, 422),
        ({"state": "dead"}, 422),
        ([], 422),
    ],
)
def test_a_batch_that_does_not_say_which_is_refused(
    client: CheckedClient, company: Company, body: Any, status: int
) -> None:
    message_id = make_dead(company)
    answer = client.post(f"{PATH}/replay", json=body, headers=company.headers())
    assert answer.status_code == status, answer.get_json()
    assert _mail(message_id)["state"] == "dead"


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
    assert _replay_all(client, company, {"kind": "order_confirmed"}) == _counts(0)
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize("named", [True, False], ids=["by name", "by filter"])
def test_a_batch_costs_at_most_eight_statements_whatever_its_size(
    client: CheckedClient, company: Company, services: Services, named: bool
) -> None:
    made = [str(make_dead(company)) for _ in range(20)]
    headers = company.headers() | {"Idempotency-Key": "count"}
    client.get("/healthz")
    body = {"message_ids": made} if named else {"kind": "order_confirmed"}
    with counted(services) as sent:
        assert client.post(f"{PATH}/replay", json=body, headers=headers).get_json()["replayed"] == 20
    assert 0 < sent.logged <= WRITE, sent


def test_one_costs_three_statements(client: CheckedClient, company: Company, services: Services) -> None:
    message_id, headers = make_dead(company), company.headers()
    client.get("/healthz")
    with counted(services) as sent:
        assert client.post(f"{PATH}/{message_id}/replay", headers=headers).status_code == 200
    assert 0 < sent.logged <= 3, sent


def _claim(company: Company, services: Services) -> Row[Any]:
    """What a worker takes that is about to send."""
    with transaction(company.scope) as session:
        claimed = sending.claim_next(session, company.org_id, services.settings, now=datetime.now(UTC))
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
