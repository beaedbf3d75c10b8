"""Somebody without a card, or with one that is in no channel, asks the relay for what others said.

In the original reading needed no token. Here an unauthenticated session is refused everything but a card, a proof for
another connection is no proof, and whoever never was in a channel learns not even that it is there.
"""

import os
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from tests.attacks.scene import ALICE, Scene, scene
from tests.support.relay_client import Person, RelayClient, refusal

ASKED = ["search", "fetch", "roster", "stream", "subscribe", "publish", "submit", "receipt"]


def _frame(s: Scene, asked: str) -> f.ClientFrame:
    frames: dict[str, f.ClientFrame] = {
        "search": f.SearchCards(1, (ALICE,)),
        "fetch": f.FetchCards(1, (s.alice.card.id,)),
        "roster": f.ReadRoster(1, s.channel, 0),
        "stream": f.ReadStream(1, s.channel, 0, 10),
        "subscribe": f.Subscribe(1, (f.Cursor(s.channel, 0, 0),), everything=True),
        "publish": f.Publish(1, s.forgery()),
        "submit": f.SubmitRosterEvent(1, s.mallory.leave(s.roster)[1].signed),
        "receipt": f.PostReceipt(1, s.mallory.receipt(s.channel, 1)),
    }
    return frames[asked]


@pytest.mark.parametrize("asked", ASKED)
async def test_nothing_is_answered_before_authentication(tmp_path: Path, asked: str) -> None:
    async with scene(tmp_path) as s, await RelayClient.connect(s.relay.url) as stranger:
        await stranger.greet()
        assert refusal(await stranger.ask(_frame(s, asked))) == "not_authenticated"


async def test_a_proof_for_another_connection_is_none_here(tmp_path: Path) -> None:
    async with scene(tmp_path) as s, await RelayClient.connect(s.relay.url) as stranger:
        await stranger.greet()
        said = await stranger.prove(s.mallory, s.client.challenge)
        assert refusal(said) == "authentication_failed"


async def test_another_key_does_not_speak_for_a_card(tmp_path: Path) -> None:
    async with scene(tmp_path) as s, await RelayClient.connect(s.relay.url) as stranger:
        await stranger.greet()
        thief = Person("thief@example.org")
        thief.card = s.mallory.card
        assert refusal(await stranger.prove(thief)) == "authentication_failed"


async def test_a_stranger_cannot_tell_a_channel_from_none(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.alice.send(s.channel, "secret")
        await s.bob.shows(s.channel, "secret")
        eve = Person("eve@example.org")
        async with await RelayClient.register(s.relay.url, eve) as client:
            for channel in (s.channel, os.urandom(32)):
                assert refusal(await client.read(channel)) == "unknown_channel"
                assert refusal(await client.read_roster(channel)) == "unknown_channel"
                answer = await client.subscribe(f.Cursor(channel, 0, 0))
                assert isinstance(answer, f.Subscribed)
                assert answer.states == ()
