"""A refresh token that comes twice: a lost answer, or a thief."""

import pytest

from shared.identity.model import UserState
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, change_user
from tests.factories.organizations import Company
from tests.identity.steps import Person, bearer, login, post_slowly, refresh, signed_in, sql
from tests.rows import footprint, rows


@pytest.fixture
def person(client: CheckedClient, company: Company) -> Person:
    return signed_in(client, company)


def _successor(client: CheckedClient, token: str) -> str:
    answer = refresh(client, token)
    assert answer.status_code == 200
    return str(answer.get_json()["refresh_token"])


def _seconds_pass(seconds: float) -> None:
    sql("UPDATE used_refresh_tokens SET used_at = used_at - make_interval(secs => :s)", s=seconds)


def _thefts() -> list[dict[str, object]]:
    return rows("SELECT * FROM audit_entries WHERE action = 'identity.refresh_reused'")


def test_a_client_that_lost_the_answer_gets_the_same_successor(client: CheckedClient, person: Person) -> None:
    first = _successor(client, person.tokens["refresh_token"])
    _seconds_pass(8)
    again = refresh(client, person.tokens["refresh_token"])
    assert again.get_json()["refresh_token"] == first
    assert client.get("/v1/auth/me", headers=bearer(again.get_json())).status_code == 200
    assert _successor(client, first) != first
    assert _thefts() == []


def test_ten_seconds_later_it_is_theft_and_the_session_ends_for_both(client: CheckedClient, person: Person) -> None:
    thief = refresh(client, person.tokens["refresh_token"]).get_json()
    _seconds_pass(10.1)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    for tokens in (person.tokens, thief):
        assert client.get("/v1/auth/me", headers=bearer(tokens)).status_code == 401
        assert refresh(client, tokens["refresh_token"]).status_code == 401
    (entry,) = _thefts()
    assert (entry["resource_id"], entry["actor_id"], entry["address"]) == (person.actor.user_id, None, "127.0.0.1")
    assert set(entry["after"]) == {"session_id"}  # type: ignore[call-overload]


def test_a_body_that_comes_slowly_does_not_stretch_the_ten_seconds(client: CheckedClient, person: Person) -> None:
    refresh(client, person.tokens["refresh_token"])
    _seconds_pass(9.5)
    answer = post_slowly(client, "/v1/auth/refresh", refresh_token=person.tokens["refresh_token"])
    assert answer.status_code == 401
    assert len(_thefts()) == 1


def test_once_the_successor_was_used_a_repeat_is_theft_at_any_time(client: CheckedClient, person: Person) -> None:
    first = _successor(client, person.tokens["refresh_token"])
    second = _successor(client, first)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    assert refresh(client, second).status_code == 401
    assert client.get("/v1/auth/me", headers=person.headers).status_code == 401
    assert len(_thefts()) == 1


def test_any_older_token_of_the_session_betrays_the_thief(client: CheckedClient, person: Person) -> None:
    oldest = latest = person.tokens["refresh_token"]
    for _ in range(4):
        latest = _successor(client, latest)
    _seconds_pass(3600)
    assert refresh(client, oldest).status_code == 401
    assert refresh(client, latest).status_code == 401
    assert len(_thefts()) == 1


@pytest.mark.parametrize("column", ["idle_until", "ends_at"])
def test_a_session_that_was_left_for_long_is_no_theft(client: CheckedClient, person: Person, column: str) -> None:
    """A laptop wakes, and its page asks more than once."""
    sql(f"UPDATE sessions SET {column} = now() - interval '1 minute' WHERE user_id = :id", id=person.actor.user_id)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    _seconds_pass(30)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    assert _thefts() == []
    assert rows("SELECT 1 FROM used_refresh_tokens") == []


def test_other_sessions_live_on(client: CheckedClient, company: Company, person: Person) -> None:
    phone = login(client, email=person.email, password=PASSWORD).get_json()
    colleague = signed_in(client, company)
    _successor(client, person.tokens["refresh_token"])
    _seconds_pass(60)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    for tokens in (phone, colleague.tokens):
        assert client.get("/v1/auth/me", headers=bearer(tokens)).status_code == 200
        assert refresh(client, tokens["refresh_token"]).status_code == 200


def test_what_was_never_a_token_ends_nothing(client: CheckedClient, company: Company, person: Person) -> None:
    genuine = person.tokens["refresh_token"]
    before = footprint(company.org_id)
    for garbage in ("", "x", genuine.partition(".")[2][:-1], genuine.partition(".")[2] + "x", "\x00", "\u0130" * 40):
        assert refresh(client, f"{company.org_id}.{garbage}").status_code == 401
    assert footprint(company.org_id) == before
    assert refresh(client, genuine).status_code == 200


def test_a_stored_hash_is_no_token(client: CheckedClient, company: Company, person: Person) -> None:
    _successor(client, person.tokens["refresh_token"])
    for sql_text in ("SELECT refresh_hash AS kept FROM sessions", "SELECT token_hash AS kept FROM used_refresh_tokens"):
        for each in rows(sql_text):
            assert refresh(client, f"{company.org_id}.{each['kept']}").status_code == 401
    assert _thefts() == []


def test_a_deactivated_user_is_not_refreshed_nor_repeated(client: CheckedClient, person: Person) -> None:
    first = _successor(client, person.tokens["refresh_token"])
    change_user(person.actor, state=UserState.DEACTIVATED)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    assert refresh(client, first).status_code == 401


def test_a_session_that_was_ended_is_not_reported_as_stolen(client: CheckedClient, person: Person) -> None:
    _successor(client, person.tokens["refresh_token"])
    client.post("/v1/auth/logout", headers=person.headers)
    _seconds_pass(60)
    assert refresh(client, person.tokens["refresh_token"]).status_code == 401
    assert _thefts() == []
