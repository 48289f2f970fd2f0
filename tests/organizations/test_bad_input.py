"""Settings that cannot be: refused with a pointer to each fault, and nothing changes."""

import json
from typing import Any

import pytest

from shared.organizations import settings
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.rows import footprint

MONDAY = "/business_hours/mon"
NINE_TO_FIVE = {"opens": "09:00", "closes": "17:00"}


def _closed() -> dict[str, Any]:
    return {day: [] for day in settings.DAYS}


def _hours(*periods: Any, **days: Any) -> dict[str, Any]:
    return {"business_hours": _closed() | {"mon": list(periods)} | days}


def _period(opens: Any, closes: Any) -> dict[str, Any]:
    return {"opens": opens, "closes": closes}


def _deposit(**changes: Any) -> dict[str, Any]:
    return {"deposit_policy": settings.DEPOSIT_POLICY | changes}


def _cancellation(**changes: Any) -> dict[str, Any]:
    terms = settings.CANCELLATION_POLICY["standard"] | changes
    return {"cancellation_policy": settings.CANCELLATION_POLICY | {"standard": terms}}


def _reminder(**changes: Any) -> dict[str, Any]:
    return {"reminder_policy": settings.REMINDER_POLICY | changes}


def _scheduling(**changes: Any) -> dict[str, Any]:
    return {"scheduling_policy": settings.SCHEDULING_POLICY | changes}


def _tax(percent: Any, name: Any = "GST") -> dict[str, Any]:
    return {"tax_rates": [{"name": name, "percent": percent}]}


