"""What the daemon's answers show, of the form that the contract names."""

from __future__ import annotations

from typing import Any

ID = "0194a3b0-7f00-7000-8000-000000000001"
CARD = "c" * 64
CHANNEL_ID = "d" * 64

ACCOUNT: dict[str, Any] = {
    "identity": "alice@example.org",
    "device": "laptop",
    "card": CARD,
    "fingerprint": "1234 5678",
    "relay": "ws://relay.example.org",
    "state": "registered",
    "reason": None,
    "attestation": "authorized",
    "created_at_ms": 1_700_000_000_000,
}
BACKUP: dict[str, Any] = {
    "version": 3,
    "bytes": 70_000,
    "messages": 12,
    "made_at_ms": 1_700_000_000_000,
    "place": "relay",
    "file": None,
}
STORED_BACKUP: dict[str, Any] = {
    "version": 3,
    "bytes": 70_000,
    "stored_at_ms": 1_700_000_000_000,
    "card": CARD,
    "fetches": [{"at_ms": 1_700_000_000_000, "card": "e" * 64, "version": 2}],
}
RESTORED: dict[str, Any] = {
    "identity": "alice@example.org",
    "card": CARD,
    "version": 3,
    "made_at_ms": 1_700_000_000_000,
    "contacts": 2,
    "channels": 1,
    "messages": 12,
}
STATUS: dict[str, Any] = {
    "state": "ready",
    "version": "0.1.0",
    "pid": 42,
    "started_at_ms": 1_700_000_000_000,
    "socket": "daemon.sock",
    "account": ACCOUNT,
    "relay": {
        "url": "ws://relay.example.org",
        "state": "online",
        "since_ms": 1_700_000_000_000,
        "last_error": None,
        "retry_in_ms": None,
        "round_trip_ms": 1.5,
        "clock_skew_ms": 0,
    },
    "outbox": {"queued": 1, "unacknowledged": 2},
    "channels": 3,
    "messages": 4,
}
HEALTH: dict[str, Any] = {
    "well": False,
    "state": "ready",
    "version": "0.1.0",
    "schema": 3,
    "at_ms": 1_700_000_000_000,
    "account": "registered",
    "link": {
        "url": "ws://relay.example.org",
        "state": "online",
        "since_ms": 1_700_000_000_000,
        "down_ms": None,
        "last_error": None,
        "round_trip_ms": 1.5,
        "heard_ago_ms": 300,
        "clock_skew_ms": 0,
    },
    "outbox": {
        "queued": 1,
        "queued_bytes": 5,
        "max_queued": 100,
        "max_queued_bytes": 1000,
        "oldest_queued_age_ms": 10,
        "unacknowledged": 2,
        "oldest_unacknowledged_age_ms": 20,
    },
    "consumers": [{"consumer": "bot", "reason": "silent", "behind": 3, "oldest_age_ms": 4}],
    "storage": {
        "free_bytes": 1_000_000,
        "vault_bytes": 4096,
        "log_frames": 3,
        "read_only": False,
        "trouble": None,
        "trouble_detail": None,
        "checked_at_ms": 1_700_000_000_000,
        "check": "quick",
        "damage": None,
        "history_bytes": 4096,
        "max_history_bytes": 8589934592,
    },
    "faults": 0,
    "alarms": [{"change": "history_lost", "at_ms": 1_700_000_000_000, "count": 1, "detail": None}],
    "findings": [
        {
            "kind": "disk_low",
            "severity": "warning",
            "detail": "The disk of the vault has 976 KiB left.",
            "fix": "Free some space.",
        }
    ],
}
DIAGNOSIS: dict[str, Any] = {
    "well": False,
    "checks": [
        {"check": "clock", "result": "ok", "detail": "+0.0 s", "fix": None},
        {"check": "key_file", "result": "error", "detail": "It is open.", "fix": "chmod 600 it"},
    ],
    "findings": HEALTH["findings"],
}
CONTACT: dict[str, Any] = {
    "identity": "bob@example.org",
    "alias": None,
    "state": "pinned",
    "policy": None,
    "cards": [
        {
            "card": CARD,
            "device": "phone",
            "state": "pinned",
            "attestation": "unverified",
            "fingerprint": "1111 2222",
            "first_seen_ms": 1_700_000_000_000,
        }
    ],
}


