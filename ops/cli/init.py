"""`init`: a `.env` with fresh secrets."""

import re
import secrets
from pathlib import Path

import click

from ops.settings_docs import SECRETS_TO_MAKE

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"


@click.command()
@click.option(
    "--file", "path", type=click.Path(path_type=Path), default=Path(".env"), show_default=True, help="Where to write."
)
@click.option("--force", is_flag=True, help="Replace the file. Its secrets are lost: sessions and links end.")
def init(path: Path, *, force: bool) -> None:
    """Write a .env from .env.example, with fresh random secrets."""
    if path.exists() and not force:
        raise click.ClickException(f"{path} is there already; --force replaces it and its secrets.")
    text = EXAMPLE.read_text()
    for name in SECRETS_TO_MAKE:
        secret = ("operator:" if name == "FLOWER_BASIC_AUTH" else "") + fresh_secret()
        text = re.sub(rf"^{name}=$", f"{name}={secret}", text, flags=re.MULTILINE)
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text)
    click.echo(f"Wrote {path} (mode 600) with fresh secrets. Read it through, then `make up`.")


def fresh_secret() -> str:
    """192 random bits; hexadecimal, because some secrets become part of a URL."""
    return secrets.token_hex(24)
