"""Who may hash, who waits, and who is refused, when many want to at once."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count

import pytest

from shared.core.errors import Unavailable
from shared.identity import turns
from tests.identity.slots import running, strangers_waiting

MANY = 12


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(MANY) as pool:
        yield pool


class Line:
    """People who come one after the other, each behind the one before; `served` are their names as they had a turn."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.served: list[str] = []
        self._threads = threads

    def come(self, name: str, *, stranger: bool, count: int, of: str = "") -> "Future[None]":
        """Somebody comes, of a company of their own unless `of` another, and is waited for until `count` wait."""
        future = self._threads.submit(self._serve, name, of, stranger)
        _until(lambda: len(turns._turns.waiting) == count)
        return future

    def _serve(self, name: str, of: str, stranger: bool) -> None:
        with turns.turn(of or name, stranger=stranger):
            self.served.append(name)


def test_one_runs_at_a_time(threads: ThreadPoolExecutor) -> None:
    inside, most = 0, 0
    lock, companies = threading.Lock(), count()

    def hash_something() -> None:
        nonlocal inside, most
        with turns.turn(f"company {next(companies)}"):
            with lock:
                inside += 1
                most = max(most, inside)
            time.sleep(0.01)
            with lock:
                inside -= 1

    for future in [threads.submit(hash_something) for _ in range(1 + turns.ALL_WAITING)]:
        future.result(30)
    assert (most, inside) == (1, 0)
    assert turns.AT_ONCE <= 4, "SPEC 1 allows no more"
    assert (turns._turns.free, turns._turns.waiting) == (turns.AT_ONCE, [])


def test_who_is_known_goes_first_and_otherwise_who_came_first(threads: ThreadPoolExecutor) -> None:
    line = Line(threads)
    with running():
        came = [
            line.come(name, stranger=name.startswith("stranger"), count=number)
            for number, name in enumerate(["stranger 1", "known 1", "stranger 2", "known 2"], start=1)
        ]
    for each in came:
        each.result(30)
    assert line.served == ["known 1", "known 2", "stranger 1", "stranger 2"]


def test_strangers_are_refused_at_once_where_others_still_wait(threads: ThreadPoolExecutor) -> None:
    line = Line(threads)
    with running():
        came = [
            line.come("stranger", of=f"192.0.2.{number}", stranger=True, count=number + 1)
            for number in range(turns.STRANGERS_WAITING)
        ]
        _refused_at_once(stranger=True)
        with pytest.raises(Unavailable):
            turns.refuse_strangers()
        counts = range(turns.STRANGERS_WAITING + 1, turns.ALL_WAITING + 1)
        came += [line.come("known", of=f"company {number}", stranger=False, count=number) for number in counts]
        _refused_at_once(stranger=False)
    for each in came:
        each.result(30)
    assert line.served == ["known"] * len(counts) + ["stranger"] * turns.STRANGERS_WAITING
    turns.refuse_strangers()


def _refused_at_once(*, stranger: bool) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable), turns.turn("anybody", stranger=stranger):
        pytest.fail("had a turn")
    assert time.monotonic() - began < 0.5


def test_one_of_a_company_is_known_and_more_of_them_wait_like_strangers(threads: ThreadPoolExecutor) -> None:
    line = Line(threads)
    with running():
        came = [
            line.come("first of many", of="many", stranger=False, count=1),
            line.come("second of many", of="many", stranger=False, count=2),
            line.come("stranger", stranger=True, count=3),
            line.come("only one", stranger=False, count=4),
        ]
    for each in came:
        each.result(30)
    assert line.served == ["first of many", "only one", "second of many", "stranger"]


def test_a_company_has_three_at_once_and_then_others_have_room(threads: ThreadPoolExecutor) -> None:
    line = Line(threads)
    with running():
        came = [line.come("many", of="many", stranger=False, count=number + 1) for number in range(turns.PER_COMPANY)]
        with pytest.raises(Unavailable), turns.turn("many"):
            pytest.fail("had a turn")
        came.append(line.come("only one", stranger=False, count=turns.PER_COMPANY + 1))
    for each in came:
        each.result(30)
    assert line.served == ["many", "only one", "many", "many"]
    assert not turns._turns.present


@pytest.mark.parametrize("stranger", [True, False])
def test_nobody_waits_for_ever(threads: ThreadPoolExecutor, stranger: bool) -> None:
    with running():
        began = time.monotonic()
        with pytest.raises(Unavailable), turns.turn("anybody", stranger=stranger):
            pytest.fail("had a turn")
        assert 1.5 < time.monotonic() - began < 4
    assert turns._turns.waiting == []
    with turns.turn("anybody", stranger=stranger):
        pass


def test_the_next_in_line_has_a_turn_when_the_first_gives_up(threads: ThreadPoolExecutor) -> None:
    line = Line(threads)
    with running():
        first = line.come("first", stranger=True, count=1)
        time.sleep(turns.PATIENCE_SECONDS / 2)
        second = line.come("second", stranger=True, count=2)
        with pytest.raises(Unavailable):
            first.result(30)
    second.result(30)
    assert line.served == ["second"]


def test_strangers_rest_after_a_wrong_password_the_longer_the_more_wait() -> None:
    with strangers_waiting():
        turns.let_strangers_rest(0.1)
    began = time.monotonic()
    with turns.turn("a company", stranger=False):
        assert time.monotonic() - began < 0.4, "whoever is known does not rest"
    with turns.turn("192.0.2.1", stranger=True):
        assert 0.1 * turns.REST * turns.STRANGERS_WAITING - 0.05 < time.monotonic() - began < 2


def test_nobody_rests_when_nobody_waits() -> None:
    turns.let_strangers_rest(10)
    began = time.monotonic()
    with turns.turn("192.0.2.1", stranger=True):
        assert time.monotonic() - began < 0.5


def test_strangers_rest_no_longer_than_the_longest_wait() -> None:
    """A machine that stood still for a minute is not the guessers' doing."""
    with strangers_waiting():
        turns.let_strangers_rest(60)
    assert turns._turns.strangers_rest_until - time.monotonic() <= turns.PATIENCE_SECONDS
    turns.let_strangers_rest(0)


def test_a_turn_inside_a_turn_is_the_same() -> None:
    with turns.turn("a company"), turns.turn("192.0.2.1", stranger=True):
        assert turns._turns.free == turns.AT_ONCE - 1
    assert turns._turns.free == turns.AT_ONCE


def test_a_turn_is_given_back_whatever_happens() -> None:
    for _ in range(2 * turns.AT_ONCE):
        with pytest.raises(ZeroDivisionError), turns.turn("a company"):
            raise ZeroDivisionError
    assert turns._turns.free == turns.AT_ONCE
    assert not turns._turns.present


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)
