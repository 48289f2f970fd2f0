"""Moving an order from state to state. `states.py` says which moves there are; each is one function here, and each
writes state, history, audit, exports and the client's mail in the caller's transaction."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.checklists import service as checklists
from shared.core.actor import Actor
from shared.core.errors import Conflict, code
from shared.messages.model import MessageKind
from shared.orders import mails, reminders
from shared.orders.history import remember
from shared.orders.model import Order
from shared.orders.policies import Settlement, settle
from shared.orders.service import lock
from shared.orders.states import ARROWS, Move, OrderState, allowed_from
from shared.time_entries import service as time_entries

WRONG_STATE = code("orders.wrong_state", "The order's state does not allow this")
CHECKLIST_UNFINISHED = code("orders.checklist_unfinished", "Required items of the checklist are not done")
TOO_EARLY = code("orders.too_early", "It is too early for this")


def confirm(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    version: int | None = None,
    tell_client: bool = True,
    now: datetime,
) -> Order:
    """Promise the appointment to the client, by mail, and lay out the checklist. Raises `NotFound`, or `Conflict` when
    the order is not pending."""
    order = lock(session, actor, order_id, version=version)
    _confirm(session, actor, order, tell_client=tell_client, now=now)
    return order


def start(session: Session, actor: Actor, order_id: UUID, *, version: int | None = None, now: datetime) -> Order:
    """The crew is there. Raises `NotFound`, or `Conflict` when the order is not confirmed."""
    order = lock(session, actor, order_id, version=version)
    begin(session, actor, order, now=now)
    return order


def begin(session: Session, actor: Actor, order: Order, *, now: datetime) -> None:
    """Start `order`, which is locked. Raises `Conflict` when it is not confirmed."""
    check_allowed(order, Move.START)
    reminders.withdraw(session, actor, order, "The work has begun.", now=now)
    order.started_at = now
    record(session, actor, order, Move.START, now=now)


def complete(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    override_reason: str | None = None,
    version: int | None = None,
    now: datetime,
) -> Order:
    """The work is done: clocks that run are stopped, the client gets a mail.

    Raises `NotFound`, `Conflict` when the order is not in progress, or when required items of its checklist are not
    done and no `override_reason` says why that is right.
    """
    order = lock(session, actor, order_id, version=version)
    check_allowed(order, Move.COMPLETE)
    unfinished = checklists.unfinished(session, actor, order_id)
    if unfinished and override_reason is None:
        detail = "Required items of the checklist are not done. Tick them, or give an override_reason."
        raise Conflict(CHECKLIST_UNFINISHED, detail, unfinished=unfinished)
    time_entries.finish_all(session, actor, order_id, now=now)
    order.ended_at = now
    details = {"override_reason": override_reason, "unfinished": unfinished} if unfinished else {}
    record(session, actor, order, Move.COMPLETE, details, now=now)
    mails.tell_client(
        session, actor, order, mails.surroundings(session, order), kind=MessageKind.ORDER_COMPLETED, now=now
    )
    return order


def cancel(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    reason: str,
    waive_fee_reason: str | None = None,
    tell_client: bool = True,
    version: int | None = None,
    now: datetime,
) -> Order:
    """Call the appointment off, and tell the client why. The cancellation policy says what it costs them, unless staff
    waive that. Raises `NotFound`, or `Conflict` when it is over already."""
    order = lock(session, actor, order_id, version=version)
    check_allowed(order, Move.CANCEL)
    reminders.withdraw(session, actor, order, "The order was cancelled.", now=now)
    around = mails.surroundings(session, order)
    details = {"reason": reason} | _settle(order, around, waive_fee_reason, now)
    was_pending = order.state == OrderState.PENDING
    if order.state == OrderState.IN_PROGRESS:
        time_entries.finish_all(session, actor, order_id, now=now)
    order.ended_at = now
    record(session, actor, order, Move.CANCEL, details, now=now)
    if tell_client:
        why, kind = {"reason": reason}, MessageKind.ORDER_CANCELLED
        mails.tell_client(session, actor, order, around, kind=kind, extra=why, was_pending=was_pending, now=now)
    return order


def no_show(
    session: Session,
    actor: Actor,
    order_id: UUID,
    *,
    waive_fee_reason: str | None = None,
    version: int | None = None,
    now: datetime,
) -> Order:
    """Nobody was there to let the crew in: it costs what calling off at the last minute does, unless staff waive that.

    Raises `NotFound`, or `Conflict` when the order is not confirmed, or has not begun yet.
    """
    order = lock(session, actor, order_id, version=version)
    check_allowed(order, Move.NO_SHOW)
    if now < order.scheduled_start:
        raise Conflict(TOO_EARLY, "The appointment has not begun yet.", scheduled_start=order.scheduled_start)
    details = _settle(order, mails.surroundings(session, order), waive_fee_reason, now)
    order.ended_at = now
    record(session, actor, order, Move.NO_SHOW, details, now=now)
    return order


def expire(session: Session, actor: Actor, order: Order, *, now: datetime) -> None:
    """Give up an order whose deposit was not paid in time; `order` is locked and pending."""
    check_allowed(order, Move.EXPIRE)
    order.ended_at = now
    record(session, actor, order, Move.EXPIRE, {"hold_until": order.hold_until}, now=now)
    reason = {"reason": None, "reason_code": mails.DEPOSIT_UNPAID}
    around, kind = mails.surroundings(session, order), MessageKind.ORDER_CANCELLED
    mails.tell_client(session, actor, order, around, kind=kind, extra=reason, was_pending=True, now=now)


def record_payment(session: Session, actor: Actor, order: Order, amount: int, *, now: datetime) -> None:
    """Add `amount` (minor units) to what has been paid; the deposit that is paid confirms the order, and what is more
    than is owed is to be paid back. For `payments`, which holds the lock and the payment's row."""
    order.paid_amount += amount
    order.refund_due_amount = refund_due(order, order.paid_amount)
    order.version += 1
    order.updated_at = now
    remember(session, actor, order, "payment", {"amount": amount, "currency": order.currency}, now=now)
    if order.state == OrderState.PENDING and 0 < order.deposit_amount <= order.paid_amount:
        _confirm(session, actor, order, tell_client=True, now=now)


