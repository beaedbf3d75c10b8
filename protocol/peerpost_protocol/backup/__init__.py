"""Backups: a vault's keys, contacts, channels and messages, sealed under a passphrase (docs/protocol/backup.md)."""

from peerpost_protocol.backup.destruction import (
    DestructionBody,
    sign_destruction,
    verify_destruction,
)
from peerpost_protocol.backup.lock import (
    BackupLock,
    Cost,
    decode_lock,
    encode_lock,
    lock_key,
    unlock_key,
)
from peerpost_protocol.backup.preamble import (
    MAX_PREAMBLE,
    BackupHeader,
    Preamble,
    decode_header,
    encode_preamble,
    make_header,
    parse_preamble,
)
from peerpost_protocol.backup.records import (
    BackupRecord,
    ChainRecord,
    ChannelRecord,
    ContactCardRecord,
    ContactRecord,
    DeviceRecord,
    Manifest,
    MessageRecord,
    RosterEventRecord,
    RowRecord,
)
from peerpost_protocol.backup.stream import CHUNK, Opener, Sealer

__all__ = [
    "CHUNK",
    "MAX_PREAMBLE",
    "BackupHeader",
    "BackupLock",
    "BackupRecord",
    "ChainRecord",
    "ChannelRecord",
    "ContactCardRecord",
    "ContactRecord",
    "Cost",
    "DestructionBody",
    "DeviceRecord",
    "Manifest",
    "MessageRecord",
    "Opener",
    "Preamble",
    "RosterEventRecord",
    "RowRecord",
    "Sealer",
    "decode_header",
    "decode_lock",
    "encode_lock",
    "encode_preamble",
    "lock_key",
    "make_header",
    "parse_preamble",
    "sign_destruction",
    "unlock_key",
    "verify_destruction",
]
