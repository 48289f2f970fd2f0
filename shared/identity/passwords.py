"""Passwords: argon2id (RFC 9106, second recommended option with 3 passes) and the rules for choosing one.

Hashing is the only slow thing on purpose: 64 MiB and a tenth of a second. So it goes by turns (`turns.py`), and on a
nice thread, which leaves the processor to others.
"""

import os
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from argon2 import PasswordHasher
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from zxcvbn import zxcvbn

from shared.core.errors import Unavailable, code, invalid_field
from shared.identity.turns import AT_ONCE, SIGN_IN_BUSY, let_strangers_rest

PASSWORD_REFUSED = code("identity.password_refused", "The password cannot be used")

SHORTEST = 12
LONGEST = 1024
"""Characters. Longer input is refused before it is hashed."""

EASY = 1
"""zxcvbn's scores up to this one (fewer than a million guesses) are those of common passwords and their variations."""

TEMPORARY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 characters that nobody takes for each other, whatever the font: no l, o, 0 or 1."""
TEMPORARY_LENGTH = 16

_NICENESS, _NICEST = 15, 19
_JUDGED = 24
"""Characters that zxcvbn looks at. Its time grows with the square of the length, and hundredfold with the number of
different characters like `4@8({[<`: 72 of them took it two seconds."""

_FAMOUS = ("crewline", "correct horse battery staple", "correcthorsebatterystaple")
"""What everybody knows and zxcvbn does not."""

_hasher = PasswordHasher(time_cost=3, memory_cost=64 * 1024, parallelism=2)
_judging = threading.Lock()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=2$HrBvAblarn+QItHJV316hg$BUhL13RQEVJfmxj5L2FSTG/3Pwq9XFWQwTP1384kdZ8"
"""The hash that an unknown user is checked against, so that it costs the same time as a wrong password."""


def check_choice(password: str, *about: str, current: str | None = None, pointer: str = "/password") -> None:
    """Refuse a password that is too short, too long, common, the `current` one, or made of what is known `about` its
    owner (address, name). No composition rules. Raises `Invalid` at `pointer`."""
    if password == current:
        raise invalid_field(pointer, PASSWORD_REFUSED, "This is the current one. Choose another.")
    if not SHORTEST <= len(password) <= LONGEST:
        raise invalid_field(pointer, PASSWORD_REFUSED, f"{SHORTEST} to {LONGEST} characters.")
    known = [text.casefold() for text in (*_FAMOUS, *about)]
    if password.casefold() in known or _score(password, known) <= EASY:
        raise invalid_field(pointer, PASSWORD_REFUSED, "This one is easy to guess.")


def new_temporary() -> str:
    """A random password of 80 bits that can be read out over the phone."""
    return "".join(secrets.choice(TEMPORARY_ALPHABET) for _ in range(TEMPORARY_LENGTH))


def hash_password(password: str) -> str:
    """The PHC string to store. Whoever calls has a turn (`turns.turn`). Raises `Unavailable` when memory is short."""
    try:
        return _threads.submit(_hasher.hash, password).result()
    except HashingError as error:
        raise _short_of_memory() from error


def matches(password_hash: str | None, password: str) -> bool:
    """Whether `password` belongs to `password_hash`; takes as long when there is no hash. Whoever calls has a turn.
    Raises `Unavailable` when memory is short."""
    began = time.monotonic()
    try:
        _threads.submit(_hasher.verify, password_hash or _NOBODY, password).result()
    except (VerifyMismatchError, InvalidHashError):
        is_right = False
    except VerificationError as error:
        raise _short_of_memory() from error
    else:
        is_right = password_hash is not None
    if not is_right:
        let_strangers_rest(time.monotonic() - began)
    return is_right


def is_outdated(password_hash: str) -> bool:
    """Whether it was made with other parameters than today's."""
    return _hasher.check_needs_rehash(password_hash)


def _score(password: str, known: list[str]) -> int:
    """zxcvbn's, from 0 to 4. One at a time: it keeps what is known in a variable of its module, where another thread
    would replace it halfway."""
    with _judging:
        score: int = zxcvbn(password[:_JUDGED], [text[:_JUDGED] for text in known])["score"]
        return score


def _short_of_memory() -> Unavailable:
    """argon2 found none for its 64 MiB, which says nothing about the password."""
    return Unavailable(SIGN_IN_BUSY, "There is no memory left to check a password. Try again in a moment.")


def _be_nice() -> None:
    """Relative to the process, which may be nice already: to be less so than it is needs privileges. A sandbox that
    forbids it costs niceness and nothing else."""
    if sys.platform == "linux":  # elsewhere niceness belongs to the process
        wanted = min(os.getpriority(os.PRIO_PROCESS, os.getpid()) + _NICENESS, _NICEST)
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), wanted)


_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="hash", initializer=_be_nice)
"""Starts no thread before it is used, so importing it before a fork is harmless."""
