"""A real SMTP server in the test's own process, and the codes in the mails that it took."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import Message
from functools import partial
from ssl import SSLContext
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from peerpost_relay.mail_settings import MailSettings

WAIT_SECONDS = 10
CODE = re.compile(r"[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}")


class Mailbox:
    """Be who takes mails: `refuse` holds the answers to the next ones instead."""

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[tuple[str, Message]] = []
        self.refuse: list[str] = []
        self.tries = 0
        self._came = asyncio.Event()

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        self.tries += 1
        self._came.set()
        if self.refuse:
            return self.refuse.pop(0)
        assert isinstance(envelope.content, bytes)
        self.mails.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content)))
        return "250 taken"

    async def mail(self, count: int = 1) -> tuple[str, Message]:
        """Return the `count`th mail, with its recipient, once it has come."""
        async with asyncio.timeout(WAIT_SECONDS):
            while len(self.mails) < count:
                self._came.clear()
                await self._came.wait()
        return self.mails[count - 1]

    async def code(self, count: int = 1) -> str:
        """Return the code in the `count`th mail."""
        found = CODE.search(text_of((await self.mail(count))[1]))
        assert found
        return found.group()

    def settings(self, **parts: Any) -> MailSettings:
        """Return what sends to this server."""
        base = {"host": "127.0.0.1", "port": self.port, "security": "plain", "retry_seconds": 0.01}
        return MailSettings(**{**base, "sender": "relay@example.org", **parts})


def text_of(mail: Message) -> str:
    payload = mail.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


@asynccontextmanager
async def mailbox(
    *, tls: SSLContext | None = None, password: str | None = None, at_once: bool = False
) -> AsyncIterator[Mailbox]:
    """Serve a mailbox on a free port; `tls`: by STARTTLS, or `at_once`; `password`: a login is needed."""
    box = Mailbox()

    def allowed(_: Any, __: Any, ___: Any, ____: str, login: Any) -> AuthResult:
        right = login.password == (password or "").encode()
        return AuthResult(success=right, handled=right)  # what is not handled is answered 535

    make = partial(
        SMTP,
        box,
        hostname="mail.example.org",
        tls_context=None if at_once else tls,
        require_starttls=tls is not None and not at_once,
        auth_required=password is not None,
        auth_require_tls=not at_once and tls is not None,
        authenticator=allowed if password is not None else None,
    )
    loop = asyncio.get_running_loop()
    server = await loop.create_server(make, "127.0.0.1", 0, ssl=tls if at_once else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
