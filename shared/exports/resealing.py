"""Secrets of webhook endpoints under a new key, while the system runs."""

from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from shared.core.sealing import Resealing
from shared.exports.model import WebhookEndpoint


def reseal_webhook_secrets(
    session: Session, work: Resealing, *, after: tuple[UUID, UUID] | None, limit: int
) -> tuple[UUID, UUID] | None:
    """Bring the secrets of the next `limit` endpoints under the current key. Returns where to go on, None at the end.
    Locks the endpoints: a rotation at the same time is not written over. Their version stays, for they are the same."""
    has_one = or_(WebhookEndpoint.sealed_secret.is_not(None), WebhookEndpoint.sealed_previous_secret.is_not(None))
    query = select(WebhookEndpoint).where(has_one).order_by(WebhookEndpoint.org_id).limit(limit)
    if after is not None:
        query = query.where(WebhookEndpoint.org_id > after[0])
    last = None
    for endpoint in session.scalars(query.with_for_update(key_share=True)):
        if endpoint.sealed_secret is not None:
            endpoint.sealed_secret = work.renewed(endpoint.sealed_secret)
        if endpoint.sealed_previous_secret is not None:
            endpoint.sealed_previous_secret = work.renewed(endpoint.sealed_previous_secret)
        last = (endpoint.org_id, endpoint.org_id)
    return last
