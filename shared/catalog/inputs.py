"""The part of a price book that depends on what the client's place is like: inputs of a service, and multipliers."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from shared.catalog.amounts import MOST_UNITS, NOTHING, read_effort, read_factor, read_minutes, read_price, read_units
from shared.catalog.reading import BAD_VALUE, MISSING_RULE, Node, distinct_names
from shared.catalog.rules import AppliesTo, ChoiceInput, Effort, Input, Multiplier, NumberInput, Tier
from shared.core.errors import code

OVERLAPPING_TIERS = code("catalog.overlapping_tiers", "Tiers overlap")
UNKNOWN_INPUT = code("catalog.unknown_input", "The service has no such input")

MOST_INPUTS, MOST_CHOICES, MOST_TIERS, MOST_MULTIPLIERS = 30, 50, 20, 10


def read_inputs(node: Node, currency: str) -> dict[str, Input]:
    """What is asked about a job."""
    return {key: _input(key, each, currency) for key, each in node.named(MOST_INPUTS)}


def read_multipliers(node: Node, inputs: Mapping[str, Input]) -> tuple[Multiplier, ...]:
    """Factors for choices of `inputs`, in the order in which they are applied."""
    parts = [each.holds("name", "input", "values", "applies_to") for each in node.items(MOST_MULTIPLIERS)]
    names = distinct_names([part["name"] for part in parts])
    return tuple(_multiplier(name, part, inputs) for name, part in zip(names, parts, strict=True))


def _input(key: str, node: Node, currency: str) -> Input:
    given = node.get("name")
    name = given.line() if given else key.replace("_", " ")
    return _choice_input(name, node, currency) if node.get("choices") else _number_input(name, node, currency)


def _choice_input(name: str, node: Node, currency: str) -> ChoiceInput:
    node.holds("choices", optional=("name", "default"))
    choices = {key: _choice(each, currency) for key, each in node["choices"].named(MOST_CHOICES)}
    if node["choices"].value == {}:
        node["choices"].fault(BAD_VALUE, "Names no choice.")
    default = node.get("default")
    return ChoiceInput(name, choices, default.choice(choices) if default else None)


def _choice(node: Node, currency: str) -> Effort:
    node.holds(optional=("price", "minutes"))
    price, minutes = node.get("price"), node.get("minutes")
    return Effort(
        read_price(price, currency) if price else NOTHING.price, read_minutes(minutes) if minutes else NOTHING.minutes
    )


def _number_input(name: str, node: Node, currency: str) -> NumberInput:
    most, default = node.get("max"), node.get("default")
    tiers = _tiers(node, currency) if node.get("tiers") else _one_tier(node, currency)
    found = NumberInput(
        name, tiers, read_units(most) if most else Decimal(MOST_UNITS), read_units(default) if default else None
    )
    if default and found.default is not None and found.default > found.most:
        default.fault(BAD_VALUE, "Is more than max.")
    return found


def _one_tier(node: Node, currency: str) -> tuple[Tier, ...]:
    node.holds("price", "minutes", optional=("name", "included", "max", "default"))
    included = node.get("included")
    return (Tier(read_units(included) if included else Decimal(0), read_effort(node, currency)),)


def _tiers(node: Node, currency: str) -> tuple[Tier, ...]:
    node.holds("tiers", optional=("name", "max", "default"))
    parts = node["tiers"].items(MOST_TIERS)
    if node["tiers"].value == []:
        node["tiers"].fault(BAD_VALUE, "Names no tier.")
    starts = [read_units(part.holds("from", "price", "minutes")["from"]) for part in parts]
    check_rising(starts, parts, "from")
    return tuple(Tier(start, read_effort(part, currency)) for start, part in zip(starts, parts, strict=True))


def check_rising(starts: Sequence[Decimal | int], parts: Sequence[Node], name: str) -> None:
    """Note where a tier does not start behind the one in front of it; `starts` are the members `name` of `parts`."""
    for (before, start), part in zip(pairwise(starts), parts[1:], strict=True):
        if start <= before and part[name].is_sound:
            part[name].fault(OVERLAPPING_TIERS, "Must be more than in the tier in front of it.")


def _multiplier(name: str, node: Node, inputs: Mapping[str, Input]) -> Multiplier:
    asked = node["input"].text()
    factors = {choice: read_factor(each) for choice, each in node["values"].named(MOST_CHOICES)}
    of = inputs.get(asked)
    if isinstance(of, ChoiceInput) and node["values"].is_sound:
        for choice in sorted(of.choices.keys() - factors.keys()):
            node["values"][choice].fault(MISSING_RULE, "The choice has no factor.")
        for choice in sorted(factors.keys() - of.choices.keys()):
            node["values"][choice].fault(UNKNOWN_INPUT, "The input has no such choice.")
    elif asked and not isinstance(of, ChoiceInput):
        detail = "Is a number; a multiplier needs choices." if of else "The service has no such input."
        node["input"].fault(UNKNOWN_INPUT, detail)
    applies_to = node["applies_to"].choice(list(AppliesTo))
    return Multiplier(name, asked, factors, AppliesTo(applies_to or AppliesTo.BOTH))
