"""Settings that change while the relay runs reach every part of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec import structs

from peerpost_protocol.signing import SigningKey
from peerpost_relay.mail import Postman
from peerpost_relay.relay import Relay
from peerpost_relay.settings import EdgeSettings, RelaySettings, Renewable
from peerpost_relay.sqlite_store import SqliteStore
from tests.support.mailbox import Mailbox


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    store = await SqliteStore.open(tmp_path / "store")
    post = Postman(Mailbox().settings(), "")
    relay = Relay(store, SigningKey(bytes(32)), postman=post)
    await relay.listen("127.0.0.1")
    yield relay
    await relay.close()
    await store.close()


def parts_of(thing: object, seen: set[int]) -> list[Renewable]:
    """Return every part that goes by the relay's settings, wherever it is held."""
    if id(thing) in seen or not type(thing).__module__.startswith("peerpost_relay"):
        return []
    seen.add(id(thing))
    own = [thing] if isinstance(thing, Renewable) else []
    held = getattr(thing, "__dict__", {}).values()
    return own + [part for each in held for part in parts_of(each, seen)]


async def test_every_part_goes_by_the_new_settings(relay: Relay) -> None:
    new = RelaySettings(retry_after_ms=7, writes_per_second=3, channel_bytes_max=5, waiting_days=1)
    relay.apply(new, EdgeSettings(proxies=("10.0.0.0/8",)), None)
    parts = parts_of(relay, set())
    assert len(parts) >= 9
    assert {type(part).__name__ for part in parts if part._settings is not new} == set()


async def test_the_bounds_that_are_made_of_settings_are_made_anew(relay: Relay) -> None:
    new = RelaySettings(channel_bytes_max=5, backup_bytes_max=6, waiting_days=1)
    relay.apply(new, EdgeSettings(), None)
    writes, backups = relay._requests._writes, relay._requests._backups
    assert writes._room.channel_bytes == 5
    assert backups._rules.bytes_max == 6
    assert relay._proofs._waiting_ms == new.waiting_ms


async def test_mail_goes_another_way(relay: Relay) -> None:
    other = Postman(structs.replace(Mailbox().settings(), code_seconds=9), "")
    relay.apply(RelaySettings(), EdgeSettings(), other)
    assert relay._outbox is not None
    assert relay._outbox.settings.code_seconds == 9
    assert relay._outbox._post == other.post
