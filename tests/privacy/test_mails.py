"""Mails of a person: what other servers have said of them, and what keeps mails from the person."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import update

from shared.core.transaction import transaction
from shared.messages.model import Message
from tests.checked_client import CheckedClient
from tests.factories.clients import make_client
from tests.factories.messages import make_message, make_suppression
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.privacy.conftest import EMAIL, PHONE, Known, make_known
from tests.rows import footprint, row, rows
from tests.unsubscribing.steps import make_link, path_of

SAID = f"550 5.1.1 <{EMAIL}>: no such user"


def _erase(client: CheckedClient, company: Company, known: Known) -> None:
    answer = client.post(f"/v1/clients/{known.client_id}/erase", json={"reason": "asked"}, headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)


def _tell(company: Company, **values: Any) -> None:
    """What the provider has told of all mails."""
    told = {
        "state": "sent",
        "provider_id": f"queued for {EMAIL}",
        "delivery": "bounced",
        "delivery_at": datetime(2026, 1, 5, tzinfo=UTC),
        "delivery_detail": SAID,
        "last_error": SAID,
        "locale": "fr",
    }
    with transaction(company.scope) as session:
        session.execute(update(Message).where(Message.org_id == company.org_id).values(told | values))


def _said(company: Company) -> str:
    found = rows("SELECT * FROM messages WHERE org_id = :org", org=company.org_id)
    return str(found + rows("SELECT * FROM mail_suppressions WHERE org_id = :org", org=company.org_id))


def test_erasing_takes_the_address_out_of_all_that_is_said_of_mails(
    client: CheckedClient, company: Company, known: Known
) -> None:
    _tell(company)
    for reason in ("bounced", "unsubscribed", "complained"):
        make_suppression(company, EMAIL, reason, detail=SAID)
    assert "xylander" in _said(company)
    _erase(client, company, known)
    assert "xylander" not in _said(company)
    kept = row("SELECT * FROM messages WHERE resource_id = :id AND kind = 'order_confirmed'", id=known.order_id)
    assert (kept["state"], kept["delivery"], kept["recipient"]) == ("sent", "bounced", "Erased")
    assert {kept[name] for name in ("provider_id", "delivery_detail", "last_error")} == {None}


@pytest.mark.parametrize("state", ["queued", "sending", "retrying"])
def test_a_mail_that_is_still_to_be_sent_is_withdrawn(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe, state: str
) -> None:
    _tell(company, state=state)
    _erase(client, company, known)
    mails = rows("SELECT state, last_error FROM messages WHERE org_id = :o", o=company.org_id)
    assert {(mail["state"], mail["last_error"]) for mail in mails} == {("dead", "The person was erased.")}
    jobs.run("messages.send", {"org_id": str(company.org_id)})
    assert {mail["state"] for mail in rows("SELECT state FROM messages WHERE org_id = :o", o=company.org_id)} == {
        "dead"
    }


def test_a_copy_shows_nobody_a_link_that_signs_the_person_in(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe
) -> None:
    make_message(company, kind="magic_link", to=EMAIL)
    headers = company.headers()
    url = client.post(f"/v1/clients/{known.client_id}/export", headers=headers).headers["Location"]
    jobs.drain()
    mails = client.get(url, headers=headers).get_json()["bundle"]["messages"]
    (link,) = (mail["variables"] for mail in mails if mail["kind"] == "magic_link")
    assert (link["client_name"], link["url"]) == ("Anna Berg", "(secret)")


def test_an_address_that_the_person_had_before_is_forgotten_too(
    client: CheckedClient, company: Company, known: Known
) -> None:
    make_suppression(company, "new@address.test", detail="that is where a mail about their order went")
    make_suppression(company, "other@lead.test", "unsubscribed")
    _erase(client, company, known)
    assert rows("SELECT * FROM mail_suppressions WHERE org_id = :o", o=company.org_id) == []


def test_what_keeps_mails_from_others_stays(
    client: CheckedClient, company: Company, neighbour: Company, known: Known
) -> None:
    make_client(company, name="Bo Lund", email="New@Address.test")  # has the address by now
    for address in ("new@address.test", company.client_email):
        make_suppression(company, address, "unsubscribed")
    make_suppression(neighbour, EMAIL)
    before = footprint(neighbour.org_id)
    _erase(client, company, known)
    left = rows("SELECT email FROM mail_suppressions WHERE org_id = :o ORDER BY id", o=company.org_id)
    assert [each["email"] for each in left] == ["new@address.test", company.client_email]
    assert footprint(neighbour.org_id) == before


def test_mails_to_the_company_about_the_person_do_not_count_as_theirs(
    client: CheckedClient, company: Company, known: Known
) -> None:
    alert = make_message(company, kind="operator_alert", to="boss@staff.test")
    with transaction(company.scope) as session:
        session.execute(update(Message).where(Message.id == alert).values(resource_id=known.order_id))
    make_suppression(company, "boss@staff.test")
    _erase(client, company, known)
    assert len(rows("SELECT * FROM mail_suppressions WHERE org_id = :o", o=company.org_id)) == 1


def test_a_link_in_an_old_mail_writes_nothing_of_who_is_forgotten(
    client: CheckedClient, company: Company, known: Known
) -> None:
    links = [make_link(company, to=EMAIL)]
    links += [path_of(company, mail["id"]) for mail in rows("SELECT id FROM messages WHERE recipient = :e", e=EMAIL)]
    _erase(client, company, known)
    before = footprint(company.org_id)
    for link in links:
        for answer in (client.get(link), client.post(link), client.post(f"{link}/undo")):
            assert answer.status_code == 200
            assert "There is nothing to unsubscribe from" in answer.get_data(as_text=True)
    assert footprint(company.org_id) == before


def test_a_copy_tells_what_became_of_mails_and_what_keeps_them(
    client: CheckedClient, company: Company, neighbour: Company, known: Known, jobs: JobsProbe
) -> None:
    _tell(company)
    jobs.enqueued()
    make_suppression(company, EMAIL, "unsubscribed")
    make_suppression(company, "new@address.test", detail="no such user")
    make_suppression(company, company.client_email)
    make_suppression(neighbour, EMAIL)
    url = client.post(f"/v1/clients/{known.client_id}/export", headers=company.headers()).headers["Location"]
    jobs.drain()
    bundle = client.get(url, headers=company.headers()).get_json()["bundle"]
    shown = [(each["email"], each["reason"], each["detail"]) for each in bundle["mail_suppressions"]]
    assert shown == [(EMAIL, "unsubscribed", None), ("new@address.test", "bounced", "no such user")]
    mail = next(each for each in bundle["messages"] if each["recipient"] == EMAIL)
    assert {name: mail[name] for name in ("state", "locale", "delivery", "delivery_at", "delivery_detail")} == {
        "state": "sent",
        "locale": "fr",
        "delivery": "bounced",
        "delivery_at": "2026-01-05T00:00:00Z",
        "delivery_detail": SAID,
    }


def test_who_was_merged_away_is_forgotten_with_what_kept_mails_from_them(
    client: CheckedClient, company: Company
) -> None:
    kept = make_known(company)
    gone = make_known(company, email="q@old.test", phone="+14035550188")
    make_suppression(company, "q@old.test")
    merged = client.post(
        f"/v1/clients/{kept.client_id}/merge", json={"client_id": str(gone.client_id)}, headers=company.headers()
    )
    assert merged.status_code == 200
    with transaction(company.scope) as session:
        about = update(Message).where(Message.org_id == company.org_id, Message.recipient == "q@old.test")
        session.execute(about.values(resource_id=gone.order_id))
    _erase(client, company, kept)
    assert rows("SELECT * FROM mail_suppressions WHERE org_id = :o", o=company.org_id) == []
    assert PHONE not in _said(company)
