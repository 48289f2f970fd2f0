"""The receiver drill: what an organization's endpoint does with deliveries that it should and should not take.

Each case is sent through the real sender, signed or wrongly signed on purpose, and judged by the status alone. The
event is `endpoint.test`: a receiver that knows no such event answers 2xx and does nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from uuid import UUID

from shared.core import webhook_secrets
from shared.exports.trials import TEST, Trial, envelope_of
from shared.integrations.export import Envelope, Signed
from shared.integrations.export.signing import sign

OFF_BY = timedelta(minutes=10)
"""Twice the five minutes of tolerance that Standard Webhooks recommends."""

TOO_MANY = "The receiver limits how much comes, so that nothing is known of this case. Let nine in a row through."


class Expected(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"
    NO_REDIRECT = "no_redirect"


@dataclass(frozen=True, slots=True)
class Secrets:
    """What signs in a drill: the `current` secret, and one that is `over`."""

    current: str
    over: str


@dataclass(frozen=True, slots=True)
class Case:
    """One delivery: how it is made out of a good one, what the receiver should do, and what to do when it does not."""

    name: str
    expected: Expected
    advice: str
    make: Callable[[Envelope, Secrets], Signed]
    id_of: str | None = None
    """The case whose `webhook-id` it has, if not one of its own."""


def _good(envelope: Envelope, secrets: Secrets) -> Signed:
    return sign(envelope, [secrets.current])


def _late(envelope: Envelope, secrets: Secrets) -> Signed:
    return sign(replace(envelope, at=envelope.at - OFF_BY), [secrets.current])


def _early(envelope: Envelope, secrets: Secrets) -> Signed:
    return sign(replace(envelope, at=envelope.at + OFF_BY), [secrets.current])


def _tampered(envelope: Envelope, secrets: Secrets) -> Signed:
    signed = sign(envelope, [secrets.current])
    return replace(signed, body=envelope.body.replace(b'"tampered":false', b'"tampered":true'))


def _unsigned(envelope: Envelope, secrets: Secrets) -> Signed:  # noqa: ARG001 - as the others
    return Signed({}, envelope.body)


def _outdated(envelope: Envelope, secrets: Secrets) -> Signed:
    return sign(envelope, [secrets.over])


def _rotating(envelope: Envelope, secrets: Secrets) -> Signed:
    return sign(envelope, [webhook_secrets.make(), secrets.current])


CASES: Sequence[Case] = (
    Case("good", Expected.ACCEPTED, "Answer 2xx within the time limit, before you do the work.", _good),
    Case(
        "duplicate",
        Expected.ACCEPTED,
        "Answer 2xx to a webhook-id that you have had already, and do nothing: an error makes us send it again.",
        _good,
        id_of="good",
    ),
    Case(
        "late",
        Expected.REFUSED,
        "Answer 4xx when webhook-timestamp is more than five minutes ago: somebody may replay what they have recorded.",
        _late,
    ),
    Case(
        "early",
        Expected.REFUSED,
        "Answer 4xx when webhook-timestamp lies more than five minutes ahead: it could be replayed until then.",
        _early,
    ),
    Case(
        "tampered",
        Expected.REFUSED,
        "Verify webhook-signature over id, timestamp and the raw body, and answer 4xx when it is wrong.",
        _tampered,
    ),
    Case("unsigned", Expected.REFUSED, "Answer 4xx when the webhook headers are missing.", _unsigned),
    Case(
        "outdated_secret",
        Expected.REFUSED,
        "Take an old secret out of the receiver when its time is over, and answer 4xx to what it has signed.",
        _outdated,
    ),
    Case(
        "rotation",
        Expected.ACCEPTED,
        "webhook-signature is a list: accept when any of its signatures is right, not the first one only.",
        _rotating,
    ),
    Case(
        "no_redirect",
        Expected.NO_REDIRECT,
        "Redirects are not followed: set the URL at which the receiver itself answers.",
        _good,
    ),
)


def message_of(case: Case, drill_id: UUID, organization: Any, secrets: Secrets, *, now: datetime) -> Signed:
    """The delivery of `case` in a drill: the same identifiers whenever its turn is taken again."""
    about = {"drill_id": drill_id, "case": case.name, "tampered": False}
    trial = Trial(f"drill_{drill_id}_{case.id_of or case.name}", TEST, now, about)
    return case.make(envelope_of(trial, organization), secrets)


def judged(case: Case, *, status: int | None, error: str | None, ms: float) -> dict[str, Any]:
    """A line of the scorecard: `status` is the answer, `error` why there was none."""
    passed = status is not None and _is_expected(case.expected, status)
    advice = TOO_MANY if status == HTTPStatus.TOO_MANY_REQUESTS else case.advice
    return {
        "case": case.name,
        "expected": str(case.expected),
        "status": status,
        "error": error,
        "ms": round(ms),
        "passed": passed,
        "advice": None if passed else advice,
    }


def _is_expected(expected: Expected, status: int) -> bool:
    kind = status // 100
    if expected == Expected.ACCEPTED:
        return kind == HTTPStatus.OK // 100
    if expected == Expected.REFUSED:
        return kind == HTTPStatus.BAD_REQUEST // 100 and status != HTTPStatus.TOO_MANY_REQUESTS
    return kind != HTTPStatus.MULTIPLE_CHOICES // 100
