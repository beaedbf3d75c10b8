"""A POST for each event, signed as Standard Webhooks says (github.com/standard-webhooks, specification 1.0.0).

`webhook-signature` is `v1,` and base64 of HMAC-SHA256 over `ID.TIMESTAMP.BODY`. The id is the same for each try, so
that a receiver can tell repetitions; the time is that of the try. Redirects are not followed and proxies of the
environment not used: a message goes where the configuration says, or nowhere.
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from http.client import HTTPException
from typing import Any, Final

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.hooks.event import Failure, HookEvent
from peerpost_daemon.hooks.settings import HookSettings

SECRET_PREFIX: Final = b"whsec_"
MIN_SECRET_BYTES: Final = 24
MAX_SECRET_BYTES: Final = 64
MAX_ANSWER_BYTES: Final = 64 * 1024
LONGEST_RETRY_AFTER: Final = 3_600.0
SUCCESS: Final = range(200, 300)


class Webhook:
    """Post events to a hook's address."""

    def __init__(self, hook: HookSettings, *, now: Callable[[], float] = time.time) -> None:
        self._hook = hook
        self._key = None if hook.secret_file is None else _key_in(hook)
        self._now = now
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())

    async def __call__(self, event: HookEvent) -> Failure | None:
        """Post it; an answer of 200 to 299 is success."""
        return await asyncio.to_thread(self._post, event)

    def _post(self, event: HookEvent) -> Failure | None:
        body = event.encoded()
        headers = self._headers(f"{self._hook.name}-{event.cursor}", int(self._now()), body)
        request = urllib.request.Request(  # noqa: S310 - settings.check has seen to the scheme
            self._hook.url or "", body, headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=self._hook.timeout_seconds) as answer:
                answer.read(MAX_ANSWER_BYTES)
                return (
                    None if answer.status in SUCCESS else Failure(f"was answered {answer.status}")
                )
        except urllib.error.HTTPError as error:
            with error:
                return Failure(f"was answered {error.code}", _retry_after(error.headers))
        except (OSError, HTTPException) as error:
            return Failure(f"could not be posted: {type(error).__name__}")

    def _headers(self, id_: str, at: int, body: bytes) -> dict[str, str]:
        headers = {
            "content-type": "application/json",
            "user-agent": "peerpost",
            "webhook-id": id_,
            "webhook-timestamp": str(at),
        }
        if self._key is not None:
            headers["webhook-signature"] = signature(self._key, id_, at, body)
        return headers


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


def _retry_after(headers: Message) -> float | None:
    text = headers.get("retry-after", "")
    return min(float(text), LONGEST_RETRY_AFTER) if text.isascii() and text.isdigit() else None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Take a redirect for what it is here: not a success."""

    def redirect_request(self, *_request: Any, **_more: Any) -> None:  # noqa: ANN401 - theirs
        """Follow none."""
