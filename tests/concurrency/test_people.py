"""Administrators who act on the same people at the same moment."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from shared.core.permissions import Role
from shared.core.transaction import read_only, transaction
from shared.iam import service as iam
from shared.identity import accounts, passwords, turns
from shared.identity.model import User
from shared.wiring import Services
from tests.concurrency.together import together, until_waiting
from tests.factories.identity import make_link, make_person
from tests.factories.organizations import Company, make_user, sign_in
from tests.rows import row

URL = "/v1/iam/users"


def _active_owners(company: Company) -> int:
    query = select(User.id).where(User.role == Role.OWNER, User.state == "active")
    with read_only(company.scope) as session:
        return len(session.execute(query).all())


def _demote(app: Flask, headers: dict[str, str], user_id: Any) -> TestResponse:
    return app.test_client().patch(f"{URL}/{user_id}", json={"role": "admin"}, headers=headers)


def _deactivate(app: Flask, headers: dict[str, str], user_id: Any) -> TestResponse:
    return app.test_client().post(f"{URL}/{user_id}/deactivate", headers=headers)


def _reset(app: Flask, headers: dict[str, str], user_id: Any) -> TestResponse:
    return app.test_client().post(f"{URL}/{user_id}/reset-password", headers=headers)


@pytest.mark.parametrize("act", [_demote, _deactivate])
@pytest.mark.parametrize("round_", range(5))
def test_of_two_owners_who_take_it_from_each_other_one_stays(
    app: Flask, services: Services, company: Company, act: Any, round_: int
) -> None:
    one, other = company.owner, make_user(company.org_id, Role.OWNER)
    first, second = sign_in(services, one), sign_in(services, other)
    answers = together(partial(act, app, first, other.user_id), partial(act, app, second, one.user_id))
    assert min(answer.status_code for answer in answers) == 200
    (refused,) = [answer for answer in answers if answer.status_code != 200]
    assert (refused.status_code, refused.get_json()["code"]) in {
        (409, "iam.last_owner"),
        (401, "identity.unauthenticated"),  # its session had ended before it began
    }
    assert _active_owners(company) == 1


@pytest.mark.parametrize("round_", range(5))
def test_of_two_owners_who_step_down_at_once_one_stays(
    app: Flask, services: Services, company: Company, round_: int
) -> None:
    both = [company.owner, make_user(company.org_id, Role.OWNER)]
    answers = together(*[partial(_demote, app, sign_in(services, each), each.user_id) for each in both])
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    assert _active_owners(company) == 1


@pytest.mark.parametrize("round_", range(3))
def test_of_two_passwords_shown_for_one_person_one_works(
    app: Flask, services: Services, company: Company, round_: int
) -> None:
    person, email = make_person(company.org_id, Role.VIEWER)
    admins = [make_user(company.org_id, Role.ADMIN) for _ in range(2)]
    answers = together(*[partial(_reset, app, sign_in(services, each), person.user_id) for each in admins])
    assert [answer.status_code for answer in answers] == [200, 200]
    shown = [answer.get_json()["temp_password"] for answer in answers]
    with transaction(company.scope) as session:
        kept = session.get_one(User, (company.org_id, person.user_id))
        assert kept.temp_password_until is not None
        assert kept.temp_password_until > datetime.now(UTC)
    assert sorted(passwords.matches(kept.password_hash, each) for each in shown) == [False, True]
    body = {"org": company.slug, "email": email}
    opened = [app.test_client().post("/v1/auth/login", json=body | {"password": each}).status_code for each in shown]
    assert sorted(opened) == [200, 401]


def test_of_many_who_invite_one_address_one_does(app: Flask, services: Services, company: Company) -> None:
    headers = sign_in(services, company.owner)
    body = {"email": "dan@staff.test", "name": "Dan", "role": "viewer"}
    answers = together(*[partial(app.test_client().post, URL, json=body, headers=headers)] * turns.PER_COMPANY)
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


@pytest.mark.parametrize("end", ["demoted", "logged out"])
def test_an_owner_who_loses_the_right_while_waiting_makes_no_owner(
    app: Flask, services: Services, company: Company, end: str
) -> None:
    owner, viewer = make_user(company.org_id, Role.OWNER), make_user(company.org_id, Role.VIEWER)
    headers = sign_in(services, owner)
    with ThreadPoolExecutor(1) as threads:
        with transaction(company.scope) as session:
            if end == "demoted":
                iam.change(session, company.owner, owner.user_id, role=Role.VIEWER, now=datetime.now(UTC))
            else:
                iam.log_out(session, company.owner, owner.user_id, now=datetime.now(UTC))
            client = app.test_client()
            making = threads.submit(client.patch, f"{URL}/{viewer.user_id}", json={"role": "owner"}, headers=headers)
            until_waiting(1)
        answer = making.result(30)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.unauthenticated")
    assert row("SELECT role FROM users WHERE id = :id", id=viewer.user_id)["role"] == "viewer"


def test_a_reset_and_a_link_that_is_used_meanwhile_do_not_wait_for_each_other(
    app: Flask, services: Services, company: Company
) -> None:
    """Both end the links and change the account. In two orders, Postgres would end one of them: 503."""
    person, _ = make_person(company.org_id, Role.VIEWER)
    token = make_link(person)
    body = {"token": token, "password": "Quay 93 lantern moss"}
    with ThreadPoolExecutor(1) as threads:
        with transaction(company.scope) as session:
            user = accounts.lock_own(session, person)
            used = threads.submit(app.test_client().post, "/v1/auth/set-password", json=body)
            until_waiting(1)
            accounts.give_temporary_password(session, company.owner, user, "a hash", now=datetime.now(UTC))
        answer = used.result(30)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "identity.link_dead")
