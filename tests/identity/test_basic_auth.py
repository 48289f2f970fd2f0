"""Basic logins of old integrations: off means off, on means the rights of a role in one organization."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.core.permissions import GRANTS
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.identity.model import SignInAttempts
from tests.checked_client import CheckedClient
from tests.contract.callers import call
from tests.contract.requests_from_openapi import operations
from tests.factories.everything import make_everything
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.identity.basic import ROLES, basic, encoded, password_of, with_logins
from tests.rows import footprint, platform_footprint, row, rows
from tests.variants import client_on, with_settings

FOR_STAFF = [operation for operation in operations() if not operation.is_public]


@pytest.fixture
def old(company: Company) -> CheckedClient:
    """A caller of an installation on which the Basic logins act in `company`."""
    company.headers()
    return client_on(with_logins(company.services, company.slug))


def test_off_means_off_everywhere(company: Company) -> None:
    ids = make_everything(company).ids
    client = client_on(with_logins(company.services, company.slug, legacy_basic_auth_enabled=False))
    before = footprint(company.org_id), platform_footprint()
    for operation in FOR_STAFF:
        answer = call(client, operation.request(ids), basic("owner"))
        assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.unauthenticated"), operation
        assert "Deprecation" not in answer.headers
    assert (footprint(company.org_id), platform_footprint()) == before
    assert len(FOR_STAFF) >= 30


def test_it_is_off_unless_it_is_switched_on(client: CheckedClient, company: Company) -> None:
    assert company.services.settings.legacy_basic_auth_enabled is False
    assert client.get("/v1/orders", headers=basic("owner")).status_code == 401


@pytest.mark.parametrize("name", ROLES)
def test_me_tells_the_role_and_that_there_is_no_account(old: CheckedClient, company: Company, name: str) -> None:
    me = old.get("/v1/auth/me", headers=basic(name)).get_json()
    assert (me["id"], me["email"], me["org_id"], me["role"]) == (None, None, str(company.org_id), ROLES[name])
    assert me["permissions"] == sorted(GRANTS[ROLES[name]])


def test_a_login_acts_in_its_organization_only(old: CheckedClient, company: Company, neighbour: Company) -> None:
    mine, theirs = make_order(company), make_order(neighbour)
    assert old.get(f"/v1/orders/{mine}", headers=basic("owner")).status_code == 200
    assert old.get(f"/v1/orders/{theirs}", headers=basic("owner")).status_code == 404
    listed = old.get("/v1/orders", headers=basic("owner")).get_json()["data"]
    assert [each["id"] for each in listed] == [str(mine)]
    before = footprint(neighbour.org_id)
    body = order_body(company, client_id=str(neighbour.client_id))
    assert old.post("/v1/orders", json=body, headers=basic("owner")).status_code >= 400
    assert old.post(f"/v1/orders/{theirs}/confirm", headers=basic("owner")).status_code == 404
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize("slug", ["no-such-company", "' OR true --", "%"])
def test_an_organization_that_is_not_there_lets_nobody_in(company: Company, slug: str) -> None:
    client = client_on(with_logins(company.services, slug))
    with capture_logs() as logged:
        assert client.get("/v1/orders", headers=basic("owner")).status_code == 401
    assert [each["slug"] for each in logged if each["event"] == "basic_auth.no_such_organization"] == [slug]


def _base64(text: str) -> dict[str, str]:
    return {"Authorization": f"Basic {text}"}


MALFORMED: dict[str, Any] = {
    "nothing": {"Authorization": "Basic"},
    "nothing behind a blank": _base64(""),
    "no base64": _base64("%%%"),
    "base64 without its end": _base64("b2xkLW93bmVyOng"),
    "base64 of URLs": _base64("_-_-"),
    "accents": _base64("\u00e9\u00fc"),
    "not utf-8": encoded(b"old-owner:\xff\xfe"),
    "latin-1": encoded(f"old-owner:{password_of('owner')}".encode("latin-1")),
    "no colon": encoded(b"old-owner"),
    "empty": encoded(b""),
    "only a colon": encoded(b":"),
    "no name": encoded(b":" + password_of("owner").encode()),
    "nul": encoded(b"old-owner\x00:x\x00"),
    "nul behind the password": encoded(f"old-owner:{password_of('owner')}\x00".encode()),
    "very long": encoded(b"old-owner:" + b"x" * 100_000),
    "a very long name": encoded(b"x" * 100_000 + b":x"),
    "another login's password": basic("owner", password_of("admin")),
    "another case": encoded(f"OLD-OWNER:{password_of('owner')}".encode()),
    "a blank more": encoded(f"old-owner: {password_of('owner')}".encode()),
    "emoji": encoded("\U0001f9f9:\U0001f9f9".encode()),
    "two schemes": {"Authorization": f"Bearer x, {basic('owner')['Authorization']}"},
}


@pytest.mark.parametrize("headers", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_no_login_is_refused_and_never_a_crash(old: CheckedClient, headers: dict[str, str]) -> None:
    answer = old.get("/v1/orders", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "identity.unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="crewline"'
    assert "Deprecation" not in answer.headers


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_the_name_of_the_scheme_has_no_case(old: CheckedClient, scheme: str) -> None:
    credentials = basic("viewer")["Authorization"].removeprefix("Basic ")
    assert old.get("/v1/orders", headers={"Authorization": f"{scheme} {credentials}"}).status_code == 200


def test_a_password_may_have_colons_and_accents(company: Company) -> None:
    assert ":" in password_of("owner")
    assert not password_of("owner").isascii()
    client = client_on(with_logins(company.services, company.slug))
    assert client.get("/v1/orders", headers=basic("owner")).status_code == 200


def test_a_login_without_settings_is_none(company: Company) -> None:
    """Empty name and password of a role that has no login open nothing."""
    services = with_logins(company.services, company.slug)
    empty = type(services.settings.viewer_basic_password)("")
    services = with_settings(services, viewer_basic_username="", viewer_basic_password=empty)
    client = client_on(services)
    assert client.get("/v1/orders", headers=encoded(b":")).status_code == 401
    assert client.get("/v1/orders", headers=basic("viewer")).status_code == 401
    assert client.get("/v1/orders", headers=basic("admin")).status_code == 200


def test_five_wrong_tries_lock_one_name_and_no_other(old: CheckedClient) -> None:
    for _ in range(5):
        assert old.get("/v1/orders", headers=basic("owner", "wrong")).status_code == 401
    for headers in (basic("owner", "wrong"), basic("owner")):
        answer = old.get("/v1/orders", headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (429, "identity.too_many_attempts")
        assert int(answer.headers["Retry-After"]) >= 1
    assert old.get("/v1/orders", headers=basic("admin")).status_code == 200


def test_a_name_that_nobody_has_is_counted_too(old: CheckedClient) -> None:
    for expected in [401] * 5 + [429]:
        assert old.get("/v1/orders", headers=encoded(b"nobody:x")).status_code == expected


def test_a_wrong_try_clears_what_is_too_old_to_matter(old: CheckedClient) -> None:
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    with transaction(PLATFORM) as session:
        session.add(SignInAttempts(key="of long ago", failures=1, stale_at=long_ago))
    old.get("/v1/orders", headers=encoded(b"nobody:x"))
    assert rows("SELECT 1 FROM sign_in_attempts WHERE stale_at = :at", at=long_ago) == []


def test_a_wrong_try_is_told_to_the_organization_without_what_was_typed(company: Company, old: CheckedClient) -> None:
    old.get("/v1/orders", headers=encoded(b"a name:a password"))
    (entry,) = rows("SELECT * FROM audit_entries WHERE action = 'identity.basic_login_failed'")
    assert (entry["org_id"], entry["resource_id"]) == (company.org_id, company.org_id)
    assert (entry["actor_id"], entry["actor_label"], entry["address"]) == (None, "stranger", "127.0.0.1")
    assert "a name" not in str(entry)


def test_wrong_tries_of_many_names_lock_the_address(old: CheckedClient) -> None:
    for number in range(20):
        assert old.get("/v1/orders", headers=encoded(f"name-{number}:x".encode())).status_code == 401
    assert old.get("/v1/orders", headers=basic("owner")).status_code == 429


def test_right_logins_are_not_counted(old: CheckedClient) -> None:
    for _ in range(25):
        assert old.get("/v1/orders", headers=basic("owner")).status_code == 200
    assert rows("SELECT 1 FROM sign_in_attempts") == []


def test_every_use_is_logged_without_the_password(old: CheckedClient, company: Company) -> None:
    with capture_logs() as logged:
        old.get("/v1/orders", headers=basic("viewer"))
        old.post("/v1/orders", json={}, headers=basic("viewer"))
        old.get("/v1/orders", headers=basic("viewer", "a wrong one"))
    used = [each for each in logged if each["event"] == "basic_auth.used"]
    assert [(each["role"], each["org_id"], each["path"], each["log_level"]) for each in used] == [
        ("viewer", str(company.org_id), "/v1/orders", "warning")
    ] * 2
    credentials = basic("viewer")["Authorization"].removeprefix("Basic ")
    for secret in (password_of("viewer"), credentials, "a wrong one"):
        assert secret not in str(logged)


def test_answers_to_basic_logins_and_no_others_say_that_it_will_end(old: CheckedClient, company: Company) -> None:
    for path, status in (("/v1/orders", 200), ("/v1/iam/users", 403), ("/v1/orders?stray=1", 400)):
        answer = old.get(path, headers=basic("viewer"))
        assert answer.status_code == status
        assert answer.headers["Deprecation"].startswith("@")
        assert datetime.fromtimestamp(int(answer.headers["Deprecation"][1:]), UTC).year == 2026
    for headers in (company.headers(), {}, basic("viewer", "wrong")):
        assert "Deprecation" not in old.get("/v1/orders", headers=headers).headers


def test_keys_of_basic_callers_work_and_never_meet_those_of_others(old: CheckedClient, company: Company) -> None:
    body, key = order_body(company), {"Idempotency-Key": "one-key"}

    def place(headers: dict[str, str], body: dict[str, Any] = body) -> Any:
        return old.post("/v1/orders", json=body, headers=headers | key)

    first, again = place(basic("owner")), place(basic("owner"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == first.get_json()
    assert place(basic("owner"), body | {"title": "Other"}).get_json()["code"] == "idempotency.key_reused"
    others = [place(headers).get_json()["id"] for headers in (basic("admin"), company.headers(), basic("dispatcher"))]
    assert len({first.get_json()["id"], *others}) == 4


def test_the_audit_log_says_which_login_and_names_no_user(old: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    headers = basic("owner") | {"X-Request-Id": "basic-1"}
    assert old.post(f"/v1/orders/{order_id}/confirm", headers=headers).status_code == 200
    kept = row("SELECT * FROM audit_entries WHERE action = 'orders.confirm' AND resource_id = :id", id=order_id)
    assert (kept["actor_id"], kept["actor_label"]) == (None, "basic owner")
    assert (kept["request_id"], kept["address"]) == ("basic-1", "127.0.0.1")
    (shown,) = old.get(f"/v1/audit?resource_id={order_id}&action=orders.confirm", headers=basic("admin")).get_json()[
        "data"
    ]
    assert (shown["actor_id"], shown["actor_label"]) == (None, "basic owner")


def test_a_basic_admin_is_no_owner(old: CheckedClient, company: Company) -> None:
    url = f"/v1/iam/users/{company.owner.user_id}"
    answer = old.patch(url, json={"name": "X"}, headers=basic("admin"))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "iam.owner_protected")
    for request in (
        {"method": "PATCH", "path": url, "json": {"role": "viewer"}},
        {"method": "POST", "path": f"{url}/deactivate"},
    ):
        answer = old.open(**request, headers=basic("owner"))
        assert (answer.status_code, answer.get_json()["code"]) == (409, "iam.last_owner")


def test_a_basic_login_is_no_way_to_tokens(old: CheckedClient, company: Company) -> None:
    body = {"org": company.slug, "email": "old-owner", "password": password_of("owner")}
    assert old.post("/v1/auth/login", json=body).status_code == 401
    token = base64.b64encode(f"old-owner:{password_of('owner')}".encode()).decode()
    assert old.get("/v1/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 401


def test_the_contract_does_not_offer_it(old: CheckedClient) -> None:
    document = old.get("/v1/openapi.json").get_json()
    assert [scheme["scheme"] for scheme in document["components"]["securitySchemes"].values()] == ["bearer"]
