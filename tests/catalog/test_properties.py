"""What holds for every price book and every request."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.catalog.book import faults_in
from shared.catalog.pricing import Priced
from shared.core.money import digits
from tests.catalog.working import worked_out

FREQUENCIES = ("once", "weekly", "every_two_weeks", "monthly")


def _decimals(most: int, places: int, least: int = 0) -> st.SearchStrategy[str]:
    """Decimal numbers in strings, written with any number of digits that is allowed."""
    scaled = st.integers(least * 10**places, most * 10**places)
    return scaled.map(lambda number: f"{Decimal(number).scaleb(-places):f}")


@st.composite
def efforts(draw: st.DrawFn, currency: str, least_minutes: int = 0) -> dict[str, Any]:
    minutes = st.one_of(st.integers(least_minutes, 30), _decimals(30, 3, least_minutes))
    return {"price": draw(_decimals(300, digits(currency))), "minutes": draw(minutes)}


@st.composite
def number_inputs(draw: st.DrawFn, currency: str) -> dict[str, Any]:
    if draw(st.booleans()):
        return draw(efforts(currency)) | {"included": draw(st.one_of(st.integers(0, 5), _decimals(5, 2)))}
    starts = draw(st.lists(st.integers(0, 30), min_size=1, max_size=4, unique=True))
    return {"tiers": [{"from": start} | draw(efforts(currency)) for start in sorted(starts)]}


@st.composite
def books(draw: st.DrawFn) -> dict[str, Any]:
    """A sound book of one service with up to three measured inputs, a choice, multipliers and add-ons."""
    currency = draw(st.sampled_from(["cad", "jpy", "kwd"]))
    inputs = {f"n{number}": draw(number_inputs(currency)) for number in range(draw(st.integers(0, 3)))}
    inputs["kind"] = {"choices": {"a": {}, "b": draw(efforts(currency))}}
    multipliers = [
        {
            "name": f"m{number}",
            "input": "kind",
            "values": {
                "a": draw(_decimals(3, 4, 1)),
                "b": draw(_decimals(1, 4).filter(lambda text: Decimal(text) > 0)),
            },
            "applies_to": draw(st.sampled_from(["price", "minutes", "both"])),
        }
        for number in range(draw(st.integers(0, 3)))
    ]
    service = {
        "base": draw(efforts(currency, least_minutes=1)),
        "inputs": inputs,
        "multipliers": multipliers,
        "addons": ["x", "y"],
        "minimum": draw(_decimals(500, digits(currency))),
        "crew": [{"from_minutes": 0, "size": 1}, {"from_minutes": draw(st.integers(1, 300)), "size": 2}],
    }
    return {
        "currency": currency,
        "services": {"service": service},
        "addons": {key: draw(efforts(currency)) for key in ("x", "y")},
        "frequency_discounts": {each: draw(_decimals(100, 3)) for each in FREQUENCIES[1:]},
        "taxes": [
            {"name": f"tax {number}", "percent": draw(_decimals(30, 4))} for number in range(draw(st.integers(0, 3)))
        ],
    }


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A book and what is asked of it."""
    book = draw(books())
    inputs = book["services"]["service"]["inputs"]
    amounts = st.one_of(st.integers(0, 40), _decimals(40, 2))
    return {
        "book": book,
        "inputs": {name: draw(st.sampled_from("ab") if name == "kind" else amounts) for name in inputs},
        "addons": draw(st.dictionaries(st.sampled_from("xy"), st.integers(1, 5))),
        "frequency": draw(st.sampled_from(FREQUENCIES)),
    }


def _half_up(number: Decimal) -> int:
    return int(number.quantize(Decimal(1), ROUND_HALF_UP))


@given(requests())
@settings(max_examples=50, deadline=None)
def test_the_parts_make_the_total(request: dict[str, Any]) -> None:
    priced = worked_out(**request)
    assert priced.subtotal == sum(line.amount for line in priced.lines)
    assert priced.total == priced.subtotal - priced.discount + sum(tax.amount for tax in priced.taxes)
    assert min(priced.subtotal, priced.discount, priced.tax, priced.total) >= 0
    assert priced.discount <= priced.subtotal
    assert priced.minutes >= 1
    assert priced.lines == [line for line in priced.lines if line.amount]


@given(requests(), st.data())
@settings(max_examples=100, deadline=None)
def test_more_of_anything_never_costs_less_and_never_takes_less_time(
    request: dict[str, Any], data: st.DataObject
) -> None:
    before = worked_out(**request)
    name = data.draw(st.sampled_from(sorted((request["inputs"].keys() - {"kind"}) | {"x", "y"})))
    if name in {"x", "y"}:
        more = request | {"addons": request["addons"] | {name: request["addons"].get(name, 0) + 1}}
    else:
        added = Decimal(data.draw(_decimals(5, 4)))
        more = request | {"inputs": request["inputs"] | {name: str(Decimal(request["inputs"][name]) + added)}}
    after = worked_out(**more)
    assert after.subtotal >= before.subtotal
    assert after.total >= before.total
    assert after.minutes >= before.minutes
    assert after.crew_size >= before.crew_size


