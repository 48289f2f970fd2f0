"""SendGrid's signed event webhook: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event.

A local computation: no breaker may ever sit around it, or forged posts could switch real ones off.
"""

import json
import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from sendgrid import EventWebhook

from shared.core.errors import Invalid
from shared.integrations.mail.events import BAD_BODY, BAD_SIGNATURE, MESSAGE_ID, ORG_ID, Happening, MailEvent

log = structlog.get_logger(__name__)

LONGEST_DETAIL = 500
LONGEST_ID = 200
_TIMESTAMP = re.compile(r"[0-9]{1,20}", re.ASCII)
"""It stands right in front of the body in what is signed: with anything else in it, the two could be cut elsewhere."""

_HAPPENINGS = {
    "deferred": Happening.DEFERRED,
    "delivered": Happening.DELIVERED,
    "bounce": Happening.BOUNCED,
    "dropped": Happening.DROPPED,
    "spamreport": Happening.COMPLAINED,
    "unsubscribe": Happening.UNSUBSCRIBED,
    "group_unsubscribe": Happening.UNSUBSCRIBED,
}
"""Others (`processed`, `open`, `click`, `group_resubscribe`) say nothing that is kept."""
_HARD_BOUNCES = frozenset({"bounce", "bounced"})
"""The other types, `blocked` above all, are about a mail or a moment, not about the address."""
_BAD_ADDRESSES = frozenset({"bounced address", "invalid"})


class SendGridEventVerifier:
    """Accepts what SendGrid has signed with the private part of `public_key` (base64 of DER, as its settings page
    shows it). A signature has no end, since SendGrid tries again for a day: events that are older than what is known
    change nothing (`shared/messages/deliveries.py`)."""

    def __init__(self, public_key: str) -> None:
        self._webhook = EventWebhook(public_key) if public_key else None

    @property
    def enabled(self) -> bool:
        return self._webhook is not None

    def verify(self, body: bytes, signature: str, timestamp: str) -> Sequence[MailEvent]:
        """See `MailEventVerifier.verify`."""
        if not self._is_genuine(body, signature, timestamp):
            log.warning("sendgrid.bad_signature", bytes=len(body), timestamp=timestamp[:20])
            raise Invalid(BAD_SIGNATURE, "The signature does not match the body.")
        try:
            # As tolerant as can be: what strangers' servers say is in here, and one event must not spoil the others.
            told = json.loads(body, parse_int=float)
        except (ValueError, RecursionError) as error:
            raise Invalid(BAD_BODY, "The body is not JSON.") from error
        if not isinstance(told, list):
            raise Invalid(BAD_BODY, "The body is no list.")
        events = [event for each in told if isinstance(each, dict) and (event := _event(each)) is not None]
        log.info("sendgrid.events", told=len(told), ours=len(events))
        return events

    def _is_genuine(self, body: bytes, signature: str, timestamp: str) -> bool:
        if self._webhook is None or not _TIMESTAMP.fullmatch(timestamp):
            return False
        try:
            return bool(self._webhook.verify_signature(body.decode(), signature, timestamp))
        except (ValueError, TypeError):
            # Hostile bytes make the SDK raise errors of several kinds.
            return False


def _event(told: dict[str, Any]) -> MailEvent | None:
    """None for what is not kept, or makes no sense."""
    name, email = told.get("event"), told.get("email")
    what = _HAPPENINGS.get(name) if isinstance(name, str) else None
    at, org_id, message_id = _instant(told.get("timestamp")), _uuid(told.get(ORG_ID)), _uuid(told.get(MESSAGE_ID))
    if what is None or at is None or org_id is None or message_id is None or not isinstance(email, str):
        return None
    return MailEvent(
        org_id=org_id,
        message_id=message_id,
        email=_storable(email),
        what=what,
        at=at,
        is_bad_address=_is_bad_address(what, told),
        detail=_detail(told),
        provider_id=_provider_id(told.get("sg_message_id")),
    )


def _is_bad_address(what: Happening, told: dict[str, Any]) -> bool:
    if what is Happening.BOUNCED:
        return _text(told.get("type")).lower() in _HARD_BOUNCES
    return what is Happening.DROPPED and _text(told.get("reason")).lower() in _BAD_ADDRESSES


def _detail(told: dict[str, Any]) -> str | None:
    """What the other server said, or why SendGrid did not ask it."""
    said = _text(told.get("reason")) or _text(told.get("response"))
    status = _text(told.get("status"))
    if status and status not in said:
        said = f"{status} {said}"
    return said[:LONGEST_DETAIL].strip() or None


def _provider_id(given: Any) -> str | None:
    """What mail/send called it in `X-Message-Id`: the part before the first dot."""
    return _text(given).partition(".")[0][:LONGEST_ID] or None


def _instant(given: Any) -> datetime | None:
    if not isinstance(given, float) or not math.isfinite(given):
        return None
    try:
        return datetime.fromtimestamp(given, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _uuid(given: Any) -> UUID | None:
    try:
        return UUID(given) if isinstance(given, str) else None
    except ValueError:
        return None


def _text(given: Any) -> str:
    return _storable(given).strip() if isinstance(given, str) else ""


def _storable(text: str) -> str:
    """Without what no column of text can hold: NULs and halves of characters."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
