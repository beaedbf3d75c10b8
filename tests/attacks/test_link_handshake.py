"""Attacks on the daemon's handshake: another relay in the middle, a forged one, one that talks nonsense."""

from pathlib import Path

import pytest

from peerpost_daemon.link import AddressError, LinkSettings, LinkState, check_address
from peerpost_protocol.frames import Authenticate, ClientFrame, Hello, PublishCard, RelayFrame
from peerpost_protocol.signing import SigningKey
from tests.daemon.link.observing import TOKEN, credentials, delivery, running
from tests.support.scripted_relay import ScriptedRelay, scripted_relay

OTHER = SigningKey(b"other".ljust(32, b"\0"))


async def _refuses(relay: ScriptedRelay, kind: str, known: bytes | None = None) -> None:
    async with running(relay, credentials(token=TOKEN, relay_key=known)) as (link, observer):
        status = await observer.reached(LinkState.WAITING)
        assert status.last_error is not None
        assert status.last_error.kind == kind
        assert link.status.state is not LinkState.ONLINE
    assert relay.frames(Authenticate) == []
    assert relay.frames(PublishCard) == []


async def test_a_relay_with_another_key_than_the_pinned_one_learns_nothing() -> None:
    async with scripted_relay() as relay:
        await _refuses(relay, "relay_key_changed", known=OTHER.public)


async def test_a_relay_that_names_the_pinned_key_without_having_it_learns_nothing() -> None:
    async with scripted_relay() as relay:
        relay.signer = OTHER
        await _refuses(relay, "bad_signature", known=relay.key.public)


async def test_a_relay_cannot_replay_the_challenge_of_another_connection() -> None:
    async with scripted_relay() as relay:
        replayed = relay.challenge(bytes(32))
        relay.script = lambda f: [replayed] if isinstance(f, Hello) else None
        await _refuses(relay, "bad_signature", known=relay.key.public)


async def test_a_relay_met_once_is_pinned_for_the_next_session() -> None:
    async with scripted_relay() as relay, running(relay) as (_, observer):
        await observer.reached(LinkState.ONLINE)
        relay.key = relay.signer = OTHER
        relay.drop()
        await observer.called("waiting", 2)
        status = observer.statuses[-1]
        assert status.last_error is not None
        assert status.last_error.kind == "relay_key_changed"
        assert len(relay.frames(PublishCard)) == 1


async def test_a_relay_cannot_deliver_before_it_has_welcomed() -> None:
    def script(frame: ClientFrame) -> list[RelayFrame] | None:
        return [delivery(1)] if isinstance(frame, Hello) else None

    async with scripted_relay() as relay:
        relay.script = script
        await _refuses(relay, "unexpected_frame")


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91" * 5000, bytes(1000), "text"])
async def test_a_malformed_frame_ends_the_session_and_not_the_link(data: bytes | str) -> None:
    async with scripted_relay() as relay, running(relay) as (_, observer):
        await observer.reached(LinkState.ONLINE)
        await relay.say_bytes(data)
        status = await observer.reached(LinkState.WAITING)
        assert status.last_error is not None
        assert status.last_error.kind == "malformed"
        await observer.reached(LinkState.ONLINE, 2)


async def test_a_frame_over_the_bound_ends_the_session_and_not_the_link() -> None:
    async with scripted_relay() as relay, running(relay) as (_, observer):
        await observer.reached(LinkState.ONLINE)
        await relay.say_bytes(bytes(1024 * 1024 + 1))
        await observer.reached(LinkState.ONLINE, 2)


@pytest.mark.parametrize(
    "url",
    ["ws://relay.example.org", "ws://10.0.0.1:8443/", "ws://127.0.0.1.example.org", "WS://8.8.8.8"],
)
def test_a_plain_address_beyond_this_machine_is_refused(url: str) -> None:
    with pytest.raises(AddressError) as raised:
        check_address(LinkSettings(url))
    assert raised.value.kind == "plain_address"
    check_address(LinkSettings(url, allow_plain=True))


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1", "ws://[::1]/", "ws://localhost", "wss://a.org"]
)
def test_a_loopback_or_encrypted_address_is_taken(url: str) -> None:
    check_address(LinkSettings(url))


@pytest.mark.parametrize(
    "url", ["", "http://a", "wss://", "wss://me:secret@a", "wss://a:x/", "wss://[", "wss://a/#b"]
)
def test_what_is_no_relay_s_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError) as raised:
        check_address(LinkSettings(url))
    assert raised.value.kind == "bad_address"
    assert "secret" not in str(raised.value)


async def test_a_missing_certificate_file_is_a_status_and_no_crash(tmp_path: Path) -> None:
    async with scripted_relay() as relay:
        plain = relay.url
        relay_url = plain.replace("ws://", "wss://")
        async with running(relay, url=relay_url, ca_file=tmp_path / "none.pem") as (_, observer):
            status = await observer.reached(LinkState.WAITING)
            assert status.last_error is not None
            assert status.last_error.kind == "unreachable"


async def test_a_redirect_is_not_followed() -> None:
    async with scripted_relay() as target, scripted_relay(target.url) as relay:
        async with running(relay) as (_, observer):
            status = await observer.reached(LinkState.WAITING)
            assert status.last_error is not None
            assert status.last_error.kind == "handshake_refused"
        assert target.connections == 0


async def test_a_relay_that_never_challenges_does_not_hold_the_link() -> None:
    async with scripted_relay() as relay:
        relay.script = lambda _frame: []
        async with running(relay, request_seconds=0.05) as (_, observer):
            status = await observer.reached(LinkState.WAITING)
            assert status.last_error is not None
            assert status.last_error.kind == "no_answer"
            await relay.heard_frames(Hello, 2)
