"""A member signs two envelopes for one place of her chain, and a colluding relay shows one to each reader.

Neither reader can know it at once. The next envelope of hers continues only one of them: whoever was shown the other
one is told of the fork, and does not take what continues it for hers.
"""

from pathlib import Path

from tests.attacks.scene import scene
from tests.support.malicious_relay import envelopes


async def test_two_sides_of_a_chain_do_not_join_again(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        place = s.mallory.place(s.roster)
        for_bob = s.forgery("yes", place=place)
        for_alice = s.forgery("no", place=place)
        s.relay.rewrite(
            s.bob.card.id, envelopes(lambda data: for_bob if data == for_alice else data)
        )
        await s.relay.insert(s.channel, for_alice)
        await s.alice.shows(s.channel, "no")
        await s.bob.shows(s.channel, "yes")
        await s.relay.insert(s.channel, s.forgery("next"))
        await s.alice.shows(s.channel, "no", "next")
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["sequence"]) == ("fork", 2)
        await s.bob_survives("yes")


async def test_a_second_envelope_for_one_place_is_a_fork(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        place = s.mallory.place(s.roster)
        await s.relay.insert(s.channel, s.forgery("yes", place=place))
        await s.relay.insert(s.channel, s.forgery("no", place=place))
        event = await s.bob.told("quarantine")
        assert (event["reason"], event["sequence"]) == ("fork", 1)
        await s.bob_survives("yes")


async def test_a_false_predecessor_is_a_fork(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.mallory_says("one")
        s.mallory.chains[s.channel] = (1, bytes(32))
        await s.relay.insert(s.channel, s.forgery("two"))
        assert (await s.bob.told("quarantine"))["reason"] == "fork"
        await s.bob_survives("one")


async def test_a_leap_to_the_end_of_the_counter_is_a_gap_and_costs_nothing(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        s.mallory.chains[s.channel] = (2**53 - 2, bytes(32))
        await s.relay.insert(s.channel, s.forgery("last"))
        assert (await s.bob.told("quarantine"))["reason"] == "gap"
        await s.bob_survives("last")
