"""What the URL of a webhook may look like, read strictly: what two programs could read in two ways is refused.

Names are looked up elsewhere, and what they lead to is looked at there (`shared/integrations/export/addresses.py`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

import idna

LONGEST_URL = 2048
LONGEST_NAME = 253
USUAL_PORTS = frozenset({443, 8443})
HTTP_PORTS = frozenset({80, 8080})
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_ENDS_IN_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
"""What resolvers take for an address of version 4, however it is written: 127.1, 2130706433, 0x7f.1, 0177.0.0.1."""
_UNREADABLE = re.compile(r"[\x00-\x20\x7f\\]")
_PATH = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*")
_ENTRY = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]+)(?::(?P<port>[0-9]{1,5}))?")


class WebhookUrlError(ValueError):
    """The URL is none, or is none for webhooks."""


class ForbiddenPlaceError(ValueError):
    """The URL is fine, and the installation does not let webhooks go there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a URL leads: `host` is a name in ASCII, or an address as it is usually written; `path` has the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def address(self) -> IPv4Address | IPv6Address | None:
        """The host, when the URL has an address and no name."""
        return address_of(self.host)

    @property
    def authority(self) -> str:
        """The value of the header `Host` (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What an installation lets webhooks go to. `allowed` are hosts with a port, or with any: none are all hosts."""

    allow_http: bool
    allowed: tuple[tuple[str, int | None], ...]

    def check(self, place: Place) -> None:
        """Raises `ForbiddenPlaceError`."""
        if not place.is_tls and not self.allow_http:
            raise ForbiddenPlaceError("The URL must begin with https://.")
        if self.allowed:
            if {(place.host, place.port), (place.host, None)}.isdisjoint(self.allowed):
                raise ForbiddenPlaceError("The host is not among those that webhooks may go to here.")
        elif place.port not in (USUAL_PORTS | HTTP_PORTS if self.allow_http else USUAL_PORTS):
            raise ForbiddenPlaceError("The port is none that webhooks may go to.")


def rules_of(allowed_hosts: Sequence[str], *, allow_http: bool) -> Rules:
    """Raises `WebhookUrlError` for an entry that is neither `host` nor `host:port`."""
    return Rules(allow_http, tuple(_entry(each) for each in allowed_hosts))


def place_of(url: str) -> Place:
    """Read `url`. Raises `WebhookUrlError`."""
    if len(url) > LONGEST_URL:
        raise WebhookUrlError(f"The URL is longer than {LONGEST_URL} characters.")
    if _UNREADABLE.search(url):
        raise WebhookUrlError("The URL must not have blanks, control characters or backslashes.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise WebhookUrlError("This is not a URL.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise WebhookUrlError("The URL must begin with https://.")
    _check_rest(parts, url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(parts.scheme, host_of(parts.hostname or ""), _port(port, parts.scheme), path)


def host_of(text: str) -> str:
    """A host as it is compared and looked up. Raises `WebhookUrlError`."""
    if ":" in text:
        return _version_6(text)
    name = text.lower()
    if not name.isascii() or "xn--" in name:
        try:
            name = idna.encode(name, uts46=True, std3_rules=True).decode()
        except idna.IDNAError:
            raise WebhookUrlError("The host is not a name that IDNA 2008 knows.") from None
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(name):
        raise WebhookUrlError("The host must be a name like hooks.example.com, with no dot at its end.")
    if _ENDS_IN_NUMBER.fullmatch(name) and address_of(name) is None:
        raise WebhookUrlError("An address must be written as four numbers, like 203.0.113.7.")
    return name


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address that is written there in the usual way; None for names."""
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_rest(parts: SplitResult, url: str) -> None:
    if "@" in parts.netloc:
        raise WebhookUrlError("The URL must not have a user name or a password.")
    if "#" in url:
        raise WebhookUrlError("The URL must not have a fragment.")
    if not _PATH.fullmatch(f"{parts.path}?{parts.query}"):
        raise WebhookUrlError("The path and the query must be percent-encoded.")


def _port(port: int | None, scheme: str) -> int:
    if port == 0:
        raise WebhookUrlError("Port 0 is no port.")
    return port or _DEFAULT_PORTS[scheme]


def _version_6(text: str) -> str:
    address = None if "%" in text else address_of(text)
    if address is None:
        raise WebhookUrlError("The host is no address of version 6, or has a zone.")
    return str(address)


def _entry(text: str) -> tuple[str, int | None]:
    found = _ENTRY.fullmatch(text)
    if found is None:
        raise WebhookUrlError(f"{text} is neither a host nor host:port")
    port = found["port"]
    return host_of(found["host"].strip("[]")), int(port) if port else None
