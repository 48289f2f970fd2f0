"""`org create`: an organization and its first owner."""

import json

import click

from shared.core import clock
from shared.core.actor import system
from shared.core.permissions import Role
from shared.core.settings import load_settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.identity import accounts
from shared.organizations import service as organizations
from shared.organizations.settings import LOCALE
from shared.wiring import build_services


@click.group()
def org() -> None:
    """Organizations: the companies on this installation."""


@org.command()
@click.option("--slug", required=True, help="Short name in URLs: a-z, 0-9, dashes.")
@click.option("--name", required=True, help="The company's name, as its clients know it.")
@click.option("--timezone", required=True, help="IANA time zone, such as America/Edmonton.")
@click.option("--currency", required=True, help="ISO 4217 code, such as CAD.")
@click.option("--locale", default=LOCALE, show_default=True, help="BCP 47 language, such as en-CA.")
@click.option("--owner-email", required=True, help="The first owner's e-mail address.")
@click.option("--owner-name", required=True, help="The first owner's name.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def create(
    slug: str,
    name: str,
    timezone: str,
    currency: str,
    locale: str,
    owner_email: str,
    owner_name: str,
    *,
    as_json: bool,
) -> None:
    """Make an organization and its owner, and print a one-time link with which the owner sets a password.

    The link is good for 72 hours and is shown only here.
    """
    settings = load_settings()
    build_services(settings)
    now = clock.utc_now()
    with transaction(PLATFORM) as session:
        made = organizations.create(
            session, slug=slug, name=name, timezone=timezone, currency=currency, locale=locale, now=now
        )
        operator = system(made.id, "operator")
        owner = accounts.create_user(session, operator, email=owner_email, name=owner_name, role=Role.OWNER, now=now)
        token = accounts.create_password_link(session, operator, owner, now=now)
    link = f"{settings.api_base_url}/set-password#{token}"
    if as_json:
        click.echo(
            json.dumps({"org_id": str(made.id), "slug": slug, "owner_id": str(owner.id), "set_password_url": link})
        )
        return
    click.echo(f"Created {name} ({slug}). {owner_name} sets a password within 72 hours, once, at:\n\n  {link}\n")
