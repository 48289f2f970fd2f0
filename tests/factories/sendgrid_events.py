"""SendGrid's events, signed as SendGrid signs them."""

import json
import time
from typing import Any
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import ec

from ops.sandbox.sendgrid.signing import SigningKey, new_key
from shared.core.transaction import transaction
from shared.messages.model import Message
from tests.factories.messages import make_message
from tests.factories.organizations import Company

KEY = SigningKey(ec.derive_private_key(0x5EED, ec.SECP256R1()))
"""The same in all processes of a test run."""


def told(company: Company, message_id: UUID | str, event: str = "delivered", *, at: float = 0, **more: Any) -> Any:
    """An event about a mail, `at` seconds from now."""
    return {
        "email": company.client_email,
        "timestamp": int(time.time() + at),
        "smtp-id": f"<{message_id}@crewline.test>",
        "event": event,
        "sg_event_id": uuid4().hex,
        "sg_message_id": "sgid-1.recvd-1-2.0",
        "org_id": str(company.org_id),
        "message_id": str(message_id),
    } | more


def hard(**more: Any) -> dict[str, Any]:
    """What a bounce has in it when the address does not exist."""
    return {"type": "bounce", "reason": "550 5.1.1 No such user", "status": "5.1.1"} | more


def posted(events: Any, *, key: SigningKey | None = None, age: int = 0, forged: bool = False) -> dict[str, Any]:
    """What a test client posts: `events` (or bytes) as SendGrid lays them out, and the two headers."""
    body = events if isinstance(events, bytes) else json.dumps(events, separators=(",", ":")).encode() + b"\r\n"
    signing = new_key() if forged else key or KEY
    headers = signing.headers(body, int(time.time()) - age)
    return {"data": body, "content_type": "application/json", "headers": headers}


def make_mail(company: Company, *, to: str | None = None, state: str = "sent", **columns: Any) -> UUID:
    """A mail in `state`, with other `columns` as they are given."""
    message_id = make_message(company, to=to)
    with transaction(company.scope) as session:
        found = session.get_one(Message, (company.org_id, message_id))
        for name, value in ({"state": state} | columns).items():
            setattr(found, name, value)
    return message_id
