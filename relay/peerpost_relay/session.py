"""One session's state, without I/O: a frame in, what is to be done with it out.

    AWAITING_HELLO --hello--> CHALLENGED --authenticate--> PROVING --proven--> AUTHENTICATED
                                   ^---------disproven-------'

While CHALLENGED a client may publish its card or prove its identity, and then authenticate on the same challenge. Every
step that is not in TRANSITIONS is refused, naming state and frame. Wrong answers and wrong tokens
are failed tries; after `failed_tries_max` of them the session is over.
"""

from enum import Enum, auto

from msgspec import Struct

from peerpost_protocol.card import Card
from peerpost_protocol.frames import (
    PROTOCOL_VERSION,
    Attestation,
    Authenticate,
    BeginUpload,
    ClientFrame,
    ConfirmProof,
    DestroyBackup,
    FetchBackup,
    FetchCards,
    Hello,
    HoldCard,
    PostReceipt,
    Publish,
    PublishCard,
    PutBackup,
    PutBackupLock,
    PutBackupPart,
    ReadBackupPart,
    ReadBlob,
    ReadHistory,
    ReadRoster,
    ReadStream,
    ReadWaitingCards,
    RemoveBlob,
    ResumeChain,
    SearchCards,
    SearchDomain,
    ShowBackup,
    StartProof,
    SubmitRosterEvent,
    SubmitStatement,
    Subscribe,
    UploadChunk,
)
from peerpost_protocol.handshake import Challenge
from peerpost_protocol.refusals import Refusal
from peerpost_relay.backup_store import Holder
from peerpost_relay.errors import RefusalError
from peerpost_relay.store import RateClass


class State(Enum):
    """Say what a session is about."""

    AWAITING_HELLO = auto()
    CHALLENGED = auto()
    PROVING = auto()
    AUTHENTICATED = auto()


class Action(Enum):
    """Say what is to be done with a frame."""

    GREET = auto()  # sign the challenge and send it
    PROVE = auto()  # look the card up and verify the answer; then `proven` or `disproven`
    WRITE = auto()  # verify, then commit
    READ = auto()  # answer from the store
    SUBSCRIBE = auto()
    BLOB = auto()  # move bytes of a file, beside everything else


_ANYONE: dict[type[ClientFrame], Action] = {
    PublishCard: Action.WRITE,
    StartProof: Action.WRITE,
    ConfirmProof: Action.WRITE,
}
_MEMBER: dict[type[ClientFrame], Action] = {
    SearchCards: Action.READ,
    SearchDomain: Action.READ,
    ReadWaitingCards: Action.READ,
    ReadHistory: Action.READ,
    SubmitStatement: Action.WRITE,
    FetchCards: Action.READ,
    ReadRoster: Action.READ,
    ReadStream: Action.READ,
    SubmitRosterEvent: Action.WRITE,
    Publish: Action.WRITE,
    PostReceipt: Action.WRITE,
    ResumeChain: Action.WRITE,
    Subscribe: Action.SUBSCRIBE,
    BeginUpload: Action.BLOB,
    UploadChunk: Action.BLOB,
    ReadBlob: Action.BLOB,
    RemoveBlob: Action.BLOB,
    PutBackup: Action.WRITE,
    PutBackupPart: Action.WRITE,
    PutBackupLock: Action.WRITE,
    ShowBackup: Action.READ,
    FetchBackup: Action.WRITE,
    ReadBackupPart: Action.READ,
    DestroyBackup: Action.WRITE,
    HoldCard: Action.WRITE,
}

TRANSITIONS: dict[State, dict[type[ClientFrame], tuple[State, Action]]] = {
    State.AWAITING_HELLO: {Hello: (State.CHALLENGED, Action.GREET)},
    State.CHALLENGED: {
        Authenticate: (State.PROVING, Action.PROVE),
        **{frame: (State.CHALLENGED, action) for frame, action in _ANYONE.items()},
    },
    State.PROVING: {},
    State.AUTHENTICATED: {
        frame: (State.AUTHENTICATED, action) for frame, action in (_ANYONE | _MEMBER).items()
    },
}


class Proven(Struct, frozen=True):
    """Be the card that a session speaks for, and who holds it if it was restored."""

    card: Card
    number: int
    attestation: Attestation
    holder: Holder | None = None
    rate: RateClass = RateClass.FULL


class Session:
    """Be one connection's session with the relay."""

    __slots__ = (
        "_cards", "_failed_tries", "_failed_tries_max", "challenge", "fetched", "holds", "proof",
        "state",
    )  # fmt: skip

    def __init__(self, failed_tries_max: int) -> None:
        self._failed_tries_max = failed_tries_max
        self._failed_tries = 0
        self._cards = 0
        self.state = State.AWAITING_HELLO
        self.challenge: Challenge | None = None
        self.proof: Proven | None = None
        self.holds: Holder | None = None  # of a restored card: who this session says it is
        self.fetched: int | None = None  # the version of the backup that was handed out

    def receive(self, frame: ClientFrame) -> Action:
        """Take a frame; raise RefusalError when it has no place in this state."""
        step = TRANSITIONS[self.state].get(type(frame))
        if step is None:
            raise self._misplaced(frame)
        if isinstance(frame, Hello) and frame.version != PROTOCOL_VERSION:
            raise RefusalError(
                Refusal.UNSUPPORTED_VERSION, f"this relay speaks version {PROTOCOL_VERSION}"
            )
        self.state, action = step
        return action

    def challenged(self, relay: bytes, hello: Hello, nonce: bytes, now_ms: int) -> Challenge:
        """Return the session's one challenge."""
        self.challenge = Challenge(relay, hello.client_nonce, nonce, now_ms)
        return self.challenge

    def proven(self, proof: Proven) -> None:
        """Speak for a card from now on."""
        self.proof = proof
        self.state = State.AUTHENTICATED

    def disproven(self) -> None:
        """Wait for another answer to the challenge."""
        self.state = State.CHALLENGED

    def failed(self) -> bool:
        """Count a failed try; tell whether it was the last one allowed."""
        self._failed_tries += 1
        return self._failed_tries >= self._failed_tries_max

    def published(self) -> int:
        """Count a card that came before a proof; return how many there are."""
        self._cards += 1
        return self._cards

    def require_proof(self) -> Proven:
        """Return the card that the session speaks for; raise RefusalError."""
        if self.proof is None:
            raise RefusalError(Refusal.NOT_AUTHENTICATED, "the session is not authenticated")
        return self.proof

    def require_held(self) -> None:
        """Refuse what comes of a restored card before its holder is the one that the relay knows."""
        if self.proof is not None and self.proof.holder not in (None, self.holds):
            raise RefusalError(Refusal.CARD_TAKEN_OVER, "the card was restored elsewhere")

    def _misplaced(self, frame: ClientFrame) -> RefusalError:
        kind = Refusal.UNEXPECTED_FRAME
        if self.state is not State.AUTHENTICATED and type(frame) in _MEMBER:
            kind = Refusal.NOT_AUTHENTICATED
        tag = type(frame).__struct_config__.tag
        return RefusalError(kind, f"no `{tag}` while {self.state.name.lower()}", field="tag")