def _refused(client: CheckedClient, company: Company, body: Any) -> list[tuple[str, str]]:
    """Pointer and code of each fault of a refused change that has left no trace."""
    headers = company.headers() | {"If-Match": '"v1"'}
    before = footprint(company.org_id)
    answer = client.patch("/v1/organization", json=body, headers=headers)
    assert answer.status_code == 422
    assert footprint(company.org_id) == before
    return [(error["pointer"], error["code"]) for error in answer.get_json()["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        {"name": value}
        for value in (
            "",
            "  ",
            "x" * 201,
            None,
            5,
            "a\x00b",
            "a\r\nBcc: x@y.test",
            "a\n",
            "a\x85b",
            "a\u2028b",
            "a\x1b",
        )
    ]
    + [{"mail_sender_name": value} for value in ("", " ", "x" * 201, 5, "a\nb", "\ra", "a\x7fb", "a\u2029b")]
    + [{"contact_email": value} for value in ("", "bo", "bo@", "bo@x.test\r\nBcc: y@x.test", "a@x.test, b@x.test", 5)]
    + [{"contact_address": value} for value in (None, 5, "x" * 501, "a\x00b")]
    + [{"brand_color": value} for value in ("", "red", "#fff", "#0b6b5", "#0b6b57\n", "#0b6b57;x", "0b6b57", 5)]
    + [{"require_mfa": value} for value in (None, 1, "true", "yes")]
    + [{"timezone": value} for value in (None, 5, "", "x" * 65, "UTC\n")]
    + [{"locale": value} for value in (None, 5, "", "x" * 65)]
    + [{name: value} for name in ("business_hours", "deposit_policy", "reminder_policy") for value in (None, [], "x")]
    + [{name: value} for name in ("scheduling_policy", "portal_origins") for value in (None, "x", 5)]
    + [
        {"portal_origins": {}},
        {"scheduling_policy": []},
        {"cancellation_policy": None},
        {"tax_rates": None},
        {"tax_rates": {}},
        {"tax_rates": [{}] * 11},
    ]
    + [{name: "x"} for name in ("id", "slug", "currency", "plan", "version", "created_at", "org_id", "colour")],
    ids=repr,
)
def test_a_value_of_the_wrong_shape_is_pointed_at(
    client: CheckedClient, company: Company, body: dict[str, Any]
) -> None:
    (name,) = body
    pointers = {pointer for pointer, code in _refused(client, company, body) if code == "request.invalid"}
    assert f"/{name}" in {"/" + pointer.split("/")[1] for pointer in pointers}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"business_hours": {day: [] for day in settings.DAYS[1:]}}, MONDAY),
        (_hours(MON=[]), "/business_hours/MON"),
        (_hours(mon=None), MONDAY),
        (_hours(mon=NINE_TO_FIVE), MONDAY),
        (_hours(*[NINE_TO_FIVE] * 11), MONDAY),
        (_hours({"opens": "09:00"}), f"{MONDAY}/0/closes"),
        (_hours(NINE_TO_FIVE | {"breaks": []}), f"{MONDAY}/0/breaks"),
        *[
            (_hours(_period(time, "23:59")), f"{MONDAY}/0/opens")
            for time in (
                "24:00",
                "8:00",
                "08:60",
                "0800",
                "08:00:00",
                "08:00\n",
                "-1:00",
                "\u0660\u0668:\u0660\u0660",
                8,
                None,
            )
        ],
        (_hours(NINE_TO_FIVE, _period("18:00", "24:01")), f"{MONDAY}/1/closes"),
        *[(_deposit(percent=value), "/deposit_policy/percent") for value in (-1, 101, "25", 0.25, 25.0, None, True)],
        *[(_deposit(**{name: -1}), f"/deposit_policy/{name}") for name in ("minimum", "maximum", "total_above")],
        (_deposit(minimum=10**12 + 1), "/deposit_policy/minimum"),
        (_deposit(minimum="1000"), "/deposit_policy/minimum"),
        (_deposit(required_for=["never"]), "/deposit_policy/required_for/0"),
        (_deposit(required_for=None), "/deposit_policy/required_for"),
        ({"deposit_policy": {"percent": 25}}, "/deposit_policy/minimum"),
        (_cancellation(free_hours=721), "/cancellation_policy/standard/free_hours"),
        (_cancellation(partial_hours=-1), "/cancellation_policy/standard/partial_hours"),
        (_cancellation(partial_fee_percent=101), "/cancellation_policy/standard/partial_fee_percent"),
        ({"cancellation_policy": {"standard": {}, "heavy": {}}}, "/cancellation_policy/heavy/free_hours"),
        ({"cancellation_policy": {}}, "/cancellation_policy/heavy"),
        *[(_reminder(hours_before=value), "/reminder_policy/hours_before") for value in (0, 169, "24", None)],
        (_reminder(enabled="yes"), "/reminder_policy/enabled"),
        (_reminder(channel="sms"), "/reminder_policy/channel"),
        *[
            (_scheduling(**{name: value}), f"/scheduling_policy/{name}")
            for name, values in {
                "min_notice_hours": (-1, 721, "24", 24.0, None, True),
                "max_days_ahead": (0, 1_001, "365", None),
                "step_minutes": (0, 10, 31, 45, 90, -15, "30", 30.0, None, True),
                "buffer_minutes": (-1, 241, "30", None),
                "hold_minutes": (4, 1441, "30", None),
            }.items()
            for value in values
        ],
        (_scheduling(colour="red"), "/scheduling_policy/colour"),
        ({"scheduling_policy": {"step_minutes": 30}}, "/scheduling_policy/hold_minutes"),
        ({"portal_origins": ["https://a.test"] * 21}, "/portal_origins"),
        *[
            ({"portal_origins": ["https://a.test", value]}, "/portal_origins/1")
            for value in (None, 5, "", "https://" + "a" * 300, "https://b.test\n", "https://b\x00.test")
        ],
        *[
            (_tax(percent), "/tax_rates/0/percent")
            for percent in (
                "100.01",
                "101",
                "-1",
                "5.12345",
                "5.",
                ".5",
                "05",
                "1e1",
                "5%",
                "",
                "NaN",
                "5\n",
                "\u0665",
                5,
                None,
            )
        ],
        (_tax("5", name=""), "/tax_rates/0/name"),
        (_tax("5", name="G\nST"), "/tax_rates/0/name"),
        ({"tax_rates": [{"name": "GST"}]}, "/tax_rates/0/percent"),
    ],
    ids=repr,
)
def test_a_part_of_the_wrong_shape_is_pointed_at(
    client: CheckedClient, company: Company, body: dict[str, Any], pointer: str
) -> None:
    assert (pointer, "request.invalid") in _refused(client, company, body)


