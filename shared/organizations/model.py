from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.ids import new_id
from shared.core.orm import Base


class Organization(Base):
    """One company. Row-level security compares its `id` with the transaction's organization."""

    __tablename__ = "organizations"
    __table_args__ = (
        CheckConstraint("slug ~ '^[a-z0-9](-?[a-z0-9]){1,49}$'", name="slug"),
        CheckConstraint("currency ~ '^[a-z]{3}$'", name="currency"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    timezone: Mapped[str]
    currency: Mapped[str]
    created_at: Mapped[datetime]
