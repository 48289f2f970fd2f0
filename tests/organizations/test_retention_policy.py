"""For how long an organization wants things to be kept: never longer than the installation keeps them."""

from typing import Any

import pytest

from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.rows import footprint
from tests.variants import client_on, with_settings

POLICY: dict[str, Any] = {
    "lead_days": None,
    "message_days": None,
    "export_days": None,
    "session_days": None,
    "photo_days": None,
}


def patch(client: CheckedClient, company: Company, **days: Any) -> Any:
    body = {"retention_policy": POLICY | days}
    return client.patch("/v1/organization", json=body, headers=company.headers() | {"If-Match": "*"})


def test_what_is_in_force_is_the_shorter_of_both(company: Company, services: Services) -> None:
    client = client_on(with_settings(services, retention_enable_leads=True, retention_photo_days=700))
    answer = patch(client, company, lead_days=1, export_days=30, photo_days=699).get_json()
    assert answer["retention_in_force"] == {
        "lead_days": 1,
        "message_days": 90,
        "export_days": 30,
        "session_days": 30,
        "photo_days": 699,
    }
    shorter = client_on(with_settings(services, retention_export_days=7))
    seen = shorter.get("/v1/organization", headers=company.headers()).get_json()
    assert (seen["retention_policy"]["export_days"], seen["retention_in_force"]["export_days"]) == (30, 7)
    assert (seen["retention_in_force"]["lead_days"], seen["retention_in_force"]["photo_days"]) == (None, 699)


@pytest.mark.parametrize(
    ("name", "days"), [("lead_days", 366), ("message_days", 91), ("export_days", 31), ("session_days", 31)]
)
def test_longer_than_the_installation_is_refused(client: CheckedClient, company: Company, name: str, days: int) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = patch(client, company, **{name: days})
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/retention_policy/{name}", "organizations.bad_retention_policy")
    assert str(days - 1) in error["detail"]
    assert footprint(company.org_id) == before
    assert patch(client, company, **{name: days - 1}).status_code == 200


def test_photos_may_be_kept_for_any_time_where_the_installation_keeps_them(
    client: CheckedClient, company: Company, services: Services
) -> None:
    assert patch(client, company, photo_days=36_500).status_code == 200
    stricter = client_on(with_settings(services, retention_photo_days=100))
    assert patch(stricter, company, photo_days=101).status_code == 422


@pytest.mark.parametrize("days", [0, -1, 1.5, "7", True, 36_501])
def test_days_are_whole_and_at_least_one(client: CheckedClient, company: Company, days: Any) -> None:
    for name in POLICY:
        answer = patch(client, company, **{name: days})
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["pointer"] == f"/retention_policy/{name}"


@pytest.mark.parametrize(
    "body", [{}, {"lead_days": 1}, POLICY | {"audit_days": 1}, None, [], "x"], ids=lambda body: str(body)[:20]
)
def test_a_policy_is_given_as_a_whole(client: CheckedClient, company: Company, body: Any) -> None:
    headers = company.headers() | {"If-Match": "*"}
    assert client.patch("/v1/organization", json={"retention_policy": body}, headers=headers).status_code == 422
