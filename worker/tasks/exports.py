"""Exports: delivering events to other systems, and looking after those that were given up."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.core import clock
from shared.core.errors import Refusal
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.exports import delivering, jobs, outcomes, targets
from shared.exports.events import body_of
from shared.exports.outcomes import Health, Outcome
from shared.exports.targets import Target
from shared.integrations.export import Envelope
from shared.integrations.export.signing import sign
from worker.core import background, turns
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import Counts, Run, periodic
from worker.core.task import task

EVENTS = "events"
SWEEP_BATCH = 500
LONGEST_TURN_SECONDS = 1.0
"""After this long other organizations have their turn."""
SLOW_SECONDS = 1.0
"""A target that takes so long to fail has no second try in the same turn."""
_FIRST = UUID(int=0)


@task(jobs.DELIVER)
def deliver(org_id: str) -> dict[str, Any]:
    """Deliver what is due of an organization, for one turn; nothing while exports are off, or its next turn is asked
    for already."""
    scope = Tenant(UUID(org_id))
    if services().settings.export_mode == "off":
        return {"outcome": "exports are off"}
    if turns.is_asked_for(EVENTS, scope.org_id):
        return {"outcome": "the next turn is asked for"}
    return background.run(partial(_turn, scope))


@task(jobs.GO_ON)
def go_on(org_id: str) -> dict[str, Any]:
    """Deliver what was left of an organization when its last turn was over."""
    return background.run(partial(_turn, Tenant(UUID(org_id))))


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Ask for the turns of organizations to which something is due, once each."""
    after = _FIRST
    while services().settings.export_mode != "off" and not is_backed_up(Queue.EXPORTS):
        with transaction(PLATFORM) as session:
            owing = delivering.sweep(session, services().settings, after, now=clock.utc_now(), limit=SWEEP_BATCH)
        yield {"asked": len(owing)}
        if len(owing) < SWEEP_BATCH:
            return
        after = owing[-1]


@dataclass(slots=True)
class _Turn:
    """One organization's: the row of its target, which we hold, and what has been found out about that."""

    scope: Tenant
    endpoint: Row[Any]
    organization: Row[Any, Any]
    target: Target
    health: Health
    ends_at: float
    counts: dict[str, int] = field(default_factory=dict)


def _turn(scope: Tenant) -> dict[str, Any]:
    if services().settings.export_mode == "off":
        turns.forget(EVENTS, scope.org_id)
        return {"outcome": "exports are off"}
    with transaction(scope) as session:
        begun = _begin(session, scope)
    if begun is None:
        turns.forget(EVENTS, scope.org_id)  # who holds the target looks again when done, and the sweep after a rest
        return {"outcome": "no target, or not now"}
    turn, claimed = begun
    if claimed is None:
        _hear_all_again(turn)
    while claimed is not None:
        outcome, goes_on = _deliver(turn, claimed)
        turn.counts[outcome.state] = turn.counts.get(outcome.state, 0) + 1
        if not goes_on or time.monotonic() >= turn.ends_at:
            _end(turn, claimed, outcome)
            break
        claimed = _record_and_claim(turn, claimed, outcome)
    return turn.counts or {"outcome": "nothing to do"}


def _begin(session: Session, scope: Tenant) -> tuple[_Turn, Row[Any] | None] | None:
    """Take the organization's turn, and its first event. None when it has none."""
    settings, now = services().settings, clock.utc_now()
    endpoint = targets.claim(session, scope.org_id, settings, now=now)
    if endpoint is None:
        return None
    health = Health.of(endpoint, now=now)
    try:
        target = targets.target_of(endpoint, settings, now=now)
    except ValueError as error:
        health.fail(f"The secret cannot be used: {error}.", now=now, rest=outcomes.LONGEST_REST)
        target = None
    if target is None:
        targets.release(session, endpoint, health)
        return None
    organization = delivering.organization(session, scope.org_id)
    turn = _Turn(scope, endpoint, organization, target, health, time.monotonic() + LONGEST_TURN_SECONDS)
    claimed = delivering.claim(session, scope.org_id, settings, now=now)
    if claimed is None:
        _release(session, turn)
    return turn, claimed


def _deliver(turn: _Turn, claimed: Row[Any]) -> tuple[Outcome, bool]:
    """One try. Returns what came of it, and whether the next event is worth one now."""
    settings, now, started = services().settings, clock.utc_now(), time.monotonic()
    if outcomes.is_hopeless(claimed, settings):
        return outcomes.dead(claimed, outcomes.DIED, now=now), True
    envelope = Envelope(str(claimed.id), body_of(claimed, turn.organization), now)
    try:
        answer = services().webhook_sender.send(turn.target.url, sign(envelope, turn.target.secrets))
    except Refusal as refusal:
        outcome = outcomes.of_refusal(claimed, refusal, turn.health, settings, now=clock.utc_now())
    else:
        outcome = outcomes.of_answer(claimed, answer, turn.health, settings, now=clock.utc_now())
    fails_slowly = turn.health.failures > 0 and time.monotonic() - started > SLOW_SECONDS
    return outcome, not turn.health.lets_others_wait and not fails_slowly


def _record_and_claim(turn: _Turn, claimed: Row[Any], outcome: Outcome) -> Row[Any] | None:
    """The next event; the turn is over when there is none."""
    with transaction(turn.scope) as session:
        following = delivering.record_and_claim(session, claimed, outcome, services().settings, now=clock.utc_now())
        is_left = following is not None or _release(session, turn)
    if not is_left:
        _hear_all_again(turn)
    return following


def _end(turn: _Turn, claimed: Row[Any], outcome: Outcome) -> None:
    """Record the last event, and have the rest sent later; unless the target rests: then the sweep asks for it."""
    if not turn.health.lets_others_wait:
        turns.ask_for(EVENTS, turn.scope.org_id)
    with transaction(turn.scope) as session:
        delivering.record(session, claimed, outcome)
        is_left = _release(session, turn)
    if not is_left:
        _hear_all_again(turn)


def _release(session: Session, turn: _Turn) -> bool:
    """Let go of the target. Looks after that for what is due: who has promised more and found the target taken, has
    said so before. Returns whether a next turn is asked for."""
    targets.release(session, turn.endpoint, turn.health)
    if turn.health.lets_others_wait:
        return False
    return delivering.ask_for_rest(session, turn.scope.org_id, now=clock.utc_now())


def _hear_all_again(turn: _Turn) -> None:
    """No next turn is asked for. Messages that were passed over until now may have been about an event that was
    promised after nothing was found."""
    if turns.forget(EVENTS, turn.scope.org_id) and not turn.health.lets_others_wait:
        with transaction(turn.scope) as session:
            delivering.ask_for_rest(session, turn.scope.org_id, now=clock.utc_now())
