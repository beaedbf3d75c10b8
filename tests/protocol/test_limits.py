"""Limits: they fit into one another, and every field of the wire has one."""

from typing import get_args

import pytest

from peerpost_protocol import (
    backup,
    content,
    envelope,
    limits,
    receipt,
    roster,
    statement,
)
from peerpost_protocol.card import CardBody
from peerpost_protocol.frames import ClientFrame, RelayFrame
from peerpost_protocol.padding import padded_length
from tests.support.wire_values import largest

TYPES = [
    *get_args(ClientFrame),
    *get_args(RelayFrame),
    *get_args(content.Body),
    *get_args(roster.Change),
    CardBody,
    content.Content,
    envelope.Header,
    envelope.EnvelopeParts,
    envelope.Wrap,
    envelope.WrapContext,
    receipt.ReceiptBody,
    backup.BackupLock,
    backup.BackupHeader,
    *get_args(backup.BackupRecord),
    roster.RosterEventBody,
    statement.StatementBody,
]


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.__name__)
def test_every_field_has_a_bound(type_: type) -> None:
    assert largest(type_) > 0


def test_a_card_and_a_header_fit_their_bounds() -> None:
    assert largest(CardBody) - 3 * limits.MAX_IDENTITY_CHARACTERS <= limits.MAX_CARD  # ASCII
    assert (
        largest(statement.StatementBody) - 3 * limits.MAX_IDENTITY_CHARACTERS
        <= limits.MAX_STATEMENT
    )
    assert largest(envelope.Header) <= limits.MAX_HEADER


def test_a_lock_and_a_header_of_a_backup_fit_their_bounds() -> None:
    assert largest(backup.BackupLock) <= limits.MAX_BACKUP_LOCK
    assert largest(backup.BackupHeader) <= limits.MAX_BACKUP_HEADER


def test_a_stored_backup_has_room_for_all_its_parts() -> None:
    assert limits.MAX_BACKUP_PARTS * limits.MAX_BACKUP_PART >= limits.MAX_BACKUP


def test_the_fullest_envelope_fits_its_bound() -> None:
    wraps = limits.MAX_RECIPIENT_CARDS * largest(envelope.Wrap)
    ciphertext = padded_length(limits.MAX_CONTENT) + 40
    assert limits.MAX_HEADER + wraps + ciphertext + 100 <= limits.MAX_ENVELOPE


def test_a_text_and_data_fit_a_content() -> None:
    head = largest(content.Content) - max(map(largest, get_args(content.Body)))
    assert limits.MAX_TEXT + head + 200 <= limits.MAX_CONTENT
    assert limits.MAX_DATA + head + 200 <= limits.MAX_CONTENT


def test_the_fullest_files_fit_a_content() -> None:
    head = largest(content.Content) - max(map(largest, get_args(content.Body)))
    assert largest(content.Files) + head <= limits.MAX_CONTENT


def test_signed_statements_fit_where_they_travel() -> None:
    statements = (limits.MAX_CARD, limits.MAX_ROSTER_EVENT, limits.MAX_RECEIPT)
    assert max(statements) <= limits.MAX_SIGNED
    assert limits.MAX_SIGNED + 100 <= limits.MAX_ENVELOPE  # an event is the body of an item


def test_a_message_holds_an_envelope_and_json_holds_a_counter() -> None:
    assert limits.MAX_ENVELOPE < limits.MAX_FRAME
    assert int(float(limits.MAX_COUNTER)) == limits.MAX_COUNTER
