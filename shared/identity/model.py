from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.core.permissions import Role


class UserState(StrEnum):
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class User(TenantRow, Base):
    """An account in one organization. Without a `password_hash` nobody can sign in to it yet.

    A temporary password is good for one sign-in before `temp_password_until`; while `must_change_password` is set, the
    account is good for choosing another and nothing else. A second factor counts once `totp_confirmed_at` is set;
    `totp_secret` is sealed, and codes of steps up to `totp_last_step` have been used.
    """

    __tablename__ = "users"
    __table_args__ = (
        of_organization(),
        Index("uq_users_org_id_email", "org_id", text("lower(email)"), unique=True),
        Index("ix_users_email", text("lower(email)")),
        one_of("role", Role),
        one_of("state", UserState),
    )

    email: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    state: Mapped[str] = mapped_column(default=UserState.ACTIVE)
    password_hash: Mapped[str | None]
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default=false())
    temp_password_until: Mapped[datetime | None]
    temp_password_used_at: Mapped[datetime | None]
    totp_secret: Mapped[str | None]
    totp_confirmed_at: Mapped[datetime | None]
    totp_last_step: Mapped[int | None]
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class StaffSession(TenantRow, Base):
    """A signed-in device. Over when `revoked_at` is set, or after `idle_until` (moved by each refresh) or `ends_at`."""

    __tablename__ = "sessions"
    __table_args__ = (
        child_of("users", "user_id"),
        UniqueConstraint("org_id", "refresh_hash"),
        Index("ix_sessions_user", "org_id", "user_id"),
        Index("ix_sessions_over", "org_id", text("least(revoked_at, idle_until, ends_at)"), "id"),
    )

    user_id: Mapped[UUID]
    refresh_hash: Mapped[str]
    created_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str | None]
    user_agent: Mapped[str | None]
    last_used_at: Mapped[datetime | None]


class UsedRefreshToken(TenantRow, Base):
    """A refresh token that has been swapped for the next one. Whoever presents it again has a copy."""

    __tablename__ = "used_refresh_tokens"
    __table_args__ = (
        child_of("sessions", "session_id", ondelete="CASCADE"),
        UniqueConstraint("org_id", "token_hash"),
        Index("ix_used_refresh_tokens_session", "org_id", "session_id"),
    )

    session_id: Mapped[UUID]
    token_hash: Mapped[str]
    used_at: Mapped[datetime]


class RecoveryCode(TenantRow, Base):
    """Stands in for the second factor once, when the phone is lost."""

    __tablename__ = "recovery_codes"
    __table_args__ = (child_of("users", "user_id"), UniqueConstraint("org_id", "user_id", "code_hash"))

    user_id: Mapped[UUID]
    code_hash: Mapped[str]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempts(Base):
    """How often somebody failed to sign in of late: to one account as it was typed, or from one address.

    Belongs to no organization, because nobody has shown yet that they belong to one; `key` is a hash. Forgotten after
    `stale_at`.
    """

    __tablename__ = "sign_in_attempts"
    __table_args__ = (Index("ix_sign_in_attempts_stale_at", "stale_at"),)

    key: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int]
    blocked_until: Mapped[datetime | None]
    stale_at: Mapped[datetime]


class PasswordLink(TenantRow, Base):
    """A one-time right to set a user's password."""

    __tablename__ = "password_links"
    __table_args__ = (child_of("users", "user_id"), UniqueConstraint("org_id", "token_hash"))

    user_id: Mapped[UUID]
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
