import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext, create_default_context

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect, unix_connect
from websockets.exceptions import InvalidStatus

from peerpost_relay.framing import frame
from peerpost_relay.listener import Bound, Listener
from peerpost_relay.settings import EdgeSettings
from tests.relay.edge import UPGRADE, Recorder, listening, received


async def test_port_zero_gives_a_port_that_can_be_connected_to() -> None:
    async with listening() as place, place.connect():
        assert place.bound.port > 0
        connection = await place.recorder.heard("opened")
        assert connection.peer == "127.0.0.1"


async def test_ipv6_is_listened_on_as_well() -> None:
    async with listening(host="::1") as place, place.connect():
        assert str(place.bound) == f"[::1]:{place.bound.port}"
        assert (await place.recorder.heard("opened")).peer == "::1"


async def test_a_unix_socket_is_served_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    async with listening(host=f"unix:{path}") as place:
        assert place.bound == Bound(f"unix:{path}")
        async with unix_connect(str(path), "ws://relay/v1", compression=None):
            assert (await place.recorder.heard("opened")).peer == "unix"
    assert not path.exists()


async def test_a_socket_file_that_became_another_s_is_left(tmp_path: Path) -> None:
    path = tmp_path / "relay.sock"
    async with listening(host=f"unix:{path}") as first:
        path.rename(tmp_path / "aside")
        async with listening(host=f"unix:{path}"):
            await first.listener.close(drain_seconds=0)
            assert path.is_socket()


async def test_the_subprotocol_is_selected_when_asked_for() -> None:
    async with listening() as place, place.socket() as socket:
        socket.write(UPGRADE[:-2] + b"Sec-WebSocket-Protocol: other, peerpost.v1\r\n\r\n")
        head = await socket.reader.readuntil(b"\r\n\r\n")
        assert b"Sec-WebSocket-Protocol: peerpost.v1\r\n" in head


async def test_an_unknown_subprotocol_is_not_selected() -> None:
    async with listening() as place, place.socket() as socket:
        socket.write(UPGRADE[:-2] + b"Sec-WebSocket-Protocol: other\r\n\r\n")
        head = await socket.reader.readuntil(b"\r\n\r\n")
        assert b" 101 " in head
        assert b"Sec-WebSocket-Protocol" not in head


async def test_no_extension_is_ever_agreed_on() -> None:
    async with listening() as place, place.socket() as socket:
        socket.write(UPGRADE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
        head = await socket.reader.readuntil(b"\r\n\r\n")
        assert b"101" in head
        assert b"Extensions" not in head


async def test_one_connection_too_many_is_told_when_to_come_back() -> None:
    async with listening(EdgeSettings(connections_max=1)) as place, place.connect():
        await place.recorder.heard("opened")
        with pytest.raises(InvalidStatus) as refused:
            await place.connect()
        assert refused.value.response.status_code == 503
        assert refused.value.response.headers["Retry-After"] == "5"
        assert (await place.get(b"GET /health HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_place_that_became_free_is_given_again() -> None:
    async with listening(EdgeSettings(connections_max=1)) as place:
        async with place.connect():
            await place.recorder.heard("opened")
        await place.recorder.heard("closed")
        async with place.connect():
            await place.recorder.heard("opened", 2)


async def test_closing_says_service_restart_to_all() -> None:
    async with listening() as place, place.connect() as one, place.connect() as two:
        await place.recorder.heard("opened", 2)
        await place.listener.close(drain_seconds=5, reason="restart")
        await asyncio.gather(one.wait_closed(), two.wait_closed())
        assert {one.close_code, two.close_code} == {1012}
        assert one.close_reason == "restart"
        assert place.recorder.calls.count("closed") == 2


async def test_closing_does_not_wait_for_those_that_do_not_answer() -> None:
    async with listening() as place, place.socket() as deaf, place.socket() as undecided:
        await deaf.upgrade()
        undecided.write(b"GET / HTTP/1.1\r\n")
        await place.recorder.heard("opened")
        await place.listener.close(drain_seconds=0.05)
        await place.recorder.heard("closed")
        assert place.listener.connections == frozenset()


async def test_after_closing_nobody_gets_in() -> None:
    async with listening() as place:
        await place.listener.close(drain_seconds=0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(place.bound.host, place.bound.port)


async def test_a_listener_that_never_listened_closes() -> None:
    listener = Listener(EdgeSettings(), Recorder(), dict, lambda: (True, None))
    await listener.close(drain_seconds=1)
    assert listener.opened == 0
    assert listener.connections == frozenset()


async def test_tls_is_passed_through(contexts: tuple[SSLContext, SSLContext]) -> None:
    server, client_context = contexts
    async with listening(ssl_context=server) as place:
        place.recorder.on_message = lambda connection, payload: connection.send(frame(payload))
        url = f"wss://localhost:{place.bound.port}/v1"
        async with connect(url, ssl=client_context, host="127.0.0.1", proxy=None) as client:
            await client.send(b"x" * 100_000)
            assert await received(client) == b"x" * 100_000
            (await place.recorder.heard("opened")).close(4000)
            await client.wait_closed()
            assert client.close_code == 4000
        await place.recorder.heard("closed")


@pytest.fixture
def contexts(tmp_path: Path) -> tuple[SSLContext, SSLContext]:
    """Make a certificate for localhost; give the server's and the client's side of it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "relay.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    server = SSLContext(PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, create_default_context(cafile=str(pem))


def test_the_edge_runs_on_uvloop_too() -> None:
    async def echo() -> bytes:
        async with listening() as place, place.connect() as client:
            place.recorder.on_message = lambda connection, payload: connection.send(frame(payload))
            await client.send(b"x" * 100_000)
            return await received(client)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(echo()) == b"x" * 100_000
