"""What `cleanup` takes away: what was meant to live for hours. Step by step, each in batches, the urgent ones first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from shared.core import idempotency
from shared.core.leftovers import Leftovers
from shared.core.orm import Reader
from shared.identity import leftovers
from shared.order_photos import sweeping
from shared.orders import holds

BATCH = 500
SMALL_BATCH = 50
"""Of what takes several statements a row."""

Counts = dict[str, int]


@dataclass(frozen=True, slots=True)
class Step:
    """`do` makes one batch, `count` says what all of them would do, with the same names. One that is `of_platform`
    looks at what belongs to no organization, and is left out of an organization's own run."""

    do: Callable[[Session, datetime], Counts]
    count: Callable[[Reader, datetime], Counts]
    of_platform: bool = False


def _removing(name: str, rows: Leftovers, *, of_platform: bool = False) -> Step:
    return Step(
        lambda session, now: {name: rows.remove(session, now=now, limit=BATCH)},
        lambda session, now: {name: rows.count(session, now=now)},
        of_platform,
    )


STEPS = (
    Step(
        lambda session, now: holds.expire_due(session, now=now, limit=SMALL_BATCH),
        lambda session, now: holds.count_due(session, now=now),
    ),
    Step(
        lambda session, now: {"uploads": sweeping.give_up_uploads(session, now=now, limit=SMALL_BATCH)},
        lambda session, now: {"uploads": sweeping.count_abandoned(session, now=now)},
    ),
    _removing("password_links", leftovers.PASSWORD_LINKS),
    _removing("refresh_tokens", leftovers.REFRESH_TOKENS),
    _removing("sign_in_attempts", leftovers.SIGN_IN_ATTEMPTS, of_platform=True),
    _removing("idempotency_keys", idempotency.OLD_ANSWERS),
)
