"""Cut the network off: every Python started with this folder in PYTHONPATH reaches loopback only.

Notebooks always run behind this in tests, so that one run proves both that they work and that they
need no network. An audit hook can't be taken off again and sees every socket, also in libraries.
"""

import sys

LOCAL = ("127.", "::1", "localhost", "0.0.0.0")
#: Where the address is in the arguments of each event.
EVENTS = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}


def refuse(event: str, arguments: tuple) -> None:
    """Raise PermissionError for an address that is not on this machine."""
    if event not in EVENTS:
        return
    host = arguments[EVENTS[event]]
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        if not isinstance(host, tuple):  # a Unix socket, or already connected
            return
        host = host[0]
    host = host.decode() if isinstance(host, bytes) else host
    if host and not host.startswith(LOCAL):
        raise PermissionError(f"the network is cut off: no way to {host!r}")


sys.addaudithook(refuse)
