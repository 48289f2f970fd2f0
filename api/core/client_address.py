"""Where a request comes from.

The peer of the connection, unless that is a proxy which the operator trusts. Then it is what that proxy says: each
proxy appends to X-Forwarded-For whom it was called by, so the list is read from the right, past the proxies that are
trusted. What is left of the first address that is not trusted was written by a stranger.
"""

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from flask import Request

from shared.core.networks import Address, TrustedProxies, unmapped
from shared.core.settings import Settings

UNKNOWN = "unknown"
"""Who calls through a Unix socket, which has no addresses, and is not told of by a trusted proxy."""

LONGEST = 100
"""Entries of X-Forwarded-For that are looked at; no chain of proxies is as long."""

_PORT = "(?::[0-9]{1,5})?"
_ENTRY = re.compile(rf"([0-9.]{{7,15}}){_PORT}|\[([0-9a-fA-F:.]{{2,45}})\]{_PORT}|([0-9a-fA-F:.]{{2,45}})")


def client_address(request: Request, settings: Settings) -> str:
    """The client's address in its shortest form, or `unknown`; what cannot be read is never believed."""
    peer = request.remote_addr or ""
    if settings.trust_proxy_headers:
        return _through_proxies(peer, request.headers.get("X-Forwarded-For", ""), settings.trusted_proxies)
    return _shown(peer)


def _through_proxies(peer: str, forwarded: str, trusted: TrustedProxies) -> str:
    """`peer`, or whom the proxies that are trusted have been called by.

    A Unix socket has no address. Only a process of this machine that may write to the socket's file can call through
    it, so whoever trusts proxies at all trusts that one.
    """
    nearest = _shown(peer)
    if peer:
        address = _read(nearest)
        if address is None or address not in trusted:
            return nearest
    for entry in reversed(forwarded.rsplit(",", LONGEST)[-LONGEST:]):
        address = _read(entry.strip(" \t"))
        if address is None:
            break
        nearest = str(address)
        if address not in trusted:
            break
    return nearest


def _shown(peer: str) -> str:
    if ":" not in peer:  # nearly always: IPv4, as the kernel writes it
        return peer or UNKNOWN
    return str(_read(peer.partition("%")[0]) or peer)


def _read(entry: str) -> Address | None:
    """`192.0.2.7`, `192.0.2.7:4711`, `2001:db8::7`, `[2001:db8::7]:4711`; None for anything else."""
    match = _ENTRY.fullmatch(entry)
    if match is None:
        return None
    four, bracketed, six = match.groups()
    try:
        return IPv4Address(four) if four else unmapped(IPv6Address(bracketed or six))
    except AddressValueError:
        return None
