from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.orm import Base, TenantRow, of_organization, one_of
from shared.core.outbox import Owed


class ExportState(StrEnum):
    PENDING = "pending"
    DELIVERING = "delivering"
    RETRYING = "retrying"
    DELIVERED = "delivered"
    DEAD = "dead"


UNFINISHED = (ExportState.DELIVERING, ExportState.PENDING, ExportState.RETRYING)
"""States in which something is still owed."""


class Export(TenantRow, Owed, Base):
    """One event for the outside: `event` is named `order.created`, `resource_id` the row that it is about.

    `last_status` is what the target answered last (None: it did not). A dead one was given up at `dead_at`; `replays`
    counts how often it was tried anew from the beginning, `auto_replays` how often of these by itself. `owed_since` is
    when its tries began: when it was recorded, or replayed last.
    """

    __tablename__ = "exports"
    __table_args__ = (
        of_organization(),
        Index(
            "ix_exports_owed",
            "org_id",
            "next_attempt_at",
            postgresql_where=text("state IN ('pending', 'delivering', 'retrying')"),
        ),
        Index("ix_exports_resource", "org_id", "resource_id", "id"),
        Index("ix_exports_state", "org_id", "state", "id"),
        Index("ix_exports_created_at", "org_id", "created_at"),
        Index("ix_exports_dead", "org_id", "dead_at", postgresql_where=text("state = 'dead'")),
        Index(
            "ix_exports_over",
            "org_id",
            text("coalesce(delivered_at, dead_at, created_at)"),
            "id",
            postgresql_where=text("state IN ('delivered', 'dead')"),
        ),
        one_of("state", ExportState),
    )

    event: Mapped[str]
    resource_id: Mapped[UUID]
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(default=ExportState.PENDING)
    created_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    last_status: Mapped[int | None]
    dead_at: Mapped[datetime | None]
    replays: Mapped[int] = mapped_column(default=0, server_default="0")
    auto_replays: Mapped[int] = mapped_column(default=0, server_default="0")
    auto_replayed_at: Mapped[datetime | None]
    owed_since: Mapped[datetime] = mapped_column(server_default=func.now())


class EndpointState(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"


class WebhookEndpoint(Base):
    """Where the events of an organization go, and how that went lately. Without a `url` of its own they go to the
    installation's target. There is a row once an organization has set something or something was sent.

    Secrets are sealed; both sign until `previous_secret_until`. `failures` are those in a row, of a target that was
    tried again and again since `failing_since`: after some, it is left alone until `rests_until`. `busy_until` is the
    lease of the worker whose turn it is. `probed_at` and `probe_worked` are of the last look at whether the target is
    back; `warned_at` and `warned_dead` say when staff were told last of how many events that were given up.
    """

    __tablename__ = "webhook_endpoints"
    __table_args__ = (of_organization(), one_of("state", EndpointState))

    org_id: Mapped[UUID] = mapped_column(primary_key=True)
    url: Mapped[str | None]
    sealed_secret: Mapped[str | None]
    sealed_previous_secret: Mapped[str | None]
    previous_secret_until: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(default=EndpointState.ACTIVE, server_default=EndpointState.ACTIVE)
    disabled_reason: Mapped[str | None]
    disabled_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    failing_since: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    busy_until: Mapped[datetime | None]
    last_success_at: Mapped[datetime | None]
    last_failure_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
    probed_at: Mapped[datetime | None]
    probe_worked: Mapped[bool | None]
    warned_at: Mapped[datetime | None]
    warned_dead: Mapped[int] = mapped_column(default=0, server_default="0")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
