"""Hashing passwords: how many at once, how nicely, and with which parameters."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from uuid import uuid4

import pytest
from argon2 import extract_parameters

from api.core import familiar
from shared.core.errors import Unavailable
from shared.identity import passwords
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import Company
from tests.identity.slots import all_taken, strangers_waiting
from tests.identity.steps import login
from tests.rows import row

LINUX = sys.platform == "linux"
"""Elsewhere niceness belongs to the process."""


def test_a_broken_hash_matches_nothing() -> None:
    assert not passwords.matches("no hash at all", PASSWORD)


def test_a_lack_of_memory_is_no_wrong_password() -> None:
    """Or people would be locked out who type the right one. 4 TB cannot be had."""
    too_much = "$argon2id$v=19$m=4294967295,t=1,p=1$HrBvAblarn+QItHJV316hg$BUhL13RQEVJfmxj5L2FSTG/3Pwq9XFWQwTP1384kdZ8"
    with pytest.raises(Unavailable):
        passwords.matches(too_much, PASSWORD)


def test_where_niceness_is_forbidden_passwords_are_checked_all_the_same() -> None:
    program = (
        "import os;"
        "from shared.identity import passwords;"
        "os.setpriority = lambda *_: (_ for _ in ()).throw(PermissionError(1, 'not permitted'));"
        "print(passwords.matches(passwords.hash_password('a long phrase'), 'a long phrase'))"
    )
    assert _run(program) == "True"


def test_too_many_sign_ins_are_told_to_come_again(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    with all_taken():
        began = time.monotonic()
        refused = [login(client, email=each, password=PASSWORD) for each in (email, "nobody@staff.test")]
        assert time.monotonic() - began < 1
    assert {(answer.status_code, answer.get_json()["code"]) for answer in refused} == {(503, "identity.busy")}
    assert {answer.headers["Retry-After"] for answer in refused} == {"1"}
    assert login(client, email=email, password=PASSWORD).status_code == 200


def test_where_people_work_they_sign_in_while_strangers_are_told_to_come_again(
    client: CheckedClient, company: Company
) -> None:
    """A flood from everywhere else does not keep an office out."""
    familiar.addresses.clear()
    _, email = make_person(company.org_id)
    who = {"org": company.slug, "email": email, "password": PASSWORD}
    with strangers_waiting():
        assert login(client, at="192.0.2.1", **who).status_code == 503
        client.get("/v1/orders", headers=company.headers(), environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
        assert login(client, at="192.0.2.2", **who).status_code == 503
        assert login(client, at="192.0.2.1", **who).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer rubbish"}, None], ids=["none", "forged", "over"])
def test_an_address_from_which_nobody_works_is_not_familiar(
    client: CheckedClient, company: Company, headers: dict[str, str] | None
) -> None:
    familiar.addresses.clear()
    if headers is None:
        headers = company.headers()
        client.post("/v1/auth/logout", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.2"})
    answer = client.get("/v1/orders", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 401
    assert familiar.addresses.company_at("192.0.2.1") is None


def test_familiar_addresses_are_networks() -> None:
    familiar.addresses.clear()
    one, other = uuid4(), uuid4()
    familiar.addresses.add("2001:db8:1:2::1", one)
    assert familiar.addresses.company_at("2001:db8:1:2:ffff::9") == one
    assert familiar.addresses.company_at("2001:db8:1:3::1") is None
    familiar.addresses.add("2001:db8:1:2::5", other)
    assert familiar.addresses.company_at("2001:db8:1:2::1") == other, "who was seen there last"


def test_familiar_addresses_that_were_not_seen_for_longest_are_forgotten() -> None:
    familiar.addresses.clear()
    kept = uuid4()
    for number in range(familiar.MOST):
        familiar.addresses.add("2001:db8:1:2::1", kept)
        familiar.addresses.add(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", uuid4())
    assert familiar.addresses.company_at("10.0.0.0") is None
    assert familiar.addresses.company_at("2001:db8:1:2::1") == kept
    familiar.addresses.clear()


def test_who_calls_from_everywhere_makes_nobody_elses_address_strange() -> None:
    familiar.addresses.clear()
    office, wanderer = uuid4(), uuid4()
    familiar.addresses.add("192.0.2.1", office)
    for number in range(2 * familiar.OF_ONE_COMPANY):
        familiar.addresses.add(f"10.0.{number >> 8}.{number & 255}", wanderer)
    seen = [familiar.addresses.company_at(f"10.0.{number >> 8}.{number & 255}") for number in range(200)]
    assert seen == [None] * familiar.OF_ONE_COMPANY + [wanderer] * familiar.OF_ONE_COMPANY
    assert familiar.addresses.company_at("192.0.2.1") == office
    familiar.addresses.clear()


@pytest.mark.parametrize(("length", "status"), [(1025, 422), (1_000_000, 422), (1_100_000, 413)])
def test_a_huge_password_takes_no_slot(client: CheckedClient, length: int, status: int) -> None:
    with all_taken():
        assert login(client, email="a@staff.test", password="x" * length).status_code == status


def test_hashes_run_on_threads_that_are_nicer_than_the_rest() -> None:
    def niceness() -> tuple[str, int]:
        thread = threading.current_thread()
        return thread.name, os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    mine = niceness()
    name, hashing = passwords._threads.submit(niceness).result()
    assert name.startswith("hash")
    assert hashing == (min(19, mine[1] + 15) if LINUX else mine[1])
    assert niceness() == mine


@pytest.mark.parametrize(("own", "hashing"), [(0, 15), (3, 18), (15, 19), (19, 19)])
def test_a_process_that_is_nice_itself_can_hash(own: int, hashing: int) -> None:
    if (already := os.getpriority(os.PRIO_PROCESS, 0)) > own:  # these tests run nicely themselves
        own, hashing = already, min(already + 15, 19)
    if not LINUX:
        hashing = own
    program = (
        "import os, threading; os.nice({} - os.nice(0));"
        "from shared.identity import passwords;"
        "work = lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id());"
        "print(passwords._threads.submit(work).result())"
    )
    assert _run(program.format(own)) == str(hashing)


def _run(program: str) -> str:
    """What a Python process of its own prints."""
    root = Path(passwords.__file__).parents[2]
    run = [sys.executable, "-c", program]
    found = subprocess.run(run, capture_output=True, text=True, timeout=60, cwd=root, check=False)
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


@pytest.mark.usefixtures("real_hashing")
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
