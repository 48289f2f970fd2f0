"""How much waits in a queue: a sweep must not pour more into one that nobody empties."""

from shared.core.jobs import Queue
from worker.core.boot import services

LONGEST_BACKLOG = 1000
"""Messages. What is late waits in the row; publishing it again and again would only fill Redis."""


def is_backed_up(queue: Queue) -> bool:
    """Whether so much waits in `queue` that enqueuing late work again would not make it any earlier."""
    return int(services().redis.llen(str(queue))) > LONGEST_BACKLOG
