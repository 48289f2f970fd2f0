"""`python -m ops.bench`: measure, write `var/bench/latest.json`, print the table. Everything it starts, it ends."""

import json
import sys
import time
from collections.abc import Callable

import click

from ops.bench import (
    csv,
    exports,
    http_rounds,
    janitor,
    lists,
    login_flood,
    mail,
    report,
    retention,
    slots,
    tasks,
    uploads,
)
from ops.bench.errors import BenchError
from ops.bench.gunicorn import Gunicorn
from ops.bench.installation import Installation, installation
from ops.bench.machine import machine, versions
from ops.bench.measured import Rate
from ops.quickstart import ports
from ops.quickstart.database import REPOSITORY
from ops.quickstart.errors import QuickstartError

FOLDER = REPOSITORY / "var" / "bench"
PAGE = REPOSITORY / "ops" / "docs" / "bench.md"
Found = tuple[dict[str, Rate], dict[str, list[float]]]
"""Rates by name, and values by name and round."""

PATHS = {
    "flask": {"bare_flask"},
    "read": {"bare_select", "read_order"},
    "list": {"bare_select", "list_50_of_10k"},
    "create": {"bare_insert", "create_order", "create_order_in_20_orgs"},
    "webhook": {"bare_insert", "webhook_accept"},
}
"""What is asked for over HTTP, by groups."""


def _uploads(made: Installation, rounds: int, _: float) -> Found:
    growth = uploads.growth(made, min(rounds, 2))
    return uploads.rates(made, rounds, _say), {"upload_rss_growth_mb": growth}


MEASURES: dict[str, tuple[str, Callable[[Installation, int, float], Found]]] = {
    "tasks": ("tasks", lambda made, rounds, seconds: (tasks.measure(made, rounds, int(500 * seconds), _say), {})),
    "mail": (
        f"{mail.MAILS} mails, and {mail.SINGLE} one by one",
        lambda made, rounds, _: mail.measure(made, min(rounds, 5), _say),
    ),
    "uploads": (f"{uploads.UPLOADS} uploads of 10 MB at once", _uploads),
    "janitor": (
        f"{janitor.DELETES:,} deletes",
        lambda made, rounds, _: ({}, {"janitor_deletes_per_s": janitor.measure(made, min(rounds, 3), _say)}),
    ),
    "exports": (
        f"{exports.EVENTS:,} events",
        lambda made, rounds, _: ({}, {"exports_per_s": exports.measure(made, min(rounds, 3), _say)}),
    ),
    "slots": (
        "a month of slots of 20 teams",
        lambda made, rounds, _: ({}, {"slots_cpu_ms": slots.measure(made, rounds)}),
    ),
    "login_flood": (
        "10,000 wrong sign-ins in a minute",
        lambda made, rounds, _: ({}, login_flood.measure(made, min(rounds, 4), _say)),
    ),
    # Last: their databases are large.
    "retention": (f"retention of {retention.ROWS:,} rows", lambda made, *_: ({}, retention.measure(made, _say))),
    "lists": (
        "lists of a million orders",
        lambda made, rounds, seconds: lists.measure(made, rounds, seconds / 2, _say),
    ),
    "csv": (f"{csv.ORDERS:,} orders as CSV", lambda made, rounds, _: csv.measure(made, min(rounds, 5), _say)),
}
"""What has a way of its own, in the order in which it is measured."""

GROUPS = (*PATHS, *MEASURES, "cold_start")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--only", default=",".join(GROUPS), show_default=True, help="Comma list of what to measure.")
@click.option(
    "--rounds", default=7, show_default=True, type=click.IntRange(1, 50), help="Turns; medians are over these."
)
@click.option("--seconds", default=2.0, show_default=True, type=click.FloatRange(0.2, 30), help="One path in one turn.")
@click.option("--orders", default=10_000, show_default=True, type=click.IntRange(51), help="Orders that are listed.")
@click.option("--quick", is_flag=True, help="Three short rounds: for development, not for conclusions.")
@click.option("--write-docs", is_flag=True, help="Also write ops/docs/bench.md.")
def main(*, only: str, rounds: int, seconds: float, orders: int, quick: bool, write_docs: bool) -> None:
    """Measure how far each path is from the limit of this machine, and write var/bench/latest.json.

    Starts Postgres, Redis, gunicorn and Celery of its own on free ports and ends them. About five minutes. Leave the
    machine alone meanwhile: other load bends the ratios too, and the spread of the rounds shows it.
    Exit status: 0 measured (whatever the ratios), 1 when something failed or answered wrongly.
    """
    wanted = set(only.split(","))
    if unknown := wanted - set(GROUPS):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}", param_hint="--only")
    if quick:
        rounds, seconds = 3, 0.7
    started = time.monotonic()
    try:
        _run(wanted, rounds, seconds, orders, write_docs=write_docs)
    except (BenchError, QuickstartError) as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(1)
    _say(f"{time.monotonic() - started:.0f} s in all")


def _run(wanted: set[str], rounds: int, seconds: float, orders: int, *, write_docs: bool) -> None:
    before = machine()
    _say("starting Postgres and Redis, migrating, seeding")
    with installation(FOLDER / "run", orders) as made:
        found = versions(made)
        rates, values = _measure(made, wanted, rounds, seconds)
    page = report.page(before, found, rates, values)
    (FOLDER / "latest.json").write_text(json.dumps(report.document(before, found, rates, values), indent=2) + "\n")
    if write_docs:
        PAGE.write_text(page)
    click.echo(page)


def _measure(made: Installation, wanted: set[str], rounds: int, seconds: float) -> Found:
    """Rates by name, and values by name and round."""
    values: dict[str, list[float]] = {}
    if "cold_start" in wanted:  # first, while the machine is calm
        values["cold_start_s"] = _cold_starts(made, min(rounds, 5))
    names = set[str]().union(*(PATHS.get(group, set()) for group in wanted))
    rates = http_rounds.measure(made, names.__contains__, rounds, seconds, _say)
    for group, (what, measure) in MEASURES.items():
        if group in wanted:
            _say(what)
            more_rates, more_values = measure(made, rounds, seconds)
            rates, values = rates | more_rates, values | more_values
    return rates, values


def _cold_starts(made: Installation, count: int) -> list[float]:
    _say(f"{count} cold starts")
    found = []
    for _ in range(count):
        with Gunicorn(http_rounds.OURS, made.env, ports.free_port(), made.folder) as server:
            found.append(round(server.cold_start, 2))
    return found


def _say(line: str) -> None:
    click.echo(f"  {line}", err=True)


if __name__ == "__main__":
    main()
