"""What each frame about backups asks: what to verify, what to commit, whom to tell."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from peerpost_protocol.frames import (
    Accepted,
    BackupNotice,
    ClientFrame,
    DestroyBackup,
    FetchBackup,
    HoldCard,
    PutBackup,
    PutBackupLock,
    PutBackupPart,
    ReadBackupPart,
    ShowBackup,
)
from peerpost_protocol.refusals import Refusal
from peerpost_relay import backups
from peerpost_relay import verification as verify
from peerpost_relay.backups import BackupRules, Granted, Held
from peerpost_relay.errors import RefusalError
from peerpost_relay.peer import Peer
from peerpost_relay.session import Proven
from peerpost_relay.settings import RelaySettings
from peerpost_relay.store import Operation, Query

BackupWrite = PutBackup | PutBackupPart | PutBackupLock | FetchBackup | DestroyBackup | HoldCard
BACKUP_WRITES = (PutBackup, PutBackupPart, PutBackupLock, FetchBackup, DestroyBackup, HoldCard)
Check = Callable[[], Any] | None
Sessions = Callable[[bytes], Iterable[Peer]]
"""The open sessions of a card."""


class BackupRequests:
    """Know the work of the frames about backups; `relay_key` is the relay's public key."""

    def __init__(self, settings: RelaySettings, relay_key: bytes, sessions: Sessions) -> None:
        self._relay_key = relay_key
        self._sessions = sessions
        self.apply(settings)

    def apply(self, settings: RelaySettings) -> None:
        """Go by these from now on."""
        self._rules = BackupRules(
            settings.backup_bytes_max,
            settings.backup_fetches_per_day,
            settings.backup_attestation,
        )

    def size(self, asked: BackupWrite) -> int:
        """Return how many bytes count for the card's rate."""
        return len(asked.data) if isinstance(asked, PutBackupPart) else 0

    def checks(
        self, proven: Proven, asked: BackupWrite, now_ms: int
    ) -> tuple[Check, Callable[[Any], Operation[Any]]]:
        """Return what verifies the frame, if anything, and what makes an operation of the verified thing."""
        card, rules = proven.card.id, self._rules
        match asked:
            case PutBackup(header=header, lock=lock):
                check = partial(verify.backup_form, header, lock)
                return check, lambda _: lambda t: backups.begin(t, card, asked, rules.bytes_max)
            case PutBackupLock(lock=lock):
                check = partial(verify.backup_form, None, lock)
                return check, lambda _: lambda t: backups.change_lock(t, card, asked)
            case PutBackupPart():
                return None, lambda _: lambda t: backups.add_part(t, card, asked, now_ms)
            case FetchBackup(request=request):
                return None, lambda _: lambda t: backups.fetch(t, card, request, now_ms, rules)
            case DestroyBackup(destruction=signed):
                verified = partial(verify.verified_destruction, signed, proven, self._relay_key)
                return verified, lambda body: lambda t: backups.destroy(t, card, body)
            case HoldCard():
                return None, lambda _: lambda t: backups.hold(t, card, asked)

    def query(self, peer: Peer, asked: ClientFrame) -> Query[Any]:
        """Return what answers a frame that reads; raise RefusalError."""
        identity = peer.session.require_proof().card.identity
        match asked:
            case ShowBackup():
                return lambda s: backups.show(s, identity, asked)
            case ReadBackupPart() if peer.session.fetched == asked.version:
                return lambda s: backups.read_part(s, identity, asked)
            case _:
                raise RefusalError(Refusal.UNEXPECTED_FRAME, "fetch the backup first")

    def granted(self, peer: Peer, result: Granted) -> None:
        """Answer a fetch, and tell the identity's other sessions of it."""
        peer.session.fetched = result.answer.version
        peer.send(result.answer)
        notice = BackupNotice(result.fetch)
        for card in result.cards:
            for other in self._sessions(card):
                if other is not peer and not other.gone:
                    other.send(notice)

    def held(self, peer: Peer, request: int, result: Held) -> None:
        """Let the session go on, and end those of the holder before."""
        peer.session.holds = result.holder
        outcome = result.outcome
        peer.send(Accepted(request, outcome.subject, outcome.position))
        for other in list(self._sessions(outcome.subject)):
            if other is not peer and other.session.holds != result.holder and not other.gone:
                other.close(Refusal.CARD_TAKEN_OVER, "the card was restored elsewhere")
