import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Unpack
from uuid import UUID

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core.actor import Actor, system
from shared.core.database_errors import conflict_on
from shared.core.errors import STALE, Conflict, NotFound, code, invalid_field
from shared.core.orm import Reader, table_of
from shared.organizations import settings
from shared.organizations.model import Organization
from shared.organizations.settings import Changes

NOT_FOUND = code("organizations.not_found", "No such organization")
SLUG_TAKEN = code("organizations.slug_taken", "The slug is taken")
BAD_SLUG = code("organizations.bad_slug", "The slug cannot be used")
BAD_CURRENCY = code("organizations.bad_currency", "No such currency")

conflict_on("uq_organizations_slug", SLUG_TAKEN, "Another organization has this slug.")

_organizations = table_of(Organization)
_ONE = select(_organizations).where(_organizations.c.id == bindparam("org_id"))
_SLUG = re.compile(r"[a-z0-9](-?[a-z0-9]){1,49}")
_FOR_STRANGERS = select(
    *(
        _organizations.c[name]
        for name in ("id", "slug", "name", "timezone", "currency", "locale", "business_hours", "portal_origins")
    )
).where(_organizations.c.slug == bindparam("slug"))


def create(
    session: Session,
    *,
    slug: str,
    name: str,
    timezone: str,
    currency: str,
    locale: str = settings.LOCALE,
    now: datetime,
) -> Organization:
    """Make an organization. Raises `Invalid` for a bad slug, zone, currency or locale, `Conflict` for a taken slug."""
    faults = settings.faults_in({"timezone": timezone, "locale": locale})
    if not _SLUG.fullmatch(slug):
        faults.append(invalid_field("/slug", BAD_SLUG, "2 to 50 of a-z, 0-9 and single dashes between them."))
    if not re.fullmatch(r"[A-Za-z]{3}", currency):
        faults.append(invalid_field("/currency", BAD_CURRENCY, "Three letters, as in ISO 4217."))
    settings.refuse(faults)
    organization = Organization(
        slug=slug, name=name, timezone=timezone, currency=currency.lower(), locale=locale, created_at=now
    )
    session.add(organization)
    session.flush()
    audit.record(session, system(organization.id, "operator"), "organizations.create", organization.id, now=now)
    return organization


def get(session: Reader, org_id: UUID) -> Row[Any]:
    """The columns of the organization of the transaction. Raises `NotFound`."""
    found = session.execute(_ONE, {"org_id": org_id}).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such organization.")
    return found


def list_ids(session: Reader, *, after: UUID | None, limit: int) -> Sequence[UUID]:
    """Identifiers of organizations, in their order, behind `after`. Needs the platform scope."""
    query = select(_organizations.c.id).order_by(_organizations.c.id).limit(limit)
    return session.execute(query if after is None else query.where(_organizations.c.id > after)).scalars().all()


def find_by_slug(session: Reader, slug: str) -> Row[Any] | None:
    """The columns of the organization with `slug`, if there is one. Needs the platform scope."""
    return session.execute(select(_organizations).where(_organizations.c.slug == slug)).one_or_none()


def get_for_strangers(session: Reader, slug: str) -> Row[Any]:
    """What anybody may know about the organization with `slug`, and the origins of its pages. Needs the platform scope.

    Raises `NotFound`, also for what is no slug: Postgres is not asked about it.
    """
    found = session.execute(_FOR_STRANGERS, {"slug": slug}).one_or_none() if _SLUG.fullmatch(slug) else None
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such organization.")
    return found


def change_settings(
    session: Session,
    actor: Actor,
    *,
    version: int | None,
    longest_kept: Mapping[str, int | None] | None = None,
    now: datetime,
    **changes: Unpack[Changes],
) -> Organization:
    """Change settings of the actor's organization; what stays as it is leaves neither a trace nor a new version.
    `longest_kept` is what a retention policy may not exceed.

    Raises `Invalid` with every fault, `Conflict` when `version` (None for any) is not the current one.
    """
    faults = settings.faults_in(changes)
    faults += settings.faults_in_retention(changes.get("retention_policy", {}), longest_kept or {})
    settings.refuse(faults)
    changes = settings.spelled(changes)
    organization = _lock(session, actor)
    if version is not None and version != organization.version:
        detail = "Somebody has changed the settings since you read them."
        raise Conflict(STALE, detail, current_version=organization.version)
    before = {name: getattr(organization, name) for name in changes}
    after = {name: value for name, value in changes.items() if value != before[name]}
    if after:
        for name, value in after.items():
            setattr(organization, name, value)
        organization.version += 1
        before = {name: before[name] for name in after}
        audit.record(
            session, actor, "organizations.change_settings", organization.id, now=now, before=before, after=after
        )
    return organization


def _lock(session: Session, actor: Actor) -> Organization:
    """The actor's organization, locked until the end of the transaction against changes, but not against rows that
    point to it: whoever places an order does not wait for whoever changes the business hours."""
    mine = select(Organization).where(Organization.id == actor.org_id).with_for_update(key_share=True)
    organization = session.scalar(mine.execution_options(populate_existing=True))
    if organization is None:
        raise NotFound(NOT_FOUND, "There is no such organization.")
    return organization
