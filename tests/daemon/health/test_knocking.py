"""The doctor's knock at the relay: what TLS says there."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from peerpost_daemon.health.knocking import knock, tls
from tests.support.tls_terminator import issue

DAY_MS = 86_400_000


@asynccontextmanager
async def door(folder: Path, days: float) -> AsyncIterator[str]:
    issue(folder / "c.pem", folder / "c.key", begins=timedelta(days=-9), days=days)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "c.pem", folder / "c.key")
    server = await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"wss://localhost:{server.sockets[0].getsockname()[1]}"


async def test_it_is_said_for_how_long_a_certificate_is_good(tmp_path: Path) -> None:
    async with door(tmp_path, 100) as url:
        found = await knock(url, tmp_path / "c.pem")
    assert found.ends_at is not None
    ends_ms = round(found.ends_at * 1000)
    assert tls(url, found, ends_ms - 20 * DAY_MS).result == "ok"
    assert tls(url, found, ends_ms - 5 * DAY_MS).result == "warning"


async def test_an_expired_and_an_unknown_certificate_are_errors(tmp_path: Path) -> None:
    async with door(tmp_path, -1) as url:
        found = await knock(url, tmp_path / "c.pem")
    assert "expired" in str(found.refused)
    async with door(tmp_path, 100) as url:
        found = await knock(url, None)
    assert tls(url, found, 0).result == "error"


async def test_who_does_not_answer_has_no_certificate() -> None:
    found = await knock("wss://127.0.0.1:1", None)
    assert tls("wss://127.0.0.1:1", found, 0).result == "skipped"
    assert "Connection refused" in str(found.silent)
