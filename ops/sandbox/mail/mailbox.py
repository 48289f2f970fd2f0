"""Where caught mails are kept: in memory, the newest only, and in a journal if there is one."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

from ops.sandbox.mail.parsing import Content, parse, scrubbed

KEPT_MAILS = 5_000
KEPT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Mail:
    """One mail as it arrived: the envelope (RFC 5321) and the exact bytes.

    ``id`` grows by one per stored mail and is never used again; ``received_at`` is UTC.
    """

    id: int
    received_at: datetime
    envelope_from: str
    envelope_to: tuple[str, ...]
    raw: bytes

    @cached_property
    def content(self) -> Content:
        """What the bytes say. Read when first asked for: a hostile one takes seconds, and SMTP must not wait."""
        return parse(self.raw)

    @property
    def subject(self) -> str:
        """The decoded Subject header, or an empty string."""
        return self.content.header("Subject")

    @property
    def message_id(self) -> str:
        """The Message-ID header with its angle brackets, or an empty string."""
        return self.content.header("Message-ID").strip()


class Keeper(Protocol):
    """What a mailbox writes to so that its mails outlive the process."""

    def append(self, mail: Mail) -> None: ...

    def read(self) -> Iterator[Mail]: ...

    def clear(self) -> None: ...


class Mailbox:
    """The newest mails, at most 5,000 and 256 MiB. Safe to use from several threads."""

    def __init__(
        self, keeper: Keeper | None = None, *, kept_mails: int = KEPT_MAILS, kept_bytes: int = KEPT_BYTES
    ) -> None:
        self._keeper = keeper
        self._lock = threading.Lock()
        self._mails: deque[Mail] = deque()
        self._kept_mails, self._kept_bytes = kept_mails, kept_bytes
        self._bytes = 0
        self._last_id = 0
        for mail in keeper.read() if keeper else ():
            self._keep(mail)

    def add(self, envelope_from: str, envelope_to: list[str], raw: bytes) -> Mail:
        """Store a mail, dropping the oldest when there are too many."""
        sender, recipients = scrubbed(envelope_from), tuple(scrubbed(address) for address in envelope_to)
        with self._lock:
            mail = Mail(self._last_id + 1, datetime.now(UTC), sender, recipients, raw)
            if self._keeper:
                self._keeper.append(mail)
            self._keep(mail)
            return mail

    def _keep(self, mail: Mail) -> None:
        self._last_id = mail.id
        self._mails.append(mail)
        self._bytes += len(mail.raw)
        while len(self._mails) > self._kept_mails or self._bytes > self._kept_bytes:
            self._bytes -= len(self._mails.popleft().raw)

    def find(self, mail_id: int) -> Mail | None:
        """The mail with this id, or None when there is none (any more)."""
        return next((mail for mail in self.all() if mail.id == mail_id), None)

    def all(self) -> list[Mail]:
        """Every mail kept, oldest first."""
        with self._lock:
            return list(self._mails)

    def clear(self) -> int:
        """Forget every mail; returns how many there were."""
        with self._lock:
            count = len(self._mails)
            self._mails.clear()
            if self._keeper:
                self._keeper.clear()
            self._bytes = 0
            return count
