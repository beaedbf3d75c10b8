"""Who is told what the link brings."""

from typing import Protocol

from peerpost_daemon.link.status import LinkStatus
from peerpost_protocol.frames import (
    Attestation,
    BackupFetch,
    CardNotice,
    ChannelState,
    Cursor,
    Item,
)
from peerpost_protocol.signing import Signed


class LinkObserver(Protocol):
    """Take what arrives, in this order: `welcomed`, `cursors`, `subscribed`, then everything else as it comes.

    The coroutines may make requests over the link. The other calls are synchronous and must be cheap; `deliver`,
    `receipt`, `joined` and `cards` may raise InboundFullError, and the link begins again from the cursors. `size` is
    the bytes of the frame that brought them.
    """

    async def welcomed(self, relay_key: bytes, attestation: Attestation, epoch: bytes) -> None:
        """Take note of the relay that let us in: pin its key, compare the epoch."""

    async def cursors(self) -> tuple[Cursor, ...]:
        """Return where reading is to go on: the newest durable positions."""

    async def subscribed(self, states: tuple[ChannelState, ...]) -> None:
        """Take in where the channels stand; nothing is delivered before this returns."""

    def deliver(self, channel: bytes, items: tuple[Item, ...], size: int) -> None:
        """Take items of a channel, in the order of their positions."""

    def receipt(self, channel: bytes, revision: int, receipt: Signed, size: int) -> None:
        """Take another card's receipt."""

    def joined(self, state: ChannelState) -> None:
        """Take note of a channel that came to the subscription."""

    def backup_fetched(self, fetch: BackupFetch) -> None:
        """Take note that another card of the identity was given the backup."""

    def cards(self, news: CardNotice, size: int) -> None:
        """Take note of news of an identity's cards."""

    def changed(self, status: LinkStatus) -> None:
        """Take note of the link's new state."""
