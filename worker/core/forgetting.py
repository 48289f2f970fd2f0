"""The walk of retention: organization by organization, category by category, page by page (`shared/retention`)."""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.core import clock
from shared.core.errors import Refusal
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only, transaction
from shared.organizations import service as organizations
from shared.retention import forgetting
from shared.retention.categories import CATEGORIES, OF_INSTALLATION, Category, limits
from shared.retention.forgetting import Looked
from worker.core.boot import services
from worker.core.organizations import ids_after
from worker.core.periodic import Counts, Run

log = structlog.get_logger(__name__)

SHORTEST_REST, LONGEST_REST = 0.02, 0.5
"""Seconds after a full page. In between it is as long as the page has taken: half of the time is left to others."""
AT = "at"
"""What the run keeps between its turns: where it stopped (whose rows, which category, whether in it, behind which
row)."""
_START = [None, 0, False, None]
_INSTALLATION = "installation"
_DONE = 100
"""In place of a category's number."""


def walk(run: Run) -> Iterator[Counts]:
    """Forget what is over; in a dry run count it, by the same words. Yields after each transaction.

    An organization that the database refuses does not keep the others from being done: it is passed over.
    """
    now = clock.utc_now()
    if AT not in run.details:
        run.details[AT] = _START
        yield {category.name: 0 for category in (*CATEGORIES, *OF_INSTALLATION) if _is_asked(run, category)}
    for org_id in _owners(run):
        whose = str(org_id or _INSTALLATION)
        try:
            yield from _forget_of(run, org_id, now)
        except (Refusal, SQLAlchemyError) as error:
            log.exception("retention.organization_failed", org_id=whose)
            run.pass_over(whose, error)
        run.details[AT] = [whose, _DONE, False, None]
        yield {}
    del run.details[AT]


def _is_asked(run: Run, category: Category) -> bool:
    return not (category.of_installation and isinstance(run.scope, Tenant))


def _owners(run: Run) -> Iterator[UUID | None]:
    """Whose rows are to be looked at, from where the last turn stopped; None, at the end, is the installation."""
    stopped_at, number, *_ = run.details[AT]
    is_done = number == _DONE
    if isinstance(run.scope, Tenant):
        yield from [] if is_done else [run.scope.org_id]
        return
    if stopped_at != _INSTALLATION:
        last = UUID(stopped_at) if stopped_at else None
        yield from [] if last is None or is_done else [last]
        yield from ids_after(last)
    yield from [] if stopped_at == _INSTALLATION and is_done else [None]


def _forget_of(run: Run, org_id: UUID | None, now: datetime) -> Iterator[Counts]:
    categories, begin = _left(run, org_id)
    policy: dict[str, int | None] = {}
    if org_id:
        with read_only(Tenant(org_id)) as connection:
            policy = organizations.get(connection, org_id).retention_policy
    kept_for = limits(services().settings, policy)
    for number, category in categories:
        days = kept_for[category.limit]
        if days is not None:
            before = forgetting.moment(days, now)
            for looked in _pages(run, category, org_id, before, begin):
                run.details[AT] = [str(org_id or _INSTALLATION), number, looked.has_more, looked.after]
                yield {category.name: looked.forgotten}
        begin = None


def _left(run: Run, org_id: UUID | None) -> tuple[Iterable[tuple[int, Category]], Any]:
    """The categories that are left to do, with their numbers, and where in the first of them to go on."""
    numbered = list(enumerate(CATEGORIES if org_id else OF_INSTALLATION))
    stopped_at, number, is_inside, after = run.details[AT]
    if stopped_at != str(org_id or _INSTALLATION):
        return numbered, None
    return (numbered[number:], after) if is_inside else (numbered[number + 1 :], None)


def _pages(run: Run, category: Category, org_id: UUID | None, before: datetime, after: Any) -> Iterator[Looked]:
    """Each page behind `after` that has rows."""
    scope = Tenant(org_id) if org_id else PLATFORM
    while True:
        started = time.monotonic()
        if run.dry_run:
            with read_only(scope) as connection:
                looked = forgetting.count(connection, category, org_id, before=before, after=after)
        else:
            with transaction(scope) as session:
                looked = forgetting.forget(session, category, org_id, before=before, after=after, now=clock.utc_now())
        if looked.forgotten or looked.has_more:
            yield looked
        if not looked.has_more:
            return
        after = looked.after
        if not run.dry_run:
            time.sleep(min(max(time.monotonic() - started, SHORTEST_REST), LONGEST_REST))
