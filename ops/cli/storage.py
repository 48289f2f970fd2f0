"""`storage`: where photos are, moving them, and comparing the storage with the table."""

import json
import time
from typing import Any
from uuid import UUID

import click

from ops.cli.storage_reconcile import reconcile
from shared.core import clock
from shared.core.errors import Invalid, NotFound
from shared.core.settings import load_settings
from shared.core.storage_settings import backend_named
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.integrations.storage import NOT_SET_UP
from shared.order_photos import moving, queries, quota
from shared.organizations import service as organizations
from shared.storage_deletes import service as storage_deletes
from shared.wiring import build_services

POLL_SECONDS = 1.0


@click.group()
def storage() -> None:
    """Photos: where they are, moving them to another storage, comparing it with the table."""


storage.add_command(reconcile)


@storage.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def status(*, as_json: bool) -> None:
    """Show how many photos each storage holds, what is being moved, and which deletes wait or are stuck."""
    build_services(load_settings())
    found = _status()
    if as_json:
        click.echo(json.dumps(found))
        return
    for row in found["photos"]:
        way = f" on the way to {row['move_to']}" if row["move_to"] else ""
        way += ", given up: ask again, or look at last_error" if row["move_to"] and row["given_up"] else ""
        click.echo(f"{row['backend']:<18}{row['photos']:>10,} photos {row['bytes']:>16,} bytes{way}")
    for row in found["deletes"]:
        click.echo(f"{row['backend']:<18}{row['number']:>10,} deletes {row['state']}")
    if not found["photos"]:
        click.echo("There are no photos.")


@storage.command()
@click.option("--to", "target", required=True, help="Backend to move to, such as s3. It must be set up.")
@click.option("--from", "source", default=None, help="Only photos of this backend. Default: of all others.")
@click.option("--org", "slug", default=None, help="Only photos of this organization.")
@click.option("--wait", is_flag=True, help="Stay, and show how far it is. Ctrl-C ends the waiting, not the moving.")
def move(target: str, source: str | None, slug: str | None, *, wait: bool) -> None:
    """Move photos to another storage, in the background, while everything runs.

    Each photo is copied, checked, and only then named by its row; then the original is deleted. Workers do it, and go
    on after a restart. Run it again to ask once more for photos whose moving was given up. Photos that are at the
    target and on their way elsewhere are called back. New photos go where ORDER_STORAGE_BACKEND says.
    """
    services = build_services(load_settings())
    target = backend_named(target)
    if target not in services.storages:
        raise Invalid(NOT_SET_UP, f"{target} is not set up here; {', '.join(sorted(services.storages))} are.")
    org_id = _organization(slug)
    with transaction(PLATFORM) as session:
        staying = moving.call_back(session, target, org_id=org_id)
    asked = _ask_all(target, backend_named(source) if source else None, org_id)
    stay = f", {staying:,} that were leaving it stay" if staying else ""
    click.echo(f"{asked:,} photos will be moved to {target}{stay}. `storage status` shows how far it is.")
    while wait and (left := _on_the_way()):
        click.echo(f"{left:,} to go")
        time.sleep(POLL_SECONDS)


def _ask_all(target: str, source: str | None, org_id: UUID | None) -> int:
    asked, after = 0, None
    while True:
        with transaction(PLATFORM) as session:
            now = clock.utc_now()
            batch = moving.ask(session, target, source=source, org_id=org_id, after=after, now=now)
        if not batch:
            return asked
        asked, after = asked + len(batch), batch[-1]


def _organization(slug: str | None) -> UUID | None:
    if slug is None:
        return None
    with read_only(PLATFORM) as session:
        found = organizations.find_by_slug(session, slug)
    if found is None:
        raise NotFound(organizations.NOT_FOUND, f"There is no organization {slug}.")
    org_id: UUID = found.id
    return org_id


def _on_the_way() -> int:
    with read_only(PLATFORM) as session:
        under_way = queries.count_under_way(session)
    return sum(count for (_, state), count in under_way.items() if state == "moving")


def _status() -> dict[str, Any]:
    with read_only(PLATFORM) as session:
        photos = moving.progress(session)
        deletes = storage_deletes.count_by_backend(session, now=clock.utc_now())
        held = quota.bytes_by_backend(session)
    return {
        "photos": [dict(row._mapping) | {"bytes": int(row.bytes)} for row in photos],  # noqa: SLF001 - its public name
        "deletes": [{"backend": row.backend, "state": row.state, "number": row.number} for row in deletes],
        "held_bytes": held,
    }
