"""Taking the turns at hashing passwords, and the places to wait for one, for as long as a test wants."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.identity import turns


@contextmanager
def running() -> Iterator[None]:
    """As many hashes as run at once."""
    for number in range(turns.AT_ONCE):
        turns._turns.take(f"somebody {number}", stranger=False)
    try:
        yield
    finally:
        for number in range(turns.AT_ONCE):
            turns._turns.give_back(f"somebody {number}")


@contextmanager
def all_taken() -> Iterator[None]:
    """Every turn, and every place to wait for one."""
    with running(), _places([(False, -number) for number in range(turns.ALL_WAITING)]):
        yield


@contextmanager
def strangers_waiting() -> Iterator[None]:
    """Every place for strangers, while a turn is free for somebody who is known."""
    with _places([(True, -number) for number in range(turns.STRANGERS_WAITING)]):
        yield


@contextmanager
def as_in_two_processes() -> Iterator[None]:
    """One turn more, for what can meet in the database and not in one process."""
    turns._turns.free += 1
    try:
        yield
    finally:
        turns._turns.free -= 1


@contextmanager
def _places(waiting: list[tuple[bool, int]]) -> Iterator[None]:
    turns._turns.waiting[:0] = waiting
    try:
        yield
    finally:
        for each in waiting:
            turns._turns.waiting.remove(each)
