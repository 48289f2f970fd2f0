"""Temporary passwords of mails that are still to be sent, under a new key, while the system runs."""

from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from shared.core.sealing import Resealing
from shared.messages.model import SEALED_PASSWORD, UNFINISHED, Message

_KEY = tuple_(Message.org_id, Message.id)


def reseal_passwords(
    session: Session, work: Resealing, *, after: tuple[UUID, UUID] | None, limit: int
) -> tuple[UUID, UUID] | None:
    """Bring the sealed passwords of the next `limit` mails under the current key. Returns where to go on, None at the
    end. Locks the mails: the outcome of a sending at the same time is not written over."""
    owed = (Message.state.in_(UNFINISHED), Message.variables[SEALED_PASSWORD].is_not(None))
    query = select(Message).where(*owed).order_by(Message.org_id, Message.id).limit(limit)
    if after is not None:
        query = query.where(after < _KEY)
    last = None
    for message in session.scalars(query.with_for_update(key_share=True)):
        renewed = work.renewed(message.variables[SEALED_PASSWORD])
        if renewed != message.variables[SEALED_PASSWORD]:
            message.variables = message.variables | {SEALED_PASSWORD: renewed}
        last = (message.org_id, message.id)
    return last
