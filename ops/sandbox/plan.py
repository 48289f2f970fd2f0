"""What a stand-in is told to do wrong: one fault at a time, for so many calls. Every provider has faults of its own."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Generic, Protocol, TypeVar


class Countable(Protocol):
    """A frozen dataclass with ``count``: for how many more calls it is in force (None: until changed)."""

    __dataclass_fields__: ClassVar[dict]  # type: ignore[type-arg]  # as the standard library declares it

    @property
    def count(self) -> int | None: ...


F = TypeVar("F", bound=Countable)


class Plan(Generic[F]):
    """The fault in force; ``none`` when all is well. Calls take their share of it, one each. Safe to use from several
    threads."""

    def __init__(self, none: F) -> None:
        self._lock = threading.Lock()
        self._none = self._fault = none

    def set(self, fault: F) -> None:
        """Replace the fault in force."""
        with self._lock:
            self._fault = fault

    def current(self) -> F:
        """The fault in force, with the count that is left."""
        with self._lock:
            return self._fault

    def take_if(self, befalls: Callable[[F], bool]) -> F:
        """The fault for one call, which uses up one of its count; none when it does not befall that call."""
        with self._lock:
            fault = self._fault
            if not befalls(fault):
                return self._none
            if fault.count is not None:
                self._fault = replace(fault, count=fault.count - 1) if fault.count > 1 else self._none
            return fault


class PlanForAll(Plan[F]):
    """A plan whose fault befalls every call."""

    def take(self) -> F:
        """The fault for one call, which uses up one of its count."""
        return self.take_if(lambda _: True)
