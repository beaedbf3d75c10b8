"""Refusals in the log: who was refused what. Nothing that a caller said is in a line.

Lines are bounded by their template (`log_lines`), so each user has one: a flood of one hides no refusal of another.
"""

import logging

from peerpost_daemon.rpc.call import Peer

_log = logging.getLogger(__name__)


def note(peer: Peer, method: str, why: str) -> None:
    """Log that a caller was refused a method; both are words of ours."""
    template = f"refused: uid {peer.uid} pid %d method %s: %s"
    _log.warning(template, peer.pid, method, why)
