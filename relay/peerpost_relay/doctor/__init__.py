"""`peerpost-relay doctor`: look at everything once, and say of each thing whether it is well and what to do."""

from peerpost_relay.doctor.examination import Examined, examine

__all__ = ["Examined", "examine"]
