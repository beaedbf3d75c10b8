"""A member begins and ends one upload from several connections at the same moment.

Each beginning opens a file at the relay. Of beginnings that meet only one may, or the relay runs out of descriptors;
and a connection that goes must not close the file of another, or take the task with it that tidies up after it.
"""

import asyncio
import os
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

import pytest

from peerpost_protocol import frames as f
from tests.relay.test_blobs import BLOB, begin, chunk, here, team, upload
from tests.support.relay_client import RelayClient, refusal

CONNECTIONS = 3


def open_parts(folder: Path) -> int:
    """Count this process's descriptors of unfinished uploads."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    opened = [str(link.readlink()) for link in links]
    return sum(str(folder) in path and ".part" in path for path in opened)


async def test_beginnings_that_meet_open_one_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with team(tmp_path) as (people, at_alice, _), AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                await RelayClient.connect(people.relay.url, people.alice)
            )
            for _ in range(CONNECTIONS)
        ]
        for _ in range(5):
            blob = os.urandom(1_000)
            answers = await asyncio.gather(*(begin(c, people.channel, blob) for c in clients))
            refused = {refusal(a) for a in answers if not isinstance(a, f.UploadState)}
            assert refused <= {"too_many_requests"}
        assert open_parts(tmp_path) <= 5
        await stack.aclose()
        assert here(await upload(at_alice, people.channel))[1]
    assert not [r for r in caplog.records if r.levelname == "ERROR"]
    assert open_parts(tmp_path) == 0


async def test_an_upload_that_ends_while_another_connection_takes_it_over_is_whole(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with team(tmp_path) as (people, at_alice, _):
        for size in range(1_000, 1_005):
            blob = BLOB[:size]
            await begin(at_alice, people.channel, blob)
            async with await RelayClient.connect(people.relay.url, people.alice) as other:
                await asyncio.gather(
                    chunk(at_alice, people.channel, 0, blob, sha256(blob).digest()),
                    begin(other, people.channel, blob),
                )
            assert here(await upload(at_alice, people.channel, blob))[1]
    assert not [r for r in caplog.records if r.levelname == "ERROR"]
