"""Passwords: argon2id (RFC 9106, second recommended option with 3 passes) and the rules for choosing one.

Hashing is the only slow thing on purpose: 64 MiB and tens of milliseconds. At most four run at once per process; more
wait a moment and are then refused, so that a flood of sign-ins cannot starve everything else.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from shared.core.errors import Unavailable, code, invalid_field

PASSWORD_REFUSED = code("identity.password_refused", "The password cannot be used")
SIGN_IN_BUSY = code("identity.busy", "Too many people are signing in right now")

SHORTEST = 12
LONGEST = 1024
"""Characters. Longer input is refused before it is hashed."""

COMMON = frozenset(
    "passwordpassword password1234 123456789012 qwertyuiopas iloveyou1234 letmeinletmein administrator1 welcome12345"
    " abcdefghijkl correcthorsebatterystaple changemeplease crewlinecrewline".split()
)

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)
_slots = threading.BoundedSemaphore(4)
_PATIENCE_SECONDS = 2.0
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=2$HrBvAblarn+QItHJV316hg$BUhL13RQEVJfmxj5L2FSTG/3Pwq9XFWQwTP1384kdZ8"
"""The hash that an unknown user is checked against, so that it costs the same time as a wrong password."""


def check_choice(password: str, email: str) -> None:
    """Refuse a password that is too short, too long, common, or the user's own address. No composition rules."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid_field("/password", PASSWORD_REFUSED, f"{SHORTEST} to {LONGEST} characters.")
    if password.casefold() in COMMON or password.casefold() == email.casefold():
        raise invalid_field("/password", PASSWORD_REFUSED, "This one is easy to guess.")


def hash_password(password: str) -> str:
    """The PHC string to store. Raises `Unavailable` when too many hashes are running."""
    with _slot():
        return _hasher.hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` belongs to `password_hash`; takes as long when there is no hash."""
    with _slot():
        try:
            return _hasher.verify(password_hash or _NOBODY, password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(timeout=_PATIENCE_SECONDS):
        raise Unavailable(SIGN_IN_BUSY, "Too many people are signing in. Try again in a moment.")
    try:
        yield
    finally:
        _slots.release()
