"""Signing in over HTTP."""

from typing import Any

import pytest

from shared.core.permissions import Role
from shared.identity.model import UserState
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, change_user, make_person
from tests.factories.organizations import Company, make_user, sign_in
from tests.rows import footprint, row, rows


def _login(client: CheckedClient, **body: Any) -> Any:
    return client.post("/v1/auth/login", json=body)


def _bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def test_the_tokens_of_a_sign_in_open_the_api(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id, Role.DISPATCHER)
    answer = _login(client, org=company.slug, email=email, password=PASSWORD)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    tokens = answer.get_json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 900)
    me = client.get("/v1/auth/me", headers=_bearer(tokens)).get_json()
    assert (me["id"], me["email"], me["role"]) == (str(person.user_id), email, "dispatcher")
    assert "orders:write" in me["permissions"]


@pytest.mark.parametrize("typed", ["{}", "{upper}", "  {}  "])
def test_the_address_may_be_typed_in_any_case(client: CheckedClient, company: Company, typed: str) -> None:
    _, email = make_person(company.org_id)
    address = typed.replace("{upper}", email.upper()).replace("{}", email)
    assert _login(client, email=address, password=PASSWORD).status_code == 200


def test_without_an_organization_one_account_is_enough(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    assert _login(client, email=email, password=PASSWORD).status_code == 200


def test_an_address_with_two_accounts_needs_the_organization(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    make_person(company.org_id, email="both@staff.test")
    theirs, _ = make_person(neighbour.org_id, email="both@staff.test")
    assert _login(client, email="both@staff.test", password=PASSWORD).status_code == 401
    answer = _login(client, org=neighbour.slug, email="both@staff.test", password=PASSWORD)
    me = client.get("/v1/auth/me", headers=_bearer(answer.get_json())).get_json()
    assert me["id"] == str(theirs.user_id)


def test_every_wrong_combination_gets_the_same_answer(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    _, email = make_person(company.org_id)
    without_password = make_user(company.org_id, Role.VIEWER, email="fresh@staff.test")
    assert without_password.user_id
    gone, gone_email = make_person(company.org_id)
    change_user(gone, state=UserState.DEACTIVATED)
    before = footprint(company.org_id)
    before.pop("audit_entries")  # tells of the failures
    wrong = [
        {"org": company.slug, "email": email, "password": PASSWORD + "!"},
        {"org": company.slug, "email": "nobody@staff.test", "password": PASSWORD},
        {"org": neighbour.slug, "email": email, "password": PASSWORD},
        {"org": "no-such-company", "email": email, "password": PASSWORD},
        {"org": company.slug, "email": "fresh@staff.test", "password": PASSWORD},
        {"org": company.slug, "email": gone_email, "password": PASSWORD},
        {"org": company.slug, "email": email, "password": PASSWORD.upper()},
    ]
    answers = []
    for body in wrong:
        answer = _login(client, **body)
        assert answer.status_code == 401, body
        answers.append({name: value for name, value in answer.get_json().items() if name != "request_id"})
    assert all(answer == answers[0] for answer in answers)
    after = footprint(company.org_id)
    after.pop("audit_entries")
    assert after == before


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "a\x00@staff.test"},
        {"org": "com\x00pany"},
        {"password": "nul\x00nul\x00nul"},
        {"email": "' OR 1=1 --@staff.test"},
        {"email": "%@%"},
        {"email": "\uff41dmin@staff.test"},
        {"password": "é" * 500},
    ],
)
def test_hostile_characters_are_only_wrong(client: CheckedClient, company: Company, changes: dict[str, str]) -> None:
    body = {"org": company.slug, "email": "nobody@staff.test", "password": PASSWORD} | changes
    assert _login(client, **body).status_code in {401, 422}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.test"},
        {"email": "a@b.test", "password": ""},
        {"email": "a@b.test", "password": None},
        {"email": ["a@b.test"], "password": PASSWORD},
        {"email": {"$ne": ""}, "password": PASSWORD},
        {"email": "a@b.test", "password": 12345678901234},
        {"email": "a@b.test", "password": PASSWORD, "role": "owner"},
        {"email": "x" * 255, "password": PASSWORD},
    ],
)
def test_a_body_of_another_shape_is_refused_with_pointers(client: CheckedClient, body: dict[str, Any]) -> None:
    answer = _login(client, **body)
    assert answer.status_code == 422
    assert all(error["pointer"].startswith("/") for error in answer.get_json()["errors"])


