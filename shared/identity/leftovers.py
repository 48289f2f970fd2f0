"""What signing in leaves behind: tokens, links and counts that open nothing and stop nobody any more."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, func, or_, select

from shared.core.leftovers import Leftovers
from shared.core.orm import table_of
from shared.identity.model import PasswordLink, SignInAttempts, StaffSession, UsedRefreshToken

LONGEST_PAUSE = timedelta(days=7)
"""Sessions that have been over for longer were looked at by an earlier run; they take their tokens along when they are
removed themselves."""

_sessions, _tokens = table_of(StaffSession), table_of(UsedRefreshToken)
_links, _attempts = table_of(PasswordLink), table_of(SignInAttempts)

SESSION_END = func.least(_sessions.c.revoked_at, _sessions.c.idle_until, _sessions.c.ends_at)
"""When a session was over, or will be. `ix_sessions_over` has it for each organization."""


def _tokens_of_sessions_that_are_over(now: datetime) -> Select[*tuple[Any, ...]]:
    """A used token betrays a thief while its session lives."""
    of_session = (_tokens.c.org_id == _sessions.c.org_id) & (_tokens.c.session_id == _sessions.c.id)
    over = (now >= SESSION_END, now - LONGEST_PAUSE < SESSION_END)
    return select(_tokens.c.org_id, _tokens.c.id).join(_sessions, of_session).where(*over).order_by(SESSION_END)


def _links_that_open_nothing(now: datetime) -> Select[*tuple[Any, ...]]:
    dead = or_(_links.c.used_at.is_not(None), _links.c.expires_at <= now)
    return select(_links.c.org_id, _links.c.id).where(dead).order_by(_links.c.expires_at)


def _attempts_that_are_forgiven(now: datetime) -> Select[*tuple[Any, ...]]:
    forgiven = (_attempts.c.stale_at <= now, func.coalesce(_attempts.c.blocked_until <= now, True))
    return select(_attempts.c.key).where(*forgiven).order_by(_attempts.c.stale_at)


REFRESH_TOKENS = Leftovers(_tokens, _tokens_of_sessions_that_are_over)
PASSWORD_LINKS = Leftovers(_links, _links_that_open_nothing)
SIGN_IN_ATTEMPTS = Leftovers(_attempts, _attempts_that_are_forgiven)
"""These belong to no organization: for the platform's scope only."""
