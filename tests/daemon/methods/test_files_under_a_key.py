"""Idempotency keys with files: the same again is the same message, and leaves no second copy."""

from pathlib import Path

from peerpost_daemon.files.keeping import Keeping
from peerpost_daemon.vault.connection import SqlConnection
from tests.daemon.methods.house import BOB, House
from tests.support.people import NOW_MS


def _stored(db: SqlConnection) -> list[str]:
    return [name for (name,) in db.execute("SELECT stored FROM file").fetchall()]


def params(*files: Path) -> dict[str, object]:
    paths = [str(file) for file in files]
    return {"to": BOB.identity, "text": "look", "files": paths, "idempotency_key": "k"}


async def test_a_key_gives_the_first_message_with_its_files_again(
    alice: House, tmp_path: Path
) -> None:
    report, log = tmp_path / "report.txt", tmp_path / "log.txt"
    report.write_text("all is well")
    log.write_text("nothing happened")
    first = await alice.result("message.send", **params(report, log))
    again = await alice.result("message.send", **params(report, log))
    assert again == first
    assert len(await alice.waiting()) == 1
    folder = alice.daemon.files.folder
    await Keeping(alice.daemon.database, folder, now_ms=lambda: NOW_MS).look()
    stored = await alice.daemon.read(_stored)
    assert len(stored) == 2
    assert sorted(folder.names()) == sorted(stored)


async def test_a_key_is_for_these_files(alice: House, tmp_path: Path) -> None:
    report, other = tmp_path / "report.txt", tmp_path / "other.txt"
    report.write_text("all is well")
    other.write_text("all is well")
    await alice.result("message.send", **params(report))
    for changed in (params(other), params(), params(report, report)):
        error = await alice.error("message.send", **changed)
        assert (error["kind"], error["field"]) == ("invalid_params", "idempotency_key")
    report.write_text("nothing is well")
    error = await alice.error("message.send", **params(report))
    assert error["field"] == "idempotency_key"
    assert len(await alice.waiting()) == 1
