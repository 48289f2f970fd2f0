"""A price book's JSON read into `rules.py`, with every fault in it. The shape is described in `ops/docs/prices.md`.

What needs the catalog to judge (is there such a service?) is asked in `price_books.py`.
"""

from collections.abc import Container, Sequence
from decimal import Decimal

from shared.catalog.amounts import MOST_MINUTES, read_effort, read_percent, read_price
from shared.catalog.inputs import check_rising, read_inputs, read_multipliers
from shared.catalog.reading import BAD_VALUE, Fault, Node, distinct_names
from shared.catalog.rules import AddonRules, CrewStep, Frequency, ServiceRules, Tax, Terms
from shared.core.errors import code

WRONG_CURRENCY = code("catalog.wrong_currency", "The currency is not the organization's")
UNKNOWN_ADDON = code("catalog.unknown_addon", "No such add-on is on sale")

MOST_SERVICES, MOST_ADDONS, MOST_PIECES = 100, 500, 100
MOST_TAXES, MOST_STEPS, MOST_PEOPLE = 10, 10, 20

_ONE_PERSON = (CrewStep(0, 1),)
_DISCOUNTED = [frequency for frequency in Frequency if frequency is not Frequency.ONCE]


def faults_in(document: object, pointer: str, *, currency: str) -> list[Fault]:
    """Everything that is wrong with a whole book in itself. `pointer` is where it stands in the request."""
    book = Node(document, pointer, {})
    book.holds("currency", "services", "addons", "taxes", optional=("frequency_discounts",))
    stated = book.get("currency")
    if stated and stated.value != currency:
        stated.fault(WRONG_CURRENCY, f"This organization works in {currency}.")
    addons = {key: read_addon(node, currency) for key, node in book["addons"].named(MOST_ADDONS)}
    for _, node in book["services"].named(MOST_SERVICES):
        _check_addons(node, read_service(node, currency).addons, addons)
    read_terms(book["frequency_discounts"], book["taxes"], currency)
    return list(book.faults.values())


def read_service(node: Node, currency: str) -> ServiceRules:
    """The rules of one service."""
    node.holds("base", optional=("inputs", "multipliers", "addons", "minimum", "crew"))
    given, minimum, crew = node.get("inputs"), node.get("minimum"), node.get("crew")
    inputs = read_inputs(given, currency) if given else {}
    return ServiceRules(
        base=read_effort(node["base"].holds("price", "minutes"), currency, least_minutes=1),
        inputs=inputs,
        multipliers=read_multipliers(node["multipliers"], inputs),
        addons=tuple(each.text() for each in node["addons"].items(MOST_ADDONS)),
        minimum=read_price(minimum, currency) if minimum else Decimal(0),
        crew=_crew(crew) if crew else _ONE_PERSON,
    )


def read_addon(node: Node, currency: str) -> AddonRules:
    """The rules of one add-on."""
    node.holds("price", "minutes", optional=("max",))
    most = node.get("max")
    return AddonRules(read_effort(node, currency), most.integer(least=1, most=MOST_PIECES) if most else MOST_PIECES)


def read_terms(discounts: Node, taxes: Node, currency: str) -> Terms:
    """What holds for every service; a book may have no `discounts`."""
    discounts.holds(optional=_DISCOUNTED)
    percents = {name: discounts.get(name) for name in _DISCOUNTED}
    return Terms(
        currency=currency,
        discounts={name: read_percent(each) for name, each in percents.items() if each},
        taxes=_taxes(taxes.items(MOST_TAXES)),
    )


def _taxes(nodes: list[Node]) -> tuple[Tax, ...]:
    names = distinct_names([node.holds("name", "percent")["name"] for node in nodes])
    return tuple(Tax(name, read_percent(node["percent"])) for name, node in zip(names, nodes, strict=True))


def _crew(node: Node) -> tuple[CrewStep, ...]:
    parts = node.items(MOST_STEPS)
    starts = [part.holds("from_minutes", "size")["from_minutes"].integer(least=0, most=MOST_MINUTES) for part in parts]
    check_rising(starts, parts, "from_minutes")
    if node.value == []:
        node.fault(BAD_VALUE, "Names no step.")
    if starts and starts[0]:
        parts[0]["from_minutes"].fault(BAD_VALUE, "Must be 0 in the first step.")
    sizes = [part["size"].integer(least=1, most=MOST_PEOPLE) for part in parts]
    return tuple(CrewStep(start, size) for start, size in zip(starts, sizes, strict=True))


def _check_addons(service: Node, keys: Sequence[str], priced: Container[str]) -> None:
    """A service can only be sold with add-ons that have a price."""
    for number, key in enumerate(keys):
        if key not in priced:
            service["addons"].item(number).fault(UNKNOWN_ADDON, "The book has no rules for this add-on.")
        elif key in keys[:number]:
            service["addons"].item(number).fault(BAD_VALUE, "Is listed already.")
