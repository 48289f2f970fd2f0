"""The appointment of an order as a file for calendars (RFC 5545), sent as an invitation (RFC 5546).

Its UID is the order's, and its SEQUENCE the order's version: a calendar that has the appointment moves it, or takes it
off, when a later mail says so. Nobody is asked for an answer: the client has ordered the visit.
"""

from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Parameters, Timezone, vCalAddress, vText
from icalendar.parser import Contentline
from sqlalchemy import Row

from shared.integrations.mail import Attachment
from shared.messages.model import MessageKind
from shared.messages.words import moment

_METHODS = {
    MessageKind.ORDER_PENDING: ("REQUEST", "TENTATIVE"),
    MessageKind.ORDER_CONFIRMED: ("REQUEST", "CONFIRMED"),
    MessageKind.ORDER_RESCHEDULED: ("REQUEST", "CONFIRMED"),
    MessageKind.ORDER_REMINDER: ("REQUEST", "CONFIRMED"),
    MessageKind.ORDER_CANCELLED: ("CANCEL", "CANCELLED"),
}
_NEEDED = {"order_id", "sequence", "title", "address", "starts", "ends"}
_HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Crewline//Mail//EN\r\nMETHOD:{method}\r\n"
_FOOT = "END:VCALENDAR\r\n"


def appointment(
    message: Row[Any], given: dict[str, Any], *, domain: str, organizer: tuple[str, str]
) -> Attachment | None:
    """The file that goes with `message`, of what its template is `given`, from the `organizer` (name and address). None
    for what is no appointment, and for a row of a release that did not write down what the file needs. Raises
    `ValueError`."""
    if message.kind not in _METHODS or not given.keys() >= _NEEDED:
        return None
    method, status = _METHODS[MessageKind(message.kind)]
    if status == "CONFIRMED" and given.get("is_tentative"):
        status = "TENTATIVE"
    zone: ZoneInfo = given["zone"]
    starts, ends = (_local(given[name], zone) for name in ("starts", "ends"))
    lines = [
        "BEGIN:VEVENT",
        _line("UID", f"{given['order_id']}@{domain}"),
        f"SEQUENCE:{int(given['sequence'])}",
        f"DTSTAMP:{message.created_at.astimezone(UTC):%Y%m%dT%H%M%SZ}",
        f"DTSTART;TZID={zone.key}:{starts:%Y%m%dT%H%M%S}",
        f"DTEND;TZID={zone.key}:{ends:%Y%m%dT%H%M%S}",
        _line("SUMMARY", f"{given['title']} \N{EN DASH} {given['company']}"),
        f"STATUS:{status}",
        _person("ORGANIZER", organizer[1], CN=organizer[0]),
        _person("ATTENDEE", message.recipient, PARTSTAT="ACCEPTED", RSVP="FALSE"),
    ]
    # Of a pending order a stranger typed it, for an address that may be somebody else's.
    if message.kind != MessageKind.ORDER_PENDING and given["address"] is not None:
        lines.append(_line("LOCATION", given["address"]))
    event = "\r\n".join([*lines, "END:VEVENT", ""])
    file = _HEAD.format(method=method) + _timezone(zone.key, starts.year, ends.year) + event + _FOOT
    return Attachment("appointment.ics", f"text/calendar; method={method}; charset=utf-8", file)


def _local(text: Any, zone: ZoneInfo) -> datetime:
    found = moment(text)
    if found is None:
        raise ValueError(f"{text!r} is not an instant")
    return found.astimezone(zone)


def _line(name: str, text: str) -> str:
    """`text` escaped, and the line folded."""
    return str(Contentline.from_parts(name, Parameters(), vText(text)).to_ical(), "utf-8")


def _person(role: str, address: str, **parameters: str) -> str:
    line = Contentline.from_parts(role, Parameters(parameters), vCalAddress(f"mailto:{address}"))
    return str(line.to_ical(), "utf-8")


@lru_cache(maxsize=200)
def _timezone(key: str, first_year: int, last_year: int) -> str:
    """The zone's clock changes around these years. Kept, because finding them takes longer than all the rest."""
    first, last = date(first_year - 1, 1, 1), date(last_year + 1, 12, 31)
    found = Timezone.from_tzinfo(ZoneInfo(key), key, first_date=first, last_date=last)
    found.pop("COMMENT", None)
    return str(found.to_ical(), "utf-8")
