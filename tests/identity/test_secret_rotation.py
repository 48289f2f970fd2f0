"""AUTH_SECRET_KEY is replaced while people are signed in."""

import hashlib
import hmac
import json
import urllib.request
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from shared.core.sealing import seal, unseal
from shared.core.settings import Settings
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD
from tests.factories.organizations import Company
from tests.identity.steps import Person, bearer, enrolled, forget_used_codes, login, refresh, signed_in
from tests.rows import row
from tests.variants import client_on, with_settings

NEW, NEWER = "the-key-of-tomorrow-" + "t" * 20, "the-key-of-next-week-" + "w" * 20


def _rotated(services: Services, new: str = NEW) -> Services:
    """The key of today is the previous one."""
    old = services.settings.auth_secret_key
    return with_settings(services, auth_secret_key=SecretStr(new), auth_secret_key_previous=old)


def _finished(services: Services) -> Services:
    """The previous key is gone."""
    return with_settings(services, auth_secret_key_previous=SecretStr(""))


@pytest.fixture
def person(client: CheckedClient, company: Company) -> Person:
    return signed_in(client, company)


def _me(client: CheckedClient, token: str) -> int:
    return client.get("/v1/auth/me", headers={"Authorization": f"Bearer {token}"}).status_code


def _signed_by(token: str, key: str) -> bool:
    try:
        return bool(jwt.decode(token, key, ["HS256"], audience="staff"))
    except jwt.InvalidSignatureError:
        return False


def test_the_settings_of_a_variant_are_its_own(services: Services) -> None:
    old = services.settings.auth_secret_key.get_secret_value()
    rotated = _rotated(services)
    assert rotated.settings.auth_secrets == (NEW, old)
    assert _finished(rotated).settings.auth_secrets == (NEW,)
    assert services.settings.auth_secrets == (old,)


def test_a_token_of_the_previous_key_is_good_while_that_is_set(services: Services, person: Person) -> None:
    rotated = _rotated(services)
    token = person.tokens["access_token"]
    assert _me(client_on(rotated), token) == 200
    assert _me(client_on(_finished(rotated)), token) == 401
    assert _me(client_on(_rotated(rotated, NEWER)), token) == 401, "two keys ago"
    assert _me(client_on(services), token) == 200


def test_new_tokens_are_signed_with_the_new_key(services: Services, person: Person) -> None:
    rotated = _rotated(services)
    client, old = client_on(rotated), services.settings.auth_secret_key.get_secret_value()
    made = [
        login(client, email=person.email, password=PASSWORD).get_json()["access_token"],
        refresh(client, person.tokens["refresh_token"]).get_json()["access_token"],
    ]
    for token in made:
        assert (_signed_by(token, NEW), _signed_by(token, old)) == (True, False)
        assert _me(client_on(_finished(rotated)), token) == 200
        assert _me(client_on(services), token) == 401


def test_refresh_tokens_outlive_their_key(services: Services, client: CheckedClient, person: Person) -> None:
    after = client_on(_finished(_rotated(services)))
    first = refresh(after, person.tokens["refresh_token"])
    assert first.status_code == 200
    assert refresh(after, first.get_json()["refresh_token"]).status_code == 200


def test_an_answer_lost_during_the_rotation_can_be_had_again(
    services: Services, client: CheckedClient, person: Person
) -> None:
    first = refresh(client, person.tokens["refresh_token"]).get_json()
    again = refresh(client_on(_rotated(services)), person.tokens["refresh_token"])
    assert again.status_code == 200
    assert again.get_json()["refresh_token"] == first["refresh_token"]
    assert _me(client_on(_rotated(services)), again.get_json()["access_token"]) == 200


def test_a_second_factor_sealed_with_the_previous_key_works_and_moves_to_the_new_one(
    services: Services, client: CheckedClient, company: Company
) -> None:
    person = enrolled(client, company)
    rotated = _rotated(services)
    assert _login(client_on(rotated), person, person.code()) == 200
    forget_used_codes(person)
    finished = _finished(rotated)
    assert unseal(finished.settings, _sealed(person)) == person.secret
    assert _login(client_on(finished), person, person.code()) == 200


def test_where_the_key_of_a_second_factor_is_lost_a_recovery_code_still_lets_in(
    services: Services, client: CheckedClient, company: Company
) -> None:
    person = enrolled(client, company)
    lost = client_on(_finished(_rotated(services)))
    assert _login(lost, person, person.code()) == 401
    assert _login(lost, person, person.recovery_codes[0]) == 200
    body = {"password": PASSWORD, "code": person.recovery_codes[1]}
    tokens = login(lost, email=person.email, password=PASSWORD, code=person.recovery_codes[2]).get_json()
    assert lost.post("/v1/auth/mfa/remove", json=body, headers=bearer(tokens)).status_code == 204


