"""Take down what somebody says, as a member at the same channel gets it."""

from peerpost_daemon.records import outbox
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import ItemKind, StreamPage
from tests.support.accounts import RunningAccount
from tests.support.relay_client import RelayClient


async def taken_down(
    client: RelayClient, speaker: RunningAccount, channel: bytes, text: str
) -> bytes:
    """Let an account say something; return its envelope once the relay has it."""
    message = await speaker.send(channel, text)
    position = await speaker.until(lambda db: _position(db, message))
    assert position is not None
    page = await client.read(channel, position - 1)
    assert isinstance(page, StreamPage)
    assert page.items[0].kind is ItemKind.ENVELOPE
    return page.items[0].body


def _position(db: SqlConnection, message: bytes) -> int | None:
    row = outbox.find(db, message)
    return row.position if row is not None else None
