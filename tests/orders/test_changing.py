"""What a change of an order writes: its history, the audit log and the mail with it, or nothing at all."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.core.errors import Conflict
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.orders import moving
from shared.orders.states import Move
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.orders.steps import BY_REQUEST, ask
from tests.rows import footprint, row, rows


def _post(client: CheckedClient, company: Company, order_id: object, move: str, **headers: str) -> Any:
    body = {"json": {"reason": "The client is ill"}} if move == "cancel" else {}
    return client.post(f"/v1/orders/{order_id}/{move}", headers=company.headers() | headers, **body)


def test_placing_writes_history_and_audit(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"X-Request-Id": "place-1"}
    placed = client.post("/v1/orders", json=order_body(company), headers=headers).get_json()
    history = row("SELECT * FROM order_history WHERE order_id = :id", id=placed["id"])
    assert (history["event"], history["actor_id"], history["details"]) == (
        "place",
        company.owner.user_id,
        {"number": 1001},
    )
    audit = row("SELECT * FROM audit_entries WHERE resource_id = :id", id=placed["id"])
    assert (audit["action"], audit["request_id"], audit["actor_id"]) == (
        "orders.place",
        "place-1",
        company.owner.user_id,
    )


@pytest.mark.parametrize(("move", "target"), [("confirm", "confirmed"), ("cancel", "cancelled")])
def test_a_move_writes_history_audit_and_one_mail(
    client: CheckedClient, company: Company, jobs: JobsProbe, move: str, target: str
) -> None:
    order_id = make_order(company)
    assert _post(client, company, order_id, move, **{"X-Request-Id": "move-1"}).status_code == 200
    events = [
        each["event"] for each in rows("SELECT event FROM order_history WHERE order_id = :id ORDER BY id", id=order_id)
    ]
    assert events == ["place", move]
    audit = row(
        "SELECT * FROM audit_entries WHERE resource_id = :id AND action = :action", id=order_id, action=f"orders.{move}"
    )
    assert (audit["before"], audit["after"]["state"]) == ({"state": "pending"}, target)
    assert "reason" not in audit["after"], "words about people are for the history, which forgets them when it must"
    mail = row("SELECT * FROM messages WHERE org_id = :org", org=company.org_id)
    assert (mail["kind"], mail["recipient"], mail["state"]) == (f"order_{target}", company.client_email, "queued")
    assert mail["request_id"] == "move-1"
    assert jobs.enqueued() == [("messages.send", {"org_id": str(company.org_id)})]


def test_a_change_that_fails_leaves_nothing_and_enqueues_nothing(company: Company, jobs: JobsProbe) -> None:
    order_id = make_order(company)
    before = footprint(company.org_id)
    with pytest.raises(ZeroDivisionError), transaction(company.scope) as session:
        moving.confirm(session, company.owner, order_id, now=datetime.now(UTC))
        session.flush()
        raise ZeroDivisionError
    assert footprint(company.org_id) == before
    assert jobs.enqueued() == []


def test_cancelling_a_confirmed_order_mails_twice_in_all(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    _post(client, company, order_id, "confirm")
    _post(client, company, order_id, "cancel")
    sent = rows("SELECT kind, variables FROM messages WHERE org_id = :org ORDER BY id", org=company.org_id)
    assert [each["kind"] for each in sent] == ["order_confirmed", "order_cancelled"]
    assert sent[1]["variables"]["reason"] == "The client is ill"


def test_a_stale_version_is_412_and_changes_nothing(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    assert _post(client, company, order_id, "confirm", **{"If-Match": '"v1"'}).headers["ETag"] == '"v2"'
    before = footprint(company.org_id)
    stale = _post(client, company, order_id, "cancel", **{"If-Match": '"v1"'})
    assert stale.status_code == 412
    assert stale.get_json()["code"] == "stale"
    assert stale.get_json()["current_version"] == 2
    assert footprint(company.org_id) == before
    assert _post(client, company, order_id, "cancel", **{"If-Match": '"v2"'}).status_code == 200


@pytest.mark.parametrize(
    "tag", ['W/"v1"', '"v2"', "v1", '"1"', '""', '"v99999999999999999999"', '"v1", "v2"', "é", '"v\u0661"']
)
def test_a_tag_that_is_not_the_current_one_is_412(client: CheckedClient, company: Company, tag: str) -> None:
    order_id = make_order(company)
    assert _post(client, company, order_id, "confirm", **{"If-Match": tag}).status_code == 412


@pytest.mark.parametrize("tag", ["*", '"v1"', ' "v1" '])
def test_the_current_version_goes_through(client: CheckedClient, company: Company, tag: str) -> None:
    assert _post(client, company, make_order(company), "confirm", **{"If-Match": tag}).status_code == 200


def test_numbers_count_per_organization(client: CheckedClient, company: Company, neighbour: Company) -> None:
    def place(each: Company) -> int:
        answer = client.post("/v1/orders", json=order_body(each), headers=each.headers())
        return int(answer.get_json()["number"])

    assert [place(company), place(neighbour), place(company), place(neighbour)] == [1001, 1001, 1002, 1002]


def test_a_refused_order_uses_up_no_number(client: CheckedClient, company: Company) -> None:
    assert make_order(company)
    bad = order_body(company, total={"amount": 1, "currency": "usd"})
    assert client.post("/v1/orders", json=bad, headers=company.headers()).status_code == 422
    placed = client.post("/v1/orders", json=order_body(company), headers=company.headers())
    assert placed.get_json()["number"] == 1002


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE, Role.WORKER])
@pytest.mark.parametrize("move", BY_REQUEST)
def test_who_may_not_write_moves_nothing(client: CheckedClient, company: Company, role: Role, move: Move) -> None:
    order_id = make_order(company)
    headers = company.headers(role)
    before = footprint(company.org_id)
    assert ask(client, headers, order_id, move).status_code == 403
    assert footprint(company.org_id) == before


def test_times_come_back_in_utc(client: CheckedClient, company: Company) -> None:
    body = order_body(company, scheduled_start="2126-06-01T09:00:00-06:00", scheduled_end="2126-06-01T11:00:00.5-06:00")
    placed = client.post("/v1/orders", json=body, headers=company.headers()).get_json()
    read = client.get(f"/v1/orders/{placed['id']}", headers=company.headers()).get_json()
    assert read["scheduled_start"] == "2126-06-01T15:00:00Z"
    assert read["scheduled_end"] == "2126-06-01T17:00:00.500000Z"
    assert placed == read


def test_the_mail_tells_the_time_of_the_companys_clocks(client: CheckedClient, company: Company) -> None:
    order_id: UUID = make_order(
        company,
        scheduled_start=datetime(2126, 7, 1, 15, 0, tzinfo=UTC),
        scheduled_end=datetime(2126, 7, 1, 17, 0, tzinfo=UTC),
    )
    _post(client, company, order_id, "confirm")
    variables = row("SELECT variables FROM messages WHERE org_id = :org", org=company.org_id)["variables"]
    assert variables["starts"] == "Monday, 01 July 2126, 09:00"
    assert variables["total"] == "129.00 CAD"


def test_the_domain_refuses_a_stale_version_too(company: Company) -> None:
    order_id = make_order(company)
    with pytest.raises(Conflict) as refused, transaction(company.scope) as session:
        moving.confirm(session, company.owner, order_id, version=7, now=datetime.now(UTC))
    assert refused.value.code == "stale"


@pytest.mark.parametrize("reason", ["50% off elsewhere", "%s", "%(org_id)s", "100%", "a'; DROP TABLE orders; --"])
def test_a_reason_is_kept_as_it_was_typed(client: CheckedClient, company: Company, reason: str) -> None:
    order_id = make_order(company)
    answer = client.post(f"/v1/orders/{order_id}/cancel", json={"reason": reason}, headers=company.headers())
    assert answer.status_code == 200
    history = row("SELECT details FROM order_history WHERE order_id = :id AND event = 'cancel'", id=order_id)
    assert history["details"] == {"reason": reason}
