"""The daemon's errors: one base, told apart by ``kind``.

    DaemonError             answered to the caller; its kind stands in ERROR_CODES
    ├── NotShown            something is there, and is not for this caller; answered as if it were not
    ├── DaemonStartError    the daemon cannot serve here; for whoever started it
    └── CallerGone          the caller of a method hung up; nobody is left to be answered

A kind is a word of the public interface: scripts branch on it. The sentence is for people and may change.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

_TABLE: dict[str, tuple[int, str]] = {
    "parse_error": (-32700, "The line is not JSON in UTF-8."),
    "invalid_request": (-32600, "The JSON is not a JSON-RPC 2.0 request."),
    "method_not_found": (-32601, "The daemon has no method of that name."),
    "invalid_params": (-32602, "A parameter is missing, unknown, or of the wrong type or size."),
    "internal_error": (-32603, "The daemon failed; its log holds the details by reference."),
    "locked": (-32001, "The vault is locked; unlock it first."),
    "no_vault": (-32002, "There is no vault yet; create one first."),
    "vault_exists": (-32003, "There is a vault already."),
    "wrong_passphrase": (-32004, "The passphrase does not open the vault."),
    "no_account": (-32005, "No account is registered with this daemon."),
    "account_exists": (-32006, "This daemon has an account already."),
    "unknown_identity": (-32010, "The directory has no live card for the identity."),
    "unknown_channel": (-32011, "No channel has that id, prefix or name."),
    "ambiguous_channel": (-32012, "Several channels fit; use an id out of the candidates."),
    "unknown_message": (-32013, "No message has that id."),
    "unknown_consumer": (-32014, "No consumer has that name."),
    "unknown_subscription": (-32015, "This connection has no subscription of that number."),
    "unknown_file": (-32018, "No file has that number."),
    "not_a_member": (-32020, "The account is not a member of the channel."),
    "not_an_admin": (-32021, "Only an admin or the owner of the channel may do this."),
    "may_not_post": (-32027, "The account's role, or the channel's policy, does not let it post."),
    "banned": (-32028, "The identity is banned from the channel."),
    "channel_changed": (
        -32029,
        "Somebody else changed the same thing at the same time; look again.",
    ),
    "not_accepted": (-32019, "The channel is a request; accept it first."),
    "not_the_author": (-32033, "Only who wrote the message may do this."),
    "untrusted_contact": (-32022, "A contact's cards changed and were not accepted yet."),
    "wrong_contact_state": (-32023, "Where the contact stands, this cannot be done to it."),
    "safety_number_differs": (-32024, "The safety number is not the one of this contact."),
    "alias_taken": (-32026, "Another contact has that name."),
    "bad_fingerprint": (
        -32025,
        "A line of a list of fingerprints cannot be read; `line` says which.",
    ),
    "unknown_card": (-32090, "No card of that id, code or device name is known."),
    "identity_taken": (
        -32091,
        "The identity has a device already: `account.link`, and approve there.",
    ),
    "rotation_running": (-32092, "This device's card is being replaced already."),
    "too_large": (-32030, "The request or something in it exceeds its bound."),
    "queue_full": (-32031, "The outbox has no room; come back later."),
    "too_many_requests": (-32032, "More requests or connections than allowed; come back later."),
    "file_unreadable": (-32034, "The file cannot be read or written at that path."),
    "file_exists": (-32035, "Something is at the path already."),
    "file_unavailable": (
        -32036,
        "The file is not here: it is to be fetched, was refused, or is gone.",
    ),
    "files_full": (-32037, "The store of files has no room."),
    "storage_full": (-32040, "The disk has no room for the vault."),
    "storage_failed": (-32041, "The vault could not be read or written."),
    "relay_unreachable": (-32050, "The relay cannot be reached."),
    "relay_refused": (-32051, "The relay refused the request."),
    "token_refused": (-32052, "The relay refused the token."),
    "relay_key_changed": (-32053, "The relay that answers is not the one whose key is known."),
    "already_sent": (-32062, "The message has left; it cannot be taken back."),
    "timeout": (-32060, "The wait ended before what was waited for had happened."),
    "delivery_failed": (-32061, "The message will not be delivered."),
    "forbidden": (-32070, "This caller may not do this."),
    "bad_backup": (-32080, "The backup is damaged, or not one that this version can restore."),
    "no_backup": (-32081, "The relay keeps no backup of this identity."),
    "not_proven": (-32082, "The identity has to be proven to the relay first."),
    "code_refused": (-32083, "The relay refused the code that proves the identity."),
    "shutting_down": (-32071, "The daemon is stopping."),
}

ERROR_CODES: Mapping[str, int] = MappingProxyType({kind: row[0] for kind, row in _TABLE.items()})
ERROR_MEANINGS: Mapping[str, str] = MappingProxyType({k: row[1] for k, row in _TABLE.items()})


class DaemonError(Exception):
    """Say what went wrong: a ``kind`` for programs and a sentence for people.

    ``field`` names the parameter at fault, ``retry_after`` is in seconds, ``extra`` goes into the
    answer's data beside them. Raises KeyError for a kind that is not in the class's ``kinds``.
    """

    kinds: ClassVar[Mapping[str, object]] = ERROR_CODES

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        field: str | None = None,
        retry_after: float | None = None,
        extra: Mapping[str, object] | None = None,
    ) -> None:
        if kind not in self.kinds:
            raise KeyError(f"{type(self).__name__} has no kind {kind!r}")
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.field = field
        self.retry_after = retry_after
        self.extra: dict[str, object] = dict(extra or {})

    def data(self) -> dict[str, object]:
        """Return the answer's ``data`` object; ``extra`` cannot replace the standard members."""
        data: dict[str, object] = {**self.extra, "kind": self.kind}
        if self.field is not None:
            data["field"] = self.field
        if self.retry_after is not None:
            data["retry_after"] = self.retry_after
        return data


class NotShown(DaemonError):  # noqa: N818 - to the caller it is the error of what is not there
    """Answer as if there were nothing: what a caller may not see it does not learn of. It is logged as a refusal."""


class DaemonStartError(DaemonError):
    """Say why the daemon cannot serve at the place it was given."""

    kinds: ClassVar[Mapping[str, object]] = MappingProxyType(
        {
            "socket_in_use": "Another daemon answers on the socket or is about to.",
            "not_a_socket": "Something that is not our socket lies at the socket's path.",
            "unsafe_directory": "The socket's directory is not private to its user.",
            "socket_failed": "The system refused to make the socket.",
            "clock_wrong": "The clock is far off.",
            "disk_full": "The disk has no room for a start.",
        }
    )


class CallerGone(DaemonError):  # noqa: N818 - it is an ending, nobody's error
    """Tell a handler that its caller hung up."""

    kinds: ClassVar[Mapping[str, object]] = MappingProxyType({"caller_gone": "The caller hung up."})

    def __init__(self) -> None:
        super().__init__("caller_gone", "The caller hung up.")