@pytest.mark.parametrize("percent", ["0", "5", "9.975", "0.0001", "99.9999", "100", "100.0000"])
def test_a_tax_rate_has_up_to_four_decimals(client: CheckedClient, company: Company, percent: str) -> None:
    headers = company.headers() | {"If-Match": '"v1"'}
    answer = client.patch("/v1/organization", json=_tax(percent), headers=headers)
    assert answer.get_json()["tax_rates"] == [{"name": "GST", "percent": percent}]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        *[
            ({"timezone": name}, "/timezone", "organizations.bad_timezone")
            for name in ("Mars/Olympus", "america/edmonton", "+02:00", "localtime", "Factory", "../../etc/passwd")
        ],
        *[
            ({"locale": tag}, "/locale", "organizations.bad_locale")
            for tag in ("english", "EN", "en_CA", "en-ca", "en-", "e", "en-CA-x-lol", "*", "en-CA,de", "dé")
        ],
        (_hours(_period("17:00", "09:00")), f"{MONDAY}/0/closes", "organizations.bad_hours"),
        (_hours(_period("09:00", "09:00")), f"{MONDAY}/0/closes", "organizations.bad_hours"),
        (_hours(NINE_TO_FIVE, _period("16:59", "18:00")), f"{MONDAY}/1/opens", "organizations.bad_hours"),
        (_hours(_period("13:00", "17:00"), _period("08:00", "12:00")), f"{MONDAY}/1/opens", "organizations.bad_hours"),
        (
            {"tax_rates": [{"name": "GST", "percent": "5"}, {"name": "gst", "percent": "6"}]},
            "/tax_rates/1/name",
            "organizations.bad_tax_rates",
        ),
        (
            _deposit(required_for=["always", "always"]),
            "/deposit_policy/required_for",
            "organizations.bad_deposit_policy",
        ),
        (_deposit(required_for=["total_above"]), "/deposit_policy/total_above", "organizations.bad_deposit_policy"),
        (_deposit(total_above=0), "/deposit_policy/total_above", "organizations.bad_deposit_policy"),
        (_deposit(minimum=2, maximum=1), "/deposit_policy/maximum", "organizations.bad_deposit_policy"),
        (
            _cancellation(free_hours=23),
            "/cancellation_policy/standard/partial_hours",
            "organizations.bad_cancellation_policy",
        ),
    ],
    ids=repr,
)
def test_a_value_that_contradicts_itself_or_the_world_is_pointed_at(
    client: CheckedClient, company: Company, body: dict[str, Any], pointer: str, code: str
) -> None:
    assert _refused(client, company, body) == [(pointer, code)]


@pytest.mark.parametrize("tag", ["en", "de", "ru", "ar", "he", "en-CA", "zh-Hant", "sr-Latn-RS", "es-419", "fil"])
def test_a_locale_is_a_language_with_or_without_script_and_region(
    client: CheckedClient, company: Company, tag: str
) -> None:
    headers = company.headers() | {"If-Match": '"v1"'}
    answer = client.patch("/v1/organization", json={"locale": tag, "name": "x"}, headers=headers)
    assert answer.get_json()["locale"] == tag


def test_every_fault_is_reported_at_once(client: CheckedClient, company: Company) -> None:
    hours = _hours(_period("12:00", "08:00"), _period("07:00", "06:00"), sun=[_period("10:00", "10:00")])
    body = {"timezone": "Mars/Olympus", "locale": "EN"} | hours | _deposit(minimum=2, maximum=1, total_above=5)
    assert {pointer for pointer, _ in _refused(client, company, body)} == {
        "/timezone",
        "/locale",
        f"{MONDAY}/0/closes",
        f"{MONDAY}/1/opens",
        f"{MONDAY}/1/closes",
        "/business_hours/sun/0/closes",
        "/deposit_policy/total_above",
        "/deposit_policy/maximum",
    }


@pytest.mark.parametrize("body", [[], [{}], "x", None, 5])
def test_a_body_that_is_no_object_is_refused(client: CheckedClient, company: Company, body: Any) -> None:
    headers = company.headers() | {"If-Match": '"v1"'}
    sent = {"data": json.dumps(body), "content_type": "application/json"}
    assert client.patch("/v1/organization", headers=headers, **sent).status_code == 422