def test_a_huge_password_is_refused_before_it_is_hashed(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    assert _login(client, email=email, password="x" * 1025).status_code == 422
    assert _login(client, email=email, password="x" * 1_000_000).status_code == 422
    assert _login(client, email=email, password="x" * 1_100_000).status_code == 413


def test_a_sign_in_is_audited_without_secrets(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    tokens = client.post(
        "/v1/auth/login", json={"email": email, "password": PASSWORD}, headers={"X-Request-Id": "sign-in-1"}
    ).get_json()
    entry = row("SELECT * FROM audit_entries WHERE action = 'identity.sign_in' AND actor_id = :id", id=person.user_id)
    assert (entry["request_id"], entry["address"], entry["org_id"]) == ("sign-in-1", "127.0.0.1", company.org_id)
    stored = str(rows("SELECT * FROM sessions WHERE user_id = :id", id=person.user_id))
    for secret in (tokens["access_token"], tokens["refresh_token"].partition(".")[2], PASSWORD):
        assert secret not in str(entry)
        assert secret not in stored


def test_signing_out_acts_at_once(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    tokens = _login(client, email=email, password=PASSWORD).get_json()
    assert client.post("/v1/auth/logout", headers=_bearer(tokens)).status_code == 204
    assert client.get("/v1/auth/me", headers=_bearer(tokens)).status_code == 401
    refreshed = client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401


def test_signing_out_ends_one_session_only(client: CheckedClient, company: Company) -> None:
    _, email = make_person(company.org_id)
    phone, desk = (_login(client, email=email, password=PASSWORD).get_json() for _ in range(2))
    client.post("/v1/auth/logout", headers=_bearer(phone))
    assert client.get("/v1/auth/me", headers=_bearer(desk)).status_code == 200


def test_a_change_of_role_acts_at_once(client: CheckedClient, company: Company) -> None:
    person = company.actor(Role.DISPATCHER)
    headers = sign_in(company.services, person)
    assert client.get("/v1/clients", headers=headers).status_code == 200
    change_user(person, role=Role.WORKER)
    assert client.get("/v1/clients", headers=headers).status_code == 401


def test_after_a_change_of_role_a_refresh_brings_the_new_one(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id, Role.WORKER)
    tokens = _login(client, email=email, password=PASSWORD).get_json()
    change_user(person, role=Role.DISPATCHER)
    tokens = client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]}).get_json()
    assert client.get("/v1/auth/me", headers=_bearer(tokens)).get_json()["role"] == "dispatcher"
    assert client.get("/v1/clients", headers=_bearer(tokens)).status_code == 200


def test_deactivation_acts_at_once(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    tokens = _login(client, email=email, password=PASSWORD).get_json()
    change_user(person, state=UserState.DEACTIVATED)
    assert client.get("/v1/auth/me", headers=_bearer(tokens)).status_code == 401
    refreshed = client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert refreshed.status_code == 401


def test_a_worker_has_their_own_account_and_photos_of_their_work_and_no_more(
    client: CheckedClient, company: Company
) -> None:
    headers = company.headers(Role.WORKER)
    me = client.get("/v1/auth/me", headers=headers)
    assert set(me.get_json()["permissions"]) == {"self:use", "order_photos:read", "order_photos:add"}
    before = footprint(company.org_id)
    order = "0199a000-0000-7000-8000-000000000000"
    for method, path in (
        ("GET", "/v1/orders"),
        ("POST", "/v1/orders"),
        ("GET", f"/v1/orders/{order}"),
        ("POST", f"/v1/orders/{order}/confirm"),
        ("POST", f"/v1/orders/{order}/cancel"),
        ("GET", "/v1/clients"),
        ("POST", "/v1/clients"),
        ("DELETE", f"/v1/orders/{order}/photos/{order}"),
        ("GET", f"/v1/orders/{order}/payments"),
    ):
        answer = client.open(path, method=method, headers=headers, json={} if method == "POST" else None)
        assert answer.status_code == 403, f"{method} {path}"
        assert answer.get_json()["code"] == "access.forbidden"
    assert footprint(company.org_id) == before
