"""Counting tries to prove who one is: signing in, and giving the password again for what is dangerous."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from api.core.context import actor, address, now
from shared.core.actor import Actor
from shared.core.errors import Refusal, Unavailable
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.identity import accounts, attempts, mfa, signing_in
from shared.identity.attempts import Attempt
from shared.identity.tokens import UNAUTHENTICATED
from shared.identity.turns import turn

log = structlog.get_logger(__name__)

WRONG_PROOF = frozenset({accounts.TEMPORARY_OVER, accounts.PASSWORD_WRONG, mfa.MFA_WRONG})
WRONG_SIGN_IN = frozenset({UNAUTHENTICATED, accounts.TEMPORARY_OVER, mfa.MFA_WRONG})
"""What a guess is answered with, by somebody who is signed in and by somebody who is not."""


@contextmanager
def proving() -> Iterator[None]:
    """Count the block as a try of the signed-in caller to prove that the account is theirs.

    Raises as `counted`; and before their turn comes, when they have to wait, so that they keep nobody else waiting.
    """
    attempt = Attempt.of_user(actor().principal_id, address())
    with read_only(PLATFORM) as session:
        attempts.refuse_blocked(session, attempt, now=now())
    with counted(attempt, actor(), WRONG_PROOF, of=str(actor().org_id)):
        yield


@contextmanager
def counted(
    attempt: Attempt, client: Actor | None, wrong: frozenset[str], *, of: str, stranger: bool = False
) -> Iterator[None]:
    """Count the block, in which passwords are hashed, as a try of `client` (whose `user_id` is that of the account) and
    note a failure in the audit log. Without a client there is no such account, which costs the same transactions.

    A refusal with a code of `wrong` is a failure; any other (the server is busy, a code is missing, the new password is
    weak, the session has ended) is no guess, and the try does not count. `of` and `stranger` are those of `turn`.

    Raises `TooManyAttempts`, and `Unavailable` before anything is written when too many are at it.
    """
    with turn(of, stranger=stranger):
        with transaction(PLATFORM) as session:
            blocked_until = attempts.begin(session, attempt, now=now())
        try:
            yield
        except Refusal as refusal:
            with transaction(PLATFORM) as session:
                if refusal.code not in wrong:
                    attempts.taken_back(session, attempt)
                else:
                    attempts.failed(session, attempt, now=now())
                    if client is not None:
                        signing_in.record_failure(session, client, refusal.code, blocked_until=blocked_until, now=now())
            raise
        _note_success(attempt)


def _note_success(attempt: Attempt) -> None:
    """What was tried has happened, and its answer must not get lost: a failure too many heals by itself."""
    try:
        with transaction(PLATFORM) as session:
            attempts.succeeded(session, attempt)
    except Unavailable as refusal:
        log.warning("attempts.not_taken_back", code=refusal.code)
