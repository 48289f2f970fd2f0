"""What an order is placed on: the client, the price, the team, the policies. Looked up by `named.py`, judged in one
place, so that every unknown or foreign identifier is refused alike."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.catalog.rules import Frequency
from shared.core.actor import Actor
from shared.core.errors import Invalid, code, invalid_field
from shared.core.money import Money
from shared.orders.model import OrderSource
from shared.orders.named import HAS_ORDERED, look_up
from shared.orders.policies import Deposit, deposit_for
from shared.organizations.settings import DepositReason

WRONG_CURRENCY = code("orders.wrong_currency", "The currency is not the organization's")
BAD_TIMES = code("orders.bad_times", "The times cannot be used")
UNKNOWN_CLIENT = code("orders.unknown_client", "No such client")
UNKNOWN_ESTIMATE = code("orders.unknown_estimate", "No such estimate")
ESTIMATE_EXPIRED = code("orders.estimate_expired", "The estimate is not valid any more")
UNKNOWN_SERVICE = code("orders.unknown_service", "No such service")
UNKNOWN_TEAM = code("orders.unknown_team", "No such team")
UNKNOWN_WORKER = code("orders.unknown_worker", "No such worker")
UNKNOWN_LEAD = code("orders.unknown_lead", "No such lead")
NOT_SINGLE = code("orders.not_single", "The estimate is for visits that come back")
NOT_ON_SALE = code("orders.not_on_sale", "The service is not offered any more")
BAD_PRICE = code("orders.bad_price", "The price cannot be used")

LONGEST = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class NewOrder:
    """What it takes to place an order. The price is that of an estimate, or a `total` that staff have agreed on, with a
    `title`; the end follows from the estimate's minutes when it is not given."""

    client_id: UUID
    address: str
    scheduled_start: datetime
    scheduled_end: datetime | None = None
    estimate_id: UUID | None = None
    total: Money | None = None
    service_id: UUID | None = None
    title: str | None = None
    notes: str = ""
    access_notes: str = ""
    postal_code: str = ""
    photo_consent: bool = False
    team_id: UUID | None = None
    worker_ids: list[UUID] = field(default_factory=list)
    lead_id: UUID | None = None
    source: OrderSource = OrderSource.STAFF
    recurrence_id: UUID | None = None
    occurrence_on: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed. `around` has what mails and policies need of the organization and the client."""

    around: Row[Any]
    title: str
    scheduled_end: datetime
    total: Money
    lines: list[dict[str, Any]]
    deposit: Deposit

    @property
    def is_heavy(self) -> bool:
        return bool(self.around.is_heavy)

    @property
    def buffer(self) -> timedelta:
        return timedelta(minutes=self.around.scheduling_policy["buffer_minutes"])

    @property
    def hold(self) -> timedelta:
        return timedelta(minutes=self.around.scheduling_policy["hold_minutes"])


def agree(session: Session, actor: Actor, wanted: NewOrder, *, now: datetime) -> Terms:
    """The terms on which `wanted` can be placed. Raises `Invalid` for bad times, prices and unknown identifiers."""
    names = {name: getattr(wanted, name) for name in _UNKNOWN if getattr(wanted, name) is not None}
    around = session.execute(look_up(frozenset(names)), {"org_id": actor.org_id, **names}).one()
    for name, refusal in _UNKNOWN.items():
        if name in names and getattr(around, name) is None:
            raise refusal()
    total = _price(wanted, around, now)
    end = wanted.scheduled_end or wanted.scheduled_start + timedelta(minutes=around.minutes or 0)
    check_times(wanted.scheduled_start, end, now=now)
    deposit = Deposit(0, [])
    if wanted.source is not OrderSource.RECURRENCE:
        deposit = deposit_for(
            around,
            total=total.amount,
            is_heavy=bool(around.is_heavy),
            is_first=_is_first(session, actor, wanted, around),
            start=wanted.scheduled_start,
            now=now,
        )
    return Terms(around, wanted.title or around.service_name, end, total, around.lines or [], deposit)


_UNKNOWN: dict[str, Callable[[], Invalid]] = {
    "client_id": lambda: invalid_field("/client_id", UNKNOWN_CLIENT, "This organization has no such client."),
    "estimate_id": lambda: invalid_field("/estimate_id", UNKNOWN_ESTIMATE, "This organization has no such estimate."),
    "service_id": lambda: invalid_field("/service_id", UNKNOWN_SERVICE, "This organization has no such service."),
    "team_id": lambda: invalid_field("/team_id", UNKNOWN_TEAM, "This organization has no such team at work."),
    "lead_id": lambda: invalid_field("/lead_id", UNKNOWN_LEAD, "This organization has no such lead."),
}


def _is_first(session: Session, actor: Actor, wanted: NewOrder, around: Row[Any]) -> bool:
    """Whether the client has not ordered before; False where it makes no difference. Whoever books at the public door
    has proved nothing about who they are."""
    if wanted.source is OrderSource.PUBLIC:
        return True
    if DepositReason.FIRST_ORDER not in around.deposit_policy["required_for"]:
        return False
    return not session.scalar(HAS_ORDERED, {"org_id": actor.org_id, "client_id": wanted.client_id})


def check_times(start: datetime, end: datetime, *, now: datetime) -> None:
    """Raises `Invalid` for a visit in the past, without length, or longer than a day."""
    if end <= start:
        raise invalid_field("/scheduled_end", BAD_TIMES, "The end must be after the start.")
    if start <= now:
        raise invalid_field("/scheduled_start", BAD_TIMES, "The start is in the past.")
    if end - start > LONGEST:
        raise invalid_field("/scheduled_end", BAD_TIMES, "A visit is 24 hours long at most.")


def _check_offer(around: Row[Any]) -> None:
    """Raises `Invalid` for what strangers cannot book by themselves."""
    if around.frequency != Frequency.ONCE:
        detail = "The estimate is for visits that come back. Ask for one of a single visit, or leave a request."
        raise invalid_field("/estimate_id", NOT_SINGLE, detail)
    if not around.is_on_sale:
        raise invalid_field("/estimate_id", NOT_ON_SALE, "The company does not offer this any more.")


def check_estimate(estimate: Row[Any] | None, *, now: datetime) -> Row[Any]:
    """Raises `Invalid` for an estimate that is unknown, or not valid any more; a series keeps its price, though."""
    if estimate is None:
        raise invalid_field("/estimate_id", UNKNOWN_ESTIMATE, "This organization has no such estimate.")
    if estimate.valid_until <= now:
        raise invalid_field("/estimate_id", ESTIMATE_EXPIRED, "The estimate is not valid any more. Make a new one.")
    return estimate


def _price(wanted: NewOrder, around: Row[Any], now: datetime) -> Money:
    if (wanted.estimate_id is None) == (wanted.total is None):
        raise invalid_field("/estimate_id", BAD_PRICE, "Name an estimate, or else a total.")
    if wanted.total is not None:
        return _agreed(wanted, wanted.total, around)
    if wanted.service_id not in {None, around.service_id}:
        raise invalid_field("/service_id", BAD_PRICE, "The service is that of the estimate.")
    if wanted.source is not OrderSource.RECURRENCE:
        check_estimate(around, now=now)
    if wanted.source is OrderSource.PUBLIC:
        _check_offer(around)
    return Money(around.total_amount, around.estimate_currency)


def _agreed(wanted: NewOrder, total: Money, around: Row[Any]) -> Money:
    if total.currency != around.currency:
        raise invalid_field("/total/currency", WRONG_CURRENCY, f"This organization works in {around.currency}.")
    missing = [name for name in ("title", "scheduled_end") if getattr(wanted, name) is None]
    if missing:
        faults = [
            {"pointer": f"/{name}", "code": BAD_PRICE, "detail": "Is needed when the price is not an estimate's."}
            for name in missing
        ]
        raise Invalid(BAD_PRICE, f"Without an estimate, {' and '.join(missing)} must be given.", errors=faults)
    return total
