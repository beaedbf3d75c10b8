"""The store of files: what nobody needs goes, what is under way stays, and there is a bound."""

import os
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.files.keeping import Keeping, make_room
from peerpost_daemon.records.files import FileState
from tests.support.accounts import account, now_ms
from tests.support.filing import all_files, on_disk

NOWHERE = "ws://127.0.0.1:9"


async def test_leftovers_go_and_drafts_and_copies_stay(tmp_path: Path) -> None:
    async with account(tmp_path, "alice@example.org", NOWHERE) as alice:
        await alice.send("bob@example.org", "", files=[b"kept"])
        draft = alice.draft(b"not sent yet")
        alice.folder.part("0" * 32).close()
        (kept,) = await alice.read(all_files)
        await Keeping(alice.database, alice.folder, now_ms=now_ms).look()
        assert on_disk(alice) == sorted([kept.stored, draft.stored])


async def test_the_copy_goes_with_its_message(tmp_path: Path) -> None:
    async with account(tmp_path, "alice@example.org", NOWHERE) as alice:
        await alice.send("bob@example.org", "", files=[b"gone"])
        await alice.database.write(lambda db: db.execute("DELETE FROM message").rowcount)
        await Keeping(alice.database, alice.folder, now_ms=now_ms).look()
        assert (await alice.read(all_files), on_disk(alice)) == ([], [])


async def test_copies_that_the_relay_has_give_way_and_others_do_not(tmp_path: Path) -> None:
    async with account(tmp_path, "alice@example.org", NOWHERE) as alice:
        await alice.send("bob@example.org", "", files=[os.urandom(100)])
        with pytest.raises(DaemonError) as full:
            await make_room(alice.database, alice.folder, 1, 100)
        assert full.value.kind == "files_full"
        await alice.database.write(lambda db: db.execute("UPDATE file SET state = 'here'").rowcount)
        await make_room(alice.database, alice.folder, 1, 100)
        assert [file.state for file in await alice.read(all_files)] == [FileState.GONE]
        assert on_disk(alice) == []
