"""Addresses that get no mail, or no reminders: what is sent all the same, and what staff may do about it."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.messages import make_message, make_suppression
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import footprint, row

URL = "/v1/mail-suppressions"


def _state(message_id: UUID) -> tuple[str, str | None]:
    found = row("SELECT state, last_error FROM messages WHERE id = :id", id=message_id)
    return found["state"], found["last_error"]


def _list(client: CheckedClient, company: Company, **query: Any) -> list[str]:
    answer = client.get(URL, query_string=query, headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return [each["id"] for each in answer.get_json()["data"]]


@pytest.mark.parametrize("reason", ["unsubscribed", "complained"])
def test_who_wants_no_reminders_still_gets_what_is_about_their_orders(
    company: Company, jobs: JobsProbe, postbox: Postbox, reason: str
) -> None:
    make_suppression(company, company.client_email, reason)
    reminder, confirmation = make_message(company, kind="order_reminder"), make_message(company)
    jobs.drain()
    assert (_state(reminder), _state(confirmation)) == (("suppressed", reason), ("sent", None))
    assert len(postbox.mails(company.client_email)) == 1


def test_an_address_that_has_bounced_gets_nothing(company: Company, jobs: JobsProbe, postbox: Postbox) -> None:
    make_suppression(company, company.client_email)
    mails = [make_message(company, kind=kind, to=company.client_email.upper()) for kind in ("order_reminder",)]
    mails.append(make_message(company))
    jobs.drain()
    assert [_state(mail) for mail in mails] == [("suppressed", "bounced")] * 2
    assert postbox.all() == []


def test_other_addresses_and_other_organizations_are_written_to(
    company: Company, neighbour: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    make_suppression(company, "other@client.test")
    make_suppression(neighbour, company.client_email)
    sent = make_message(company)
    jobs.drain()
    assert _state(sent) == ("sent", None)
    assert len(postbox.mails(company.client_email)) == 1


def test_after_lifting_mail_goes_out_again(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    made = make_suppression(company, company.client_email, detail="550 no such user")
    (shown,) = client.get(URL, headers=company.headers()).get_json()["data"]
    assert {name: shown[name] for name in ("id", "email", "reason", "detail")} == {
        "id": str(made),
        "email": company.client_email,
        "reason": "bounced",
        "detail": "550 no such user",
    }
    assert client.delete(f"{URL}/{made}", headers=company.headers()).status_code == 204
    assert client.delete(f"{URL}/{made}", headers=company.headers()).status_code == 404
    sent = make_message(company)
    jobs.drain()
    assert _state(sent) == ("sent", None)


@pytest.mark.parametrize("reason", ["unsubscribed", "complained"])
def test_what_the_reader_has_said_staff_cannot_take_back(client: CheckedClient, company: Company, reason: str) -> None:
    made = make_suppression(company, company.client_email, reason)
    company.headers()
    before = footprint(company.org_id)
    refused = client.delete(f"{URL}/{made}", headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "mail_suppressions.not_liftable")
    assert refused.get_json()["reason"] == reason
    assert footprint(company.org_id) == before


def test_lifting_is_in_the_audit_log_without_the_address(client: CheckedClient, company: Company) -> None:
    made = make_suppression(company, company.client_email)
    client.delete(f"{URL}/{made}", headers=company.headers())
    entry = row("SELECT * FROM audit_entries WHERE resource = 'mail_suppressions'")
    assert (entry["action"], entry["resource_id"], entry["before"]) == (
        "mail_suppressions.lift",
        made,
        {"reason": "bounced"},
    )
    assert entry["actor_id"] == company.owner.user_id
    assert company.client_email not in str(entry)


def test_the_list_is_filtered_and_paged(client: CheckedClient, company: Company, neighbour: Company) -> None:
    reasons = ["bounced", "unsubscribed", "bounced", "complained", "bounced"]
    made = [str(make_suppression(company, f"a{n}@client.test", reason)) for n, reason in enumerate(reasons)]
    make_suppression(neighbour, "a0@client.test")
    assert _list(client, company) == made[::-1]
    assert _list(client, company, reason="bounced") == [made[4], made[2], made[0]]
    assert _list(client, company, email="A1@CLIENT.test") == [made[1]]
    assert _list(client, company, email="a1@client.test", reason="bounced") == []
    first = client.get(URL, query_string={"limit": 2, "reason": "bounced"}, headers=company.headers())
    assert [each["id"] for each in first.get_json()["data"]] == [made[4], made[2]]
    assert 'rel="next"' in first.headers["Link"]
    cursor = first.get_json()["next_cursor"]
    assert _list(client, company, limit=2, reason="bounced", cursor=cursor) == [made[0]]
    other_filter = client.get(URL, query_string={"cursor": cursor}, headers=company.headers())
    assert other_filter.status_code == 400


@pytest.mark.parametrize(
    "query", ["reason=else", "reason=", "email=", "email=anna", "email=a@b@c.test", "limit=0", "cursor=x", "q=anna"]
)
def test_other_questions_are_refused(client: CheckedClient, company: Company, query: str) -> None:
    assert client.get(f"{URL}?{query}", headers=company.headers()).status_code == 400


@pytest.mark.parametrize("role", list(Role))
def test_who_may_see_and_who_may_lift(client: CheckedClient, company: Company, role: Role) -> None:
    made = make_suppression(company, company.client_email)
    seen = client.get(URL, headers=company.headers(role)).status_code
    lifted = client.delete(f"{URL}/{made}", headers=company.headers(role)).status_code
    expected = {
        Role.DISPATCHER: (200, 204),
        Role.OWNER: (200, 204),
        Role.ADMIN: (200, 204),
        Role.WORKER: (403, 403),
    }
    assert (seen, lifted) == expected.get(role, (200, 403))


def test_another_organizations_one_does_not_exist(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_suppression(neighbour, "a@client.test")
    before = footprint(neighbour.org_id)
    for suppression_id in (theirs, uuid4()):
        answer = client.delete(f"{URL}/{suppression_id}", headers=company.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "mail_suppressions.not_found")
    assert _list(client, company, email="a@client.test") == []
    assert footprint(neighbour.org_id) == before


def test_another_address_of_the_client_takes_nothing_over(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    make_suppression(company, company.client_email)
    changed = client.patch(
        f"/v1/clients/{company.client_id}", json={"email": "new@client.test"}, headers=company.headers()
    )
    assert changed.status_code == 200
    sent = make_message(company, to="new@client.test")
    jobs.drain()
    assert _state(sent) == ("sent", None)
