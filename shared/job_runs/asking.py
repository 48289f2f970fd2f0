"""Staff ask for a run in their own organization, by hand."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.job_runs import service as job_runs
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked


def ask_by_hand(
    session: Session,
    actor: Actor,
    job: str,
    *,
    slot_at: datetime | None,
    dry_run: bool,
    wishes: dict[str, Any],
    covering: Row[Any] | None,
    now: datetime,
) -> Row[Any]:
    """Have `job` run in the actor's organization, and answer with the run; with `covering`, a run of the whole
    installation which does the same, if there is one. Without `slot_at` it runs beside the others."""
    run = covering
    if run is None:
        who = str(actor.user_id or actor.label)
        asked = Asked(job, actor.org_id, Trigger.STAFF, who, slot_at=slot_at, dry_run=dry_run, wishes=wishes)
        run = job_runs.ask(session, asked, now=now)
    after = {"job": job, "dry_run": dry_run, "wishes": sorted(wishes)}
    audit.record(session, actor, "job_runs.ask", run.id, now=now, after=after)
    return run
