"""Which rows are a person's."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, union_all

from shared.clients.model import Client
from shared.core.actor import Actor
from shared.core.orm import Reader, table_of
from shared.leads.model import Lead
from shared.messages.model import Message, MessageKind, Suppression
from shared.orders.model import Order
from shared.payments.model import Payment
from shared.recurrences.model import Recurrence

_clients, _leads, _orders = table_of(Client), table_of(Lead), table_of(Order)
_messages, _payments, _recurrences = table_of(Message), table_of(Payment), table_of(Recurrence)
_suppressions = table_of(Suppression)

OF_STAFF = (
    MessageKind.ACCOUNT_CREATED,
    MessageKind.PASSWORD_RESET,
    MessageKind.PLAN_NOTICE,
    MessageKind.OPERATOR_ALERT,
)
"""Mails to an account: a client with the same address as somebody of the staff is another matter."""


@dataclass(frozen=True, slots=True)
class Person:
    """A client with everybody who was merged into it, and the leads that are theirs: they name the client, or nobody
    and have the same address or number."""

    org_id: UUID
    client_ids: list[UUID]
    emails: list[str]
    phones: list[str]
    lead_ids: list[UUID]

    @property
    def orders(self) -> Select[tuple[UUID]]:
        """A SELECT of the identifiers of their orders."""
        return select(_orders.c.id).where(_orders.c.org_id == self.org_id, _orders.c.client_id.in_(self.client_ids))

    @property
    def recurrences(self) -> Select[tuple[UUID]]:
        """A SELECT of the identifiers of their recurrences."""
        mine = (_recurrences.c.org_id == self.org_id, _recurrences.c.client_id.in_(self.client_ids))
        return select(_recurrences.c.id).where(*mine)

    @property
    def payments(self) -> Select[tuple[UUID]]:
        """A SELECT of the identifiers of what was paid for their orders."""
        mine = (_payments.c.org_id == self.org_id, _payments.c.order_id.in_(self.orders))
        return select(_payments.c.id).where(*mine)

    def is_about(self, column: ColumnElement[UUID | None]) -> ColumnElement[bool]:
        """Whether `column`, the `resource_id` of something, names one of their rows."""
        rows = union_all(self.orders, self.recurrences, self.payments)
        return or_(column.in_([*self.client_ids, *self.lead_ids]), column.in_(rows))

    @property
    def is_mail(self) -> ColumnElement[bool]:
        """Whether a message went to them or is about one of their rows."""
        message = _messages.c
        to_them = func.lower(message.recipient).in_(self.emails) & message.kind.not_in(OF_STAFF)
        return (message.org_id == self.org_id) & or_(to_them, self.is_about(message.resource_id))

    @property
    def mail_addresses(self) -> Select[tuple[str]]:
        """A SELECT, in lower case, of where mails to them and about their rows went, such as an address that they had
        before; without those that are another client's by now."""
        message, client = _messages.c, _clients.c
        address = func.lower(message.recipient)
        others = (client.org_id == self.org_id, client.id.not_in(self.client_ids))
        is_others = exists().where(*others, func.lower(client.email) == address)
        return select(address).where(self.is_mail, message.kind.not_in(OF_STAFF), ~is_others).distinct()

    @property
    def is_suppression(self) -> ColumnElement[bool]:
        """Whether a suppression keeps mails from them."""
        email = _suppressions.c.email
        at_theirs = or_(email.in_(self.emails), email.in_(self.mail_addresses))
        return (_suppressions.c.org_id == self.org_id) & at_theirs


def find(session: Reader, actor: Actor, client_id: UUID) -> Person:
    """The person behind a client; nobody merged or erased it while the caller holds it."""
    client, lead = _clients.c, _leads.c
    mine = (client.org_id == actor.org_id, or_(client.id == client_id, client.merged_into_id == client_id))
    found = session.execute(select(client.id, client.email, client.phone).where(*mine).order_by(client.id)).all()
    client_ids = [row.id for row in found]
    emails = [row.email.lower() for row in found if row.email]
    phones = [row.phone for row in found if row.phone]
    same = or_(func.lower(lead.email).in_(emails), lead.phone.in_(phones)) & lead.client_id.is_(None)
    theirs = select(lead.id).where(lead.org_id == actor.org_id, or_(lead.client_id.in_(client_ids), same))
    return Person(actor.org_id, client_ids, emails, phones, list(session.execute(theirs).scalars()))
