"""Addresses at which people work: whoever calls from one is no stranger when sign-ins have to queue.

Somebody whose session lives has called this process from there. Kept in its memory alone: after a restart it is learnt
anew from the first requests, and it decides about nothing but who waits for whom (`shared/identity/turns.py`).
"""

import threading
from collections import Counter, OrderedDict
from uuid import UUID

from shared.identity.attempts import network

MOST, OF_ONE_COMPANY = 10_000, 100
"""Networks. Whoever has many addresses must not make us forget those of others."""


class _Familiar:
    """The networks that were seen last, and which company works there."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, UUID] = OrderedDict()
        self._counts: Counter[UUID] = Counter()
        self._lock = threading.Lock()

    def add(self, address: str, org_id: UUID) -> None:
        """Somebody of this organization works there."""
        key = network(address)
        with self._lock:
            if self._seen.get(key) != org_id:
                self._forget(key)
                if self._counts[org_id] >= OF_ONE_COMPANY:
                    self._forget(next(each for each, of in self._seen.items() if of == org_id))
                self._seen[key] = org_id
                self._counts[org_id] += 1
            self._seen.move_to_end(key)
            if len(self._seen) > MOST:
                self._forget(next(iter(self._seen)))

    def company_at(self, address: str) -> UUID | None:
        """Whose people work there."""
        return self._seen.get(network(address))

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()
        self._counts.clear()

    def _forget(self, key: str) -> None:
        org_id = self._seen.pop(key, None)
        if org_id is not None:
            self._counts[org_id] -= 1


addresses = _Familiar()
