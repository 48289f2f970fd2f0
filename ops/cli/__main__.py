"""`python -m ops.cli`."""

import sys

import click

from ops.cli import demo, init, org, reseal, rotate_secret, storage, user
from shared.core.errors import Refusal
from shared.core.log import configure_logging


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def cli() -> None:
    """Operate a Crewline installation.

    Settings come from the environment (see .env.example).
    Exit status: 0 done, 1 refused, 2 wrong usage, 78 bad settings.
    """


cli.add_command(init.init)
cli.add_command(org.org)
cli.add_command(user.user)
cli.add_command(rotate_secret.rotate_secret)
cli.add_command(reseal.reseal)
cli.add_command(storage.storage)
cli.add_command(demo.demo)


def main() -> None:
    """Run the command; a refusal is one readable line and exit status 1."""
    configure_logging("warning", sys.stderr)
    try:
        cli()
    except Refusal as refusal:
        click.echo(f"refused: {refusal.detail} ({refusal.code})", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
