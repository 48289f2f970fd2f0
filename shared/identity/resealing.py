"""Second factors under a new key, while the system runs."""

from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from shared.core.sealing import Resealing
from shared.identity.model import User

_KEY = tuple_(User.org_id, User.id)


def reseal_second_factors(
    session: Session, work: Resealing, *, after: tuple[UUID, UUID] | None, limit: int
) -> tuple[UUID, UUID] | None:
    """Bring the next `limit` second factors under the current key. Returns where to go on, None at the end.

    Locks the accounts, so that a code used at the same time and the removal of a second factor are not written over;
    not their keys, so that people go on signing in elsewhere.
    """
    query = select(User).where(User.totp_secret.is_not(None)).order_by(User.org_id, User.id).limit(limit)
    if after is not None:
        query = query.where(after < _KEY)
    last = None
    for user in session.scalars(query.with_for_update(key_share=True)):
        assert user.totp_secret is not None
        user.totp_secret = work.renewed(user.totp_secret)
        last = (user.org_id, user.id)
    return last
