"""An estimate that was worked out by hand."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Golden:
    """What is asked, and what must come out."""

    name: str
    book: dict[str, Any]
    inputs: dict[str, Any]
    lines: dict[str, int]
    total: int
    minutes: int
    taxes: tuple[int, ...]
    addons: dict[str, int] = field(default_factory=dict)
    frequency: str = "once"
    discount: int = 0
    crew: int = 1
