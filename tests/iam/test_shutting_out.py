"""Resetting passwords, ending sessions, shutting people out and letting them in again: all of it acts at once."""

from typing import Any

import pyotp
import pytest

from shared.core.permissions import Role
from shared.identity.model import UserState
from tests.factories.identity import PASSWORD, change_user, make_link, make_person
from tests.factories.organizations import Company, sign_in
from tests.iam.conftest import Office, entry_of, kept_anywhere, user_row
from tests.rows import footprint, rows

WRONG = "certainly not this one"
MINE = ("reset-password", "deactivate", "reset-mfa")
"""What nobody does to themself."""


def _mails(company: Company) -> list[str]:
    return [each["kind"] for each in rows("SELECT kind FROM messages WHERE org_id = :org", org=company.org_id)]


def test_a_reset_kills_the_old_password_the_sessions_and_the_links(office: Office) -> None:
    person, email = make_person(office.company.org_id, Role.VIEWER)
    link = make_link(person)
    tokens = office.sign_in(email, PASSWORD).get_json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = office.do("reset-password", person.user_id, by=Role.ADMIN)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    shown = answer.get_json()
    assert shown["must_change_password"] is True
    assert not office.opens(headers)
    refreshed = office.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert office.sign_in(email, PASSWORD).status_code == 401
    used = office.client.post("/v1/auth/set-password", json={"token": link, "password": "another long phrase"})
    assert used.get_json()["code"] == "identity.link_dead"
    assert _mails(office.company) == ["password_reset"]
    assert kept_anywhere(shown["temp_password"]) == []
    assert office.sign_in(email, shown["temp_password"]).status_code == 200


def test_a_reset_lets_others_alone(office: Office) -> None:
    person, colleague = (make_person(office.company.org_id, Role.VIEWER) for _ in range(2))
    headers = office.bearer(colleague[1], PASSWORD)
    office.do("reset-password", person[0].user_id)
    assert office.opens(headers)
    assert office.sign_in(colleague[1], PASSWORD).status_code == 200


def test_a_deactivated_account_gets_no_password(office: Office) -> None:
    person, _ = make_person(office.company.org_id, Role.VIEWER)
    change_user(person, state=UserState.DEACTIVATED)
    before = footprint(office.company.org_id)
    answer = office.do("reset-password", person.user_id)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "iam.deactivated")
    assert footprint(office.company.org_id) == before


@pytest.mark.parametrize("verb", MINE)
@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_nobody_does_it_to_themself(office: Office, verb: str, role: Role) -> None:
    headers = office.company.headers(role)
    user_id = office.client.get("/v1/auth/me", headers=headers).get_json()["id"]
    before = footprint(office.company.org_id)
    answer = office.do(verb, user_id, by=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "iam.not_yourself")
    assert footprint(office.company.org_id) == before


def test_deactivation_acts_at_once_and_again_changes_nothing(office: Office) -> None:
    person, email = make_person(office.company.org_id, Role.VIEWER)
    tokens = office.sign_in(email, PASSWORD).get_json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert office.do("deactivate", person.user_id, by=Role.ADMIN).get_json()["state"] == "deactivated"
    assert not office.opens(headers)
    refreshed = office.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert office.sign_in(email, PASSWORD).get_json()["code"] == "identity.unauthenticated"
    before = footprint(office.company.org_id)
    again = office.do("deactivate", person.user_id)
    assert (again.status_code, again.get_json()["state"]) == (200, "deactivated")
    assert footprint(office.company.org_id) == before


def test_reactivation_lets_in_with_the_old_password_but_not_with_an_old_session(office: Office) -> None:
    person, email = make_person(office.company.org_id, Role.VIEWER)
    tokens = office.sign_in(email, PASSWORD).get_json()
    office.do("deactivate", person.user_id)
    assert office.do("reactivate", person.user_id, by=Role.ADMIN).get_json()["state"] == "active"
    assert not office.opens({"Authorization": f"Bearer {tokens['access_token']}"})
    refreshed = office.client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401
    assert office.sign_in(email, PASSWORD).status_code == 200
    before = footprint(office.company.org_id)
    assert office.do("reactivate", person.user_id).status_code == 200
    assert footprint(office.company.org_id) == before


def test_logging_somebody_out_says_how_many_sessions_have_ended(office: Office) -> None:
    person, email = make_person(office.company.org_id, Role.VIEWER)
    signed_in = [office.bearer(email, PASSWORD) for _ in range(3)]
    office.client.post("/v1/auth/logout", headers=signed_in[0])
    assert office.do("logout", person.user_id, by=Role.ADMIN).get_json() == {"ended_sessions": 2}
    assert [office.opens(each) for each in signed_in] == [False] * 3
    assert office.do("logout", person.user_id).get_json() == {"ended_sessions": 0}
    assert office.sign_in(email, PASSWORD).status_code == 200


