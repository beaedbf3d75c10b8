"""What runs with every message stays compiled; `vault/connection.py` says how."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlcipher3 import dbapi2

from peerpost_daemon.records import event_pages
from peerpost_daemon.records.event_pages import Filter
from tests.support.accounts import account
from tests.support.relay_server import running_relay

MESSAGES = 10


async def test_no_statement_of_a_message_binds_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: Counter[str] = Counter()

    class Recording(dbapi2.Connection):  # type: ignore[misc]  # sqlcipher3 has no stubs
        def execute(self, sql: str, *values: Any) -> Any:
            executed[sql] += 1
            return super().execute(sql, *values)

    monkeypatch.setattr(dbapi2, "connect", partial(dbapi2.connect, factory=Recording))
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
    ):
        await alice.online()
        await bob.online()
        channel = await alice.channel("ops", bob.identity)
        executed.clear()
        for number in range(MESSAGES):
            sent = await alice.send(channel, f"message {number}")
            await alice.outgoing(sent, "delivered")
            await bob.read(
                lambda db: event_pages.page(db, 0, Filter(), limit=9, limit_bytes=10_000)
            )
    often = {sql for sql, times in executed.items() if times >= MESSAGES}
    assert any("FROM outbox" in sql for sql in often)
    assert any("FROM event" in sql for sql in often)
    assert {sql for sql in often if "LIMIT ?" in sql} == set()
