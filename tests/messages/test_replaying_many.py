"""Many dead mails sent again at once: named ones, or all that fit."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import WRITE, counted
from tests.factories.messages import change_message, make_dead, make_message, make_sent
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import footprint, row, rows

PATH = "/v1/admin/messages/replay"


def _mail(message_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM messages WHERE id = :id", id=message_id)


def _replay_all(client: CheckedClient, company: Company, body: dict[str, Any], **headers: str) -> dict[str, Any]:
    answer = client.post(PATH, json=body, headers=company.headers() | headers)
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
        answer = client.post(PATH, json=body, headers=company.headers())
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
    other = client.post(PATH, json={"kind": "receipt"}, headers=company.headers() | key)
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
    answer = client.post(PATH, json=body, headers=company.headers())
    assert answer.status_code == status, answer.get_json()
    assert _mail(message_id)["state"] == "dead"


@pytest.mark.parametrize("named", [True, False], ids=["by name", "by filter"])
def test_a_batch_costs_at_most_eight_statements_whatever_its_size(
    client: CheckedClient, company: Company, services: Services, named: bool
) -> None:
    made = [str(make_dead(company)) for _ in range(20)]
    headers = company.headers() | {"Idempotency-Key": "count"}
    client.get("/healthz")
    body = {"message_ids": made} if named else {"kind": "order_confirmed"}
    with counted(services) as sent:
        assert client.post(PATH, json=body, headers=headers).get_json()["replayed"] == 20
    assert 0 < sent.logged <= WRITE, sent


def test_all_that_fit_are_those_of_the_organization(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    make_dead(neighbour)
    before = footprint(neighbour.org_id)
    assert _replay_all(client, company, {"kind": "order_confirmed"}) == _counts(0)
    assert footprint(neighbour.org_id) == before
