"""Turns at hashing passwords: the one thing that is slow on purpose, and that strangers can ask for.

One hash runs at a time in each process, since a second one would only make both slower, and everything else too. A few
callers wait, those first who are known to us; whoever comes then is refused at once. And strangers are made to rest
after a wrong password, the longer the more of them wait. So a flood of guesses leaves threads and processors to other
work. (SPEC 1 allows four at once.)

Known is who has shown that they belong here: they are signed in, hold a link, or come from where somebody signed in
works. A flood from everywhere else keeps strangers out, and them not. One caller of each company is known at a time;
more of them wait like strangers, and there are never many: what people of one company do, keeps those of no other out.
"""

import itertools
import threading
import time
from bisect import insort
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.core.errors import Unavailable, code

SIGN_IN_BUSY = code("identity.busy", "Too many people are signing in right now")

AT_ONCE = 1
STRANGERS_WAITING, ALL_WAITING = 3, 5
PER_COMPANY = 3
"""Callers that have a turn or wait for one."""
PATIENCE_SECONDS = 2.0
REST = 3
"""How many times as long as a wrong password took strangers rest, for each caller who waits; until patience ends."""


class _Turns:
    """Who has a turn, and who waits for one: nobody overtakes who is as well known as they are.

    In `waiting` are callers as (is a stranger, number), in their order; `present` says how many of whom have a turn or
    wait. Times are on `monotonic`.
    """

    def __init__(self) -> None:
        self.free = AT_ONCE
        self.waiting: list[tuple[bool, int]] = []
        self.present: Counter[str] = Counter()
        self.strangers_rest_until = 0.0
        self._changed = threading.Condition()
        self._numbers = itertools.count()

    def is_full(self, *, stranger: bool) -> bool:
        return len(self.waiting) >= (STRANGERS_WAITING if stranger else ALL_WAITING)

    def take(self, of: str, *, stranger: bool) -> None:
        with self._changed:
            like_stranger = stranger or self.present[of] > 0
            if self.is_full(stranger=like_stranger) or self.present[of] >= PER_COMPANY:
                raise _busy()
            me = (like_stranger, next(self._numbers))
            insort(self.waiting, me)
            self.present[of] += 1
            try:
                self._wait(me, time.monotonic() + PATIENCE_SECONDS)
                self.free -= 1
            except Unavailable:
                self._leave(of)
                raise
            finally:
                self.waiting.remove(me)
                self._changed.notify_all()

    def give_back(self, of: str) -> None:
        with self._changed:
            self.free += 1
            self._leave(of)
            self._changed.notify_all()

    def let_strangers_rest(self, seconds: float) -> None:
        with self._changed:
            rest = min(REST * seconds * len(self.waiting), PATIENCE_SECONDS)
            self.strangers_rest_until = time.monotonic() + rest

    def _leave(self, of: str) -> None:
        self.present[of] -= 1
        self.present += Counter()  # forgets who is down to nothing

    def _wait(self, me: tuple[bool, int], deadline: float) -> None:
        while (now := time.monotonic()) < deadline:
            rest = self.strangers_rest_until - now if me[0] else 0.0
            if rest <= 0 and self.free and self.waiting[0] == me:
                return
            self._changed.wait(min(rest, deadline - now) if rest > 0 else deadline - now)
        raise _busy()


_turns = _Turns()
_mine = threading.local()


@contextmanager
def turn(of: str, *, stranger: bool = False) -> Iterator[None]:
    """Have a turn for the length of the block: take it before work that is in vain without one. `of` is the company on
    whose account it goes, or where a stranger comes from. A block inside another takes no second turn. Raises
    `Unavailable` when too many wait, and when it does not come soon."""
    if getattr(_mine, "has_turn", False):
        yield
        return
    _turns.take(of, stranger=stranger)
    _mine.has_turn = True
    try:
        yield
    finally:
        _mine.has_turn = False
        _turns.give_back(of)


def let_strangers_rest(seconds: float) -> None:
    """Make strangers rest, because a password was wrong, and it took so many seconds to see it."""
    _turns.let_strangers_rest(seconds)


def refuse_strangers() -> None:
    """Raises `Unavailable` when a stranger would get no turn now: the cheapest answer to a flood."""
    if _turns.is_full(stranger=True):
        raise _busy()


def _busy() -> Unavailable:
    return Unavailable(SIGN_IN_BUSY, "Too many people are signing in. Try again in a moment.")
