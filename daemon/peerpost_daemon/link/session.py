"""The client's side of one connection to the relay: bytes in, actions out. No I/O, no task, no clock of its own.

A step that `transitions` does not have raises UnexpectedStepError. Whatever the relay does wrong is a
RelayFaultError, after which the session is of no use.
docs/protocol/frames.md has the frames, docs/protocol/refusals.md the refusals.
"""

from msgspec import Struct
from msgspec.structs import replace

from peerpost_daemon.link.actions import Action, Answered, Ended, Ending, News, Send
from peerpost_daemon.link.errors import LinkBusyError, RelayFaultError, UnexpectedStepError
from peerpost_daemon.link.requests import ANSWERS, AnswerFrame, RequestFrame
from peerpost_daemon.link.settings import Credentials
from peerpost_daemon.link.transitions import TRANSITIONS, State, Step
from peerpost_protocol import limits
from peerpost_protocol.errors import MalformedError, SignatureError
from peerpost_protocol.frames import (
    PROTOCOL_VERSION,
    Accepted,
    Authenticate,
    BackupFetched,
    BackupNotice,
    BackupPart,
    BackupShown,
    BlobPart,
    CardNotice,
    Cards,
    ChallengeFrame,
    Closing,
    ConfirmProof,
    Cursor,
    Deliver,
    Hello,
    HistoryPage,
    Joined,
    PublishCard,
    ReceiptNotice,
    Refused,
    RosterPage,
    StartProof,
    StreamPage,
    Subscribe,
    Subscribed,
    UploadState,
    Welcome,
    decode_relay_frame,
    encode_frame,
)
from peerpost_protocol.handshake import Challenge, sign_authentication, verify_challenge
from peerpost_protocol.refusals import Refusal

MAX_PENDING_REQUESTS = 1024
NONCE_LENGTH = 32

TERMINAL = frozenset(
    {
        Refusal.TOKEN_REFUSED,
        Refusal.TOKEN_REQUIRED,
        Refusal.PROOF_REQUIRED,
        Refusal.CODE_REFUSED,
        Refusal.IDENTITY_TAKEN,
        Refusal.CARD_REVOKED,
        Refusal.CARD_TAKEN_OVER,
    }
)
"""Refusals of our card that no further try changes."""


class _Pending(Struct, frozen=True):
    ticket: object
    answer: type[AnswerFrame]
    asked_at: float


