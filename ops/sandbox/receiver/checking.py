"""Whether a delivery is genuine: what a company's developer does, in five lines, with the standard's own package."""

import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum

from standardwebhooks import Webhook, WebhookVerificationError


class Verdict(StrEnum):
    """What the receiver thinks of a delivery."""

    GENUINE = "genuine"
    DUPLICATE = "duplicate"  # genuine, and its id has been here before
    REFUSED = "refused"  # signed by nobody we know, or too long ago
    UNCHECKED = "unchecked"  # the receiver was given no secret


class Judge:
    """Knows the secrets and the ids that were here. Safe to use from several threads."""

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._lock = threading.Lock()
        self._seen: set[str] = set()
        self.secrets = tuple(secrets)

    def judge(self, body: bytes, headers: Mapping[str, str]) -> tuple[Verdict, str]:
        """The verdict, and why a delivery is refused."""
        if self.secrets:
            reason = self._fault(body, headers)
            if reason:
                return Verdict.REFUSED, reason
        with self._lock:
            is_known = headers.get("webhook-id", "") in self._seen
            self._seen.add(headers.get("webhook-id", ""))
        if is_known:
            return Verdict.DUPLICATE, ""
        return (Verdict.GENUINE if self.secrets else Verdict.UNCHECKED), ""

    def forget(self) -> None:
        """No id was here."""
        with self._lock:
            self._seen.clear()

    def _fault(self, body: bytes, headers: Mapping[str, str]) -> str:
        reason = ""
        for secret in self.secrets:
            try:
                Webhook(secret).verify(body, dict(headers))
            except WebhookVerificationError as error:
                reason = str(error) or "the signature does not match"
            except ValueError as error:  # genuine, and no JSON: the package reads it, too
                return f"no JSON: {error}"
            else:
                return ""
        return reason
