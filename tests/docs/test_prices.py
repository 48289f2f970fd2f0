"""The worked example in the guide to price books, held against the code."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

from shared.catalog.pricing import Priced
from tests.catalog.working import worked_out

PAGE = Path(__file__).resolve().parents[2] / "ops" / "docs" / "prices.md"


def _example() -> tuple[dict[str, Any], Priced]:
    (book,) = re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    inputs = {"bedrooms": 3, "area_m2": "82.55", "condition": "heavy"}
    return json.loads(book), worked_out(json.loads(book), inputs, {"oven": 2}, "weekly")


def _table() -> dict[str, tuple[str, str]]:
    """Line and minutes of each rule of the example's table."""
    text = PAGE.read_text().partition("## An example")[2].partition("\n## ")[0]
    rows = [[cell.strip(" `*") for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {rule: (line, minutes) for rule, _, line, minutes in rows}


def test_the_worked_example_is_what_the_code_makes_of_it() -> None:
    _, priced = _example()
    table = _table()
    assert "3 bedrooms, 82.55 m², in heavy condition, with 2 ovens" in PAGE.read_text()
    expected = {line.rule: line.amount for line in priced.lines}
    expected |= {"Subtotal": priced.subtotal, "frequency_discounts.weekly": -priced.discount}
    expected |= {f"taxes.{tax.name}": tax.amount for tax in priced.taxes} | {"Total": priced.total}
    written = {rule: int(Decimal(line).scaleb(2)) for rule, (line, _) in table.items() if line[-1:].isdigit()}
    assert written == expected
    assert table["Subtotal"][1] == str(priced.minutes) == "265"
    minutes = [Decimal(minutes) for rule, (_, minutes) in table.items() if rule != "Subtotal" and minutes[:1].isdigit()]
    assert len(minutes) == len(priced.lines)
    assert 0 <= priced.minutes - sum(minutes) < 1
    assert f"{priced.minutes} minutes are more than 240, so two people come" in PAGE.read_text()
    assert priced.crew_size == 2


def test_every_member_of_the_example_is_in_the_list_of_what_can_be_written() -> None:
    book, _ = _example()
    listed = PAGE.read_text().partition("## What can be written")[2]
    service = book["services"]["home_cleaning"]
    for member in {*book, *(f"…{name}" for name in service)}:
        assert f"`{member}`" in listed, member
