"""Who may ask the vote's server, and how often. Used by :mod:`.server`."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable, Mapping


class Limit:
    """So many requests a second from each source; a pause saves up some for later.

    Parameters
    ----------
    rate : float
        Requests a second that may go on for ever.
    burst : float
        Requests that may come at once after a pause.
    clock : callable
        Returns seconds.
    """

    #: Sources remembered. When there are more, those that are at rest are forgotten.
    MOST = 5000

    def __init__(
        self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self._left: dict[str, tuple[float, float]] = {}

    def allows(self, source: str) -> bool:
        """Count a request, and tell whether it is within the limit."""
        now = self.clock()
        left, since = self._left.get(source, (self.burst, now))
        left = min(self.burst, left + self.rate * (now - since))
        if source not in self._left and len(self._left) >= self.MOST:
            rest = now - self.burst / self.rate
            self._left = {s: found for s, found in self._left.items() if found[1] > rest}
            if len(self._left) >= self.MOST:
                return False
        self._left[source] = (left - 1 if left >= 1 else left, now)
        return left >= 1


def own_host(host: str, names: set[str]) -> bool:
    """Tell whether the Host of a request means this machine.

    Another name means that a foreign site has pointed its own name here (DNS rebinding). Plain
    addresses can't be used for that.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    name = name.strip("[]").lower()
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return name in names
    return True


def same_site(headers: Mapping[str, str], host: str) -> bool:
    """Tell whether a request comes from the vote's own page, not from another site.

    Browsers say where a request comes from in Origin and in Sec-Fetch-Site; the header X-Vote can't
    be set by another site at all, unless the server allows it.
    """
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "same-origin")
    return (
        origin in (None, f"http://{host}")
        and site == "same-origin"
        and headers.get("X-Vote") == "1"
    )