@given(requests())
@settings(max_examples=50, deadline=None)
def test_coming_often_never_costs_more_and_changes_nothing_else(request: dict[str, Any]) -> None:
    once, often = worked_out(**request | {"frequency": "once"}), worked_out(**request)
    assert often.total <= once.total
    assert (often.lines, often.minutes, often.crew_size) == (once.lines, once.minutes, once.crew_size)
    assert once.discount == 0


def _exact(request: dict[str, Any]) -> tuple[list[int], Decimal]:
    """Lines and minutes by another way: unit by unit of the book, each line rounded when it is finished."""
    book, inputs = request["book"], request["inputs"]
    rules, minor = book["services"]["service"], Decimal(10) ** digits(book["currency"])
    lines, minutes = [_half_up(Decimal(rules["base"]["price"]) * minor)], Decimal(rules["base"]["minutes"])
    for name, rule in sorted(rules["inputs"].items()):
        if name == "kind":
            parts = [(Decimal(1), rule["choices"][inputs[name]])]
        else:
            tiers = rule.get("tiers") or [rule | {"from": rule["included"]}]
            starts = [Decimal(tier["from"]) for tier in tiers]
            ends = [*starts[1:], Decimal(10**9)]
            value = Decimal(inputs[name])
            parts = [
                (max(min(value, end) - start, Decimal(0)), tier)
                for start, end, tier in zip(starts, ends, tiers, strict=True)
            ]
        lines.append(_half_up(sum((n * Decimal(each.get("price", 0)) for n, each in parts), Decimal(0)) * minor))
        minutes += sum((n * Decimal(each.get("minutes", 0)) for n, each in parts), Decimal(0))
    for multiplier in rules["multipliers"]:
        factor = Decimal(multiplier["values"][inputs["kind"]])
        if multiplier["applies_to"] != "minutes":
            lines.append(_half_up(sum(lines) * (factor - 1)))
        if multiplier["applies_to"] != "price":
            minutes *= factor
    for key, quantity in sorted(request["addons"].items()):
        lines.append(_half_up(quantity * Decimal(book["addons"][key]["price"]) * minor))
        minutes += quantity * Decimal(book["addons"][key]["minutes"])
    lines.append(max(0, _half_up(Decimal(rules["minimum"]) * minor) - sum(lines)))
    return [line for line in lines if line], minutes


@given(requests())
@settings(max_examples=50, deadline=None)
def test_each_line_is_rounded_once_and_the_minutes_at_the_end(request: dict[str, Any]) -> None:
    priced = worked_out(**request)
    lines, minutes = _exact(request)
    assert [line.amount for line in priced.lines] == lines
    assert 0 <= priced.minutes - minutes < 1
    percents = request["book"]["frequency_discounts"] | {"once": 0}
    assert priced.discount == _half_up(sum(lines) * Decimal(percents[request["frequency"]]) / 100)
    net = sum(lines) - priced.discount
    percents = [tax["percent"] for tax in request["book"]["taxes"]]
    assert [tax.amount for tax in priced.taxes] == [_half_up(net * Decimal(percent) / 100) for percent in percents]


def _stated(priced: Priced, currency: str) -> dict[str, int]:
    """The amount that each explanation begins with, in minor units, by its rule."""
    found = {}
    for each in priced.explain:
        first = each.effect.split()[0].rstrip(",")
        if first[0] in "+-" and "min" not in each.effect.split()[1:2]:
            found[each.rule] = int(Decimal(first).scaleb(digits(currency)))
    return found


@given(requests())
@settings(max_examples=50, deadline=None)
def test_every_line_discount_and_tax_is_explained_with_its_amount(request: dict[str, Any]) -> None:
    priced = worked_out(**request)
    stated = _stated(priced, request["book"]["currency"])
    expected = {line.rule: line.amount for line in priced.lines}
    expected |= {f"taxes.{tax.name}": tax.amount for tax in priced.taxes}
    if priced.discount:
        expected[f"frequency_discounts.{request['frequency']}"] = -priced.discount
    assert {rule: amount for rule, amount in stated.items() if amount} == {k: v for k, v in expected.items() if v}
    assert len({each.rule for each in priced.explain}) == len(priced.explain)


@given(books())
@settings(max_examples=25, deadline=None)
def test_a_sound_book_has_no_faults_and_another_currency_is_one(book: dict[str, Any]) -> None:
    assert faults_in(book, "/rules", currency=book["currency"]) == []
    assert [fault.pointer for fault in faults_in(book | {"currency": "xyz"}, "/rules", currency=book["currency"])] == [
        "/rules/currency"
    ]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["1", "cad"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(books(), _json, st.data())
@settings(max_examples=100, deadline=None)
def test_whatever_stands_in_a_book_its_faults_are_found_and_pointed_at(
    book: dict[str, Any], junk: Any, data: st.DataObject
) -> None:
    """Nothing crashes, and every fault points to something that is there, or is missing in something that is there."""
    place: Any = book
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], dict | list) or not place[key] or data.draw(st.booleans()):
            break
        place = place[key]
    place[key] = junk
    for fault in faults_in(book, "", currency="cad"):
        found: Any = book
        *path, _ = fault.pointer.split("/")
        for name in (step.replace("~1", "/").replace("~0", "~") for step in path[1:]):
            found = found[int(name)] if isinstance(found, list) else found[name]
        assert isinstance(found, dict | list)
