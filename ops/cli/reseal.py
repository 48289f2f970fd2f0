"""`reseal`: everything that is sealed, under the current AUTH_SECRET_KEY."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from uuid import UUID

import click

from shared.core.sealing import Resealing
from shared.core.settings import Settings, load_settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.exports.resealing import reseal_webhook_secrets
from shared.identity.resealing import reseal_second_factors
from shared.messages.resealing import reseal_passwords
from shared.wiring import build_services

Place = tuple[UUID, UUID] | None
Batch = Callable[..., Place]

BATCH = 500
"""Rows locked at once: some 50 ms of work."""

SEALED: dict[str, Batch] = {
    "second factors": reseal_second_factors,
    "passwords in mails to be sent": reseal_passwords,
    "secrets of webhook endpoints": reseal_webhook_secrets,
}
"""Every kind of value that `shared.core.sealing` has sealed into the database."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def reseal(*, as_json: bool) -> None:
    """Bring every sealed value under the current AUTH_SECRET_KEY, after `rotate-secret` and a restart.

    Changes nothing that is so already, may be stopped and run again, and needs no standstill. Exit status 1 when some
    values can be read with neither AUTH_SECRET_KEY nor AUTH_SECRET_KEY_PREVIOUS; the others are changed all the same.
    """
    settings = load_settings()
    build_services(settings)
    found = {name: _reseal_all(settings, batch) for name, batch in SEALED.items()}
    if as_json:
        counts = {name: asdict(work) for name, work in found.items()}
        for each in counts.values():
            del each["settings"]
        click.echo(json.dumps(counts))
    else:
        for name, work in found.items():
            click.echo(f"{name}: {work.resealed} resealed, {work.current} were current, {work.unreadable} unreadable")
    if any(work.unreadable for work in found.values()):
        click.echo("Some values were sealed with a key that is not set. Do not clear any key yet.", err=True)
        sys.exit(1)


def _reseal_all(settings: Settings, batch: Batch) -> Resealing:
    work, place = Resealing(settings), None
    while True:
        with transaction(PLATFORM) as session:
            place = batch(session, work, after=place, limit=BATCH)
        if place is None:
            return work
