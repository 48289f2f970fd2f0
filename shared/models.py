"""Every mapped class, for Alembic and the mapper. Nothing else."""

from shared.audit.model import AuditEntry
from shared.catalog.model import Addon, Estimate, PriceBook, Service
from shared.checklists.model import ChecklistItem, ChecklistTemplate
from shared.clients.model import Client, ClientAddress, ClientExport, ClientTerm
from shared.core.idempotency import StoredAnswer
from shared.core.orm import Base
from shared.crews.model import Blackout, Team, Worker
from shared.csv_files.model import CsvFile, CsvFilePart
from shared.exports.model import Export, WebhookEndpoint
from shared.identity.model import PasswordLink, StaffSession, User
from shared.job_runs.model import JobRun
from shared.leads.model import Lead
from shared.messages.model import Message, Suppression
from shared.order_photos.model import OrderPhoto, PhotoUsage
from shared.orders.model import Order, OrderHistory, OrderNumber, OrderWorker
from shared.organizations.model import Organization
from shared.payments.model import Payment
from shared.recurrences.model import Occurrence, Recurrence
from shared.storage_deletes.model import StorageDelete
from shared.stripe_events.model import StripeEvent
from shared.time_entries.model import TimeEntry, TimeSegment

metadata = Base.metadata

__all__ = [
    "Addon",
    "AuditEntry",
    "Blackout",
    "ChecklistItem",
    "ChecklistTemplate",
    "Client",
    "ClientAddress",
    "ClientExport",
    "ClientTerm",
    "CsvFile",
    "CsvFilePart",
    "Estimate",
    "Export",
    "JobRun",
    "Lead",
    "Message",
    "Occurrence",
    "Order",
    "OrderHistory",
    "OrderNumber",
    "OrderPhoto",
    "OrderWorker",
    "Organization",
    "PasswordLink",
    "Payment",
    "PhotoUsage",
    "PriceBook",
    "Recurrence",
    "Service",
    "StaffSession",
    "StorageDelete",
    "StoredAnswer",
    "StripeEvent",
    "Suppression",
    "Team",
    "TimeEntry",
    "TimeSegment",
    "User",
    "WebhookEndpoint",
    "Worker",
    "metadata",
]
