"""Reading a JSON document that a person has written: whatever is wrong is noted with its JSON Pointer, and reading goes
on, so that one answer names every fault.

What cannot be read is taken for something harmless in the meantime; whoever finds a fault uses none of the result.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from shared.core.errors import code

BAD_VALUE = code("catalog.bad_value", "A value cannot be used")
MISSING_RULE = code("catalog.missing_rule", "A rule is missing")
UNKNOWN_RULE = code("catalog.unknown_rule", "There is no such rule")

KEY = re.compile(r"[a-z][a-z0-9_]{0,49}")
LONGEST_TEXT = 100

_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]+)?")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong, and where."""

    pointer: str
    code: str
    detail: str

    def as_error(self) -> dict[str, str]:
        """The fault as a member of a refusal's `errors`."""
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail}


def step(pointer: str, name: str | int) -> str:
    """The JSON Pointer (RFC 6901) of a member of what `pointer` points to."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


class Node:
    """A value of the document. `faults` is shared by the whole document: by pointer, the first one at each place."""

    def __init__(self, value: Any, pointer: str, faults: dict[str, Fault]) -> None:
        self.value, self.pointer, self.faults = value, pointer, faults

    def fault(self, code: str, detail: str) -> None:
        """Note that something is wrong here."""
        self.faults.setdefault(self.pointer, Fault(self.pointer, code, detail))

    def __getitem__(self, name: str) -> "Node":
        """A member of an object; of one that is missing every reading is harmless, because `holds` has noted it."""
        return self._child(name, self.value.get(name, _ABSENT) if isinstance(self.value, dict) else _ABSENT)

    def get(self, name: str) -> "Node | None":
        """A member that may be missing."""
        return self[name] if isinstance(self.value, dict) and name in self.value else None

    @property
    def is_sound(self) -> bool:
        """Is there, and nothing was found to be wrong with it so far."""
        return self.value is not _ABSENT and self.pointer not in self.faults

    def holds(self, *required: str, optional: Collection[str] = ()) -> "Node":
        """Must be an object with all of `required`, maybe some of `optional`, and nothing else."""
        if self._is(dict, "an object"):
            for name in required:
                if name not in self.value:
                    self._child(name, _ABSENT).fault(MISSING_RULE, "Is missing.")
            for name in self.value:
                if name not in required and name not in optional:
                    self._child(name, _ABSENT).fault(UNKNOWN_RULE, "There is no rule of this name.")
        return self

    def named(self, most: int) -> Iterator[tuple[str, "Node"]]:
        """The members of an object whose names the writer has chosen; a bad name is not looked into."""
        if not self._is(dict, "an object") or not self._has_at_most(most):
            return
        for name, value in self.value.items():
            child = self._child(name, value)
            if KEY.fullmatch(name):
                yield name, child
            else:
                child.fault(BAD_VALUE, "A name is 1 to 50 of a-z, 0-9 and _, and begins with a letter.")

    def items(self, most: int) -> list["Node"]:
        """The members of a list."""
        if not self._is(list, "a list") or not self._has_at_most(most):
            return []
        return [self._child(number, value) for number, value in enumerate(self.value)]

    def item(self, number: int) -> "Node":
        """One member of a list."""
        return self._child(number, self.value[number])

    def number(
        self, *, least: int | Decimal = 0, most: int | Decimal, decimals: int, may_be_integer: bool = False
    ) -> Decimal:
        """A decimal number in a string, from `least` to `most`; or a JSON integer where nobody can take it for minor
        units."""
        found = self.value
        if found is _ABSENT:
            return Decimal(least)
        text = str(found) if may_be_integer and type(found) is int else found
        if isinstance(text, str) and _NUMBER.fullmatch(text) and len(text.partition(".")[2]) <= decimals:
            number = Decimal(text)
            if least <= number <= most:
                return number
        kind = "a whole number, or a number in a string," if may_be_integer else "a number in a string"
        self.fault(BAD_VALUE, f"Must be {kind} from {least} to {most} with at most {decimals} decimals.")
        return Decimal(least)

    def integer(self, *, least: int, most: int) -> int:
        """A JSON integer."""
        if type(self.value) is int and least <= self.value <= most:
            return self.value
        if self.value is not _ABSENT:
            self.fault(BAD_VALUE, f"Must be a whole number from {least} to {most}.")
        return least

    def choice(self, choices: Collection[str]) -> str:
        """One of `choices`."""
        if isinstance(self.value, str) and self.value in choices:
            return self.value
        if self.value is not _ABSENT:
            self.fault(BAD_VALUE, f"Must be one of {', '.join(sorted(choices))}.")
        return ""

    def text(self) -> str:
        """A name that is looked up elsewhere."""
        if isinstance(self.value, str):
            return self.value
        if self.value is not _ABSENT:
            self.fault(BAD_VALUE, "Must be a text.")
        return ""

    def line(self) -> str:
        """A text for people, on one line."""
        found = self.value
        fits = isinstance(found, str) and 0 < len(found) <= LONGEST_TEXT and found == found.strip()
        if fits and not _BREAKS.search(found):
            return str(found)
        if found is not _ABSENT:
            self.fault(BAD_VALUE, f"Must be 1 to {LONGEST_TEXT} characters on one line.")
        return ""

    def _child(self, name: str | int, value: Any) -> "Node":
        return Node(value, step(self.pointer, name), self.faults)

    def _is(self, kind: type, called: str) -> bool:
        if self.value is not _ABSENT and not isinstance(self.value, kind):
            self.fault(BAD_VALUE, f"Must be {called}.")
        return isinstance(self.value, kind)

    def _has_at_most(self, most: int) -> bool:
        if len(self.value) > most:
            self.fault(BAD_VALUE, f"Holds more than {most}.")
        return len(self.value) <= most


def distinct_names(nodes: list[Node]) -> list[str]:
    """Texts for people that must differ, and not only in case."""
    names, seen = [node.line() for node in nodes], set()
    for name, node in zip(names, nodes, strict=True):
        if name and name.casefold() in seen:
            node.fault(BAD_VALUE, "Another one has this name.")
        seen.add(name.casefold())
    return names
