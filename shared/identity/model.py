from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, child_of, of_organization, one_of
from shared.core.permissions import Role


class UserState(StrEnum):
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class User(TenantRow, Base):
    """An account in one organization. Without a `password_hash` nobody can sign in to it yet."""

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
    created_at: Mapped[datetime]


class StaffSession(TenantRow, Base):
    """A signed-in device. Over when `revoked_at` is set, or after `idle_until` (moved by each refresh) or `ends_at`."""

    __tablename__ = "sessions"
    __table_args__ = (
        child_of("users", "user_id"),
        UniqueConstraint("org_id", "refresh_hash"),
        Index("ix_sessions_user", "org_id", "user_id"),
    )

    user_id: Mapped[UUID]
    refresh_hash: Mapped[str]
    created_at: Mapped[datetime]
    idle_until: Mapped[datetime]
    ends_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class PasswordLink(TenantRow, Base):
    """A one-time right to set a user's password."""

    __tablename__ = "password_links"
    __table_args__ = (child_of("users", "user_id"), UniqueConstraint("org_id", "token_hash"))

    user_id: Mapped[UUID]
    token_hash: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
