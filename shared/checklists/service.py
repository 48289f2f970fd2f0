from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, select, text, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.checklists.model import ChecklistItem
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.orm import Reader, table_of

ITEM_NOT_FOUND = code("checklists.item_not_found", "No such checklist item")

_items = table_of(ChecklistItem)
_COPY = text("""
    INSERT INTO checklist_items (org_id, id, order_id, template_id, position, text, required)
    SELECT template.org_id, gen_random_uuid(), :order_id, template.id, listed.number - 1,
           listed.item ->> 'text', (listed.item ->> 'required')::boolean
    FROM (
        SELECT * FROM checklist_templates WHERE org_id = :org_id AND service_id = :service_id
        ORDER BY version DESC LIMIT 1
    ) AS template, jsonb_array_elements(template.items) WITH ORDINALITY AS listed (item, number)
    WHERE NOT EXISTS (SELECT FROM checklist_items WHERE org_id = :org_id AND order_id = :order_id)
    ON CONFLICT (org_id, order_id, position) DO NOTHING
    RETURNING template_id
""")
"""The items' identifiers say nothing about time, unlike others, because Postgres makes them; nothing sorts by them."""


def copy_to_order(session: Session, actor: Actor, order_id: UUID, service_id: UUID, *, now: datetime) -> None:
    """Give an order the items of the template in force for its service, if there is one; an order that has items keeps
    them. Goes with the confirmation of the order."""
    given = {"org_id": actor.org_id, "order_id": order_id, "service_id": service_id}
    copied = session.execute(_COPY, given).scalars().all()
    if copied:
        after = {"order_id": order_id, "items": len(copied)}
        audit.record(session, actor, "checklists.copy_to_order", copied[0], now=now, after=after)


def list_for_order(session: Reader, actor: Actor, order_id: UUID) -> Sequence[Row[Any]]:
    """An order's items, in their order."""
    mine = select(_items).where(_items.c.org_id == actor.org_id, _items.c.order_id == order_id)
    return session.execute(mine.order_by(_items.c.position)).all()


def unfinished(session: Reader, actor: Actor, order_id: UUID) -> list[str]:
    """The texts of the order's required items that are not done, in their order."""
    mine = select(_items.c.text).where(
        _items.c.org_id == actor.org_id, _items.c.order_id == order_id, _items.c.required, _items.c.done_at.is_(None)
    )
    return list(session.execute(mine.order_by(_items.c.position)).scalars())


def tick(session: Session, actor: Actor, order_id: UUID, item_id: UUID, *, now: datetime) -> Row[Any]:
    """Mark an item of the order as done; one that is done keeps who did it first, and when. Raises `NotFound`.

    Who: the identifier of the user, or the label of what acts without one.
    """
    by = str(actor.user_id or actor.label)
    mine = _is_item(actor, order_id, item_id)
    change = update(_items).where(mine, _items.c.done_at.is_(None)).values(done_at=now, done_by=by).returning(_items)
    ticked = session.execute(change).one_or_none()
    if ticked is None:
        return _get(session, mine)
    audit.record(session, actor, "checklists.tick", item_id, now=now, after={"order_id": order_id})
    return ticked


def untick(session: Session, actor: Actor, order_id: UUID, item_id: UUID, *, now: datetime) -> Row[Any]:
    """Mark an item of the order as not done, which it may be already. Raises `NotFound`."""
    mine = _is_item(actor, order_id, item_id)
    is_done = _items.c.done_at.is_not(None)
    change = update(_items).where(mine, is_done).values(done_at=None, done_by=None).returning(_items)
    unticked = session.execute(change).one_or_none()
    if unticked is None:
        return _get(session, mine)
    audit.record(session, actor, "checklists.untick", item_id, now=now, after={"order_id": order_id})
    return unticked


def _is_item(actor: Actor, order_id: UUID, item_id: UUID) -> ColumnElement[bool]:
    item = _items.c
    return and_(item.org_id == actor.org_id, item.order_id == order_id, item.id == item_id)


def _get(session: Reader, mine: ColumnElement[bool]) -> Row[Any]:
    found = session.execute(select(_items).where(mine)).one_or_none()
    if found is None:
        raise NotFound(ITEM_NOT_FOUND, "There is no such item on the checklist of this order.")
    return found
