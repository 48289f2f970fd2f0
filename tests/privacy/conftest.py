"""A person about whom there is something in every table that can hold it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from shared.catalog.model import Estimate, PriceBook, Service
from shared.checklists.model import ChecklistItem, ChecklistTemplate
from shared.core.ids import new_id
from shared.core.transaction import transaction
from shared.crews.model import Worker
from shared.exports import service as exports
from shared.leads import service as leads
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.orders.model import Order
from shared.payments.model import Payment
from shared.recurrences.model import Occurrence, Recurrence
from shared.time_entries.model import TimeEntry, TimeSegment
from tests.factories.clients import make_address, make_client
from tests.factories.leads import make_lead
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company

NAME, EMAIL, PHONE = "Quirina Xylander", "quirina@xylander.test", "+14035550199"
STREET, NOTE = "77 Zanzibar Street", "Allergic to zinnias"
TRACES = ("quirina", "xylander", "4035550199", "zanzibar", "zinnia")


@dataclass(frozen=True)
class Known:
    """The person's rows."""

    client_id: UUID
    order_id: UUID
    lead_id: UUID
    photo_id: UUID
    recurrence_id: UUID


def make_known(company: Company, *, order_state: str = "completed", email: str = EMAIL, phone: str = PHONE) -> Known:
    """The person as a client of the company, with an order that is over."""
    client_id = make_client(company, name=NAME, email=email, phone=phone, notes=NOTE, access_notes=NOTE)
    make_address(company, client_id, label="Xylander", address=STREET, access_notes=NOTE)
    lead_id = make_lead(
        company,
        name=NAME,
        email=email,
        phone=phone,
        address=STREET,
        notes=NOTE,
        preferred_times=NOTE,
        inputs={"note": NOTE},
        utm={"term": "xylander"},
        referral_code="XYLANDER",
    )
    make_lead(company, name=NAME, email=email.upper(), phone=None, notes=NOTE)
    make_lead(company, name=NAME, email="other@lead.test", phone=phone, notes=NOTE)
    order_id = make_order(company, client_id=client_id, title="Clean for Xylander", address=STREET, notes=NOTE)
    photo = make_photo(company, order_id)
    recurrence_id = _add_rows(company, client_id, order_id, order_state)
    with transaction(company.scope) as session:
        now = datetime.now(UTC)
        leads.win(session, company.owner, lead_id, client_id, now=now)
        session.merge(photo).caption = NOTE
        variables = {"client_name": NAME, "address": STREET}
        for number, (to, about) in enumerate([(email, None), ("new@address.test", order_id)]):
            messages.queue(
                session,
                company.owner,
                MessageKind.ORDER_CONFIRMED,
                to,
                variables,
                dedupe_key=f"known:{number}:{client_id}",
                resource_id=about,
                now=now,
            )
        exports.record(session, company.owner, "order.created", order_id, {"client": NAME}, now=now)
    return Known(client_id, order_id, lead_id, photo.id, recurrence_id)


def _add_rows(company: Company, client_id: UUID, order_id: UUID, order_state: str) -> UUID:
    """Rows of other features, as they are in the database."""
    now, org = datetime.now(UTC), company.org_id
    stamps: dict[str, Any] = {"org_id": org, "created_at": now}
    both = stamps | {"updated_at": now}
    service, book, worker, recurrence = (new_id() for _ in range(4))
    template, estimate, entry = (new_id() for _ in range(3))
    amounts = dict.fromkeys(("subtotal_amount", "total_amount"), 100) | {"discount_amount": 0, "tax_amount": 0}
    steps: list[list[Any]] = [
        [
            Service(id=service, key=f"deep-{service}", name="Deep cleaning", **both),
            PriceBook(id=book, version=int(now.timestamp() * 1e6), currency="cad", rules={}, **stamps),
            Worker(id=worker, name="Wanda", email=None, phone=None, **both),
        ],
        [
            Estimate(
                id=estimate,
                price_book_id=book,
                price_book_version=1,
                service_id=service,
                frequency="once",
                inputs={"rooms": 2},
                addons={},
                lines=[],
                taxes=[],
                explain=[],
                minutes=60,
                crew_size=1,
                currency="cad",
                valid_until=now,
                **amounts,
                **stamps,
            ),
            ChecklistTemplate(id=template, service_id=service, version=1, items=[], **stamps),
            Recurrence(
                id=recurrence,
                client_id=client_id,
                service_id=service,
                frequency="weekly",
                starts_on=date(2026, 1, 5),
                local_time=time(9),
                planned_minutes=60,
                terms={"title": "For Xylander", "address": STREET, "notes": NOTE, "total_amount": 100},
                **both,
            ),
        ],
        [
            Occurrence(recurrence_id=recurrence, on_date=date(2026, 1, 5), state="placed", detail=NAME, **both),
            ChecklistItem(org_id=org, order_id=order_id, template_id=template, position=0, text="Mop", required=True),
            TimeEntry(
                org_id=org,
                id=entry,
                order_id=order_id,
                worker_id=worker,
                state="finished",
                started_at=now,
                finished_at=now,
                overrun_reason=f"{NAME} talked",
            ),
            Payment(
                order_id=order_id,
                state="succeeded",
                amount=12900,
                currency="cad",
                stripe_payment_intent_id=f"pi_{order_id}",
                paid_at=now,
                **stamps,
            ),
        ],
        [TimeSegment(org_id=org, time_entry_id=entry, started_at=now, ended_at=now + timedelta(minutes=1))],
    ]
    with transaction(company.scope) as session:
        for step in steps:
            session.add_all(step)
            session.flush()
        changed = {"state": order_state, "access_notes": NOTE, "postal_code": "Z0Z 0Z0", "estimate_id": estimate}
        mine = (Order.org_id == org, Order.id == order_id)
        session.execute(update(Order).where(*mine).values(changed | {"paid_amount": 12900}))
    return recurrence


@pytest.fixture
def known(company: Company) -> Known:
    """A person about whom much is known."""
    return make_known(company)
