"""Queues mails as the product does: `python -m ops.bench.mail_queue ORG_ID NAME COUNT --each N --pause SECONDS`."""

import time
from uuid import UUID

import click

from shared.core import clock
from shared.core.actor import system
from shared.core.settings import load_settings
from shared.core.tenancy import Tenant
from shared.core.transaction import transaction
from shared.messages import service as messages
from shared.messages.model import MessageKind
from shared.wiring import build_services

VARIABLES = {
    "client_name": "Anna Berg",
    "order_id": "01890000-0000-7000-8000-000000000001",
    "sequence": 2,
    "number": 1001,
    "title": "Spring cleaning",
    "address": "12 Elm Street, Calgary",
    "starts": "2026-11-24T16:00:00Z",
    "ends": "2026-11-24T19:00:00Z",
    "total": {"amount": 12900, "currency": "cad"},
    "deposit": None,
    "hold_until": None,
}


@click.command()
@click.argument("org_id", type=click.UUID)
@click.argument("name")
@click.argument("count", type=int)
@click.option("--each", default=50, help="Mails in one transaction.")
@click.option("--pause", default=0.0, help="Seconds between two transactions.")
def main(org_id: UUID, name: str, count: int, each: int, pause: float) -> None:
    """Promise COUNT confirmations to NAME-0@bench.test and so on."""
    build_services(load_settings())
    actor = system(org_id, "bench")
    for start in range(0, count, each):
        now = clock.utc_now()
        with transaction(Tenant(org_id)) as session:
            for number in range(start, min(start + each, count)):
                to = f"{name}-{number}@bench.test"
                messages.queue(session, actor, MessageKind.ORDER_CONFIRMED, to, VARIABLES, dedupe_key=to, now=now)
        time.sleep(pause)


if __name__ == "__main__":
    main()
