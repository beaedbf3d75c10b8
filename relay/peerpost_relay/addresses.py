"""Where a connection comes from: what counts as one address, and whom to believe about it.

Attacker: somebody with many addresses of one network, or who names another's address. What a proxy says of its clients
(the last entry of X-Forwarded-For, which is what it saw itself) is believed when it stands in a network of the setting
`edge.proxies`, or came by a Unix socket; nobody else is asked. Whoever comes from there without saying for whom is that
proxy or its host's own: there is no address to bound.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence

UNIX = "unix"
IPV6_NETWORK = 64  # bits that one subscriber of a provider has to himself
FORWARDED_CHARACTERS_MAX = 64  # of an address with its zone or port; a longer entry is none

_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.%\w]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


class Proxies:
    """Know the networks whose hosts are believed about whom they speak for."""

    __slots__ = ("_networks",)

    def __init__(self, networks: Iterable[str]) -> None:
        """Raise ValueError that names what is no network."""
        self._networks = tuple(ipaddress.ip_network(each) for each in networks)

    def believes(self, address: str) -> bool:
        """Tell whether what comes from an address is believed about its client."""
        if address == UNIX:
            return True
        found = _parsed(address)
        if isinstance(found, ipaddress.IPv6Address):
            found = found.ipv4_mapped or found
        return found is not None and any(found in network for network in self._networks)


def network_of(address: str) -> str | None:
    """Return what counts as one address, an IPv4 address or an IPv6 network; None for this host itself."""
    found = _parsed(address)
    if found is None:
        return None if address == UNIX else address
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found
    if found.is_loopback:
        return None
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    return str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))


def forwarded_for(headers: Sequence[str]) -> str | None:
    """Return whom the nearest proxy names in its X-Forwarded-For headers, None when that is no address."""
    last = headers[-1].rpartition(",")[2].strip() if headers else ""
    if not last or len(last) > FORWARDED_CHARACTERS_MAX:
        return None
    found = _parsed(_without_port(last))
    return None if found is None else str(found)


def _without_port(entry: str) -> str:
    """Return the address of `192.0.2.1:443`, `[2001:db8::1]` and `[2001:db8::1]:443`; anything else as it is.

    Some proxies say the port, too. Read as no address it would leave whoever comes through them without bounds.
    """
    found = _WITH_PORT.fullmatch(entry)
    return entry if found is None else found[1] or found[2]


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
