"""A temporary password: good for one sign-in within 72 hours, and for nothing but choosing another one."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.actor import Actor
from shared.core.permissions import Role
from tests.factories.identity import change_user
from tests.iam.conftest import Office, user_row
from tests.identity.steps import post_slowly

OWN = "a phrase of my own choice"


@pytest.fixture
def newcomer(office: Office) -> tuple[Actor, str, str]:
    return office.newcomer()


def test_it_opens_once(office: Office, newcomer: tuple[Actor, str, str]) -> None:
    person, email, password = newcomer
    assert office.sign_in(email, password).status_code == 200
    again = office.sign_in(email, password)
    assert (again.status_code, again.get_json()["code"]) == (401, "identity.temp_password_over")
    assert user_row(person.user_id)["temp_password_used_at"] is not None


def test_only_who_knows_it_learns_that_it_is_over(office: Office, newcomer: tuple[Actor, str, str]) -> None:
    _, email, password = newcomer
    office.sign_in(email, password)
    assert office.sign_in(email, password + "x").get_json()["code"] == "identity.unauthenticated"


@pytest.mark.parametrize(("left", "status"), [(timedelta(seconds=-1), 401), (timedelta(minutes=1), 200)])
def test_it_ends_after_its_time(office: Office, newcomer: tuple[Actor, str, str], left: timedelta, status: int) -> None:
    person, email, password = newcomer
    change_user(person, temp_password_until=datetime.now(UTC) + left)
    answer = office.sign_in(email, password)
    assert answer.status_code == status
    assert status == 200 or answer.get_json()["code"] == "identity.temp_password_over"


def test_a_body_that_comes_slowly_does_not_carry_it_past_its_time(
    office: Office, newcomer: tuple[Actor, str, str]
) -> None:
    person, email, password = newcomer
    change_user(person, temp_password_until=datetime.now(UTC) + timedelta(seconds=0.5))
    answer = post_slowly(office.client, "/v1/auth/login", email=email, password=password)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.temp_password_over")


def test_a_sign_in_that_fails_for_the_password_does_not_use_it_up(
    office: Office, newcomer: tuple[Actor, str, str]
) -> None:
    _, email, password = newcomer
    assert office.sign_in(email, password.upper()).status_code == 401
    assert office.sign_in(email, password).status_code == 200


def test_nothing_works_before_another_one_is_chosen(office: Office) -> None:
    _, email, password = office.newcomer(role="admin")
    headers = office.bearer(email, password)
    me = office.client.get("/v1/auth/me", headers=headers)
    assert me.get_json()["must_change_password"] is True
    for method, path in (
        ("GET", "/v1/iam/users"),
        ("GET", "/v1/orders"),
        ("GET", "/v1/auth/sessions"),
        ("POST", "/v1/auth/mfa"),
    ):
        answer = office.client.open(path, method=method, headers=headers, json={} if method == "POST" else None)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "identity.password_change_required"), path
    invited = office.ask("POST", by=headers, json={"email": "a@staff.test", "name": "A", "role": "viewer"})
    assert invited.get_json()["code"] == "identity.password_change_required"


def test_after_the_choice_everything_works_and_the_temporary_one_is_dead(
    office: Office, newcomer: tuple[Actor, str, str]
) -> None:
    person, email, password = newcomer
    headers = office.bearer(email, password)
    body = {"current_password": password, "new_password": OWN}
    assert office.client.post("/v1/auth/change-password", json=body, headers=headers).status_code == 204
    assert office.client.get("/v1/orders", headers=headers).status_code == 200
    assert office.client.get("/v1/auth/me", headers=headers).get_json()["must_change_password"] is False
    assert office.sign_in(email, password).get_json()["code"] == "identity.unauthenticated"
    for _ in range(2):
        assert office.sign_in(email, OWN).status_code == 200
    kept = user_row(person.user_id)
    assert (kept["temp_password_until"], kept["temp_password_used_at"]) == (None, None)


def test_the_choice_has_to_be_made_within_its_time(office: Office, newcomer: tuple[Actor, str, str]) -> None:
    person, email, password = newcomer
    headers = office.bearer(email, password)
    change_user(person, temp_password_until=datetime.now(UTC) - timedelta(seconds=1))
    body = {"current_password": password, "new_password": OWN}
    answer = office.client.post("/v1/auth/change-password", json=body, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.temp_password_over")
    assert office.sign_in(email, OWN).status_code == 401
    assert user_row(person.user_id)["must_change_password"] is True


def test_it_cannot_be_kept(office: Office, newcomer: tuple[Actor, str, str]) -> None:
    _, email, password = newcomer
    headers = office.bearer(email, password)
    body = {"current_password": password, "new_password": password}
    answer = office.client.post("/v1/auth/change-password", json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["pointer"] == "/new_password"
    assert office.client.get("/v1/orders", headers=headers).status_code == 403


def test_a_new_one_replaces_a_used_one(office: Office, newcomer: tuple[Actor, str, str]) -> None:
    person, email, password = newcomer
    headers = office.bearer(email, password)
    again = office.do("reset-password", person.user_id, by=Role.ADMIN).get_json()["temp_password"]
    assert not office.opens(headers)
    assert office.sign_in(email, password).get_json()["code"] == "identity.unauthenticated"
    assert office.sign_in(email, again).status_code == 200
