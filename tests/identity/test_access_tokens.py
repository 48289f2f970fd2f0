"""Access tokens that are not ours, any more or at all: always 401, never a crash."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from shared.core.permissions import Role
from shared.identity.tokens import issue_access_token, read_access_token
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company


def _b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def secret(company: Company) -> str:
    return company.services.settings.auth_secret_key.get_secret_value()


@pytest.fixture
def claims(company: Company, secret: str) -> dict[str, Any]:
    """Those of a token that works."""
    token = company.headers()["Authorization"].removeprefix("Bearer ")
    found: dict[str, Any] = jwt.decode(token, secret, ["HS256"], audience="staff")
    return found


def _status(client: CheckedClient, token: str) -> int:
    answer = client.get("/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    if answer.status_code == 401:
        assert answer.get_json()["code"] == "identity.unauthenticated"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="crewline"'
    return int(answer.status_code)


def test_a_token_made_of_the_same_claims_works(client: CheckedClient, claims: dict[str, Any], secret: str) -> None:
    """Or the refusals below would prove nothing."""
    assert _status(client, jwt.encode(claims, secret, "HS256")) == 200


@pytest.mark.parametrize(("issued", "ended"), [(-3600, -1), (-3600, -110), (1, 3600), (110, 3600)])
def test_clocks_may_differ_by_two_minutes(
    client: CheckedClient, claims: dict[str, Any], secret: str, issued: int, ended: int
) -> None:
    skewed = claims | {"iat": _seconds(issued), "exp": _seconds(ended)}
    assert _status(client, jwt.encode(skewed, secret, "HS256")) == 200


def _seconds(from_now: int) -> int:
    return int(datetime.now(UTC).timestamp()) + from_now


CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "expired": lambda c: c | {"exp": c["iat"] - 3600},
    "just expired, skew included": lambda c: c | {"exp": int(datetime.now(UTC).timestamp()) - 121},
    "issued in the future": lambda c: c | {"iat": c["iat"] + 3600},
    "expired ten minutes ago": lambda c: c | {"iat": _seconds(-3600), "exp": _seconds(-600)},
    "issued ten minutes from now": lambda c: c | {"iat": _seconds(600), "exp": _seconds(3600)},
    "for clients": lambda c: c | {"aud": "client"},
    "for workers": lambda c: c | {"aud": "worker"},
    "for photos": lambda c: c | {"aud": "order_photos"},
    "for several others": lambda c: c | {"aud": ["client", "worker"]},
    "for nobody": lambda c: c | {"aud": []},
    "another issuer": lambda c: c | {"iss": "somebody"},
    "another session": lambda c: c | {"sid": str(uuid4())},
    "another user": lambda c: c | {"sub": str(uuid4())},
    "another organization": lambda c: c | {"org": str(uuid4())},
    "no identifiers at all": lambda c: c | {"sub": "x", "org": "y", "sid": "z"},
    "no role of ours": lambda c: c | {"role": "emperor"},
    "a statement for a role": lambda c: c | {"role": "owner') OR true --"},
    "list for a role": lambda c: c | {"role": ["owner"]},
    "number for a user": lambda c: c | {"sub": 5},
    "null organization": lambda c: c | {"org": None},
    "list for a session": lambda c: c | {"sid": [c["sid"]]},
    "text for a time": lambda c: c | {"exp": "tomorrow"},
    "endless time": lambda c: c | {"exp": 10**400},
    "list for a time": lambda c: c | {"exp": [1]},
    "nul characters": lambda c: c | {"sub": "\x00", "org": "\x00"},
    **{
        f"without {name}": (lambda c, n=name: {k: v for k, v in c.items() if k != n})
        for name in ("iss", "aud", "sub", "org", "role", "sid", "iat", "exp", "jti")
    },
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_signed_token_with_other_claims_is_refused(
    client: CheckedClient, claims: dict[str, Any], secret: str, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    token = jwt.api_jws.encode(json.dumps(change(claims)).encode(), secret, "HS256")
    assert _status(client, token) == 401


def test_a_token_of_another_signature_is_refused(client: CheckedClient, claims: dict[str, Any], secret: str) -> None:
    photo_secret = "photo-links-of-the-test-run-" + "p" * 20
    forged = [
        jwt.encode(claims, "another-secret-" + "s" * 32, "HS256"),
        jwt.encode(claims, photo_secret, "HS256"),
        jwt.encode(claims, secret, "HS384"),
        jwt.encode(claims, secret, "HS512"),
        jwt.encode(claims, None, "none"),
        f"{_b64({'alg': 'none', 'typ': 'JWT'})}.{_b64(claims)}.",
        f"{_b64({'alg': 'NONE'})}.{_b64(claims)}.{_b64(b'x')}",
        f"{_b64({'alg': 'RS256'})}.{_b64(claims)}.{_b64(b'x' * 256)}",
        f"{_b64({'alg': 'HS256', 'crit': ['exp']})}.{_b64(claims)}.{_b64(b'x')}",
        f"{_b64({'alg': ['HS256']})}.{_b64(claims)}.{_b64(b'x')}",
        f"{_b64({'alg': None})}.{_b64(claims)}.{_b64(b'x')}",
    ]
    for token in forged:
        assert _status(client, token) == 401, token[:60]


def test_a_genuine_token_with_another_role_is_refused(client: CheckedClient, company: Company, secret: str) -> None:
    token = company.headers(Role.VIEWER)["Authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, secret, ["HS256"], audience="staff") | {"role": "owner"}
    assert _status(client, jwt.encode(claims, secret, "HS256")) == 401


GARBAGE = {
    "words": "garbage",
    "two dots": "..",
    "three dots": "a.b.c.d",
    "nul": "a\x00b",
    "not base64": "%%%.%%%.%%%",
    "accents": "é.ü.ß",
    "json list": f"{_b64([1])}.{_b64([1])}.x",
    "json number": f"{_b64(1)}.{_b64(1)}.x",
    "not utf-8": f"{_b64(bytes([255, 254]))}.x.y",
    "deep header": f"{_b64(b'[' * 3000)}.e30.x",
    "deep object header": _b64(b'{"a":' * 1000) + ".e30.x",
    "long": "x" * 8000,
}


@pytest.mark.parametrize("token", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_is_refused(client: CheckedClient, company: Company, token: str) -> None:
    assert _status(client, token) == 401


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic b3duZXI6b3duZXI=", "bearer", "Token x", "Bearer  ", "é"]
)
def test_a_header_without_a_token_is_refused(client: CheckedClient, header: str) -> None:
    answer = client.get("/v1/auth/me", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_token_in_the_query_string_is_no_token(client: CheckedClient, company: Company) -> None:
    token = company.headers()["Authorization"].removeprefix("Bearer ")
    assert client.get(f"/v1/orders?access_token={token}").status_code == 401


def test_a_token_is_good_for_its_life_and_the_skew_of_clocks() -> None:
    secret, ids = "s" * 40, {name: uuid4() for name in ("user_id", "org_id", "session_id")}

    def reads(age: timedelta) -> bool:
        token = issue_access_token(
            secret, **ids, role=Role.OWNER, now=datetime.now(UTC) - age, ttl=timedelta(minutes=15)
        )
        try:
            return read_access_token((secret,), token, now=datetime.now(UTC)).scope.user_id == ids["user_id"]
        except Exception:  # noqa: BLE001 - only whether it is read matters here
            return False

    assert reads(timedelta(0))
    assert reads(timedelta(minutes=16))
    assert not reads(timedelta(minutes=18))
    assert not reads(-timedelta(minutes=3))
