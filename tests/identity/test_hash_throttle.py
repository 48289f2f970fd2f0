"""Hashing passwords: how many at once, how nicely, and with which parameters."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import extract_parameters

from shared.core.errors import Unavailable
from shared.identity import passwords
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import Company
from tests.identity.slots import all_taken, running
from tests.identity.steps import login
from tests.rows import row

LINUX = sys.platform == "linux"
"""Elsewhere niceness belongs to the process."""


def test_two_run_at_once_and_two_wait() -> None:
    with running(passwords.AT_ONCE) as slots, ThreadPoolExecutor(passwords.WAITING) as threads:
        waiting = [threads.submit(passwords.hash_password, PASSWORD) for _ in range(passwords.WAITING)]
        _until(lambda: passwords._waiting._value == 0)
        began = time.monotonic()
        with pytest.raises(Unavailable):
            passwords.hash_password(PASSWORD)
        assert time.monotonic() - began < 0.5, "the fifth does not wait"
        assert not any(each.done() for each in waiting)
        slots.close()
        assert all(each.result(30).startswith("$argon2id$") for each in waiting)
    assert (passwords.AT_ONCE, passwords.WAITING) == (2, 2)
    assert (passwords._running._value, passwords._waiting._value) == (2, 2), "all turns are free again"


def test_nobody_waits_for_ever() -> None:
    with running(passwords.AT_ONCE):
        began = time.monotonic()
        with pytest.raises(Unavailable):
            passwords.matches(None, PASSWORD)
        assert 1.5 < time.monotonic() - began < 4
    assert passwords._waiting._value == passwords.WAITING


def test_a_slot_is_free_again_after_a_wrong_password_and_a_broken_hash() -> None:
    for _ in range(2 * passwords.AT_ONCE):
        assert not passwords.matches("no hash at all", PASSWORD)
    assert passwords._running._value == passwords.AT_ONCE


def test_too_many_sign_ins_are_told_to_come_again(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    with all_taken():
        began = time.monotonic()
        refused = [login(client, email=each, password=PASSWORD) for each in (email, "nobody@staff.test")]
        assert time.monotonic() - began < 1
    assert {(answer.status_code, answer.get_json()["code"]) for answer in refused} == {(503, "identity.busy")}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert login(client, email=email, password=PASSWORD).status_code == 200


@pytest.mark.parametrize(("length", "status"), [(1025, 422), (1_000_000, 422), (1_100_000, 413)])
def test_a_huge_password_takes_no_slot(client: CheckedClient, length: int, status: int) -> None:
    with all_taken():
        assert login(client, email="a@staff.test", password="x" * length).status_code == status


def test_hashes_run_on_threads_that_are_nicer_than_the_rest() -> None:
    def niceness() -> tuple[str, int]:
        thread = threading.current_thread()
        return thread.name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = niceness()
    name, hashing = passwords._in_turn(niceness)
    assert name.startswith("hash")
    assert hashing == (min(19, mine[1] + 15) if LINUX else mine[1])
    assert niceness() == mine


@pytest.mark.parametrize(("own", "hashing"), [(0, 15), (3, 18), (15, 19), (19, 19)])
def test_a_process_that_is_nice_itself_can_hash(own: int, hashing: int) -> None:
    own = max(own, os.getpriority(os.PRIO_PROCESS, 0))  # when these tests run nicely themselves
    hashing = max(own, hashing) if LINUX else own
    program = (
        "import os, threading; os.nice({} - os.nice(0));"
        "from shared.identity import passwords;"
        "print(passwords._in_turn(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))"
    )
    run = [sys.executable, "-c", program.format(own)]
    root = Path(passwords.__file__).parents[2]
    found = subprocess.run(run, capture_output=True, text=True, timeout=60, cwd=root, check=False)
    assert found.stdout.strip() == str(hashing), found.stderr


def test_an_old_hash_is_replaced_by_one_of_today_and_then_kept(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    hashes = [_hash(person.user_id)]
    for _ in range(2):
        assert login(client, email=email, password=PASSWORD).status_code == 200
        hashes.append(_hash(person.user_id))
    assert hashes[0] != hashes[1] == hashes[2]
    found = extract_parameters(hashes[1])
    assert (found.type.name, found.time_cost, found.memory_cost, found.parallelism) == ("ID", 3, 65536, 2)


def test_a_wrong_password_replaces_no_hash(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    before = _hash(person.user_id)
    login(client, email=email, password=PASSWORD + "!")
    assert _hash(person.user_id) == before


def _hash(user_id: object) -> str:
    return str(row("SELECT password_hash FROM users WHERE id = :id", id=user_id)["password_hash"])


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)
