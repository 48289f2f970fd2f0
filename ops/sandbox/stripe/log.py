"""What was sent, for the page and for tests."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One event, where it went, when the sending began (UTC), and what came of each try."""

    sent_at: datetime
    url: str
    event: dict[str, Any]
    deliveries: list[dict[str, Any]]


class EventLog:
    """The newest 1,000 events sent. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sent: deque[Sent] = deque(maxlen=KEPT_EVENTS)

    def add(self, sent: Sent) -> None:
        """Remember an event, forgetting the oldest when there are too many."""
        with self._lock:
            self._sent.append(sent)

    def all(self) -> list[Sent]:
        """Every event kept, oldest first."""
        with self._lock:
            return list(self._sent)
