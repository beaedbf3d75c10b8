"""The relay's settings: one frozen struct a part, units in the names, bounds beside the fields."""

from typing import Annotated

from msgspec import Meta, Struct

from peerpost_protocol.configuration import Live, Seconds
from peerpost_protocol.frames import Attestation
from peerpost_protocol.limits import MAX_BACKUP_FETCHES

Positive = Annotated[int, Meta(gt=0)]


class EdgeSettings(Struct, frozen=True, kw_only=True):
    """Say what a peer may cost the socket edge before it has shown who it is, and after."""

    message_bytes_max: Live[Positive] = 1_048_576  # one message, whole or in fragments
    first_bytes_max: Live[Positive] = 16_384  # the same, as long as nobody has said who the peer is
    fragments_max: Live[Positive] = 64  # frames of one message; empty ones count too
    handshake_bytes_max: Live[Positive] = 16_384  # request line and headers together
    handshakes_max: Live[Positive] = (
        16_384  # sockets without a finished handshake; the next is aborted
    )
    connections_max: Live[Positive] = 16_384  # open WebSockets; the next gets HTTP 503
    sockets_per_address_max: Live[Positive] = (
        2_048  # in whatever state; the next is aborted, or gets 503
    )
    retry_after_seconds: Live[Positive] = 5  # said in that 503
    backlog: Positive = 4_096  # the kernel's accept queue
    unsent_bytes: Live[Positive] = (
        131_072  # that the kernel keeps of a TCP connection before its path
    )
    write_low_bytes: Live[Positive] = 65_536  # `writable` comes once what waits is back below this
    handshake_seconds: Seconds = 10.0  # from accept to the finished upgrade request
    ping_interval_seconds: Seconds = 20.0  # silence before a ping; twice that before an abort
    close_seconds: Seconds = 5.0  # from our close frame or HTTP answer to an abort
    tick_seconds: Seconds = 1.0  # what the three spans above are rounded up to
    # Browsers send Origin with every WebSocket and any page may open one to any host. Requests
    # that carry an Origin get 403 unless it is listed here, as `https://host[:port]`.
    origins: Live[tuple[str, ...]] = ()
    # networks of the proxies that are believed in X-Forwarded-For; who comes by a Unix socket always is
    proxies: Live[tuple[str, ...]] = ("127.0.0.0/8", "::1/128")


