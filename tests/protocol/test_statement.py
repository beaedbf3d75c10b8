"""Statements: what they say, who signed them, and what they are never taken for."""

import pytest

from peerpost_protocol.errors import MalformedError, SignatureError
from peerpost_protocol.signing import (
    OPERATOR_STATEMENT_TYPE,
    STATEMENT_TYPE,
    Signed,
    identifier,
)
from peerpost_protocol.statement import (
    Endorse,
    Reason,
    Revoke,
    Succeed,
    open_operator_statement,
    parse_statement,
    sign_operator_statement,
    sign_statement,
    verify_statement,
)
from peerpost_protocol.wire import encode
from tests.support.identities import RELAY, begun, body
from tests.support.people import digest, person

ALICE, MALLORY = person("alice"), person("mallory")
BODY = body(begun(ALICE), ALICE.card.id, digest("phone"), Endorse())
SIGNED = sign_statement(ALICE.keys.signing, BODY)


@pytest.mark.parametrize("claim", [Endorse(), Revoke(Reason.LOST), Succeed()])
def test_a_signed_statement_opens_again(claim: Endorse | Revoke | Succeed) -> None:
    says = body(begun(ALICE), ALICE.card.id, digest("phone"), claim)
    claimed = parse_statement(sign_statement(ALICE.keys.signing, says))
    statement = verify_statement(claimed, ALICE.card)
    assert (statement.body, statement.operator) == (says, False)
    assert statement.id == identifier(STATEMENT_TYPE, claimed.signed.payload)


def test_a_statement_under_another_card_or_key_is_refused() -> None:
    with pytest.raises(SignatureError) as refused:
        verify_statement(parse_statement(SIGNED), MALLORY.card)
    assert refused.value.kind == "wrong_card"
    forged = sign_statement(MALLORY.keys.signing, BODY)
    with pytest.raises(SignatureError) as refused:
        verify_statement(parse_statement(forged), ALICE.card)
    assert refused.value.kind == "bad_signature"


def test_an_operators_statement_opens_with_the_relays_key_alone() -> None:
    says = body(begun(ALICE), RELAY.public, ALICE.card.id, Revoke(Reason.LOST))
    signed = sign_operator_statement(RELAY, says)
    statement = open_operator_statement(signed, RELAY.public)
    assert (statement.body, statement.operator) == (says, True)
    assert statement.id == identifier(OPERATOR_STATEMENT_TYPE, signed.payload)
    with pytest.raises(SignatureError):
        open_operator_statement(signed, MALLORY.keys.signing.public)
    with pytest.raises(SignatureError):
        open_operator_statement(Signed(signed.payload, bytes(64)), RELAY.public)


def test_a_cards_word_never_passes_for_the_operators_nor_the_other_way_round() -> None:
    says = body(begun(ALICE), RELAY.public, ALICE.card.id, Revoke(Reason.LOST))
    with pytest.raises(SignatureError):
        open_operator_statement(sign_statement(RELAY, says), RELAY.public)
    with pytest.raises(SignatureError):
        verify_statement(
            parse_statement(sign_operator_statement(ALICE.keys.signing, BODY)), ALICE.card
        )


@pytest.mark.parametrize(
    "claim", [("endorse", 1), ("revoke",), ("revoke", "because"), ("praise",), "endorse"]
)
def test_a_claim_outside_its_form_is_refused_by_name(claim: object) -> None:
    parts = (bytes(32), bytes(32), "a@b.c", 1, 1, bytes(32), claim)
    with pytest.raises(MalformedError) as refused:
        parse_statement(Signed(encode(parts), bytes(64)))
    assert str(refused.value.field).startswith("statement.claim")
