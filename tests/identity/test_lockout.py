"""Failing to sign in, over HTTP: what is counted, on what, and what somebody learns from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from shared.core.permissions import Role
from shared.identity import attempts
from shared.identity.model import UserState
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, change_user, make_person
from tests.factories.organizations import Company
from tests.identity.slots import all_taken, running
from tests.identity.steps import WRONG, bearer, enrolled, let_pass, login, signed_in, statuses
from tests.rows import row, rows
from tests.variants import bound, client_on

FIVE_THEN_REFUSED = [401] * 5 + [429] * 2


def test_after_five_failures_one_has_to_wait(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    who = {"org": company.slug, "email": email}
    assert statuses(client, 5, **who) == [401] * 5
    refused = login(client, **who, password=WRONG)
    body = refused.get_json()
    assert (refused.status_code, body["code"]) == (429, "identity.too_many_attempts")
    assert refused.headers["Retry-After"] == str(body["retry_after"])
    assert 28 <= body["retry_after"] <= 30
    let_pass(30)
    assert statuses(client, 1, **who) == [401]
    assert 58 <= login(client, **who, password=WRONG).get_json()["retry_after"] <= 60


def test_the_right_password_does_not_help_while_one_has_to_wait(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    who = {"org": company.slug, "email": email}
    statuses(client, 5, **who)
    with running():  # 429, and at once: nothing is hashed
        assert login(client, **who, password=PASSWORD).status_code == 429
    let_pass(30)
    assert login(client, **who, password=PASSWORD).status_code == 200


def test_a_success_resets(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    who = {"org": company.slug, "email": email}
    for _ in range(3):
        assert statuses(client, 4, **who) == [401] * 4
        assert login(client, **who, password=PASSWORD).status_code == 200


def test_one_address_may_fail_twenty_times_over_many_accounts(client: CheckedClient, company: Company) -> None:
    people = [make_person(company.org_id, Role.VIEWER)[1] for _ in range(4)]
    given = [statuses(client, 1, email=f"nobody-{number}@staff.test")[0] for number in range(16)]
    given += [statuses(client, 1, org=company.slug, email=email)[0] for email in people]
    assert given == [401] * 20
    assert login(client, email=people[0], password=PASSWORD).status_code == 429
    assert login(client, at="127.0.0.2", email=people[0], password=PASSWORD).status_code == 200


def test_whoever_signs_in_does_not_use_up_the_address(client: CheckedClient, company: Company) -> None:
    """An office has one address."""
    people = [make_person(company.org_id, Role.VIEWER)[1] for _ in range(25)]
    assert {login(client, email=email, password=PASSWORD).status_code for email in people} == {200}


@pytest.mark.parametrize(
    ("clients", "same"),
    [
        ([f"2001:db8:0:1::{n}" for n in range(1, 22)], True),
        ([f"2001:db8:0:{n}::1" for n in range(1, 22)], False),
        (["203.0.113.9", "::ffff:203.0.113.9"] * 10 + ["203.0.113.9"], True),
        ([f"::ffff:203.0.113.{n}" for n in range(1, 22)], False),
    ],
    ids=["one /64", "many /64", "IPv4 twice", "many IPv4"],
)
def test_an_ipv6_client_is_its_64_bits(client: CheckedClient, clients: list[str], same: bool) -> None:
    given = [statuses(client, 1, at=each, email=f"n{n}@staff.test")[0] for n, each in enumerate(clients)]
    assert given == [401] * 20 + [429 if same else 401]


def test_what_a_stranger_says_of_their_address_changes_nothing(client: CheckedClient) -> None:
    given = [
        login(client, email=f"n{n}@staff.test", password=WRONG, headers={"X-Forwarded-For": f"198.51.100.{n}"})
        for n in range(21)
    ]
    assert [answer.status_code for answer in given] == [401] * 20 + [429]


@pytest.mark.parametrize("org", ["{slug}", None, "no-such-company"])
def test_an_unknown_account_looks_like_a_known_one(client: CheckedClient, company: Company, org: str | None) -> None:
    _, email = make_person(company.org_id)
    slug = org.format(slug=company.slug) if org else None
    seen = [
        [_visible(login(client, at=at, org=slug, email=each, password=WRONG)) for _ in range(7)]
        for at, each in (("127.0.0.2", email), ("127.0.0.3", "nobody@staff.test"))
    ]
    assert seen[0] == seen[1]
    assert [each[0] for each in seen[0]] == FIVE_THEN_REFUSED


def _visible(answer: Any) -> tuple[int, dict[str, Any], dict[str, str]]:
    """All that a caller sees, without what differs from request to request; a second may tick in between."""
    body = answer.get_json() | {"request_id": ""}
    headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
    if answer.status_code == 429:
        assert 28 <= int(headers["Retry-After"]) <= 30
        assert body["detail"] == f"Wait {body['retry_after']} seconds before the next try."
        body |= {"retry_after": 0, "detail": ""}
        headers |= {"Retry-After": "", "Content-Length": ""}
    return answer.status_code, body, headers


def test_the_same_mailbox_in_another_company_is_another_account(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    for each in (company, neighbour):
        make_person(each.org_id, email="both@staff.test")
    assert statuses(client, 7, org=company.slug, email="both@staff.test") == FIVE_THEN_REFUSED
    assert login(client, org=neighbour.slug, email="both@staff.test", password=PASSWORD).status_code == 200
    assert login(client, org=company.slug, email="both@staff.test", password=PASSWORD).status_code == 429


@pytest.mark.parametrize("typed", ["{upper}", "  {}  ", "{soft}"])
def test_other_spellings_are_no_further_tries(client: CheckedClient, company: Company, typed: str) -> None:
    _, email = make_person(company.org_id)
    spelled = typed.replace("{upper}", email.upper()).replace("{soft}", email.replace(".test", ".te\u00adst"))
    spelled = spelled.replace("{}", email)
    assert statuses(client, 5, org=company.slug, email=email) == [401] * 5
    assert login(client, org=company.slug, email=spelled, password=PASSWORD).status_code == 429
    let_pass(30)
    assert login(client, org=company.slug, email=spelled, password=PASSWORD).status_code == 200


def test_what_is_no_guess_does_not_count(client: CheckedClient, company: Company) -> None:
    person = enrolled(client, company)
    who = {"org": company.slug, "email": person.email}
    statuses(client, 4, **who)
    with all_taken():
        assert set(statuses(client, 3, **who)) == {503}
    missing = [login(client, **who, password=PASSWORD) for _ in range(3)]
    assert {answer.get_json()["code"] for answer in missing} == {"identity.mfa_required"}
    assert login(client, **who, password=PASSWORD, code="1").status_code == 422
    assert _failures(attempts.account_key(company.slug, person.email)) == 4
    assert login(client, **who, password=PASSWORD, code=person.code()).status_code == 200


def test_a_wrong_code_of_the_second_factor_counts(client: CheckedClient, company: Company) -> None:
    person = enrolled(client, company)
    who = {"org": company.slug, "email": person.email, "password": PASSWORD}
    given = [login(client, **who, code=person.code(steps=7)) for _ in range(5)]
    assert {answer.get_json()["code"] for answer in given} == {"identity.mfa_wrong"}
    assert login(client, **who, code=person.code()).status_code == 429


def test_a_missing_code_does_not_forget_the_wrong_ones(client: CheckedClient, company: Company) -> None:
    person = enrolled(client, company)
    who = {"org": company.slug, "email": person.email, "password": PASSWORD}
    given = []
    for _ in range(5):
        given.append(login(client, **who, code=person.code(steps=7)).status_code)
        login(client, **who)
    assert given == [401] * 5
    assert login(client, **who, code=person.code()).status_code == 429


def test_failures_are_in_the_audit_log_of_the_account_and_nowhere_else(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    statuses(client, 7, org=company.slug, email=email)
    statuses(client, 2, org=company.slug, email="nobody@staff.test")
    found = rows("SELECT * FROM audit_entries WHERE action = 'identity.sign_in_failed'")
    assert [(each["org_id"], each["resource_id"], each["actor_id"]) for each in found] == [
        (company.org_id, person.user_id, None)
    ] * 5
    assert WRONG not in str(found)


def test_the_failure_that_locks_says_until_when(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    statuses(client, 6, org=company.slug, email=email)
    found = rows("SELECT * FROM audit_entries WHERE action = 'identity.sign_in_failed' ORDER BY id")
    told = [entry["after"].get("blocked_until") for entry in found]
    assert told[:4] == [None] * 4
    (locked,) = told[4:]
    assert timedelta(seconds=25) < datetime.fromisoformat(locked) - datetime.now(UTC) <= timedelta(seconds=30)


@pytest.mark.parametrize("password", [PASSWORD, WRONG])
def test_tries_of_somebody_who_was_shut_out_are_in_the_audit_log(
    client: CheckedClient, company: Company, neighbour: Company, password: str
) -> None:
    person, email = make_person(company.org_id)
    change_user(person, state=UserState.DEACTIVATED)
    for org in (company.slug, None):
        answer = login(client, org=org, email=email, password=password)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.unauthenticated")
    (first, second) = rows("SELECT * FROM audit_entries WHERE action = 'identity.sign_in_failed'")
    assert {first["resource_id"], second["resource_id"]} == {person.user_id}
    make_person(neighbour.org_id, email=email)
    assert login(client, email=email, password=PASSWORD).status_code == 200, "the one that is active is meant"


def test_somebody_who_has_to_wait_with_proofs_takes_no_turn(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    body = {"current_password": WRONG, "new_password": "Quay 93 lantern moss"}
    for _ in range(5):
        client.post("/v1/auth/change-password", json=body, headers=person.headers)
    with all_taken():
        answer = client.post("/v1/auth/change-password", json=body, headers=person.headers)
    assert answer.status_code == 429


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/auth/mfa", {"password": WRONG}),
        ("/v1/auth/mfa/recovery-codes", {"password": WRONG}),
        ("/v1/auth/mfa/remove", {"password": WRONG, "code": "123456"}),
        ("/v1/auth/change-password", {"current_password": WRONG, "new_password": "Quay 93 lantern moss"}),
    ],
)
def test_a_stolen_token_gives_five_guesses_at_the_password(
    client: CheckedClient, company: Company, path: str, body: dict[str, str]
) -> None:
    person = signed_in(client, company)
    given = [client.post(path, json=body, headers=person.headers).status_code for _ in range(7)]
    assert given == [422] * 5 + [429] * 2
    again = login(client, org=company.slug, email=person.email, password=PASSWORD)
    assert again.status_code == 200, "the owner can still sign in elsewhere"
    assert client.get("/v1/auth/me", headers=bearer(again.get_json())).status_code == 200


def test_a_weak_choice_is_no_wrong_password(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    body = {"current_password": PASSWORD, "new_password": "password1234"}
    given = [client.post("/v1/auth/change-password", json=body, headers=person.headers) for _ in range(7)]
    assert {(answer.status_code, answer.get_json()["errors"][0]["pointer"]) for answer in given} == {
        (422, "/new_password")
    }


def test_nobody_signs_in_while_the_database_is_away(company: Company) -> None:
    _, email = make_person(company.org_id)
    services = company.services
    url = make_url(services.settings.database_url.get_secret_value()).set(host="127.0.0.1", port=1, query={})
    away = SecretStr(url.render_as_string(hide_password=False))
    client = client_on(services)
    with bound(services, database_url=away):
        refused = login(client, org=company.slug, email=email, password=PASSWORD)
    assert (refused.status_code, refused.get_json()["code"]) == (503, "database.unavailable")
    assert refused.headers["Retry-After"] == "1"


def _failures(key: str) -> int:
    return int(row("SELECT failures FROM sign_in_attempts WHERE key = :key", key=key)["failures"])
