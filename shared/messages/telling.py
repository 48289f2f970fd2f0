"""What became of a mail, in a sentence; and what it said, without secrets."""

from datetime import datetime
from typing import Any

from shared.messages.model import Delivery, MessageState, SuppressionReason

HIDDEN = "(secret)"
"""Stands where a secret was."""

_OPENS_SOMETHING = ("password", "token", "secret", "url", "link")
_DELIVERY = {
    Delivery.DEFERRED: "; the recipient's server lets it wait{detail}",
    Delivery.DELIVERED: "; delivered",
    Delivery.BOUNCED: "; it came back{detail}",
    Delivery.DROPPED: "; it was not passed on{detail}",
    Delivery.COMPLAINED: "; delivered, and reported as spam",
}
_KEPT = {
    SuppressionReason.BOUNCED: "Not sent: mails to the address came back.",
    SuppressionReason.UNSUBSCRIBED: "Not sent: the recipient wants no such mails.",
    SuppressionReason.COMPLAINED: "Not sent: the recipient has reported such a mail as spam.",
}


def summary(message: Any) -> str:
    """What became of `message`, for people; times in UTC."""
    error = message.last_error
    match message.state:
        case MessageState.QUEUED:
            return f"Waiting to be sent again; before: {error}" if error else "Waiting to be sent."
        case MessageState.SENDING:
            return "Being sent at this moment."
        case MessageState.RETRYING:
            return f"Waiting: next try at {_clock(message.next_attempt_at)}; the last one: {error}"
        case MessageState.DEAD:
            return f"Given up: {error}" if error else "Given up; why is forgotten."
        case MessageState.SUPPRESSED:
            return _KEPT.get(error, f"Not sent: {error}")
    return f"Taken by the mail server at {_clock(message.sent_at)}{_delivered(message)}."


def suppressed_reason(message: Any) -> str | None:
    """Why `message` is kept from its recipient, if it is; None for one that was taken back."""
    is_kept = message.state == MessageState.SUPPRESSED and message.last_error in set(SuppressionReason)
    return message.last_error if is_kept else None


def without_secrets(variables: dict[str, Any]) -> dict[str, Any]:
    """Variables of a mail for people who may see what it said, but not open what it opens: no password, and no link."""
    return {name: _shown(name, value) for name, value in variables.items()}


def _shown(name: str, value: Any) -> Any:
    if isinstance(value, dict):
        return without_secrets(value)
    if isinstance(value, list):
        return [_shown(name, each) for each in value]
    if isinstance(value, str) and ("://" in value or name.endswith(_OPENS_SOMETHING)):
        return HIDDEN
    return value


def _delivered(message: Any) -> str:
    if message.delivery is None:
        return ""
    detail = f": {message.delivery_detail.rstrip('.')}" if message.delivery_detail else ""
    return _DELIVERY[Delivery(message.delivery)].format(detail=detail)


def _clock(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "an unknown time"
