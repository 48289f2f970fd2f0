"""What was checked, for the page and for tests."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

KEPT_CHECKS = 1_000


@dataclass(frozen=True, slots=True)
class Check:
    """One call of siteverify: when (UTC), the token, the client's address if it was told, and the answer (None when it
    went wrong on purpose)."""

    at: datetime
    token: str
    remote_ip: str | None
    mode: str
    answer: dict[str, Any] | None


class CheckLog:
    """The newest 1,000 checks. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checks: deque[Check] = deque(maxlen=KEPT_CHECKS)

    def add(self, check: Check) -> None:
        """Remember a check, forgetting the oldest when there are too many."""
        with self._lock:
            self._checks.append(check)

    def all(self) -> list[Check]:
        """Every check kept, oldest first."""
        with self._lock:
            return list(self._checks)
