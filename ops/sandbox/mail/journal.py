"""Caught mails on disk, so that they outlive the process: one JSON line per mail (``--mail-journal``)."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ops.sandbox.mail.mailbox import Mail


@dataclass(frozen=True)
class Journal:
    """An append-only file. It is cut when the mailbox is cleared; what the mailbox drops as too old stays in it."""

    path: Path

    def append(self, mail: Mail) -> None:
        """Write one mail down, before its sender hears 250."""
        entry = {
            "id": mail.id,
            "received_at": mail.received_at.isoformat(),
            "from": mail.envelope_from,
            "to": mail.envelope_to,
            "raw": base64.b64encode(mail.raw).decode(),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(entry) + "\n")

    def read(self) -> Iterator[Mail]:
        """Every mail, oldest first. A last line that a kill has cut short is left out: its sender never heard 250."""
        if not self.path.exists():
            return
        with self.path.open() as file:
            for line in file:
                if line.endswith("\n"):
                    yield _mail(json.loads(line))

    def clear(self) -> None:
        """Forget every mail."""
        self.path.unlink(missing_ok=True)


def _mail(entry: dict[str, object]) -> Mail:
    recipients = entry["to"]
    assert isinstance(recipients, list)
    return Mail(
        id=int(str(entry["id"])),
        received_at=datetime.fromisoformat(str(entry["received_at"])),
        envelope_from=str(entry["from"]),
        envelope_to=tuple(recipients),
        raw=base64.b64decode(str(entry["raw"])),
    )
