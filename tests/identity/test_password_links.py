"""The one-time link with which a person sets a password."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.actor import Actor
from shared.core.permissions import Role
from shared.identity import passwords
from shared.identity.model import UserState
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, change_user, make_link, make_person
from tests.factories.organizations import Company, make_user, sign_in
from tests.rows import footprint, row, rows

NEW = "quite another phrase"


@pytest.fixture
def person(company: Company) -> Actor:
    return make_user(company.org_id, Role.OWNER, email="olive@staff.test")


def _set(client: CheckedClient, token: object, password: object = NEW) -> Any:
    return client.post("/v1/auth/set-password", json={"token": token, "password": password})


def test_a_link_sets_the_password_once(client: CheckedClient, company: Company, person: Actor) -> None:
    link = make_link(person)
    assert _set(client, link).status_code == 204
    login = {"org": company.slug, "email": "olive@staff.test", "password": NEW}
    assert client.post("/v1/auth/login", json=login).status_code == 200
    again = _set(client, link, "a third long phrase")
    assert again.status_code == 422
    assert again.get_json()["code"] == "identity.link_dead"
    assert client.post("/v1/auth/login", json=login).status_code == 200


def test_a_link_lives_for_three_days(client: CheckedClient, person: Actor) -> None:
    old = make_link(person, now=datetime.now(UTC) - timedelta(hours=72, seconds=1))
    assert _set(client, old).get_json()["code"] == "identity.link_dead"
    good = make_link(person, now=datetime.now(UTC) - timedelta(hours=71, minutes=59))
    assert _set(client, good).status_code == 204


def test_using_one_link_uses_up_the_others(client: CheckedClient, person: Actor) -> None:
    first, second = make_link(person), make_link(person)
    assert _set(client, second).status_code == 204
    assert _set(client, first).get_json()["code"] == "identity.link_dead"


def test_setting_a_password_ends_every_session_of_that_person_only(client: CheckedClient, company: Company) -> None:
    person, _ = make_person(company.org_id)
    signed_in = [sign_in(company.services, person) for _ in range(2)]
    colleague = company.headers(Role.ADMIN)
    assert _set(client, make_link(person)).status_code == 204
    for headers in signed_in:
        assert client.get("/v1/auth/me", headers=headers).status_code == 401
    assert client.get("/v1/auth/me", headers=colleague).status_code == 200


@pytest.mark.parametrize(
    "weak",
    [
        "short",
        "elevenchars",
        "password1234",
        "PASSWORD1234",
        "correcthorsebatterystaple",
        "olive@staff.test",
        "OLIVE@STAFF.TEST",
    ],
)
def test_a_weak_password_is_refused_and_leaves_the_link_good(
    client: CheckedClient, company: Company, person: Actor, weak: str
) -> None:
    link = make_link(person)
    before = footprint(company.org_id)
    answer = _set(client, link, weak)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "identity.password_refused"
    assert answer.get_json()["errors"][0]["pointer"] == "/password"
    assert weak not in answer.get_data(as_text=True)
    assert footprint(company.org_id) == before
    assert _set(client, link).status_code == 204


def test_a_huge_password_is_refused(client: CheckedClient, company: Company, person: Actor) -> None:
    link = make_link(person)
    assert _set(client, link, "x" * 1025).status_code == 422
    assert _set(client, link, "x" * 1_000_000).status_code == 422
    assert _set(client, link, "x" * 1_100_000).status_code == 413
    assert _set(client, link, secrets.token_hex(512)).status_code == 204


def test_a_deactivated_persons_link_is_dead(client: CheckedClient, person: Actor) -> None:
    link = make_link(person)
    change_user(person, state=UserState.DEACTIVATED)
    assert _set(client, link).get_json()["code"] == "identity.link_dead"


@pytest.mark.parametrize("token", ["x", ".", "0199a000-0000-7000-8000-000000000000.x", "\x00", "é.é", "a" * 1024])
def test_something_that_is_no_link_is_dead(client: CheckedClient, company: Company, token: str) -> None:
    answer = _set(client, token)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "identity.link_dead"


def test_a_link_belongs_to_its_organization(client: CheckedClient, neighbour: Company, person: Actor) -> None:
    link = make_link(person)
    assert _set(client, f"{neighbour.org_id}.{link.partition('.')[2]}").status_code == 422
    assert _set(client, link).status_code == 204


@pytest.mark.usefixtures("real_hashing")
def test_neither_link_nor_password_is_stored_in_the_clear(client: CheckedClient, person: Actor) -> None:
    link = make_link(person)
    assert _set(client, link).status_code == 204
    kept = str(rows("SELECT * FROM password_links")) + str(rows("SELECT * FROM audit_entries"))
    assert link.partition(".")[2] not in kept
    stored = row("SELECT password_hash FROM users WHERE id = :id", id=person.user_id)["password_hash"]
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=2$")
    assert row("SELECT count(*) AS n FROM audit_entries WHERE action = 'identity.set_password'")["n"] == 1


@pytest.mark.usefixtures("real_hashing")
def test_an_unknown_person_costs_as_much_as_a_known_one() -> None:
    """Not measured, because a busy machine would decide: the same hash parameters are checked in both cases."""
    stored = passwords.hash_password(PASSWORD)
    assert passwords._NOBODY.split("$")[:4] == stored.split("$")[:4]
    assert passwords.matches(stored, PASSWORD)
    assert not passwords.matches(stored, PASSWORD + " ")
    assert not passwords.matches(None, PASSWORD)
    assert not passwords.matches("not a hash", PASSWORD)
