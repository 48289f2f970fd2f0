"""Asking for time entries over HTTP."""

from typing import Any
from uuid import UUID

from tests.checked_client import CheckedClient
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company


class Clock:
    """Starts, pauses, resumes and finishes entries of one company, as its owner."""

    def __init__(self, client: CheckedClient, company: Company) -> None:
        self.client, self.company = client, company

    def start(self, order_id: object, worker_id: object, **headers: str) -> Any:
        body = {"worker_id": str(worker_id)}
        url = f"/v1/orders/{order_id}/time-entries"
        return self.client.post(url, json=body, headers=self.company.headers() | headers)

    def move(self, entry_id: object, verb: str, **body: Any) -> Any:
        sent = {"json": body} if verb == "finish" else {}
        return self.client.post(f"/v1/time-entries/{entry_id}/{verb}", headers=self.company.headers(), **sent)

    def entries(self, order_id: object) -> list[dict[str, Any]]:
        answer = self.client.get(f"/v1/orders/{order_id}/time-entries", headers=self.company.headers())
        assert answer.status_code == 200
        found: list[dict[str, Any]] = answer.get_json()["data"]
        return found


def confirmed_order(company: Company, **changes: Any) -> UUID:
    return set_order_state(company, make_order(company, **changes), "confirmed")
