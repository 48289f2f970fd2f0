"""Nobody is at two places: teams and workers, with the way between two orders; the board that shows it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from shared.orders.states import Move
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company, make_company
from tests.orders.steps import ask, change_row
from tests.rows import footprint, row, rows

EDMONTON = ZoneInfo("America/Edmonton")
MONDAY = datetime(2126, 7, 1, 9, tzinfo=EDMONTON)
HOUR = timedelta(hours=1)


def _order(company: Company, start: datetime, hours: float = 2, **changes: Any) -> UUID:
    return make_order(company, scheduled_start=start, scheduled_end=start + hours * HOUR, **changes)


def _post(client: CheckedClient, company: Company, order_id: UUID, verb: str, **body: Any) -> Any:
    return client.post(f"/v1/orders/{order_id}/{verb}", json=body, headers=company.headers())


@pytest.mark.parametrize(
    ("minutes", "status"),
    [(0, 409), (119, 409), (149, 409), (150, 201), (-149, 409), (-150, 201), (60, 409)],
)
def test_a_team_needs_the_buffer_between_two_orders(
    client: CheckedClient, company: Company, minutes: int, status: int
) -> None:
    team_id = make_team(company)
    _order(company, MONDAY, team_id=team_id)
    start = MONDAY + timedelta(minutes=minutes)
    body = order_body(
        company,
        team_id=str(team_id),
        scheduled_start=start.isoformat(),
        scheduled_end=(start + 2 * HOUR).isoformat(),
    )
    assert client.post("/v1/orders", json=body, headers=company.headers()).status_code == status


def test_the_loser_gets_three_times_that_can_be_booked(client: CheckedClient, company: Company) -> None:
    team_id = make_team(company)
    start = (datetime.now(EDMONTON) + timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
    start += timedelta(days=(7 - start.weekday()) % 7)  # a Monday: the company works
    _order(company, start, team_id=team_id)
    body = order_body(
        company,
        team_id=str(team_id),
        scheduled_start=start.isoformat(),
        scheduled_end=(start + 2 * HOUR).isoformat(),
    )
    refused = client.post("/v1/orders", json=body, headers=company.headers())
    problem = refused.get_json()
    assert (refused.status_code, problem["code"]) == (409, "orders.slot_taken")
    assert len(problem["alternatives"]) == 3
    for offered in problem["alternatives"]:
        body |= {"scheduled_start": offered["start"], "scheduled_end": offered["end"]}
        placed = client.post("/v1/orders", json=body, headers=company.headers())
        assert placed.status_code == 201, placed.get_data(as_text=True)
        order_id = placed.get_json()["id"]
        assert _post(client, company, order_id, "cancel", reason="only looking").status_code == 200


@pytest.mark.parametrize("over", ["cancel", "no-show", "complete"])
def test_an_order_that_is_over_takes_nobodys_time(client: CheckedClient, company: Company, over: str) -> None:
    team_id, worker_id = make_team(company), make_worker(company)
    order_id = _order(company, MONDAY, team_id=team_id, worker_ids=[worker_id])
    if over != "cancel":
        ask(client, company.headers(), order_id, Move.CONFIRM)
        change_row(company, order_id, scheduled_start=datetime.now(UTC) - HOUR)
    if over == "complete":
        ask(client, company.headers(), order_id, Move.START)
    body = {"reason": "rain"} if over == "cancel" else {}
    assert _post(client, company, order_id, over, **body).status_code == 200
    _order(company, MONDAY, team_id=team_id, worker_ids=[worker_id])


def test_a_worker_is_not_sent_to_two_orders_at_once(client: CheckedClient, company: Company) -> None:
    worker_id = make_worker(company)
    first, second = _order(company, MONDAY), _order(company, MONDAY + HOUR)
    assert _post(client, company, first, "assign", team_id=None, worker_ids=[str(worker_id)]).status_code == 200
    company.headers()
    before = footprint(company.org_id)
    refused = _post(client, company, second, "assign", team_id=None, worker_ids=[str(worker_id)])
    assert (refused.status_code, refused.get_json()["code"]) == (409, "orders.slot_taken")
    assert footprint(company.org_id) == before
    moved = _post(client, company, second, "reschedule", scheduled_start=(MONDAY + 3 * HOUR).isoformat())
    assert moved.status_code == 200
    assert _post(client, company, second, "assign", team_id=None, worker_ids=[str(worker_id)]).status_code == 200
    back = _post(client, company, second, "reschedule", scheduled_start=(MONDAY + HOUR).isoformat())
    assert back.status_code == 409, "the workers' time moves with the order"


def test_moving_an_order_a_little_is_not_in_its_own_way(client: CheckedClient, company: Company) -> None:
    order_id = _order(company, MONDAY, team_id=make_team(company), worker_ids=[make_worker(company)])
    moved = _post(client, company, order_id, "reschedule", scheduled_start=(MONDAY + HOUR).isoformat())
    assert moved.status_code == 200
    assert moved.get_json()["scheduled_end"] == "2126-07-01T18:00:00Z"


def test_assigning_names_exactly_who_goes(client: CheckedClient, company: Company) -> None:
    anna, bo = make_worker(company), make_worker(company)
    order_id = _order(company, MONDAY, worker_ids=[anna])
    _post(client, company, order_id, "assign", team_id=None, worker_ids=[str(bo)])
    assert [each["worker_id"] for each in rows("SELECT worker_id FROM order_workers")] == [bo]
    _post(client, company, order_id, "assign", team_id=None)
    assert rows("SELECT worker_id FROM order_workers") == []


@pytest.mark.parametrize("who", ["team_id", "worker_ids"])
def test_who_is_not_at_work_any_more_is_not_sent(
    client: CheckedClient, company: Company, neighbour: Company, who: str
) -> None:
    order_id = _order(company, MONDAY)
    make = make_team if who == "team_id" else make_worker
    gone, foreign = make(company, is_active=False), make(neighbour)
    for value in (gone, foreign):
        body = {"team_id": str(value)} if who == "team_id" else {"team_id": None, "worker_ids": [str(value)]}
        answer = _post(client, company, order_id, "assign", **body)
        pointer = "/team_id" if who == "team_id" else "/worker_ids/0"
        assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)


def test_the_board_shows_teams_their_orders_and_who_is_away_in_three_statements(
    client: CheckedClient, company: Company, neighbour: Company, services: Services
) -> None:
    north, south = make_team(company, name="North"), make_team(company, name="South")
    anna = make_worker(company, name="Anna", team_id=north)
    mine = _order(company, MONDAY, team_id=north, worker_ids=[anna])
    nobodys = _order(company, MONDAY + 4 * HOUR)
    overnight = _order(company, MONDAY.replace(hour=22) - timedelta(days=1), hours=4)
    _order(company, MONDAY + timedelta(days=1) - 9 * HOUR)  # midnight of the next day
    cancelled = _order(company, MONDAY)
    _post(client, company, cancelled, "cancel", reason="rain")
    away = make_blackout(company, team_id=south, starts_at=MONDAY, ends_at=MONDAY + HOUR)
    make_blackout(company, starts_at=MONDAY + timedelta(days=1), ends_at=MONDAY + timedelta(days=2))
    _order(neighbour, MONDAY, team_id=make_team(neighbour))
    with counted(services) as sent:
        shown = client.get("/v1/schedule?from=2126-07-01&to=2126-07-02", headers=company.headers())
    assert len(sent) <= 3
    board = shown.get_json()
    assert (board["timezone"], board["from_at"], board["to_at"]) == (
        "America/Edmonton",
        "2126-07-01T06:00:00Z",
        "2126-07-02T06:00:00Z",
    )
    assert [team["name"] for team in board["teams"]] == ["North", "South"]
    assert board["teams"][0]["workers"] == [{"id": str(anna), "name": "Anna"}]
    (shown_order,) = board["teams"][0]["orders"]
    assert (shown_order["id"], shown_order["worker_ids"], shown_order["client_name"]) == (
        str(mine),
        [str(anna)],
        "Anna Berg",
    )
    assert [order["id"] for order in board["unassigned"]] == [str(overnight), str(nobodys)]
    assert [blackout["id"] for blackout in board["blackouts"]] == [str(away)]


def test_the_board_of_a_day_on_which_the_clocks_change_is_as_long_as_the_day(
    client: CheckedClient, company: Company
) -> None:
    for day, hours in (("2027-03-14", 23), ("2027-11-07", 25), ("2027-03-15", 24)):
        after = datetime.fromisoformat(day).date() + timedelta(days=1)
        board = client.get(f"/v1/schedule?from={day}&to={after}", headers=company.headers()).get_json()
        from_at, to_at = (datetime.fromisoformat(board[name]) for name in ("from_at", "to_at"))
        assert to_at - from_at == hours * HOUR


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2126-07-01&to=2126-07-01", 422),
        ("from=2126-07-02&to=2126-07-01", 422),
        ("from=2126-07-01&to=2127-07-01", 422),
        ("from=2126-07-01&to=2126-08-01", 200),
        ("from=2126-07-01", 400),
        ("from=tomorrow&to=2126-07-01", 400),
        ("from=2126-02-30&to=2126-03-01", 400),
        ("from=2126-07-01&to=2126-07-02&team=all", 400),
    ],
)
def test_days_that_cannot_be_shown_are_refused(
    client: CheckedClient, company: Company, query: str, status: int
) -> None:
    assert client.get(f"/v1/schedule?{query}", headers=company.headers()).status_code == status


def test_the_timeline_tells_who_did_what_and_what_became_of_the_mails(client: CheckedClient, company: Company) -> None:
    order_id = _order(company, MONDAY)
    ask(client, company.headers(), order_id, Move.CONFIRM)
    told = client.get(f"/v1/orders/{order_id}/timeline", headers=company.headers()).get_json()["data"]
    assert [(entry["kind"], entry["event"]) for entry in told] == [
        ("history", "place"),
        ("history", "confirm"),
        ("message", "order_confirmed"),
    ]
    owner = row("SELECT name FROM users WHERE id = :id", id=company.owner.user_id)["name"]
    assert [entry["by"] for entry in told] == [owner, owner, None]
    assert told[2]["details"]["recipient"] == company.client_email
    assert told[2]["details"]["state"] == "queued"


def test_lists_are_filtered_by_team_day_and_words(client: CheckedClient, company: Company) -> None:
    team_id = make_team(company)
    late = _order(company, MONDAY.replace(hour=23), team_id=team_id)
    early = _order(company, MONDAY.replace(hour=0))
    number = row("SELECT number FROM orders WHERE id = :id", id=early)["number"]

    def found(query: str) -> list[str]:
        answer = client.get(f"/v1/orders?{query}", headers=company.headers())
        return [order["id"] for order in answer.get_json()["data"]]

    assert found(f"team_id={team_id}") == [str(late)]
    assert found("unassigned=true") == [str(early)]
    assert found("unassigned=false") == [str(late)]
    assert found("date=2126-07-01") == [str(late), str(early)]
    assert found("date=2126-07-02") == []
    assert found(f"q={number}") == [str(early)]
    assert found("q=ber") == [str(late), str(early)]
    assert found("q=berg%20ANN") == [str(late), str(early)]
    assert found("q=nobody") == []
    for minutes, changed in ((-1, [str(late), str(early)]), (1, [])):
        since = datetime.now(UTC) + timedelta(minutes=minutes)
        assert found(f"updated_since={since:%Y-%m-%dT%H:%M:%SZ}") == changed


@pytest.mark.parametrize("verb", ["place", "reschedule", "assign"])
def test_the_alternatives_are_free_for_the_workers_too(client: CheckedClient, company: Company, verb: str) -> None:
    make_team(company)
    worker_id = make_worker(company)
    day = (datetime.now(EDMONTON) + timedelta(days=7)).replace(hour=10, minute=0, second=0, microsecond=0)
    day += timedelta(days=(7 - day.weekday()) % 7)
    _order(company, day, worker_ids=[worker_id])
    later = _order(company, day + timedelta(days=1), worker_ids=[worker_id] if verb == "reschedule" else [])
    if verb == "place":
        times = {"scheduled_start": day.isoformat(), "scheduled_end": (day + 2 * HOUR).isoformat()}
        body = order_body(company, worker_ids=[str(worker_id)], **times)
        answer = client.post("/v1/orders", json=body, headers=company.headers())
    elif verb == "reschedule":
        answer = _post(client, company, later, "reschedule", scheduled_start=day.isoformat())
    else:
        same = _order(company, day)
        answer = _post(client, company, same, "assign", team_id=None, worker_ids=[str(worker_id)])
    assert (answer.status_code, answer.get_json()["code"]) == (409, "orders.slot_taken")
    offered = [datetime.fromisoformat(each["start"]) for each in answer.get_json()["alternatives"]]
    assert len(offered) == 3
    for start in offered:
        assert not day - timedelta(hours=2, minutes=30) < start < day + timedelta(hours=2, minutes=30)


def test_a_day_begins_when_the_clocks_show_its_midnight_first(client: CheckedClient, services: Services) -> None:
    """In Havana they show it twice when they go back."""
    company = make_company(services, timezone="America/Havana")
    first_midnight = datetime(2027, 11, 7, 4, tzinfo=UTC)
    order_id = _order(company, first_midnight + timedelta(minutes=10), hours=0.25)
    for day, following, is_there in (("2027-11-06", "2027-11-07", False), ("2027-11-07", "2027-11-08", True)):
        listed = client.get(f"/v1/orders?date={day}", headers=company.headers()).get_json()["data"]
        board = client.get(f"/v1/schedule?from={day}&to={following}", headers=company.headers()).get_json()
        assert [order["id"] for order in listed] == [order["id"] for order in board["unassigned"]]
        assert bool(listed) is is_there
        assert not listed or listed[0]["id"] == str(order_id)


def test_a_team_that_does_not_work_any_more_may_keep_what_it_has(client: CheckedClient, company: Company) -> None:
    team_id, worker_id = make_team(company), make_worker(company)
    order_id = _order(company, MONDAY, team_id=team_id)
    client.patch(f"/v1/teams/{team_id}", json={"is_active": False}, headers=company.headers())
    kept = _post(client, company, order_id, "assign", team_id=str(team_id), worker_ids=[str(worker_id)])
    assert (kept.status_code, kept.get_json()["team_id"]) == (200, str(team_id))
