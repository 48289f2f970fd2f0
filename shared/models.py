"""Every mapped class, for Alembic and the mapper. Nothing else."""

from shared.audit.model import AuditEntry
from shared.clients.model import Client
from shared.core.idempotency import StoredAnswer
from shared.core.orm import Base
from shared.identity.model import PasswordLink, StaffSession, User
from shared.job_runs.model import JobRun
from shared.messages.model import Message
from shared.order_photos.model import OrderPhoto
from shared.orders.model import Order, OrderHistory, OrderNumber
from shared.organizations.model import Organization
from shared.payments.model import Payment
from shared.stripe_events.model import StripeEvent

metadata = Base.metadata

__all__ = [
    "AuditEntry",
    "Client",
    "JobRun",
    "Message",
    "Order",
    "OrderHistory",
    "OrderNumber",
    "OrderPhoto",
    "Organization",
    "PasswordLink",
    "Payment",
    "StaffSession",
    "StoredAnswer",
    "StripeEvent",
    "User",
    "metadata",
]
