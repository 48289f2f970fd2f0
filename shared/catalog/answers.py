"""What a caller says about a job, held against the inputs that the price book asks for."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from shared.catalog.amounts import DECIMALS
from shared.catalog.inputs import UNKNOWN_INPUT
from shared.catalog.reading import Fault, Node
from shared.catalog.rules import ChoiceInput, Input
from shared.core.errors import code

MISSING_INPUT = code("catalog.missing_input", "The service needs this input")


def read_answers(
    given: Mapping[str, Any], inputs: Mapping[str, Input], faults: dict[str, Fault]
) -> dict[str, Decimal | str]:
    """A fitting value for each of `inputs`: the given one, or the book's default. What is wrong goes to `faults`."""
    node = Node(given, "/inputs", faults)
    for name in given:
        if name not in inputs:
            node[name].fault(UNKNOWN_INPUT, "The service has no such input.")
    return {name: _answer(node[name], name in given, of) for name, of in inputs.items()}


def _answer(node: Node, is_given: bool, of: Input) -> Decimal | str:
    if not is_given:
        if of.default is None:
            node.fault(MISSING_INPUT, "Is missing; this service needs it.")
        return of.default or Decimal(0)
    if isinstance(of, ChoiceInput):
        return node.choice(of.choices)
    return node.number(most=of.most, decimals=DECIMALS, may_be_integer=True)
