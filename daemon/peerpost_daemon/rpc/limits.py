"""The bounds of the RPC layer."""

import msgspec

MAX_LINE = 8 * 1024 * 1024  # bytes of one request or batch, without its newline
MAX_BATCH = 100  # requests in one batch
MAX_CONCURRENT = 64  # requests of one connection in work at once; past it nothing more is read
MAX_CLIENTS = 256  # connections at once
MAX_CLIENTS_OF_USER = 64  # of these, but for the daemon's own user and root
RESERVED_CLIENTS = 16  # of these that are kept for the daemon's own user and root
MAX_STRANGERS = 8  # connections at once of users who may do nothing, all of them together
MAX_METHOD_LENGTH = 128  # characters of a method's name
MAX_ACCOUNT_LENGTH = 64  # characters of an account's name
MAX_ID_LENGTH = 256  # characters of a request's id, for it is echoed


class RpcLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Bound what one connection may hold; sizes in bytes, times in seconds."""

    max_line: int = MAX_LINE
    max_concurrent: int = MAX_CONCURRENT
    max_clients: int = MAX_CLIENTS
    max_clients_of_user: int = MAX_CLIENTS_OF_USER
    reserved_clients: int = RESERVED_CLIENTS
    max_strangers: int = MAX_STRANGERS
    high_water: int = 1024 * 1024  # unread answers; above it the connection's handlers wait
    low_water: int = 256 * 1024  # and go on below this
    coalesce: int = 64 * 1024  # answers of one loop tick that leave in one write
    silent_seconds: float = 60.0  # a client that has said nothing at all for so long is dropped
    request_seconds: float = 60.0  # within which a request that was begun has to be whole
    idle_seconds: float = (
        3600.0  # a client with nothing in work, and nothing open, is let go after it
    )
    stalled_seconds: float = 30.0  # a client that reads nothing for so long is dropped
    hangup_seconds: float = 1.0  # how often a client that ended its side is looked for
    finish_seconds: float = 60.0  # what the handlers of a caller who hung up have left
    backlog: int = 128  # connections the kernel keeps for us before they are accepted
