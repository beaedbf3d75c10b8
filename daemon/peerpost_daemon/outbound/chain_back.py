"""Take our chain in a channel back to before an envelope that the relay refused."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from peerpost_daemon.records import channels, outbox_seals, own_chain
from peerpost_daemon.records.own_chain import Standing
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.frames import ChannelState


class Refused(Struct, frozen=True):
    """Be a channel, the first sequence the relay refused there, and where it stands at the relay, if that is known."""

    channel: bytes
    first: int
    state: ChannelState | None


def chain_back(
    db: SqlConnection, refused: Iterable[Refused]
) -> tuple[dict[bytes, int], own_chain.Found]:
    """Unseal what was refused; return the channels whose roster is newer at the relay, and its position.

    The next envelope continues what the relay has of ours, or what is sealed and stands before the refused one. Where
    the relay says otherwise, what was found is returned too.
    """
    behind: dict[bytes, int] = {}
    found = own_chain.Found({}, {}, {})
    for one in refused:
        state = one.state
        _note_standing(db, one, found)
        outbox_seals.unseal(db, one.channel, one.first)
        channel = channels.find(db, one.channel)
        if channel is None:
            continue
        links = (channel.sent, outbox_seals.last_sealed(db, one.channel))
        newest = max((link for link in links if link), key=lambda link: link.sequence, default=None)
        channels.set_own(db, one.channel, newest)
        if state is not None and state.roster_position > channel.roster.position:
            behind[one.channel] = state.roster_position
    return behind, found


def _note_standing(db: SqlConnection, one: Refused, found: own_chain.Found) -> None:
    channel = channels.find(db, one.channel)
    if channel is None or one.state is None:
        return
    named = own_chain.link_of(one.state)
    if own_chain.note(db, channel, one.state, found) is Standing.AGREES and named is not None:
        channels.set_sent(db, one.channel, named)


def caught_up(db: SqlConnection, behind: Mapping[bytes, int]) -> list[bytes]:
    """Return those of the channels whose roster has come to the position beside them."""
    found = ((id_, channels.find(db, id_), position) for id_, position in behind.items())
    return [
        id_
        for id_, channel, position in found
        if channel is None or channel.roster.position >= position
    ]
