"""Which rows of expired envelopes go when, and what the relay still knows of them."""

import sqlite3

import pytest

from peerpost_protocol.envelope import Envelope, parse_envelope, verify_envelope
from peerpost_protocol.frames import Attestation
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.roster import Roster
from peerpost_relay import membership, publishing
from peerpost_relay.errors import RefusalError
from peerpost_relay.sqlite_store import expired
from peerpost_relay.sqlite_store.schema import MIGRATIONS, migrate
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from peerpost_relay.store import ROWS_BYTES, Channel
from tests.support.relay_client import Person

NOW = 1_000
EXPIRY = NOW + 10
FORGETTING = NOW + 1_000
WITHOUT_FORGETTING = MIGRATIONS.index(
    expired.SCHEMA
)  # the version whose expired items kept their rows


class Site:
    """Be a store with one channel, whose owner publishes."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        migrate(self.db)
        self.store = SqliteTransaction(self.db)
        self.alice = Person("alice@example.org")
        self.store.add_card(self.alice.card, Attestation.UNVERIFIED, NOW)
        self.roster: Roster
        self.roster, event = self.alice.create([])
        membership.submit(self.store, event, NOW, 10)

    @property
    def channel(self) -> Channel:
        channel = self.store.channel(self.roster.channel)
        assert channel is not None
        return channel

    @property
    def used(self) -> tuple[int, int]:
        usage = self.store.usage(self.channel.number, self.alice.card.identity)
        return usage.channel, usage.identity

    def envelope(self, text: str = "hello", *, expires_at_ms: int | None = EXPIRY) -> bytes:
        place = self.alice.place(self.roster, expires_at_ms=expires_at_ms)
        return self.alice.envelope(self.roster, text, place=place)

    def publish(self, data: bytes, now_ms: int = NOW) -> int:
        return publishing.publish(self.store, self._verified(data), data, now_ms).position

    def count(self, table: str) -> int:
        (count,) = self.db.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
        return int(count)

    def _verified(self, data: bytes) -> Envelope:
        return verify_envelope(parse_envelope(data), self.alice.card)


@pytest.fixture
def site() -> Site:
    return Site()


def test_an_expired_envelope_leaves_no_item_and_its_id_for_a_while(site: Site) -> None:
    site.publish(site.envelope())
    site.publish(site.envelope(expires_at_ms=None))
    assert site.store.expire(EXPIRY, FORGETTING, 100) == 1
    assert (site.count("items"), site.count("messages")) == (2, 2)
    assert site.store.forget(FORGETTING - 1, 100) == 0
    assert site.store.forget(FORGETTING, 100) == 1
    assert (site.count("messages"), site.count("chains")) == (1, 1)


def test_a_repetition_is_answered_with_its_position_after_the_expiry_too(site: Site) -> None:
    data = site.envelope()
    assert site.publish(data) == 2
    site.store.expire(EXPIRY, FORGETTING, 100)
    assert site.publish(data, EXPIRY) == 2


def test_a_repetition_of_what_was_forgotten_is_told_that_it_expired(site: Site) -> None:
    data = site.envelope()
    site.publish(data)
    site.publish(site.envelope(expires_at_ms=None))
    site.store.expire(EXPIRY, FORGETTING, 100)
    site.store.forget(FORGETTING, 100)
    with pytest.raises(RefusalError) as caught:
        site.publish(data, FORGETTING)
    assert caught.value.kind is Refusal.EXPIRED


def test_what_was_forgotten_is_not_stored_again_when_the_clock_goes_back(site: Site) -> None:
    data = site.envelope()
    site.publish(data)
    site.store.expire(EXPIRY, FORGETTING, 100)
    site.store.forget(FORGETTING, 100)
    with pytest.raises(RefusalError) as caught:
        site.publish(data, NOW)
    assert caught.value.kind is Refusal.OUT_OF_SEQUENCE


def test_each_row_counts_until_it_goes(site: Site) -> None:
    before = site.used
    data = site.envelope()
    site.publish(data)
    assert site.used == tuple(used + len(data) + ROWS_BYTES for used in before)
    site.store.expire(EXPIRY, FORGETTING, 100)
    assert site.used == tuple(used + ROWS_BYTES for used in before)
    site.store.forget(FORGETTING, 100)
    assert site.used == before


def test_a_batch_is_bounded_in_envelopes_and_in_bytes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        site.publish(site.envelope("x" * 1_000))
    assert site.store.expire(EXPIRY, FORGETTING, 2) == 2
    monkeypatch.setattr(expired, "EXPIRED_BYTES_MAX", 1)
    assert site.store.expire(EXPIRY, FORGETTING, 100) == 1
    assert site.store.forget(FORGETTING, 2) == 2


def test_readers_are_told_of_what_is_gone(site: Site) -> None:
    site.publish(site.envelope())
    site.publish(site.envelope(expires_at_ms=None))
    site.store.expire(EXPIRY, FORGETTING, 100)
    assert (site.channel.last, site.channel.lost) == (3, 2)
    items, reached = site.store.items(site.channel.number, 0, 3, 10, 10_000)
    assert ([item.position for item in items], reached) == ([1, 3], 3)


def test_the_rows_take_no_more_than_they_count_for(site: Site) -> None:
    """Measured with many, in pages of the database: bodies of nothing would be a store of rows."""
    data = [site.envelope() for _ in range(2_000)]
    (before,) = site.db.execute("PRAGMA page_count").fetchone()
    for one in data:
        site.publish(one)
    (after,) = site.db.execute("PRAGMA page_count").fetchone()
    (page,) = site.db.execute("PRAGMA page_size").fetchone()
    assert (after - before) * page < sum(len(one) + ROWS_BYTES for one in data)


def test_a_store_of_before_loses_its_emptied_items_and_counts_anew() -> None:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for script in MIGRATIONS[:WITHOUT_FORGETTING]:
        assert isinstance(script, str)
        db.executescript(script)
    db.execute(f"PRAGMA user_version={WITHOUT_FORGETTING}")
    db.executescript("""
        INSERT INTO cards VALUES (7, x'07', 'alice@example.org', x'', x'', 'unverified', 1, NULL);
        INSERT INTO items VALUES (1, 1, 1, 0, 5, NULL, x'0102'), (2, 1, 2, 1, 5, 9, NULL),
            (3, 1, 3, 1, 5, NULL, x'010203');
        INSERT INTO events VALUES (x'0e', 1, 0, 1);
        INSERT INTO messages VALUES (1, 7, x'02', x'', 2), (1, 7, x'03', x'', 3);
    """)
    migrate(db)
    rows = db.execute("SELECT position, forget_at_ms FROM messages ORDER BY position").fetchall()
    assert rows == [(2, 9 + 7 * 86_400_000), (3, None)]
    assert db.execute("SELECT position FROM items ORDER BY position").fetchall() == [(1,), (3,)]
    usage = SqliteTransaction(db).usage(1, "alice@example.org")
    assert (usage.channel, usage.identity) == (5 + 3 * ROWS_BYTES, 3 + 2 * ROWS_BYTES)
