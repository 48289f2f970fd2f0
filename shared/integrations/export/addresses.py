"""Addresses that webhooks must not reach: everything that is not a plain address of the public Internet.

Written out, because `ipaddress.is_global` says yes to what carries another address inside (NAT64, 6to4), and its
answers differ between versions of Python. Sources: the registries of special-purpose addresses of IANA,
https://www.iana.org/assignments/iana-ipv4-special-registry and https://www.iana.org/assignments/iana-ipv6-special-registry.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address

_REFUSED = {
    "0.0.0.0/8": "this host",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "shared by a carrier",
    "127.0.0.0/8": "loopback",
    "168.63.129.16/32": "a cloud's own services",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "special",
    "192.0.2.0/24": "for documentation",
    "192.31.196.0/24": "special",
    "192.52.193.0/24": "special",
    "192.88.99.0/24": "6to4",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "special",
    "198.18.0.0/15": "for benchmarks",
    "198.51.100.0/24": "for documentation",
    "203.0.113.0/24": "for documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
    "2001::/23": "special: Teredo, ORCHID and others",
    "2001:db8::/32": "for documentation",
    "2002::/16": "6to4",
    "2620:4f:8000::/48": "special",
    "3fff::/20": "for documentation",
}
_NETWORKS = [(ip_network(network), why) for network, why in _REFUSED.items()]
_PUBLIC_6 = IPv6Network("2000::/3")
"""Global unicast, of which alone IANA gives. Outside are loopback, what is mapped or compatible to version 4, NAT64,
unique local, link-local, site-local and multicast addresses."""


def refusal_of(address: Address) -> str | None:
    """What `address` is, when webhooks must not go there; None when they may."""
    if isinstance(address, IPv6Address) and (address not in _PUBLIC_6 or address.scope_id):
        return "not public"
    return next((why for network, why in _NETWORKS if address.version == network.version and address in network), None)
