"""In whose name a mail comes, where answers to it go, and what stands at its foot: the organization's settings."""

from typing import Any

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages.model import MessageKind
from shared.organizations.model import Organization
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import make_message
from tests.factories.organizations import Company, make_company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import row


@pytest.fixture
def bright(services: Services) -> Company:
    return make_company(services, name="Bright & Tidy")


def _settle(client: CheckedClient, company: Company, **changes: Any) -> None:
    answer = client.patch("/v1/organization", json=changes, headers=company.headers() | {"If-Match": "*"})
    assert answer.status_code == 200, answer.get_json()


def _sent(company: Company, jobs: JobsProbe, postbox: Postbox, kind: str = "order_confirmed") -> dict[str, Any]:
    make_message(company, kind=kind, reason="rain")
    jobs.drain()
    (mail,) = postbox.mails(company.client_email)
    return mail


def _header(mail: dict[str, Any], name: str) -> list[str]:
    return [value for header, value in mail["headers"] if header == name]


def test_without_settings_the_organizations_name_is_the_sender_and_answers_go_back(
    bright: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    mail = _sent(bright, jobs, postbox)
    assert _header(mail, "From") == ["Bright & Tidy <no-reply@crewline.test>"]
    assert _header(mail, "Reply-To") == []


def test_the_sender_name_and_the_address_for_answers_are_the_ones_that_are_set(
    client: CheckedClient, bright: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    _settle(client, bright, mail_sender_name="Office of Bright", contact_email="office@bright.test")
    mail = _sent(bright, jobs, postbox)
    assert _header(mail, "From") == ["Office of Bright <no-reply@crewline.test>"]
    assert _header(mail, "Reply-To") == ["office@bright.test"]
    assert mail["envelope_to"] == [bright.client_email]
    assert mail["envelope_from"] == "no-reply@crewline.test"


def test_answers_reach_a_domain_that_is_not_written_in_ascii(
    client: CheckedClient, bright: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    _settle(client, bright, contact_email="office@münchen.test")
    assert _header(_sent(bright, jobs, postbox), "Reply-To") == ["office@xn--mnchen-3ya.test"]


def test_a_client_whose_domain_is_not_written_in_ascii_gets_the_mail(
    bright: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    make_message(bright, to="anna@münchen.test")
    jobs.drain()
    (mail,) = postbox.mails("anna@xn--mnchen-3ya.test")
    assert mail["envelope_to"] == ["anna@xn--mnchen-3ya.test"]


@pytest.mark.parametrize("kind", list(MessageKind))
def test_the_foot_has_the_name_and_the_address(
    client: CheckedClient, bright: Company, jobs: JobsProbe, postbox: Postbox, kind: str
) -> None:
    _settle(client, bright, contact_address="12 Elm Street <b>\nCalgary")
    mail = _sent(bright, jobs, postbox, kind)
    assert mail["text"].replace("\r\n", "\n").rstrip().endswith("\nBright & Tidy\n12 Elm Street <b>\nCalgary")
    assert "Bright &amp; Tidy" in mail["html"]
    assert "Bright &amp; Tidy<br>12 Elm Street &lt;b&gt;<br>Calgary</p>" in mail["html"], "lines stay lines"


@pytest.mark.parametrize("kind", list(MessageKind))
def test_without_an_address_the_foot_has_the_name_only(
    bright: Company, jobs: JobsProbe, postbox: Postbox, kind: str
) -> None:
    mail = _sent(bright, jobs, postbox, kind)
    assert mail["text"].replace("\r\n", "\n").rstrip().endswith("\n\nBright & Tidy")
    assert "Bright &amp; Tidy" in mail["html"]
    assert "Bright &amp; Tidy</p>" in mail["html"]


@pytest.mark.parametrize("column", ["name", "mail_sender_name", "contact_email"])
@pytest.mark.parametrize("breaks", ["\r\n", "\n", "\r"])
def test_a_setting_that_got_past_the_door_adds_no_header(
    bright: Company, jobs: JobsProbe, postbox: Postbox, column: str, breaks: str
) -> None:
    with transaction(PLATFORM) as session:
        setattr(session.get_one(Organization, bright.org_id), column, f"x@bright.test{breaks}Bcc: all@client.test")
    message_id = make_message(bright)
    jobs.drain()
    state = row("SELECT state FROM messages WHERE id = :id", id=message_id)["state"]
    assert state == ("dead" if column == "contact_email" else "sent")
    for mail in postbox.all():
        assert "bcc" not in [name.lower() for name, _ in mail["headers"]]
        assert mail["envelope_to"] == [bright.client_email]


def test_what_looks_like_an_encoded_word_is_text_as_it_was_typed(
    client: CheckedClient, bright: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    """Read as one, it would bring along what nobody may type: line breaks, and marks that turn the direction."""
    typed = "=?utf-8?B?4oCuDQpCY2M6IHg=?="
    _settle(client, bright, mail_sender_name=typed)
    make_message(bright, title=typed)
    jobs.drain()
    (mail,) = postbox.mails(bright.client_email)
    message = postbox.message(mail)
    assert typed in str(message["Subject"])
    assert typed not in next(value for name, value in message.raw_items() if name == "From")
