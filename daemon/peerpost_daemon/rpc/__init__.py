"""JSON-RPC 2.0 on the daemon's Unix socket; it knows nothing of messaging.

lines       bytes → lines, with a bound
envelope    a line → requests and refusals; answers → bytes
method      what a method is: its name, types, errors, needs; the registry of them
dispatch    request → answer, without sockets
call        what a handler knows of its caller
outlet      the write side of a connection: coalescing, back-pressure, stalled readers
connection  the read side: lines in, one task a line
place       where the socket lies and who may make it
rights      what a caller may do: scopes, and channels for each
refusals    who was refused what, in the log
credentials who is at the other end
places      how many clients there may be, and of whom
patience    how long a client may keep its place
server      the shell around all of it
discover    the OpenRPC document
"""

from peerpost_daemon.rpc.call import Call, Peer
from peerpost_daemon.rpc.discover import EventType, register_discover
from peerpost_daemon.rpc.dispatch import Dispatcher, Gate
from peerpost_daemon.rpc.limits import RpcLimits
from peerpost_daemon.rpc.method import Method, Registry, Requires
from peerpost_daemon.rpc.rights import EVERYTHING, Reach, Rights, Scope
from peerpost_daemon.rpc.server import RpcServer

__all__ = [
    "EVERYTHING",
    "Call",
    "Dispatcher",
    "EventType",
    "Gate",
    "Method",
    "Peer",
    "Reach",
    "Registry",
    "Requires",
    "Rights",
    "RpcLimits",
    "RpcServer",
    "Scope",
    "register_discover",
]
