"""The settings of an organization over HTTP: read, changed field by field, guarded by a version."""

from datetime import UTC, datetime
from typing import Any

import pytest

from api.organizations.schemas import OrganizationChangesSchema
from shared.core.permissions import Role
from shared.organizations import settings
from shared.organizations.settings import Changes
from tests.checked_client import CheckedClient
from tests.factories.identity import change_user
from tests.factories.organizations import Company, sign_in
from tests.rows import footprint, row, rows

URL = "/v1/organization"

CHANGED: dict[str, Any] = {
    "name": "Bright & Tidy",
    "timezone": "Europe/Berlin",
    "locale": "de",
    "business_hours": {day: [] for day in settings.DAYS}
    | {
        "mon": [{"opens": "08:00", "closes": "12:00"}, {"opens": "12:00", "closes": "24:00"}],
        "sun": [{"opens": "00:00", "closes": "00:01"}],
    },
    "deposit_policy": {
        "percent": 30,
        "minimum": 1000,
        "maximum": 1000,
        "required_for": ["total_above", "always"],
        "total_above": 50_000,
    },
    "cancellation_policy": {
        "standard": {"free_hours": 24, "partial_hours": 24, "partial_fee_percent": 0},
        "heavy": {"free_hours": 720, "partial_hours": 0, "partial_fee_percent": 100},
    },
    "reminder_policy": {"hours_before": 168, "enabled": False},
    "scheduling_policy": {
        "min_notice_hours": 0,
        "max_days_ahead": 1_000,
        "step_minutes": 15,
        "buffer_minutes": 240,
        "hold_minutes": 1440,
    },
    # As long as the installation: what is in force stays as it is (see test_retention_policy.py).
    "retention_policy": {
        "lead_days": 365,
        "message_days": 90,
        "export_days": 30,
        "session_days": 30,
        "photo_days": None,
    },
    "portal_origins": ["https://book.bright.test", "http://localhost:5173"],
    "tax_rates": [{"name": "GST", "percent": "5"}, {"name": "QST", "percent": "9.975"}],
    "contact_email": "office@bright.test",
    "contact_address": "12 Elm Street\nCalgary",
    "mail_sender_name": "Évier & Fils",
    "brand_color": "#c0ffee",
    "require_mfa": True,
}
NOT_CHANGEABLE = {"id", "slug", "plan", "currency", "version", "created_at", "retention_in_force"}


def _read(client: CheckedClient, company: Company) -> dict[str, Any]:
    answer = client.get(URL, headers=company.headers())
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    assert answer.headers["ETag"] == f'"v{found["version"]}"'
    return found


def _patch(client: CheckedClient, company: Company, body: Any, version: str | None = '"v1"', **more: Any) -> Any:
    headers = more.pop("headers", None) or company.headers()
    return client.patch(URL, json=body, headers=headers | ({"If-Match": version} if version is not None else {}))


def _audit(company: Company) -> list[dict[str, Any]]:
    return rows(
        "SELECT * FROM audit_entries WHERE org_id = :org AND resource = 'organizations' ORDER BY id", org=company.org_id
    )


def test_a_new_organization_has_the_documented_defaults(client: CheckedClient, company: Company) -> None:
    found = _read(client, company)
    assert found.pop("created_at").endswith("Z")
    assert found == {
        "id": str(company.org_id),
        "slug": company.slug,
        "name": row("SELECT name FROM organizations WHERE id = :id", id=company.org_id)["name"],
        "plan": "free",
        "currency": "cad",
        "timezone": "America/Edmonton",
        "locale": "en",
        "business_hours": {day: [{"opens": "08:00", "closes": "17:00"}] for day in ("mon", "tue", "wed", "thu", "fri")}
        | {"sat": [], "sun": []},
        "deposit_policy": {
            "percent": 25,
            "minimum": None,
            "maximum": None,
            "required_for": [],
            "total_above": None,
        },
        "cancellation_policy": {
            "standard": {"free_hours": 48, "partial_hours": 24, "partial_fee_percent": 50},
            "heavy": {"free_hours": 72, "partial_hours": 48, "partial_fee_percent": 50},
        },
        "reminder_policy": {"hours_before": 24, "enabled": True},
        "scheduling_policy": {
            "min_notice_hours": 24,
            "max_days_ahead": 365,
            "step_minutes": 30,
            "buffer_minutes": 30,
            "hold_minutes": 30,
        },
        "retention_policy": dict.fromkeys(
            ("lead_days", "message_days", "export_days", "session_days", "photo_days"), None
        ),
        "retention_in_force": {
            "lead_days": None,
            "message_days": 90,
            "export_days": 30,
            "session_days": 30,
            "photo_days": None,
        },
        "portal_origins": [],
        "tax_rates": [],
        "contact_email": None,
        "contact_address": "",
        "mail_sender_name": None,
        "brand_color": None,
        "require_mfa": False,
        "version": 1,
    }


def test_what_is_read_can_be_sent_back(client: CheckedClient, company: Company) -> None:
    before = _read(client, company)
    body = {name: value for name, value in before.items() if name not in NOT_CHANGEABLE}
    assert _patch(client, company, body).get_json() == before


def test_the_tests_know_every_field_that_can_be_changed() -> None:
    assert set(CHANGED) == set(Changes.__annotations__) == set(OrganizationChangesSchema().fields)


