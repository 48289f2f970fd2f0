"""Working out a price from the JSON of a book, without a database."""

from typing import Any

from shared.catalog.answers import read_answers
from shared.catalog.book import faults_in, read_addon, read_service, read_terms
from shared.catalog.pricing import Extra, Priced, price
from shared.catalog.reading import Fault, Node
from shared.catalog.rules import Frequency, Product


def worked_out(
    book: dict[str, Any],
    inputs: dict[str, Any],
    addons: dict[str, int] | None = None,
    frequency: str = "once",
) -> Priced:
    """The price of the only service of a sound book."""
    currency = book["currency"]
    assert faults_in(book, "", currency=currency) == []
    ((key, document),) = book["services"].items()
    rules = read_service(Node(document, "", {}), currency)
    faults: dict[str, Fault] = {}
    answers = read_answers(inputs, rules.inputs, faults)
    assert not faults
    extras = [
        Extra(Product(name, name), read_addon(Node(book["addons"][name], "", {}), currency), quantity)
        for name, quantity in (addons or {}).items()
    ]
    terms = read_terms(Node(book.get("frequency_discounts", {}), "", {}), Node(book["taxes"], "", {}), currency)
    return price(Product(key, key), rules, terms, inputs=answers, extras=extras, frequency=Frequency(frequency))
