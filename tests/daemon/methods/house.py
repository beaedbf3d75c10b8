"""A daemon with a real vault behind a real socket; only the relay's side is played by a recorder."""

import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from peerpost_daemon.bell import Bell
from peerpost_daemon.daemon import Daemon
from peerpost_daemon.devices import Device
from peerpost_daemon.directory import FoundCard
from peerpost_daemon.engine import Engine
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.intentions import Intention
from peerpost_daemon.link import LinkSettings, LinkState, LinkStatus
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import channels, contacts, events, messages, outbox
from peerpost_daemon.records.account import Account
from peerpost_daemon.records.channels import ChannelState
from peerpost_daemon.records.messages import Message
from peerpost_daemon.records.outgoing import Outgoing
from peerpost_daemon.service import Service
from peerpost_daemon.settings import DaemonSettings
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from peerpost_daemon.vault.keyfile import Cost
from peerpost_protocol.card import Card
from peerpost_protocol.roster import Role
from peerpost_protocol.statement import Reason
from tests.daemon.rpc.stage import Client, connected
from tests.support import backups
from tests.support.people import NOW_MS, Person, channel_of, digest, person, random_bytes

PASSPHRASE = "correct horse"
RELAY = "wss://relay.example.org"
CHEAP = Cost(opslimit=1, memlimit=8192)
ALICE, BOB, CAROL = person("alice"), person("bob"), person("carol")


class Recorder:
    """The engine that RPC methods see: it notes what it is asked and answers as it is told."""

    def __init__(self, database: Database, bell: Bell, plan: "Plan") -> None:
        self.database = database
        self.bell = bell
        self.plan = plan
        self.outbound = self.proving = self.devices = self.channels = self.directory = (
            self.requests
        ) = self
        self.files = None
        self.faults = 0
        self.link_status = LinkStatus(LinkState.CONNECTING, NOW_MS, RELAY)

    @property
    def relay(self) -> None:
        """There is none behind a recorder."""
        raise DaemonError("relay_unreachable", "No relay answers.")

    async def start(self) -> None:
        self.plan.engines.append(self)
        verdict = self.plan.verdict
        if verdict == "registered":
            await self.database.write(
                lambda db: accounts.accepted(db, digest("key"), digest("epoch")[:16], "authorized")
            )
        elif verdict is not None:
            await self.database.write(lambda db: accounts.refused(db, verdict))
        self.bell.ring()

    async def close(self) -> None:
        self.plan.said.append(("close",))

    def wake(self) -> None:
        self.plan.said.append(("wake",))

    async def search(self, identities: Sequence[str]) -> list[FoundCard]:
        self.plan.said.append(("search", *identities))
        return self.plan.found

    async def note_attestations(self) -> None:
        """Have nothing to note: no relay said anything."""

    async def create(self, name: str, identities: Sequence[str]) -> bytes:
        self._note("create", name, *identities)
        made = channel_of(ALICE, *(person(who.partition("@")[0]) for who in identities), name=name)
        await self.database.write(lambda db: channels.create(db, stored(made.roster)))
        return made.id

    async def add(
        self, channel: bytes, identities: Sequence[str], role: Role = Role.MEMBER
    ) -> None:
        self._note("add", channel.hex(), *identities, *([] if role is Role.MEMBER else [role]))

    async def change(self, channel: bytes, wanted: Intention) -> None:
        self._note("change", channel.hex(), repr(wanted))

    async def remove(self, channel: bytes, identities: Sequence[str]) -> None:
        self._note("remove", channel.hex(), *identities)

    async def accept(self, channel: bytes) -> None:
        self._note("accept channel", channel.hex())

    async def decline(self, channel: bytes, *, block: bool) -> str:
        self._note("decline channel", channel.hex(), *(["block"] if block else []))
        return BOB.identity

    async def leave(self, channel: bytes) -> None:
        self._note("leave", channel.hex())

    async def judge(self, decide: Callable[[SqlConnection], None]) -> None:
        self._note("judge")
        await self.database.write(decide)
        self.bell.ring()

    async def all(self) -> list[Device]:
        return []

    async def approve(self, code: str) -> None:
        self._note("approve", code)

    async def ask_for_code(self) -> None:
        self._note("ask for code")

    async def confirm(self, code: str) -> None:
        self._note("confirm", code)

    def prove_card(self, code: str | None) -> None:
        self._note("prove card", *([] if code is None else [code]))

    async def endorse(self, card: bytes) -> None:
        self._note("endorse", card.hex())

    async def revoke(self, card: bytes, reason: Reason) -> None:
        self._note("revoke", card.hex(), reason)

    async def known_or_fetched(self, ids: set[bytes], own: Card) -> dict[bytes, Card]:
        return {own.id: own} if own.id in ids else {}

    async def met(self, identity: str) -> tuple[Card, ...]:
        self._note("met", identity)
        return tuple(found.card for found in self.plan.found)

    def _note(self, *words: str) -> None:
        self.plan.said.append(words)
        if self.plan.error is not None:
            raise self.plan.error


class Plan:
    """What the recorders say, and what they were asked."""

    def __init__(self) -> None:
        self.verdict: str | None = "registered"
        self.found: list[FoundCard] = []
        self.error: DaemonError | None = None
        self.engines: list[Recorder] = []
        self.said: list[tuple[str, ...]] = []