@pytest.mark.parametrize("name", CHANGED)
def test_a_change_replaces_one_value_and_leaves_the_others(client: CheckedClient, company: Company, name: str) -> None:
    company.headers()
    change_user(company.owner, totp_confirmed_at=datetime.now(UTC))  # or `require_mfa` would shut the owner out
    before = _read(client, company)
    assert before[name] != CHANGED[name]
    answer = _patch(client, company, {name: CHANGED[name]})
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"v2"'
    assert answer.get_json() == before | {name: CHANGED[name], "version": 2}
    assert _read(client, company) == answer.get_json()


def test_all_values_are_changed_at_once(client: CheckedClient, company: Company) -> None:
    before = _read(client, company)
    assert _patch(client, company, CHANGED).get_json() == before | CHANGED | {"version": 2}


@pytest.mark.parametrize("name", ["contact_email", "mail_sender_name", "brand_color"])
def test_what_may_be_missing_is_taken_away_with_null(client: CheckedClient, company: Company, name: str) -> None:
    assert _patch(client, company, {name: CHANGED[name]}).status_code == 200
    answer = _patch(client, company, {name: None}, '"v2"')
    assert (answer.status_code, answer.get_json()[name]) == (200, None)


def test_the_audit_log_holds_what_has_changed_and_nothing_else(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"X-Request-Id": "change-1"}
    body = {"timezone": "America/Edmonton", "locale": "fr-CA", "tax_rates": CHANGED["tax_rates"]}
    assert _patch(client, company, body, headers=headers).status_code == 200
    created, entry = sorted(_audit(company), key=lambda each: each["id"])
    assert (created["action"], created["actor_label"]) == ("organizations.create", "operator")
    assert (entry["action"], entry["resource_id"]) == ("organizations.change_settings", company.org_id)
    assert (entry["actor_id"], entry["request_id"]) == (company.owner.user_id, "change-1")
    assert entry["before"] == {"locale": "en", "tax_rates": []}
    assert entry["after"] == {"locale": "fr-CA", "tax_rates": CHANGED["tax_rates"]}


@pytest.mark.parametrize("body", [{}, {"locale": "en", "contact_email": None, "require_mfa": False}])
def test_a_change_that_changes_nothing_writes_nothing(
    client: CheckedClient, company: Company, body: dict[str, Any]
) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = _patch(client, company, body)
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v1"')
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        (None, 428, "request.precondition_required"),
        ('"v2"', 412, "stale"),
        ('"v0"', 412, "stale"),
        ("v1", 412, "stale"),
        ('W/"v1"', 412, "stale"),
        ("", 412, "stale"),
    ],
)
@pytest.mark.parametrize("body", [{"name": "Bright"}, {}])
def test_a_change_to_another_version_is_refused(
    client: CheckedClient, company: Company, version: str | None, status: int, code: str, body: dict[str, str]
) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = _patch(client, company, body, version)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert footprint(company.org_id) == before


def test_a_stale_change_learns_the_current_version(client: CheckedClient, company: Company) -> None:
    for name, status in (("One", 200), ("Two", 412)):
        answer = _patch(client, company, {"name": name})
        assert answer.status_code == status
    assert answer.get_json()["current_version"] == 2
    assert _read(client, company)["name"] == "One"


def test_a_star_changes_whatever_is_there_now(client: CheckedClient, company: Company) -> None:
    for name, version in (("One", 2), ("Two", 3)):
        assert _patch(client, company, {"name": name}, "*").get_json()["version"] == version


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
def test_who_is_neither_owner_nor_admin_may_not_look_nor_change(
    client: CheckedClient, company: Company, role: Role
) -> None:
    headers = company.headers(role)
    before = footprint(company.org_id)
    for answer in (client.get(URL, headers=headers), _patch(client, company, {"name": "Mine"}, headers=headers)):
        assert (answer.status_code, answer.get_json()["code"]) == (403, "access.forbidden")
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
def test_owners_and_admins_may(client: CheckedClient, company: Company, role: Role) -> None:
    headers = sign_in(company.services, company.actor(role))
    assert client.get(URL, headers=headers).status_code == 200
    assert _patch(client, company, {"name": "Bright"}, headers=headers).get_json()["name"] == "Bright"


def test_another_organizations_settings_are_neither_seen_nor_changed(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    company.headers()
    change_user(company.owner, totp_confirmed_at=datetime.now(UTC))
    assert _patch(client, neighbour, {"name": "The Neighbours"}).status_code == 200
    before = footprint(neighbour.org_id)
    assert _patch(client, company, CHANGED, "*").status_code == 200
    assert footprint(neighbour.org_id) == before
    found = _read(client, company)
    assert (found["id"], found["name"]) == (str(company.org_id), CHANGED["name"])
    assert "Neighbours" not in str(found)


def test_a_colour_is_kept_in_lower_case(client: CheckedClient, company: Company) -> None:
    assert _patch(client, company, {"brand_color": "#C0FFEE"}).get_json()["brand_color"] == "#c0ffee"
    again = _patch(client, company, {"brand_color": "#c0FFee"}, '"v2"')
    assert (again.status_code, again.headers["ETag"]) == (200, '"v2"')
