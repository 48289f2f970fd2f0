"""What a mail says: two parts, escaped, nothing in its headers that a stranger chose; and rows that cannot be sent."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import unsubscribe_links
from shared.messages.model import OPTIONAL, Message, MessageKind
from shared.messages.rendering import UnrenderableError, render
from shared.organizations.model import Organization
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import example, make_message
from tests.factories.orders import order_body
from tests.factories.organizations import Company, make_company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import row

LARGEST = 100 * 1024


def _message(kind: str = "order_confirmed", **variables: Any) -> Any:
    return Message(
        org_id=UUID("0199a000-0000-7000-8000-00000000000a"),
        id=UUID("0199a000-0000-7000-8000-000000000000"),
        kind=kind,
        recipient="anna@client.test",
        variables=example(kind) | variables,
        request_id="req-1",
        created_at=datetime(2026, 11, 20, 8, 0, tzinfo=UTC),
    )


def _organization(**changes: Any) -> Any:
    values = {"name": "Bright & Tidy", "timezone": "America/Edmonton", "currency": "cad", "locale": "en"} | changes
    return Organization(**values)


def _state(message_id: UUID) -> dict[str, Any]:
    return row("SELECT state, attempts, last_error FROM messages WHERE id = :id", id=message_id)


ABOUT = {
    MessageKind.REQUEST_RECEIVED: "Window cleaning",
    MessageKind.INVOICE: "INV-2026-000001",
    MessageKind.INVOICE_OVERDUE: "INV-2026-000001",
    MessageKind.MAGIC_LINK: "https://portal.example.com/enter/",
    MessageKind.ACCOUNT_CREATED: "dan@example.com",
    MessageKind.PASSWORD_RESET: "dan@example.com",
    MessageKind.PLAN_NOTICE: "Pro",
    MessageKind.OPERATOR_ALERT: "17 mails are dead",
}
"""What mails that are not about an order name."""


@pytest.mark.parametrize("kind", list(MessageKind))
def test_every_kind_has_a_subject_a_text_and_an_html_part(services: Services, kind: str) -> None:
    mail = render(_message(kind), _organization(), services.settings)
    assert mail.subject
    assert "\n" not in mail.subject
    assert mail.text.endswith("\n")
    assert mail.html.lower().startswith("<!doctype html>")
    sheets = re.findall(r"<style>(.*?)</style>", mail.html, re.DOTALL)
    assert all(sheet.strip().startswith("@media") for sheet in sheets), "the rest is inlined: many programs drop sheets"
    assert '<td class="card" style="' in mail.html
    for outside in ("<img", "<link", "<script", "@import", "url("):
        assert outside not in mail.html
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
    message.variables = {name: value for name, value in message.variables.items() if name != "title"}
    with pytest.raises(UnrenderableError) as refused:
        render(message, _organization(), services.settings)
    assert str(refused.value) == "The template order_confirmed lacks the variable 'title'."


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
    assert mail.subject == "Confirmed: Windows and doors, Tuesday, November 24, 2026, 9:00 AM"
    assert mail.text.startswith("Your appointment is confirmed\n\nHello Anna Berg, ")


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


GOOD = example("order_confirmed")
POISON: dict[str, dict[str, Any]] = {
    "a missing variable": {"variables": {"title": "only this"}},
    "an amount that is none": {
        "variables": example("order_confirmed") | {"total": {"amount": "12", "currency": "cad"}}
    },
    "an instant that is none": {"variables": example("order_confirmed") | {"starts": 5}},
    "a sequence that is none": {"variables": example("order_confirmed") | {"sequence": "first"}},
    "a list in place of a text": {"variables": example("order_confirmed") | {"number": {"a": 1}, "total": []}},
    "variables that are a list": {"variables": ["title"]},
    "a text beyond all sizes": {"variables": example("order_confirmed") | {"title": "a" * 60_000}},
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
    assert _state(poison)["last_error"].endswith(".")
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


@pytest.mark.parametrize(
    ("kind", "variables", "why"),
    [
        ("order_confirmed", {"total": "many"}, None),
        ("order_confirmed", {"total": 5}, "The mail cannot be rendered: 5 is not an amount of money."),
        ("order_confirmed", {"total": {"amount": 10**13, "currency": "cad"}}, "amount is out of range"),
        ("order_confirmed", {"starts": "2026-11-24T09:00:00"}, "says no offset from UTC"),
        ("order_confirmed", {"address": "x" * 200_000}, "102400 are the most"),
        ("invoice", {"url": "javascript:alert(1)"}, "a link is no address of the web"),
        ("invoice", {"url": 'https://x.test/"onclick='}, None),
        ("plan_notice", {"notice": "nonsense"}, "nonsense"),
        ("operator_alert", {"facts": [["one"]]}, "cannot be rendered"),
    ],
)
def test_what_is_wrong_with_a_row_is_said_in_a_sentence(
    services: Services, kind: str, variables: dict[str, Any], why: str | None
) -> None:
    if why is None:
        render(_message(kind, **variables), _organization(), services.settings)
        return
    with pytest.raises(UnrenderableError, match=re.escape(why)):
        render(_message(kind, **variables), _organization(), services.settings)


def test_a_zone_that_there_is_not_is_said(services: Services) -> None:
    with pytest.raises(UnrenderableError, match="there is no time zone 'Atlantis/Poseidonis'"):
        render(_message(), _organization(timezone="Atlantis/Poseidonis"), services.settings)


def test_a_row_of_the_release_before_still_becomes_a_mail(services: Services) -> None:
    """Its values were words already, and it does not know the order's end, identifier or version."""
    old = {
        "client_name": "Anna Berg",
        "number": 1001,
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "starts": "Tuesday, 24 November 2026, 09:00",
        "total": "129.00 CAD",
        "deposit": "32.25 CAD",
        "hold_until": "Monday, 23 November 2026, 10:30",
        "reason": "The deposit was not paid in time.",
    }
    kinds = [kind for kind in MessageKind if kind.startswith("order_")]
    for kind in kinds:
        message = _message(kind)
        message.variables = old
        mail = render(message, _organization(), services.settings)
        assert "Spring cleaning" in mail.text
        assert mail.attachments == ()
        if kind != MessageKind.ORDER_COMPLETED:
            assert "Tuesday, 24 November 2026, 09:00" in mail.subject
        assert ("129.00 CAD" in mail.html) == (kind != MessageKind.ORDER_CANCELLED)
    message = _message("password_reset", until="Friday, 27 November 2026, 09:00")
    assert "until Friday, 27 November 2026, 09:00." in render(message, _organization(), services.settings).text


