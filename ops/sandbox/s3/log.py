"""What was asked of S3, for the page and for tests."""

import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime

KEPT_REQUESTS = 5_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when (UTC), what, the mode of the fault it met, and the status it got (None: it got no answer)."""

    at: datetime
    method: str
    operation: str
    bucket: str
    key: str
    mode: str
    status: int | None


class RequestLog:
    """The newest 5,000 requests. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: deque[Asked] = deque(maxlen=KEPT_REQUESTS)

    def add(self, asked: Asked) -> None:
        """Remember a request, forgetting the oldest when there are too many."""
        with self._lock:
            self._requests.append(asked)

    def all(self) -> list[Asked]:
        """Every request kept, oldest first."""
        with self._lock:
            return list(self._requests)
