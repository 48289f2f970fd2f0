"""Versions of the price book. None is ever changed; the one with the highest version is in force."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, func, insert, literal, select, union_all
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.catalog.book import UNKNOWN_ADDON, faults_in
from shared.catalog.model import Addon, PriceBook, Service
from shared.catalog.reading import MISSING_RULE, Fault, step
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import Invalid, NotFound, code
from shared.core.ids import new_id
from shared.core.locks import queue_up
from shared.core.orm import Reader, table_of
from shared.organizations import service as organizations

NOT_FOUND = code("catalog.price_book_not_found", "No such price book")
BAD_BOOK = code("catalog.bad_price_book", "The price book has faults")
UNKNOWN_SERVICE = code("catalog.unknown_service", "No such service is on sale")

_RULES = "/rules"
"""Where the rules stand in a request."""

_books, _services, _addons = table_of(PriceBook), table_of(Service), table_of(Addon)
_ALL = select(*(column for column in _books.columns if column.name != "org_id"))
_ONE = _ALL.where(_books.c.org_id == bindparam("org_id"), _books.c.id == bindparam("price_book_id"))
_CURRENT = _ALL.where(_books.c.org_id == bindparam("org_id")).order_by(_books.c.version.desc()).limit(1)
_LISTED = select(*(column for column in _books.columns if column.name not in {"org_id", "rules"}))

_CATALOG = union_all(
    *(
        select(literal(part).label("part"), table.c.key, table.c.is_active).where(table.c.org_id == bindparam("org_id"))
        for part, table in (("services", _services), ("addons", _addons))
    )
)

_next_version = select(func.coalesce(func.max(_books.c.version), 0) + 1).where(_books.c.org_id == bindparam("org_id"))
_given = [column for column in _books.columns if column.name != "version"]
_STORE = (
    insert(_books)
    .from_select(
        ["version", *(column.name for column in _given)],
        select(_next_version.scalar_subquery(), *(bindparam(column.name, type_=column.type) for column in _given)),
    )
    .returning(*_ALL.selected_columns)
)


def upload(session: Session, actor: Actor, *, rules: dict[str, Any], note: str = "", now: datetime) -> Row[Any]:
    """Put a new version in force. Raises `Invalid` with every fault of `rules`.

    Uploads of one organization take turns, so that each gets a version of its own.
    """
    currency = organizations.get(session, actor.org_id).currency
    faults = faults_in(rules, _RULES, currency=currency)
    faults += _misfits(session, actor, rules, {fault.pointer for fault in faults})
    if faults:
        detail = f"The price book has {len(faults)} fault{'s' if len(faults) > 1 else ''}; nothing was changed."
        raise Invalid(BAD_BOOK, detail, errors=[fault.as_error() for fault in faults])
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "currency": currency,
        "rules": rules,
        "note": note,
        "created_at": now,
    }
    queue_up(session, "catalog.price_books", actor.org_id)
    book = session.execute(_STORE, values).one()
    after = {"version": book.version, "note": note}
    audit.record(session, actor, "catalog.upload_price_book", book.id, now=now, after=after)
    return book


def get(session: Reader, actor: Actor, price_book_id: UUID) -> Row[Any]:
    """One version's columns. Raises `NotFound`."""
    found = session.execute(_ONE, {"org_id": actor.org_id, "price_book_id": price_book_id}).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such price book.")
    return found


def current(session: Reader, actor: Actor) -> Row[Any]:
    """The columns of the version in force. Raises `NotFound` when there is none yet."""
    found = session.execute(_CURRENT, {"org_id": actor.org_id}).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no price book yet.")
    return found


def list_page(session: Reader, actor: Actor, request: pages.PageRequest) -> pages.Page:
    """Versions without their rules, newest first."""
    query = _LISTED.where(_books.c.org_id == actor.org_id)
    return pages.fetch_page(session, query, request, (_books.c.version, int))


def _misfits(session: Session, actor: Actor, rules: Any, known: set[str]) -> Iterator[Fault]:
    """Where the book does not fit the catalog: it prices what is there, and at least all that is on sale. Nothing is
    said about places that have a fault already."""
    found: dict[str, dict[str, bool]] = {"services": {}, "addons": {}}
    for part, key, is_active in session.execute(_CATALOG, {"org_id": actor.org_id}):
        found[part][key] = is_active
    for part, unknown, called in (("services", UNKNOWN_SERVICE, "service"), ("addons", UNKNOWN_ADDON, "add-on")):
        priced = rules.get(part)
        at = step(_RULES, part)
        if not isinstance(priced, dict) or at in known:
            continue
        for key in (key for key in priced if key not in found[part] and step(at, key) not in known):
            yield Fault(step(at, key), unknown, f"This organization has no {called} with this key.")
        for key in sorted(key for key, is_active in found[part].items() if is_active and key not in priced):
            yield Fault(step(at, key), MISSING_RULE, f"This {called} is on sale, and so needs a price.")
