"""`demo seed`: one company to try things with."""

import json
from dataclasses import asdict, dataclass

import click

from shared.clients import service as clients
from shared.core import clock
from shared.core.actor import system
from shared.core.permissions import Role
from shared.core.settings import load_settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.identity import accounts, passwords
from shared.organizations import service as organizations
from shared.wiring import build_services

SLUG = "demo"
COMPANY = "Bright & Tidy"
CLIENT = ("Anna Berg", "anna.berg@client.test")
PEOPLE = (
    ("Olive Owner", "olive@demo.test", Role.OWNER),
    ("Dan Dispatcher", "dan@demo.test", Role.DISPATCHER),
    ("Wanda Worker", "wanda@demo.test", Role.WORKER),
)


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
    """Make the demo company with an owner, a dispatcher, a worker and a client. Again changes nothing."""
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
        clients.create(session, seeding, name=CLIENT[0], email=CLIENT[1], now=now)


def _print(logins: list[Login], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([asdict(login) for login in logins]))
        return
    for login in logins:
        access = f"password {login.password}" if login.password else "gets the mails; no sign-in"
        click.echo(f"  {login.role:<11} {login.name:<15} {login.email:<24} {access}  (org {login.org})")
