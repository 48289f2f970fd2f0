"""`demo seed`: one company to try things with."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from shared.catalog import items, price_books
from shared.clients import service as clients
from shared.core import clock
from shared.core.actor import Actor, system
from shared.core.permissions import Role
from shared.core.settings import load_settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.crews import teams, workers
from shared.identity import accounts, passwords
from shared.organizations import service as organizations
from shared.wiring import build_services

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

SLUG = "demo"
COMPANY = "Bright & Tidy"
CLIENT = ("Anna Berg", "anna.berg@client.test")
PEOPLE = (
    ("Olive Owner", "olive@demo.test", Role.OWNER),
    ("Dan Dispatcher", "dan@demo.test", Role.DISPATCHER),
    ("Wanda Worker", "wanda@demo.test", Role.WORKER),
)
SERVICES = (("home_cleaning", "Home cleaning"), ("window_cleaning", "Window cleaning"))
ADDONS = (("oven", "Inside the oven"), ("fridge", "Inside the fridge"))
TEAM, AREA = "Calgary", ["T1", "T2", "T3"]

PRICES: dict[str, Any] = {
    "currency": "cad",
    "services": {
        "home_cleaning": {
            "base": {"price": "80.00", "minutes": 60},
            "inputs": {
                "bedrooms": {"price": "25.00", "minutes": 30, "included": 1, "max": 10, "default": 1},
                "bathrooms": {"price": "20.00", "minutes": 20, "included": 1, "max": 10, "default": 1},
            },
            "addons": ["oven", "fridge"],
            "minimum": "99.00",
        },
        "window_cleaning": {
            "base": {"price": "40.00", "minutes": 30},
            "inputs": {"windows": {"price": "7.50", "minutes": 6, "max": 60}},
            "minimum": "70.00",
        },
    },
    "addons": {
        "oven": {"price": "35.00", "minutes": 30, "max": 2},
        "fridge": {"price": "25.00", "minutes": 20, "max": 2},
    },
    "frequency_discounts": {"weekly": "15", "every_two_weeks": "10", "monthly": "5"},
    "taxes": [{"name": "GST", "percent": "5"}],
}


@dataclass(frozen=True, slots=True)
class Login:
    """One demo account."""

    role: str
    name: str
    email: str
    password: str | None
    org: str = SLUG


@click.group()
def demo() -> None:
    """Demo data. Refused in production: its passwords are known."""


@demo.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def seed(*, as_json: bool) -> None:
    """Make the demo company with an owner, a dispatcher, a worker and a client; with services, prices and a team, so
    that it can be booked. Again changes nothing."""
    settings = load_settings()
    if settings.environment == "production":
        raise click.ClickException("Demo logins have known passwords; they do not belong into production.")
    build_services(settings)
    with read_only(PLATFORM) as session:
        made = organizations.find_by_slug(session, SLUG) is not None
    if not made:
        _seed()
    _print(_logins(), as_json=as_json)


def _logins() -> list[Login]:
    people = [Login(role, name, email, _password(role)) for name, email, role in PEOPLE]
    return [*people, Login("client", *CLIENT, password=None)]


def _password(role: Role) -> str:
    return f"demo-{role}-password"


def _seed() -> None:
    hashes = {role: passwords.hash_password(_password(role)) for _, _, role in PEOPLE}
    now = clock.utc_now()
    with transaction(PLATFORM) as session:
        company = organizations.create(
            session, slug=SLUG, name=COMPANY, timezone="America/Edmonton", currency="cad", now=now
        )
        seeding = system(company.id, "demo seed")
        for name, email, role in PEOPLE:
            user = accounts.create_user(session, seeding, email=email, name=name, role=role, now=now)
            user.password_hash = hashes[role]
            if role is Role.WORKER:
                _hire(session, seeding, name, email, user.id, now=now)
        clients.create(session, seeding, name=CLIENT[0], email=CLIENT[1], now=now)
        _sell(session, seeding, now=now)


def _hire(session: "Session", seeding: Actor, name: str, email: str, user_id: UUID, *, now: datetime) -> None:
    """A team that works the company's hours, and the worker in it, with their account."""
    team = teams.create(session, seeding, name=TEAM, postal_prefixes=AREA, now=now)
    workers.create(session, seeding, name=name, email=email, team_id=team.id, user_id=user_id, now=now)


def _sell(session: "Session", seeding: Actor, *, now: datetime) -> None:
    for kind, offered in ((items.SERVICE, SERVICES), (items.ADDON, ADDONS)):
        for key, name in offered:
            items.create(session, seeding, kind, key=key, name=name, description="", now=now)
    price_books.upload(session, seeding, rules=PRICES, note="Prices of the demo company", now=now)


def _print(logins: list[Login], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(login) for login in logins]))
        return
    for login in logins:
        access = f"password {login.password}" if login.password else "gets the mails; no sign-in"
        click.echo(f"  {login.role:<11} {login.name:<15} {login.email:<24} {access}  (org {login.org})")
