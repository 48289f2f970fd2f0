"""Network addresses: as operators list them, and the proxies that are believed."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def unmapped(address: Address) -> Address:
    """`::ffff:192.0.2.7`, as a socket for both families shows an IPv4 client, is 192.0.2.7."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def read_addresses(items: Sequence[str]) -> tuple[Address, ...]:
    """The addresses that an operator has listed. Raises `ValueError` that names the place of the one that is none."""
    found = []
    for place, item in enumerate(items, start=1):
        try:
            address = ip_address(item)
        except ValueError:
            raise ValueError(f"entry {place} is not an IP address such as 192.0.2.7") from None
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            raise ValueError(f"entry {place} names an interface; leave out the % and what follows")
        found.append(unmapped(address))
    return tuple(found)


def read_networks(items: Sequence[str]) -> tuple[Network, ...]:
    """The networks that an operator has listed. Raises `ValueError` that names the place of the one that is none, or
    that is the whole Internet."""
    found = []
    for place, item in enumerate(items, start=1):
        try:
            network = ip_network(item)
        except ValueError:
            raise ValueError(
                f"entry {place} is not a network such as 10.0.0.0/8, with nothing set behind its prefix"
            ) from None
        if network.prefixlen == 0:
            raise ValueError(f"entry {place} is everybody; name the networks of your proxies")
        if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped is not None:
            raise ValueError(f"entry {place} is IPv4 in IPv6; write it as IPv4")
        found.append(network)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Who is believed about where a request comes from."""

    addresses: frozenset[Address]
    networks: tuple[Network, ...]

    def __contains__(self, address: Address) -> bool:
        return address in self.addresses or any(address in network for network in self.networks)
