"""People, programs and guessers who sign in at the same moment."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.identity import accounts, attempts, turns
from shared.identity.attempts import Attempt
from tests.concurrency.together import together, until_waiting
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import Company
from tests.identity.slots import as_in_two_processes, running
from tests.identity.steps import (
    WRONG,
    Person,
    bearer,
    enrolled,
    login,
    refresh,
    signed_in,
    sql,
    statuses,
    use_todays_hash,
)
from tests.rows import row, rows

ADDRESSES = (f"10.{uuid4().int >> 120}.{high}.{low}" for high in range(256) for low in range(1, 255))


@pytest.fixture
def address() -> str:
    """One that nobody has failed from: here nothing is rolled back."""
    return next(ADDRESSES)


def test_thirty_guesses_at_once_are_five(app: Flask, company: Company, address: str) -> None:
    _, email = make_person(company.org_id)
    who = {"at": address, "org": company.slug, "email": email, "password": WRONG}
    given = Counter(
        answer.status_code for answer in together(*[partial(login, app.test_client(), **who) for _ in range(30)])
    )
    assert set(given) <= {401, 429, 503}, given
    assert 1 <= given[401] <= attempts.PER_ACCOUNT, given
    told = rows("SELECT * FROM audit_entries WHERE org_id = :o AND action = :a", o=company.org_id, a=_FAILED)
    assert len(told) == given[401]
    assert _failures(attempts.account_key(company.slug, email)) == given[401]


_FAILED = "identity.sign_in_failed"


def _failures(key: str) -> int:
    return int(row("SELECT failures FROM sign_in_attempts WHERE key = :key", key=key)["failures"])


def test_guesses_from_everywhere_at_once_are_five(app: Flask, company: Company) -> None:
    _, email = make_person(company.org_id)
    who = {"org": company.slug, "email": email}
    given = together(*[partial(statuses, app.test_client(), 3, at=next(ADDRESSES), **who) for _ in range(8)])
    assert sum(each.count(401) for each in given) <= attempts.PER_ACCOUNT


def test_two_accounts_of_one_address_do_not_get_in_each_others_way(app: Flask, company: Company, address: str) -> None:
    """Both count on the address; a deadlock would be a 503 after a second."""
    people = [make_person(company.org_id)[1] for _ in range(2)]
    who = {"at": address, "org": company.slug}
    given = together(*[partial(statuses, app.test_client(), 4, email=email, **who) for email in people])
    assert given == [[401] * 4] * 2


@pytest.mark.parametrize("round_", range(4))
def test_counting_one_account_in_many_threads_never_deadlocks(company: Company, round_: int) -> None:
    """Each try locks two rows, when it begins and when it ends; keys are hashes, so each round has another order."""
    mine = Attempt.of(company.slug, f"round-{round_}@staff.test", next(ADDRESSES))

    def try_often() -> int:
        for _ in range(40):
            now = datetime.now(UTC)
            with transaction(PLATFORM) as session:
                attempts.begin(session, mine, now=now)
            with transaction(PLATFORM) as session:
                attempts.taken_back(session, mine)
        return 40

    assert together(*[try_often] * 4) == [40] * 4
    assert (_failures(mine.account), _failures(mine.address)) == (0, 0)


@pytest.mark.parametrize("round_", range(3))
def test_failures_that_clear_old_ones_never_deadlock_with_new_tries(
    company: Company, address: str, round_: int
) -> None:
    """People of one office, all of whom failed long ago: each failure removes rows of the others."""
    tries = [Attempt.of(company.slug, f"stale-{round_}-{number}@staff.test", address) for number in range(8)]

    def fail_often(mine: Attempt) -> int:
        for _ in range(30):
            now = datetime.now(UTC)
            with transaction(PLATFORM) as session:
                attempts.begin(session, mine, now=now)
            with transaction(PLATFORM) as session:
                attempts.failed(session, mine, now=now)
            with transaction(PLATFORM) as session:  # a quarter of an hour goes by, and nobody is blocked
                session.execute(text(_AGE), {"key": mine.account})
                session.execute(text(_AGE), {"key": mine.address})
        return 30

    assert together(*[partial(fail_often, each) for each in tries]) == [30] * len(tries)


_AGE = "UPDATE sign_in_attempts SET stale_at = now() - interval '1 second', blocked_until = NULL WHERE key = :key"


@pytest.mark.parametrize("kind", ["of the app", "for recovery"])
def test_of_two_sign_ins_with_one_code_one_wins(app: Flask, company: Company, address: str, kind: str) -> None:
    person = _with_second_factor(app, company)
    code = person.code() if kind == "of the app" else person.recovery_codes[0]
    who = {"at": address, "org": company.slug, "email": person.email, "password": PASSWORD, "code": code}
    with ThreadPoolExecutor(2) as threads, as_in_two_processes():
        with transaction(company.scope) as session:  # until both have come as far as they get
            accounts.lock_own(session, person.actor)
            both = [threads.submit(login, app.test_client(), **who) for _ in range(2)]
            until_waiting(2)
        answers = [each.result(30) for each in both]
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    assert [each.get_json()["code"] for each in answers if each.status_code == 401] == ["identity.mfa_wrong"]


def test_a_sign_in_is_not_lost_when_its_counter_cannot_be_cleared(app: Flask, company: Company, address: str) -> None:
    """The session is open by then, and a temporary password used up: the tokens have to arrive."""
    person, email = make_person(company.org_id)
    use_todays_hash(person)
    key = attempts.account_key(company.slug, email)
    who = {"at": address, "org": company.slug, "email": email, "password": PASSWORD}
    with ThreadPoolExecutor(1) as threads, transaction(PLATFORM) as holding:
        with transaction(company.scope) as session:
            accounts.lock_own(session, person)
            opening = threads.submit(login, app.test_client(), **who)
            until_waiting(1)  # its try is counted; it waits for the account
            holding.execute(text("SELECT FROM sign_in_attempts WHERE key = :key FOR UPDATE"), {"key": key})
        answer = opening.result(30)
    assert answer.status_code == 200
    assert app.test_client().get("/v1/auth/me", headers=bearer(answer.get_json())).status_code == 200
    assert _failures(key) == 1


def test_a_session_that_ends_while_its_password_is_checked_is_no_failed_proof(app: Flask, company: Company) -> None:
    client: Any = app.test_client()
    person = signed_in(client, company)
    body = {"current_password": PASSWORD, "new_password": "Quay 93 lantern moss"}
    with ThreadPoolExecutor(1) as threads:
        with running():
            changing = threads.submit(client.post, "/v1/auth/change-password", json=body, headers=person.headers)
            end = time.monotonic() + 10
            while not turns._turns.waiting:  # the session was looked at; now the password waits for its turn
                assert time.monotonic() < end
                time.sleep(0.01)
            sql("UPDATE sessions SET revoked_at = now() WHERE user_id = :id", id=person.actor.user_id)
        answer = changing.result(30)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.unauthenticated")
    assert rows("SELECT 1 FROM audit_entries WHERE org_id = :o AND action = :a", o=company.org_id, a=_FAILED) == []
    assert _failures(attempts.user_key(person.actor.user_id)) == 0


def _with_second_factor(app: Flask, company: Company) -> Person:
    client: Any = app.test_client()
    person = enrolled(client, company)
    use_todays_hash(person.actor)  # or the first of two would change it under the second, which fails for that
    return person


@pytest.mark.parametrize("round_", range(5))
def test_of_many_refreshes_with_one_token_all_get_the_same_successor(app: Flask, company: Company, round_: int) -> None:
    client: Any = app.test_client()
    person = signed_in(client, company)
    token = person.tokens["refresh_token"]
    answers = together(*[partial(refresh, app.test_client(), token) for _ in range(4)])
    assert {answer.status_code for answer in answers} == {200}
    (successor,) = {answer.get_json()["refresh_token"] for answer in answers}
    assert successor != token
    for answer in answers:
        assert client.get("/v1/auth/me", headers=bearer(answer.get_json())).status_code == 200
    assert refresh(client, successor).status_code == 200
    used = rows("SELECT * FROM used_refresh_tokens WHERE org_id = :org", org=company.org_id)
    assert len(used) == 2
    assert rows("SELECT * FROM audit_entries WHERE org_id = :o AND action = :a", o=company.org_id, a=_STOLEN) == []


_STOLEN = "identity.refresh_reused"


def test_a_thief_and_the_owner_at_once_both_lose(app: Flask, company: Company) -> None:
    """Both hold a token that was used long ago."""
    client: Any = app.test_client()
    person = signed_in(client, company)
    token = person.tokens["refresh_token"]
    latest = refresh(client, refresh(client, token).get_json()["refresh_token"]).get_json()["refresh_token"]
    answers = together(*[partial(refresh, app.test_client(), token) for _ in range(4)])
    assert {answer.status_code for answer in answers} == {401}
    assert refresh(client, latest).status_code == 401
    told = rows("SELECT * FROM audit_entries WHERE org_id = :o AND action = :a", o=company.org_id, a=_STOLEN)
    assert len(told) == 1, "one theft, told once"
