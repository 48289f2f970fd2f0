"""Every fault that a price book can have in itself: its code, and where it points to."""

from typing import Any

import pytest

from shared.catalog.book import faults_in
from tests.catalog.books import ALL, GONE, HOME, changed

SERVICE = "/rules/services/home_cleaning"
BAD_PRICES = [
    "",
    "80.000",
    "-1",
    "1e2",
    "NaN",
    "Infinity",
    " 80",
    "80\n",
    "8,00",
    "٨",
    "1000000000",
    80,
    80.5,
    True,
    None,
    {},
]
BAD_NUMBERS = ["", "-1", "1e5", "0.00001", "Infinity", -1, 0.5, 100_001, True, None, []]
BAD_KEYS = ["", "Bedrooms", "1st", "bed-rooms", "x" * 51, "a/b", "a~b", "\x00"]


@pytest.mark.parametrize(
    ("path", "value", "faults"),
    [
        # what must be there
        *[(name, GONE, [(f"/rules/{name}", "missing_rule")]) for name in ("currency", "taxes")],
        ("services", GONE, [("/rules/services", "missing_rule")]),
        ("services/home_cleaning/base", GONE, [(f"{SERVICE}/base", "missing_rule")]),
        ("services/home_cleaning/base/price", GONE, [(f"{SERVICE}/base/price", "missing_rule")]),
        ("services/home_cleaning/base/minutes", GONE, [(f"{SERVICE}/base/minutes", "missing_rule")]),
        ("services/home_cleaning/inputs/bedrooms/price", GONE, [(f"{SERVICE}/inputs/bedrooms/price", "missing_rule")]),
        (
            "services/home_cleaning/multipliers/0/values/heavy",
            GONE,
            [(f"{SERVICE}/multipliers/0/values/heavy", "missing_rule")],
        ),
        ("addons", {}, [(f"{SERVICE}/addons/0", "unknown_addon")]),
        ("addons/oven/minutes", GONE, [("/rules/addons/oven/minutes", "missing_rule")]),
        ("taxes/0/percent", GONE, [("/rules/taxes/0/percent", "missing_rule")]),
        (
            "services/home_cleaning/inputs/area_m2/tiers/1/from",
            GONE,
            [(f"{SERVICE}/inputs/area_m2/tiers/1/from", "missing_rule")],
        ),
        # what must not
        ("discounts", {}, [("/rules/discounts", "unknown_rule")]),
        ("services/home_cleaning/bace", {}, [(f"{SERVICE}/bace", "unknown_rule")]),
        ("services/home_cleaning/inputs/bedrooms/a~b", 1, [(f"{SERVICE}/inputs/bedrooms/a~0b", "unknown_rule")]),
        ("services/home_cleaning/inputs/condition/price", "1", [(f"{SERVICE}/inputs/condition/price", "unknown_rule")]),
        ("services/home_cleaning/inputs/area_m2/included", 1, [(f"{SERVICE}/inputs/area_m2/included", "unknown_rule")]),
        ("frequency_discounts/once", "5", [("/rules/frequency_discounts/once", "unknown_rule")]),
        ("frequency_discounts/daily", "5", [("/rules/frequency_discounts/daily", "unknown_rule")]),
        # what is named must exist
        ("services/home_cleaning/addons/0", "fridge", [(f"{SERVICE}/addons/0", "unknown_addon")]),
        ("services/home_cleaning/multipliers/0/input", "dirt", [(f"{SERVICE}/multipliers/0/input", "unknown_input")]),
        (
            "services/home_cleaning/multipliers/0/input",
            "bedrooms",
            [(f"{SERVICE}/multipliers/0/input", "unknown_input")],
        ),
        (
            "services/home_cleaning/multipliers/0/values/dirty",
            "2",
            [(f"{SERVICE}/multipliers/0/values/dirty", "unknown_input")],
        ),
        (
            "services/home_cleaning/inputs/condition/default",
            "dirty",
            [(f"{SERVICE}/inputs/condition/default", "bad_value")],
        ),
        # the currency
        *[
            ("currency", value, [("/rules/currency", "wrong_currency")])
            for value in ("usd", "CAD", "", 7, None, ["cad"])
        ],
        # percents and factors
        *[
            (place, value, [(f"/rules/{place}", "bad_value")])
            for place in ("frequency_discounts/weekly", "taxes/0/percent")
            for value in ("100.1", "101", "-1", "5.00001", "5%", 5, None, "1e1")
        ],
        *[
            (
                "services/home_cleaning/multipliers/0/values/heavy",
                value,
                [(f"{SERVICE}/multipliers/0/values/heavy", "bad_value")],
            )
            for value in ("0", "-1", "100.1", "1.00001", 1, 1.35, None)
        ],
        (
            "services/home_cleaning/multipliers/0/applies_to",
            "tips",
            [(f"{SERVICE}/multipliers/0/applies_to", "bad_value")],
        ),
        # tiers
        *[
            (
                "services/home_cleaning/inputs/area_m2/tiers/1/from",
                value,
                [(f"{SERVICE}/inputs/area_m2/tiers/1/from", "overlapping_tiers")],
            )
            for value in (50, 49, 0, "50", "49.9999")
        ],
        (
            "services/home_cleaning/inputs/area_m2/tiers/1/from",
            "x",
            [(f"{SERVICE}/inputs/area_m2/tiers/1/from", "bad_value")],
        ),
        ("services/home_cleaning/inputs/area_m2/tiers", [], [(f"{SERVICE}/inputs/area_m2/tiers", "bad_value")]),
        ("services/home_cleaning/crew/1/from_minutes", 0, [(f"{SERVICE}/crew/1/from_minutes", "overlapping_tiers")]),
        ("services/home_cleaning/crew/0/from_minutes", 10, [(f"{SERVICE}/crew/0/from_minutes", "bad_value")]),
        ("services/home_cleaning/crew", [], [(f"{SERVICE}/crew", "bad_value")]),
        *[
            ("services/home_cleaning/crew/1/size", value, [(f"{SERVICE}/crew/1/size", "bad_value")])
            for value in (0, 21, "2", 2.0, True)
        ],
        # numbers
        *[
            ("services/home_cleaning/base/price", value, [(f"{SERVICE}/base/price", "bad_value")])
            for value in BAD_PRICES
        ],
        *[("services/home_cleaning/minimum", value, [(f"{SERVICE}/minimum", "bad_value")]) for value in BAD_PRICES],
        *[
            (
                f"services/home_cleaning/inputs/bedrooms/{name}",
                value,
                [(f"{SERVICE}/inputs/bedrooms/{name}", "bad_value")],
            )
            for name in ("included", "max")
            for value in BAD_NUMBERS
        ],
        *[
            ("services/home_cleaning/base/minutes", value, [(f"{SERVICE}/base/minutes", "bad_value")])
            for value in (0, "0.5", 1441, "1440.1", -1, 0.5, True, "NaN")
        ],
        *[
            ("addons/oven/max", value, [("/rules/addons/oven/max", "bad_value")])
            for value in (0, 101, "3", 3.0, True, None)
        ],
        ("services/home_cleaning/inputs/bedrooms/default", 21, [(f"{SERVICE}/inputs/bedrooms/default", "bad_value")]),
        # names
        *[
            (
                "services/home_cleaning/inputs/condition/choices",
                {"normal": {}, "heavy": {}, key: {}},
                [(f"{SERVICE}/inputs/condition/choices/{key.replace('~', '~0').replace('/', '~1')}", "bad_value")],
            )
            for key in BAD_KEYS
        ],
        *[
            ("taxes/0/name", value, [("/rules/taxes/0/name", "bad_value")])
            for value in ("", " GST", "G\nST", "\x00", "x" * 101, 5, None)
        ],
        (
            "taxes",
            [{"name": "GST", "percent": "5"}, {"name": "gst", "percent": "6"}],
            [("/rules/taxes/1/name", "bad_value")],
        ),
        ("services/home_cleaning/addons", ["oven", "oven"], [(f"{SERVICE}/addons/1", "bad_value")]),
        # shapes
        *[
            (name, value, [(f"/rules/{name}", "bad_value")])
            for name in ("services", "taxes", "frequency_discounts")
            for value in (None, 5, "x")
        ],
        ("services/home_cleaning", [], [(SERVICE, "bad_value")]),
        (
            "services/home_cleaning/inputs",
            [],
            [(f"{SERVICE}/inputs", "bad_value"), (f"{SERVICE}/multipliers/0/input", "unknown_input")],
        ),
        ("services/home_cleaning/inputs/bedrooms", 25, [(f"{SERVICE}/inputs/bedrooms", "bad_value")]),
        ("services/home_cleaning/inputs/bedrooms", None, [(f"{SERVICE}/inputs/bedrooms", "bad_value")]),
        ("services/home_cleaning/multipliers", {}, [(f"{SERVICE}/multipliers", "bad_value")]),
        ("services/home_cleaning/multipliers/0/values", [], [(f"{SERVICE}/multipliers/0/values", "bad_value")]),
        (
            "services/home_cleaning/crew",
            [None, 5],
            [(f"{SERVICE}/crew/0", "bad_value"), (f"{SERVICE}/crew/1", "bad_value")],
        ),
        # how many
        ("taxes", [{"name": f"tax {n}", "percent": "1"} for n in range(11)], [("/rules/taxes", "bad_value")]),
        (
            "services/home_cleaning/inputs/area_m2/tiers",
            [{"from": n, "price": "1", "minutes": 1} for n in range(21)],
            [(f"{SERVICE}/inputs/area_m2/tiers", "bad_value")],
        ),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_a_fault_is_found_and_pointed_at(path: str, value: Any, faults: list[tuple[str, str]]) -> None:
    found = faults_in(changed(HOME, path, value), "/rules", currency="cad")
    assert sorted((fault.pointer, fault.code) for fault in found) == sorted(
        (pointer, f"catalog.{code}") for pointer, code in faults
    )


@pytest.mark.parametrize("book", ALL.values(), ids=ALL)
def test_the_books_of_the_tests_have_none(book: dict[str, Any]) -> None:
    assert faults_in(book, "/rules", currency=book["currency"]) == []


@pytest.mark.parametrize("junk", [None, [], 5, "x", {}], ids=repr)
def test_what_is_no_book_at_all_is_refused(junk: Any) -> None:
    assert faults_in(junk, "/rules", currency="cad")