class Session:
    """Be one connection's session. `nonce`: 32 fresh random bytes. `at` in seconds, monotonic."""

    def __init__(self, credentials: Credentials, nonce: bytes, agent: str) -> None:
        self.state = State.CONNECTED
        self.clock_skew_ms: int | None = None
        self._credentials = credentials
        self._nonce = nonce
        self._agent = agent
        self._challenge: Challenge | None = None
        self._publication = 0
        self._unproven: Refused | None = None  # why a code is being asked for
        self._subscription = 0
        self._last_request = 0
        self._owed_since: float | None = None
        self._pending: dict[int, _Pending] = {}

    @property
    def authenticated(self) -> bool:
        """Say whether requests may be made."""
        return self.state in (State.SUBSCRIBING, State.ONLINE)

    @property
    def relay_key(self) -> bytes:
        """Return the key that signed the challenge; raise UnexpectedStepError before there was one."""
        return self._known_challenge().relay

    def begin(self, at: float) -> Send:
        """Return the session's first frame."""
        self._owed_since = at
        return Send(encode_frame(Hello(PROTOCOL_VERSION, self._nonce, self._agent)))

    def receive(self, data: bytes, *, at: float, now_ms: int) -> list[Action]:
        """Take one message of the relay; raise RelayFaultError when it is not one, or not one for now."""
        try:
            frame = decode_relay_frame(data)
        except MalformedError as error:
            raise RelayFaultError("malformed", f"the relay's frame: {error}") from None
        match frame:
            case (
                Accepted()
                | Cards()
                | HistoryPage()
                | RosterPage()
                | StreamPage()
                | Subscribed()
                | UploadState()
                | BlobPart()
                | BackupShown()
                | BackupFetched()
                | BackupPart()
            ):
                return self._answered(frame, at)
            case Deliver() | Joined() | ReceiptNotice() | CardNotice() | BackupNotice():
                self._step(Step.NEWS)
                return [News(frame, len(data))]
            case Refused():
                return self._refused(frame, at)
            case ChallengeFrame():
                return self._challenged(frame, at, now_ms)
            case Welcome():
                return self._welcomed(frame)
            case Closing():
                return self._end_by(frame)

    def subscribe(self, cursors: tuple[Cursor, ...], at: float) -> Send:
        """Ask for everything from the cursors on; once, in answer to `Welcome`."""
        if self._subscription or self.state is not State.SUBSCRIBING:
            raise UnexpectedStepError("unexpected_frame", "the session has subscribed already")
        send = self.request(Subscribe(0, cursors, everything=True), None, at)
        self._subscription = self._last_request
        return send

    def request(self, frame: RequestFrame, ticket: object, at: float) -> Send:
        """Give a request its number and remember its ticket; raise LinkBusyError over MAX_PENDING_REQUESTS.

        A frame over MAX_FRAME raises TooLargeError, and nothing is remembered.
        """
        self._step(Step.REQUEST)
        if len(self._pending) >= MAX_PENDING_REQUESTS:
            raise LinkBusyError("link_busy", f"{MAX_PENDING_REQUESTS} requests are in flight")
        number = self._next_number()
        send = Send(encode_frame(replace(frame, request=number)))
        self._pending[number] = _Pending(ticket, ANSWERS[type(frame)], at)
        return send

    def oldest_wait(self, at: float) -> float:
        """Return for how many seconds the relay has owed us the answer it owes longest."""
        if self._owed_since is not None:
            return at - self._owed_since
        for pending in self._pending.values():
            return at - pending.asked_at
        return 0.0

    def end(self) -> list[object]:
        """Close the session; return the tickets that will have no answer. Idempotent."""
        if self.state is not State.CLOSED:
            self._step(Step.END)
        tickets = [p.ticket for p in self._pending.values() if p.ticket is not None]
        self._pending.clear()
        return tickets

    def _step(self, step: Step) -> None:
        state = TRANSITIONS.get((self.state, step))
        if state is None:
            raise UnexpectedStepError(
                "unexpected_frame", f"{step.value} has no place in state {self.state.value}"
            )
        self.state = state

    def _challenged(self, frame: ChallengeFrame, at: float, now_ms: int) -> list[Action]:
        """Believe the challenge: 1. the relay that it names signed it; 2. it is the relay that we know."""
        self._step(Step.CHALLENGE)
        challenge = Challenge(frame.relay, self._nonce, frame.relay_nonce, frame.at_ms)
        try:
            verify_challenge(challenge, frame.signature)
        except SignatureError:
            raise RelayFaultError("bad_signature", "the relay's challenge is not its own") from None
        known = self._credentials.relay_key
        if known is not None and known != frame.relay:
            raise RelayFaultError("relay_key_changed", "this is not the relay that we know")
        self._challenge = challenge
        self.clock_skew_ms = frame.at_ms - now_ms
        return [self._prove(at)]

    def _prove(self, at: float) -> Send:
        challenge = self._known_challenge()
        self._step(Step.PROOF)
        self._owed_since = at
        card = self._credentials.card.id
        signature = sign_authentication(self._credentials.keys.signing, challenge, card)
        return Send(encode_frame(Authenticate(card, signature)))

    def _known_challenge(self) -> Challenge:
        if self._challenge is None:
            raise UnexpectedStepError("unexpected_frame", "there was no challenge yet")
        return self._challenge

    def _welcomed(self, frame: Welcome) -> list[Action]:
        self._step(Step.WELCOME)
        if frame.card != self._credentials.card.id:
            raise RelayFaultError("malformed", "the relay welcomes another card")
        self._owed_since = None
        return [frame]

    def _publish_card(self, at: float) -> list[Action]:
        self._step(Step.UNKNOWN_CARD)
        self._publication = self._next_number()
        self._owed_since = at
        card = self._credentials.card.signed
        code = self._credentials.code
        frame = (
            PublishCard(self._publication, card, self._credentials.token)
            if code is None
            else ConfirmProof(self._publication, card, code)
        )
        return [Send(encode_frame(frame))]

    def _start_proof(self, refusal: Refused, at: float) -> list[Action]:
        """Have a code mailed before the session ends: the relay takes our card with a proof only."""
        self._unproven = refusal
        self._publication = self._next_number()
        self._owed_since = at
        return [Send(encode_frame(StartProof(self._publication, self._credentials.card.signed)))]

    def _answered(self, frame: AnswerFrame, at: float) -> list[Action]:
        if self.state is State.PUBLISHING:
            return self._published(frame, at)
        pending = self._pending.get(frame.request)
        if pending is None or not isinstance(frame, pending.answer):
            raise UnexpectedStepError("unexpected_frame", "an answer to nothing that was asked")
        if frame.request == self._subscription:
            self._step(Step.SUBSCRIBED)
            del self._pending[frame.request]
            return [frame] if isinstance(frame, Subscribed) else []
        self._step(Step.ANSWER)
        del self._pending[frame.request]
        return [Answered(pending.ticket, frame)]

    def _published(self, frame: AnswerFrame, at: float) -> list[Action]:
        ours = (self._publication, self._credentials.card.id)
        if not isinstance(frame, Accepted) or (frame.request, frame.subject) != ours:
            raise UnexpectedStepError("unexpected_frame", "an answer to nothing that was asked")
        if self._unproven is not None:
            return self._end_by(self._unproven)
        self._step(Step.PUBLISHED)
        return [self._prove(at)]

    def _refused(self, frame: Refused, at: float) -> list[Action]:
        pending = self._pending.get(frame.request)
        if pending is not None and frame.request != self._subscription:
            self._step(Step.ANSWER)
            del self._pending[frame.request]
            return [Answered(pending.ticket, frame)]
        if self._may_publish(frame):
            return self._publish_card(at)
        if self._may_start_proof(frame):
            return self._start_proof(frame, at)
        if frame.request not in (0, self._publication, self._subscription):
            raise UnexpectedStepError("unexpected_frame", "a refusal of nothing that was asked")
        return self._end_by(frame)

    def _may_publish(self, frame: Refused) -> bool:
        """Say whether our card is to be published: once a session, and only when the relay does not know it."""
        unknown = frame.kind == Refusal.UNKNOWN_CARD and frame.request == 0
        return unknown and self.state is State.AUTHENTICATING and not self._publication

    def _may_start_proof(self, frame: Refused) -> bool:
        needed = frame.kind == Refusal.PROOF_REQUIRED and frame.request == self._publication
        return needed and self.state is State.PUBLISHING and self._unproven is None

    def _end_by(self, frame: Refused | Closing) -> list[Action]:
        terminal = frame.kind in TERMINAL and not self.authenticated
        if frame.kind in (Refusal.CARD_REVOKED, Refusal.CARD_TAKEN_OVER):
            terminal = True
        self._step(Step.END)
        ending = Ending(
            frame.kind,
            frame.detail,
            terminal,
            frame.come_back,
            frame.retry_after_ms,
            frame.subject if isinstance(frame, Refused) else None,
        )
        return [Ended(ending)]

    def _next_number(self) -> int:
        """Return a number that no pending request has; 0 means "no request"."""
        number = self._last_request
        while True:
            number = number + 1 if number < limits.MAX_REQUEST else 1
            if number not in self._pending:
                self._last_request = number
                return number
