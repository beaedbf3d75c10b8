"""Where a connection comes from: what counts as one address, and whom to believe about it.

Attacker: somebody with many addresses of one network, or who names another's address. What a proxy on this host says
of its clients (the last entry of X-Forwarded-For, which is what it saw itself) is believed; nobody else is asked.
Whoever comes from this host without saying for whom is that proxy or the host's own: there is no address to bound.
"""

import ipaddress
from collections.abc import Sequence

UNIX = "unix"
IPV6_NETWORK = 64  # bits that one subscriber of a provider has to himself
FORWARDED_CHARACTERS_MAX = 64  # of an address with its zone or port; a longer entry is none


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
    found = _parsed(last)
    return None if found is None else str(found)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
