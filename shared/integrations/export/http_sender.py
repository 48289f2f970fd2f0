"""Webhooks over HTTP, to URLs of strangers: each name is looked up once, every address that it has is looked at, and
the connection goes to one of those and nowhere else. No redirects, no proxies, no passwords of the environment.

Why not a client library: `ops/docs/adr/0017-webhooks-go-to-checked-addresses.md`.
"""

import http.client
import re
import ssl
import threading
import time
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from shared.core import clock
from shared.core.errors import Invalid, Unavailable
from shared.core.settings import Settings
from shared.core.webhook_urls import ForbiddenPlaceError, Place, WebhookUrlError, place_of
from shared.integrations.export import (
    WEBHOOK_BROKEN,
    WEBHOOK_FORBIDDEN,
    WEBHOOK_TIMED_OUT,
    WEBHOOK_URL,
    Answer,
    Signed,
)
from shared.integrations.export.addresses import Address, refusal_of
from shared.integrations.export.resolving import Resolver
from shared.integrations.export.wire import Wire, connect

LONGEST_BODY_SECONDS = 1.0
"""For the body of an answer: its status says enough."""
LONGEST_EXCERPT = 200
MOST_KEPT = 32
LONGEST_IDLE_SECONDS = 15.0
LONGEST_OPEN_SECONDS = 60.0
"""After this long the name of the target is looked up anew."""
_UNSHOWN = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd]+")


class HttpWebhookSender:
    """A `WebhookSender`; used from several threads. Connections are kept for the next message to the same place."""

    def __init__(
        self, settings: Settings, *, resolver: Resolver | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._patience = settings.export_webhook_timeout_seconds
        self._blocks = settings.export_webhook_block_private_ips
        self._rules = settings.export_webhook_rules
        self._resolver = resolver or Resolver()
        self._tls = tls or ssl.create_default_context()
        self._kept: dict[Place, Wire] = {}
        self._lock = threading.Lock()

    def check_url(self, url: str) -> None:
        """See `WebhookSender.check_url`."""
        place = self._place(url)
        if place.address is not None:
            self._check([place.address])

    def check_target(self, url: str) -> None:
        """See `WebhookSender.check_target`."""
        self._addresses(self._place(url), time.monotonic() + self._patience)

    def send(self, url: str, message: Signed) -> Answer:
        """See `WebhookSender.send`."""
        started = time.monotonic()
        place, deadline = self._place(url), started + self._patience
        request = _request(place, message)
        wire, response = self._ask(place, request, deadline)
        body, may_stay = wire.read(response, min(deadline, time.monotonic() + LONGEST_BODY_SECONDS))
        if may_stay:
            self._keep(place, wire)
        else:
            wire.close()
        milliseconds = round((time.monotonic() - started) * 1000, 1)
        return Answer(response.status, _retry_after(response), _excerpt(body), milliseconds)

    def _ask(self, place: Place, request: bytes, deadline: float) -> tuple[Wire, http.client.HTTPResponse]:
        """Send `request` and read the head of the answer, on a kept connection if there is one."""
        kept = self._take(place)
        if kept is not None:
            try:
                return kept, kept.ask(request, deadline)
            except (OSError, http.client.HTTPException, ValueError) as error:
                kept.close()
                if kept.has_answered or isinstance(error, TimeoutError):
                    raise _broken(error) from error
                # It was closed at the other end while nobody looked.
        wire = connect(place, self._addresses(place, deadline), self._tls, deadline)
        try:
            return wire, wire.ask(request, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            wire.close()
            raise _broken(error) from error

    def _place(self, url: str) -> Place:
        try:
            place = place_of(url)
            self._rules.check(place)
        except WebhookUrlError as error:
            raise Invalid(WEBHOOK_URL, str(error)) from None
        except ForbiddenPlaceError as error:
            raise Invalid(WEBHOOK_FORBIDDEN, str(error)) from None
        return place

    def _addresses(self, place: Place, deadline: float) -> list[Address]:
        """Where `place` is, when all of it may be reached."""
        if place.address is not None:
            found = [place.address]
        else:
            found = self._resolver.addresses(place.host, deadline - time.monotonic())
        self._check(found)
        return found

    def _check(self, addresses: list[Address]) -> None:
        if self._blocks and any(refusal_of(address) for address in addresses):
            raise Invalid(WEBHOOK_FORBIDDEN, "The target has an address in a private or special network.")

    def _take(self, place: Place) -> Wire | None:
        with self._lock:
            wire = self._kept.pop(place, None)
        if wire is None or (wire.is_silent and not _is_over(wire)):
            return wire
        wire.close()
        return None

    def _keep(self, place: Place, wire: Wire) -> None:
        wire.used_at = time.monotonic()
        with self._lock:
            over = [each for each, kept in self._kept.items() if _is_over(kept)]
            closing = [self._kept.pop(each) for each in over]
            if (before := self._kept.pop(place, None)) is not None:
                closing.append(before)
            if len(self._kept) >= MOST_KEPT:
                closing.append(self._kept.pop(next(iter(self._kept))))
            self._kept[place] = wire
        for each in closing:
            each.close()


def _is_over(wire: Wire) -> bool:
    now = time.monotonic()
    return now - wire.used_at > LONGEST_IDLE_SECONDS or now - wire.opened_at > LONGEST_OPEN_SECONDS


def _request(place: Place, message: Signed) -> bytes:
    headers = {
        "host": place.authority,
        "user-agent": "Crewline-Webhooks/1",
        "accept": "*/*",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(message.body)),
        **message.headers,
    }
    lines = [f"POST {place.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + message.body


def _broken(error: Exception) -> Unavailable:
    if isinstance(error, TimeoutError):
        return Unavailable(WEBHOOK_TIMED_OUT, "The target did not answer in time.")
    return Unavailable(WEBHOOK_BROKEN, "The target broke off, or did not speak HTTP.")


def _retry_after(response: http.client.HTTPResponse) -> float | None:
    """Seconds, from the number or the date of the header (RFC 9110, 10.2.3)."""
    value = (response.getheader("retry-after") or "").strip()
    if not value or response.status not in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        return None
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - clock.utc_now()).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None


def _excerpt(body: bytes) -> str:
    """The beginning of the body, on one line."""
    text = body[: LONGEST_EXCERPT * 4].decode(errors="replace")
    return _UNSHOWN.sub(" ", text).strip()[:LONGEST_EXCERPT]
