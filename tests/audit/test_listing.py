"""The audit log as owners and admins read it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, event

from shared.audit import service as audit
from shared.core.pages import PageRequest
from shared.core.permissions import Role
from shared.core.transaction import read_only, transaction
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, make_link, make_person
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint


def _list(client: CheckedClient, company: Company, **query: Any) -> Any:
    return client.get("/v1/audit", query_string=query, headers=company.headers())


def _entries(client: CheckedClient, company: Company, **query: Any) -> list[dict[str, Any]]:
    answer = _list(client, company, **query)
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["data"]
    return found


def _actions(client: CheckedClient, company: Company, **query: Any) -> list[str]:
    return [entry["action"] for entry in _entries(client, company, **query)]


def _record(company: Company, action: str, *, at: datetime | None = None) -> None:
    """An entry that is written now, of a request that came in `at`."""
    with transaction(company.scope) as session:
        audit.record(session, company.owner, action, uuid4(), now=at or datetime.now(UTC))


def test_a_sign_in_leaves_who_and_from_where(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    login = client.post(
        "/v1/auth/login", json={"email": email, "password": PASSWORD}, headers={"X-Request-Id": "sign-in-1"}
    )
    assert login.status_code == 200
    (entry,) = _entries(client, company, actor_id=person.user_id)
    assert abs(datetime.fromisoformat(entry.pop("created_at")) - datetime.now(UTC)) < timedelta(minutes=1)
    assert UUID(entry.pop("id")).version == 7
    assert entry == {
        "actor_id": str(person.user_id),
        "actor_label": "user",
        "action": "identity.sign_in",
        "resource": "identity",
        "resource_id": str(person.user_id),
        "before": {},
        "after": {},
        "request_id": "sign-in-1",
        "address": "127.0.0.1",
    }


def test_confirming_an_order_leaves_what_it_was_and_what_it_is(client: CheckedClient, company: Company) -> None:
    order_id = str(make_order(company))
    assert client.post(f"/v1/orders/{order_id}/confirm", headers=company.headers()).status_code == 200
    confirmed, placed = _entries(client, company, resource_id=order_id)
    assert (confirmed["action"], placed["action"]) == ("orders.confirm", "orders.place")
    assert (confirmed["before"], confirmed["after"]) == ({"state": "pending"}, {"state": "confirmed"})
    assert confirmed["actor_id"] == str(company.owner.user_id)
    assert confirmed["address"] == "127.0.0.1"


def test_what_the_system_did_has_no_user(client: CheckedClient, company: Company) -> None:
    (entry,) = _entries(client, company, action="clients.create")
    assert (entry["actor_id"], entry["actor_label"], entry["address"]) == (None, "test", None)


def test_the_last_written_comes_first(client: CheckedClient, company: Company) -> None:
    _record(company, "orders.first")
    _record(company, "orders.second", at=datetime.now(UTC) - timedelta(minutes=5))
    assert _actions(client, company, resource="orders") == ["orders.second", "orders.first"]


def test_each_filter_narrows_the_list(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    clerk = company.actor(Role.DISPATCHER)
    with transaction(company.scope) as session:
        audit.record(session, clerk, "orders.weigh", order_id, now=datetime.now(UTC))
        audit.record(session, clerk, "orders_old.weigh", uuid4(), now=datetime.now(UTC))
    assert _actions(client, company, actor_id=clerk.user_id) == ["orders_old.weigh", "orders.weigh"]
    assert _actions(client, company, action="orders.weigh") == ["orders.weigh"]
    assert _actions(client, company, action="orders.weig") == []
    assert _actions(client, company, resource="orders") == ["orders.weigh", "orders.place"]
    assert _actions(client, company, resource_id=order_id) == ["orders.weigh", "orders.place"]
    both = {"actor_id": clerk.user_id, "resource": "orders"}
    assert _actions(client, company, **both) == ["orders.weigh"]
    assert _actions(client, company, **both, action="orders_old.weigh") == []


def test_a_range_of_times_has_its_beginning_and_not_its_end(client: CheckedClient, company: Company) -> None:
    moments = {minutes: datetime.now(UTC) - timedelta(minutes=minutes) for minutes in (30, 20, 10)}
    for minutes, moment in moments.items():
        _record(company, f"orders.ago_{minutes}", at=moment)
    begin, end = moments[30].isoformat(), moments[10].isoformat()
    within = {"resource": "orders", "created_from": begin, "created_to": end}
    assert _actions(client, company, **within) == ["orders.ago_20", "orders.ago_30"]
    assert _actions(client, company, resource="orders", created_from=end) == ["orders.ago_10"]
    assert _actions(client, company, resource="orders", created_to=begin) == []


@pytest.mark.parametrize("minutes", [59, -59])
def test_a_time_finds_what_was_written_long_after_the_request_or_by_a_clock_set_back(
    client: CheckedClient, company: Company, minutes: int
) -> None:
    begin = datetime.now(UTC) - timedelta(minutes=minutes)
    _record(company, "orders.slow", at=begin)
    moment = {"created_from": begin.isoformat(), "created_to": (begin + timedelta(microseconds=1)).isoformat()}
    assert _actions(client, company, **moment) == ["orders.slow"]


def test_times_at_the_ends_of_the_calendar_are_only_times(client: CheckedClient, company: Company) -> None:
    everything = _actions(client, company)
    assert everything
    ends = {"created_from": "1900-01-01T00:00:00Z", "created_to": "9000-12-31T23:59:59Z"}
    assert _actions(client, company, **ends) == everything
    assert _actions(client, company, created_to=ends["created_from"]) == []
    assert _actions(client, company, created_from=ends["created_to"]) == []


@pytest.mark.parametrize("query", [{}, {"resource": "orders"}, {"created_from": "2020-01-01T00:00:00Z"}])
def test_pages_lead_to_the_end_without_gaps_or_repeats(
    client: CheckedClient, company: Company, neighbour: Company, query: dict[str, str]
) -> None:
    for number in range(7):
        _record(company, f"orders.number_{number}", at=datetime.now(UTC) - timedelta(minutes=number % 3))
        _record(neighbour, f"orders.number_{number}")
    expected = [entry["id"] for entry in _entries(client, company, **query)]
    assert len(expected) >= 7
    seen: list[str] = []
    cursor: dict[str, str] | None = {}
    while cursor is not None:
        page = _list(client, company, limit=2, **query, **cursor).get_json()
        assert len(page["data"]) <= 2
        seen += [entry["id"] for entry in page["data"]]
        _record(company, "orders.meanwhile")
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert seen == expected


def test_a_cursor_belongs_to_its_filters(client: CheckedClient, company: Company) -> None:
    cursor = _list(client, company, limit=1).get_json()["next_cursor"]
    answer = _list(client, company, cursor=cursor, resource="identity")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "pages.bad_cursor")


def test_a_neighbours_entries_never_appear(client: CheckedClient, company: Company, neighbour: Company) -> None:
    order_id = make_order(neighbour)
    theirs = {entry["id"] for entry in _entries(client, neighbour)}
    assert len(theirs) >= 3
    assert not theirs & {entry["id"] for entry in _entries(client, company, limit=200)}
    assert _entries(client, company, resource_id=order_id) == []
    assert _entries(client, company, actor_id=neighbour.owner.user_id) == []


@pytest.mark.parametrize("role", list(Role))
def test_owners_and_admins_read_it_and_nobody_else(client: CheckedClient, company: Company, role: Role) -> None:
    headers = company.headers(role)
    before = footprint(company.org_id)
    answer = client.get("/v1/audit", headers=headers)
    assert answer.status_code == (200 if role in {Role.OWNER, Role.ADMIN} else 403)
    assert ("data" in answer.get_json()) == (answer.status_code == 200)
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    "query",
    [
        {"actor_id": "7"},
        {"actor_id": ""},
        {"action": "orders"},
        {"action": "orders.confirm\n"},
        {"action": "orders.confirm,orders.cancel"},
        {"action": "Orders.Confirm"},
        {"action": "\x00.a"},
        {"action": "a." + "b" * 100},
        {"resource": "orders.confirm"},
        {"resource": ""},
        {"resource": "ordérs"},
        {"resource_id": "x"},
        {"created_from": "yesterday"},
        {"created_from": "2026-01-01T00:00:00"},
        {"created_to": "1899-12-31T23:59:59Z"},
        {"limit": "201"},
        {"address": "127.0.0.1"},
    ],
)
def test_a_filter_that_makes_no_sense_is_400(client: CheckedClient, company: Company, query: dict[str, str]) -> None:
    answer = _list(client, company, **query)
    assert answer.status_code == 400
    assert answer.get_json()["code"] == "request.bad_query"
    assert answer.get_json()["errors"][0]["pointer"].startswith(f"/{next(iter(query))}")


def test_secrets_are_not_in_it(client: CheckedClient, company: Company) -> None:
    person, email = make_person(company.org_id)
    login = {"email": email, "password": PASSWORD}
    first = client.post("/v1/auth/login", json=login).get_json()
    second = client.post("/v1/auth/refresh", json={"refresh_token": first["refresh_token"]}).get_json()
    client.post("/v1/auth/logout", headers={"Authorization": f"Bearer {second['access_token']}"})
    link, chosen = make_link(person), "another long phrase"
    done = client.post("/v1/auth/set-password", json={"token": link, "password": chosen})
    assert done.status_code == 204
    text = _list(client, company, limit=200).get_data(as_text=True)
    for action in ("sign_in", "sign_out", "create_password_link", "set_password"):
        assert f'"identity.{action}"' in text
    tokens = [*first.values(), *second.values()]
    for secret in (PASSWORD, chosen, link, *(token for token in tokens if isinstance(token, str) and len(token) > 20)):
        assert secret not in text
    assert "argon2" not in text


SERVED = {
    "nothing": "org_id, id",
    "actor_id": "org_id, actor_id, id",
    "action": "org_id, action, id",
    "resource": "org_id, resource, id",
    "resource_id": "org_id, resource_id, id",
}


@pytest.mark.parametrize(("name", "columns"), SERVED.items(), ids=SERVED.keys())
def test_every_filter_has_an_index_in_the_order_of_the_list(database: Connection, name: str, columns: str) -> None:
    """Which one the planner takes for a handful of rows depends on its statistics; that there is one does not."""
    sql = "SELECT indexdef FROM pg_indexes WHERE tablename = 'audit_entries'"
    definitions = list(database.exec_driver_sql(sql).scalars())
    assert any(f"({columns})" in definition for definition in definitions), name


NOW = datetime.now(UTC)
FILTERS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "action": {"action": "orders.confirm"},
    "from": {"created_from": NOW},
    "to": {"created_to": NOW},
    "action and time": {"action": "orders.confirm", "created_to": NOW},
}


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS.keys())
def test_a_page_needs_no_sorting(company: Company, filters: dict[str, Any]) -> None:
    sent: list[tuple[str, Any]] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        sent.append((statement, parameters))

    with read_only(company.scope) as connection:
        for kind in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
            connection.exec_driver_sql(f"SET LOCAL enable_{kind} = off")
        event.listen(connection, "before_cursor_execute", note)
        audit.list_page(connection, company.owner, PageRequest(), **filters)
        event.remove(connection, "before_cursor_execute", note)
        plan = _plan(connection, *sent.pop())
    assert "Sort" not in plan
    looked_up = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert "org_id" in looked_up
    assert ("id <" in looked_up) == ("created_to" in filters)
    assert ("id >=" in looked_up) == ("created_from" in filters)


def _plan(connection: Connection, statement: str, parameters: Any) -> str:
    return "\n".join(connection.exec_driver_sql(f"EXPLAIN {statement}", parameters).scalars())
