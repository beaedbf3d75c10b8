"""The real relay, which hides from bob that alice's phone was revoked: no notice, and the old history when he asks.

Bob is alarmed by the next message of somebody who knows it; as soon as the relay shows it, nothing more is sealed for
the phone. Alice herself and the others are not touched by it.
"""

from collections.abc import Iterable
from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol.frames import CardNotice, HistoryPage, RelayFrame
from peerpost_protocol.statement import Reason
from tests.attacks.scene import ALICE, Scene, scene
from tests.support.accounts import RunningAccount, account


async def _phone(s: Scene) -> RunningAccount:
    """Return alice's second device, approved, which bob knows."""
    phone = await s.stack.enter_async_context(
        account(s.folder / "phone", ALICE, s.relay.url, endorser=s.alice.card.id)
    )
    await phone.online()
    await s.alice.engine.devices.endorse(phone.card.id)
    await s.bob.told("contact.changed", identity=ALICE, reason="endorsed_card")
    await phone.follows(s.channel)
    return phone


def _hide(s: Scene, length: int) -> None:
    def say(ear: bytes | None, said: RelayFrame) -> Iterable[RelayFrame]:
        if ear != s.bob.card.id:
            return [said]
        if isinstance(said, CardNotice):
            return []
        if isinstance(said, HistoryPage) and said.identity == ALICE and said.length > length:
            return [replace(said, entries=(), length=length)]
        return [said]

    s.relay.say = say


async def test_a_revocation_that_is_hidden_from_one_member_is_an_alarm_with_the_next_message(
    tmp_path: Path,
) -> None:
    async with scene(tmp_path) as s:
        phone = await _phone(s)
        _hide(s, 2)
        await s.alice.engine.devices.revoke(phone.card.id, Reason.LOST)
        await s.alice.send(s.channel, "my phone is lost")
        await s.bob.told("daemon", change="history_withheld")
        assert phone.card.id in await s.bob.pinned(ALICE)
        s.relay.say = lambda _, said: [said]
        await s.bob.engine.histories.refresh([ALICE])
        assert await s.bob.pinned(ALICE) == [s.alice.card.id]
        message = await s.bob.send(s.channel, "to the laptop alone")
        row = await s.bob.outgoing(message, "sent")
        assert phone.card.id not in row.recipients


async def test_every_device_sees_what_the_others_of_its_identity_said(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        phone = await _phone(s)
        await s.alice.send(s.channel, "from the laptop")
        await phone.until(
            lambda db: db.execute(
                "SELECT 1 FROM message WHERE body = ?", (b"from the laptop",)
            ).fetchone()
        )
        assert await phone.texts(s.channel) == []
        assert await phone.events("message") == []
        await phone.send(s.channel, "from the phone")
        await s.bob.shows(s.channel, "from the laptop", "from the phone")
        assert await s.bob.reasons() == []
