"""Where requests may go when somebody else chose the address: public https, and nothing inside.

A socket factory sees the final address of names, literals and rebinding alike; a resolver is
skipped for literals (reliability notes, SSRF).
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Protocol

HTTPS_PORT = 443

# What `is_global` of some interpreters lets through although it leads inside.
_NEVER = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; the cloud's metadata service lives here
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",
        "64:ff9b::/96",  # NAT64 reaches any IPv4 address
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",  # 6to4 reaches any IPv4 address
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)

AddressInfo = tuple[Any, Any, int, str, tuple[Any, ...]]  # as getaddrinfo gives it
SocketFactory = Callable[[AddressInfo], socket.socket]


class Egress(Protocol):
    """Decides where a request may go."""

    def allows(self, *, scheme: str, port: int | None) -> bool:
        """Whether a URL of this scheme and port may be called at all."""
        ...

    def connectable(self, address: str, /) -> bool:
        """Whether a connection to this final IP address may be opened."""
        ...


@dataclass(frozen=True, slots=True)
class PublicOnly:
    """https on port 443 to public addresses: for URLs that come from outside."""

    def allows(self, *, scheme: str, port: int | None) -> bool:
        return scheme == "https" and port == HTTPS_PORT

    def connectable(self, address: str, /) -> bool:
        return is_public(address)


@dataclass(frozen=True, slots=True)
class UnsafeLoopbackEgress:
    """Any scheme and port, and loopback too: for tests and local mode only."""

    def allows(self, *, scheme: str, port: int | None) -> bool:
        return scheme in {"http", "https"} and port is not None

    def connectable(self, address: str, /) -> bool:
        return is_public(address) or ip_address(address).is_loopback


def is_public(address: str, /) -> bool:
    """Whether an IP address is out in the internet, also after unwrapping IPv4 in IPv6."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.is_global and not _is_never(ip)


def _is_never(ip: IPv4Address | IPv6Address) -> bool:
    return any(ip.version == block.version and ip in block for block in _NEVER)


def guarded_socket(egress: Egress, /) -> SocketFactory:
    """A socket factory that refuses before anything is sent."""

    def factory(address: AddressInfo) -> socket.socket:
        family, kind, protocol, _, where = address
        if not egress.connectable(str(where[0])):
            msg = "address is not allowed"
            raise PermissionError(msg)
        made = socket.socket(family=family, type=kind, proto=protocol)
        made.setblocking(False)  # noqa: FBT003  # its signature
        return made

    return factory
