"""Roster logs are held within a bound in bytes: of one channel up to it; several are read each for itself."""

import pytest

from peerpost_daemon.inbound import logs
from peerpost_daemon.inbound.logs import LogsTooLongError, RosterLogs
from peerpost_daemon.inbound.opening import Parsed, parse
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame
from peerpost_protocol.frames import Item, ItemKind, ReadRoster, RosterPage
from peerpost_protocol.wire import encode
from tests.support.people import NOW_MS, Channel, Person, added, channel_of, person
from tests.support.receiving import Desk


class Pages:
    """Be a relay that gives one roster event a page."""

    def __init__(self, *channels: Channel) -> None:
        self._channels = {channel.id: channel for channel in channels}

    async def request(self, frame: RequestFrame) -> AnswerFrame:
        assert isinstance(frame, ReadRoster)
        events = self._channels[frame.channel].events
        page = tuple(event.signed for event in events[frame.position : frame.position + 1])
        return RosterPage(0, frame.channel, page, more=frame.position + 1 < len(events))


def long_channel(owner: Person, name: str) -> Channel:
    channel = channel_of(owner, name=name)
    for number in range(5):
        channel = added(channel, owner, person(f"{name}{number}"))
    return channel


def last_of(channel: Channel) -> tuple[bytes, list[Parsed]]:
    item = Item(9, ItemKind.ROSTER_EVENT, NOW_MS, encode(channel.events[-1].signed))
    return channel.id, parse([item])


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, alice: Person) -> None:
    event = long_channel(alice, "one").events[1]
    size = len(event.signed.payload) + len(event.signed.signature)
    monkeypatch.setattr(logs, "MAX_ROSTER_BYTES", 3 * size)


async def test_a_log_ends_at_the_bound(desk: Desk, alice: Person, short: None) -> None:
    one = long_channel(alice, "one")
    found = await RosterLogs(Pages(one), desk.database).missing([last_of(one)])
    assert 0 < len(found[one.id].claims) < len(one.events) - 1


async def test_several_logs_that_are_too_long_together_are_read_one_by_one(
    desk: Desk, alice: Person, short: None
) -> None:
    one, two = long_channel(alice, "one"), long_channel(alice, "two")
    with pytest.raises(LogsTooLongError):
        await RosterLogs(Pages(one, two), desk.database).missing([last_of(one), last_of(two)])
