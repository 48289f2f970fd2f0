"""What a company decides for itself: the defaults, and the rules that need more than one value, or the world, to check.

The shape of each value (types, lengths, ranges) is known at the door, `api/organizations/schemas.py`. Amounts are minor
units of the organization's currency. Times of day are local, `HH:MM` up to `24:00`, and so compare as text.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, TypedDict
from zoneinfo import available_timezones

from shared.core.errors import Invalid, code, invalid_field
from shared.organizations.origins import normal_origin

BAD_TIMEZONE = code("organizations.bad_timezone", "No such time zone")
BAD_LOCALE = code("organizations.bad_locale", "The locale cannot be used")
BAD_HOURS = code("organizations.bad_hours", "The business hours cannot be used")
BAD_TAX_RATES = code("organizations.bad_tax_rates", "The tax rates cannot be used")
BAD_DEPOSIT_POLICY = code("organizations.bad_deposit_policy", "The deposit policy contradicts itself")
BAD_CANCELLATION_POLICY = code("organizations.bad_cancellation_policy", "The cancellation policy contradicts itself")
BAD_RETENTION_POLICY = code("organizations.bad_retention_policy", "The retention policy cannot be used")
BAD_ORIGIN = code("organizations.bad_origin", "The origin cannot be used")


class DepositReason(StrEnum):
    """When an order needs a deposit."""

    ALWAYS = "always"
    FIRST_ORDER = "first_order"
    HEAVY_SERVICE = "heavy_service"
    SHORT_NOTICE = "short_notice"
    TOTAL_ABOVE = "total_above"


class Changes(TypedDict, total=False):
    """What can be changed; each value replaces the old one as a whole."""

    name: str
    timezone: str
    locale: str
    business_hours: dict[str, Any]
    deposit_policy: dict[str, Any]
    cancellation_policy: dict[str, Any]
    reminder_policy: dict[str, Any]
    scheduling_policy: dict[str, Any]
    retention_policy: dict[str, Any]
    portal_origins: list[str]
    tax_rates: list[dict[str, Any]]
    contact_email: str | None
    contact_address: str
    mail_sender_name: str | None
    brand_color: str | None
    require_mfa: bool


DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WORKDAY = [{"opens": "08:00", "closes": "17:00"}]

LOCALE = "en"
BUSINESS_HOURS: dict[str, Any] = {day: [] if day in {"sat", "sun"} else _WORKDAY for day in DAYS}
DEPOSIT_POLICY: dict[str, Any] = {
    "percent": 25,
    "minimum": None,
    "maximum": None,
    "required_for": [],
    "total_above": None,
}
CANCELLATION_POLICY: dict[str, Any] = {
    "standard": {"free_hours": 48, "partial_hours": 24, "partial_fee_percent": 50},
    "heavy": {"free_hours": 72, "partial_hours": 48, "partial_fee_percent": 50},
}
REMINDER_POLICY: dict[str, Any] = {"hours_before": 24, "enabled": True}
SCHEDULING_POLICY: dict[str, Any] = {
    "min_notice_hours": 24,
    "max_days_ahead": 365,
    "step_minutes": 30,
    "buffer_minutes": 30,
    "hold_minutes": 30,
}
RETENTION_POLICY: dict[str, Any] = {
    "lead_days": None,
    "message_days": None,
    "export_days": None,
    "session_days": None,
    "photo_days": None,
}
"""None: as long as the installation keeps it."""

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?")
_OF_THE_MACHINE = {"localtime", "Factory"}
"""Found beside the zones, but they say where the server stands, or nothing."""


def faults_in(values: Mapping[str, Any]) -> list[Invalid]:
    """Everything that is wrong with `values` (by the names of `Changes`), each fault with its JSON Pointer."""
    return [fault for name, value in values.items() if name in _RULES for fault in _RULES[name](value)]


def faults_in_retention(policy: Mapping[str, int | None], longest: Mapping[str, int | None]) -> Iterator[Invalid]:
    """What an organization would keep for more days than `longest` allows."""
    for name, days in policy.items():
        most = longest.get(name)
        if days is not None and most is not None and days > most:
            detail = f"Is more than {most}, for which this installation keeps it."
            yield invalid_field(f"/retention_policy/{name}", BAD_RETENTION_POLICY, detail)


def faults_in_hours(week: dict[str, Any], pointer: str = "/business_hours") -> Iterator[Invalid]:
    """What is wrong with the opening hours of a week, which stand at `pointer` in the body: periods of a day follow
    each other and do not overlap."""
    for day, periods in week.items():
        free_from = "00:00"
        for number, period in enumerate(periods):
            at = f"{pointer}/{day}/{number}"
            if period["opens"] >= period["closes"]:
                yield invalid_field(f"{at}/closes", BAD_HOURS, "Closes before it opens.")
            if period["opens"] < free_from:
                yield invalid_field(f"{at}/opens", BAD_HOURS, "Opens before the period in front of it is over.")
            free_from = max(free_from, period["closes"])


def refuse(faults: list[Invalid]) -> None:
    """Raise all `faults` as one `Invalid`, if there are any."""
    if faults:
        detail = " ".join(fault.detail for fault in faults)
        raise Invalid(faults[0].code, detail, errors=[error for fault in faults for error in fault.errors])


def spelled(changes: Changes) -> Changes:
    """`changes` without faults, with everything in the one spelling in which it is kept."""
    if "portal_origins" in changes:
        changes = changes | {"portal_origins": [normal_origin(origin) for origin in changes["portal_origins"]]}
    if changes.get("brand_color"):
        changes = changes | {"brand_color": str(changes["brand_color"]).lower()}
    return changes


@cache
def _timezones() -> set[str]:
    """IANA's names; looking for them walks a folder of hundreds of files."""
    return available_timezones() - _OF_THE_MACHINE


