"""Somebody with nothing but the address opens sockets at a relay's TLS port and never finishes the handshake.

An event loop shows a socket only once it has spoken TLS. Until then it took a file descriptor that nobody counted, so
that one address could take them all. It counts from its first moment, is dropped when there are too many, and ends
with the time for a handshake; others are served.
"""

import asyncio
import ssl
from pathlib import Path

import pytest
import uvloop
from msgspec.structs import replace
from websockets.asyncio.client import connect

from peerpost_relay.edge import Edge
from peerpost_relay.settings import EdgeSettings
from peerpost_relay.tls import Tls, TlsSettings
from tests.relay.edge import PATIENCE_SECONDS, QUICK, Place, listening
from tests.support.tls_terminator import issue

HELLO = b"\x16\x03\x01\x02\x00\x01"  # how a TLS handshake begins


@pytest.fixture
def tls(tmp_path: Path) -> Tls:
    certificate, key = tmp_path / "relay.pem", tmp_path / "relay.key"
    issue(certificate, key)
    return Tls(TlsSettings(certificate=certificate, key=key))


def trusting(tls: Tls) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=tls._settings.certificate)


async def greeted(place: Place, tls: Tls) -> None:
    url = f"wss://localhost:{place.bound.port}/v1"
    async with connect(url, ssl=trusting(tls), proxy=None, ping_interval=None) as client:
        assert await asyncio.wait_for(client.ping(), PATIENCE_SECONDS)


async def shaking(place: Place, sockets: int) -> None:
    """Wait until so many sockets have not spoken TLS yet."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(_edge(place).securing) != sockets:  # noqa: ASYNC110  nobody is told of these
            await asyncio.sleep(0)


@pytest.mark.parametrize("says", [b"", HELLO], ids=["nothing", "half a greeting"])
async def test_one_socket_too_many_is_dropped_at_once(tls: Tls, says: bytes) -> None:
    patient = EdgeSettings(handshakes_max=1)
    async with listening(patient, ssl_context=tls.context) as place, place.socket() as first:
        first.write(says)
        await shaking(place, 1)
        async with place.socket() as second:
            assert await second.rest() == b""


async def test_an_address_has_so_many_sockets_without_tls(
    tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Edge, "counted", lambda _edge, _address: "192.0.2.1")
    patient = EdgeSettings(sockets_per_address_max=1)
    async with listening(patient, ssl_context=tls.context) as place, place.socket():
        await shaking(place, 1)
        async with place.socket() as second:
            assert await second.rest() == b""


async def test_who_stays_silent_is_dropped_and_counts_no_more(tls: Tls) -> None:
    quick = replace(QUICK, handshakes_max=1)
    async with listening(quick, ssl_context=tls.context) as place:
        for _ in range(2):
            async with place.socket() as silent:
                assert await silent.rest() == b""
        await shaking(place, 0)


@pytest.mark.parametrize("size", [40, 200_000])
async def test_what_is_no_tls_is_dropped(tls: Tls, size: int) -> None:
    async with listening(ssl_context=tls.context) as place:
        assert b"HTTP" not in await place.get(
            b"GET / HTTP/1.1\r\nHost: " + size * b"x" + b"\r\n\r\n"
        )
        await greeted(place, tls)


async def _many(tls: Tls) -> None:
    patient = EdgeSettings(handshakes_max=64)
    async with listening(patient, ssl_context=tls.context) as place, place.socket():
        await asyncio.gather(*(greeted(place, tls) for _ in range(20)))
        await shaking(place, 1)


def test_those_who_speak_tls_are_served_meanwhile_by_either_loop(tls: Tls) -> None:
    for loop in (asyncio.new_event_loop, uvloop.new_event_loop):
        with asyncio.Runner(loop_factory=loop) as runner:
            runner.run(_many(tls))


def _edge(place: Place) -> Edge:
    edge = place.listener._edge
    assert edge is not None
    return edge
