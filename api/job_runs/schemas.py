from datetime import datetime
from typing import Any

from marshmallow import fields

from api.core.job_runs import JobRunSchema, present_run
from api.core.schemas import Instant, OutSchema, PageArguments, Text
from shared.job_runs.model import RunState
from shared.job_runs.overview import Health
from shared.schedule import Scheduled


class JobRunListArguments(PageArguments):
    job = Text(limit=60, metadata={"description": "Only of this job", "example": "cleanup"})
    state = fields.Enum(RunState, by_value=True)


class JobSchema(OutSchema):
    name = fields.String(required=True, metadata={"example": "cleanup"})
    why = fields.String(required=True, metadata={"description": "What it looks after"})
    cadence_seconds = fields.Float(
        required=True, allow_none=True, metadata={"description": "Null: only when it is asked for", "example": 300.0}
    )
    by_hand = fields.Boolean(required=True, metadata={"description": "Staff may ask for it in their organization"})
    next_due_at = Instant(
        required=True,
        allow_none=True,
        metadata={"description": "In the past: overdue since then. Null when it has no cadence"},
    )
    is_running = fields.Boolean(required=True, metadata={"description": "For the whole installation, at this moment"})
    is_failing = fields.Boolean(required=True, metadata={"description": "5 or more failures in a row"})
    consecutive_failures = fields.Integer(
        required=True, metadata={"description": "Since the last success, failed or lost; counted up to 1000"}
    )
    last_success_at = Instant(required=True, allow_none=True, metadata={"description": "When that run ended"})
    last_run = fields.Nested(
        JobRunSchema, required=True, allow_none=True, metadata={"description": "Of the whole installation"}
    )
    own_last_run = fields.Nested(
        JobRunSchema,
        required=True,
        allow_none=True,
        metadata={"description": "Of the caller's organization alone, dry runs aside. Null to an operator"},
    )


class JobListSchema(OutSchema):
    data = fields.List(fields.Nested(JobSchema), required=True)


def present_job(job: Scheduled, health: Health, own: Any, *, to_operator: bool, now: datetime) -> dict[str, Any]:
    """A job as `JobSchema` says."""
    return {
        "name": job.name,
        "why": job.why,
        "cadence_seconds": job.every,
        "by_hand": job.by_hand,
        "next_due_at": job.next_due(health.taken_slot, now),
        "is_running": health.is_running,
        "is_failing": health.is_failing,
        "consecutive_failures": health.failures,
        "last_success_at": health.done.finished_at if health.done is not None else None,
        "last_run": present_run(health.last, to_operator=to_operator) if health.last is not None else None,
        "own_last_run": present_run(own) if own is not None else None,
    }
