"""The way back in for somebody whom nobody in their organization can help: above all its only owner."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.core.actor import system
from shared.core.errors import Conflict, NotFound
from shared.iam.service import NOT_FOUND
from shared.identity import accounts, attempts, mfa, sessions, signing_in
from shared.identity.model import User, UserState


def recover(session: Session, *, org: str, email: str, reset_mfa: bool, now: datetime) -> tuple[User, str]:
    """The account, and the token of a one-time link with which its person chooses a password. Failed tries to sign in
    are forgotten. The password that they have stays good until they do, and so do their sessions. `reset_mfa` takes the
    second factor off and with it, at once, the password and the sessions: whoever else knows the password had been held
    off by nothing but that factor.

    `org` is the slug. Needs the platform's scope, as signing in does. Raises `NotFound` when there is no such active
    account, `Conflict` when there is no second factor to take off.
    """
    account = signing_in.find_account(session, email=email, org=org)
    if account is None or account.state != UserState.ACTIVE:
        raise NotFound(NOT_FOUND, f"There is no active account {email} in {org}.")
    mine = select(User).where(User.org_id == account.org_id, User.id == account.id)
    user = session.scalars(mine.with_for_update()).one()
    operator = system(user.org_id, "operator")
    if reset_mfa:
        if user.totp_secret is None:
            raise Conflict(mfa.MFA_OFF, "There is no second factor to take off.")
        mfa.remove(session, operator, user, now=now)
        user.password_hash = None
        sessions.end_all(session, operator, user.id, now=now)
    keys = [attempts.account_key(org, user.email), attempts.user_key(user.id)]
    only = signing_in.find_account(session, email=user.email, org=None)
    if only is not None and only.id == user.id:
        keys.append(attempts.account_key(None, user.email))
    attempts.forget(session, *keys)
    return user, accounts.create_password_link(session, operator, user, now=now)
