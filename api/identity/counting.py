"""Counting tries to prove who one is: signing in, and giving the password again for what is dangerous."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from api.core.context import now
from shared.core.actor import Actor
from shared.core.errors import Refusal, Unavailable
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.identity import accounts, attempts, mfa, signing_in
from shared.identity.attempts import Attempt
from shared.identity.tokens import UNAUTHENTICATED
from shared.identity.turns import turn

log = structlog.get_logger(__name__)

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

WRONG = {UNAUTHENTICATED, accounts.TEMPORARY_OVER, accounts.PASSWORD_WRONG, mfa.MFA_WRONG}
"""What a guess is answered with. Any other refusal (the server is busy, a code is missing, the new password is weak) is
no guess, and the try does not count."""


@contextmanager
def counted(attempt: Attempt, client: Actor | None, *, stranger: bool = False) -> Iterator[None]:
    """Count the block, in which passwords are hashed, as a try of `client` (whose `user_id` is that of the account) and
    note a failure in the audit log. Without a client there is no such account, which costs the same transactions.
    A `stranger` waits behind others for their turn at hashing.

    Raises `TooManyAttempts`, and `Unavailable` before anything is written when too many are at it.
    """
    with turn(stranger=stranger):
        with transaction(PLATFORM) as session:
            attempts.begin(session, attempt, now=now())
        try:
            yield
        except Refusal as refusal:
            with transaction(PLATFORM) as session:
                _note_refusal(session, attempt, client, refusal)
            raise
        _note_success(attempt)


def _note_success(attempt: Attempt) -> None:
    """What was tried has happened, and its answer must not get lost: a failure too many heals by itself."""
    try:
        with transaction(PLATFORM) as session:
            attempts.succeeded(session, attempt)
    except Unavailable as refusal:
        log.warning("attempts.not_taken_back", code=refusal.code)


def _note_refusal(session: "Session", attempt: Attempt, client: Actor | None, refusal: Refusal) -> None:
    if refusal.code not in WRONG:
        attempts.taken_back(session, attempt)
        return
    attempts.failed(session, attempt, now=now())
    if client is not None:
        signing_in.record_failure(session, client, refusal.code, now=now())
