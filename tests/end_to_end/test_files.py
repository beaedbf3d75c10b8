"""Files through real processes and the command line, from a path and from standard input to a folder."""

import os
from pathlib import Path

import pytest

from tests.support.site import Site

LARGE = os.urandom(1_500_000)


async def test_files_are_sent_and_saved_by_the_command_line(tmp_path: Path) -> None:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        alice, bob = await site.members("alice", "bob")
        source, target = tmp_path / "disk.bin", tmp_path / "target"
        source.write_bytes(LARGE)
        target.mkdir()
        sent = await alice.peerpost(
            "send", bob.identity, "look", "--file", str(source), "--file", "-", "--wait", "delivered",
            stdin=b"from a pipe",
        )  # fmt: skip
        assert (sent.code, sent.err) == (0, "")
        message = sent.out.strip()
        saved = await bob.peerpost("save", message, "--to", str(target))
        assert (saved.code, saved.err) == (0, "")
        assert (target / "disk.bin").read_bytes() == LARGE
        assert (target / "stdin").read_bytes() == b"from a pipe"
        again = await bob.peerpost("save", message, "--to", str(target))
        assert again.code == 1
        assert "already" in again.err
        shown = await bob.peerpost("log", alice.identity)
        assert "look [disk.bin, 1.4 MiB] [stdin, 11 B]" in shown.out


async def test_an_upload_survives_the_sender_and_the_relay(tmp_path: Path) -> None:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        alice, bob = await site.members("alice", "bob")
        await alice.client.send(to=bob.identity, text="warm", wait="delivered")
        await site.relay.process.kill()
        source = tmp_path / "disk.bin"
        source.write_bytes(LARGE)
        sent = await alice.client.send(to=bob.identity, files=[str(source)])
        source.unlink()
        await alice.restart()
        await site.relay.start()
        told = await bob.event("file", state="here")
        piece = await bob.client.file_read(told["data"]["file"], 0, length=10)
        assert piece["size"] == len(LARGE)
        assert (await alice.client.message_status(sent["message"]))["status"] != "failed"


@pytest.mark.parametrize("what", ["missing", "folder"])
async def test_what_cannot_be_read_is_said_and_nothing_is_sent(tmp_path: Path, what: str) -> None:
    async with Site(tmp_path / "site") as site:
        await site.relay.start()
        alice, bob = await site.members("alice", "bob")
        path = tmp_path if what == "folder" else tmp_path / "missing"
        done = await alice.peerpost("send", bob.identity, "--file", str(path))
        assert done.code == 1
        assert "cannot be read" in done.err
        assert (await alice.client.status())["messages"] == 0
