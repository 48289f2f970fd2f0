"""The receiver drill: a run that is asked for by hand, one delivery after the other, outside any transaction."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from shared.core import clock, webhook_secrets
from shared.core.errors import Refusal
from shared.core.tenancy import Tenant
from shared.core.transaction import read_only
from shared.exports import delivering, drill, endpoints
from shared.exports.drill import Case, Secrets
from shared.exports.targets import target_of
from worker.core.boot import services
from worker.core.periodic import Counts, Run, by_hand


@by_hand("webhook_drill", calls_out=True)
def webhook_drill(run: Run) -> Iterator[Counts]:
    """Send every case to the organization's endpoint, and keep the scorecard in the run's details. Cases of an earlier
    turn are not sent again."""
    assert isinstance(run.scope, Tenant)
    if services().settings.export_mode == "off":
        run.details["problem"] = "EXPORT_MODE is off."
        return
    receiver = _prepare(run.scope)
    if receiver is None:
        run.details["problem"] = "There is no endpoint with a secret that can be read."
        return
    card: list[dict[str, Any]] = run.details.setdefault("cases", [])
    for case in drill.CASES[len(card) :]:
        line = _send(receiver, case, run.id)
        card.append(line)
        run.details.update(passed=sum(each["passed"] for each in card), total=len(drill.CASES))
        yield {"sent": 1, "passed": int(line["passed"])}


@dataclass(frozen=True, slots=True)
class _Receiver:
    """Where to send, what signs, and whose it is."""

    url: str
    secrets: Secrets
    organization: Row[Any, Any]


def _prepare(scope: Tenant) -> _Receiver | None:
    settings, now = services().settings, clock.utc_now()
    with read_only(scope) as session:
        endpoint = endpoints.find_row(session, scope.org_id)
        organization = delivering.organization(session, scope.org_id)
    if endpoint is None or endpoint.url is None:
        return None
    try:
        target = target_of(endpoint, settings, now=now)
        over = endpoints.secret_that_is_over(endpoint, settings, now=now)
    except ValueError:  # there is no key to read them with
        return None
    if target is None:
        return None
    return _Receiver(target.url, Secrets(target.secrets[0], over or webhook_secrets.make()), organization)


def _send(receiver: _Receiver, case: Case, drill_id: UUID) -> dict[str, Any]:
    started = time.monotonic()
    message = drill.message_of(case, drill_id, receiver.organization, receiver.secrets, now=clock.utc_now())
    try:
        status, error = services().webhook_sender.send(receiver.url, message).status, None
    except Refusal as refusal:
        status, error = None, refusal.code
    return drill.judged(case, status=status, error=error, ms=(time.monotonic() - started) * 1000)
