"""Cards and tokens: who may publish, and what stands behind it."""

import os
import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerpost_protocol.errors import MalformedError
from peerpost_protocol.frames import Attestation
from peerpost_protocol.limits import MAX_TOKEN_CHARACTERS
from peerpost_protocol.refusals import Refusal
from peerpost_relay import directory, tokens
from peerpost_relay.errors import RefusalError
from peerpost_relay.sqlite_store.schema import migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from tests.support.operating import revoking
from tests.support.relay_client import Person

NOW = 1_000_000
TOKEN = "pp_token"


@pytest.fixture
def store() -> Iterator[SqliteTransaction]:
    db = sqlite3.connect(":memory:", isolation_level=None)
    migrate(db)
    yield SqliteTransaction(db)
    db.close()


@pytest.fixture
def alice() -> Person:
    return Person("alice@example.org")


def publish(
    store: SqliteTransaction, person: Person, token: str | None = None, *, needed: bool = True
) -> None:
    without = Refusal.TOKEN_REQUIRED if needed else None
    directory.publish_card(store, person.card, token, NOW, without=without)


def add_token(
    store: SqliteTransaction,
    pattern: str = "*@example.org",
    expires_at_ms: int | None = None,
    uses: int | None = None,
) -> int:
    return store.add_token(tokens.digest_of(TOKEN), pattern, NOW, expires_at_ms, uses)


def refused(store: SqliteTransaction, person: Person, token: str | None) -> Refusal:
    with pytest.raises(RefusalError) as caught:
        publish(store, person, token)
    return caught.value.kind


def test_a_live_token_for_the_identity_authorises_the_card(
    store: SqliteTransaction, alice: Person
) -> None:
    add_token(store)
    publish(store, alice, TOKEN)
    (record,) = directory.search(store, (alice.card.identity,))
    assert record.attestation is Attestation.AUTHORIZED
    assert record.card == alice.card.signed


def test_without_a_token_nothing_is_published(store: SqliteTransaction, alice: Person) -> None:
    assert refused(store, alice, None) is Refusal.TOKEN_REQUIRED
    assert directory.search(store, (alice.card.identity,)) == ()


def test_an_open_relay_takes_an_unverified_card(store: SqliteTransaction, alice: Person) -> None:
    publish(store, alice, needed=False)
    (record,) = directory.search(store, (alice.card.identity,))
    assert record.attestation is Attestation.UNVERIFIED


def test_an_unknown_token_is_refused(store: SqliteTransaction, alice: Person) -> None:
    assert refused(store, alice, "pp_guess") is Refusal.TOKEN_REFUSED


def test_a_token_for_others_is_refused(store: SqliteTransaction, alice: Person) -> None:
    add_token(store, "*@example.com")
    assert refused(store, alice, TOKEN) is Refusal.TOKEN_REFUSED


def test_an_expired_token_is_refused(store: SqliteTransaction, alice: Person) -> None:
    add_token(store, expires_at_ms=NOW)
    assert refused(store, alice, TOKEN) is Refusal.TOKEN_REFUSED


def test_a_revoked_token_is_refused(store: SqliteTransaction, alice: Person) -> None:
    store.revoke_token(add_token(store), NOW)
    assert refused(store, alice, TOKEN) is Refusal.TOKEN_REFUSED


def test_a_token_is_used_up(store: SqliteTransaction, alice: Person) -> None:
    add_token(store, uses=1)
    publish(store, alice, TOKEN)
    assert refused(store, Person("bob@example.org"), TOKEN) is Refusal.TOKEN_REFUSED


def test_the_same_card_again_needs_no_token(store: SqliteTransaction, alice: Person) -> None:
    add_token(store, uses=1)
    publish(store, alice, TOKEN)
    publish(store, alice)


def test_a_second_card_of_an_identity_is_refused(store: SqliteTransaction, alice: Person) -> None:
    add_token(store)
    publish(store, alice, TOKEN)
    assert refused(store, Person("alice@example.org"), TOKEN) is Refusal.IDENTITY_TAKEN


def test_a_revoked_card_stays_revoked_and_frees_the_identity(
    store: SqliteTransaction, alice: Person
) -> None:
    add_token(store)
    publish(store, alice, TOKEN)
    revoking(alice.card, NOW)(store)
    assert refused(store, alice, TOKEN) is Refusal.CARD_REVOKED
    publish(store, Person("alice@example.org"), TOKEN)
    assert [record.revoked_at_ms for record in store.records([alice.card.id])] == [NOW]


def test_only_the_digest_of_a_token_is_stored(store: SqliteTransaction) -> None:
    add_token(store)
    assert TOKEN not in "\n".join(store._db.iterdump())


def test_a_made_token_fits_its_field_and_its_prefix_says_what_it_is() -> None:
    token = tokens.make_token(os.urandom(tokens.TOKEN_BYTES))
    assert token.startswith("pp_")
    assert len(token) <= MAX_TOKEN_CHARACTERS


@pytest.mark.parametrize(
    ("pattern", "identity", "fits"),
    [
        ("alice@example.org", "alice@example.org", True),
        ("alice@example.org", "malice@example.org", False),
        ("*", "anybody@anywhere", True),
        ("*@example.org", "alice@example.org", True),
        ("*@example.org", "alice@example.org.evil.com", False),
        ("*@example.org", "alice@badexample.org", False),
        ("a*@*.org", "alice@example.org", True),
        ("a*a", "a", False),
        ("backup@*", "backup@db1.example.org", True),
    ],
)
def test_a_star_stands_for_anything_and_the_rest_for_itself(
    pattern: str, identity: str, *, fits: bool
) -> None:
    assert tokens.matches(pattern, identity) is fits


@given(parts=st.lists(st.text("ab@", max_size=3), min_size=1, max_size=4), fill=st.text("ab"))
def test_a_pattern_fits_whatever_its_stars_are_replaced_with(parts: list[str], fill: str) -> None:
    assert tokens.matches("*".join(parts), fill.join(parts))


@pytest.mark.parametrize("text", ["nobody", "*@exa mple.org", "*\nx", "a" * 255 + "*"])
def test_a_pattern_that_fits_no_identity_is_refused(text: str) -> None:
    with pytest.raises(MalformedError):
        tokens.pattern_of(text)
