"""The client's last mail about an order, once more."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.clients import rows as clients
from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.messages import resending
from shared.messages.model import MessageKind
from shared.orders.history import remember
from shared.orders.service import get
from shared.orders.states import OrderState

NO_ADDRESS = code("orders.client_without_address", "The client has no e-mail address")

TO_CLIENT = frozenset(
    {
        MessageKind.ORDER_PENDING,
        MessageKind.ORDER_CONFIRMED,
        MessageKind.ORDER_RESCHEDULED,
        MessageKind.ORDER_REMINDER,
        MessageKind.ORDER_CANCELLED,
        MessageKind.ORDER_COMPLETED,
        MessageKind.INVOICE,
        MessageKind.INVOICE_OVERDUE,
        MessageKind.RECEIPT,
        MessageKind.PAYMENT_FAILED,
        MessageKind.REFUND,
    }
)
"""Mails about an order that are for its client. What is for staff never goes to the client."""


def resend_last_mail(session: Session, actor: Actor, order_id: UUID, *, now: datetime) -> Row[Any]:
    """Send the client the last mail about the order again, to the address that they have now. The new mail's columns.

    Raises `NotFound`, or `Conflict`: the client was erased or has no address, or what `resending.resend_last` says.
    """
    order = get(session, actor, order_id)
    client = clients.hold(session, actor, order.client_id)
    if client is None:
        raise Conflict(clients.ERASED, "The client was erased, and gets no mails any more.")
    if client.email is None:
        raise Conflict(NO_ADDRESS, "Give the client an e-mail address first.")
    begins = order.scheduled_start if order.state == OrderState.CONFIRMED else now
    message = resending.resend_last(
        session, actor, order_id, client.email, kinds=TO_CLIENT, no_reminder_from=begins, now=now
    )
    details = {"message_id": str(message.id), "mail": message.kind}
    remember(session, actor, order, "resend_mail", details, now=now)
    return message
