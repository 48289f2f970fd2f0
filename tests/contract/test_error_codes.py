"""Error codes are part of the contract: each is registered once, and nothing is refused with another one."""

import ast
import re
from collections import Counter
from types import ModuleType

import pytest

from shared.core import errors
from tests.contract.source import PRODUCT, modules, nodes

REFUSALS = {"NotFound", "Forbidden", "Invalid", "Conflict", "Unavailable", "Refusal"}
CODE_AT = dict.fromkeys(REFUSALS, 0) | {"invalid_field": 1, "conflict_on": 1, "refused": 0}
"""Where in its arguments each of these takes the code."""

PASSES_ONE_ON = {"shared/core/errors.py", "shared/core/database_errors.py", "shared/order_photos/rules.py"}
"""Here a code is a parameter, checked where it is given."""


def _called(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def _registrations() -> list[tuple[str, ast.Call]]:
    return [(path, node) for path, node in nodes(*PRODUCT) if isinstance(node, ast.Call) and _called(node) == "code"]


def test_every_code_is_registered_in_one_place_with_a_title() -> None:
    literals = [[ast.literal_eval(argument) for argument in node.args] for _, node in _registrations()]
    names = Counter(name for name, _ in literals)
    assert [name for name, times in names.items() if times > 1] == []
    modules()
    assert dict(literals) == errors.CODES


def test_a_code_says_whose_it_is() -> None:
    for name in errors.CODES:
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", name), name
    assert {name for name in errors.CODES if "." not in name} == {"internal", "stale"}


def test_every_refusal_carries_a_registered_code() -> None:
    checked, wrong = 0, []
    for path, node in nodes(*PRODUCT):
        name = _called(node)
        if name not in CODE_AT or path in PASSES_ONE_ON:
            continue
        given = node.args[CODE_AT[name]]  # type: ignore[attr-defined]
        if isinstance(given, ast.Attribute) and given.attr == "code":
            continue  # the code of a refusal that was made elsewhere
        value = _value(modules()[path], given)
        checked += 1
        if value not in errors.CODES:
            wrong.append(f"{path}:{node.lineno}")  # type: ignore[attr-defined]
    assert wrong == []
    assert checked > 25


def _value(module: ModuleType, given: ast.expr) -> object:
    """What a name, or the name in a module, stands for in `module`."""
    if isinstance(given, ast.Attribute):
        return getattr(_value(module, given.value), given.attr, None)
    return getattr(module, given.id, None) if isinstance(given, ast.Name) else None


def test_registering_a_code_with_another_title_is_refused() -> None:
    name, title = next(iter(errors.CODES.items()))
    assert errors.code(name, title) == name
    with pytest.raises(ValueError, match="registered twice"):
        errors.code(name, f"not {title}")
