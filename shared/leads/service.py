import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.core import pages
from shared.core.actor import Actor
from shared.core.errors import code, invalid_field
from shared.core.ids import lowest_id_at, new_id
from shared.core.mail_addresses import spelled
from shared.core.orm import Reader
from shared.exports import service as exports
from shared.exports.events import Event
from shared.leads import moving, references, rows
from shared.leads.states import LeadState
from shared.messages import service as messages
from shared.messages.model import MessageKind

BAD_EMAIL = code("leads.bad_email", "This is not an e-mail address")
UNREACHABLE = code("leads.unreachable", "A lead needs an e-mail address or a phone number")

NOT_FOUND = rows.NOT_FOUND

lock, win, move_client = rows.lock, moving.win, moving.move_client
contact, quote, lose = moving.contact, moving.quote, moving.lose

_leads, _lead = rows.leads, rows.leads.c
_NOT_EXPORTED = {"org_id", "captcha", "erased_at"}


@dataclass(frozen=True, slots=True)
class NewLead:
    """What a person says who asks for work. `phone` is in E.164."""

    name: str
    email: str | None = None
    phone: str | None = None
    address: str = ""
    postal_code: str = ""
    preferred_times: str = ""
    notes: str = ""
    service_id: UUID | None = None
    estimate_id: UUID | None = None
    inputs: dict[str, Any] = field(default_factory=dict)
    utm: dict[str, Any] = field(default_factory=dict)
    referral_code: str | None = None


def create(session: Session, actor: Actor, wanted: NewLead, *, source: str, captcha: str, now: datetime) -> Row[Any]:
    """Write down a request, tell other systems, and tell the person by mail that it has arrived.

    `source` says where it was made (`staff`, `public`), `captcha` what was found out about who made it. Raises
    `Invalid` without e-mail address and phone, or for an unknown service or estimate.
    """
    given = asdict(wanted) | {"email": wanted.email and _spelled(wanted.email)}
    _demand_reachable(given["email"], given["phone"])
    service = references.check(session, actor, service_id=wanted.service_id, estimate_id=wanted.estimate_id)
    values = given | {
        "org_id": actor.org_id,
        "id": new_id(),
        "state": LeadState.NEW,
        "source": source,
        "captcha": captcha,
        "created_at": now,
        "updated_at": now,
    }
    lead = session.execute(insert(_leads).values(values).returning(_leads)).one()
    audit.record(session, actor, "leads.create", lead.id, now=now, after={"source": source})
    told = {name: value for name, value in lead._asdict().items() if name not in _NOT_EXPORTED}
    exports.record(session, actor, Event.LEAD_CREATED, lead.id, told, now=now)
    if lead.email:
        _confirm_receipt(session, actor, lead, service, now=now)
    return lead


def get(session: Reader, actor: Actor, lead_id: UUID) -> Row[Any]:
    """One lead's columns. Raises `NotFound`."""
    found = session.execute(rows.ONE, {"org_id": actor.org_id, "lead_id": lead_id}).one_or_none()
    if found is None:
        raise rows.not_found()
    return found


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    states: list[str] | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> pages.Page:
    """Leads, the last written first, without erased ones; `created_from` is included, `created_to` is not."""
    query = select(_leads).where(_lead.org_id == actor.org_id, _lead.erased_at.is_(None))
    if states:
        query = query.where(_lead.state.in_(states))
    if created_from:
        query = query.where(_lead.created_at >= created_from, _lead.id >= lowest_id_at(created_from - audit.APART))
    if created_to:
        query = query.where(_lead.created_at < created_to, _lead.id < lowest_id_at(created_to + audit.APART))
    return pages.fetch_page(session, query, request, pages.by_id(_lead.id))


def change(session: Session, actor: Actor, lead_id: UUID, *, now: datetime, **changes: Any) -> Row[Any]:
    """Change what is known about a request, in any state.

    Raises `NotFound`, `Invalid` when nobody could be reached any more or for an unknown service or estimate, `Conflict`
    for an erased one.
    """
    lead = rows.lock(session, actor, lead_id)
    if changes.get("email"):
        changes["email"] = _spelled(changes["email"])
    changed = {name: value for name, value in changes.items() if value != getattr(lead, name)}
    if not changed:
        return lead
    _demand_reachable(changed.get("email", lead.email), changed.get("phone", lead.phone))
    references.check(session, actor, service_id=changed.get("service_id"), estimate_id=changed.get("estimate_id"))
    audit.record(session, actor, "leads.change", lead_id, now=now, after={"fields": sorted(changed)})
    return rows.write(session, actor, lead_id, changed, now=now)


def _confirm_receipt(session: Session, actor: Actor, lead: Row[Any], service: str | None, *, now: datetime) -> None:
    messages.queue(
        session,
        actor,
        MessageKind.REQUEST_RECEIVED,
        lead.email,
        {"title": service},
        # Once an hour for an address: whoever asks in somebody else's name cannot fill their mailbox.
        dedupe_key=f"{MessageKind.REQUEST_RECEIVED}:{_digest(lead.email)}:{now:%Y-%m-%dT%H}",
        resource_id=lead.id,
        now=now,
    )


def _digest(email: str) -> str:
    """Stands for an address where the address itself could not be forgotten."""
    return hashlib.sha256(email.lower().encode()).hexdigest()


def _spelled(email: str) -> str:
    try:
        return spelled(email)
    except ValueError as error:
        raise invalid_field("/email", BAD_EMAIL, f"{email!r} {error}.") from None


def _demand_reachable(email: str | None, phone: str | None) -> None:
    if not (email or phone):
        raise invalid_field("/email", UNREACHABLE, "Give an e-mail address or a phone number, or both.")
