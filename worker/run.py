"""Runs a scheduled job in the foreground: `python -m worker.run JOB`."""

import json
import sys

import click

from shared.core.jobs import Job
from shared.messages import jobs as messages
from shared.order_photos import jobs as order_photos
from shared.orders import jobs as orders
from shared.storage_deletes import jobs as storage_deletes
from worker.app import app

JOBS: dict[str, tuple[Job, ...]] = {
    "storage_janitor": (order_photos.SWEEP, storage_deletes.SWEEP),
    "photo_recount": (order_photos.RECOUNT,),
    "email_scan": (orders.REMIND, messages.SWEEP),
}
"""What an operator may run by hand, and the jobs of which it is made."""
FAILED = {"later", "dropped"}
"""What `worker.core.task` says of a task that was refused."""


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.argument("job", type=click.Choice(sorted(JOBS)), callback=None)
def main(job: str) -> None:
    """Run JOB now, in this process, and print what came of it, one line of JSON for each part.

    Each part claims its slot as beat's runs do: one that runs at this moment, or has run in this slot, is not run a
    second time ("already running or done"). Settings come from the environment. Exit status: 0 done, 1 a part failed.
    """
    app.loader.import_default_modules()
    outcomes = []
    for part in JOBS[job]:
        outcomes.append(app.tasks[part.name].apply(throw=True).result)
        click.echo(json.dumps({"job": part.name, **outcomes[-1]}))
    if any(outcome["outcome"] in FAILED for outcome in outcomes):
        raise SystemExit(1)


if __name__ == "__main__":
    sys.argv[1:] = [word.replace("-", "_") if not word.startswith("-") else word for word in sys.argv[1:]]
    main()
