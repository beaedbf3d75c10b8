"""A wall clock jumps an hour or a year, at either end or the relay: only what is shown changes, and what expires.

Everything that waits, repeats, bounds a rate or gives up goes by clocks that do not jump; where the wall clock is
read at all stands in READERS. What ages by both is in outbound/test_ageing and test_pruning, the relay's expiry in
tests/relay/test_expired.
"""

import ast
from pathlib import Path

import pytest

import peerpost_daemon
import peerpost_protocol
import peerpost_relay
from peerpost_daemon.bell import Bell
from peerpost_daemon.records import messages, schema
from peerpost_daemon.tidying import Tidying
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.vault.database import Database
from tests.daemon.methods.house import BOB as SENDER
from tests.daemon.methods.house import message_by
from tests.support.accounts import account, now_ms
from tests.support.people import NOW_MS, digest
from tests.support.relay_server import running_relay

ALICE, BOB = "alice@example.org", "bob@example.org"
YEAR_MS, HOUR_MS = 365 * 86_400_000, 3_600_000


class Wall:
    """Be a wall clock that can be set."""

    def __init__(self) -> None:
        self.off_ms = 0

    def __call__(self) -> int:
        return now_ms() + self.off_ms


@pytest.mark.parametrize("jump_ms", [YEAR_MS, -YEAR_MS, HOUR_MS, -HOUR_MS])
@pytest.mark.parametrize("end", ["sender", "receiver", "relay"])
async def test_a_conversation_goes_on_whatever_the_clocks_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, jump_ms: int
) -> None:
    walls = {"sender": Wall(), "receiver": Wall(), "relay": Wall()}
    async with running_relay(tmp_path / "relay", clock=walls["relay"]) as relay:
        monkeypatch.setattr("tests.support.accounts.now_ms", walls["sender"])
        async with account(tmp_path / ALICE, ALICE, relay.url) as alice:
            monkeypatch.setattr("tests.support.accounts.now_ms", walls["receiver"])
            async with account(tmp_path / BOB, BOB, relay.url) as bob:
                monkeypatch.setattr("tests.support.accounts.now_ms", walls["sender"])
                await alice.online()
                await bob.online()
                channel = await alice.channel("ops", BOB)
                await bob.follows(channel)
                await alice.outgoing(await alice.send(channel, "before"), "delivered")
                walls[end].off_ms = jump_ms
                await alice.outgoing(await alice.send(channel, "after"), "delivered")
                for one in (alice, bob):
                    one.engine._link.reconnect()
                    await one.told("link", state="online")
                await alice.outgoing(await alice.send(channel, "again"), "delivered")
                walls[end].off_ms = 0
                await alice.outgoing(await alice.send(channel, "back"), "delivered")
                await bob.shows(channel, "before", "after", "again", "back")
                assert await bob.reasons() == await alice.reasons() == []


READERS = {
    "peerpost_daemon/daemon.py": "given to all parts: times that are shown, and expiry",
    "peerpost_daemon/hooks/webhook.py": "the time that a webhook's signature names",
    "peerpost_relay/relay.py": "given to all parts: times that are shown, and expiry",
    "peerpost_relay/mail.py": "the date of a letter",
    "peerpost_relay/tls.py": "when a certificate expires",
    "peerpost_relay/doctor/certificate.py": "when a certificate expires",
}
WALL = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}


def test_the_wall_clock_is_read_in_known_places_alone() -> None:
    found = set()
    for package in (peerpost_daemon, peerpost_relay, peerpost_protocol):
        (folder,) = map(Path, package.__path__)
        for path in folder.rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text()))
            if any(isinstance(node, ast.Attribute) and ast.unparse(node) in WALL for node in nodes):
                found.add(str(path.relative_to(folder.parent)))
    assert found == set(READERS)


@pytest.mark.parametrize(
    ("off_ms", "left"),
    [
        (0, ["for good", "for an hour"]),
        (HOUR_MS, ["for good"]),
        (YEAR_MS, ["for good"]),
        (-HOUR_MS, ["for good", "for an hour"]),
        (-YEAR_MS, ["for good", "for an hour"]),
    ],
)
async def test_expiry_goes_by_the_wall_clock_and_comes_when_that_is_right_again(
    tmp_path: Path, off_ms: int, left: list[str]
) -> None:
    database = await Database.open(tmp_path / "vault.db", bytes(32), schema.MIGRATIONS)
    wall_ms = NOW_MS + off_ms
    tidying = Tidying(database, Bell(), now_ms=lambda: wall_ms)
    for text, expires_at_ms in (("for good", None), ("for an hour", NOW_MS + HOUR_MS)):
        message = message_by(SENDER, digest("ops"), text, expires_at_ms=expires_at_ms)
        await database.write(lambda db, said=message: messages.add(db, said))  # type: ignore[misc]
    await tidying.look()
    assert await database.read(_texts) == left
    wall_ms = NOW_MS + HOUR_MS
    await tidying.look()
    assert await database.read(_texts) == ["for good"]
    await database.close()


def _texts(db: SqlConnection) -> list[str]:
    return [row[0].decode() for row in db.execute("SELECT body FROM message ORDER BY cursor")]
