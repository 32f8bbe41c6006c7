"""Which addresses of the network may be called on a user's word: public ones, and those of networks
that the administrator named. Special ranges: IANA's registries (RFC 6890), as of 2026."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# Written out: what Python's `is_global` says differs between its versions.
_CLOSED_4 = tuple(
    IPv4Network(one)
    for one in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
_PUBLIC_6 = IPv6Network("2000::/3")
_CLOSED_6 = tuple(
    IPv6Network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
# Where clouds tell a machine its own secrets: never called, whatever network is named.
_METADATA = frozenset(
    ip_address(one)
    for one in (
        "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "fd00:ec2::254", "fd20:ce::254",
    )
)  # fmt: skip


@dataclass(frozen=True)
class Reach:
    """How far calls may go: to the `named` networks, and to public addresses where those are
    open."""

    named: tuple[Network, ...] = ()
    is_public_open: bool = True

    def allows(self, address: str) -> bool:
        """Whether this address may be called; an address inside another (IPv4 in IPv6) counts."""
        found = _read(address)
        if found is None or found in _METADATA:
            return False
        return self._is_named(found) or (self.is_public_open and is_public(found))

    def names(self, address: str) -> bool:
        """Whether it lies in a network that the administrator named."""
        found = _read(address)
        return found is not None and found not in _METADATA and self._is_named(found)

    def _is_named(self, address: Address) -> bool:
        return any(address in one for one in self.named if one.version == address.version)


def is_public(address: Address) -> bool:
    """Whether the whole Internet reaches it under this address."""
    if isinstance(address, IPv4Address):
        return not any(address in one for one in _CLOSED_4)
    return address in _PUBLIC_6 and not any(address in one for one in _CLOSED_6)


def networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation, or single addresses; raises ValueError with the wrong word."""
    return tuple(ip_network(word) for word in words)


def _read(text: str) -> Address | None:
    """The address that is meant in the end, without its zone; None for what is none."""
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return found.ipv4_mapped
        if found in _NAT64 or (found in _COMPATIBLE and int(found) > 1):
            return IPv4Address(int(found) & 0xFFFFFFFF)
    return found
