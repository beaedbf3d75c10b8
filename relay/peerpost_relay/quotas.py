"""Quotas: how fast a card may publish, how many sessions a card and an address may have.

Rates are token buckets over a monotonic clock: a bucket holds what may come at once, and fills at the rate. What a
bucket lacks decides after how many milliseconds to come back. The numbers are those of RelaySettings. What may be
stored is checked where it is stored (publishing.py).
"""

import ipaddress
import math
from collections.abc import Callable

from peerpost_protocol.refusals import Refusal
from peerpost_relay.errors import RefusalError
from peerpost_relay.settings import RelaySettings

BUCKETS_MAX = 65_536  # cards whose buckets are remembered; the one unused longest is forgotten
IPV6_NETWORK = 64  # bits that one subscriber of a provider has to himself


class Bucket:
    """Hold at most `burst` tokens, filled at `rate` a second. `now` in seconds, monotonic."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._level = burst
        self._at = now

    def lacks(self, tokens: float, now: float) -> float:
        """Return after how many seconds so many tokens are there; more than `burst` wait for all of it."""
        self._level = min(self._burst, self._level + max(0.0, now - self._at) * self._rate)
        self._at = now
        return max(0.0, (min(tokens, self._burst) - self._level) / self._rate)

    def take(self, tokens: float) -> None:
        """Take tokens; the level may go below nothing, and what comes later waits for that."""
        self._level -= tokens


class Quotas:
    """Count what each card and each address does. `monotonic`: seconds."""

    def __init__(self, settings: RelaySettings, monotonic: Callable[[], float]) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._buckets: dict[bytes, tuple[Bucket, Bucket]] = {}
        self._addresses: dict[str, int] = {}

    def write(self, card: bytes, size: int) -> None:
        """Count a write of a card; raise RefusalError too_many_requests when it comes too soon."""
        now = self._monotonic()
        writes, volume = self._bucket(card, now)
        seconds = max(writes.lacks(1, now), volume.lacks(size, now))
        if seconds > 0:
            raise self._too_many("the card publishes faster than it may", seconds)
        writes.take(1)
        volume.take(size)

    def arrive(self, address: str) -> None:
        """Count a session of an address; raise RefusalError too_many_requests over the bound."""
        network = network_of(address)
        if self._addresses.get(network, 0) >= self._settings.sessions_per_address_max:
            raise self._too_many("the address has as many sessions as it may")
        self._addresses[network] = self._addresses.get(network, 0) + 1

    def leave(self, address: str) -> None:
        """Count a session of an address no more."""
        network = network_of(address)
        self._addresses[network] -= 1
        if not self._addresses[network]:
            del self._addresses[network]

    def _bucket(self, card: bytes, now: float) -> tuple[Bucket, Bucket]:
        found = self._buckets.pop(card, None)
        if found is None:
            settings = self._settings
            found = (
                Bucket(settings.writes_per_second, settings.writes_burst, now),
                Bucket(settings.write_bytes_per_second, settings.write_bytes_burst, now),
            )
            if len(self._buckets) >= BUCKETS_MAX:
                del self._buckets[next(iter(self._buckets))]
        self._buckets[card] = found  # the newest stands last
        return found

    def _too_many(self, detail: str, seconds: float = 0.0) -> RefusalError:
        wait = max(math.ceil(seconds * 1000), self._settings.retry_after_ms if not seconds else 1)
        return RefusalError(Refusal.TOO_MANY_REQUESTS, detail, retry_after_ms=wait)


def network_of(address: str) -> str:
    """Return what counts as one address: an IPv4 address, an IPv6 network, a Unix socket."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = found.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((found, IPV6_NETWORK), strict=False))
