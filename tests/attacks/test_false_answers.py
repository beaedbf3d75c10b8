"""The relay answers a sender falsely: refuses what it has stored, or claims envelopes that she never wrote.

It can make a sender write again or wait; it cannot make a reader show a message twice, nor a sender use a sequence for
two envelopes in silence.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec.structs import replace

from peerpost_protocol.frames import Accepted, Refused, RelayFrame, Subscribed
from peerpost_protocol.refusals import Refusal
from tests.attacks.scene import Scene, scene
from tests.support.malicious_relay import honest

REFUSED = Refused(0, "", "no", None, None, come_back=False, retry_after_ms=None)


def _refuse_once(s: Scene, kind: Refusal) -> None:
    """Answer the next acceptance for alice with a refusal."""

    def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        if ear != s.alice.card.id or not isinstance(said, Accepted):
            return [said]
        s.relay.say = honest
        return [replace(REFUSED, request=said.request, kind=kind)]

    s.relay.say = say


@pytest.mark.parametrize("kind", [Refusal.STALE_ROSTER, Refusal.OUT_OF_SEQUENCE, Refusal.TOO_LARGE])
async def test_a_message_refused_falsely_is_shown_once(tmp_path: Path, kind: Refusal) -> None:
    async with scene(tmp_path) as s:
        _refuse_once(s, kind)
        await s.alice.send(s.channel, "once")
        await s.bob.shows(s.channel, "once")
        await s.bob_survives("once")


def _claims(s: Scene) -> None:
    """Let the relay name an envelope of alice that she never wrote, in every session."""

    def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        if ear != s.alice.card.id or not isinstance(said, Subscribed):
            return [said]
        lie = (replace(state, own_sequence=41, own_head=bytes(32)) for state in said.states)
        return [replace(said, states=tuple(lie))]

    s.relay.say = say
    s.alice.engine._link.reconnect()


async def test_an_envelope_that_a_sender_never_wrote_moves_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.alice.send(s.channel, "before the lie")
        await s.bob.shows(s.channel, "before the lie")
        _claims(s)
        event = await s.alice.told("daemon", change="sequence_claimed")
        assert "our envelope 41" in event["detail"]
        waits = await s.alice.send(s.channel, "waits for the truth")
        s.relay.say = honest
        s.alice.engine._link.reconnect()
        assert (await s.alice.outgoing(waits, "sent")).sequence == 2
        await s.bob.shows(s.channel, "before the lie", "waits for the truth")
        assert await s.bob.reasons() == []


async def test_a_relay_that_says_it_lost_everything_makes_nobody_read_twice(tmp_path: Path) -> None:
    def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        if ear != s.alice.card.id or not isinstance(said, Subscribed):
            return [said]
        lie = (replace(state, own_sequence=0, own_head=None) for state in said.states)
        return [replace(said, states=tuple(lie))]

    async with scene(tmp_path) as s:
        await s.alice.send(s.channel, "one")
        await s.bob.shows(s.channel, "one")
        s.relay.say = say
        s.alice.engine._link.reconnect()
        await s.alice.told("daemon", change="relay_lost_messages")
        await s.alice.send(s.channel, "two")
        await s.bob.shows(s.channel, "one", "two")
        assert await s.bob.reasons() == []
