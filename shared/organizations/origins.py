"""Origins (RFC 6454) of a company's own web pages, spelled as browsers do in the header `Origin`.

They are compared letter by letter, so what a person types is brought to that one spelling before it is kept.
"""

import re
from ipaddress import AddressValueError, IPv4Address

import idna

MOST_ORIGINS, LONGEST_ORIGIN = 20, 300

_ORIGIN = re.compile(r"(https?)://([^/?#@:\s*\\\[\]]+)(?::([0-9]{1,5}))?")
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_LAST_IS_A_NUMBER = re.compile(r"(.*\.)?([0-9]+|0x[0-9a-f]*)")
"""Browsers take such a host for an IPv4 address, in spellings of which `0x7f.1` is one (URL Standard, 3.5)."""

_THIS_MACHINE = {"localhost", "127.0.0.1"}
_DEFAULT_PORTS = {"https": 443, "http": 80}
_LAST_PORT = 65_535
_SHAPE = "is not written like https://portal.example.com, with a port if it has one and nothing behind it"


def normal_origin(text: str) -> str:
    """`text` in lower case, its host in ASCII (IDNA), without the port that goes without saying.

    Raises ValueError with the reason: it has to be one exact `https` origin, or an `http` one of this machine for the
    time of development.
    """
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        raise ValueError(_SHAPE)
    scheme, host, port = match[1], _ascii(match[2]), int(match[3] or 0)
    if match[3] is not None and not 0 < port <= _LAST_PORT:
        raise ValueError("has a port that cannot be")
    if scheme == "http" and host not in _THIS_MACHINE:
        raise ValueError("must begin with https://; http:// is for localhost only")
    return f"{scheme}://{host}" if port in {0, _DEFAULT_PORTS[scheme]} else f"{scheme}://{host}:{port}"


def _ascii(host: str) -> str:
    try:
        found = host if host.isascii() else idna.encode(host, uts46=True).decode().lower()
        if _LAST_IS_A_NUMBER.fullmatch(found):
            found = str(IPv4Address(found))
    except (idna.IDNAError, UnicodeError, AddressValueError):
        raise ValueError("names a host that cannot be") from None
    if not _HOST.fullmatch(found):
        raise ValueError("names a host that cannot be")
    return found
