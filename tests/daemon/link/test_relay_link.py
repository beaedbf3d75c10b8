"""The link against a scripted relay over real sockets."""

import asyncio
import logging
import time
from typing import Any

import pytest

from peerpost_daemon.link import (
    InboundFullError,
    LinkBusyError,
    LinkDownError,
    LinkState,
    RefusedError,
)
from peerpost_protocol.frames import (
    Accepted,
    Attestation,
    ChannelState,
    ClientFrame,
    Closing,
    Cursor,
    Hello,
    Joined,
    Publish,
    PublishCard,
    ReadRoster,
    ReceiptNotice,
    RelayFrame,
    Subscribe,
    Subscribed,
)
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import Signed
from tests.daemon.link.observing import CHANNEL, TOKEN, credentials, delivery, envelope, running
from tests.support.scripted_relay import EPOCH, refused, scripted_relay

STATE = ChannelState(CHANNEL, 1, 1, 1, 1, bytes(32), 0, None, recovered=True, receipts=0)


def _planted_fault() -> None:
    raise KeyError("planted")


async def test_a_link_comes_online_and_says_so() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        assert observer.calls == ["connecting", "welcomed", "cursors", "subscribed", "online"]
        assert observer.welcome == (relay.key.public, Attestation.AUTHORIZED, EPOCH)
        assert link.status.clock_skew_ms == 1000
        assert link.status.attestation is Attestation.AUTHORIZED
        assert relay.frames(Subscribe) == [Subscribe(2, (), everything=True)]


async def test_a_dropped_link_resumes_from_the_newest_cursors() -> None:
    async with scripted_relay() as relay, running(relay) as (_, observer):
        await observer.reached(LinkState.ONLINE)
        await relay.say(delivery(1, 2), delivery(3))
        await observer.called("deliver", 2)
        relay.drop()
        await observer.reached(LinkState.ONLINE, 2)
        assert relay.frames(Subscribe)[-1] == Subscribe(
            1, (Cursor(CHANNEL, 3, 0),), everything=True
        )


async def test_everything_unasked_reaches_the_observer() -> None:
    async with scripted_relay() as relay, running(relay) as (_, observer):
        await observer.reached(LinkState.ONLINE)
        notice = ReceiptNotice(CHANNEL, 1, Signed(b"r", bytes(64)))
        await relay.say(Joined(STATE), delivery(1), notice)
        await observer.called("receipt")
        assert observer.calls[-3:] == ["joined", "deliver", "receipt"]


async def test_what_arrives_early_waits_for_the_subscription_while_requests_are_answered() -> None:
    def script(frame: ClientFrame) -> list[RelayFrame] | None:
        if isinstance(frame, Subscribe):
            return [Subscribed(frame.request, (STATE,)), delivery(1), delivery(2)]
        return None

    async with scripted_relay() as relay:
        relay.script = script
        async with running(relay) as (link, observer):
            observer.on_subscribed = lambda: link.request(envelope(5))
            await observer.called("deliver", 2)
            assert observer.calls[-4:] == ["subscribed", "online", "deliver", "deliver"]
            assert observer.positions == [1, 2]


async def test_too_much_held_back_ends_the_session() -> None:
    def script(frame: ClientFrame) -> list[RelayFrame] | None:
        if isinstance(frame, Subscribe):
            return [Subscribed(frame.request, (STATE,)), delivery(1)]
        return None

    async with scripted_relay() as relay:
        relay.script = script
        async with running(relay, max_held_bytes=10) as (_, observer):
            observer.on_subscribed = asyncio.Event().wait
            status = await observer.reached(LinkState.WAITING)
            assert status.last_error is not None
            assert status.last_error.kind == "inbound_full"


async def test_a_full_observer_begins_again_from_its_cursors() -> None:
    full = [True]

    def refuse_once() -> None:
        if full.pop():
            full.append(False)
            raise InboundFullError
        full.append(False)

    async with scripted_relay() as relay, running(relay) as (_, observer):
        observer.on_deliver = refuse_once
        await observer.reached(LinkState.ONLINE)
        await relay.say(delivery(1))
        await observer.reached(LinkState.ONLINE, 2)
        assert observer.positions == []
        await relay.say(delivery(1))
        await observer.called("deliver")


async def test_an_observer_that_fails_ends_the_session_and_not_the_link() -> None:
    async with scripted_relay() as relay, running(relay) as (_, observer):
        await observer.reached(LinkState.ONLINE)
        observer.on_deliver = _planted_fault
        await relay.say(delivery(1))
        status = await observer.reached(LinkState.WAITING)
        assert status.last_error is not None
        assert status.last_error.kind == "observer_failed"
        await observer.reached(LinkState.ONLINE, 2)


async def test_five_hundred_requests_in_flight_are_answered_each_with_its_own() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        answers = await asyncio.gather(*(link.request(envelope(n)) for n in range(500)))
        assert [a.position for a in answers if isinstance(a, Accepted)] == list(range(500))
        sent = [f.envelope for f in relay.frames(Publish) if isinstance(f, Publish)]
        assert sent == [n.to_bytes(8) for n in range(500)]


async def test_a_refusal_reaches_its_caller() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        with pytest.raises(RefusedError) as raised:
            await link.request(ReadRoster(0, CHANNEL, 0))
        assert raised.value.kind == Refusal.UNKNOWN_CHANNEL
        assert link.status.state is LinkState.ONLINE


