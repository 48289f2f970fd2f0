"""The paper on which a price is worked out: lines, minutes, and why.

Each line is rounded once, half up, to minor units; what is worked out from lines (a multiplier, the minimum, the
discount, a tax) is worked out from them as they are shown, so that anybody can check it. Nothing is rounded in between,
and more of something can never come out cheaper by rounding. Minutes are exact until the end.
"""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from shared.catalog.rules import Effort
from shared.core.money import digits


@dataclass(frozen=True, slots=True)
class Line:
    """A part of the subtotal, in minor units. A multiplier below 1 makes a negative one."""

    rule: str
    name: str
    quantity: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Which rule of the book looked at what, and what came of it."""

    rule: str
    input: str
    effect: str


@dataclass(slots=True)
class Sheet:
    """Lines of one estimate in `currency`, with their sum, and the minutes so far."""

    currency: str
    lines: list[Line] = field(default_factory=list)
    explain: list[Explanation] = field(default_factory=list)
    minutes: Decimal = Decimal(0)

    @property
    def subtotal(self) -> int:
        return sum(line.amount for line in self.lines)

    def add(self, rule: str, name: str, quantity: Decimal | str | None, effort: Effort, why: str = "") -> None:
        """One more line of `effort.price` major units, rounded here and only here. What costs nothing is explained,
        but is no line."""
        amount = round_half_up(effort.price.scaleb(digits(self.currency)))
        shown = written(quantity) if isinstance(quantity, Decimal) else quantity
        self.minutes += effort.minutes
        if amount:
            self.lines.append(Line(rule, name, shown, amount))
        changes = [self.signed(amount)] if amount else []
        changes += [f"{'+' if effort.minutes > 0 else ''}{written(effort.minutes)} min"] if effort.minutes else []
        self.note(rule, shown or "", (", ".join(changes) or "no effect") + (f" ({why})" if why else ""))

    def note(self, rule: str, looked_at: str, effect: str) -> None:
        """Explain what is no line."""
        self.explain.append(Explanation(rule, looked_at, effect))

    def money(self, amount: int) -> str:
        """Minor units as people write them, without the currency: `129.00`."""
        places = digits(self.currency)
        return f"{Decimal(amount).scaleb(-places):.{places}f}"

    def signed(self, amount: int) -> str:
        """The same as a change: `+129.00`."""
        return f"{'+' if amount >= 0 else ''}{self.money(amount)}"

    def major(self, amount: int) -> Decimal:
        """Minor units in major ones."""
        return Decimal(amount).scaleb(-digits(self.currency))


def round_half_up(number: Decimal) -> int:
    """To a whole number; of two that are equally near, the one further from zero."""
    return int(number.to_integral_value(ROUND_HALF_UP))


def round_up(number: Decimal) -> int:
    """To the next whole number."""
    return int(number.to_integral_value(ROUND_CEILING))


def written(number: Decimal) -> str:
    """Without an exponent, and without zeros that say nothing."""
    return f"{number.normalize():f}"
