"""Events that are sent to see how a receiver does. They are shaped like all others, and no row: nothing is owed."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.exports.events import body_of
from shared.integrations.export import Envelope

PROBE = "endpoint.probe"
"""Is the target back? Sent before events that were given up are replayed."""
TEST = "endpoint.test"
"""Does the receiver do as it should? Sent in a drill."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One of them. `id` is its `webhook-id`."""

    id: str
    event: str
    created_at: datetime
    payload: dict[str, Any] = field(default_factory=dict)


def envelope_of(trial: Trial, organization: Any) -> Envelope:
    """The trial for a receiver of `organization` (its `id` and `slug`), made at this moment."""
    return Envelope(trial.id, body_of(trial, organization), trial.created_at)
