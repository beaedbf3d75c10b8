"""The outbox of mails: one task, a bounded queue, a few attempts each.

A mail that no server takes is given up when its attempts are over or its code has expired; whoever waits for it asks
for another. The logs name neither address nor code.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Any

import aiosmtplib
from msgspec import Struct

from peerpost_relay.errors import ConfigurationError
from peerpost_relay.mail_settings import MailSettings, check, password_of

PERMANENT = range(500, 600)  # SMTP replies that another attempt does not change (RFC 5321, 4.2.1)

log = logging.getLogger(__name__)


class Mail(Struct, frozen=True):
    """Be a code on its way; `until`: monotonic seconds after which nobody needs it."""

    identity: str
    code: str
    until: float


Post = Callable[[Mail], Coroutine[Any, Any, None]]


class Postman:
    """Hand mails to the SMTP server that the settings name."""

    def __init__(self, settings: MailSettings, password: str) -> None:
        self.settings = settings
        self._password = password
        self._domain = settings.sender.partition("@")[2]
        self._tls = _tls(settings) if settings.security != "plain" else None

    @classmethod
    def of(cls, settings: MailSettings, credentials: Path | None) -> "Postman | None":
        """Return who hands mails over, None where the operator sends none; raise ConfigurationError."""
        check(settings)
        return cls(settings, password_of(settings, credentials)) if settings.host else None

    async def post(self, mail: Mail) -> None:
        """Hand a mail over; raise SMTPException or OSError."""
        async with self._server() as server:
            await server.send_message(written(mail, self.settings))

    async def greet(self) -> None:
        """Connect and log in as for a mail, and leave without one; raise SMTPException or OSError."""
        async with self._server() as server:
            await server.noop()

    def _server(self) -> aiosmtplib.SMTP:
        settings = self.settings
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            username=settings.username or None,
            password=self._password or None,
            timeout=settings.timeout_seconds,
            tls_context=self._tls,
            local_hostname=self._domain,  # the name of this machine is nobody's business
        )


class Outbox:
    """Own the queue of mails and the task that hands them over."""

    def __init__(
        self,
        settings: MailSettings,
        post: Post,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.settings = settings
        self._post = post
        self._monotonic = monotonic
        self._sleep = sleep
        self._queue: asyncio.Queue[Mail] = asyncio.Queue(settings.queue_max)

    def apply(self, settings: MailSettings, post: Post) -> None:
        """Hand mails over in another way from now on; those that wait already, too."""
        self.settings = settings
        self._post = post

    @property
    def full(self) -> bool:
        """Tell whether another mail has no place."""
        return self._queue.full()

    def put(self, identity: str, code: str) -> None:
        """Let a mail wait; what finds no place is given up."""
        until = self._monotonic() + self.settings.code_seconds
        try:
            self._queue.put_nowait(Mail(identity, code, until))
        except asyncio.QueueFull:
            log.warning("a mail was given up: %d wait already", self.settings.queue_max)

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._deliver(await self._queue.get())

    async def _deliver(self, mail: Mail) -> None:
        pause = self.settings.retry_seconds
        for attempt in range(1, self.settings.attempts_max + 1):
            if self._monotonic() >= mail.until:
                break
            try:
                # Shielded: aiosmtplib may take a cancellation for a lost connection and go on.
                await asyncio.shield(self._post(mail))
            except (aiosmtplib.SMTPException, OSError) as error:
                log.warning("attempt %d to mail a code failed: %s", attempt, reason(error))
                if _is_permanent(error):
                    break
            else:
                return
            if attempt < self.settings.attempts_max:
                await self._sleep(pause)
                pause *= 2
        log.error("a mail with a code was given up")


def written(mail: Mail, settings: MailSettings) -> EmailMessage:
    """Return the mail as it travels (RFC 5322); automatic replies are asked to stay away (RFC 3834)."""
    message = EmailMessage()
    message["From"] = settings.sender
    message["To"] = mail.identity
    message["Subject"] = _filled(settings.subject, mail, settings)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = make_msgid(domain=settings.sender.partition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_filled(settings.text, mail, settings))
    return message


def _filled(template: str, mail: Mail, settings: MailSettings) -> str:
    minutes = max(1, settings.code_seconds // 60)
    values = {"{code}": mail.code, "{identity}": mail.identity, "{minutes}": str(minutes)}
    for name, value in values.items():
        template = template.replace(name, value)
    return template


def _tls(settings: MailSettings) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=settings.ca_file)
    except OSError as error:
        raise ConfigurationError(f"mail.ca_file: {settings.ca_file}: {error}") from None


def _is_permanent(error: Exception) -> bool:
    return isinstance(error, aiosmtplib.SMTPResponseException) and error.code in PERMANENT


def reason(error: Exception) -> str:
    """Return what a log may say of a failure."""
    # A server's words may hold the address: its number and our name for it are enough.
    code = getattr(error, "code", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
