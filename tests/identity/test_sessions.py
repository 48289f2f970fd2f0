"""Where somebody is signed in, and ending it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD
from tests.factories.organizations import Company
from tests.identity.steps import WRONG, Person, bearer, login, refresh, signed_in, sql
from tests.rows import row, rows

URL = "/v1/auth/sessions"
NEW_PASSWORD = "Quay 93 lantern moss"


@pytest.fixture
def person(client: CheckedClient, company: Company) -> Person:
    return signed_in(client, company)


def _again(client: CheckedClient, person: Person, *, agent: str = "", at: str = "127.0.0.1") -> dict[str, Any]:
    """The tokens of another device of theirs."""
    answer = login(client, at=at, headers={"User-Agent": agent}, email=person.email, password=PASSWORD)
    assert answer.status_code == 200
    return dict(answer.get_json())


def _sessions(client: CheckedClient, headers: dict[str, str]) -> list[dict[str, Any]]:
    return list(client.get(URL, headers=headers).get_json()["data"])


def test_a_session_shows_where_it_is_and_whether_it_is_this_one(client: CheckedClient, person: Person) -> None:
    before = datetime.now(UTC) - timedelta(seconds=60)
    tokens = _again(client, person, agent="Phone " * 60, at="2001:DB8::7")
    newest, oldest = _sessions(client, bearer(tokens))
    assert (newest["address"], oldest["address"]) == ("2001:db8::7", "127.0.0.1")
    assert newest["user_agent"] == ("Phone " * 60)[:300]
    assert (newest["is_current"], oldest["is_current"]) == (True, False)
    assert [each["is_current"] for each in _sessions(client, person.headers)] == [False, True]
    assert datetime.fromisoformat(newest["created_at"]) > before
    assert set(newest) == {"id", "is_current", "created_at", "last_used_at", "ends_at", "address", "user_agent"}


def test_a_refresh_tells_where_a_session_is_now(client: CheckedClient, person: Person) -> None:
    sql("UPDATE sessions SET last_used_at = last_used_at - interval '1 hour', address = '192.0.2.1'")
    refresh(client, person.tokens["refresh_token"])
    (found,) = _sessions(client, person.headers)
    assert found["address"] == "127.0.0.1"
    assert datetime.fromisoformat(found["last_used_at"]) > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.parametrize("column", ["revoked_at", "idle_until", "ends_at"])
def test_only_sessions_that_live_are_listed(client: CheckedClient, person: Person, column: str) -> None:
    _again(client, person)
    newest, _ = _sessions(client, person.headers)
    sql(f"UPDATE sessions SET {column} = now() - interval '1 second' WHERE id = :id", id=newest["id"])
    assert [each["is_current"] for each in _sessions(client, person.headers)] == [True]


def test_only_ones_own_are_listed(client: CheckedClient, company: Company, neighbour: Company, person: Person) -> None:
    for role in (Role.OWNER, Role.DISPATCHER):
        assert len(_sessions(client, signed_in(client, company, role).headers)) == 1
    assert len(_sessions(client, signed_in(client, neighbour).headers)) == 1
    assert len(_sessions(client, person.headers)) == 1


def test_ending_one_acts_at_once(client: CheckedClient, person: Person) -> None:
    phone = _again(client, person)
    newest, _ = _sessions(client, person.headers)
    assert client.delete(f"{URL}/{newest['id']}", headers=person.headers).status_code == 204
    assert client.get("/v1/auth/me", headers=bearer(phone)).status_code == 401
    assert refresh(client, phone["refresh_token"]).status_code == 401
    assert [each["is_current"] for each in _sessions(client, person.headers)] == [True]
    again = client.delete(f"{URL}/{newest['id']}", headers=person.headers)
    assert (again.status_code, again.get_json()["code"]) == (404, "identity.no_such_session")
    entry = row("SELECT * FROM audit_entries WHERE action = 'identity.end_session'")
    assert (str(entry["resource_id"]), entry["actor_id"]) == (newest["id"], person.actor.user_id)


def test_one_may_end_the_current_one(client: CheckedClient, person: Person) -> None:
    (current,) = _sessions(client, person.headers)
    assert client.delete(f"{URL}/{current['id']}", headers=person.headers).status_code == 204
    assert client.get(URL, headers=person.headers).status_code == 401


def test_somebody_elses_is_not_found_and_lives_on(
    client: CheckedClient, company: Company, neighbour: Company, person: Person
) -> None:
    mighty = signed_in(client, company, Role.OWNER)
    for other in (mighty, signed_in(client, neighbour)):
        (theirs,) = _sessions(client, other.headers)
        assert client.delete(f"{URL}/{theirs['id']}", headers=person.headers).status_code == 404
        assert client.get("/v1/auth/me", headers=other.headers).status_code == 200
    (mine,) = _sessions(client, person.headers)
    assert client.delete(f"{URL}/{mine['id']}", headers=mighty.headers).status_code == 404
    assert client.get("/v1/auth/me", headers=person.headers).status_code == 200


def _change(client: CheckedClient, person: Person, current: str, new: str) -> Any:
    body = {"current_password": current, "new_password": new}
    return client.post("/v1/auth/change-password", json=body, headers=person.headers)


def test_a_change_of_password_ends_all_other_sessions_and_keeps_this_one(
    client: CheckedClient, company: Company, person: Person
) -> None:
    colleague, phone = signed_in(client, company), _again(client, person)
    assert _change(client, person, PASSWORD, NEW_PASSWORD).status_code == 204
    assert client.get("/v1/auth/me", headers=bearer(phone)).status_code == 401
    assert refresh(client, phone["refresh_token"]).status_code == 401
    for headers in (person.headers, colleague.headers):
        assert client.get("/v1/auth/me", headers=headers).status_code == 200
    assert refresh(client, person.tokens["refresh_token"]).status_code == 200
    assert login(client, email=person.email, password=PASSWORD).status_code == 401
    assert login(client, email=person.email, password=NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "pointer"),
    [
        (WRONG, NEW_PASSWORD, "/current_password"),
        (PASSWORD, PASSWORD, "/new_password"),
        (PASSWORD, "password1234", "/new_password"),
        (PASSWORD, "short", "/new_password"),
        (WRONG, "short", "/current_password"),
    ],
)
def test_a_change_that_is_refused_leaves_everything(
    client: CheckedClient, person: Person, current: str, new: str, pointer: str
) -> None:
    phone = _again(client, person)
    before = rows("SELECT password_hash FROM users")
    refused = _change(client, person, current, new)
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, pointer)
    assert rows("SELECT password_hash FROM users") == before
    assert client.get("/v1/auth/me", headers=bearer(phone)).status_code == 200


def test_a_change_of_password_is_audited_without_either(client: CheckedClient, person: Person) -> None:
    _change(client, person, PASSWORD, NEW_PASSWORD)
    entry = row("SELECT * FROM audit_entries WHERE action = 'identity.change_password'")
    assert (entry["actor_id"], entry["resource_id"]) == (person.actor.user_id, person.actor.user_id)
    assert PASSWORD not in str(entry)
    assert NEW_PASSWORD not in str(entry)
