"""The typed dictionaries describe the objects that the tests' daemon answers with."""

from __future__ import annotations

from typing import Any, is_typeddict

import pytest

from peerpost import types
from tests.client import samples
from tests.client.answers import ANSWERS

PAIRS = [
    (types.Account, samples.ACCOUNT),
    (types.Backup, samples.BACKUP),
    (types.StoredBackup, samples.STORED_BACKUP),
    (types.BackupFetch, samples.STORED_BACKUP["fetches"][0]),
    (types.BackupVersion, {"version": 3}),
    (types.Restored, samples.RESTORED),
    (types.Status, samples.STATUS),
    (types.Relay, samples.STATUS["relay"]),
    (types.Outbox, samples.STATUS["outbox"]),
    (types.Health, samples.HEALTH),
    (types.HealthLink, samples.HEALTH["link"]),
    (types.Backlog, samples.HEALTH["outbox"]),
    (types.Lag, samples.HEALTH["consumers"][0]),
    (types.Storage, samples.HEALTH["storage"]),
    (types.Alarm, samples.HEALTH["alarms"][0]),
    (types.Finding, samples.HEALTH["findings"][0]),
    (types.Diagnosis, samples.DIAGNOSIS),
    (types.Check, samples.DIAGNOSIS["checks"][0]),
    (types.Contact, samples.CONTACT),
    (types.ContactCard, samples.CONTACT["cards"][0]),
    (types.SafetyNumber, samples.SAFETY_NUMBER),
    (types.PolicySet, samples.POLICY_SET),
    (types.Listed, samples.LISTED),
    (types.CardShown, samples.CARD_SHOWN),
    (types.Device, samples.DEVICE),
    (types.Devices, samples.DEVICES),
    (types.Linking, samples.LINKING),
    (types.Channel, samples.CHANNEL),
    (types.Member, samples.CHANNEL["members"][0]),
    (types.Delivery, samples.DELIVERY),
    (types.Recipient, samples.DELIVERY["recipients"][0]),
    (types.Step, samples.DELIVERY["history"][0]),
    (types.Message, samples.MESSAGE),
    (types.Reaction, samples.MESSAGE["reactions"][0]),
    (types.ImportedCount, ANSWERS["message.import"]),
    (types.Kept, ANSWERS["message.retention"]),
    (types.Found, ANSWERS["message.search"]),
    (types.Messages, ANSWERS["message.list"]),
    (types.Attached, samples.ATTACHED),
    (types.File, samples.FILE),
    (types.Draft, ANSWERS["file.begin"]),
    (types.FilePiece, ANSWERS["file.read"]),
    (types.Saved, ANSWERS["file.save"]),
    (types.Consumer, samples.CONSUMER),
    (types.DeadLetter, samples.DEAD_LETTER),
    (types.Event, samples.event(1) | {"consumer": None}),
]


@pytest.mark.parametrize(("described", "answer"), PAIRS)
def test_a_type_names_each_field(described: Any, answer: dict[str, object]) -> None:
    assert is_typeddict(described)
    assert set(described.__annotations__) == set(answer)
