"""Values of a row, as a reader of its language expects them.

A row of the release before this one holds finished text where there is a value now; such text stays as it is.
"""

import re
from copy import copy
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import NumberPattern

from shared.core.money import Money, digits

_CODE_BESIDE_NUMBER = re.compile(r"(?<=[A-Z])(?=\d)")
"""Where CLDR wants a space and Babel writes none: CHF 129.00."""


def zone_of(name: str) -> ZoneInfo:
    """The zone with an IANA name. Raises `ValueError`."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}") from None


def moment(text: Any) -> datetime | None:
    """The instant that `text` (ISO 8601 with an offset) names; None for text that somebody has worded already. Raises
    `ValueError`."""
    if not isinstance(text, str):
        raise ValueError(f"{text!r} is not an instant")  # noqa: TRY004 - a row's fault, not the caller's
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} says no offset from UTC")
    return found


def instant(text: str, locale: Locale, zone: ZoneInfo) -> str:
    """Day and time on the clocks of `zone`: `Tuesday, November 24, 2026, 9:00 AM`."""
    found = moment(text)
    return text if found is None else _day_and_time(found, locale, zone)


def instant_with_zone(text: str, locale: Locale, zone: ZoneInfo) -> str:
    """The same, and whose clocks: `…, Mountain Standard Time`."""
    found = moment(text)
    return text if found is None else f"{_day_and_time(found, locale, zone)}, {_zone_name(found, locale, zone)}"


def period(starts: str, locale: Locale, zone: ZoneInfo, ends: str | None) -> str:
    """From when to when, and whose clocks; the start alone where the end is not known."""
    first, last = moment(starts), None if ends is None else moment(ends)
    if first is None or last is None:
        return instant_with_zone(starts, locale, zone)
    is_same_day = first.astimezone(zone).date() == last.astimezone(zone).date()
    until = (_time if is_same_day else _day_and_time)(last, locale, zone)
    return f"{_day_and_time(first, locale, zone)} \N{EN DASH} {until}, {_zone_name(first, locale, zone)}"


def day(text: str, locale: Locale) -> str:
    """A date without a time: `November 24, 2026`."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return text
    return _printable(format_date(found, "long", locale=locale))


def money(value: Any, locale: Locale) -> str:
    """An amount with its currency: `CA$129.00`. Raises `ValueError`."""
    match value:
        case str():
            return value
        case {"amount": int(amount), "currency": str(currency)} if not isinstance(amount, bool):
            Money(amount, currency)
            places = digits(currency)
            pattern, shifted = _pattern(locale, places), Decimal(amount).scaleb(-places)
            written = pattern.apply(shifted, locale, currency=currency.upper(), currency_digits=False)
            written = _CODE_BESIDE_NUMBER.sub("\N{NO-BREAK SPACE}", written)
            # Or the sign at the end would change sides with its letters: $CA.
            return _printable(written) + ("\N{LEFT-TO-RIGHT MARK}" if locale.text_direction == "rtl" else "")
        case _:
            raise ValueError(f"{value!r} is not an amount of money")


@lru_cache(maxsize=200)
def _pattern(locale: Locale, places: int) -> NumberPattern:
    """The locale's way to write amounts, with the digits that Stripe and ISO 4217 give a currency: CLDR leaves some out
    because coins of them are rare."""
    pattern: NumberPattern = copy(locale.currency_formats["standard"])
    pattern.frac_prec = (places, places)
    return pattern


def _printable(text: str) -> str:
    """Without the narrow spaces that CLDR puts in front of `AM`: many fonts of mail programs do not have them."""
    return text.replace("\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}")


@lru_cache(maxsize=1000)
def _day_and_time(found: datetime, locale: Locale, zone: ZoneInfo) -> str:
    day_of_week = _printable(format_date(found.astimezone(zone), "full", locale=locale))
    return str(locale.datetime_formats["full"]).replace("{1}", day_of_week).replace("{0}", _time(found, locale, zone))


@lru_cache(maxsize=1000)
def _time(found: datetime, locale: Locale, zone: ZoneInfo) -> str:
    return _printable(format_time(found.astimezone(zone), "short", locale=locale))


@lru_cache(maxsize=1000)
def _zone_name(found: datetime, locale: Locale, zone: ZoneInfo) -> str:
    return str(get_timezone_name(found.astimezone(zone), "long", locale=locale))
