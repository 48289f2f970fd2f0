"""How many minutes were worked, when too many need a reason, and what a clock that is set back does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from shared.core.errors import Conflict, Invalid
from shared.core.transaction import read_only, transaction
from shared.time_entries import queries
from shared.time_entries import service as time_entries
from tests.factories.crews import make_worker
from tests.factories.organizations import Company
from tests.rows import footprint, row, rows
from tests.time_entries.entries import confirmed_order

NINE = datetime(2026, 11, 24, 9, tzinfo=UTC)
MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


class Watch:
    """One worker at one order, with the time given by hand."""

    def __init__(self, company: Company) -> None:
        self.company, self.order_id, self.worker_id = company, confirmed_order(company), make_worker(company)
        with transaction(company.scope) as session:
            started = time_entries.start(session, company.owner, self.order_id, self.worker_id, now=NINE)
        self.entry_id: UUID = started.id

    def do(self, verb: str, now: datetime, **more: Any) -> Any:
        with transaction(self.company.scope) as session:
            return getattr(time_entries, verb)(session, self.company.owner, self.entry_id, now=now, **more)

    def worked(self, now: datetime) -> int:
        with read_only(self.company.scope) as session:
            (entry,) = queries.list_for_order(session, self.company.owner, self.order_id, now=now)
        assert isinstance(entry.worked_minutes, int)
        return entry.worked_minutes


@pytest.fixture
def watch(company: Company) -> Watch:
    return Watch(company)


def test_pauses_do_not_count_and_parts_of_minutes_add_up(watch: Watch) -> None:
    for number in range(3):
        watch.do("pause", NINE + 10 * number * MINUTE + 90 * SECOND)
        watch.do("resume", NINE + 10 * (number + 1) * MINUTE)
    finished = watch.do("finish", NINE + 30 * MINUTE, planned_minutes=60)
    assert finished.worked_minutes == 4  # three times 90 seconds
    assert watch.worked(NINE + timedelta(days=1)) == 4


def test_a_running_entry_counts_until_now(watch: Watch) -> None:
    assert [watch.worked(NINE + after) for after in (59 * SECOND, 60 * SECOND, 61 * MINUTE)] == [0, 1, 61]


@pytest.mark.parametrize(
    ("planned", "worked", "needs_reason"),
    [
        (120, 144 * MINUTE, False),
        (120, 145 * MINUTE - timedelta(microseconds=1), False),
        (120, 145 * MINUTE, True),
        (5, 6 * MINUTE, False),
        (5, 7 * MINUTE, True),
        (7, 8 * MINUTE, False),
        (7, 9 * MINUTE, True),
        (1, MINUTE, False),
        (0, 59 * SECOND, False),
        (0, MINUTE, True),
    ],
)
def test_above_six_fifths_of_the_plan_a_reason_is_needed(
    watch: Watch, planned: int, worked: timedelta, needs_reason: bool
) -> None:
    if not needs_reason:
        assert watch.do("finish", NINE + worked, planned_minutes=planned).overrun_reason is None
        return
    before = footprint(watch.company.org_id)
    with pytest.raises(Invalid) as refused:
        watch.do("finish", NINE + worked, planned_minutes=planned)
    assert refused.value.code == "time_entries.overrun"
    assert refused.value.fields == {"worked_minutes": worked // MINUTE, "planned_minutes": planned}
    assert [error["pointer"] for error in refused.value.errors] == ["/overrun_reason"]
    assert footprint(watch.company.org_id) == before
    finished = watch.do("finish", NINE + worked, planned_minutes=planned, overrun_reason="The oven")
    assert (finished.state, finished.overrun_reason) == ("finished", "The oven")


def test_the_audit_log_does_not_hold_the_reason(watch: Watch) -> None:
    watch.do("finish", NINE + 60 * MINUTE, planned_minutes=10, overrun_reason="Anna was ill")
    told = rows("SELECT before, after FROM audit_entries WHERE org_id = :org", org=watch.company.org_id)
    assert "Anna" not in str(told)


def test_a_clock_that_is_set_back_costs_minutes_and_nothing_else(watch: Watch) -> None:
    assert watch.worked(NINE - 5 * MINUTE) == 0
    watch.do("pause", NINE - 5 * MINUTE)
    watch.do("resume", NINE - 4 * MINUTE)
    resumed = watch.do("pause", NINE + 3 * MINUTE)
    assert list(zip(resumed.starts, resumed.ends, strict=True)) == [(NINE, NINE), (NINE, NINE + 3 * MINUTE)]
    watch.do("resume", NINE + MINUTE)
    finished = watch.do("finish", NINE - 60 * MINUTE, planned_minutes=1, overrun_reason="The clock")
    assert (finished.starts[2], finished.ends[2]) == (NINE + 3 * MINUTE, NINE + 3 * MINUTE)
    assert (finished.worked_minutes, finished.finished_at) == (3, NINE)


def test_a_paused_entry_is_finished_without_the_time_since(watch: Watch) -> None:
    watch.do("pause", NINE + 10 * MINUTE)
    finished = watch.do("finish", NINE + 600 * MINUTE, planned_minutes=10)
    assert (finished.worked_minutes, finished.finished_at) == (10, NINE + 600 * MINUTE)


def test_finishing_an_order_ends_whatever_is_open_there(watch: Watch, neighbour: Company) -> None:
    company, elsewhere, theirs = watch.company, Watch(watch.company), Watch(neighbour)
    with transaction(company.scope) as session:
        paused = time_entries.start(session, company.owner, watch.order_id, make_worker(company), now=NINE)
        time_entries.pause(session, company.owner, paused.id, now=NINE + 5 * MINUTE)
        done = time_entries.start(session, company.owner, watch.order_id, make_worker(company), now=NINE)
        time_entries.finish(session, company.owner, done.id, planned_minutes=60, now=NINE + 7 * MINUTE)
    with transaction(company.scope) as session:
        ended = time_entries.finish_all(session, company.owner, watch.order_id, now=NINE + 600 * MINUTE)
        assert ended == 2
        assert time_entries.finish_all(session, company.owner, watch.order_id, now=NINE + 700 * MINUTE) == 0
    with read_only(company.scope) as session:
        found = queries.list_for_order(session, company.owner, watch.order_id, now=NINE)
    assert [(entry.state, entry.worked_minutes) for entry in found] == [
        ("finished", 600),
        ("finished", 5),
        ("finished", 7),
    ]
    assert [entry.finished_at - NINE for entry in found] == [600 * MINUTE, 600 * MINUTE, 7 * MINUTE]
    told = row("SELECT * FROM audit_entries WHERE action = 'time_entries.finish_all'")
    assert set(told["after"]["time_entry_ids"]) == {str(watch.entry_id), str(paused.id)}
    for other in (elsewhere, theirs):
        assert row("SELECT state FROM time_entries WHERE id = :id", id=other.entry_id)["state"] == "running"


def test_finishing_an_order_of_another_organization_ends_nothing(watch: Watch, neighbour: Company) -> None:
    with transaction(neighbour.scope) as session:
        assert time_entries.finish_all(session, neighbour.owner, watch.order_id, now=NINE) == 0
    assert watch.worked(NINE + MINUTE) == 1


def test_a_finished_entry_stays_as_it_is(watch: Watch) -> None:
    watch.do("finish", NINE + 10 * MINUTE, planned_minutes=60)
    before = footprint(watch.company.org_id)
    for verb, more in (("pause", {}), ("resume", {}), ("finish", {"planned_minutes": 60})):
        with pytest.raises(Conflict):
            watch.do(verb, NINE + 20 * MINUTE, **more)
    assert footprint(watch.company.org_id) == before
