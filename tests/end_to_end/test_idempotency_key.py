import asyncio

from tests.support.account import vault_of
from tests.support.site import DaemonProcess

Pair = tuple[DaemonProcess, DaemonProcess]


async def test_the_same_key_is_one_message_across_a_crash_of_the_daemon(pair: Pair) -> None:
    alice, bob = pair
    first = await alice.client.send(to=bob.identity, text="once", idempotency_key="job 7")
    await alice.restart()
    again = await alice.client.send(to=bob.identity, text="once", idempotency_key="job 7")
    assert again["message"] == first["message"]
    last = await alice.client.send(to=bob.identity, text="last", wait="delivered")
    assert last["channel"] is not None
    assert [m["text"] for m in await vault_of(bob.client, last["channel"])] == ["once", "last"]


async def test_calls_at_the_same_time_with_the_same_key_are_one_message(pair: Pair) -> None:
    alice, bob = pair
    calls = (
        alice.client.send(to=bob.identity, text="once", idempotency_key="job 8") for _ in range(8)
    )
    assert len({delivery["message"] for delivery in await asyncio.gather(*calls)}) == 1
    assert (await alice.client.status())["messages"] == 1
