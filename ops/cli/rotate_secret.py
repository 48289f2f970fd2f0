"""`rotate-secret`: a fresh AUTH_SECRET_KEY in `.env`, beside the one before."""

import os
import re
import tempfile
from pathlib import Path

import click

from ops.cli.init import fresh_secret

ROTATED = ("AUTH_SECRET_KEY",)
"""Settings that have a `…_PREVIOUS` beside them."""

NEXT_STEPS = """\
{path}: {name} is new, and what it was is {previous}. Now:

  1. Restart API, workers and beat; both keys are accepted, so nobody is signed out.
     While old and new processes run side by side, an old one refuses tokens of a new one (401; a refresh helps).
     To spare clients even that, see "Rotating AUTH_SECRET_KEY" in ops/docs/operating.md first.
  2. python -m ops.cli reseal
  3. When the last access tokens of the old key are over (AUTH_ACCESS_TOKEN_TTL_MINUTES, and 2 minutes more):
     clear {previous} and restart again."""


@click.command("rotate-secret")
@click.argument("name", type=click.Choice(ROTATED))
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=Path(".env"),
    show_default=True,
    help="What to change.",
)
@click.option("--force", is_flag=True, help="Drop a previous key that is still set: what only it can read is lost.")
def rotate_secret(name: str, path: Path, *, force: bool) -> None:
    """Make a fresh AUTH_SECRET_KEY; the one before becomes AUTH_SECRET_KEY_PREVIOUS, which is still accepted."""
    file = path.resolve()  # or a symbolic link would be replaced by a file
    with file.open(newline="") as opened:
        text = opened.read()
    older = f"{name}_PREVIOUS"
    current = _value(text, name)
    if not current:
        raise click.ClickException(f"{path} sets no {name}: nothing to rotate.")
    if _value(text, older) and not force:
        raise click.ClickException(
            f"{older} is still set: finish the last rotation (reseal, then clear it), or use --force."
        )
    _replace(file, _with(_with(text, older, current, below=name), name, fresh_secret(), below=name))
    click.echo(NEXT_STEPS.format(path=path, name=name, previous=older))


def _line(name: str) -> re.Pattern[str]:
    """A line that sets `name`; what stands right of the sign may be quoted, and is kept as it stands."""
    return re.compile(rf"^([ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*)([^\r\n]*?)[ \t]*(?=\r?$)", re.MULTILINE)


def _value(text: str, name: str) -> str:
    found = _line(name).findall(text)
    if len(found) > 1:
        raise click.ClickException(f"{name} is set {len(found)} times; leave one of the lines.")
    value = found[0][1] if found else ""
    return "" if value in {'""', "''"} else value


def _with(text: str, name: str, value: str, *, below: str) -> str:
    """`text` with `name` set: in its line, in the one that is commented out, or in a new one `below` another."""
    if _line(name).search(text):
        return _line(name).sub(lambda match: match[1] + value, text)
    commented = re.compile(rf"^#[ \t]*{name}=[ \t]*(?=\r?$)", re.MULTILINE)
    if commented.search(text):
        return commented.sub(f"{name}={value}", text, count=1)
    newline = "\r\n" if "\r\n" in text else "\n"
    return _line(below).sub(lambda match: f"{match[0]}{newline}{name}={value}", text)


def _replace(file: Path, text: str) -> None:
    """In one step, with the rights that the file had: half a file of secrets would stop the installation."""
    before = file.stat()
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")  # mode 600 from the first moment
    try:
        with os.fdopen(number, "w", newline="") as made:
            made.write(text)
            made.flush()
            os.fsync(number)
        if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(name, before.st_uid, before.st_gid)
        Path(name).chmod(before.st_mode & 0o777)
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
