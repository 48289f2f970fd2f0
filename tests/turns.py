"""Turns of organizations, with something promised at the worst moment."""

from collections.abc import Callable
from uuid import UUID

import pytest

from shared.core.jobs import Job
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from worker.core import turns

MANY = 6
"""So much for one organization that others would have to wait."""


def promised_at_the_last_moment(
    jobs: JobsProbe, company: Company, work: str, go_on: Job, promise: Callable[[Company], UUID]
) -> UUID:
    """A turn finds nothing; then `promise` is made, and its message passed over because there is a turn; then the turn
    ends. Returns what was promised, after all jobs."""
    turns.ask_for(work, company.org_id)
    late: list[UUID] = []
    usual = turns.forget

    def forget(of_work: str, org_id: object) -> bool:
        if not late:
            late.append(promise(company))
            jobs.drain()
        return usual(of_work, company.org_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(turns, "forget", forget)
        jobs.run(go_on.name, {"org_id": str(company.org_id)})
    jobs.drain()
    return late[0]
