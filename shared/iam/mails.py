"""What people are told about their account by mail: that there is one, or that its password was reset."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.sealing import seal
from shared.core.settings import Settings
from shared.identity.model import User
from shared.messages import service as messages
from shared.messages.model import SEALED_PASSWORD, MessageKind
from shared.organizations import service as organizations


def promise(
    session: Session, settings: Settings, actor: Actor, user: User, kind: MessageKind, *, password: str, now: datetime
) -> None:
    """Promise the mail; with the temporary password in it only when `EMAIL_TEMP_PASSWORDS` says so, and then sealed
    until it is rendered."""
    organization = organizations.get(session, actor.org_id)
    assert user.temp_password_until is not None
    variables = {
        "name": user.name,
        "email": user.email,
        "role": user.role,
        "slug": organization.slug,
        "until": user.temp_password_until.astimezone(UTC).isoformat(),
    }
    if settings.email_temp_passwords:
        variables[SEALED_PASSWORD] = seal(settings, password)
    messages.queue(session, actor, kind, user.email, variables, dedupe_key=f"{kind}:{user.id}:{new_id()}", now=now)
