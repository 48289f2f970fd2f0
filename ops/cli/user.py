"""`user recover`: a way back in for an owner who has lost password or phone."""

import json

import click

from shared.core import clock
from shared.core.settings import load_settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.iam import recovering
from shared.wiring import build_services


@click.group()
def user() -> None:
    """People. Owners and admins look after them in the API; this is for whom nobody there can help."""


@user.command()
@click.option("--org", required=True, help="Slug of the organization.")
@click.option("--email", required=True, help="The person's e-mail address.")
@click.option(
    "--reset-mfa",
    is_flag=True,
    help="Take second factor, password and sessions off at once; only the link opens the account then.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of sentences.")
def recover(org: str, email: str, *, reset_mfa: bool, as_json: bool) -> None:
    """Print a one-time link with which somebody sets a new password, and let them try to sign in again at once.

    The link is good for 72 hours and is shown only here: make sure who is asking before you hand it over. It is in the
    audit log as done by "operator".
    """
    settings = load_settings()
    build_services(settings)
    with transaction(PLATFORM) as session:
        found, token = recovering.recover(session, org=org, email=email, reset_mfa=reset_mfa, now=clock.utc_now())
    link = f"{settings.api_base_url}/set-password#{token}"
    if as_json:
        answer = {"org_id": str(found.org_id), "user_id": str(found.id), "role": found.role, "set_password_url": link}
        click.echo(json.dumps(answer | {"mfa_reset": reset_mfa}))
        return
    taken_off = " The second factor is off." if reset_mfa else ""
    click.echo(f"{found.name} ({found.role}) sets a password within 72 hours, once, at:\n\n  {link}\n")
    click.echo(f"It ends every session of theirs.{taken_off}")
