"""Locks with names, held by a transaction until it ends: Postgres's advisory locks.

Who waits for one is served in the order of arrival, one at each release. Those who wait for a *row* that changes all
the time are woken together at each commit, and overtake each other.
"""

import hashlib

from sqlalchemy.orm import Session

from shared.core.later import send_later


def lock_number(*name: object) -> int:
    """The signed 64-bit number that stands for `name`; two names share one once in 10^19 times, and then only wait."""
    digest = hashlib.sha256(":".join(map(str, name)).encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def queue_up(session: Session, *name: object) -> None:
    """Wait for the lock in front of the next statement, in the same message."""
    send_later(session, "SELECT pg_advisory_xact_lock(%(number)s)", {"number": lock_number(*name)})


def share(session: Session, *name: object) -> None:
    """The same for one of those who may have the lock at the same time, but not together with who queues up for it."""
    send_later(session, "SELECT pg_advisory_xact_lock_shared(%(number)s)", {"number": lock_number(*name)})
