"""Telling what became of mails by itself, as SendGrid does: in batches, soon, and again when nobody answers."""

import queue
import threading
from datetime import UTC, datetime

from ops.sandbox.posting import deliver
from ops.sandbox.sendgrid.events import Kind, event, posting
from ops.sandbox.sendgrid.log import Log, Sent, Told
from ops.sandbox.sendgrid.signing import SigningKey

MOST_MAILS = 500
PAUSE_SECONDS = 0.2
"""SendGrid waits longer; this is enough for a worker to note that the mail was taken."""


class Teller:
    """Posts ``processed`` and ``delivered`` for each mail to ``url``; nothing while there is none. One thread, begun
    with the first mail, which ends with the process."""

    def __init__(self, url: str | None, key: SigningKey, log: Log[Told], stopping: threading.Event) -> None:
        self._url, self._key, self._log, self._stopping = url, key, log, stopping
        self._sent: queue.SimpleQueue[Sent] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell_of(self, sent: Sent) -> None:
        """Have it told soon that ``sent`` was delivered."""
        if self._url is None:
            return
        self._sent.put(sent)
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._tell, args=(self._url,), daemon=True)
                self._thread.start()

    def _tell(self, url: str) -> None:
        while not self._stopping.is_set():
            batch = [self._sent.get()]
            self._stopping.wait(PAUSE_SECONDS)
            while len(batch) < MOST_MAILS and not self._sent.empty():
                batch.append(self._sent.get())
            events = [event(kind, sent, {}) for sent in batch for kind in (Kind.PROCESSED, Kind.DELIVERED)]
            began = datetime.now(UTC)
            tries = deliver(posting(events, url, self._key, retry=True), self._stopping)
            self._log.add(Told(began, url, events, tries))
