"""What was sent and what was told, for the pages and for tests."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

KEPT = 1_000

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail to one recipient: when (UTC), what SendGrid calls it, what it is in the mailbox, and what its events need
    to be told of it."""

    at: datetime
    message_id: str
    mail_id: int
    recipient: str
    smtp_id: str
    subject: str
    custom_args: dict[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A call of mail/send: when (UTC), the fault it met, and what it was answered (None: nothing)."""

    at: datetime
    mode: str
    status: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """A webhook: when (UTC), its events, where it went, and what came of each try."""

    at: datetime
    url: str
    events: list[Any]
    deliveries: list[dict[str, Any]]


class Log(Generic[E]):
    """The newest 1,000 entries. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[E] = deque(maxlen=KEPT)

    def add(self, entry: E) -> None:
        """Remember an entry, forgetting the oldest when there are too many."""
        with self._lock:
            self._entries.append(entry)

    def all(self) -> list[E]:
        """Every entry kept, oldest first."""
        with self._lock:
            return list(self._entries)
