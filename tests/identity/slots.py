"""Taking the turns at hashing passwords, for as long as a test wants."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from shared.identity import passwords


@contextmanager
def running(number: int) -> Iterator[ExitStack]:
    """So many hashes at once. They end with the block, or when the stack that it gives is closed."""
    with ExitStack() as slots:
        for _ in range(number):
            assert passwords._running.acquire(blocking=False)
            slots.callback(passwords._running.release)
        yield slots


@contextmanager
def all_taken() -> Iterator[None]:
    """Every turn, and every place to wait for one."""
    with running(passwords.AT_ONCE), ExitStack() as places:
        for _ in range(passwords.WAITING):
            assert passwords._waiting.acquire(blocking=False)
            places.callback(passwords._waiting.release)
        yield
