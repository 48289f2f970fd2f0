"""Forgetting what was copied out of a person's rows: events of Stripe, answers of other systems."""

from datetime import datetime

from sqlalchemy import Text, case, cast, func, or_, select, update
from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.orm import table_of
from shared.exports.model import WebhookEndpoint
from shared.job_runs.model import OPEN as OPEN_RUNS
from shared.job_runs.model import JobRun, RunState
from shared.payments.model import Payment
from shared.privacy.person import Person

FORGOTTEN = "What it said is forgotten: a person was erased."
"""What stands where an error was."""

_runs, _endpoints, _payments = table_of(JobRun), table_of(WebhookEndpoint), table_of(Payment)


def forget_stripe_events(session: Session, who: Person) -> None:
    """Take everything but identifiers, states and amounts out of the events about what the person has paid. The table
    belongs to no organization: the database lends a function that touches nothing else (migration 0027)."""
    payment = _payments.c
    mine = (payment.org_id == who.org_id, payment.order_id.in_(who.orders))
    intents = func.array(select(payment.stripe_payment_intent_id).where(*mine).scalar_subquery())
    orders = func.array(select(cast(who.orders.subquery().c.id, Text)).scalar_subquery())
    session.execute(select(func.forget_in_stripe_events(intents, orders)))


def forget_answers_of_systems(session: Session, actor: Actor, *, now: datetime) -> None:
    """Forget what a receiver of events has answered last, and what runs of jobs that are over have found: both may
    quote anything. A turn of deliveries that is going on may have told of the person: with another version it writes
    down nothing of what it hears. A run that looks for a text ends, because the text may be theirs."""
    endpoint, run = _endpoints.c, _runs.c
    said = or_(endpoint.last_error.is_not(None), endpoint.busy_until.is_not(None))
    error = case((endpoint.last_error.is_not(None), FORGOTTEN))
    forgetting = update(_endpoints).where(endpoint.org_id == actor.org_id, said)
    session.execute(forgetting.values(last_error=error, version=endpoint.version + 1))
    looks = (run.org_id == actor.org_id, run.state.in_(OPEN_RUNS), run.asked.has_key("error_contains"))
    session.execute(update(_runs).where(*looks).values(state=RunState.FAILED, finished_at=now, error=FORGOTTEN))
    over = (run.org_id == actor.org_id, run.state.not_in(OPEN_RUNS))
    error = case((run.error.is_not(None), FORGOTTEN))
    session.execute(update(_runs).where(*over).values(details={}, asked={}, error=error))
