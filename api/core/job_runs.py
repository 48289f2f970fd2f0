"""Runs of jobs by hand: asking for one, waiting for its end, and how a run is answered.

Whoever waits holds a thread and, between two looks, no connection to the database. Few may wait at once in a process;
others are answered at once, so that waiting never uses up the threads.
"""

from threading import BoundedSemaphore
from time import monotonic, sleep
from typing import Any
from uuid import UUID

from marshmallow import fields

from api.core.context import actor, now, services, tenant
from api.core.idempotency import Answer, create_once
from api.core.schemas import InSchema, Instant, OutSchema
from shared import schedule
from shared.core.orm import columns_of
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.job_runs import asking, reading
from shared.job_runs import service as job_runs
from shared.job_runs.model import OPEN, RunState, Trigger

LONGEST_WAIT = 25.0
"""Seconds. Below the 30 after which proxies give up."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two looks at a run; each pause is half as long again as the one before."""
MOST_WAITING = 2

_waiting = BoundedSemaphore(MOST_WAITING)

_OPERATORS = ("counts", "details", "error", "requested_by")
"""What tells of other companies in a run of the whole installation."""
_SHOWN = ("id", "job", "state", "trigger", "requested_by", "dry_run", "created_at", "started_at", "finished_at")


class RunArguments(InSchema):
    dry_run = fields.Boolean(
        load_default=False, metadata={"description": "Only count what would be done; nothing is changed"}
    )
    wait = fields.Boolean(
        load_default=False,
        metadata={"description": "Answer when the run is over, or after 25 seconds; at once when others wait already"},
    )


class JobRunSchema(OutSchema):
    id = fields.UUID(required=True)
    job = fields.String(required=True, metadata={"example": "cleanup"})
    scope = fields.String(
        required=True,
        metadata={
            "description": "`organization`: your own. `installation`: of all; its counts and errors are not shown to"
            " staff, because they tell of others",
            "enum": ["organization", "installation"],
        },
    )
    state = fields.Enum(RunState, by_value=True, required=True)
    trigger = fields.Enum(Trigger, by_value=True, required=True, metadata={"description": "Who asked for it"})
    requested_by = fields.String(
        required=True, allow_none=True, metadata={"description": "The user, or the name of the login or command"}
    )
    dry_run = fields.Boolean(required=True)
    created_at = Instant(required=True, metadata={"description": "When it was asked for"})
    started_at = Instant(required=True, allow_none=True)
    finished_at = Instant(required=True, allow_none=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        allow_none=True,
        metadata={"description": "What it has done so far; of a dry run, what it would do", "example": {"expired": 2}},
    )
    details = fields.Dict(
        required=True, allow_none=True, metadata={"description": "What it found that is no number", "example": {}}
    )
    error = fields.String(
        required=True, allow_none=True, metadata={"description": "Why it is `failed` or `lost`, for people"}
    )
    covered_by = fields.UUID(
        required=True,
        allow_none=True,
        metadata={"description": "The run of the whole installation that did its work"},
    )


def present_run(run: Any, *, to_operator: bool = False) -> dict[str, Any]:
    """A run as `JobRunSchema` says."""
    columns = columns_of(run)
    of_all = columns["org_id"] is None
    shown = {name: columns[name] for name in (*_SHOWN, *_OPERATORS, "covered_by")}
    if of_all and not to_operator:
        shown |= dict.fromkeys(_OPERATORS)
    return shown | {"scope": "installation" if of_all else "organization"}


def run_by_hand(
    name: str, *, dry_run: bool = False, wait: bool = False, wishes: dict[str, Any] | None = None
) -> Answer:
    """Have the job `name` (`shared/schedule.py`) run in the caller's organization, and answer with the run: 202, or 200
    when it is over.

    One of the whole installation that is going on, or has begun in this minute, does as well, and is answered. So is
    one of the organization's own, which makes one run of all that ask within a minute. A dry run, and one with `wishes`
    of its own (`Run.asked` in the worker), is made whatever others do.
    """
    entry = schedule.entry(services().settings, name)
    slot_at = None if dry_run or wishes else entry.hand_slot(now())
    covering = None
    if slot_at is not None:
        with read_only(PLATFORM) as connection:
            covering = job_runs.find_covering(connection, name, slot_at, now=now())
    body, _, headers = create_once(
        lambda session: present_run(
            asking.ask_by_hand(
                session,
                actor(),
                name,
                slot_at=slot_at,
                dry_run=dry_run,
                wishes=wishes or {},
                covering=covering,
                now=now(),
            )
        ),
        status=202,
    )
    if wait:
        body = _wait_for_end(body)
    status = 202 if body["state"] in OPEN else 200
    return body, status, headers | {"Location": f"/v1/admin/jobs/{body['id']}"}


def find_run(run_id: UUID) -> dict[str, Any]:
    """A run of the caller's organization, or of the whole installation. Raises `NotFound`."""
    with read_only(tenant()) as connection:
        found = reading.find(connection, actor().org_id, run_id)
    if found is None:
        with read_only(PLATFORM) as connection:
            found = reading.find(connection, None, run_id)
    if found is None:
        raise reading.not_found()
    return present_run(found)


def _wait_for_end(run: dict[str, Any]) -> dict[str, Any]:
    """The run at its end, or as it is when the longest wait is over."""
    if not _waiting.acquire(blocking=False):
        return run
    try:
        deadline, pause = monotonic() + LONGEST_WAIT, FIRST_PAUSE
        while run["state"] in OPEN and (left := deadline - monotonic()) > 0:
            sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)
            run = find_run(UUID(str(run["id"])))
        return run
    finally:
        _waiting.release()
