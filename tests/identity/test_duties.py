"""What people must do first: change a temporary password, set up a second factor. Nothing else works before."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.contract.callers import call
from tests.contract.requests_from_openapi import Operation, operations
from tests.factories.everything import make_everything
from tests.factories.identity import PASSWORD, change_user
from tests.factories.organizations import Company
from tests.identity.steps import Person, bearer, enrolled, login, refresh, signed_in, sql
from tests.rows import footprint

FOR_STAFF = [operation for operation in operations() if not operation.is_public]
ALWAYS = {"GET /v1/auth/me", "POST /v1/auth/logout", "POST /v1/auth/change-password"}
TOWARDS_A_SECOND_FACTOR = ALWAYS | {"POST /v1/auth/mfa", "POST /v1/auth/mfa/confirm"}
NEW_PASSWORD = "Quay 93 lantern moss"


def _require_mfa(company: Company, required: bool = True) -> None:
    sql("UPDATE organizations SET require_mfa = :required WHERE id = :id", required=required, id=company.org_id)


def _owes_password(client: CheckedClient, company: Company, role: Role = Role.OWNER) -> Person:
    person = signed_in(client, company, role)
    change_user(person.actor, must_change_password=True)
    return person


def _refused(
    client: CheckedClient, company: Company, person: Person, but: set[str], change: Callable[[Any], Any] = lambda x: x
) -> set[str]:
    """The codes with which every operation but some is refused; none of them changes anything."""
    ids = make_everything(company).ids
    before = footprint(company.org_id)
    codes = set()
    for operation in _others(but):
        answer = call(client, change(operation.request(ids)), person.headers)
        assert answer.status_code == 403, f"{operation}: {answer.status}"
        codes.add(answer.get_json()["code"])
    assert footprint(company.org_id) == before
    return codes


def _others(but: set[str]) -> list[Operation]:
    found = [operation for operation in FOR_STAFF if str(operation) not in but]
    assert len(found) == len(FOR_STAFF) - len(but), "every exception is an operation"
    assert len(found) >= 16
    return found


def _broken_body(request: dict[str, Any]) -> dict[str, Any]:
    return request | {"json": None, "data": b"{", "content_type": "text/plain"}


@pytest.mark.parametrize("change", [lambda request: request, _broken_body], ids=["as it should be", "a broken body"])
def test_nothing_works_before_a_temporary_password_is_changed(
    client: CheckedClient, company: Company, change: Any
) -> None:
    person = _owes_password(client, company)
    assert _refused(client, company, person, ALWAYS, change) == {"identity.password_change_required"}


def test_me_refresh_and_logout_work_before_the_change(client: CheckedClient, company: Company) -> None:
    person = _owes_password(client, company)
    me = client.get("/v1/auth/me", headers=person.headers).get_json()
    assert (me["must_change_password"], me["must_set_up_mfa"]) == (True, False)
    refreshed = refresh(client, person.tokens["refresh_token"])
    assert refreshed.status_code == 200
    headers = bearer(refreshed.get_json())
    assert client.get("/v1/orders", headers=headers).get_json()["code"] == "identity.password_change_required"
    assert client.post("/v1/auth/logout", headers=headers).status_code == 204


def test_after_the_change_the_same_access_token_opens_everything(client: CheckedClient, company: Company) -> None:
    person = _owes_password(client, company)
    assert client.get("/v1/orders", headers=person.headers).status_code == 403
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/v1/auth/change-password", json=body, headers=person.headers).status_code == 204
    for path in ("/v1/orders", "/v1/clients", "/v1/auth/sessions", "/v1/audit", "/v1/iam/users"):
        assert client.get(path, headers=person.headers).status_code == 200, path
    assert client.get("/v1/auth/me", headers=person.headers).get_json()["must_change_password"] is False
    assert login(client, email=person.email, password=NEW_PASSWORD).status_code == 200


def test_a_change_that_is_refused_changes_no_duty(client: CheckedClient, company: Company) -> None:
    person = _owes_password(client, company)
    for new in (PASSWORD, "password1234", "short"):
        body = {"current_password": PASSWORD, "new_password": new}
        assert client.post("/v1/auth/change-password", json=body, headers=person.headers).status_code == 422
    assert client.get("/v1/orders", headers=person.headers).status_code == 403


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_where_a_second_factor_is_asked_for_nothing_works_without(
    client: CheckedClient, company: Company, role: Role
) -> None:
    person = signed_in(client, company, role)
    _require_mfa(company)
    assert client.get("/v1/auth/me", headers=person.headers).get_json()["must_set_up_mfa"] is True
    assert _refused(client, company, person, TOWARDS_A_SECOND_FACTOR) == {"identity.mfa_enrolment_required"}


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_after_setting_one_up_the_same_access_token_opens_everything(
    client: CheckedClient, company: Company, role: Role
) -> None:
    _require_mfa(company)
    person = enrolled(client, company, role)
    for path in ("/v1/orders", "/v1/clients", "/v1/auth/sessions", "/v1/audit", "/v1/iam/users"):
        assert client.get(path, headers=person.headers).status_code == 200, path
    assert client.get("/v1/auth/me", headers=person.headers).get_json()["must_set_up_mfa"] is False


def test_refresh_and_change_of_password_work_without_a_second_factor(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company, Role.ADMIN)
    _require_mfa(company)
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    assert client.post("/v1/auth/change-password", json=body, headers=person.headers).status_code == 204
    assert refresh(client, person.tokens["refresh_token"]).status_code == 200
    assert client.post("/v1/auth/logout", headers=person.headers).status_code == 204


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
def test_others_are_asked_for_nothing(client: CheckedClient, company: Company, role: Role) -> None:
    person = signed_in(client, company, role)
    _require_mfa(company)
    me = client.get("/v1/auth/me", headers=person.headers).get_json()
    assert me["must_set_up_mfa"] is False
    assert client.get("/v1/auth/sessions", headers=person.headers).status_code == 200


def test_the_duty_is_one_organizations_and_ends_with_its_wish(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    here, there = (signed_in(client, each, Role.OWNER) for each in (company, neighbour))
    _require_mfa(company)
    assert client.get("/v1/orders", headers=here.headers).status_code == 403
    assert client.get("/v1/orders", headers=there.headers).status_code == 200
    _require_mfa(company, required=False)
    assert client.get("/v1/orders", headers=here.headers).status_code == 200


def test_whoever_removes_their_second_factor_owes_another(client: CheckedClient, company: Company) -> None:
    person = enrolled(client, company, Role.ADMIN)
    _require_mfa(company)
    body = {"password": PASSWORD, "code": person.code()}
    assert client.post("/v1/auth/mfa/remove", json=body, headers=person.headers).status_code == 204
    refused = client.get("/v1/orders", headers=person.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (403, "identity.mfa_enrolment_required")


def test_a_password_is_owed_before_a_second_factor(client: CheckedClient, company: Company) -> None:
    person = _owes_password(client, company, Role.ADMIN)
    _require_mfa(company)
    refused = client.post("/v1/auth/mfa", json={"password": PASSWORD}, headers=person.headers)
    assert refused.get_json()["code"] == "identity.password_change_required"
