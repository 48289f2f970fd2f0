"""Tables written to files in the background, and forgotten in time."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from shared.core import clock
from shared.core.errors import Unavailable
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only, transaction
from shared.csv_files import jobs, writing
from shared.csv_files.model import CsvFileState
from worker.core.backlog import is_backed_up
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

SWEEP_BATCH = 5
"""A file can have hundreds of parts."""
LONGEST_TURN_SECONDS = 10.0
"""After this long others have their turn; far below the soft time limit of a task."""


@task(jobs.WRITE)
def write(org_id: str, csv_file_id: str) -> dict[str, Any]:
    """Write a file for one turn, part by part, unless it is written or somebody else is at it."""
    scope = Tenant(UUID(org_id))
    ends_at = time.monotonic() + LONGEST_TURN_SECONDS
    with transaction(scope) as session:
        file = writing.claim(session, scope.org_id, UUID(csv_file_id), now=clock.utc_now())
    if file is None:
        return {"outcome": "nothing to do"}
    if file.last_id is None:
        _count(scope, file)
    while file is not None and file.state == CsvFileState.WRITING:
        if time.monotonic() >= ends_at:
            with transaction(scope) as session:
                writing.pause(session, file, now=clock.utc_now())
            return {"outcome": "goes on", "rows": file.rows}
        with transaction(scope) as session:
            file = writing.write_part(session, file, now=clock.utc_now())
    return {"outcome": "too late"} if file is None else {"outcome": "ready", "rows": file.rows}


def _count(scope: Tenant, file: Row[Any]) -> None:
    """Note how many rows there will be. To count them can take longer than a statement may; nobody needs to know."""
    try:
        with read_only(scope) as connection:
            total = writing.count_rows(connection, file)
    except Unavailable:
        return
    with transaction(scope) as session:
        writing.note_total(session, file, total)


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Forget files whose time is over, and bring back those whose message or worker was lost."""
    return until_nothing(_sweep)


def _sweep() -> Counts:
    if is_backed_up(Queue.EXPORTS):
        return {}
    with transaction(PLATFORM) as session:
        return writing.sweep(session, now=clock.utc_now(), limit=SWEEP_BATCH)