SAFETY_NUMBER: dict[str, Any] = {
    "identity": "bob@example.org",
    "state": "pinned",
    "safety_number": "11111 22222",
    "text": "peerpost-safety-number-1:1111122222",
    "qr": ["101", "010", "111"],
    "png": "iVBORw==",
}
POLICY_SET: dict[str, Any] = {
    "identity": "bob@example.org",
    "channel": None,
    "policy": "pin",
    "default": "tofu",
}
CARD_SHOWN: dict[str, Any] = {
    "card": CARD,
    "identity": "alice@example.org",
    "device": "phone",
    "created_at_ms": 1_700_000_000_000,
    "fingerprint": "1111 2222",
    "state": "revoked",
    "trusted": False,
    "endorser": None,
    "predecessor": None,
}
DEVICE: dict[str, Any] = {
    "card": CARD,
    "device": "phone",
    "state": "unendorsed",
    "this": False,
    "fingerprint": "1111 2222",
    "created_at_ms": 1_700_000_000_000,
    "code": "11111 22222 33333 44444",
    "endorsers": [],
    "successor": None,
    "reason": None,
}
DEVICES: dict[str, Any] = {"devices": [DEVICE]}
LINKING: dict[str, Any] = {
    "identity": "alice@example.org",
    "card": CARD,
    "device": "phone",
    "waiting": True,
    "code": "11111 22222 33333 44444",
    "text": "peerpost-link-1:cc",
    "qr": ["101", "010", "111"],
    "png": "iVBORw==",
}
LISTED: dict[str, Any] = {"listed": 2, "verified": ["bob@example.org"]}


def member(identity: str, role: str = "member") -> dict[str, Any]:
    return {"identity": identity, "role": role, "cards": [CARD], "trusted": True}


CHANNEL: dict[str, Any] = {
    "channel": CHANNEL_ID,
    "name": "ops",
    "alias": None,
    "topic": "",
    "direct": False,
    "state": "active",
    "members": [member("alice@example.org", "owner"), member("bob@example.org")],
    "policies": {"post": "member", "add": "admin", "expire_after": None},
    "bans": [],
    "position": 7,
    "roster_position": 1,
    "created_at_ms": 1_700_000_000_000,
}
DIRECT = CHANNEL | {"channel": "e" * 64, "name": "bob@example.org", "direct": True}
DELIVERY: dict[str, Any] = {
    "message": ID,
    "channel": CHANNEL_ID,
    "to": None,
    "status": "queued",
    "reason": None,
    "sequence": None,
    "position": None,
    "queued_at_ms": 1_700_000_000_000,
    "sent_at_ms": None,
    "delivered_at_ms": None,
    "read_at_ms": None,
    "attempts": 0,
    "recipients": [
        {
            "identity": "bob@example.org",
            "card": CARD,
            "delivered": False,
            "read": False,
            "member": True,
        }
    ],
    "history": [{"status": "queued", "at_ms": 1_700_000_000_000, "reason": None}],
    "send_at_ms": None,
    "answers": [],
    "from": "alice@example.org",
}
MESSAGE: dict[str, Any] = {
    "message": ID,
    "cursor": 17,
    "channel": CHANNEL_ID,
    "channel_name": "ops",
    "from": "bob@example.org",
    "from_card": CARD,
    "mine": False,
    "kind": "text",
    "text": "the disk is full",
    "data": None,
    "media_type": None,
    "files": [],
    "reply_to": None,
    "sequence": 1,
    "position": 7,
    "sent_at_ms": 1_700_000_000_000,
    "received_at_ms": 1_700_000_000_001,
    "expires_at_ms": None,
    "status": None,
    "thread": None,
    "title": None,
    "priority": "default",
    "tags": [],
    "mentions": [],
    "markdown": False,
    "expects_reply": False,
    "answers": None,
    "edited_at_ms": None,
    "deleted_at_ms": None,
    "deleted_by": None,
    "imported": False,
    "reactions": [{"emoji": "+1", "identities": ["carol@example.org"]}],
}


ATTACHED: dict[str, Any] = {
    "file": 3,
    "name": "disk.png",
    "media_type": "image/png",
    "size": 5,
    "state": "here",
    "reason": None,
    "preview": True,
}
FILE: dict[str, Any] = ATTACHED | {
    "message": ID,
    "sha256": CARD,
    "mine": False,
    "done": 5,
    "preview": None,
}
WITH_FILES = MESSAGE | {"kind": "files", "text": "look", "files": [ATTACHED]}


CONSUMER: dict[str, Any] = {
    "consumer": "bot",
    "channels": None,
    "kinds": ["message"],
    "window": 10,
    "ack_seconds": 60.0,
    "max_attempts": 5,
    "cursor": 17,
    "behind": 3,
    "in_flight": 2,
    "deferred": 0,
    "dead_letters": 1,
    "lost": 0,
    "subscriptions": 1,
    "created_at_ms": 1_700_000_000_000,
    "acknowledged_at_ms": None,
}
DEAD_LETTER: dict[str, Any] = {
    "cursor": 4,
    "kind": "message",
    "at_ms": 1_700_000_000_000,
    "attempts": 5,
    "reason": "late",
    "data": MESSAGE,
}


def event(cursor: int, text: str = "the disk is full") -> dict[str, Any]:
    return {
        "subscription": 1,
        "cursor": cursor,
        "kind": "message",
        "at_ms": 1_700_000_000_000,
        "attempt": None,
        "data": MESSAGE | {"text": text, "cursor": cursor},
    }
