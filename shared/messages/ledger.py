"""What became of mails: lists for staff and operators, numbers for metrics."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select

from shared.audit.service import APART
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.ids import lowest_id_at
from shared.core.mail_addresses import spelled
from shared.core.orm import Reader, table_of
from shared.messages.model import UNFINISHED, Message, MessageState

NOT_FOUND = code("messages.not_found", "No such mail")

_messages = table_of(Message)
_message = _messages.c
COLUMNS = [column for column in _messages.columns if column.name not in {"variables", "dedupe_key"}]
"""What a list shows of a mail: not what it says."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which mails to list; None is any. `recipient` is a whole address in any case; `created_from` is included,
    `created_to` is not."""

    states: Sequence[str] | None = None
    kind: str | None = None
    recipient: str | None = None
    resource_id: UUID | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None


def list_page(session: Reader, actor: Actor, request: pages.PageRequest, filters: Filters) -> pages.Page:
    """The organization's mails, newest first, whatever `filters.recipient` says: `find_to` is for that."""
    queries = list(_filtered(select(*COLUMNS), actor, filters))
    return pages.fetch_merged_page(session, queries, request, pages.by_id(_message.id))


def find_to(session: Reader, actor: Actor, request: pages.PageRequest, filters: Filters) -> pages.Page:
    """The identifiers of one page of mails to `filters.recipient`, for `read_page`.

    Wants a session of the platform: row-level security keeps `lower` off its index, because it is not leakproof, and
    all mails of the organization would be read. What is found is read as the organization afterwards.
    """
    (query,) = _filtered(select(_message.id), actor, filters)
    recipient = func.lower(_message.recipient).in_(_spellings(filters.recipient or ""))
    return pages.fetch_page(session, query.where(recipient), request, pages.by_id(_message.id))


def read_page(session: Reader, actor: Actor, found: pages.Page) -> pages.Page:
    """The mails that `find_to` has found, those of the organization only."""
    mine = (_message.org_id == actor.org_id, _message.id.in_([row.id for row in found.rows]))
    rows = session.execute(select(*COLUMNS).where(*mine).order_by(_message.id.desc())).all()
    return pages.Page(rows, found.next_cursor)


def get(session: Reader, actor: Actor, message_id: UUID) -> Row[Any]:
    """One mail with its variables. Raises `NotFound`."""
    query = select(_messages).where(_message.org_id == actor.org_id, _message.id == message_id)
    found = session.execute(query).one_or_none()
    if found is None:
        raise not_found()
    return found


def not_found() -> NotFound:
    return NotFound(NOT_FOUND, "There is no such mail.")


def within(created_from: datetime | None, created_to: datetime | None) -> Iterator[ColumnElement[bool]]:
    """Made in that time. Identifiers carry the time, so that it is a range of whichever index serves the rest."""
    if created_from:
        yield _message.created_at >= created_from
        yield _message.id >= lowest_id_at(created_from - APART)
    if created_to:
        yield _message.created_at < created_to
        yield _message.id < lowest_id_at(created_to + APART)


def count_unfinished(session: Reader, *, now: datetime) -> Mapping[str, tuple[int, float]]:
    """For metrics: per state how many mails are still to be sent, and how old the oldest is, in seconds. Read from the
    index of what is due, which sent mails are not in."""
    oldest = func.extract("epoch", now - func.min(_message.created_at))
    counting = select(_message.state, func.count(), oldest).where(_message.state.in_(sorted(UNFINISHED)))
    return {row[0]: (row[1], float(row[2])) for row in session.execute(counting.group_by(_message.state))}


def count_dead(session: Reader, *, now: datetime) -> Mapping[str, tuple[int, float]]:
    """For metrics: per kind how many mails are dead, and how old the oldest is, in seconds. Read from their
    own index."""
    oldest = func.extract("epoch", now - func.min(_message.created_at))
    counting = select(_message.kind, func.count(), oldest).where(_message.state == MessageState.DEAD)
    return {row[0]: (row[1], float(row[2])) for row in session.execute(counting.group_by(_message.kind))}


def _filtered(query: Select[Any], actor: Actor, filters: Filters) -> Iterator[Select[Any]]:
    """`query` with all but the recipient; one for each state where that is what finds the rows."""
    query = query.where(_message.org_id == actor.org_id, *within(filters.created_from, filters.created_to))
    if filters.kind:
        query = query.where(_message.kind == filters.kind)
    if filters.resource_id:
        query = query.where(_message.resource_id == filters.resource_id)
    states = filters.states or ()
    if filters.resource_id or filters.recipient or not states:
        yield query.where(_message.state.in_(sorted(states))) if states else query
    else:
        yield from (query.where(_message.state == state) for state in sorted(set(states)))


def _spellings(address: str) -> set[str]:
    """How rows may have written `address`, in lower case."""
    try:
        return {address.lower(), spelled(address).lower()}
    except ValueError:
        return {address.lower()}