class RelaySettings(Struct, frozen=True, kw_only=True):
    """Say what the relay allows, and how much of everything may wait."""

    allow_unverified: Live[bool] = False  # cards need neither a token nor a proof by e-mail
    allow_domain_search: Live[bool] = (
        False  # whoever has a card may list the identities of a domain
    )
    waiting_days: Live[Positive] = 7  # a card waits so long for its endorsement
    authentication_seconds: Live[Seconds] = 10.0  # from the open connection to `welcome`
    failed_tries_max: Live[Positive] = (
        3  # wrong answers and wrong tokens; then the session is closed
    )
    requests_in_flight_max: Live[Positive] = (
        512  # of one connection; reading from it pauses above this
    )
    requests_waiting_max: Live[Positive] = (
        8_192  # of one connection, with what one read still brought
    )
    inbox_frames_max: Live[Positive] = 16_384  # of the ingest stage; reading pauses above this
    inbox_bytes_max: Live[Positive] = 64 * 1024 * 1024  # of their bytes
    batch_frames_max: Live[Positive] = 512  # verified together
    verifiers: Positive = 2  # threads; a batch is cut into so many parts
    writer_operations_max: Live[Positive] = (
        8_192  # waiting for the next commit; ingest pauses above this
    )
    group_operations_max: Live[Positive] = 2_048  # in one transaction
    queries_max: Live[Positive] = 8_192  # waiting for the reading connection
    query_batch_max: Live[Positive] = 32  # answered from one snapshot
    query_seconds: Live[Seconds] = (
        0.02  # for one snapshot; what is unanswered then waits for the next
    )
    answer_bytes_max: Live[Positive] = (
        2 * 1024 * 1024
    )  # unread by a peer; more queries are refused then
    live_bytes_max: Live[Positive] = (
        1024 * 1024
    )  # unread by a follower; past it, it reads from the store
    page_bytes_max: Live[Positive] = 256 * 1024  # unread by a follower that reads from the store
    page_batch_max: Live[Positive] = 16  # followers whose next pages are read from one snapshot
    channels_per_card_max: Live[Positive] = 4_096  # that one card is in
    sessions_per_card_max: Live[Positive] = 32  # the oldest ends when there is another
    sessions_per_address_max: Live[Positive] = (
        1_024  # an IPv4 address or an IPv6 network of 64 bits
    )
    greetings_per_second: Live[Positive] = (
        200  # of one address: hellos, proofs, cards of who is unknown
    )
    greetings_burst: Live[Positive] = 4_096  # so many at once
    cards_before_proof_max: Live[Positive] = 4  # of one session; a further one ends it
    reads_per_second: Live[Positive] = (
        2_000  # of one card: things looked up, 64 KiB of answers count one
    )
    reads_burst: Live[Positive] = 50_000  # so many at once
    address_reads_per_second: Live[Positive] = 8_000  # of all cards from one address
    address_reads_burst: Live[Positive] = 200_000  # so many at once
    writes_per_second: Live[Positive] = (
        5_000  # of one card; roster event: 20 and more, statement: 500
    )
    writes_burst: Live[Positive] = 50_000  # so many at once
    write_bytes_per_second: Live[Positive] = 64 * 1024 * 1024  # of one card
    write_bytes_burst: Live[Positive] = 512 * 1024 * 1024  # so many at once
    channel_bytes_max: Live[Positive] = (
        16 * 1024**3
    )  # of one channel: envelopes, roster events, rows
    identity_bytes_max: Live[Positive] = 64 * 1024**3  # the same, by all cards of an identity
    backup_bytes_max: Live[Positive] = 64 * 1024 * 1024  # the bulk of one identity's backup
    backup_fetches_per_day: Live[Annotated[int, Meta(gt=0, le=MAX_BACKUP_FETCHES)]] = (
        5  # of an identity
    )
    backup_attestation: Live[Attestation] = Attestation.VERIFIED  # what a fetch needs at least
    quota_retry_ms: Live[Positive] = 60_000  # said with `quota_exceeded`
    checkpoint_bytes: Positive = 4 * 1024 * 1024  # written since the last checkpoint of the log
    log_bytes_max: Positive = 64 * 1024 * 1024  # the writer itself checkpoints past this
    blob_bytes_max: Live[Positive] = 4 * 1024**3  # one blob
    identity_blob_bytes_max: Live[Positive] = (
        16 * 1024**3
    )  # blobs that all cards of an identity uploaded
    channel_blob_bytes_max: Live[Positive] = 32 * 1024**3  # blobs of one channel
    store_blob_bytes_max: Live[Positive] = 256 * 1024**3  # all blobs
    blob_free_bytes_min: Live[Positive] = 1024**3  # left on the disk for messages
    blob_keep_seconds: Live[Positive] = 30 * 86_400  # from the beginning of its upload
    uploads_per_card_max: Live[Positive] = 16  # unfinished ones
    uploads_open_max: Live[Positive] = 256  # of all cards, at this moment
    upload_idle_seconds: Live[Seconds] = 86_400.0  # an unfinished upload is dropped after that
    blob_in_flight_bytes_max: Live[Positive] = 32 * 1024 * 1024  # in memory, of all connections
    peer_blob_bytes_max: Live[Positive] = 4 * 1024 * 1024  # the same of one connection
    blob_threads: Positive = 2  # that read, write and hash
    blob_sweep_seconds: Live[Seconds] = 60.0  # between two looks for what has expired
    upkeep_seconds: Live[Seconds] = 1.0  # between two rounds of expiry, revocation and health
    expired_batch_max: Live[Positive] = 250  # envelopes, or their ids, removed in one transaction
    forget_seconds: Live[Seconds] = (
        7 * 86_400.0
    )  # from an envelope's removal to that of its message id
    drain_seconds: Live[Seconds] = 10.0  # for what is under way when the relay is told to stop
    close_seconds: Live[Seconds] = 3.0  # for closing handshakes after that
    retry_after_ms: Live[Positive] = 1_000  # said with `too_many_requests`
    come_back_ms: Live[Positive] = (
        500  # said with `shutting_down`, plus up to four times as much jitter
    )

    @property
    def waiting_ms(self) -> int:
        """Return how long a card waits for its endorsement."""
        return self.waiting_days * 86_400_000


class Renewable:
    """Be a part that goes by settings which may change while it runs."""

    _settings: RelaySettings

    def apply(self, settings: RelaySettings) -> None:
        """Go by these from now on."""
        self._settings = settings
