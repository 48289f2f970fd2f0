"""Refresh tokens: good for one use, within the life of their session."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.transaction import transaction
from shared.identity.model import StaffSession
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import Company


@pytest.fixture
def tokens(client: CheckedClient, company: Company) -> dict[str, Any]:
    _, email = make_person(company.org_id)
    found: dict[str, Any] = client.post("/v1/auth/login", json={"email": email, "password": PASSWORD}).get_json()
    return found


def _refresh(client: CheckedClient, token: object) -> Any:
    return client.post("/v1/auth/refresh", json={"refresh_token": token})


def _age_session(company: Company, tokens: dict[str, Any], **columns: datetime) -> None:
    with transaction(company.scope) as session:
        for each in session.query(StaffSession).filter_by(org_id=company.org_id):
            for name, value in columns.items():
                setattr(each, name, value)


def test_a_refresh_gives_new_tokens_that_work(client: CheckedClient, company: Company, tokens: dict[str, Any]) -> None:
    answer = _refresh(client, tokens["refresh_token"])
    assert answer.status_code == 200
    new = answer.get_json()
    assert new["refresh_token"] != tokens["refresh_token"]
    for each in (new, tokens):
        headers = {"Authorization": f"Bearer {each['access_token']}"}
        assert client.get("/v1/auth/me", headers=headers).status_code == 200
    assert _refresh(client, new["refresh_token"]).status_code == 200


def test_a_used_refresh_token_is_refused(client: CheckedClient, tokens: dict[str, Any]) -> None:
    first = _refresh(client, tokens["refresh_token"]).get_json()
    assert _refresh(client, first["refresh_token"]).status_code == 200
    again = _refresh(client, tokens["refresh_token"])
    assert again.status_code == 401
    assert again.get_json()["code"] == "identity.unauthenticated"


@pytest.mark.parametrize("column", ["idle_until", "ends_at"])
def test_a_session_that_is_over_is_not_refreshed(
    client: CheckedClient, company: Company, tokens: dict[str, Any], column: str
) -> None:
    _age_session(company, tokens, **{column: datetime.now(UTC) - timedelta(seconds=1)})
    assert _refresh(client, tokens["refresh_token"]).status_code == 401
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/v1/auth/me", headers=headers).status_code == 401


def test_refreshing_keeps_a_session_awake_but_never_beyond_its_end(
    client: CheckedClient, company: Company, tokens: dict[str, Any]
) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=5)
    _age_session(company, tokens, idle_until=soon, ends_at=soon)
    assert _refresh(client, tokens["refresh_token"]).status_code == 200
    with transaction(company.scope) as session:
        found = session.query(StaffSession).filter_by(org_id=company.org_id).one()
    assert found.idle_until > soon + timedelta(hours=23)
    assert found.ends_at == soon


@pytest.mark.parametrize(
    "token",
    [
        "x",
        ".",
        "not-a-uuid.secret",
        "0199a000-0000-7000-8000-000000000000.secret",
        "0199a000-0000-7000-8000-000000000000",
        "0199a000-0000-7000-8000-000000000000.",
        "\x00.\x00",
        "é.ü",
        "{" * 200,
    ],
)
def test_anything_else_is_refused_as_unknown(client: CheckedClient, company: Company, token: str) -> None:
    assert _refresh(client, token).status_code == 401


@pytest.mark.parametrize("token", [None, 5, "", ["x"], "x" * 1025])
def test_something_that_cannot_be_a_token_is_invalid(client: CheckedClient, token: object) -> None:
    assert _refresh(client, token).status_code == 422


def test_a_refresh_token_belongs_to_its_organization(
    client: CheckedClient, neighbour: Company, tokens: dict[str, Any]
) -> None:
    moved = f"{neighbour.org_id}.{tokens['refresh_token'].partition('.')[2]}"
    assert _refresh(client, moved).status_code == 401
    assert _refresh(client, tokens["refresh_token"]).status_code == 200
