"""Events as SendGrid words them, and the webhook that carries them."""

import json
import secrets
import time
from enum import StrEnum
from functools import partial
from typing import Any

from ops.sandbox.posting import Posting
from ops.sandbox.sendgrid.log import Sent
from ops.sandbox.sendgrid.signing import SigningKey

HEADERS = {"Content-Type": "application/json", "User-Agent": "SendGrid Event API"}


class Kind(StrEnum):
    """What can become of a mail."""

    PROCESSED = "processed"
    DEFERRED = "deferred"
    DELIVERED = "delivered"
    BOUNCE = "bounce"
    DROPPED = "dropped"
    OPEN = "open"
    CLICK = "click"
    SPAMREPORT = "spamreport"
    UNSUBSCRIBE = "unsubscribe"
    GROUP_UNSUBSCRIBE = "group_unsubscribe"
    GROUP_RESUBSCRIBE = "group_resubscribe"


_TELLING: dict[Kind, dict[str, Any]] = {
    Kind.DEFERRED: {"response": "451 4.7.1 Please try again later", "attempt": "1"},
    Kind.DELIVERED: {"response": "250 2.0.0 OK"},
    Kind.BOUNCE: {
        "type": "bounce",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist",
        "status": "5.1.1",
        "bounce_classification": "Invalid Address",
    },
    Kind.DROPPED: {"reason": "Bounced Address", "status": "5.0.0"},
    Kind.OPEN: {"useragent": "Mozilla/5.0", "ip": "192.0.2.7", "sg_machine_open": False},
    Kind.CLICK: {"useragent": "Mozilla/5.0", "ip": "192.0.2.7", "url": "https://example.com/"},
    Kind.GROUP_UNSUBSCRIBE: {"asm_group_id": 10},
    Kind.GROUP_RESUBSCRIBE: {"asm_group_id": 10},
}


def event(kind: Kind, sent: Sent, given: dict[str, Any]) -> dict[str, Any]:
    """An event about ``sent``, as it would come now. ``given`` wins over everything that is filled in."""
    filled_in = {
        "email": sent.recipient,
        "timestamp": int(time.time()),
        "smtp-id": sent.smtp_id,
        "event": kind.value,
        "sg_event_id": secrets.token_urlsafe(16),
        "sg_message_id": f"{sent.message_id}.recvd-sandbox-1-{secrets.token_hex(4).upper()}-2.0",
    }
    return filled_in | _TELLING.get(kind, {}) | sent.custom_args | given


def payload(events: list[Any]) -> bytes:
    """A batch as it is posted. It ends with a line break, which is part of what is signed."""
    return ("[" + ",\r\n".join(json.dumps(each, ensure_ascii=False) for each in events) + "]\r\n").encode()


def signed_headers(body: bytes, key: SigningKey, timestamp_offset: int = 0) -> dict[str, str]:
    """The headers of one try, signed now."""
    return HEADERS | key.headers(body, int(time.time()) + timestamp_offset)


def posting(events: list[Any], url: str, key: SigningKey, **how: Any) -> Posting:
    """A webhook of ``events``; ``how`` has fields of ``Posting``, and ``timestamp_offset`` in seconds."""
    body = payload(events)
    return Posting(body, url, partial(signed_headers, body, key, how.pop("timestamp_offset", 0)), **how)
