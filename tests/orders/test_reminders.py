"""Which orders are reminded of, when, and how often."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from shared.clients.model import Client
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages.jobs import SEND
from shared.orders import reminders
from shared.orders.states import OrderState
from shared.wiring import Services
from tests.factories.clients import make_client
from tests.factories.organizations import Company, make_company
from tests.jobs_probe import JobsProbe
from tests.orders.reminding import HOUR, copy_order, make_due, reminders_of, scan, settle
from tests.orders.steps import change_row
from tests.rows import row, rows

MINUTE = timedelta(minutes=1)


def _change_client(company: Company, **values: Any) -> None:
    with transaction(company.scope) as session:
        session.execute(update(Client).where(Client.id == company.client_id).values(**values))


def test_the_scheduled_scan_promises_a_mail_and_has_it_sent(company: Company, jobs: JobsProbe) -> None:
    order_id = make_due(company)
    jobs.enqueued()
    jobs.run("orders.remind")
    (mail,) = reminders_of(company)
    order = row("SELECT * FROM orders WHERE id = :id", id=order_id)
    assert (mail["recipient"], mail["resource_id"], mail["state"]) == (company.client_email, order_id, "queued")
    assert mail["not_after"] == order["scheduled_start"]
    assert mail["variables"]["number"] == order["number"]
    assert (SEND.name, {"org_id": str(company.org_id)}) in jobs.enqueued()


def test_a_run_is_recorded_and_not_repeated_in_its_slot(company: Company, jobs: JobsProbe) -> None:
    make_due(company)
    jobs.run("orders.remind")
    make_due(company)
    jobs.run("orders.remind")
    runs = rows("SELECT state, counts FROM job_runs WHERE job = 'email_scan'")
    assert runs == [{"state": "succeeded", "counts": {"reminders": 1, "requeued": 0, "dead": 0}}]
    assert len(reminders_of(company)) == 1


def test_many_are_reminded_of_in_one_run(company: Company, jobs: JobsProbe) -> None:
    copy_order(company, make_due(company), 1199)
    jobs.enqueued()
    jobs.run("orders.remind")
    assert len(reminders_of(company)) == 1200
    assert [name for name, _ in jobs.enqueued()] == [SEND.name] * 3, "one for each batch, not for each mail"


def test_the_next_to_begin_come_first(company: Company) -> None:
    late, soon = make_due(company, starts_in=9 * HOUR), make_due(company, starts_in=HOUR)
    assert scan(limit=1) == 1
    assert [mail["resource_id"] for mail in reminders_of(company)] == [soon]
    assert scan(limit=1) == 1
    assert [mail["resource_id"] for mail in reminders_of(company)] == [soon, late]


def test_a_second_scan_finds_nothing(company: Company, jobs: JobsProbe) -> None:
    make_due(company)
    assert [scan(), scan(), scan(company)] == [1, 0, 0]
    jobs.enqueued()
    before = reminders_of(company)
    assert scan() == 0
    assert reminders_of(company) == before
    assert jobs.enqueued() == []


@pytest.mark.parametrize("hours", [1, 2, 24, 168])
def test_the_time_is_that_of_the_organization(company: Company, hours: int) -> None:
    settle(company, hours_before=hours)
    start = datetime.now(UTC) + 200 * HOUR
    make_due(company, scheduled_start=start, scheduled_end=start + HOUR)
    before = start - hours * HOUR
    tried = [before - timedelta(seconds=1), before, start - timedelta(seconds=1)]
    assert [scan(now=moment) for moment in tried] == [0, 1, 0]


def test_each_organization_has_its_own_time(company: Company, neighbour: Company) -> None:
    settle(company, hours_before=2)
    settle(neighbour, hours_before=48)
    for each in (company, neighbour):
        make_due(each, starts_in=30 * HOUR)
    scan()
    assert (len(reminders_of(company)), len(reminders_of(neighbour))) == (0, 1)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=1), timedelta(days=3)])
def test_what_has_begun_is_not_reminded_of(company: Company, late: timedelta) -> None:
    start = datetime.now(UTC) + HOUR
    make_due(company, scheduled_start=start, scheduled_end=start + HOUR)
    assert scan(now=start + late) == 0


def test_an_order_that_is_confirmed_an_hour_before_is_reminded_of(company: Company) -> None:
    make_due(company, starts_in=HOUR)
    assert scan() == 1


def test_who_wants_no_reminders_sends_none(company: Company, neighbour: Company) -> None:
    settle(company, enabled=False)
    for each in (company, neighbour):
        make_due(each)
    scan()
    assert (len(reminders_of(company)), len(reminders_of(neighbour))) == (0, 1)
    settle(company, enabled=True)
    assert scan(company) == 1


def test_where_nobody_wants_reminders_nothing_is_looked_at(company: Company) -> None:
    settle(company, enabled=False)
    make_due(company)
    assert scan(company) == 0


@pytest.mark.parametrize("state", [state for state in OrderState if state != OrderState.CONFIRMED])
def test_only_what_is_confirmed_is_reminded_of(company: Company, state: str) -> None:
    make_due(company, state=state)
    assert scan() == 0


@pytest.mark.parametrize(
    "values",
    [
        {"email": None, "phone": "+14035550123"},
        {"erased_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"merged_into_id": "another"},
    ],
    ids=["no address", "erased", "merged"],
)
def test_a_client_who_cannot_be_reached_is_not_written_to(company: Company, values: dict[str, Any]) -> None:
    make_due(company)
    into = {"merged_into_id": make_client(company)} if "merged_into_id" in values else {}
    _change_client(company, **values | into)
    assert scan() == 0
    back: dict[str, Any] = {"email": company.client_email, "erased_at": None, "merged_into_id": None}
    _change_client(company, **back)
    assert scan() == 1


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Asia/Kolkata", "America/St_Johns"])
def test_clocks_on_walls_make_no_difference(services: Services, zone: str) -> None:
    company = make_company(services, timezone=zone)
    make_due(company)
    assert scan() == 1
    with transaction(PLATFORM) as session:
        session.execute(text("SELECT set_config('TimeZone', :zone, true)"), {"zone": zone})
        again = reminders.remind_due(session, now=datetime.now(UTC), limit=500)
    assert again == {"reminders": 0}
    (mail,) = reminders_of(company)
    assert mail["dedupe_key"].endswith("Z")


def test_another_time_reminds_again_and_an_old_one_does_not(company: Company) -> None:
    start = datetime.now(UTC) + 3 * HOUR
    order_id = make_due(company, scheduled_start=start, scheduled_end=start + 2 * HOUR)
    found = []
    for begins in (start, start + HOUR, start, start + HOUR, start + timedelta(microseconds=1)):
        change_row(company, order_id, scheduled_start=begins)
        found.append(scan())
    assert found == [1, 1, 0, 0, 1]


def test_a_scan_of_one_organization_leaves_others_alone(company: Company, neighbour: Company) -> None:
    for each in (company, neighbour):
        make_due(each)
    assert scan(company) == 1
    assert (len(reminders_of(company)), len(reminders_of(neighbour))) == (1, 0)
