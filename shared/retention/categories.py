"""What is forgotten, after how long, and what is kept all the same: a table of categories.

`is_over` and `age` pick rows whose time is over, on an index that begins with the organization. `keeps_it` is what
keeps one of them nevertheless.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, and_, exists, func, or_, select, text, true

from shared.audit.model import AuditEntry
from shared.clients.model import ClientExport, ClientExportState
from shared.core.orm import table_of
from shared.core.retention_settings import RetentionSettings
from shared.csv_files.model import CsvFile, CsvFileState
from shared.exports.model import Export, ExportState
from shared.identity.model import StaffSession
from shared.job_runs.model import OPEN as OPEN_RUNS
from shared.job_runs.model import JobRun
from shared.leads.model import Lead
from shared.leads.states import LeadState
from shared.messages.model import FINISHED, Message, MessageState
from shared.order_photos.model import OrderPhoto
from shared.orders.model import Order
from shared.orders.states import OrderState
from shared.retention.holding import Held
from shared.stripe_events.model import EventState, StripeEvent

_audit, _copies, _files = table_of(AuditEntry), table_of(ClientExport), table_of(CsvFile)
_events, _exports, _leads, _messages = table_of(StripeEvent), table_of(Export), table_of(Lead), table_of(Message)
_orders, _photos, _runs, _sessions = table_of(Order), table_of(OrderPhoto), table_of(JobRun), table_of(StaffSession)

ENDED = (OrderState.COMPLETED, OrderState.CANCELLED, OrderState.NO_SHOW)
"""States of an order from which nothing follows."""
NOTHING_SAID = text("'{}'::jsonb")
SAYS_SOMETHING = or_(
    _messages.c.variables != NOTHING_SAID,
    _messages.c.delivery_detail.is_not(None),
    and_(_messages.c.last_error.is_not(None), _messages.c.state != MessageState.SUPPRESSED),
)
"""A mail of which more is left than that there was one, to whom, and what became of it. The error of a suppressed one
is a word of ours. In these words, because an index has them, too."""
_ANY: ColumnElement[bool] = true()


@dataclass(frozen=True, slots=True, eq=False)
class Category:
    """One kind of row. `limit` names the days after which it is over (`limits`), counted from `age`.

    Rows are looked at in the order of `age`, or of their identifiers, which carry the time, where `by_id`. `keeps_it`
    is told who is under hold, and up to which moment things are over. `of_installation` is what belongs to no
    organization; such a row has no `org_id`, or none in it.
    """

    name: str
    what: str
    table: Table
    limit: str
    age: ColumnElement[datetime]
    is_over: ColumnElement[bool] = _ANY
    by_id: bool = False
    keeps_it: Callable[[Held, datetime], ColumnElement[bool]] | None = None
    of_installation: bool = False

    def due(self, before: datetime) -> ColumnElement[bool]:
        """Whether a row's time was over at `before`: one that is exactly as old goes."""
        return and_(self.is_over, self.age <= before)

    def belongs_to(self, org_id: UUID | None) -> ColumnElement[bool]:
        """Whether a row is the organization's, or with None the installation's."""
        if "org_id" not in self.table.c:
            return true()
        owner: ColumnElement[bool] = self.table.c.org_id == org_id if org_id else self.table.c.org_id.is_(None)
        return owner


def _of_held(column: Any) -> Callable[[Held, datetime], ColumnElement[bool]]:
    return lambda held, _: held.is_about(column)


def _keeps_lead(held: Held, _: datetime) -> ColumnElement[bool]:
    lead, order = _leads.c, _orders.c
    came_of_it = exists().where(order.org_id == lead.org_id, order.lead_id == lead.id)
    return or_(came_of_it, held.has_lead(lead))


def _keeps_mail(held: Held, _: datetime) -> ColumnElement[bool]:
    message = _messages.c
    return or_(func.lower(message.recipient).in_(held.emails), held.is_about(message.resource_id))


