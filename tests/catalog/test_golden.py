"""Prices that were worked out by hand."""

from collections import Counter

import pytest

from shared.catalog.pricing import Priced
from shared.catalog.sheet import Line
from tests.catalog.golden import Golden
from tests.catalog.golden_homes import HOMES
from tests.catalog.golden_places import PLACES
from tests.catalog.working import worked_out

GOLDEN = HOMES + PLACES


def _called(line: Line) -> str:
    """What the table of golden estimates calls the line."""
    last = line.rule.rpartition(".")[2]
    return last if last in {"base", "minimum"} else line.name


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_the_price_is_the_one_that_was_worked_out_by_hand(case: Golden) -> None:
    priced: Priced = worked_out(case.book, case.inputs, case.addons, case.frequency)
    assert {_called(line): line.amount for line in priced.lines} == case.lines
    assert len(priced.lines) == len(case.lines)
    assert priced.discount == case.discount
    assert tuple(tax.amount for tax in priced.taxes) == case.taxes
    assert (priced.total, priced.minutes, priced.crew_size) == (case.total, case.minutes, case.crew)


@pytest.mark.parametrize("case", GOLDEN, ids=lambda case: case.name)
def test_the_golden_totals_add_up(case: Golden) -> None:
    """Or the table itself would be wrong."""
    assert case.total == sum(case.lines.values()) - case.discount + sum(case.taxes)


def test_there_are_enough_of_them() -> None:
    names = Counter(case.name for case in GOLDEN)
    assert len(names) == len(GOLDEN) >= 40
