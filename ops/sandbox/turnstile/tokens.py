"""Tokens of the widget: made once, good once, for five minutes."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SECRET = "0x4AAAAAAA-sandbox-secret-key"  # noqa: S105 - everybody may know it
"""The secret key of the sandbox's one widget."""

LIFE_SECONDS = 300
LONGEST_TOKEN = 2048
KEPT_TOKENS = 10_000

ALWAYS_PASSES = "1x0000000000000000000000000000000AA"
ALWAYS_FAILS = "2x0000000000000000000000000000000AA"
ALREADY_SPENT = "3x0000000000000000000000000000000AA"
_ANSWERS_OF_TEST_SECRETS: dict[str, list[str]] = {
    ALWAYS_PASSES: [],
    ALWAYS_FAILS: ["invalid-input-response"],
    ALREADY_SPENT: ["timeout-or-duplicate"],
}

Verdict = dict[str, Any]


@dataclass
class _Token:
    made_at: float
    action: str
    hostname: str
    spent_with: str | None = None
    """The ``idempotency_key`` of the check that has used it up; empty when that had none."""


class Tokens:
    """What the widget has given out, the newest 10,000. Safe to use from several threads."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tokens: OrderedDict[str, _Token] = OrderedDict()

    def make(self, action: str, hostname: str, *, age_seconds: float = 0) -> str:
        """A token as the widget on a page of ``hostname`` makes it, ``age_seconds`` ago."""
        token = "0." + secrets.token_urlsafe(48)
        with self._lock:
            self._tokens[token] = _Token(self._clock() - age_seconds, action, hostname)
            while len(self._tokens) > KEPT_TOKENS:
                self._tokens.popitem(last=False)
        return token

    def verify(self, secret: str, token: str, idempotency_key: str) -> Verdict:
        """Check ``token`` and use it up, as siteverify answers. The same ``idempotency_key`` again gets the same."""
        if not secret:
            return refused("missing-input-secret")
        if secret not in _ANSWERS_OF_TEST_SECRETS and secret != SECRET:
            return refused("invalid-input-secret")
        if not token:
            return refused("missing-input-response")
        if secret in _ANSWERS_OF_TEST_SECRETS:
            return _of_test_secret(secret)
        with self._lock:
            return self._use_up(token, idempotency_key)

    def _use_up(self, token: str, idempotency_key: str) -> Verdict:
        known = self._tokens.get(token) if len(token) <= LONGEST_TOKEN else None
        if known is None:
            return refused("invalid-input-response")
        repeated = bool(idempotency_key) and known.spent_with == idempotency_key
        if not repeated and (known.spent_with is not None or self._clock() - known.made_at > LIFE_SECONDS):
            return refused("timeout-or-duplicate")
        known.spent_with = idempotency_key
        return _passed(known.made_at, known.hostname) | {"action": known.action, "cdata": ""}


def refused(*codes: str) -> Verdict:
    """The answer to a check that has failed."""
    return {"success": False, "error-codes": list(codes), "messages": []}


def _passed(made_at: float, hostname: str) -> Verdict:
    moment = datetime.fromtimestamp(made_at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"success": True, "error-codes": [], "challenge_ts": moment, "hostname": hostname}


def _of_test_secret(secret: str) -> Verdict:
    """What Cloudflare answers to its secrets for tests, whatever the token: without an action, of ``example.com``."""
    codes = _ANSWERS_OF_TEST_SECRETS[secret]
    answer = refused(*codes) if codes else _passed(time.time(), "example.com")
    return answer | {"metadata": {"result_with_testing_key": True}}
