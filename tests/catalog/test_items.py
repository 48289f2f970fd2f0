"""Services and add-ons over HTTP."""

from typing import Any
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_addon, make_service
from tests.factories.organizations import Company
from tests.rows import footprint, rows

BOTH = pytest.mark.parametrize("kind", ["service", "addon"])
MAKE = {"service": make_service, "addon": make_addon}
BODY = {"key": "window_cleaning", "name": "Window cleaning"}


def _post(client: CheckedClient, company: Company, kind: str, role: Role = Role.OWNER, **changes: Any) -> Any:
    return client.post(f"/v1/{kind}s", json=BODY | changes, headers=company.headers(role))


def _patch(client: CheckedClient, company: Company, kind: str, item_id: Any, **changes: Any) -> Any:
    return client.patch(f"/v1/{kind}s/{item_id}", json=changes, headers=company.headers())


@BOTH
def test_what_is_added_can_be_read(client: CheckedClient, company: Company, kind: str) -> None:
    answer = _post(client, company, kind, description="Inside and outside")
    assert answer.status_code == 201
    made = answer.get_json()
    assert made | BODY | {"description": "Inside and outside", "is_active": True} == made
    assert ("is_heavy" in made) == (kind == "service")
    assert client.get(f"/v1/{kind}s/{made['id']}", headers=company.headers()).get_json() == made
    assert client.get(f"/v1/{kind}s", headers=company.headers()).get_json()["data"] == [made]
    (entry,) = rows("SELECT * FROM audit_entries WHERE action LIKE 'catalog.%'")
    assert (entry["action"], str(entry["resource_id"])) == (f"catalog.create_{kind}", made["id"])
    assert entry["after"]["key"] == BODY["key"]


@BOTH
def test_a_key_is_taken_once_per_organization_and_kind(
    client: CheckedClient, company: Company, neighbour: Company, kind: str
) -> None:
    assert _post(client, company, kind).status_code == 201
    other = "addon" if kind == "service" else "service"
    assert _post(client, company, other).status_code == 201
    assert _post(client, neighbour, kind).status_code == 201
    before = footprint(company.org_id)
    again = _post(client, company, kind, name="Another")
    assert (again.status_code, again.get_json()["code"]) == (409, "catalog.key_taken")
    assert footprint(company.org_id) == before


@BOTH
@pytest.mark.parametrize("key", ["a", "a" * 50, "home_cleaning_2"])
def test_a_key_is_short_and_plain(client: CheckedClient, company: Company, kind: str, key: str) -> None:
    assert _post(client, company, kind, key=key).get_json()["key"] == key


BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    *[({"key": key}, "/key") for key in ("", "A", "1a", "_a", "a-b", "a b", "a" * 51, "a\n", "ä", 5, None)],
    *[({"name": name}, "/name") for name in ("", " ", "x" * 201, "a\nb", "\x00", 5, None)],
    *[({"description": text}, "/description") for text in ("x" * 2001, "\x00", 5, None)],
    *[({"is_active": flag}, "/is_active") for flag in (1, "true", None)],
    *[({name: 1}, f"/{name}") for name in ("id", "org_id", "created_at", "price")],
]


@BOTH
def test_a_wrong_field_is_refused_and_pointed_at(client: CheckedClient, company: Company, kind: str) -> None:
    for changes, pointer in BAD_FIELDS:
        answer = _post(client, company, kind, **changes)
        assert (answer.status_code, answer.get_json()["code"]) == (422, "request.invalid"), changes
        assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer], changes
    assert rows(f"SELECT id FROM {kind}s WHERE org_id = :org", org=company.org_id) == []


def test_only_a_service_is_heavy(client: CheckedClient, company: Company) -> None:
    assert _post(client, company, "service", is_heavy=True).get_json()["is_heavy"] is True
    assert _post(client, company, "addon", is_heavy=True).status_code == 422


@BOTH
def test_a_change_is_kept_and_audited_once(client: CheckedClient, company: Company, kind: str) -> None:
    item_id = MAKE[kind](company, "sofa", name="Sofa")
    first = _patch(client, company, kind, item_id, name="Sofa bed", is_active=False, description="")
    assert first.status_code == 200
    assert (first.get_json()["name"], first.get_json()["is_active"], first.get_json()["key"]) == (
        "Sofa bed",
        False,
        "sofa",
    )
    assert client.get(f"/v1/{kind}s/{item_id}", headers=company.headers()).get_json() == first.get_json()
    again = _patch(client, company, kind, item_id, name="Sofa bed")
    assert again.get_json() == first.get_json()
    (entry,) = rows("SELECT before, after FROM audit_entries WHERE action LIKE 'catalog.change%'")
    assert entry == {
        "before": {"name": "Sofa", "is_active": True},
        "after": {"name": "Sofa bed", "is_active": False},
    }


@BOTH
@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"key": "other"}, "/key"),
        ({"name": ""}, "/name"),
        ({"is_active": None}, "/is_active"),
        ({"colour": 1}, "/colour"),
    ],
    ids=repr,
)
def test_a_wrong_change_changes_nothing(
    client: CheckedClient, company: Company, kind: str, changes: dict[str, Any], pointer: str
) -> None:
    item_id = MAKE[kind](company)
    company.headers()
    before = footprint(company.org_id)
    answer = _patch(client, company, kind, item_id, **changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id) == before


@BOTH
def test_another_organizations_item_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company, kind: str
) -> None:
    theirs = MAKE[kind](neighbour)
    before = footprint(neighbour.org_id)
    for item_id in (theirs, uuid4()):
        for answer in (
            client.get(f"/v1/{kind}s/{item_id}", headers=company.headers()),
            _patch(client, company, kind, item_id, name="Mine now"),
        ):
            assert (answer.status_code, answer.get_json()["code"]) == (404, f"catalog.{kind}_not_found")
    assert footprint(neighbour.org_id) == before


@BOTH
def test_lists_can_leave_out_what_is_off_sale(client: CheckedClient, company: Company, kind: str) -> None:
    old, new = MAKE[kind](company, "old", is_active=False), MAKE[kind](company, "new")
    for query, expected in (("", [new, old]), ("?is_active=true", [new]), ("?is_active=false", [old])):
        found = client.get(f"/v1/{kind}s{query}", headers=company.headers()).get_json()["data"]
        assert [item["id"] for item in found] == [str(item_id) for item_id in expected]
    for query in ("?is_active=maybe", "?active=true"):
        assert client.get(f"/v1/{kind}s{query}", headers=company.headers()).status_code == 400


@BOTH
@pytest.mark.parametrize(("role", "status"), [(Role.ADMIN, 201), (Role.DISPATCHER, 403), (Role.VIEWER, 403)])
def test_the_catalog_is_kept_by_admins_and_read_by_all(
    client: CheckedClient, company: Company, kind: str, role: Role, status: int
) -> None:
    assert _post(client, company, kind, role).status_code == status
    assert client.get(f"/v1/{kind}s", headers=company.headers(role)).status_code == 200


@BOTH
def test_a_page_leads_to_the_next(client: CheckedClient, company: Company, kind: str) -> None:
    made = [str(MAKE[kind](company, f"item_{number}")) for number in range(5)]
    seen: list[str] = []
    url = f"/v1/{kind}s?limit=2&is_active=true"
    while url:
        response = client.get(url, headers=company.headers())
        seen += [item["id"] for item in response.get_json()["data"]]
        link = response.headers.get("Link")
        url = link[1 : link.index(">")] if link else ""
    assert seen == made[::-1]
