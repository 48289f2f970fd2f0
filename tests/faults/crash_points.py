"""Crash points: the process dies, by SIGKILL and with its whole group, just before or after it calls the outside world.

What is wrapped stays real; only the moment of death is chosen. `CRASH_POINT` in the environment names the one in force:
`before put`, `in put`, `after put`, `before delete`, `after delete`, `before publish`; on the way of a mail or an event
`before claim`, `before send`, `after send`, `before record`, `after record`. Mails to `POISONED`, and events that hold
it, hold `poison`, which kills the process of the pool, as when it takes too much memory, or `deadly poison`, which
kills the whole worker.
"""

import os
import signal
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, BinaryIO, NoReturn, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.pool import ConnectionPoolEntry

from shared.core import transaction
from shared.core.errors import Unavailable
from shared.core.jobs import Message
from shared.integrations.export import Answer, Signed, WebhookSender
from shared.integrations.mail import Mail, Mailer
from shared.integrations.storage import Slot, Storage
from shared.wiring import Services

POINT = os.environ.get("CRASH_POINT", "")
POISONED = "poisoned-"
"""How such a recipient begins."""
_CLAIMS = ("attempts=(messages.attempts + ", "attempts=(exports.attempts + ")
_RECORDS = ("sent_at=", "delivered_at=")
_UPDATES = ("messages", "UPDATE exports")
"""In the statements that do so."""


def dying(services: Services) -> Services:
    """The same services, whose process dies at the crash point. Its transactions publish through it as well."""

    def publish(messages: list[Message]) -> None:
        _die_at("before publish")
        services.broker.publish(messages)

    transaction.bind(services.database.writer, services.database.reader.connect, services.settings, publish)
    _die_around_commits(services.database.writer)
    storages = {name: cast(Storage, DyingStorage(storage)) for name, storage in services.storages.items()}
    return replace(
        services,
        storages=storages,
        mailer=services.mailer and DyingMailer(services.mailer),
        webhook_sender=cast(WebhookSender, DyingSender(services.webhook_sender)),
    )


class DyingStorage:
    """A storage whose process dies around `put` or `delete`."""

    def __init__(self, real: Storage) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def put(self, slot: Slot, source: BinaryIO, *, mime: str) -> None:
        _die_at("before put")
        self._real.put(slot, cast(BinaryIO, _DyingSource(source)) if POINT == "in put" else source, mime=mime)
        _die_at("after put")

    def delete(self, keys: Iterable[str]) -> dict[str, Unavailable]:
        _die_at("before delete")
        failed = self._real.delete(keys)
        _die_at("after delete")
        return failed


class DyingMailer:
    """A mailer whose process dies before the mail server hears of the mail; or when it has it, and nobody has written
    that down."""

    def __init__(self, real: Mailer) -> None:
        self._real = real

    @property
    def is_resting(self) -> bool:
        return self._real.is_resting

    def send(self, mail: Mail) -> str | None:
        _die_at("before send")
        if mail.to.startswith(POISONED):
            _die_at("deadly poison")
            if POINT == "poison":
                os.kill(os.getpid(), signal.SIGKILL)
        provider_id = self._real.send(mail)
        _die_at("after send")
        return provider_id


class DyingSender:
    """A sender whose process dies before the receiver hears of the event; or when it has it, and nobody has written
    that down."""

    def __init__(self, real: WebhookSender) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send(self, url: str, message: Signed) -> Answer:
        _die_at("before send")
        if POISONED.encode() in message.body:
            _die_at("deadly poison")
            if POINT == "poison":
                os.kill(os.getpid(), signal.SIGKILL)
        answer = self._real.send(url, message)
        _die_at("after send")
        return answer


def _die_around_commits(writer: Engine) -> None:
    """Dies just before a claim or a record is committed, or just after."""

    def note(connection: Connection, _: object, statement: str, *__: object) -> None:
        if any(update in statement for update in _UPDATES):
            connection.info["claims"] = any(claims in statement for claims in _CLAIMS)
            connection.info["records"] = any(records in statement for records in _RECORDS)

    def before_commit(connection: Connection) -> None:
        if connection.info.get("claims"):
            _die_at("before claim")
        if connection.info.get("records"):
            _die_at("before record")

    def after_commit(_: object, record: ConnectionPoolEntry) -> None:
        if record.info.get("records"):
            _die_at("after record")
        record.info.clear()

    event.listen(writer, "before_cursor_execute", note)
    event.listen(writer, "commit", before_commit)
    event.listen(writer, "checkin", after_commit)


class _DyingSource:
    """Gives a few bytes; whoever wants more is dead."""

    def __init__(self, source: BinaryIO) -> None:
        self._source, self._reads = source, 0

    def seek(self, offset: int) -> int:
        return self._source.seek(offset)

    def read(self, _: int = -1) -> bytes:
        self._reads += 1
        if self._reads > 1:
            _die()
        return self._source.read(1000)


def _die_at(point: str) -> None:
    if point == POINT:
        _die()


def _die() -> NoReturn:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    raise AssertionError("nobody survives this")