async def test_what_was_asked_fails_when_the_connection_drops() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        relay.script = lambda frame: [] if isinstance(frame, Publish) else None
        futures = [link.request_nowait(envelope(n)) for n in range(20)]
        await relay.heard_frames(Publish, 20)
        relay.drop()
        errors = await asyncio.gather(*futures, return_exceptions=True)
        assert all(isinstance(error, LinkDownError) for error in errors)


async def test_a_request_without_a_session_fails_at_once() -> None:
    async with scripted_relay() as relay, running(relay) as (link, _):
        with pytest.raises(LinkDownError):
            link.request_nowait(envelope(1))


async def test_unsent_bytes_are_bounded() -> None:
    async with (
        scripted_relay() as relay,
        running(relay, max_unsent_bytes=5_000) as (link, observer),
    ):
        await observer.reached(LinkState.ONLINE)
        for _ in range(3):
            link.request_nowait(Publish(0, bytes(2_000)))
        with pytest.raises(LinkBusyError):
            link.request_nowait(Publish(0, bytes(2_000)))


async def test_a_cancelled_request_does_not_disturb_the_session() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        link.request_nowait(envelope(1)).cancel()
        answer = await link.request(envelope(2))
        assert isinstance(answer, Accepted)
        assert answer.position == 2


async def test_a_black_hole_is_noticed() -> None:
    async with scripted_relay() as relay:
        quick: dict[str, Any] = {"ping_interval": 0.05, "ping_timeout": 0.05, "close_seconds": 0.05}
        async with running(relay, **quick) as (link, observer):
            await observer.reached(LinkState.ONLINE)
            relay.fall_silent()
            future = link.request_nowait(Publish(0, bytes(400_000)))
            with pytest.raises(LinkDownError):
                await asyncio.wait_for(future, 5)
            assert link.status.state is not LinkState.ONLINE
            await observer.reached(LinkState.ONLINE, 2)


async def test_a_relay_that_answers_pings_only_is_left() -> None:
    async with scripted_relay() as relay, running(relay, request_seconds=0.1) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        relay.script = lambda frame: [] if isinstance(frame, Publish) else None
        with pytest.raises(LinkDownError, match="no_answer"):
            await link.request(envelope(1))


async def test_a_closing_relay_is_given_the_time_it_asked_for() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        await relay.say(
            Closing("shutting_down", "back soon", come_back=True, retry_after_ms=60_000)
        )
        status = await observer.reached(LinkState.WAITING)
        assert status.retry_in_ms is not None
        assert 59_000 < status.retry_in_ms <= 60_010
        link.retry_now()
        await observer.reached(LinkState.ONLINE, 2)


@pytest.mark.parametrize("kind", ["token_refused", "token_required", "identity_taken"])
async def test_a_refused_card_waits_until_it_is_told_to_try_again(kind: str) -> None:
    async with scripted_relay() as relay:
        relay.script = lambda f: [refused(f.request, kind)] if isinstance(f, PublishCard) else None
        async with running(relay) as (link, observer):
            status = await observer.reached(LinkState.REFUSED)
            assert status.last_error is not None
            assert status.last_error.kind == kind
            assert link.status.retry_in_ms is None
            relay.script = lambda _frame: None
            link.retry_now()
            await observer.reached(LinkState.ONLINE)
            assert relay.connections == 2


async def test_other_credentials_are_tried_at_once() -> None:
    async with scripted_relay() as relay:
        relay.script = lambda f: (
            [refused(f.request, "token_refused")]
            if isinstance(f, PublishCard) and f.token != "better"
            else None
        )
        async with running(relay) as (link, observer):
            await observer.reached(LinkState.REFUSED)
            link.renew(credentials(token="better"))
            await observer.reached(LinkState.ONLINE)


async def test_an_unreachable_relay_is_waited_for() -> None:
    async with scripted_relay() as relay, running(relay, longest_delay=0.02) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        assert relay.server is not None
        relay.server.close()
        await observer.reached(LinkState.WAITING, 3)
        assert link.status.last_error is not None
        assert link.status.last_error.kind in ("unreachable", "connection_lost")


async def test_the_token_is_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("websockets.server").setLevel(logging.WARNING)
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await relay.heard_frames(PublishCard)
        await observer.reached(LinkState.ONLINE)
        relay.drop()
        await observer.reached(LinkState.ONLINE, 2)
        shown = caplog.text + repr(link.status) + repr(credentials(token=TOKEN)) + repr(vars(link))
    assert "link to ws://" in caplog.text
    assert TOKEN not in shown
    assert TOKEN.encode().hex(" ") not in shown


async def test_a_round_trip_is_measured() -> None:
    async with scripted_relay() as relay, running(relay, ping_interval=0.01) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        started = time.monotonic()
        async with asyncio.timeout(5):
            while link.status.round_trip_ms is None:
                await link.request(envelope(1))
        assert 0 < link.status.round_trip_ms < (time.monotonic() - started) * 1000


async def test_a_closed_link_is_off_and_has_said_goodbye() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        await link.close()
        assert link.status.state is LinkState.OFF
        assert relay.socket is not None
        await relay.socket.wait_closed()
        assert relay.socket.close_code == 1000
        assert len(relay.frames(Hello)) == 1


async def test_other_credentials_end_the_session_of_the_old_ones() -> None:
    async with scripted_relay() as relay, running(relay) as (link, observer):
        await observer.reached(LinkState.ONLINE)
        link.renew(credentials(token="better"))
        await observer.reached(LinkState.ONLINE, 2)
        assert relay.connections == 2