def _lock_out(office: Office, email: str, **more: Any) -> None:
    for _ in range(5):
        assert office.sign_in(email, WRONG, **more).status_code == 401
    locked = office.sign_in(email, PASSWORD, **more)
    assert (locked.status_code, locked.get_json()["code"]) == (429, "identity.too_many_attempts")
    assert int(locked.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("more", [{}, {"org": None}])
def test_unlocking_lets_somebody_try_again_at_once(office: Office, more: dict[str, Any]) -> None:
    person, email = make_person(office.company.org_id, Role.VIEWER)
    _lock_out(office, email, **more)
    answer = office.do("unlock", person.user_id, by=Role.ADMIN)
    assert (answer.status_code, answer.data) == (204, b"")
    assert office.sign_in(email, PASSWORD, **more).status_code == 200


def test_unlocking_does_not_unlock_a_colleague(office: Office) -> None:
    person, _ = make_person(office.company.org_id, Role.VIEWER)
    _, email = make_person(office.company.org_id, Role.VIEWER)
    _lock_out(office, email)
    office.do("unlock", person.user_id)
    assert office.sign_in(email, PASSWORD).status_code == 429


def test_the_same_mailbox_in_another_company_stays_locked(office: Office, neighbour: Company) -> None:
    there = Office(office.client, neighbour)
    person, email = make_person(office.company.org_id, Role.VIEWER, email="both@staff.test")
    make_person(neighbour.org_id, Role.VIEWER, email="both@staff.test")
    _lock_out(office, email)
    _lock_out(there, email)
    office.do("unlock", person.user_id)
    assert there.sign_in(email, PASSWORD).status_code == 429
    assert office.sign_in(email, PASSWORD).status_code == 200


def test_unlocking_does_not_open_a_sign_in_without_organization_that_could_be_the_other_account(
    office: Office, neighbour: Company
) -> None:
    person, email = make_person(office.company.org_id, Role.VIEWER, email="both@staff.test")
    make_person(neighbour.org_id, Role.VIEWER, email="both@staff.test")
    for _ in range(5):
        office.sign_in(email, WRONG, org=None)
    office.do("unlock", person.user_id)
    assert office.sign_in(email, PASSWORD, org=None).status_code == 429


def test_every_spelling_of_an_address_is_counted_as_one(office: Office) -> None:
    _, email = make_person(office.company.org_id, Role.VIEWER, email="dan@b\u00fccher.test")
    spellings = [
        "dan@b\u00fccher.test",
        "dan@xn--bcher-kva.test",
        "DAN@b\u00fccher.test",
        "dan@\uff42\u00fccher.test",
        "dan@b\u00fccher.te\u00adst",
    ]
    for spelling in spellings:
        assert office.sign_in(spelling, WRONG).status_code == 401
    assert office.sign_in(email, PASSWORD).status_code == 429


def test_a_second_factor_is_taken_off_and_the_sessions_with_it(office: Office) -> None:
    person, email, password = office.newcomer()
    headers = office.bearer(email, password)
    body = {"current_password": password, "new_password": PASSWORD}
    assert office.client.post("/v1/auth/change-password", json=body, headers=headers).status_code == 204
    none = office.do("reset-mfa", person.user_id)
    assert (none.status_code, none.get_json()["code"]) == (409, "identity.mfa_off")
    assert office.opens(headers)
    office.client.post("/v1/auth/mfa", json={"password": PASSWORD}, headers=headers)
    assert user_row(person.user_id)["totp_secret"]
    answer = office.do("reset-mfa", person.user_id, by=Role.ADMIN)
    assert (answer.status_code, answer.get_json()["mfa_enabled"]) == (200, False)
    assert user_row(person.user_id)["totp_secret"] is None
    assert not office.opens(headers)
    assert office.sign_in(email, PASSWORD).status_code == 200


def test_a_confirmed_second_factor_is_taken_off_with_its_recovery_codes(office: Office) -> None:
    person, headers = _with_second_factor(office)
    assert office.ask("GET", f"/{person.user_id}").get_json()["mfa_enabled"] is True
    assert rows("SELECT 1 FROM recovery_codes WHERE user_id = :id", id=person.user_id)
    assert office.do("reset-mfa", person.user_id).get_json()["mfa_enabled"] is False
    assert rows("SELECT 1 FROM recovery_codes WHERE user_id = :id", id=person.user_id) == []
    assert not office.opens(headers)
    assert entry_of("identity.remove_mfa", person.user_id)["actor_id"] == office.company.owner.user_id


def _with_second_factor(office: Office) -> tuple[Any, dict[str, str]]:
    person, email = make_person(office.company.org_id, Role.VIEWER)
    headers = sign_in(office.company.services, person)
    secret = office.client.post("/v1/auth/mfa", json={"password": PASSWORD}, headers=headers).get_json()["secret"]
    code = {"code": pyotp.TOTP(secret).now()}
    assert office.client.post("/v1/auth/mfa/confirm", json=code, headers=headers).status_code == 200
    assert office.sign_in(email, PASSWORD).get_json()["code"] == "identity.mfa_required"
    return person, headers
