"""Sending an order's last mail once more, and correcting the address that it goes to."""

from typing import Any
from uuid import UUID

from tests.checked_client import CheckedClient
from tests.factories.organizations import Company

CORRECTED = "Anna.Right@client.test"


def resend(client: CheckedClient, company: Company, order_id: UUID, **headers: str) -> Any:
    return client.post(f"/v1/orders/{order_id}/resend-last-email", headers=company.headers() | headers)


def correct(client: CheckedClient, company: Company, email: str | None = CORRECTED) -> None:
    """Give the client another address, or none."""
    body = {"email": email, "phone": "+14035550123"}
    assert client.patch(f"/v1/clients/{company.client_id}", json=body, headers=company.headers()).status_code == 200
