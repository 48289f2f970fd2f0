"""Values in words: instants on the right clocks, amounts with the right number of digits, and old text as it is."""

from itertools import product
from typing import Any

import pytest
from babel import Locale

from shared.messages.look import CARD, DARK_CARD, READABLE, contrast, look_of
from shared.messages.words import day, instant, instant_with_zone, moment, money, period, zone_of

NBSP, DASH, GHE = "\N{NO-BREAK SPACE}", "\N{EN DASH}", "\N{CYRILLIC SMALL LETTER GHE}"
EDMONTON, BERLIN = "America/Edmonton", "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "locale", "zone", "said"),
    [
        ("2026-11-24T16:00:00+00:00", "en", EDMONTON, f"Tuesday, November 24, 2026, 9:00{NBSP}AM"),
        ("2026-11-24T16:00:00Z", "en_GB", EDMONTON, "Tuesday, 24 November 2026, 09:00"),
        ("2026-11-24T09:00:00-07:00", "de", EDMONTON, "Dienstag, 24. November 2026, 09:00"),
        ("2026-11-24T16:00:00+00:00", "de_AT", BERLIN, "Dienstag, 24. November 2026, 17:00"),
        ("2026-01-05T16:00:00+00:00", "de_AT", BERLIN, "Montag, 5. Jänner 2026, 17:00"),
        (
            "2026-11-24T16:00:00+00:00",
            "ru",
            BERLIN,
            f"вторник, 24 ноября 2026{NBSP}{GHE}., 17:00",
        ),
        ("2026-11-24T16:00:00+00:00", "he", "Asia/Jerusalem", "יום שלישי, 24 בנובמבר 2026, 18:00"),
        ("2126-07-01T15:00:00+00:00", "en", EDMONTON, f"Monday, July 1, 2126, 9:00{NBSP}AM"),
        ("Tuesday, 24 November 2026, 09:00", "de", EDMONTON, "Tuesday, 24 November 2026, 09:00"),
    ],
)
def test_an_instant_is_told_on_the_organizations_clocks(text: str, locale: str, zone: str, said: str) -> None:
    assert instant(text, Locale.parse(locale), zone_of(zone)) == said


@pytest.mark.parametrize(
    ("zone", "locale", "winter", "summer"),
    [
        (EDMONTON, "en", "Mountain Standard Time", "Mountain Daylight Time"),
        (BERLIN, "de", "Mitteleuropäische Normalzeit", "Mitteleuropäische Sommerzeit"),
        ("Asia/Jerusalem", "he", "שעון ישראל (חורף)", "שעון ישראל (קיץ)"),
        ("America/Phoenix", "en", "Mountain Standard Time", "Mountain Standard Time"),
    ],
)
def test_the_clocks_have_a_name_that_people_know(zone: str, locale: str, winter: str, summer: str) -> None:
    for text, name in (("2026-01-15T12:00:00Z", winter), ("2026-07-15T12:00:00Z", summer)):
        assert instant_with_zone(text, Locale(locale), zone_of(zone)).endswith(f", {name}")
        assert EDMONTON not in instant_with_zone(text, Locale(locale), zone_of(zone))


def test_a_period_says_the_day_once_unless_it_ends_on_another() -> None:
    here = Locale.parse("en_GB"), zone_of(EDMONTON)
    first = "2026-11-24T16:00:00Z"
    assert period(first, *here, "2026-11-24T18:30:00Z") == (
        f"Tuesday, 24 November 2026, 09:00 {DASH} 11:30, Mountain Standard Time"
    )
    assert period(first, *here, "2026-11-25T18:30:00Z") == (
        f"Tuesday, 24 November 2026, 09:00 {DASH} Wednesday, 25 November 2026, 11:30, Mountain Standard Time"
    )
    assert period(first, *here, None) == "Tuesday, 24 November 2026, 09:00, Mountain Standard Time"
    assert period("on Monday", *here, None) == "on Monday"


def test_the_same_instant_on_two_clocks_is_told_twice() -> None:
    """They are equal, and what is kept of one must not be told of the other."""
    english, text = Locale("en"), "2026-11-24T16:00:00Z"
    told = {instant(text, english, zone_of(zone)) for zone in (EDMONTON, BERLIN, "Asia/Tokyo")}
    assert len(told) == 3


@pytest.mark.parametrize("text", ["2026-11-24T16:00:00", "2026-11-24", 5, None, {"a": 1}])
def test_what_is_no_instant_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match=r"is not an instant|no offset"):
        moment(text)


@pytest.mark.parametrize("name", ["", "Nowhere", "../../etc/passwd", "Europe/", "Europe", "a" * 300, "\x00"])
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        zone_of(name)


def test_a_date_is_told_in_full() -> None:
    assert day("2026-12-08", Locale("de")) == "8. Dezember 2026"
    assert day("in two weeks", Locale("de")) == "in two weeks"


@pytest.mark.parametrize(
    ("amount", "currency", "locale", "said"),
    [
        (12900, "cad", "en", "CA$129.00"),
        (12900, "cad", "en_CA", "$129.00"),
        (123456789, "eur", "de", f"1.234.567,89{NBSP}€"),
        (5, "usd", "en", "$0.05"),
        (-500, "usd", "en", "-$5.00"),
        (0, "usd", "en", "$0.00"),
        (1500, "jpy", "en", "¥1,500"),
        (1500, "isk", "en", f"ISK{NBSP}1,500"),
        (12345, "kwd", "en", f"KWD{NBSP}12.345"),
        (12345, "iqd", "en", f"IQD{NBSP}12.345"),
        (12900, "rub", "ru", f"129,00{NBSP}₽"),
    ],
)
def test_an_amount_has_the_digits_of_its_currency(amount: int, currency: str, locale: str, said: str) -> None:
    assert money({"amount": amount, "currency": currency}, Locale.parse(locale)) == said


def test_an_amount_in_hebrew_has_its_sign_whole() -> None:
    said = money({"amount": 12900, "currency": "cad"}, Locale("he"))
    assert "CA$\N{LEFT-TO-RIGHT MARK}" in said
    assert "129.00" in said


def test_an_amount_that_is_worded_already_stays() -> None:
    assert money("129.00 CAD", Locale("de")) == "129.00 CAD"


NO_AMOUNTS: list[Any] = [5, 1.5, None, [], {}, {"amount": 5}]
NO_AMOUNTS += [{"amount": amount, "currency": "cad"} for amount in ("5", True, 1.5, None, 10**13)]
NO_AMOUNTS += [{"amount": 5, "currency": currency} for currency in (None, 5)]


@pytest.mark.parametrize("value", NO_AMOUNTS)
def test_what_is_no_amount_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="amount"):
        money(value, Locale("en"))


COLORS = [f"#{red}{green}{blue}" for red, green, blue in product(("00", "7f", "ff"), ("00", "80", "ff"), ("00", "6b"))]


@pytest.mark.parametrize("color", [*COLORS, None, "#0b6b57", "#ffe14d", "#777777", "#ffffff"])
def test_text_can_be_read_in_every_brand_colour(color: str | None) -> None:
    look = look_of(color)
    assert contrast(look.on_brand, look.brand) >= READABLE
    assert contrast(look.accent, CARD) >= READABLE
    assert contrast(look.dark_accent, DARK_CARD) >= READABLE
    assert look.brand == (color or "#0b6b57")


def test_contrast_is_that_of_the_web_guidelines() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
