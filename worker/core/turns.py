"""Which organizations have had a turn and have asked for the next one.

Of one that has much to do, thousands of messages may wait in the queue: each would take a turn, and others would wait
for all of them. So they are for naught until that next turn is over. Known in Redis, where the messages are: what loses
those loses this.
"""

from contextlib import suppress
from uuid import UUID

from redis import RedisError

from worker.core.boot import services

LONGEST_WAIT_SECONDS = 60.0
"""After this long the message that asked for the next turn is taken for lost."""


def is_asked_for(work: str, org_id: UUID) -> bool:
    """Whether the next turn of the organization, at `work`, is asked for already."""
    with suppress(RedisError):
        return bool(services().redis.exists(_key(work, org_id)))
    return False


def ask_for(work: str, org_id: UUID) -> None:
    """The next turn is about to be asked for."""
    with suppress(RedisError):
        services().redis.set(_key(work, org_id), "1", px=int(LONGEST_WAIT_SECONDS * 1000))


def forget(work: str, org_id: UUID) -> bool:
    """No turn is asked for. Returns whether one was, so that messages may have been passed over."""
    with suppress(RedisError):
        return bool(services().redis.delete(_key(work, org_id)))
    return False


def _key(work: str, org_id: UUID) -> str:
    return f"turns:{work}:{org_id}"
