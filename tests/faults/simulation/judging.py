"""Judge a world that has come to rest: what every host was given, against what the relay's store says is its due."""

import asyncio
from collections.abc import Mapping

from peerpost_daemon.ids import message_text
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import chains, consumers
from peerpost_daemon.vault.connection import SqlConnection
from tests.faults.checker import Said, Verdict, judge
from tests.faults.simulation.hosts import CONSUMER, Host
from tests.faults.simulation.world import World

SETTLE_SECONDS = 600.0
LOOK_SECONDS = 5.0
_CARD_BYTES = 32


async def settle(world: World) -> list[str]:
    """Heal everything and wait until nothing is under way; return what will not come to rest."""
    await world.heal()
    world.trace.note("all is healed")
    restless: list[str] = []
    until = world.loop.time() + SETTLE_SECONDS
    while world.loop.time() < until:
        restless = [line for host in world.hosts.values() for line in await _restless(world, host)]
        restless = restless or _on_their_way(world)
        if not restless:
            break
        await asyncio.sleep(LOOK_SECONDS)
    world.trace.note("all is at rest" if not restless else "some will not come to rest")
    return restless


def _on_their_way(world: World) -> list[str]:
    """Return what somebody is due and was not given yet: senders do not wait for guests, and these may be slow."""
    return [f"{one.member} waits for {line}" for one in verdicts(world) for line in one.lost]


async def _restless(world: World, host: Host) -> list[str]:
    found = [] if host.is_idle else [f"{host.name}: the script is not done"]
    guests = {world.hosts[name].account.card.id for name in world.guests if name in world.hosts}
    found += [f"{host.name}: {line}" for line in await host.ask(lambda db: _open(db, guests))]
    return found


def _open(db: SqlConnection, guests: set[bytes]) -> list[str]:
    """Return messages and events that are still under way; a guest who left says nothing any more."""
    rows = db.execute(
        "SELECT number, state, recipients, channel, sequence FROM outbox WHERE state NOT IN "
        "('delivered', 'read', 'failed')"
    ).fetchall()
    found = [
        f"message {number} is {state}"
        for number, state, recipients, channel, sequence in rows
        if state != "sent" or _lacking(db, channel, sequence, _cards(recipients) - guests)
    ]
    consumer = consumers.find(db, CONSUMER)
    newest = db.execute("SELECT coalesce(max(cursor), 0) FROM event").fetchone()[0]
    if consumer is None or consumer.acknowledged < newest:
        found.append("the consumer is behind")
    return found


def _lacking(db: SqlConnection, channel: bytes, sequence: int, cards: set[bytes]) -> set[bytes]:
    """Return those of the cards, our own aside, whose receipts do not say that they have a message."""
    account = accounts.find(db)
    assert account is not None
    have = chains.deliveries(db, channel)
    others = cards - {account.card.id}
    return {card for card in others if card not in have or not have[card].covers(sequence)}


def _cards(recipients: bytes | None) -> set[bytes]:
    joined = recipients or b""
    return {joined[at : at + _CARD_BYTES] for at in range(0, len(joined), _CARD_BYTES)}


def verdicts(world: World) -> list[Verdict]:
    """Judge every host by the memberships and positions in the relay's store."""
    dues = _dues(world)
    said = [one for host in world.hosts.values() for one in host.said]
    return [
        judge(
            host.identity,
            [o for o in said if o.message is None or o.message in dues.get(host.identity, ())],
            host.given,
        )
        for host in world.hosts.values()
    ]


def _dues(world: World) -> dict[str, set[str]]:
    """Return the ids of the messages that stand within each identity's memberships."""
    with world.store() as db:
        rows = db.execute(
            "SELECT cards.identity, messages.message FROM memberships "
            "JOIN cards ON cards.number = memberships.card "
            "JOIN messages ON messages.channel = memberships.channel "
            "AND messages.position >= memberships.first "
            "AND messages.position <= coalesce(memberships.last, messages.position)"
        ).fetchall()
    db.close()
    dues: dict[str, set[str]] = {}
    for identity, message in rows:
        dues.setdefault(identity, set()).add(_text(message))
    return dues


def _text(message: bytes) -> str:
    return message_text(message)


async def violations(world: World) -> list[str]:
    """Settle, and return everything that is not as promised."""
    found = await settle(world)
    for verdict in verdicts(world):
        for what in ("lost", "duplicated", "invented", "misordered"):
            found += [f"{verdict.member}: {what}: {line}" for line in getattr(verdict, what)]
    stored = {id_ for ids in _dues(world).values() for id_ in ids}
    for host in world.hosts.values():
        failed = await host.ask(_failed)
        found += _unkept(world, host, stored, failed)
        found += [f"{host.name}: {alarm}" for alarm in host.alarms]
        faults = host.faults + host.engine.faults
        found += [f"{host.name}: {faults} parts of the engine failed"] if faults else []
    found += [f"logged: {line}" for line in world.complaints.lines]
    return found + [f"the relay failed: {line}" for line in world.station.failures]


def _failed(db: SqlConnection) -> dict[str, str]:
    rows = db.execute("SELECT message, reason FROM outbox WHERE state = 'failed'").fetchall()
    return {_text(message): reason for message, reason in rows}


def _unkept(world: World, host: Host, stored: set[str], failed: Mapping[str, str]) -> list[str]:
    """Return messages that were acknowledged, and of which the relay knows nothing."""
    found = [
        f"{host.name}: {_name(one)} was never answered"
        for one in host.said
        if not _is_due(world, host, one)
    ]
    for one in host.said:
        if one.message is None or one.message in stored:
            continue
        reason = failed.get(one.message)
        if reason is None:
            found.append(f"{host.name}: {_name(one)} is not at the relay")
        elif host.name not in world.guests:
            found.append(f"{host.name}: {_name(one)} failed: {reason}")
    return found


def _is_due(world: World, host: Host, said: Said) -> bool:
    return said.message is not None or host.name in world.guests


def _name(said: Said) -> str:
    return f"{said.text!r} in {said.channel[:8]}"
