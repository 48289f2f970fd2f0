"""Lists of orders: filters, pages, cursors."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.clients import service as clients
from shared.core.transaction import transaction
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order
from tests.factories.organizations import Company

NOON = (datetime.now(UTC) + timedelta(days=2)).replace(hour=12, minute=0, second=0, microsecond=0)


def _list(client: CheckedClient, company: Company, **query: Any) -> Any:
    return client.get("/v1/orders", query_string=query, headers=company.headers())


def _ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.get_json()
    return [order["id"] for order in answer.get_json()["data"]]


def _at(company: Company, hours: int, **changes: Any) -> str:
    start = NOON + timedelta(hours=hours)
    return str(make_order(company, scheduled_start=start, scheduled_end=start + timedelta(hours=1), **changes))


def _decoded(cursor: str) -> list[Any]:
    found: list[Any] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return found


def _encoded(values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def test_the_latest_scheduled_comes_first(client: CheckedClient, company: Company) -> None:
    middle, last, first = _at(company, 1), _at(company, 0), _at(company, 2)
    assert _ids(_list(client, company)) == [first, middle, last]


def test_filters_narrow_the_list(client: CheckedClient, company: Company) -> None:
    pending, confirmed, cancelled = _at(company, 0), _at(company, 1), _at(company, 2)
    client.post(f"/v1/orders/{confirmed}/confirm", headers=company.headers())
    client.post(f"/v1/orders/{cancelled}/cancel", json={"reason": "ill"}, headers=company.headers())
    assert _ids(_list(client, company, status="pending")) == [pending]
    assert _ids(_list(client, company, status="confirmed,cancelled")) == [cancelled, confirmed]
    assert _ids(_list(client, company, scheduled_from=(NOON + timedelta(hours=1)).isoformat())) == [
        cancelled,
        confirmed,
    ]
    assert _ids(_list(client, company, scheduled_to=(NOON + timedelta(hours=1)).isoformat())) == [pending]
    assert _ids(_list(client, company, status="pending", scheduled_from=(NOON + timedelta(hours=1)).isoformat())) == []


def test_a_filter_by_client_finds_theirs(client: CheckedClient, company: Company) -> None:
    with transaction(company.scope) as session:
        bo: UUID = clients.create(session, company.owner, name="Bo", email="bo@client.test", now=NOON).id
    theirs = _at(company, 0, client_id=bo)
    _at(company, 1)
    assert _ids(_list(client, company, client_id=str(bo))) == [theirs]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": "pending,done"},
        {"client_id": "7"},
        {"scheduled_from": "today"},
        {"scheduled_from": "2026-01-01T00:00:00"},
        {"limit": "0"},
        {"limit": "201"},
        {"limit": "-1"},
        {"limit": "ten"},
        {"limit": "1e2"},
        {"limit": str(10**30)},
        {"cursor": ""},
        {"cursor": "x" * 501},
        {"sort": "number"},
    ],
)
def test_a_query_that_makes_no_sense_is_400(client: CheckedClient, company: Company, query: dict[str, str]) -> None:
    answer = _list(client, company, **query)
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "request.bad_query"
    assert answer.get_json()["errors"][0]["pointer"].startswith(f"/{next(iter(query))}")


def test_two_hundred_are_the_most_of_one_page(client: CheckedClient, company: Company) -> None:
    order_id = _at(company, 0)
    assert _ids(_list(client, company, limit="200")) == [order_id]


@pytest.fixture
def cursor(client: CheckedClient, company: Company) -> str:
    for hours in range(3):
        _at(company, hours)
    found: str = _list(client, company, limit=1).get_json()["next_cursor"]
    return found


def test_orders_of_the_same_minute_appear_once_each(client: CheckedClient, company: Company) -> None:
    made = {_at(company, 0) for _ in range(5)}
    seen: list[str] = []
    query: dict[str, Any] | None = {"limit": 2}
    while query:
        page = _list(client, company, **query).get_json()
        seen += [order["id"] for order in page["data"]]
        query = page["next_cursor"] and {"limit": 2, "cursor": page["next_cursor"]}
    assert len(seen) == 5
    assert set(seen) == made


def test_an_order_placed_between_two_pages_shifts_nothing(client: CheckedClient, company: Company, cursor: str) -> None:
    expected = _ids(_list(client, company))[1:]
    _at(company, 9)
    assert _ids(_list(client, company, cursor=cursor)) == expected


def test_the_last_page_leads_nowhere(client: CheckedClient, company: Company, cursor: str) -> None:
    answer = _list(client, company, limit=2, cursor=cursor)
    assert len(_ids(answer)) == 2
    assert answer.get_json()["next_cursor"] is None
    assert "Link" not in answer.headers


def test_the_link_keeps_the_filters(client: CheckedClient, company: Company, cursor: str) -> None:
    answer = _list(client, company, limit=1, status="pending,confirmed")
    link = answer.headers["Link"]
    assert link.endswith('>; rel="next"')
    following = client.get(link[1 : link.index(">")], headers=company.headers())
    assert len(_ids(following)) == 1


def test_a_cursor_belongs_to_its_filters(client: CheckedClient, company: Company, cursor: str) -> None:
    answer = _list(client, company, cursor=cursor, status="pending")
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "pages.bad_cursor"


def test_the_page_size_may_change_on_the_way(client: CheckedClient, company: Company, cursor: str) -> None:
    assert len(_ids(_list(client, company, cursor=cursor, limit=200))) == 2


def _damages(cursor: str) -> dict[str, str]:
    fingerprint, time, order_id = _decoded(cursor)
    return {
        "cut": cursor[:-3],
        "garbage": "garbage",
        "accents": "é" * 10,
        "empty list": _encoded([]),
        "number": _encoded(5),
        "object": _encoded({"a": 1}),
        "too few values": _encoded([fingerprint, time]),
        "too many values": _encoded([fingerprint, time, order_id, "x"]),
        "numbers for values": _encoded([fingerprint, 1, 2]),
        "null values": _encoded([fingerprint, None, None]),
        "no time": _encoded([fingerprint, "never", order_id]),
        "no identifier": _encoded([fingerprint, time, "x' OR 1=1"]),
        "deep": base64.urlsafe_b64encode(b"[" * 350).decode(),
        "not utf-8": base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    }


def test_a_damaged_cursor_is_400(client: CheckedClient, company: Company, cursor: str) -> None:
    for damage, damaged in _damages(cursor).items():
        answer = _list(client, company, cursor=damaged)
        assert answer.status_code == 400, damage
        assert answer.get_json()["code"] == "pages.bad_cursor", damage


def test_a_cursor_of_another_list_is_400(client: CheckedClient, company: Company, cursor: str) -> None:
    answer = client.get("/v1/clients", query_string={"cursor": cursor}, headers=company.headers())
    assert answer.status_code == 400
