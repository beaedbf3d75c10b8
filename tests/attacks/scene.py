"""The scene of most attacks: a channel of alice, bob and mallory at a relay that may turn malicious.

alice and bob are real daemons' accounts. mallory is a member with a client of her own making: she has her card's keys
and speaks to the relay directly, so she can send what no daemon sends.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol, cast

from msgspec import Struct

from peerpost_protocol.card import Card
from peerpost_protocol.envelope import Placement
from peerpost_protocol.frames import Accepted
from peerpost_protocol.roster import Roster
from tests.support.accounts import RunningAccount, account
from tests.support.malicious_relay import MaliciousRelay, malicious_relay
from tests.support.relay_client import Person, RelayClient

ALICE, BOB, MALLORY = "alice@example.org", "bob@example.org", "mallory@example.org"
CAROL = "carol@example.org"


class Carded(Protocol):
    """Be somebody with a card: a running account, or a person with keys alone."""

    @property
    def card(self) -> Card: ...


class Scene(Struct):
    """Be who is there; `roster` is the channel's after its first event."""

    relay: MaliciousRelay
    folder: Path
    alice: RunningAccount
    bob: RunningAccount
    mallory: Person
    client: RelayClient
    channel: bytes
    roster: Roster
    stack: AsyncExitStack

    async def join(self, identity: str) -> RunningAccount:
        """Begin a further account at the relay."""
        joined = await self.stack.enter_async_context(
            account(self.folder / identity, identity, self.relay.url)
        )
        await joined.online()
        return joined

    def forgery(self, text: str = "hello", *, place: Placement | None = None) -> bytes:
        """Return mallory's next envelope, sealed as it should be, for alice and bob."""
        return sealed_by(self.mallory, self.roster, text, self.alice, self.bob, place=place)

    async def mallory_says(self, text: str) -> None:
        """Let mallory publish an honest message."""
        assert isinstance(await self.client.publish(self.forgery(text)), Accepted)

    async def bob_survives(self, *shown: str, last: str = "after it") -> None:
        """See that what is good still reaches bob, and that he is shown nothing but that."""
        await self.alice.send(self.channel, last)
        await self.bob.shows(self.channel, *shown, last)


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    """Set it: everybody is online and has the channel."""
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(malicious_relay(folder / "relay"))
        mallory = Person(MALLORY)
        client = await RelayClient.register(relay.url, mallory)
        await stack.enter_async_context(client)
        alice = await stack.enter_async_context(account(folder / "alice", ALICE, relay.url))
        bob = await stack.enter_async_context(account(folder / "bob", BOB, relay.url))
        await alice.online()
        await bob.online()
        channel = await alice.channel("ops", BOB, MALLORY)
        roster = await bob.follows(channel)
        yield Scene(relay, folder, alice, bob, mallory, client, channel, roster, stack)


def fresh_id() -> bytes:
    return os.urandom(16)


def sealed_by(
    author: Person, roster: Roster, text: str, *to: Carded, place: Placement | None = None
) -> bytes:
    """Return the author's next envelope, for these people and herself."""
    return author.envelope(roster, text, place=place, to=cast("tuple[Person, ...]", to))
