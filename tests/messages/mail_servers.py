"""A real mail server (aiosmtpd) for one test, which can be told what to answer, and hears what is said to it."""

# aiosmtpd names the hooks after SMTP's commands and says what they are called with.
# ruff: noqa: ARG002, N802

import asyncio
import logging
import ssl
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

DROP = "drop"
"""In place of an answer: the connection ends."""
STALL_SECONDS = 1.0
STALL = "stall"
"""No answer for so long."""
LOGIN, PASSWORD = "crewline", "correct-horse-battery"

logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class MailServer:
    """Answers as it should, but for what a test puts into `once` (by command, the next first) and `always`."""

    def __init__(self) -> None:
        self.port = 0
        self.connects = 0
        self.commands: list[str] = []
        self.in_clear = b""
        """All that was said before TLS began."""
        self.mails: list[tuple[str, str]] = []
        """Recipient and Message-ID of what was taken."""
        self.once: defaultdict[str, list[str]] = defaultdict(list)
        self.always: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._protocols: list[SMTP] = []

    @property
    def recipients(self) -> list[str]:
        return [recipient for recipient, _ in self.mails]

    def hang_up(self) -> None:
        """End every connection, as servers do with idle ones."""
        self._call(self._close_connections)

    def close(self) -> None:
        """Let nobody in any more, and hang up."""
        self._call(self._listening.close)
        self.hang_up()

    def run(self, settled: threading.Event, tls: ssl.SSLContext | None, options: dict[str, Any]) -> None:
        """The server's thread."""

        def connected() -> SMTP:
            self.connects += 1
            self._protocols.append(_Heard(self, tls is not None, options))
            return self._protocols[-1]

        async def listen() -> None:
            self._listening = await self._loop.create_server(connected, "127.0.0.1", self.port, ssl=tls)
            self.port = self._listening.sockets[0].getsockname()[1]
            settled.set()

        self._loop.set_exception_handler(lambda *_: None)  # handshakes that fail are what some tests are about
        self._loop.run_until_complete(listen())
        self._loop.run_forever()
        self._close_connections()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def answer(self, command: str, protocol: SMTP, usual: str) -> str:
        """What is answered to `command`."""
        self.commands.append(command)
        told = self.once[command].pop(0) if self.once[command] else self.always.get(command, usual)
        if told == DROP and isinstance(protocol.transport, asyncio.Transport):
            protocol.transport.abort()
        if told.startswith("421"):
            self._loop.call_soon(_close, protocol)
        if told == STALL:
            await asyncio.sleep(STALL_SECONDS)
            return usual
        return told

    def _close_connections(self) -> None:
        for protocol in self._protocols:
            _close(protocol)

    def _call(self, function: Any) -> None:
        done = threading.Event()
        self._loop.call_soon_threadsafe(function)
        self._loop.call_soon_threadsafe(self._loop.call_later, 0.05, done.set)
        assert done.wait(5)


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[MailServer]:
    """A server that speaks TLS from the first byte, with `tls`; aiosmtpd's `options` are for all else."""
    server, settled = MailServer(), threading.Event()
    thread = threading.Thread(target=server.run, args=(settled, tls, options), daemon=True)
    thread.start()
    assert settled.wait(10)
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)


def _close(protocol: SMTP) -> None:
    if protocol.transport is not None:
        protocol.transport.close()


class _Heard(SMTP):
    """Tells `server` what comes before TLS."""

    def __init__(self, server: MailServer, is_tls: bool, options: dict[str, Any]) -> None:
        self._server, self._is_tls = server, is_tls
        super().__init__(_Hooks(server), hostname="mail.test", loop=asyncio.get_running_loop(), **options)

    def data_received(self, data: bytes) -> None:
        if not self._is_tls and self._tls_protocol is None:
            self._server.in_clear += data
        super().data_received(data)

    async def _handle_client(self) -> None:
        greeting = await self._server.answer("greeting", self, "")
        if greeting:
            await self.push(greeting)
            _close(self)
        else:
            await super()._handle_client()


class _Hooks:
    """aiosmtpd's hooks."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_EHLO(
        self, protocol: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        told = await self._server.answer("EHLO", protocol, "")
        return [told] if told else responses

    async def handle_HELO(self, protocol: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        session.host_name = hostname
        return await self._server.answer("HELO", protocol, "250 mail.test")

    async def handle_NOOP(self, protocol: SMTP, session: Session, envelope: Envelope, arg: str) -> str:
        return await self._server.answer("NOOP", protocol, "250 OK")

    async def handle_RSET(self, protocol: SMTP, session: Session, envelope: Envelope) -> str:
        return await self._server.answer("RSET", protocol, "250 OK")

    async def handle_MAIL(
        self, protocol: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = await self._server.answer("MAIL", protocol, "250 OK")
        if told.startswith("250"):
            envelope.mail_from = address
        return told

    async def handle_RCPT(
        self, protocol: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = await self._server.answer("RCPT", protocol, "250 OK")
        if told.startswith("250"):
            envelope.rcpt_tos.append(address)
        return told

    async def handle_DATA(self, protocol: SMTP, session: Session, envelope: Envelope) -> str:
        told = await self._server.answer("DATA", protocol, "250 OK: queued as 4711")
        if told[:1] not in {"4", "5"}:
            message_id = message_from_bytes(envelope.content or b"")["Message-ID"]
            self._server.mails += [(recipient, message_id) for recipient in envelope.rcpt_tos]
        return told


def only_the_login(_: SMTP, __: Session, ___: Envelope, ____: str, login: LoginPassword) -> AuthResult:
    """For `authenticator`."""
    is_right = (login.login, login.password) == (LOGIN.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
