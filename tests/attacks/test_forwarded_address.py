"""Somebody names another's address in X-Forwarded-For, to pass for him or to have no bounds at all.

Only networks of `edge.proxies` are believed. Whoever comes from anywhere else is counted where he comes from; whoever
comes through a named proxy is counted by the last address in the header, which the proxy wrote itself, whatever he put
before it and in whichever form the proxy writes it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peerpost_relay.settings import EdgeSettings
from tests.support.relay_client import RelayClient
from tests.support.relay_server import OPEN, running_relay

UNNAMED = EdgeSettings(proxies=("10.0.0.0/8",))
NAMED = EdgeSettings(proxies=("127.0.0.0/8",))


@asynccontextmanager
async def counted(folder: Path, edge: EdgeSettings, header: str) -> AsyncIterator[set[str | None]]:
    """Give the addresses by which the relay counts who has said this header."""
    async with (
        running_relay(folder, OPEN, edge) as relay,
        await RelayClient.connect(relay.url, forwarded_for=header) as client,
    ):
        await client.greet()
        yield {peer.address for peer in relay.relay._peers.values()}


async def test_an_unnamed_proxy_speaks_for_nobody(tmp_path: Path) -> None:
    async with counted(tmp_path, UNNAMED, "203.0.113.9") as addresses:
        assert addresses == {None}  # this host, from which it came


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("198.51.100.7, 203.0.113.9", "203.0.113.9"),
        ("203.0.113.9:4711", "203.0.113.9"),
        ("[2001:db8:1:2:3::4]:443", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2:3::4]", "2001:db8:1:2::/64"),
    ],
)
async def test_a_named_proxy_s_own_word_counts_in_every_form(
    tmp_path: Path, header: str, address: str
) -> None:
    async with counted(tmp_path, NAMED, header) as addresses:
        assert addresses == {address}
