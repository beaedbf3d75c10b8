"""A member names another's file in a message of hers and has an admin delete that: the other's file shall go with it.

The relay removes what an admin's daemon asks it to remove. That asks for the files of what it deletes, unless somebody
else has sent them as well.
"""

from pathlib import Path

from msgspec.structs import replace

from peerpost_daemon.records import changes, files, messages, unwanted_blobs
from peerpost_daemon.records.files import FileState
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_protocol.content import File
from tests.attacks.scene import MALLORY, fresh_id
from tests.daemon.files.test_transfers import DATA
from tests.support.accounts import account, now_ms
from tests.support.filing import all_files, file_in
from tests.support.relay_server import running_relay


def _name_it_too(db: SqlConnection) -> int:
    """Let mallory's message name the one file that is here; return its cursor."""
    (file,) = all_files(db)
    theirs = messages.at(db, file.message)
    assert theirs is not None
    hers = replace(theirs.message, id=fresh_id(), card=bytes(32), identity=MALLORY)
    cursor = messages.add(db, hers)
    assert cursor is not None
    named = File(file.blob, file.key, file.size, file.sha256, "spam.png", "image/png", None)
    files.add(db, cursor, named, "0" * 32, state=FileState.OFFERED, mine=False)
    return cursor


async def test_an_admin_who_deletes_her_message_leaves_the_others_file(tmp_path: Path) -> None:
    async with (
        running_relay(tmp_path / "relay") as relay,
        account(tmp_path / "bob", "bob@example.org", relay.url) as bob,
        account(tmp_path / "alice", "alice@example.org", relay.url) as alice,
    ):
        await bob.online()
        await alice.online()
        channel = await alice.channel("ops", "bob@example.org")
        await bob.follows(channel)
        await bob.send(channel, "look", files=[DATA])
        await file_in(alice, FileState.HERE)
        hers = await alice.database.write(_name_it_too)
        await alice.database.write(lambda db: changes.erase(db, hers, alice.identity, now_ms()))
        assert await alice.read(unwanted_blobs.oldest) is None
        assert len(list((relay.folder / "blobs").iterdir())) == 1
