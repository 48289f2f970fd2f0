import re
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from shared.core.database_errors import conflict_on
from shared.core.errors import Invalid, NotFound, code, invalid_field
from shared.core.orm import Reader, table_of
from shared.organizations.model import Organization

NOT_FOUND = code("organizations.not_found", "No such organization")
SLUG_TAKEN = code("organizations.slug_taken", "The slug is taken")
BAD_SLUG = code("organizations.bad_slug", "The slug cannot be used")
BAD_TIMEZONE = code("organizations.bad_timezone", "No such time zone")
BAD_CURRENCY = code("organizations.bad_currency", "No such currency")

conflict_on("uq_organizations_slug", SLUG_TAKEN, "Another organization has this slug.")


def create(session: Session, *, slug: str, name: str, timezone: str, currency: str, now: datetime) -> Organization:
    """Make an organization. Raises `Invalid` for a bad slug, zone or currency, `Conflict` for a taken slug."""
    _check(slug, timezone, currency)
    organization = Organization(slug=slug, name=name, timezone=timezone, currency=currency.lower(), created_at=now)
    session.add(organization)
    session.flush()
    return organization


def get(session: Session, org_id: UUID) -> Organization:
    """The organization of the transaction. Raises `NotFound`."""
    found = session.get(Organization, org_id)
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such organization.")
    return found


def find_by_slug(session: Reader, slug: str) -> Row[Any] | None:
    """The columns of the organization with `slug`, if there is one. Needs the platform scope."""
    organizations = table_of(Organization)
    return session.execute(select(organizations).where(organizations.c.slug == slug)).one_or_none()


def _check(slug: str, timezone: str, currency: str) -> None:
    faults: list[Invalid] = []
    if not re.fullmatch(r"[a-z0-9](-?[a-z0-9]){1,49}", slug):
        faults.append(invalid_field("/slug", BAD_SLUG, "2 to 50 of a-z, 0-9 and single dashes between them."))
    if timezone not in available_timezones():
        faults.append(invalid_field("/timezone", BAD_TIMEZONE, f"{timezone!r} is not an IANA time zone."))
    if not re.fullmatch(r"[A-Za-z]{3}", currency):
        faults.append(invalid_field("/currency", BAD_CURRENCY, "Three letters, as in ISO 4217."))
    if faults:
        detail = " ".join(fault.detail for fault in faults)
        raise Invalid(faults[0].code, detail, errors=[error for fault in faults for error in fault.errors])