def stored(roster: Any, state: ChannelState = ChannelState.ACTIVE) -> channels.Channel:
    """Return a channel record; a direct one has the first member who is not Alice as its peer."""
    others = [who for who in roster.members if who != ALICE.identity]
    peer = others[0] if roster.direct else None
    return channels.Channel(
        roster.channel,
        peer,
        state,
        roster,
        NOW_MS,
        joined_late=False,
        cursor=0,
        own=None,
        sent=None,
    )


def message_by(who: Person, channel: bytes, text: str, **changes: Any) -> Message:
    """Return a message of somebody, for the vault."""
    fields: dict[str, Any] = {
        "id": digest(text)[:16],
        "channel": channel,
        "card": who.card.id,
        "identity": who.identity,
        "mine": False,
        "sequence": 1,
        "position": 2,
        "media_type": None,
        "body": text.encode(),
        "reply_to": None,
        "sent_at_ms": NOW_MS,
        "received_at_ms": NOW_MS,
        "expires_at_ms": None,
    }
    return Message(**{**fields, **changes})


class House:
    """Ask the daemon over its socket, and reach behind it into the vault."""

    def __init__(self, service: Service, plan: Plan, client: Client) -> None:
        self.service = service
        self.daemon = service.daemon
        self.plan = plan
        self.client = client
        self._last = 0
        self._events: deque[Any] = deque()

    async def ask(self, method: str, /, **params: Any) -> Any:
        """Return the whole answer; events that come before it are kept."""
        self._last += 1
        body = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params}
        answer = await self.client.ask(json.dumps(body).encode())
        while "id" not in answer:
            self._events.append(answer)
            answer = await self.client.hear()
        return answer

    async def result(self, method: str, /, **params: Any) -> Any:
        """Return the result of a call that must succeed."""
        answer = await self.ask(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, /, **params: Any) -> Any:
        """Return the data of a call that must fail."""
        answer = await self.ask(method, **params)
        assert "error" in answer, answer
        return answer["error"]["data"]

    async def open(self, *, account: bool = True) -> None:
        """Make a vault, and Alice's account in it."""
        await self.daemon.unlock(PASSPHRASE, create=True)
        if account:
            await self.daemon.register(_alice)

    async def event(self) -> Any:
        """Return the parameters of the next notification."""
        said = self._events.popleft() if self._events else await self.client.hear()
        assert said["method"] == "event"
        return said["params"]

    async def channel(
        self,
        *others: Person,
        name: str = "ops",
        direct: bool = False,
        state: ChannelState = ChannelState.ACTIVE,
    ) -> bytes:
        """Store a channel of Alice and others."""
        made = channel_of(ALICE, *others, name=name, direct=direct)
        await self.daemon.write(lambda db: channels.create(db, stored(made.roster, state)))
        return made.id

    async def arrived(self, message: Message) -> int:
        """Store a message as the inbox does, and ring."""

        def store(db: SqlConnection) -> int:
            cursor = messages.add(db, message)
            assert cursor is not None
            events.add_message(db, NOW_MS, message.channel or b"", cursor)
            return cursor

        cursor = await self.daemon.write(store)
        self.daemon.bell.ring()
        return cursor

    async def move(self, message: str, state: str, reason: str | None = None) -> None:
        """Let a message of ours get somewhere, and ring."""
        id_ = bytes.fromhex(message.replace("-", ""))
        await self.daemon.write(
            lambda db: (
                db.execute(
                    "UPDATE outbox SET state = ?, reason = ? WHERE message = ?",
                    (state, reason, id_),
                ).rowcount
            )
        )
        self.daemon.bell.ring()

    async def met(self, who: Person) -> None:
        """Store somebody's card."""
        await self.daemon.write(lambda db: contacts.meet(db, who.card, NOW_MS))

    async def waiting(self) -> list[Outgoing]:
        """Return what waits in the outbox, with and without a channel."""
        return await self.daemon.read(_waiting)


def _alice(db: SqlConnection) -> bool:
    accounts.create(db, ALICE.card, digest("alice laptop signs"), digest("alice laptop decrypts"))
    accounts.aim(db, RELAY, "a token")
    return True


def _waiting(db: SqlConnection) -> list[Outgoing]:
    rows = db.execute("SELECT message FROM outbox WHERE state = 'queued' ORDER BY number")
    found = [outbox.find(db, row[0]) for row in rows.fetchall()]
    return [outgoing for outgoing in found if outgoing is not None]


def settings(directory: Path, **changes: Any) -> DaemonSettings:
    """Return settings below a directory."""
    places = {"data": directory / "data", "socket": directory / "run" / "s", "drain_seconds": 1.0}
    return DaemonSettings(**{**places, **changes})


@asynccontextmanager
async def house(
    directory: Path, *, owners: frozenset[int] | None = None, **changes: Any
) -> AsyncIterator[House]:
    """Run a daemon that has no vault yet, and a client of it; `owners` may everything."""
    plan = Plan()
    service = Service(daemon_in(directory, plan, **changes), owners=owners)
    await service.start()
    try:
        async with connected(service.daemon.settings.socket) as client:
            yield House(service, plan, client)
    finally:
        await service.close()


def daemon_in(directory: Path, plan: Plan, **changes: Any) -> Daemon:
    """Return a daemon whose relay is played by recorders."""
    bell = Bell()

    def make(
        database: Database,
        account: Account,
        token: str | None,
        link: LinkSettings,
    ) -> Engine:
        return cast("Engine", Recorder(database, bell, plan))

    return Daemon(
        settings(directory, **changes),
        make,
        bell,
        clock=lambda: NOW_MS,
        random_bytes=random_bytes("daemon"),
        cost=CHEAP,
        backup_cost=backups.CHEAP,
    )
