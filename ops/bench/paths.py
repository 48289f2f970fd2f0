"""The HTTP paths, in the order of each round: a limit comes just before what is compared with it."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ops.bench import requests
from ops.bench.installation import Installation

FASTEST = 4000
"""Webhooks per second that are prepared for a round: more than any machine of ours will take."""


@dataclass(frozen=True, slots=True)
class Path:
    """`of_ours` tells the two servers apart; `stream(seconds)` makes the requests of one round of that length."""

    name: str
    of_ours: bool
    stream: Callable[[float], Iterator[bytes]]


def http_paths(made: Installation) -> list[Path]:
    """All of them, ready to be driven."""
    seed = made.seed
    item = {"title": "Spring cleaning", "state": "pending", "total": 12900}
    reads = [requests.get(f"/v1/orders/{order_id}", seed.reading.token) for order_id in seed.order_ids[::10]]
    selects = [requests.get(f"/items/{item_id}") for item_id in made.item_ids]
    listing = requests.get("/v1/orders?limit=50", seed.reading.token)
    placing = requests.new_order(seed.creating.client_id, seed.creating.token)
    placing_spread = [requests.new_order(company.client_id, company.token) for company in seed.spread]

    def webhooks(seconds: float) -> Iterator[bytes]:
        count = int(FASTEST * seconds)
        return iter(requests.stripe_events(made.stripe_secret, count, seed.reading.org_id, seed.order_ids[0]))

    return [
        Path("bare_flask", False, lambda _: itertools.repeat(requests.get("/healthz"))),
        Path("bare_select", False, lambda _: itertools.cycle(selects)),
        Path("read_order", True, lambda _: itertools.cycle(reads)),
        Path("list_50_of_10k", True, lambda _: itertools.repeat(listing)),
        Path("bare_insert", False, lambda _: itertools.repeat(requests.post_json("/items", item))),
        Path("create_order", True, lambda _: itertools.repeat(placing)),
        Path("create_order_in_20_orgs", True, lambda _: itertools.cycle(placing_spread)),
        Path("webhook_accept", True, webhooks),
    ]
