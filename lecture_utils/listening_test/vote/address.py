"""Addresses of this machine: what phones call, and a port that is free. Used by ``make vote``."""

from __future__ import annotations

import errno
import ipaddress
import socket

import psutil
import tornado.netutil

LOOPBACK = "127.0.0.1"


def sockets(port: int, is_open: bool) -> list[socket.socket]:
    """Return the sockets of a port, on this machine alone or open to the room's network.

    Raises
    ------
    OSError
        With one sentence, if the port is taken or not allowed.
    """
    try:
        return tornado.netutil.bind_sockets(
            port, "0.0.0.0" if is_open else LOOPBACK, socket.AF_INET
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = "is taken, perhaps by a vote that still runs"
        else:
            reason = f"can't be used ({error.strerror})"
        raise OSError(
            f"Port {port} {reason}; stop that program, or use another port: make vote PORT=8801."
        ) from None


def in_the_room() -> list[str]:
    """Return this machine's addresses on its networks, the likeliest first; none without one."""
    state = psutil.net_if_stats()
    found = [
        entry.address
        for name, entries in psutil.net_if_addrs().items()
        if name in state and state[name].isup
        for entry in entries
        if entry.family == socket.AF_INET and not _is_local(entry.address)
    ]
    return sorted(found, key=lambda address: address != _on_the_way_out())


def names() -> set[str]:
    """Return the names by which this machine knows itself."""
    own = socket.gethostname().lower()
    return {"localhost", own, f"{own.split('.')[0]}.local"}


def _is_local(address: str) -> bool:
    address = ipaddress.ip_address(address)
    return address.is_loopback or address.is_link_local


def _on_the_way_out() -> str:
    """Return the address that this machine shows to others; nothing is sent to find out."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # an address for examples, which nobody has
            return probe.getsockname()[0]
        except OSError:  # no way out: a network of its own
            return ""
