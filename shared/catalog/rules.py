"""What a price book says, as pricing reads it. `book.py` makes these from JSON and knows the limits.

Prices are in major units of the book's currency (80.00), minutes are those of the visit, factors multiply, percents are
out of 100. All are exact decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Frequency(StrEnum):
    """How often the client wants the visit."""

    ONCE = "once"
    WEEKLY = "weekly"
    EVERY_TWO_WEEKS = "every_two_weeks"
    MONTHLY = "monthly"


class AppliesTo(StrEnum):
    """What a multiplier multiplies."""

    PRICE = "price"
    MINUTES = "minutes"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Product:
    """A service or an add-on: its key in the book, and its name for people."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Effort:
    """What one of something costs, and how long it takes."""

    price: Decimal
    minutes: Decimal


@dataclass(frozen=True, slots=True)
class Tier:
    """Units beyond the first `start`, up to the next tier, take `each`."""

    start: Decimal
    each: Effort


@dataclass(frozen=True, slots=True)
class NumberInput:
    """Something that is counted or measured. Units in front of the first tier are included in the base."""

    name: str
    tiers: tuple[Tier, ...]
    most: Decimal
    default: Decimal | None


@dataclass(frozen=True, slots=True)
class ChoiceInput:
    """Something that is one of a few; each choice may add to the price and the time."""

    name: str
    choices: Mapping[str, Effort]
    default: str | None


Input = NumberInput | ChoiceInput


@dataclass(frozen=True, slots=True)
class Multiplier:
    """A factor for each choice of the input `input`."""

    name: str
    input: str
    factors: Mapping[str, Decimal]
    applies_to: AppliesTo


@dataclass(frozen=True, slots=True)
class CrewStep:
    """Visits of `from_minutes` and more, up to the next step, are done by `size` people."""

    from_minutes: int
    size: int


@dataclass(frozen=True, slots=True)
class ServiceRules:
    """How one service is priced. `addons` are the keys of the add-ons that go with it."""

    base: Effort
    inputs: Mapping[str, Input]
    multipliers: tuple[Multiplier, ...]
    addons: tuple[str, ...]
    minimum: Decimal
    crew: tuple[CrewStep, ...]


@dataclass(frozen=True, slots=True)
class AddonRules:
    """What one piece of an add-on takes, and how many there can be."""

    each: Effort
    most: int


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax on what is left after the discount."""

    name: str
    percent: Decimal


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for every service of a book. A frequency without a discount costs the full price."""

    currency: str
    discounts: Mapping[str, Decimal]
    taxes: tuple[Tax, ...]
