"""A weekly series that begins the day after tomorrow, and what is asked of it."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.checked_client import CheckedClient
from tests.factories.organizations import Company

EDMONTON = ZoneInfo("America/Edmonton")
FIRST = (datetime.now(EDMONTON) + timedelta(days=2)).date()


def series_body(company: Company, **changes: Any) -> dict[str, Any]:
    return {
        "client_id": str(company.client_id),
        "frequency": "weekly",
        "starts_on": FIRST.isoformat(),
        "local_time": "09:00",
        "minutes": 120,
        "title": "Weekly cleaning",
        "total": {"amount": 9900, "currency": "cad"},
        "address": "12 Elm Street, Calgary",
    } | changes


def create_series(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/recurrences", json=series_body(company, **changes), headers=company.headers())


def occurrences_of(client: CheckedClient, company: Company, recurrence_id: Any) -> list[dict[str, Any]]:
    answer = client.get(f"/v1/recurrences/{recurrence_id}/occurrences", headers=company.headers())
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def post_to(client: CheckedClient, company: Company, recurrence_id: Any, verb: str, **body: Any) -> Any:
    return client.post(f"/v1/recurrences/{recurrence_id}/{verb}", json=body, headers=company.headers())
