"""The numbers of a price book: how each is written, and how large it may be."""

from decimal import Decimal

from shared.catalog.reading import Node
from shared.catalog.rules import Effort
from shared.core.money import digits

MOST_PRICE, MOST_FACTOR, MOST_UNITS = 999_999_999, 100, 100_000
MOST_MINUTES = 24 * 60
"""Of one rule, and of a visit."""

DECIMALS = 4
"""Of everything but prices, which have the digits of the currency."""

LEAST_FACTOR = Decimal("0.0001")
NOTHING = Effort(Decimal(0), Decimal(0))


def read_price(node: Node, currency: str) -> Decimal:
    """A price in major units, `80.00`."""
    return node.number(most=MOST_PRICE, decimals=digits(currency))


def read_minutes(node: Node, least: int = 0) -> Decimal:
    return node.number(least=least, most=MOST_MINUTES, decimals=DECIMALS, may_be_integer=True)


def read_units(node: Node) -> Decimal:
    """A number of bedrooms, square metres, or what else is counted or measured."""
    return node.number(most=MOST_UNITS, decimals=DECIMALS, may_be_integer=True)


def read_percent(node: Node) -> Decimal:
    return node.number(most=100, decimals=DECIMALS)


def read_factor(node: Node) -> Decimal:
    return node.number(least=LEAST_FACTOR, most=MOST_FACTOR, decimals=DECIMALS)


def read_effort(node: Node, currency: str, least_minutes: int = 0) -> Effort:
    """The members `price` and `minutes` of an object."""
    return Effort(read_price(node["price"], currency), read_minutes(node["minutes"], least_minutes))
