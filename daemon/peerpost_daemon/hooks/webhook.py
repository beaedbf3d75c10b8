"""A POST for each event, signed as Standard Webhooks says (github.com/standard-webhooks, specification 1.0.0).

`webhook-signature` is `v1,` and base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`. The id is the same for each try, so
that a receiver can tell repetitions; the time is that of the try. Redirects are not followed and proxies of the
environment not used: a message goes where the configuration says, or nowhere.

Who attacks this: the receiver. It can answer a byte a minute, or without end. One deadline holds for all of it, no
thread waits for it, and of an answer only the head is read.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import ssl
import time
from collections.abc import Callable
from typing import Final
from urllib.parse import SplitResult, urlsplit

import h11

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks.event import Failure, HookEvent
from peerpost_daemon.hooks.settings import HookSettings

SECRET_PREFIX: Final = b"whsec_"
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64
MAX_HEAD_BYTES: Final = 64 * 1024  # of an answer, with all that may come before it
READ_BYTES: Final = 16 * 1024  # at once
LONGEST_RETRY_AFTER: Final = 3_600.0
SUCCESS: Final = range(200, 300)


class Webhook:
    """Post events to a hook's address."""

    def __init__(self, hook: HookSettings, *, now: Callable[[], float] = time.time) -> None:
        self._hook = hook
        self._key = None if hook.secret_file is None else _key_in(hook)
        self._now = now
        self._address = urlsplit(hook.url or "")
        self._tls = ssl.create_default_context() if self._address.scheme == "https" else None

    async def __call__(self, event: HookEvent) -> Failure | None:
        """Post it; an answer of 200 to 299 is success."""
        try:
            async with asyncio.timeout(self._hook.timeout_seconds):
                answer = await self._post(event.encoded(), f"{self._hook.name}-{event.cursor}")
        except TimeoutError:
            return Failure(f"was not answered within {self._hook.timeout_seconds:g} s")
        except (OSError, h11.ProtocolError) as error:
            return Failure(f"could not be posted: {type(error).__name__}")
        if answer.status_code in SUCCESS:
            return None
        return Failure(f"was answered {answer.status_code}", _retry_after(answer))

    async def _post(self, body: bytes, id_: str) -> h11.Response:
        """Return the head of the answer. Raises OSError, h11.ProtocolError."""
        http = h11.Connection(h11.CLIENT)
        request = h11.Request(
            method="POST",
            target=_target(self._address),
            headers=list(self._headers(id_, int(self._now()), body).items()),
        )
        events = (request, h11.Data(data=body), h11.EndOfMessage())
        reader, writer = await asyncio.open_connection(
            self._address.hostname,
            self._address.port or (443 if self._tls else 80),
            ssl=self._tls,
        )
        try:
            writer.write(b"".join(http.send(event) or b"" for event in events))
            await writer.drain()
            return await _head(reader, http)
        finally:
            writer.transport.abort()

    def _headers(self, id_: str, at: int, body: bytes) -> dict[str, str]:
        headers = {
            "host": self._address.netloc.encode("idna").decode(),
            "content-type": "application/json",
            "content-length": str(len(body)),
            "connection": "close",
            "user-agent": "peerpost",
            "webhook-id": id_,
            "webhook-timestamp": str(at),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, id_, at, body)
        return headers


async def _head(reader: asyncio.StreamReader, http: h11.Connection) -> h11.Response:
    """Return the head of an answer. Raises OSError, h11.ProtocolError."""
    taken = 0
    while not isinstance(event := http.next_event(), h11.Response):
        if event is not h11.NEED_DATA:
            continue  # 100 Continue and the like
        data = await reader.read(READ_BYTES)
        taken += len(data)
        if taken > MAX_HEAD_BYTES:
            raise h11.RemoteProtocolError("an answer that does not begin")
        http.receive_data(data)
    return event


def signature(key: bytes, id_: str, at: int, body: bytes) -> str:
    """Return the value of `webhook-signature`; `at` is in seconds since the epoch."""
    mac = hmac.new(key, f"{id_}.{at}.".encode() + body, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def parse_secret(text: bytes) -> bytes:
    """Return the key that a secret stands for; raise ValueError for another form or length."""
    try:
        key = base64.b64decode(text.strip().removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raise ValueError("the secret is whsec_ and base64") from None
    if not MIN_SECRET_BYTES <= len(key) <= MAX_SECRET_BYTES:
        raise ValueError(f"the secret has {MIN_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes")
    return key


def _key_in(hook: HookSettings) -> bytes:
    path = hook.secret_file
    assert path is not None
    try:
        status = path.stat()
        if status.st_mode & 0o077:
            raise ValueError(f"{path} can be read by others: chmod 600")
        return parse_secret(path.read_bytes()[: 2 * MAX_SECRET_BYTES])
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        message = f"Configuration: the hook {hook.name!r}: secret_file: {said}."
        raise DaemonError("invalid_params", message, field="hooks") from None


def _target(address: SplitResult) -> str:
    """Return what is asked for; settings.check has seen to its letters."""
    return (address.path or "/") + (f"?{address.query}" if address.query else "")


def _retry_after(answer: h11.Response) -> float | None:
    text = dict(answer.headers).get(b"retry-after", b"")
    return min(float(text), LONGEST_RETRY_AFTER) if text.isdigit() else None
