"""The stages that frames are handed to, together."""

from msgspec import Struct

from peerpost_relay.blobs import Blobs
from peerpost_relay.fan_out import FanOut
from peerpost_relay.ingest import Ingest
from peerpost_relay.proofs import Proofs
from peerpost_relay.queries import Queries
from peerpost_relay.writer import Writer


class Stages(Struct, frozen=True):
    """Be what stands behind the sockets."""

    ingest: Ingest
    writer: Writer
    queries: Queries
    fan_out: FanOut
    blobs: Blobs
    proofs: Proofs
