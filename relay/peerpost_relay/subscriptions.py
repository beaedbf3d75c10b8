"""Begin subscriptions: tell the fan-out, read where the channels stand, answer, then follow.

The answer is sent before the followers are known to the fan-out, in the same tick of the loop: so
`subscribed` (or `joined`) comes before the first item of its channels.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from peerpost_protocol.frames import Joined, Subscribe, Subscribed, encode_frame
from peerpost_relay import reading
from peerpost_relay.errors import RefusalError
from peerpost_relay.followers import Follower
from peerpost_relay.framing import frame
from peerpost_relay.peer import Peer
from peerpost_relay.queries import Question
from peerpost_relay.reading import Opening
from peerpost_relay.stages import Stages

RETRY_SECONDS = 0.5  # after the store failed to be read


class Subscriptions:
    """Know how a peer becomes a follower."""

    def __init__(self, stages: Stages) -> None:
        self._stages = stages

    def begin(
        self,
        peer: Peer,
        asked: Subscribe,
        unread: Callable[[], RefusalError | None],
        counted: Callable[[int], None],
    ) -> None:
        """Follow what a peer asks for, unless it has answers `unread` when its turn comes.

        `counted` is told how many channels that were.
        """
        if peer.gone:
            return
        proven = peer.session.require_proof()
        if peer.follower is None:
            peer.follower = Follower(peer.line, proven.card.id, proven.number)
        self._stages.fan_out.begin(peer.follower, everything=asked.everything)
        query = partial(
            reading.openings,
            card=proven.number,
            cursors=asked.cursors,
            everything=asked.everything,
        )
        answer = partial(self._begun, peer, peer.follower, asked.request, counted)
        self._stages.queries.put(Question(query, answer, unread))

    def join(self, follower: Follower, channel: bytes, position: int) -> None:
        """Add a channel to the subscription of a card that was just added to it."""
        if follower.gone:
            return
        self._stages.fan_out.begin(follower, everything=False)
        query = partial(
            reading.joining, card=follower.number, channel_id=channel, position=position
        )
        again = partial(self.join, follower, channel, position)
        self._stages.queries.put(Question(query, partial(self._joined, follower, again)))

    def _begun(
        self,
        peer: Peer,
        follower: Follower,
        request: int,
        counted: Callable[[int], None],
        result: list[Opening] | RefusalError,
    ) -> None:
        self._stages.ingest.answered(peer)
        openings = []
        if isinstance(result, RefusalError):
            peer.refuse(request, result)
        else:
            openings = result
            counted(len(openings))
            peer.send(Subscribed(request, tuple(opening.state for opening in openings)))
        self._stages.fan_out.opened(follower, openings)

    def _joined(
        self, follower: Follower, again: Callable[[], None], result: Opening | RefusalError | None
    ) -> None:
        openings = []
        if isinstance(result, RefusalError):  # the store failed; nobody else would tell of it
            asyncio.get_running_loop().call_later(RETRY_SECONDS, again)
        elif result is not None and not follower.gone:
            follower.sink.send(frame(encode_frame(Joined(result.state))))
            openings = [result]
        self._stages.fan_out.opened(follower, openings)
