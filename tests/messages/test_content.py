"""What a mail says: two parts, escaped, nothing in its headers that a stranger chose; and rows that cannot be sent."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages.model import Message, MessageKind
from shared.messages.rendering import render
from shared.organizations.model import Organization
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import VARIABLES, make_message
from tests.factories.orders import order_body
from tests.factories.organizations import Company, make_company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import row

LARGEST = 100 * 1024


def _message(kind: str = "order_confirmed", **variables: Any) -> Message:
    return Message(
        id=UUID("0199a000-0000-7000-8000-000000000000"),
        kind=kind,
        recipient="anna@client.test",
        variables=VARIABLES | {"reason": "rain"} | variables,
        request_id="req-1",
    )


def _organization(**changes: Any) -> Organization:
    values = {"name": "Bright & Tidy", "timezone": "America/Edmonton", "currency": "cad", "slug": "bright"} | changes
    return Organization(**values)


def _state(message_id: UUID) -> dict[str, Any]:
    return row("SELECT state, attempts, last_error FROM messages WHERE id = :id", id=message_id)


ABOUT = {MessageKind.ACCOUNT_CREATED: "dan@staff.test", MessageKind.PASSWORD_RESET: "dan@staff.test"}
"""What mails that are not about an order name."""


@pytest.mark.parametrize("kind", list(MessageKind))
def test_every_kind_has_a_subject_a_text_and_an_html_part(services: Services, kind: str) -> None:
    mail = render(_message(kind), _organization(), services.settings)
    assert mail.subject
    assert "\n" not in mail.subject
    assert mail.text.endswith("\n")
    assert mail.html.startswith("<!DOCTYPE html>") or mail.html.startswith("<!doctype html>")
    assert "<style" not in mail.html, "styles are inlined: many mail programs drop the sheet"
    for part in (mail.text, mail.html):
        assert ABOUT.get(kind, "Spring cleaning") in part
        assert "{{" not in part
    assert len(mail.html) + len(mail.text) < LARGEST


def test_what_people_typed_is_escaped_in_html_and_plain_in_text(services: Services) -> None:
    name = "<script>alert('x')</script> & {{ 7*7 }} <a href=\"javascript:x\">"
    mail = render(_message(client_name=name), _organization(name="<b>Bold</b> & Sons"), services.settings)
    assert name in mail.text
    assert "<script" not in mail.html
    assert "<a " not in mail.html
    assert "&lt;script&gt;" in mail.html
    assert "{{ 7*7 }}" in mail.html
    assert "<b>Bold</b>" not in mail.html


def test_the_longest_input_makes_a_mail_of_reasonable_size(services: Services) -> None:
    mail = render(
        _message(client_name="<" * 200, title="&" * 200, address="'" * 500), _organization(), services.settings
    )
    assert len(mail.html.encode()) + len(mail.text.encode()) < LARGEST


def test_a_variable_that_is_missing_is_an_error_and_not_an_empty_word(services: Services) -> None:
    message = _message()
    del message.variables["title"]
    with pytest.raises(Exception, match="title"):
        render(message, _organization(), services.settings)


@pytest.mark.parametrize(
    "text",
    [
        "Clean\r\nBcc: all@client.test",
        "Clean\nBcc: all@client.test",
        "Clean\rBcc: all@client.test",
        "Clean\x0bBcc: x",
        "Clean\u2028Bcc: x",
        "Clean\x85Bcc: x",
        "a\r\n\r\n<html>body",
    ],
)
def test_line_breaks_in_names_and_titles_reach_no_header(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox, text: str
) -> None:
    email = "target@client.test"
    added = client.post("/v1/clients", json={"name": text, "email": email}, headers=company.headers())
    assert added.status_code in {201, 422}
    client_id = added.get_json()["id"] if added.status_code == 201 else str(company.client_id)
    body = order_body(company, client_id=client_id, title=text, address=text)
    placed = client.post("/v1/orders", json=body, headers=company.headers())
    if placed.status_code == 422:
        return  # refused at the door is as good
    client.post(f"/v1/orders/{placed.get_json()['id']}/confirm", headers=company.headers())
    jobs.drain()
    (mail,) = postbox.all()
    names = [name.lower() for name, _ in mail["headers"]]
    assert "bcc" not in names
    assert len(mail["envelope_to"]) == 1
    assert "\n" not in mail["subject"]
    assert "Bcc" not in mail["subject"] or mail["subject"].strip().startswith("Confirmed: Clean")


def test_the_subject_holds_the_whole_title(services: Services) -> None:
    mail = render(_message(title="Windows\nand doors"), _organization(), services.settings)
    assert mail.subject.startswith("Confirmed: Windows and doors, ")
    assert mail.text.startswith("Hello Anna Berg")


@pytest.mark.parametrize("name", ["Évier & Fils", "清洁公司", '"Quoted" <x@y.test>', "Comma, Inc.", "a" * 300, "🧹"])
def test_any_company_name_is_a_sender_name(services: Services, jobs: JobsProbe, postbox: Postbox, name: str) -> None:
    company = make_company(services, name=name)
    make_message(company)
    jobs.drain()
    (mail,) = postbox.mails(company.client_email)
    (sender,) = [value for header, value in mail["headers"] if header == "From"]
    assert sender.endswith("<no-reply@crewline.test>")
    assert mail["envelope_from"] == "no-reply@crewline.test"


def test_a_hostile_company_name_reaches_no_header(services: Services, jobs: JobsProbe, postbox: Postbox) -> None:
    company = make_company(services, name="Bright\r\nBcc: all@client.test")
    message_id = make_message(company)
    jobs.drain()
    assert _state(message_id)["state"] in {"sent", "dead"}
    for mail in postbox.all():
        assert "bcc" not in [header.lower() for header, _ in mail["headers"]]
        assert mail["envelope_to"] == [company.client_email]


POISON: dict[str, dict[str, Any]] = {
    "a missing variable": {"variables": {"title": "only this"}},
    "a recipient with a line break": {"recipient": "anna@client.test\r\nRCPT TO:<all@client.test>"},
    "a recipient with a header": {"recipient": "anna@client.test\nBcc: all@client.test"},
    "no recipient": {"recipient": ""},
    "a recipient that is no address": {"recipient": "<<<>>>"},
    "two recipients": {"recipient": "anna@client.test, all@client.test"},
    "a request id with a line break": {"request_id": "x\r\nBcc: all@client.test"},
}


@pytest.mark.parametrize("values", POISON.values(), ids=POISON.keys())
def test_a_row_that_cannot_be_sent_is_one_dead_mail_and_blocks_nobody(
    company: Company, jobs: JobsProbe, postbox: Postbox, values: dict[str, Any]
) -> None:
    poison, good = make_message(company), make_message(company)
    with transaction(company.scope) as session:
        found = session.get_one(Message, (company.org_id, poison))
        for name, value in values.items():
            setattr(found, name, value)
    jobs.drain()
    assert _state(poison)["state"] == "dead"
    assert _state(poison)["last_error"]
    assert _state(good)["state"] == "sent"
    (mail,) = postbox.all()
    assert mail["envelope_to"] == [company.client_email]


def test_a_mail_tells_nothing_about_other_organizations(
    company: Company, neighbour: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    with transaction(PLATFORM) as session:
        session.get_one(Organization, neighbour.org_id).name = "The Neighbours"
    make_message(company)
    jobs.drain()
    (mail,) = postbox.mails(company.client_email)
    assert "The Neighbours" not in str(mail)
    assert mail["received_at"] <= datetime.now(UTC).isoformat().replace("+00:00", "Z")
