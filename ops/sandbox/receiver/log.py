"""What came, for the page and for tests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: when (UTC), its headers and body, what the receiver thought of it (None: it never looked), and
    what it answered (None: nothing)."""

    at: str
    id: str | None
    type: str | None
    headers: dict[str, str]
    body: str
    mode: str
    verdict: str | None
    reason: str
    status: int | None