def test_sealing_is_not_repeatable_and_not_forgeable(services: Services) -> None:
    settings = services.settings
    sealed = seal(settings, "secret")
    assert sealed != seal(settings, "secret")
    changed = sealed[:20] + ("A" if sealed[20] != "A" else "B") + sealed[21:]
    for broken in (changed, "", "x", sealed[:-4]):
        with pytest.raises(ValueError, match="AUTH_SECRET_KEY"):
            unseal(settings, broken)


KIDS: dict[str, Any] = {
    "unknown": "another-key",
    "file": "../../../../dev/null",
    "url": "https://keys.example.com/k.json",
    "statement": "' UNION SELECT 'k",
    "empty": "",
}


@pytest.mark.parametrize("kid", KIDS.values(), ids=KIDS.keys())
def test_a_key_identifier_is_ignored(
    services: Services, client: CheckedClient, person: Person, kid: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our tokens have none. Keys are tried, never looked up, so a name for one opens nothing and nobody fetches it."""
    monkeypatch.setattr(urllib.request.OpenerDirector, "open", _nobody_fetches)
    key = services.settings.auth_secret_key.get_secret_value()
    genuine = person.tokens["access_token"]
    assert "kid" not in jwt.get_unverified_header(genuine)
    claims = jwt.decode(genuine, key, ["HS256"], audience="staff")
    headers = {"kid": kid, "jku": "https://keys.example.com/k.json", "x5u": "file:///etc/passwd"}
    assert _me(client, jwt.encode(claims, key, "HS256", headers=headers)) == 200
    for forged_with in ("", "\n", "another-key", kid):
        assert _me(client, _encode(claims, forged_with, headers)) == 401
    header = jwt.encode(claims, "x" * 40, "HS256", headers=headers).partition(".")[0]
    assert _me(client, f"{header}.{genuine.partition('.')[2]}") == 401, "the header is signed too"


@pytest.mark.parametrize("kid", [5, ["a"], None, {"a": 1}], ids=str)
def test_a_key_identifier_that_is_no_text_is_never_a_crash(
    services: Services, client: CheckedClient, person: Person, kid: Any
) -> None:
    key = services.settings.auth_secret_key.get_secret_value()
    body = jwt.utils.base64url_decode(person.tokens["access_token"].split(".")[1])
    token = _sign_anyway(body, key, {"kid": kid})
    assert _me(client, token) == 401 or kid is None


def _sign_anyway(body: bytes, key: str, headers: dict[str, Any]) -> str:
    encode = jwt.utils.base64url_encode
    signed = b".".join((encode(json.dumps({"alg": "HS256", "typ": "JWT"} | headers).encode()), encode(body)))
    return (signed + b"." + encode(hmac.digest(key.encode(), signed, hashlib.sha256))).decode()


def _encode(claims: dict[str, Any], key: str, headers: dict[str, Any]) -> str:
    return _sign_anyway(json.dumps(claims).encode(), key, headers)


def _nobody_fetches(*_: object, **__: object) -> None:
    raise AssertionError("a key was fetched")


@pytest.mark.parametrize(
    ("previous", "fault"),
    [
        ("short", "AUTH_SECRET_KEY_PREVIOUS must be 32 random characters or more"),
        ("change-me-" + "Zq7" * 12, "AUTH_SECRET_KEY_PREVIOUS must be 32 random characters or more"),
        ("k1" + "Zq7" * 12, "must differ"),
        ("k2" + "Zq7" * 12, "must differ"),
    ],
)
def test_production_refuses_a_previous_key_that_is_weak_or_in_use(
    services: Services, previous: str, fault: str
) -> None:
    production = {
        "environment": "production",
        "auth_secret_key": "k1" + "Zq7" * 12,
        "order_photo_signing_secret": "k2" + "Zq7" * 12,
    }
    assert Settings(**production).auth_secrets == ("k1" + "Zq7" * 12,)
    assert len(Settings(**production, auth_secret_key_previous="k3" + "Zq7" * 12).auth_secrets) == 2
    with pytest.raises(ValueError, match=fault):
        Settings(**production, auth_secret_key_previous=previous)


def _login(client: CheckedClient, person: Person, code: str) -> int:
    return login(client, email=person.email, password=PASSWORD, code=code).status_code


def _sealed(person: Person) -> str:
    return str(row("SELECT totp_secret FROM users WHERE id = :id", id=person.actor.user_id)["totp_secret"])
