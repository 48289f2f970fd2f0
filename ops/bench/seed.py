"""What the paths are measured on, made through the domain: `python -m ops.bench.seed ORDERS` prints it as JSON.

Runs in a process of its own, with the installation's environment.
"""

import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import insert, select, update

from shared.clients import service as clients
from shared.core import clock
from shared.core.actor import Actor, system
from shared.core.ids import new_id
from shared.core.money import Money
from shared.core.permissions import Role
from shared.core.settings import Settings, load_settings
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.identity import accounts, passwords, signing_in
from shared.orders.model import Order, OrderNumber
from shared.orders.placing import place
from shared.orders.terms import NewOrder
from shared.organizations import service as organizations
from shared.wiring import build_services

SPREAD = 20
EMAIL, PASSWORD = "o@bench.test", "Quay 93 lantern moss"
"""With these the owner of `reading` signs in."""
BATCH = 500
FIRST_START = datetime(2099, 1, 1, 8, tzinfo=UTC)
STEP = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Company:
    """An organization with an owner who is signed in and a client."""

    org_id: str
    client_id: str
    token: str


@dataclass(frozen=True, slots=True)
class Seed:
    """`reading` has the many orders, `creating` gets the new ones, `spread` shares them out over 20 organizations."""

    reading: Company
    creating: Company
    spread: list[Company]
    order_ids: list[str]


def company(settings: Settings, slug: str) -> tuple[Company, Actor]:
    """Make one, and sign its owner in."""
    now = clock.utc_now()
    with transaction(PLATFORM) as session:
        org = organizations.create(session, slug=slug, name=slug, timezone="America/Edmonton", currency="cad", now=now)
        seeding = system(org.id, "bench")
        user = accounts.create_user(session, seeding, email=EMAIL, name="O", role=Role.OWNER, now=now)
        client = clients.create(session, seeding, name="Anna Berg", email="anna@bench.test", now=now)
        owner = Actor(org_id=org.id, user_id=user.id, role=Role.OWNER, label="user")
        tokens = signing_in.start_session(session, settings, owner, checked_hash=None, now=now)
    return Company(str(org.id), str(client.id), tokens.access_token), owner


def place_orders(owner: Actor, client_id: UUID, count: int) -> list[str]:
    """`count` orders, two hours apart, with photo consent: one placed through the domain, and copies of its row."""
    wanted = NewOrder(
        client_id=client_id,
        title="Spring cleaning",
        address="12 Elm Street, Calgary",
        scheduled_start=FIRST_START,
        scheduled_end=FIRST_START + STEP,
        total=Money(12900, "cad"),
        photo_consent=True,
    )
    with transaction(Tenant(owner.org_id)) as session:
        placed = place(session, owner, wanted, now=clock.utc_now())
        session.flush()
        row = select(Order.__table__).where(Order.org_id == owner.org_id, Order.id == placed.id)
        first = dict(session.execute(row).mappings().one())
        copies = [first] + [_copy(first, number) for number in range(1, count)]
        for start in range(1, count, BATCH):
            session.execute(insert(Order), copies[start : start + BATCH])
        session.execute(update(OrderNumber).values(last_number=copies[-1]["number"]))
    return [str(copy["id"]) for copy in copies]


def _copy(first: dict[str, Any], number: int) -> dict[str, Any]:
    start = first["scheduled_start"] + number * STEP
    return first | {
        "id": new_id(),
        "number": first["number"] + number,
        "scheduled_start": start,
        "scheduled_end": start + STEP,
        "blocked_until": start + STEP,
    }


def give_password(owner: Actor) -> None:
    """Let the owner sign in over HTTP."""
    with transaction(Tenant(owner.org_id)) as session:
        accounts.lock_own(session, owner).password_hash = passwords.hash_password(PASSWORD)


def seed(settings: Settings, count: int) -> Seed:
    """Everything the paths need; `count` orders for the list."""
    reading, owner = company(settings, "reading")
    give_password(owner)
    creating, _ = company(settings, "creating")
    return Seed(
        reading=reading,
        creating=creating,
        spread=[company(settings, f"spread-{number}")[0] for number in range(SPREAD)],
        order_ids=place_orders(owner, UUID(reading.client_id), count),
    )


def main() -> None:
    settings = load_settings()
    build_services(settings)
    made = seed(settings, int(sys.argv[1]))
    sys.stdout.buffer.write(orjson.dumps(asdict(made)))


if __name__ == "__main__":
    main()
