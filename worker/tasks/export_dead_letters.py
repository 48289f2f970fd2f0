"""Looking after events that were given up: moved to dead, replayed by themselves, warned of; or replayed by hand."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from shared.core import clock
from shared.core.actor import system
from shared.core.errors import Refusal
from shared.core.ids import new_id
from shared.core.tenancy import Scope, Tenant
from shared.core.transaction import read_only, transaction
from shared.exports import auto_replaying, dead_letters, delivering, endpoints, jobs, warning
from shared.exports.auto_replaying import LABEL, Limits
from shared.exports.dead_letters import Filters
from shared.exports.targets import Target, target_of
from shared.exports.trials import PROBE, Trial, envelope_of
from shared.integrations.export.signing import sign
from worker.core.boot import services
from worker.core.organizations import ids_after
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

BATCH = 500
ORGANIZATIONS = 100
"""Looked up at once; each has transactions of its own."""
BEGAN = "began_at"
"""Kept with the run: what it has seen in an earlier turn is not looked at again."""
AT = "at"
"""Kept with a dry run between its turns: the organization that it has counted last."""

Probes = dict[Target, bool]


@task(jobs.DEAD_LETTER)
@periodic("export_dead_letter", calls_out=True)
def export_dead_letter(run: Run) -> Iterator[Counts]:
    """Move exhausted events to dead, replay within limits what was given up, and warn staff of a growing pile; or
    replay what was asked for."""
    began = datetime.fromisoformat(run.details.setdefault(BEGAN, clock.utc_now().isoformat()))
    if run.asked and isinstance(run.scope, Tenant):
        yield from _replay_asked(run.scope, Filters.asked(run.asked), began, is_dry=run.dry_run)
    elif run.dry_run:
        yield from _count(run)
    else:
        yield from until_nothing(partial(_give_up, run.scope))
        yield from _replay_by_itself(run, began)
        yield from _warn(run.scope)


def _replay_asked(scope: Tenant, wanted: Filters, began: datetime, *, is_dry: bool) -> Iterator[Counts]:
    """Replay what was dead when the run began, in batches; at the end, say what could not be."""
    actor = system(scope.org_id, LABEL)
    with transaction(scope) as session:
        left = dead_letters.count_obstacles(session, actor, wanted)
    replayable = left.pop(None, 0)
    if is_dry:
        yield {"replayed": replayable}
    else:
        yield from until_nothing(partial(_replay_batch, scope, wanted, began))
    yield {f"skipped_{name.rpartition('.')[2]}": number for name, number in left.items() if name}


def _replay_batch(scope: Tenant, wanted: Filters, began: datetime) -> Counts:
    actor, now = system(scope.org_id, LABEL), clock.utc_now()
    with transaction(scope) as session:
        replayed = dead_letters.replay_batch(session, actor, wanted, dead_before=began, limit=BATCH, now=now)
    return {"replayed": replayed}


def _count(run: Run) -> Iterator[Counts]:
    """What would be done if every target took its probe; what is given up in the same run is not replayed in this
    count, because its target fails. A statement for each organization: one over all of them would take longer than
    statements may."""
    settings, now = services().settings, clock.utc_now()
    has_default = bool(settings.export_webhook_url)
    for org_id in _left(run):
        with read_only(Tenant(org_id)) as connection:
            found = {"given_up": delivering.count_exhausted(connection, settings, now=now)}
            if _replays_by_itself():
                limits = Limits.of(settings)
                found["replayed"] = auto_replaying.count_within(connection, limits, has_default=has_default, now=now)
        run.details[AT] = str(org_id)
        yield found
    run.details.pop(AT, None)


def _left(run: Run) -> Iterator[UUID]:
    last = UUID(run.details[AT]) if AT in run.details else None
    if isinstance(run.scope, Tenant):
        yield from [] if last else [run.scope.org_id]
    else:
        yield from ids_after(last)


def _give_up(scope: Scope) -> Counts:
    with transaction(scope) as session:
        return {
            "given_up": delivering.give_up_exhausted(session, services().settings, now=clock.utc_now(), limit=BATCH)
        }


def _replays_by_itself() -> bool:
    settings = services().settings
    return settings.export_mode != "off" and settings.export_dead_letter_auto_replay


def _replay_by_itself(run: Run, began: datetime) -> Iterator[Counts]:
    """Probe the targets of organizations that have something to replay, one by one, and replay where that worked."""
    if not _replays_by_itself():
        return
    limits, probes = Limits.of(services().settings), Probes()
    last = None
    while org_ids := _find_waiting(run.scope, limits, began, last):
        for org_id in org_ids:
            worked = _probe(Tenant(org_id), probes, began)
            yield {"probed": 1, "probes_failed": int(not worked)}
            if worked:
                yield from until_nothing(partial(_replay_within, Tenant(org_id), limits, began))
        last = org_ids[-1]


def _find_waiting(scope: Scope, limits: Limits, began: datetime, after: UUID | None) -> list[UUID]:
    with transaction(scope) as session:
        return auto_replaying.find_waiting(
            session, limits, after=after, probed_before=began, now=clock.utc_now(), limit=ORGANIZATIONS
        )


def _probe(scope: Tenant, probes: Probes, began: datetime) -> bool:
    """Whether the target of an organization takes a signed event: asked once in a run. The installation's is asked once
    in a turn, whoever's events it is to get."""
    with transaction(scope) as session:
        endpoint = endpoints.find_row(session, scope.org_id)
        organization = delivering.organization(session, scope.org_id)
    if endpoint is not None and endpoint.probed_at is not None and endpoint.probed_at >= began:
        return bool(endpoint.probe_worked)
    worked = False
    with suppress(ValueError):  # there is no key to read its secret with
        target = target_of(endpoint, services().settings, now=clock.utc_now())
        if target is not None:
            worked = probes[target] = probes[target] if target in probes else _send_probe(target, organization)
    with transaction(scope) as session:
        auto_replaying.record_probe(session, scope.org_id, worked=worked, now=clock.utc_now())
    return worked


def _send_probe(target: Target, organization: Any) -> bool:
    envelope = envelope_of(Trial(f"probe_{new_id()}", PROBE, clock.utc_now()), organization)
    try:
        return services().webhook_sender.send(target.url, sign(envelope, target.secrets)).is_success
    except (Refusal, ValueError):  # away, forbidden, or its secret signs nothing: the others are looked after
        return False


def _replay_within(scope: Tenant, limits: Limits, began: datetime) -> Counts:
    with transaction(scope) as session:
        replayed = auto_replaying.replay_batch(
            session, scope.org_id, limits, probed_since=began, limit=BATCH, now=clock.utc_now()
        )
    return {"replayed": replayed}


def _warn(scope: Scope) -> Iterator[Counts]:
    """Each organization's pile in a transaction of its own."""
    while True:
        with transaction(scope) as session:
            org_ids = warning.find_changed(session, now=clock.utc_now(), limit=ORGANIZATIONS)
        for org_id in org_ids:
            with transaction(Tenant(org_id)) as session:
                warned = warning.warn(session, org_id, now=clock.utc_now())
            yield {"warned": warned}
        if len(org_ids) < ORGANIZATIONS:
            return
