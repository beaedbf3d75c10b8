"""A queue beside a dumb oracle: whatever happens when, nothing is lost and nothing that is done with comes again.

The oracle keeps what was said and what was done with as sets. The vault is closed and opened again in the middle, as
after a kill: what is committed is all there is.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from peerpost_daemon.event_data import DaemonData, LinkData
from peerpost_daemon.records import consumers, events, held, schema
from peerpost_daemon.records.consumers import Terms
from peerpost_daemon.records.event_pages import Filter
from peerpost_daemon.records.held import Flight
from peerpost_daemon.vault.connection import WRITER, connect
from peerpost_daemon.vault.migrations import migrate

KEY = bytes(32)
WINDOW, ATTEMPTS = 3, 3
TERMS = Terms(Filter(kinds=frozenset({"daemon"})), WINDOW, ack_ms=1000, max_attempts=ATTEMPTS)
choices = strategies.randoms(use_true_random=False)


def _flies(machine: "QueueBesideOracle") -> bool:
    return bool(machine.flying)


def _has_dead(machine: "QueueBesideOracle") -> bool:
    return bool(machine.dead)


class QueueBesideOracle(RuleBasedStateMachine):
    """Say, take, answer, fail, defer, requeue and restart in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.now = 1_000
        self._open()
        consumers.add(self.db, "bot", 0, TERMS, self.now)
        self.said: set[int] = set()
        self.done: set[int] = set()
        self.dead: set[int] = set()
        self.deferred: dict[int, int] = {}
        self.flying: dict[int, int] = {}
        self.attempts: dict[int, int] = {}
        self.newest_taken = 0

    def teardown(self) -> None:
        self.db.close()
        self.folder.cleanup()

    @rule(wanted=strategies.booleans())
    def say(self, wanted: bool) -> None:
        if wanted:
            events.add(self.db, "daemon", self.now, DaemonData("x", None))
            self.said.add(events.newest(self.db))
        else:
            events.add(self.db, "link", self.now, LinkData("online", None))

    @rule(room=strategies.integers(1, WINDOW))
    def take(self, room: int) -> None:
        flights = held.take(self.db, self._consumer(), room, self.now)
        assert len(flights) <= room
        cursors = [flight.cursor for flight in flights]
        assert cursors == sorted(set(cursors)), "in order, each once"
        for flight in flights:
            self._check_taken(flight)
        due = {
            c
            for c in self._open_events() - self.flying.keys()
            if self.deferred.get(c, 0) <= self.now
        }
        assert len(flights) == room or not due, "nothing that may be taken is left out"

    def _check_taken(self, flight: Flight) -> None:
        cursor = flight.cursor
        assert cursor in self._open_events() - self.flying.keys()
        assert self.deferred.pop(cursor, 0) <= self.now
        assert flight.attempt == self.attempts.get(cursor, 0) + 1
        if flight.attempt == 1 and cursor not in self.attempts:
            assert cursor > self.newest_taken, "new ones come in their order"
            self.newest_taken = cursor
        self.attempts[cursor] = self.flying[cursor] = flight.attempt

    @precondition(_flies)
    @rule(choice=choices)
    def finish(self, choice: object) -> None:
        cursor = self._one(choice)
        assert held.done(self.db, "bot", cursor)
        self.done.add(cursor)
        del self.flying[cursor]

    @precondition(_flies)
    @rule(choice=choices, delay=strategies.integers(0, 50))
    def defer(self, choice: object, delay: int) -> None:
        cursor = self._one(choice)
        state = held.defer(self.db, self._consumer(), cursor, delay_ms=delay, now_ms=self.now)
        self._failed(cursor, state)
        if state == "waiting":
            self.deferred[cursor] = self.now + delay

    @precondition(_flies)
    @rule(choice=choices)
    def expire(self, choice: object) -> None:
        cursor = self._one(choice)
        late = Flight(cursor, self.flying[cursor] - 1)
        assert held.expire(self.db, self._consumer(), late, "late") is None, "an older delivery"
        flight = Flight(cursor, self.flying[cursor])
        self._failed(cursor, held.expire(self.db, self._consumer(), flight, "late"))

    @precondition(_flies)
    @rule(choice=choices)
    def put_back(self, choice: object) -> None:
        cursor = self._one(choice)
        held.put_back(self.db, "bot", [Flight(cursor, self.flying.pop(cursor))])
        self.attempts[cursor] -= 1

    @rule(ms=strategies.integers(1, 40))
    def wait(self, ms: int) -> None:
        self.now += ms

    @precondition(_has_dead)
    @rule()
    def requeue(self) -> None:
        assert held.requeue(self.db, "bot", None) == len(self.dead)
        self.attempts.update(dict.fromkeys(self.dead, 0))
        self.dead.clear()

    @precondition(_has_dead)
    @rule()
    def discard(self) -> None:
        cursor = min(self.dead)
        assert held.discard(self.db, "bot", cursor) == 1
        self.dead.discard(cursor)
        self.done.add(cursor)

    @rule()
    def restart(self) -> None:
        self.db.close()
        self._open()
        held.wake_up(self.db, self.now)
        for cursor, attempt in self.flying.items():
            if attempt >= ATTEMPTS:
                self.dead.add(cursor)
        self.flying.clear()

    @invariant()
    def the_cursor_is_where_the_oracle_says(self) -> None:
        first = min(self._open_events(), default=None)
        cursor = held.cursor_of(self.db, self._consumer())
        assert first is None or cursor < first

    @invariant()
    def the_counts_are_what_the_oracle_says(self) -> None:
        found = held.summary(self.db, "bot")
        assert (found.flying, found.dead) == (len(self.flying), len(self.dead))
        letters = held.dead_letters(self.db, "bot", 0, 1_000)
        assert {letter.cursor for letter in letters} == self.dead

    def _failed(self, cursor: int, state: str | None) -> None:
        dead = self.flying.pop(cursor) >= ATTEMPTS
        assert state == ("dead" if dead else "waiting")
        if dead:
            self.dead.add(cursor)

    def _open_events(self) -> set[int]:
        return self.said - self.done - self.dead

    def _one(self, choice: object) -> int:
        chosen: int = choice.choice(sorted(self.flying))  # type: ignore[attr-defined]
        return chosen

    def _consumer(self) -> consumers.Consumer:
        found = consumers.find(self.db, "bot")
        assert found is not None
        return found

    def _open(self) -> None:
        self.db = connect(Path(self.folder.name) / "vault.db", KEY, WRITER)
        self.db.execute("PRAGMA synchronous = OFF")  # it is closed, no power fails
        migrate(self.db, schema.MIGRATIONS)


TestQueueBesideOracle = QueueBesideOracle.TestCase
TestQueueBesideOracle.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
