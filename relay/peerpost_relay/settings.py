"""The relay's settings: one frozen struct a part, units in the names, bounds beside the fields."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[int, Meta(gt=0)]
Seconds = Annotated[float, Meta(gt=0)]


class EdgeSettings(Struct, frozen=True, kw_only=True):
    """Say what a peer may cost the socket edge before it has shown who it is, and after."""

    message_bytes_max: Positive = 1_048_576  # one message, whole or in fragments
    fragments_max: Positive = 64  # frames of one message; empty ones count too
    handshake_bytes_max: Positive = 16_384  # request line and headers together
    handshakes_max: Positive = 16_384  # sockets without a finished handshake; the next is aborted
    connections_max: Positive = 16_384  # open WebSockets; the next gets HTTP 503
    retry_after_seconds: Positive = 5  # said in that 503
    backlog: Positive = 4_096  # the kernel's accept queue
    write_low_bytes: Positive = 65_536  # `writable` comes once what waits is back below this
    handshake_seconds: Seconds = 10.0  # from accept to the finished upgrade request
    ping_interval_seconds: Seconds = 20.0  # silence before a ping; twice that before an abort
    close_seconds: Seconds = 5.0  # from our close frame or HTTP answer to an abort
    tick_seconds: Seconds = 1.0  # what the three spans above are rounded up to
    # Browsers send Origin with every WebSocket and any page may open one to any host. Requests
    # that carry an Origin get 403 unless it is listed here, as `https://host[:port]`.
    origins: tuple[str, ...] = ()
