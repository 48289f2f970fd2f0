"""PostgreSQL refuses to run as root, so root starts it as another account.

The clone may sit in a directory that only root can enter (`mktemp -d`). Opening that directory up, or copying the
programs elsewhere, would leave traces; instead the server keeps the one capability that lets it walk through
directories it may not read. Its data and its socket belong to the account, so it needs no other right.
"""

import os
import pwd
import shutil
from pathlib import Path

from ops.quickstart.errors import QuickstartError

# Tried in this order: the weaker one is missing from the default set of some container engines.
_CAPABILITIES = (("dac_read_search", 2), ("dac_override", 1))


def account_for(data_dir: Path) -> pwd.struct_passwd:
    """The account that runs a server on this directory: its owner when there is data, else `nobody` for root."""
    if os.geteuid() != 0:
        return _entry(os.geteuid())
    if (data_dir / "PG_VERSION").exists() and data_dir.stat().st_uid != 0:
        return _entry(data_dir.stat().st_uid)
    return pwd.getpwnam("nobody")


def prefix(account: pwd.struct_passwd) -> list[str]:
    """What to put before a command so that it runs as the account. Empty when that is already so."""
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise QuickstartError(
            "PostgreSQL cannot run as root, and setpriv (util-linux) is missing: install it, run as a normal user, "
            "or set DATABASE_URL."
        )
    command = [setpriv, f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    capability = _traversal_capability()
    if capability:
        # no_setuid_fixup: else access(2), by which initdb looks for its siblings, forgets the capability.
        command += [f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}", "--securebits=+no_setuid_fixup"]
    return [*command, "--"]


def hand_over(path: Path, account: pwd.struct_passwd) -> None:
    """Gives a file or directory to the account (a no-op unless root)."""
    if os.geteuid() == 0:
        os.chown(path, account.pw_uid, account.pw_gid)


def _entry(uid: int) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid)
    except KeyError:
        raise QuickstartError(
            f"User id {uid} has no entry in /etc/passwd; PostgreSQL needs one. Add it, or set DATABASE_URL."
        ) from None


def _traversal_capability() -> str | None:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return None
    permitted = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapPrm"))
    return next((name for name, bit in _CAPABILITIES if permitted >> bit & 1), None)
