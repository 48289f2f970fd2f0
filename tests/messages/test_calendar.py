"""The appointment for calendars: the same one through all mails about it, at the right time, whatever people typed."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from io import StringIO
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from icalendar import Calendar

from shared.core.transaction import transaction
from shared.integrations.mail import Mail
from shared.messages.model import Message, MessageKind
from shared.messages.rendering import render
from shared.orders import moving
from shared.organizations.model import Organization
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import example
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.messages.conftest import Postbox
from tests.rows import row

WITH_FILE = {
    MessageKind.ORDER_PENDING: ("REQUEST", "TENTATIVE"),
    MessageKind.ORDER_CONFIRMED: ("REQUEST", "CONFIRMED"),
    MessageKind.ORDER_RESCHEDULED: ("REQUEST", "CONFIRMED"),
    MessageKind.ORDER_REMINDER: ("REQUEST", "CONFIRMED"),
    MessageKind.ORDER_CANCELLED: ("CANCEL", "CANCELLED"),
}
DASH = "\N{EN DASH}"
ZONES = (
    *("Europe/Berlin", "America/Edmonton", "Asia/Jerusalem", "Asia/Kolkata", "Etc/UTC", "Australia/Lord_Howe"),
    *("Africa/Casablanca", "Europe/Dublin", "America/St_Johns", "Pacific/Chatham"),
)
HOSTILE = 'Clean; "all", rooms\\n\r\nATTENDEE:mailto:evil@x.test\r\nBEGIN:VEVENT Ünïcödé 🧹 ' + "ü" * 120


def _rendered(services: Services, kind: str, organization: dict[str, Any] | None = None, **variables: Any) -> Mail:
    message: Any = Message(
        org_id=UUID(int=1),
        id=UUID(int=2),
        kind=kind,
        recipient="anna@client.test",
        variables=example(kind) | variables,
        created_at=datetime(2026, 11, 20, 8, 0, 5, tzinfo=UTC),
    )
    values = {"name": "Bright & Tidy", "timezone": "America/Edmonton", "currency": "cad", "locale": "en"}
    company: Any = Organization(**values | (organization or {}))
    return render(message, company, services.settings)


def _event(mail: Mail) -> tuple[Any, Any]:
    (file,) = mail.attachments
    calendar = Calendar.from_ical(file.content)
    (event,) = calendar.walk("VEVENT")
    return calendar, event


@pytest.mark.parametrize("kind", list(MessageKind))
def test_mails_about_a_coming_appointment_carry_it(services: Services, kind: MessageKind) -> None:
    mail = _rendered(services, kind)
    if kind not in WITH_FILE:
        assert mail.attachments == ()
        return
    method, status = WITH_FILE[kind]
    calendar, event = _event(mail)
    assert mail.attachments[0].filename == "appointment.ics"
    assert mail.attachments[0].mime == f"text/calendar; method={method}; charset=utf-8"
    assert (calendar["METHOD"], calendar["VERSION"], event["STATUS"]) == (method, "2.0", status)
    assert event["UID"] == f"{example(kind)['order_id']}@crewline.test"
    assert event["SEQUENCE"] == example(kind)["sequence"]
    assert event["DTSTAMP"].dt == datetime(2026, 11, 20, 8, 0, 5, tzinfo=UTC)
    assert event["DTSTART"].dt == datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
    assert event["DTEND"].dt == datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
    assert event["DTSTART"].params["TZID"] == "America/Edmonton"
    assert event["SUMMARY"] == f"Spring cleaning {DASH} Bright & Tidy"
    assert (event["ORGANIZER"], event["ORGANIZER"].params["CN"]) == ("mailto:no-reply@crewline.test", "Bright & Tidy")
    assert event["ATTENDEE"] == "mailto:anna@client.test"
    assert dict(event["ATTENDEE"].params) == {"PARTSTAT": "ACCEPTED", "RSVP": "FALSE"}


def test_a_mail_that_a_stranger_asked_for_repeats_no_address_of_theirs(services: Services) -> None:
    assert "LOCATION" not in _event(_rendered(services, "order_pending"))[1]
    assert _event(_rendered(services, "order_confirmed"))[1]["LOCATION"] == "12 Elm Street, Calgary"


@pytest.mark.parametrize(("kind", "status"), [("order_rescheduled", "TENTATIVE"), ("order_cancelled", "CANCELLED")])
def test_what_a_stranger_booked_and_nobody_confirmed_is_told_without_their_words(
    services: Services, kind: str, status: str
) -> None:
    unproven = {"client_name": None, "address": None, "is_tentative": True}
    mail = _rendered(services, kind, **unproven)
    event = _event(mail)[1]
    assert ("LOCATION" in event, event["STATUS"]) == (False, status)
    assert "None" not in mail.text + mail.html


def test_answers_go_where_the_organization_reads_them(services: Services) -> None:
    settled = {"contact_email": "office@bright.test", "mail_sender_name": 'Bright "B"; Tidy: Ltd,'}
    organizer = _event(_rendered(services, "order_confirmed", settled))[1]["ORGANIZER"]
    assert organizer == "mailto:office@bright.test"
    assert organizer.params["CN"].replace("'", '"') == 'Bright "B"; Tidy: Ltd,'


def test_what_people_typed_stays_one_value(services: Services) -> None:
    mail = _rendered(services, "order_confirmed", {"name": HOSTILE}, title=HOSTILE, address=HOSTILE)
    text = mail.attachments[0].content
    calendar, event = _event(mail)
    clean = " ".join(HOSTILE.split())
    assert event["LOCATION"] == clean
    assert event["SUMMARY"] == f"{clean} {DASH} {clean}"
    assert len(calendar.walk("VEVENT")) == 1
    assert event["ATTENDEE"] == "mailto:anna@client.test"
    lines = text.split("\r\n")
    assert lines.pop() == ""
    assert not [line for line in lines if "\n" in line or "\r" in line]
    assert max(len(line.encode()) for line in lines) <= 75
    assert sum(line.startswith(("ATTENDEE", "BEGIN:VEVENT")) for line in lines) == 2


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [2026, 2126])
def test_the_zone_in_the_file_shows_what_the_organizations_clocks_show(
    services: Services, zone: str, year: int
) -> None:
    """Read by another library, hour by hour through the year of the appointment."""
    start = datetime(year, 6, 1, 9, 0, tzinfo=UTC)
    times = {"starts": start.isoformat(), "ends": (start + timedelta(hours=2)).isoformat()}
    mail = _rendered(services, "order_confirmed", {"timezone": zone}, **times)
    read, ours = tzical(StringIO(mail.attachments[0].content.replace("\r\n", "\n"))).get(zone), ZoneInfo(zone)
    hours = [datetime(year, 1, 1, 0, 30, tzinfo=UTC) + timedelta(hours=hour) for hour in range(366 * 24)]
    walls = [hour.astimezone(ours).replace(tzinfo=None) for hour in hours]
    once = [wall for wall in walls if _offset(wall, ours, fold=1) == _offset(wall, ours)]
    assert len(once) > 8_700
    wrong = [wall for wall in once if _offset(wall, read) != _offset(wall, ours)]
    assert wrong == []


def _offset(wall: datetime, zone: Any, *, fold: int = 0) -> timedelta | None:
    return wall.replace(tzinfo=zone, fold=fold).utcoffset()


@pytest.mark.parametrize("missing", ["ends", "order_id", "sequence"])
def test_a_row_that_lacks_what_the_file_needs_goes_without(services: Services, missing: str) -> None:
    message: Any = Message(
        org_id=UUID(int=1),
        id=UUID(int=2),
        kind="order_confirmed",
        recipient="anna@client.test",
        variables={name: value for name, value in example("order_confirmed").items() if name != missing},
    )
    company: Any = Organization(name="Bright", timezone="America/Edmonton", locale="en")
    assert render(message, company, services.settings).attachments == ()


def test_each_mail_about_an_order_moves_the_same_appointment(
    client: CheckedClient, company: Company, jobs: JobsProbe, postbox: Postbox
) -> None:
    order_id = make_order(company)
    client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers())
    moved = {"scheduled_start": "2126-06-02T15:00:00Z"}
    client.post(f"/v1/orders/{order_id}/reschedule", json=moved, headers=company.headers())
    client.post(f"/v1/orders/{order_id}/cancel", json={"reason": "rain"}, headers=company.headers())
    jobs.drain()
    sent = [_file(postbox.message(mail)) for mail in postbox.mails(company.client_email)]
    events = [calendar.walk("VEVENT")[0] for calendar in sent]
    assert [calendar["METHOD"] for calendar in sent] == ["REQUEST", "REQUEST", "CANCEL"]
    assert {event["UID"] for event in events} == {f"{order_id}@crewline.test"}
    assert [event["SEQUENCE"] for event in events] == [2, 3, 4]
    assert events[1]["DTSTART"].dt == datetime(2126, 6, 2, 15, 0, tzinfo=UTC)


def _file(mail: EmailMessage) -> Any:
    """The calendar file, as a mail program finds it."""
    (part,) = mail.iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("text/calendar", "appointment.ics")
    content = part.get_payload(decode=True)
    calendar = Calendar.from_ical(content)
    assert part["Content-Type"].params["method"] == calendar["METHOD"]
    assert b"\n" not in content.replace(b"\r\n", b""), "lines end as RFC 5545 says"
    return calendar


def test_a_hold_that_ran_out_is_told_in_the_readers_language(company: Company, services: Services) -> None:
    order_id = make_order(company)
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        moving.expire(session, company.owner, moving.lock(session, company.owner, order_id), now=now)
    kept = row("SELECT variables FROM messages WHERE org_id = :org", org=company.org_id)["variables"]
    assert (kept["reason"], kept["reason_code"]) == (None, "deposit_unpaid")
    mail = _rendered(services, "order_cancelled", {"locale": "de"}, **kept)
    assert "Grund: Die Anzahlung ist nicht rechtzeitig eingegangen." in mail.text
