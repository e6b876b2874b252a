"""Keeps tests on this machine, by an audit hook: no library gets around it, but children do."""

import ipaddress
import socket
import sys

INTERNET = frozenset({socket.AF_INET, socket.AF_INET6})


class NetworkRefused(RuntimeError):
    """A test tried to leave this machine."""


def stay_here() -> None:
    """Hold this process to loopback. It cannot be undone."""
    sys.addaudithook(_refuse_elsewhere)


def _refuse_elsewhere(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in {"socket.connect", "socket.sendto"} and _is_internet(arguments[0]):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else arguments[1]
    else:
        return
    if str(host).endswith(".invalid"):
        # Reserved for names that do not exist; answered here, so that no resolver is asked.
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if not _is_here(host):
        msg = f"{event} to {host!r}: tests speak to loopback only"
        raise NetworkRefused(msg)


def _is_internet(end: object, /) -> bool:
    return isinstance(end, socket.socket) and end.family in INTERNET


def _is_here(host: object, /) -> bool:
    """Loopback by address, or by the one name that is never looked up elsewhere."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in {None, "", "localhost"}:
        return True
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
