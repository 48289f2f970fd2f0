"""Addresses at which people work: whoever calls from one is no stranger when sign-ins have to queue.

Somebody whose session lives has called this process from there. Kept in its memory alone: after a restart it is learnt
anew from the first requests, and it decides about nothing but who waits for whom (`shared/identity/turns.py`).
"""

import threading
from collections import OrderedDict

from shared.identity.attempts import network

MOST = 10_000


class _Familiar:
    """The networks that were seen last."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, address: str) -> None:
        key = network(address)
        with self._lock:
            self._seen[key] = None
            self._seen.move_to_end(key)
            if len(self._seen) > MOST:
                self._seen.popitem(last=False)

    def __contains__(self, address: str) -> bool:
        return network(address) in self._seen

    def clear(self) -> None:
        self._seen.clear()


addresses = _Familiar()
