"""What can be wrong with bytes that arrived, or with what a caller asks to be made of them.

    ProtocolError                 base; never raised itself
    ├── MalformedError            bytes or values outside the format (their fault); names the field
    │   └── UnsupportedContentError   a content of a kind that this version does not know (nobody's fault)
    ├── SignatureError            a signature, hash or identifier does not fit what it stands for
    ├── DecryptionError           a key does not open what it should
    ├── RosterError               a membership event that the rules of the channel do not allow
    ├── HistoryError              an entry that the rules of an identity's history do not allow
    ├── ChainError                a sequence that does not continue the sender's chain
    └── TooLargeError             we were asked to make something over a bound (our fault)

`kind` is machine-readable and stable, `detail` one sentence for people, `field` the offending field where there is one.
No message holds secret bytes.
"""


class ProtocolError(Exception):
    """Refuse something, saying which rule it broke."""

    def __init__(self, kind: str, detail: str, *, field: str | None = None) -> None:
        super().__init__(f"{detail} [{kind}]" if field is None else f"{field}: {detail} [{kind}]")
        self.kind = kind
        self.detail = detail
        self.field = field


class MalformedError(ProtocolError):
    """The bytes or values are outside the format."""


class UnsupportedContentError(MalformedError):
    """A content's body is of a kind that this version does not know; where it was written for is known.

    `place`: sender, channel and sequence as the content has them.
    """

    def __init__(self, body: str, place: tuple[bytes, bytes, int]) -> None:
        super().__init__("unsupported_content", f"a `{body}` is not known to this version")
        self.place = place


class SignatureError(ProtocolError):
    """A signature, hash or identifier does not fit."""


class DecryptionError(ProtocolError):
    """A ciphertext does not open."""


class RosterError(ProtocolError):
    """A membership event breaks the rules of its channel."""


class HistoryError(ProtocolError):
    """An entry breaks the rules of its identity's history."""


class ChainError(ProtocolError):
    """An envelope does not continue its sender's chain."""


class TooLargeError(ProtocolError):
    """Something would be over its bound."""
