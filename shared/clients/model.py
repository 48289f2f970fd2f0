from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from shared.core.orm import Base, TenantRow, of_organization


class Client(TenantRow, Base):
    """A person or company that orders work."""

    __tablename__ = "clients"
    __table_args__ = (
        of_organization(),
        Index("uq_clients_org_id_email", "org_id", text("lower(email)"), unique=True),
    )

    name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str | None]
    created_at: Mapped[datetime]
