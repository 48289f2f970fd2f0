"""What a password costs in the processes of the tests: next to nothing, but where its cost is what a test is about.

A hash of production takes 64 MiB and a tenth of a second, on a thread that everything else goes before: seconds, while
two tests run on two processors. Only the parameters differ; programs that tests start keep those of production.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest
from argon2 import PasswordHasher

from shared.identity import passwords


class Hashing(NamedTuple):
    """How passwords are hashed, and a hash of the same cost that nobody's password belongs to."""

    hasher: PasswordHasher
    nobody: str


_once = PasswordHasher(time_cost=1, memory_cost=16, parallelism=1)
CHEAP = Hashing(_once, _once.hash("nobody's password"))
REAL = Hashing(passwords._hasher, passwords._NOBODY)
"""Taken when this is imported, before anything has changed it."""


@contextmanager
def hashing(like: Hashing) -> Iterator[None]:
    """Let this process hash `like` that, until the end of the block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", like.hasher)
        patch.setattr(passwords, "_NOBODY", like.nobody)
        yield