def refund_due(order: Order, paid: int) -> int:
    """What would have to be paid back if `paid` were all that is paid: an order that does not take place owes its fee,
    any other its total."""
    is_off = order.state in {OrderState.CANCELLED, OrderState.NO_SHOW}
    return max(paid - (order.cancellation_fee_amount if is_off else order.total_amount), 0)


def check_allowed(order: Order, move: Move) -> None:
    """Raises `Conflict`, with the state and what it allows, when it does not allow `move`."""
    if order.state not in ARROWS[move]:
        detail = f"An order that is {order.state} cannot be changed by {move}."
        raise Conflict(WRONG_STATE, detail, state=order.state, allowed=allowed_from(order.state))


def record(
    session: Session,
    actor: Actor,
    order: Order,
    move: Move,
    details: dict[str, Any] | None = None,
    *,
    before: dict[str, Any] | None = None,
    now: datetime,
) -> None:
    """Carry out an allowed `move`: the state it leads to, a new version, history, audit and exports."""
    was = OrderState(order.state)
    order.state = ARROWS[move][was]
    order.version += 1
    order.updated_at = now
    changed = {} if order.state == was else {"state": was}, {} if order.state == was else {"state": order.state}
    remember(
        session,
        actor,
        order,
        move,
        details or {},
        now=now,
        before=changed[0] | (before or {}),
        after=changed[1] | (details or {}),
    )


def _confirm(session: Session, actor: Actor, order: Order, *, tell_client: bool, now: datetime) -> None:
    check_allowed(order, Move.CONFIRM)
    order.hold_until = None
    if order.service_id is not None:
        checklists.copy_to_order(session, actor, order.id, order.service_id, now=now)
    record(session, actor, order, Move.CONFIRM, now=now)
    if tell_client:
        around = mails.surroundings(session, order)
        mails.tell_client(session, actor, order, around, kind=MessageKind.ORDER_CONFIRMED, now=now)


def _settle(order: Order, around: Any, waive_fee_reason: str | None, now: datetime) -> dict[str, Any]:
    """Write down what the client owes and gets back, and say it. An order that was never promised costs nothing."""
    if order.state == OrderState.PENDING:
        settled = Settlement(0, order.paid_amount)
    else:
        settled = settle(
            around,
            total=order.total_amount,
            paid=order.paid_amount,
            is_heavy=order.is_heavy,
            start=order.scheduled_start,
            now=now,
            waived=waive_fee_reason is not None,
        )
    order.cancellation_fee_amount, order.refund_due_amount = settled.fee, settled.refund
    said = {"fee": settled.fee, "refund_due": settled.refund, "waive_fee_reason": waive_fee_reason}
    return {name: value for name, value in said.items() if value}
