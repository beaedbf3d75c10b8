"""Who is at the other end of a Unix socket, as the kernel says: never what a caller says, never what /proc shows.

The numbers are those of the moment in which the caller connected, also where it has changed its user since. A process
id may be another's by the time that anybody looks: it is for the log alone. The further groups come from the kernel as
well (SO_PEERGROUPS), not from a list of users, which may say something else than what the process was started with.
"""

import array
import asyncio
import socket
import struct
from typing import Final

from peerpost_daemon.rpc.call import Peer

MAX_GROUP_BYTES: Final = 1024  # what the socket module asks for at most: 256 groups
_SO_PEERGROUPS: Final = 59  # asm-generic/socket.h; the module has no name for it
_CREDENTIALS: Final = struct.Struct("iII")  # struct ucred: pid, uid, gid


def peer_of(transport: asyncio.Transport) -> Peer:
    """Return who connected."""
    connected: socket.socket = transport.get_extra_info("socket")
    raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, gid = _CREDENTIALS.unpack(raw)
    return Peer(uid, gid, pid, _groups(connected))


def _groups(connected: socket.socket) -> tuple[int, ...]:
    """Return the further groups; none where the kernel does not tell them, or there are more than fit."""
    try:
        raw = connected.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, MAX_GROUP_BYTES)
    except OSError:
        return ()
    return tuple(array.array("I", raw))
