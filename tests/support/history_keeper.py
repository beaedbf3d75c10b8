"""A relay that keeps histories and nothing else; what it shows of one can be less, or something else."""

from peerpost_daemon.histories import Histories
from peerpost_daemon.link.requests import AnswerFrame, RequestFrame
from peerpost_daemon.vault.database import Database
from peerpost_protocol.frames import CardNotice, HistoryPage, ReadHistory
from peerpost_protocol.history import Began, History, HistoryEntry
from peerpost_protocol.statement import Claim
from tests.support.identities import RELAY, after, stated
from tests.support.people import NOW_MS, Person

PAGE = 2


class HistoryKeeper:
    """Answer `read_history`, in small pages."""

    def __init__(self) -> None:
        self.entries: dict[str, list[HistoryEntry]] = {}
        self.histories: dict[str, History] = {}
        self.shows: dict[str, list[HistoryEntry]] = {}
        self.asked: list[tuple[str, int]] = []

    def begin(self, who: Person) -> None:
        """Begin an identity with a card."""
        self._add(who.identity, Began(who.card.signed))

    def state(self, author: Person, subject: Person, claim: Claim) -> None:
        """Take what a card states."""
        identity = author.identity
        self._add(identity, stated(self.histories[identity], author, subject, claim))

    def hide(self, identity: str, count: int = 1) -> None:
        """Show no more of a history than it has now, without its last entries."""
        self.shows[identity] = self.entries[identity][:-count]

    def notice(self, identity: str, position: int) -> CardNotice:
        """Return the news of a history from a position on."""
        return CardNotice(identity, position, tuple(self.entries[identity][position:]))

    async def request(self, frame: RequestFrame) -> AnswerFrame:
        assert isinstance(frame, ReadHistory)
        self.asked.append((frame.identity, frame.position))
        shown = self.shows.get(frame.identity, self.entries.get(frame.identity, []))
        page = tuple(shown[frame.position : frame.position + PAGE])
        return HistoryPage(0, frame.identity, page, len(shown))

    def _add(self, identity: str, entry: HistoryEntry) -> None:
        self.histories[identity] = after(self.histories.get(identity), entry)
        self.entries.setdefault(identity, []).append(entry)


def reader(keeper: HistoryKeeper, vault: Database, me: Person) -> Histories:
    """Return what reads from a keeper for a daemon."""
    histories = Histories(keeper, vault, me.card, now_ms=lambda: NOW_MS)
    histories.relay_key = RELAY.public
    return histories
