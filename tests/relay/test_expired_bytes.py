"""What has expired leaves the relay's files: its pages are overwritten, and its log is cut."""

import asyncio
from contextlib import suppress
from pathlib import Path

from peerpost_protocol.envelope import parse_envelope
from peerpost_relay.expiry import Heard, Upkeep
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore
from tests.relay.test_writer import NOW, Desk, add_card, publish


def _holds(folder: Path, part: bytes) -> bool:
    return any(part in file.read_bytes() for file in folder.iterdir())


async def test_the_ciphertext_of_an_expired_envelope_is_in_no_file(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "relay.db")
    desk = Desk(store)
    writing = asyncio.create_task(desk.writer.run())
    upkeep = Upkeep(
        RelaySettings(), store, desk.writer, Heard(lambda _: None, lambda _: None), lambda: NOW + 10
    )
    try:
        await desk.commit(*(add_card(who) for who in (desk.alice, desk.bob, desk.carol)))
        roster = await desk.team()
        place = desk.alice.place(roster, expires_at_ms=NOW + 10)
        data = desk.alice.envelope(roster, "x" * 9000, place=place)
        ciphertext = parse_envelope(data).parts.ciphertext
        await desk.one(publish(desk.alice, data))
        assert _holds(tmp_path, ciphertext[100:140])
        await upkeep.round()
        for begin in range(0, len(ciphertext) - 40, 400):
            assert not _holds(tmp_path, ciphertext[begin : begin + 40])
    finally:
        writing.cancel()
        with suppress(asyncio.CancelledError):
            await writing
        await store.close()
