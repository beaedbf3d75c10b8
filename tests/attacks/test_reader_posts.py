"""A reader posts: an honest relay refuses it, and a relay that lets her through convinces no receiver.

The same where the policy has taken the word from all members. Nothing is shown, an event says why, and what she may
say again later arrives.
"""

from pathlib import Path

import pytest

from peerpost_daemon.intentions import Intention, Ruling
from peerpost_protocol.roster import Least, Role, SetRole
from tests.attacks.scene import MALLORY, scene
from tests.support.relay_client import refusal

SILENCED: list[Intention] = [SetRole(MALLORY, Role.READER), Ruling(post=Least.ADMIN)]


@pytest.mark.parametrize("wanted", SILENCED, ids=["as a reader", "by the policy"])
async def test_who_may_not_post_is_not_shown(tmp_path: Path, wanted: Intention) -> None:
    async with scene(tmp_path) as s:
        await s.alice.engine.channels.change(s.channel, wanted)
        s.roster = await s.bob.follows(s.channel, 1)
        before = dict(s.mallory.chains)
        said = s.forgery("let me speak")
        assert refusal(await s.client.publish(said)) == "may_not_post"
        await s.relay.insert(s.channel, said)
        for reader in (s.alice, s.bob):
            event = await reader.told("quarantine")
            assert (event["reason"], event["from_card"]) == (
                "may_not_post",
                s.mallory.card.id.hex(),
            )
        await s.bob_survives()
        s.mallory.chains = before


async def test_what_a_reader_had_queued_fails_and_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, lambda _items: [])
        await s.alice.engine.channels.change(s.channel, SetRole(s.bob.identity, Role.READER))
        row = await s.bob.send(s.channel, "too late")
        s.relay.say = lambda _ear, said: [said]
        s.bob.engine._link.reconnect()
        failed = await s.bob.outgoing(row, "failed")
        assert failed.reason == "may_not_post"
        assert await s.alice.texts(s.channel) == []
