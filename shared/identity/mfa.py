"""The second factor: time-based codes (TOTP, RFC 6238: SHA-1, 6 digits, 30 seconds) and ten recovery codes.

    none --begin--> secret shown, not confirmed --confirm with a code--> on --remove, or an administrator--> none

A code is good from one step before to one step after its own, and once: a step that was used, and those before it, are
refused from then on. A recovery code replaces one code, once.
"""

import hmac
import re
import secrets
from collections.abc import Iterable
from datetime import datetime

import pyotp
import structlog
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor
from shared.core.errors import Conflict, code, invalid_field
from shared.core.permissions import Role
from shared.core.sealing import reseal, seal, unseal
from shared.core.settings import Settings
from shared.identity.model import RecoveryCode, User
from shared.identity.tokens import Unauthenticated, hash_token

log = structlog.get_logger(__name__)

MFA_REQUIRED = code("identity.mfa_required", "A code of the second factor is needed")
MFA_WRONG = code("identity.mfa_wrong", "The code of the second factor is wrong")
MFA_ENROLMENT_REQUIRED = code("identity.mfa_enrolment_required", "Set up a second factor first")
MFA_ON = code("identity.mfa_on", "A second factor is set up already")
MFA_OFF = code("identity.mfa_off", "No second factor is set up")

ISSUER = "Crewline"
STEP_SECONDS = 30
RECOVERY_CODES = 10
MUST_HAVE = (Role.OWNER, Role.ADMIN)
"""Who needs a second factor where the organization's `require_mfa` is on; `check_session` in the database says so."""

_RECOVERY_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
_RECOVERY_LENGTH = 16
"""80 bits, so that a plain hash of it cannot be guessed back."""


def is_on(user: User) -> bool:
    return user.totp_confirmed_at is not None


def begin(session: Session, settings: Settings, actor: Actor, user: User, *, now: datetime) -> tuple[str, str]:
    """A new secret (base32) and its `otpauth:` URI for an authenticator app; it counts when it has been confirmed.

    Raises `Conflict` when a second factor is on: remove it first.
    """
    if is_on(user):
        raise Conflict(MFA_ON, "Remove the second factor before you set up another one.")
    secret = pyotp.random_base32()
    user.totp_secret, user.totp_last_step = seal(settings, secret), None
    audit.record(session, actor, "identity.begin_mfa", user.id, now=now)
    return secret, pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=ISSUER)


def confirm(
    session: Session, settings: Settings, actor: Actor, user: User, totp_code: str, *, now: datetime
) -> list[str]:
    """Turn the second factor on, and give its recovery codes, which are shown only now.

    Raises `Invalid` for a wrong code, `Conflict` when there is nothing to confirm.
    """
    if is_on(user):
        raise Conflict(MFA_ON, "The second factor is on already.")
    if user.totp_secret is None:
        raise Conflict(MFA_OFF, "There is no second factor to confirm; begin with one.")
    if not _use_totp(settings, user, totp_code, now):
        raise invalid_field("/code", MFA_WRONG, "This is not the code that the app shows now.")
    user.totp_confirmed_at = now
    audit.record(session, actor, "identity.confirm_mfa", user.id, now=now)
    return _new_recovery_codes(session, user, now)


def renew_recovery_codes(session: Session, actor: Actor, user: User, *, now: datetime) -> list[str]:
    """Ten new recovery codes; those before them are dead. Raises `Conflict` when no second factor is on."""
    if not is_on(user):
        raise Conflict(MFA_OFF, "Set up a second factor first.")
    audit.record(session, actor, "identity.renew_recovery_codes", user.id, now=now)
    return _new_recovery_codes(session, user, now)


def remove_own(session: Session, settings: Settings, actor: Actor, user: User, given: str, *, now: datetime) -> None:
    """Turn the second factor off with a code of it. Raises `Conflict` when none is on, `Invalid` for a wrong code."""
    if not is_on(user):
        raise Conflict(MFA_OFF, "There is no second factor to remove.")
    if not use(session, settings, user, given, now=now):
        raise invalid_field("/code", MFA_WRONG, "The code is wrong, too old, or has been used.")
    remove(session, actor, user, now=now)


def remove(session: Session, actor: Actor, user: User, *, now: datetime) -> None:
    """Turn the second factor off, whatever state it is in."""
    user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
    session.execute(delete(RecoveryCode).where(RecoveryCode.org_id == user.org_id, RecoveryCode.user_id == user.id))
    audit.record(session, actor, "identity.remove_mfa", user.id, now=now)


def refuse_sign_in_without(
    session: Session, settings: Settings, user: User, given: str | None, *, now: datetime
) -> str | None:
    """Use up the code of somebody whose second factor is on, and say which kind it was. Raises `Unauthenticated`, with
    a code of ours that says whether theirs is missing or wrong."""
    if not is_on(user):
        return None
    if given is None:
        raise Unauthenticated("Send the code that your authenticator app shows, or a recovery code.", MFA_REQUIRED)
    kind = use(session, settings, user, given, now=now)
    if kind is None:
        raise Unauthenticated("The code is wrong, too old, or has been used.", MFA_WRONG)
    return kind


def use(session: Session, settings: Settings, user: User, given: str, *, now: datetime) -> str | None:
    """Use up `given`, and say whether it was a code of the app (`totp`) or a `recovery_code`; None when it is no good.
    `user` has to be locked."""
    plain = re.sub(r"[\s-]", "", given).lower()
    if _use_totp(settings, user, plain, now):
        return "totp"
    return "recovery_code" if _use_recovery_code(session, user, plain, now) else None


def _use_totp(settings: Settings, user: User, given: str, now: datetime) -> bool:
    assert user.totp_secret is not None
    try:
        totp = pyotp.TOTP(unseal(settings, user.totp_secret))
    except ValueError:  # a recovery code still lets them in, and an administrator can remove what nobody can read
        log.exception("mfa.secret_unreadable", user_id=str(user.id))
        return False
    step = _matching_step(totp, given, int(now.timestamp()) // STEP_SECONDS)
    if step is None or (user.totp_last_step is not None and step <= user.totp_last_step):
        return False
    user.totp_last_step = step
    user.totp_secret = reseal(settings, user.totp_secret)  # under the key of today, so that the one before can go
    return True


def _matching_step(totp: pyotp.TOTP, given: str, current: int) -> int | None:
    steps: Iterable[int] = (current - 1, current, current + 1)
    found = [step for step in steps if hmac.compare_digest(totp.generate_otp(step).encode(), given.encode())]
    return found[0] if found else None


def _use_recovery_code(session: Session, user: User, given: str, now: datetime) -> bool:
    mine = (
        RecoveryCode.org_id == user.org_id,
        RecoveryCode.user_id == user.id,
        RecoveryCode.code_hash == hash_token(given),
        RecoveryCode.used_at.is_(None),
    )
    return session.scalar(update(RecoveryCode).where(*mine).values(used_at=now).returning(RecoveryCode.id)) is not None


def _new_recovery_codes(session: Session, user: User, now: datetime) -> list[str]:
    session.execute(delete(RecoveryCode).where(RecoveryCode.org_id == user.org_id, RecoveryCode.user_id == user.id))
    made = ["".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    session.add_all(
        RecoveryCode(org_id=user.org_id, user_id=user.id, code_hash=hash_token(each), created_at=now) for each in made
    )
    session.flush()
    return ["-".join(each[at : at + 4] for at in range(0, _RECOVERY_LENGTH, 4)) for each in made]
