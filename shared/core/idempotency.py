"""Answers kept under the caller's `Idempotency-Key`, in the transaction of the effect.

Source: draft-ietf-httpapi-idempotency-key-header.

Same key and same request: the stored answer. Same key, another request: refused. Same key while the first is still
running: refused for now. Refusals are not stored, so a mended request may use its key again.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Index, Select, Text, and_, delete, func, literal, or_, select
from sqlalchemy import cast as as_type
from sqlalchemy.orm import Mapped, Session, mapped_column

from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import Conflict, Invalid, code
from shared.core.leftovers import Leftovers
from shared.core.locks import lock_number
from shared.core.orm import Base, of_organization, table_of

IN_FLIGHT = code("idempotency.in_flight", "A request with this Idempotency-Key is still running")
REUSED = code("idempotency.key_reused", "This Idempotency-Key belongs to another request")

# Two that start at the same instant may both see nothing; the key's row lets one of them commit.
conflict_on("pk_idempotency_keys", IN_FLIGHT, "A request with this key has just ended. Send it again for its answer.")


class StoredAnswer(Base):
    """What was answered to the first request with a key. Keys of different users never meet.

    `user_id` is the actor's `principal_id`.
    """

    __tablename__ = "idempotency_keys"
    __table_args__ = (of_organization(), Index("ix_idempotency_keys_created_at", "created_at"))

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    user_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    status: Mapped[int]
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with a key; `fingerprint` covers method, path and body."""

    key: str
    fingerprint: str

    @staticmethod
    def of(key: str, *parts: bytes) -> "IdempotentRequest":
        digest = hashlib.sha256()
        for part in parts:
            digest.update(len(part).to_bytes(8, "big") + part)
        return IdempotentRequest(key, digest.hexdigest())


KEPT = timedelta(hours=72)
"""For so long a key gives its answer again."""


def _old_answers(now: datetime) -> Select[*tuple[Any, ...]]:
    key = (_answers.c.org_id, _answers.c.user_id, _answers.c.key)
    return select(*key).where(_answers.c.created_at <= now - KEPT).order_by(_answers.c.created_at)


_answers = table_of(StoredAnswer)
OLD_ANSWERS = Leftovers(_answers, _old_answers)


def find_answer(session: Session, actor: Actor, request: IdempotentRequest) -> StoredAnswer | None:
    """The stored answer, or None when this is the first time; then the key is held until the transaction ends.

    Raises `Conflict` while another transaction holds the key, `Invalid` when it was used for another request.
    """
    number = lock_number("idempotency", actor.org_id, actor.principal_id, request.key)
    named = (
        StoredAnswer.org_id == actor.org_id,
        StoredAnswer.user_id == actor.principal_id,
        StoredAnswer.key == request.key,
    )
    one_row = select(literal(1)).subquery()
    look = select(func.pg_try_advisory_xact_lock(number), StoredAnswer).select_from(one_row)
    held, stored = session.execute(look.outerjoin(StoredAnswer, and_(*named))).one()
    if not held:
        raise Conflict(IN_FLIGHT, "The first request with this key has not ended yet. Try again in a moment.")
    if stored is not None and stored.fingerprint != request.fingerprint:
        raise Invalid(REUSED, "This key was used for another request. Take a new one.")
    return cast(StoredAnswer | None, stored)


def store_answer(
    session: Session, actor: Actor, request: IdempotentRequest, *, status: int, body: dict[str, Any], now: datetime
) -> None:
    """Keep the answer; it commits with the effect."""
    session.add(
        StoredAnswer(
            org_id=actor.org_id,
            user_id=actor.principal_id,
            key=request.key,
            fingerprint=request.fingerprint,
            status=status,
            body=body,
            created_at=now,
        )
    )


def forget_answers(session: Session, actor: Actor, *, ids: list[UUID], orders: Select[tuple[UUID]]) -> None:
    """Forget the organization's answers in which one of `ids` is written, and those that are, or name, one of `orders`:
    they repeat what is held on a person."""
    body = StoredAnswer.body
    named = [str(each) for each in ids]
    numbers = select(as_type(orders.subquery().c.id, Text))
    about = [
        *(body[name].astext.in_(named) for name in ("id", "client_id", "lead_id")),
        *(body[name].astext.in_(numbers) for name in ("id", "order_id", "resource_id")),
    ]
    session.execute(delete(StoredAnswer).where(StoredAnswer.org_id == actor.org_id, or_(*about)))