def test_marks_that_turn_the_direction_of_writing_do_not_get_in(services: Services) -> None:
    title = "Clean\u202ecod.exe\u2066\u200b\x07"
    mail = render(_message(title=title), _organization(name="Bright\u202e"), services.settings)
    for part in (mail.subject, mail.text, mail.html, mail.from_name):
        assert not set(part) & set("\u202e\u2066\x07")
    assert "Cleancod.exe" in mail.subject


@pytest.mark.parametrize("kind", list(MessageKind))
def test_only_what_is_optional_can_be_unsubscribed_from(services: Services, kind: MessageKind) -> None:
    mail = render(_message(kind), _organization(), services.settings)
    headers = dict(mail.headers)
    assert headers["Auto-Submitted"] == "auto-generated"
    assert headers["X-Request-Id"] == "req-1"
    assert mail.reference == (
        ("org_id", "0199a000-0000-7000-8000-00000000000a"),
        ("message_id", "0199a000-0000-7000-8000-000000000000"),
    )
    if kind not in OPTIONAL:
        assert not [name for name in headers if name.startswith("List-")]
        assert "/v1/unsubscribe/" not in mail.html + mail.text
        return
    url = unsubscribe_links.url(services.settings, _message(kind))
    assert headers["List-Unsubscribe"] == f"<{url}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f'href="{url}"' in mail.html
    assert f"\n{url}\n" in mail.text
