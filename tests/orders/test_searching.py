"""Lists that are put together from several queries: by `q`, and by more than one state."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.orders import service as orders
from tests.checked_client import CheckedClient
from tests.factories.clients import make_client
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import row

NOON = (datetime.now(UTC) + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)
MANY, FEW = 0, 100


def _at(company: Company, hours: int, client_id: UUID | None = None) -> str:
    start = NOON + timedelta(hours=hours)
    times = {"scheduled_start": start, "scheduled_end": start + timedelta(hours=1)}
    return str(make_order(company, client_id=client_id or company.client_id, **times))


def _pages(client: CheckedClient, company: Company, **query: Any) -> list[list[str]]:
    """The identifiers on each page."""
    found, cursor = [], None
    while cursor is not None or not found:
        asked = query if cursor is None else query | {"cursor": cursor}
        answer = client.get("/v1/orders", query_string=asked, headers=company.headers())
        assert answer.status_code == 200, answer.get_json()
        found.append([order["id"] for order in answer.get_json()["data"]])
        cursor = answer.get_json()["next_cursor"]
    return found


def _number(order_id: str) -> int:
    return int(row("SELECT number FROM orders WHERE id = :id", id=order_id)["number"])


@pytest.mark.parametrize("few", [MANY, FEW])
def test_a_search_finds_the_same_with_few_clients_and_with_many(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(orders, "FEW_CLIENTS", few)
    bo, lina = make_client(company, name="Bo Lund"), make_client(company, name="Lina Lund", email="lina@client.test")
    first, second, third = _at(company, 3, bo), _at(company, 2, lina), _at(company, 1, bo)
    _at(company, 4)
    assert _pages(client, company, q="lund", limit=2) == [[first, second], [third]]
    assert _pages(client, company, q="lund bo") == [[first, third]]
    assert _pages(client, company, q="nobody") == [[]]


@pytest.mark.parametrize("few", [MANY, FEW])
def test_a_number_finds_its_order_and_those_of_a_phone_number_each_once(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(orders, "FEW_CLIENTS", few)
    named = _at(company, 1)
    theirs = make_client(company, name="Bo", phone=f"+1403555{_number(named)}")
    early, late = _at(company, 0, theirs), _at(company, 2, theirs)
    _at(company, 3)
    assert _pages(client, company, q=str(_number(named)), limit=1) == [[late], [named], [early]]
    caller = make_client(company, name="Li", phone=f"+1403556{_number(late) + 3:04}")
    both = _at(company, 5, caller)
    assert _pages(client, company, q=str(_number(both))) == [[both]]


def test_pages_of_several_states_are_in_one_order(client: CheckedClient, company: Company) -> None:
    made = [_at(company, hours) for hours in range(6)]
    for order_id in made[1::2]:
        assert client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers()).status_code == 200
    assert (
        client.post(f"/v1/orders/{made[0]}/cancel", json={"reason": "ill"}, headers=company.headers()).status_code
        == 200
    )
    wanted = made[:0:-1]
    found = _pages(client, company, status="pending,confirmed,pending", limit=2)
    assert found == [wanted[:2], wanted[2:4], wanted[4:]]
    assert _pages(client, company, status="pending,confirmed,in_progress,completed,cancelled,no_show") == [made[::-1]]
