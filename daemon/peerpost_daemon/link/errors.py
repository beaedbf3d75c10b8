"""What can go wrong on the link to the relay, told apart by whose fault it is.

    LinkError                     base; never raised itself
    ├── AddressError              the relay's URL is none, or plain where that is not allowed (the operator's)
    ├── LinkDownError             there is no session, or it ended before the answer came (nobody's)
    ├── LinkBusyError             as many requests or bytes are in flight as may be (the caller's; wait for an answer)
    ├── RefusedError              the relay refused one request; `kind` is one of its refusals
    ├── RelayFaultError           the relay broke the protocol, or is not the relay we know (the relay's)
    │   └── UnexpectedStepError   a frame or a call that has no place in the session's state
    └── InboundFullError          raised by the observer: it can take no more now

`kind` is machine-readable and stable; no message holds a token or a key.
"""

from peerpost_protocol.frames import Refused


class LinkError(Exception):
    """Say what failed: a `kind` for programs, a sentence for people."""

    def __init__(self, kind: str, detail: str) -> None:
        super().__init__(f"{detail} [{kind}]")
        self.kind = kind
        self.detail = detail


class AddressError(LinkError):
    """The relay's URL cannot or may not be used (`bad_address`, `plain_address`, `bad_authorities`)."""


class LinkDownError(LinkError):
    """There is no session with the relay, or it ended before the answer (`link_down`)."""


class LinkBusyError(LinkError):
    """Too much is in flight (`link_busy`); an answer to any request makes room."""


class RefusedError(LinkError):
    """The relay refused the request."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.kind, refused.detail)
        self.field = refused.field
        self.subject = refused.subject
        self.come_back = refused.come_back
        self.retry_after_ms = refused.retry_after_ms


class RelayFaultError(LinkError):
    """The relay is not to be talked to (`malformed`, `bad_signature`, `relay_key_changed` …)."""


class UnexpectedStepError(RelayFaultError):
    """The step is absent from the session's table (`unexpected_frame`)."""


class InboundFullError(LinkError):
    """The observer can take no more; the link starts again from the durable cursors."""

    def __init__(self, detail: str = "what arrived is not processed fast enough") -> None:
        super().__init__("inbound_full", detail)
