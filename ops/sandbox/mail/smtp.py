"""The SMTP server (RFC 5321), on aiosmtpd: accepts everything, unless a fault is in force."""

# aiosmtpd names the hooks after SMTP's commands and says what they are called with.
# ruff: noqa: ARG002, N802

import asyncio
import logging
import socket
from collections.abc import Coroutine
from typing import Any
from weakref import WeakSet

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from ops.sandbox.mail.faults import FaultPlan, Mode, Step
from ops.sandbox.mail.mailbox import Mailbox

MAX_MAIL_BYTES = 1024 * 1024
ACCEPTED = "250 2.0.0 Message accepted for delivery"
TRY_LATER = "451 4.3.0 Sandbox: try again later"
NEVER = "550 5.7.1 Sandbox: message refused"
NOT_NOW = "421 4.3.2 Sandbox: closing for now"
NO_SUCH_USER = "550 5.1.1 Sandbox: no such user"


class SmtpServer(Controller):
    """The catcher on a port of its own, in a thread of its own. ``port`` is the one really bound.

    Takes LOGIN and PLAIN with any name and password, and needs neither; offers no TLS. Mails over 1 MiB are
    answered 552. Raises OSError when it cannot listen.
    """

    def __init__(self, mailbox: Mailbox, faults: FaultPlan, host: str, port: int) -> None:
        # Bound here, because the controller cannot tell which port it got when asked for port 0.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.create_server((host, port), family=family)
        super().__init__(
            _Catcher(mailbox, faults),
            hostname=host,
            port=self._socket.getsockname()[1],
            server_hostname="sandbox.localhost",
            ident="Crewline sandbox",
            data_size_limit=MAX_MAIL_BYTES,
            authenticator=_anyone,
            auth_require_tls=False,
        )
        self._faults = faults

    def factory(self) -> asyncio.Protocol:
        """What speaks on the next connection."""
        if self._faults.take(Step.SESSION).mode is Mode.AWAY:
            return _Goodbye()
        protocol: asyncio.Protocol = super().factory()
        return protocol

    def _create_server(self) -> Coroutine[Any, Any, asyncio.Server]:
        return self.loop.create_server(self._factory_invoker, sock=self._socket)


# aiosmtpd warns of its own deprecated attribute at every login.
logging.getLogger("mail.log").setLevel(logging.ERROR)


def _anyone(*_: object) -> AuthResult:
    return AuthResult(success=True)


def _close(server: SMTP) -> None:
    """End the connection, once what is written has been sent."""
    if server.transport is not None:
        server.transport.close()


class _Goodbye(asyncio.Protocol):
    """Lets nobody in."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(f"{NOT_NOW}\r\n".encode())
        transport.close()


class _Catcher:
    """aiosmtpd's hooks. One delivery is one envelope, however many recipients it names."""

    def __init__(self, mailbox: Mailbox, faults: FaultPlan) -> None:
        self._mailbox, self._faults = mailbox, faults
        self._refused: WeakSet[Envelope] = WeakSet()

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._faults.take(Step.SESSION).mode is Mode.AWAY:
            asyncio.get_running_loop().call_soon(_close, server)
            return NOT_NOW
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender accepted"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if envelope not in self._refused and not envelope.rcpt_tos:
            fault = self._faults.take(Step.RECIPIENT)
            if fault.mode is Mode.REFUSE_RECIPIENT:
                self._refused.add(envelope)
        if envelope in self._refused:
            return NO_SUCH_USER
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient accepted"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        fault = self._faults.take(Step.DATA)
        if fault.mode is Mode.REJECT_4XX:
            return TRY_LATER
        if fault.mode is Mode.REJECT_5XX:
            return NEVER
        self._mailbox.add(envelope.mail_from or "", envelope.rcpt_tos, envelope.original_content or b"")
        if fault.mode is Mode.DROP_AFTER_DATA and isinstance(server.transport, asyncio.Transport):
            # close() would still flush the answer that aiosmtpd is about to write; abort() does not.
            server.transport.abort()
        if fault.mode is Mode.STALL:
            await asyncio.sleep(fault.seconds)
        return ACCEPTED