def _keeps_photo(held: Held, before: datetime) -> ColumnElement[bool]:
    photo, order = _photos.c, _orders.c
    ended = order.state.in_(ENDED) & (func.coalesce(order.ended_at, order.scheduled_end) <= before)
    mine = select(ended).where(order.org_id == photo.org_id, order.id == photo.order_id).scalar_subquery()
    return or_(~mine, held.has_order(photo.order_id))


def _keeps_copy(held: Held, _: datetime) -> ColumnElement[bool]:
    return _copies.c.client_id.in_(held.client_ids)


CATEGORIES = (
    Category(
        "messages",
        "what mails said that were sent, given up or kept from their recipients; the row and the recipient stay",
        _messages,
        "message_days",
        _messages.c.created_at,
        _messages.c.state.in_(sorted(FINISHED)) & SAYS_SOMETHING,
        keeps_it=_keeps_mail,
    ),
    Category(
        "leads",
        "leads that are lost, or that nobody has touched",
        _leads,
        "lead_days",
        _leads.c.updated_at,
        _leads.c.state != LeadState.WON,
        keeps_it=_keeps_lead,
    ),
    Category(
        "exports",
        "events for other systems that were delivered or given up",
        _exports,
        "export_days",
        func.coalesce(_exports.c.delivered_at, _exports.c.dead_at, _exports.c.created_at),
        _exports.c.state.in_([ExportState.DELIVERED, ExportState.DEAD]),
        keeps_it=_of_held(_exports.c.resource_id),
    ),
    Category(
        "photos",
        "photos of orders that were completed, cancelled or in vain",
        _photos,
        "photo_days",
        _photos.c.created_at,
        keeps_it=_keeps_photo,
    ),
    Category(
        "sessions",
        "sessions of staff that are over, with the tokens that were used in them",
        _sessions,
        "session_days",
        func.least(_sessions.c.revoked_at, _sessions.c.idle_until, _sessions.c.ends_at),
    ),
    Category(
        "csv_files",
        "rows of files whose content is gone, or was never written",
        _files,
        "session_days",
        func.coalesce(_files.c.expires_at, _files.c.created_at),
        _files.c.state.in_([CsvFileState.EXPIRED, CsvFileState.DEAD]),
        by_id=True,
    ),
    Category(
        "client_exports",
        "rows of copies for people whose content is gone, or was never collected",
        _copies,
        "session_days",
        func.coalesce(_copies.c.expires_at, _copies.c.created_at),
        _copies.c.state.in_([ClientExportState.EXPIRED, ClientExportState.DEAD]),
        by_id=True,
        keeps_it=_keeps_copy,
    ),
    Category(
        "job_runs",
        "runs of jobs in the organization that are over",
        _runs,
        "job_run_days",
        _runs.c.created_at,
        _runs.c.state.not_in(OPEN_RUNS),
    ),
    Category(
        "audit_entries",
        "entries of the audit log",
        _audit,
        "audit_days",
        _audit.c.created_at,
        by_id=True,
        keeps_it=_of_held(_audit.c.resource_id),
    ),
)
"""Of an organization, in the order in which they are looked at. What keeps a row is not removed before it: mails before
leads, because a lead may say that its mails are under hold."""

OF_INSTALLATION = (
    Category(
        "stripe_events",
        "events of Stripe that were handled, or are of a kind that is not used",
        _events,
        "stripe_event_days",
        _events.c.handled_at,
        _events.c.state.in_([EventState.HANDLED, EventState.IGNORED]),
        of_installation=True,
    ),
    Category(
        "installation_job_runs",
        "runs of jobs over the whole installation that are over",
        _runs,
        "job_run_days",
        _runs.c.created_at,
        _runs.c.state.not_in(OPEN_RUNS),
        of_installation=True,
    ),
)


def limits(settings: RetentionSettings, policy: dict[str, int | None]) -> dict[str, int | None]:
    """For how many days each kind is kept in an organization with this policy; None is for ever."""
    return settings.days_kept(policy) | {
        "job_run_days": settings.retention_job_run_days,
        "audit_days": settings.retention_audit_days,
        "stripe_event_days": settings.retention_stripe_event_days,
    }