def _timezone(name: str) -> Iterator[Invalid]:
    if name not in _timezones():
        yield invalid_field("/timezone", BAD_TIMEZONE, f"{name!r} is not an IANA time zone.")


def _locale(tag: str) -> Iterator[Invalid]:
    if not _LOCALE.fullmatch(tag):
        yield invalid_field("/locale", BAD_LOCALE, f"{tag!r} is not written like en, de or en-CA (BCP 47).")


def _tax_rates(rates: list[dict[str, Any]]) -> Iterator[Invalid]:
    seen: set[str] = set()
    for number, rate in enumerate(rates):
        name = rate["name"].casefold()
        if name in seen:
            yield invalid_field(f"/tax_rates/{number}/name", BAD_TAX_RATES, "Another rate has this name.")
        seen.add(name)


def _deposit_policy(policy: dict[str, Any]) -> Iterator[Invalid]:
    at, reasons = "/deposit_policy", policy["required_for"]
    if any(times > 1 for times in Counter(reasons).values()):
        yield invalid_field(f"{at}/required_for", BAD_DEPOSIT_POLICY, "Names a reason twice.")
    if (DepositReason.TOTAL_ABOVE in reasons) != (policy["total_above"] is not None):
        detail = "Is given exactly when required_for lists total_above."
        yield invalid_field(f"{at}/total_above", BAD_DEPOSIT_POLICY, detail)
    if None not in {policy["minimum"], policy["maximum"]} and policy["minimum"] > policy["maximum"]:
        yield invalid_field(f"{at}/maximum", BAD_DEPOSIT_POLICY, "Is less than the minimum.")


def _cancellation_policy(policy: dict[str, Any]) -> Iterator[Invalid]:
    for kind, terms in policy.items():
        if terms["partial_hours"] > terms["free_hours"]:
            at = f"/cancellation_policy/{kind}/partial_hours"
            yield invalid_field(at, BAD_CANCELLATION_POLICY, "Is more than free_hours.")


def _portal_origins(origins: list[str]) -> Iterator[Invalid]:
    seen: set[str] = set()
    for number, text in enumerate(origins):
        at = f"/portal_origins/{number}"
        try:
            origin = normal_origin(text)
        except ValueError as error:
            yield invalid_field(at, BAD_ORIGIN, f"{text!r} {error}.")
            continue
        if origin in seen:
            yield invalid_field(at, BAD_ORIGIN, f"{text!r} is in the list already.")
        seen.add(origin)


_RULES: dict[str, Callable[[Any], Iterator[Invalid]]] = {
    "timezone": _timezone,
    "locale": _locale,
    "business_hours": faults_in_hours,
    "tax_rates": _tax_rates,
    "deposit_policy": _deposit_policy,
    "cancellation_policy": _cancellation_policy,
    "portal_origins": _portal_origins,
}
