"""Runs that several people ask for at the same moment."""

from datetime import UTC, datetime
from functools import partial
from threading import Thread
from typing import Any
from uuid import UUID

from shared.core.errors import Conflict
from shared.core.transaction import transaction
from shared.job_runs import service as job_runs
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from tests.concurrency.together import together, until_waiting
from tests.factories.organizations import Company

SLOT = datetime(2026, 3, 1, tzinfo=UTC)


def _ask(company: Company, **values: Any) -> UUID:
    with transaction(company.scope) as session:
        asked = Asked("export_dead_letter", company.org_id, Trigger.STAFF, **values)
        run_id: UUID = job_runs.ask(session, asked, now=datetime.now(UTC)).id
        return run_id


def test_the_same_dry_run_asked_for_twice_at_once_is_one(company: Company) -> None:
    found: list[UUID] = []
    second = Thread(target=lambda: found.append(_ask(company, dry_run=True)))
    with transaction(company.scope) as session:
        asked = Asked("export_dead_letter", company.org_id, Trigger.STAFF, dry_run=True)
        first = job_runs.ask(session, asked, now=datetime.now(UTC)).id
        second.start()
        until_waiting(1)
    second.join(30)
    assert found == [first]


def test_a_dry_run_and_a_real_one_at_once_are_two(company: Company) -> None:
    runs = [partial(_ask, company, dry_run=True), partial(_ask, company, slot_at=SLOT)] * 3
    assert len(set(together(*runs))) == 2


def test_many_wishes_at_once_are_no_more_than_may_wait(company: Company) -> None:
    def wish(number: int) -> UUID | None:
        try:
            return _ask(company, wishes={"error_contains": f"error {number}"})
        except Conflict:
            return None

    found = together(*[partial(wish, number) for number in range(job_runs.MOST_OPEN + 4)])
    assert found.count(None) == 4
