"""The outbox of mails: what travels, how it is protected, and when it is given up."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from peerpost_relay.errors import ConfigurationError
from peerpost_relay.mail import Mail, Outbox, Postman, written
from peerpost_relay.mail_settings import MailSettings, check, password_of
from tests.support.mailbox import mailbox, text_of
from tests.support.tls_terminator import issue

ALICE = "alice@example.org"


@asynccontextmanager
async def outbox(settings: MailSettings, password: str = "") -> AsyncIterator[Outbox]:
    made = Outbox(settings, Postman(settings, password).post)
    running = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def certified(folder: Path) -> tuple[Path, ssl.SSLContext]:
    certificate, key = folder / "certificate.pem", folder / "certificate.key"
    issue(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


async def test_a_mail_brings_the_code_to_the_identity() -> None:
    async with mailbox() as box, outbox(box.settings()) as made:
        made.put(ALICE, "2345-6789")
        recipient, mail = await box.mail()
        assert (recipient, mail["To"], mail["From"]) == (ALICE, ALICE, "relay@example.org")
        assert mail["Auto-Submitted"] == "auto-generated"
        assert "2345-6789" in text_of(mail)


def test_the_template_is_the_operators() -> None:
    settings = MailSettings(
        sender="x@example.org", subject="for {identity}", text="{code}!{code}, {minutes}, {other}"
    )
    mail = written(Mail(ALICE, "2345-6789", 0.0), settings)
    assert mail["Subject"] == f"for {ALICE}"
    assert mail.get_content() == "2345-6789!2345-6789, 15, {other}\n"


def test_no_header_names_this_machine() -> None:
    mail = written(Mail(ALICE, "2345-6789", 0.0), MailSettings(sender="x@example.org"))
    assert str(mail["Message-ID"]).endswith("@example.org>")


# The server of these tests does not know that its socket speaks TLS from the first byte.
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_mail_goes_over_tls_with_a_login(tmp_path: Path, security: str) -> None:
    certificate, context = certified(tmp_path)
    tls = security == "tls"
    async with mailbox(tls=context, password="secret", at_once=tls) as box:
        settings = box.settings(
            host="localhost", security=security, ca_file=certificate, username="relay"
        )
        async with outbox(settings, "secret") as made:
            made.put(ALICE, "2345-6789")
            assert await box.code() == "2345-6789"


async def test_a_server_that_offers_no_tls_gets_no_mail(caplog: pytest.LogCaptureFixture) -> None:
    async with mailbox() as box:
        settings = box.settings(security="starttls", attempts_max=1)
        await Outbox(settings, Postman(settings, "").post)._deliver(Mail(ALICE, "2", 1e9))
        assert box.mails == []
    assert "given up" in caplog.text


async def test_a_server_that_is_not_the_named_one_gets_no_mail(tmp_path: Path) -> None:
    _, context = certified(tmp_path)
    async with mailbox(tls=context) as box:
        settings = box.settings(host="localhost", security="starttls", attempts_max=1)
        await Outbox(settings, Postman(settings, "").post)._deliver(Mail(ALICE, "2", 1e9))
        assert box.mails == []


async def test_a_mail_is_tried_again_and_arrives_once() -> None:
    async with mailbox() as box, outbox(box.settings()) as made:
        box.refuse = ["451 later", "451 later"]
        made.put(ALICE, "2345-6789")
        assert await box.code() == "2345-6789"
        assert (box.tries, len(box.mails)) == (3, 1)


async def test_a_mail_that_is_refused_for_good_is_not_tried_again() -> None:
    async with mailbox() as box:
        box.refuse = ["554 never"] * 9
        settings = box.settings()
        await Outbox(settings, Postman(settings, "").post)._deliver(Mail(ALICE, "2", 1e9))
        assert box.tries == 1


async def test_attempts_end_with_their_number_and_with_the_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now, slept = 0.0, []

    async def post(_: Mail) -> None:
        raise OSError

    async def sleep(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    settings = MailSettings(retry_seconds=10, attempts_max=4)
    made = Outbox(settings, post, monotonic=lambda: now, sleep=sleep)
    await made._deliver(Mail(ALICE, "2345-6789", 1e9))
    await made._deliver(Mail(ALICE, "2345-6789", now + 15))
    assert slept == [10, 20, 40, 10, 20]
    assert ALICE not in caplog.text
    assert "2345" not in caplog.text


async def test_what_finds_no_place_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def post(_: Mail) -> None:
        return

    made = Outbox(MailSettings(queue_max=1), post)
    made.put(ALICE, "2345-6789")
    assert made.full
    with caplog.at_level(logging.WARNING):
        made.put(ALICE, "2345-6789")
    assert "given up" in caplog.text


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"sender": ""}, "sender"),
        ({"sender": "A <a@b.c>"}, "sender"),
        ({"text": "no code"}, "text"),
        ({"username": "relay"}, "password_file"),
        ({"username": "relay", "password_file": Path("/p"), "security": "plain"}, "security"),
    ],
)
def test_what_does_not_fit_together_is_refused_by_name(
    parts: dict[str, object], named: str
) -> None:
    base = {"host": "mail.example.org", "sender": "x@example.org"}
    with pytest.raises(ConfigurationError, match=f"mail.{named}"):
        check(MailSettings(**{**base, **parts}))  # type: ignore[arg-type]


def test_a_password_is_the_first_line_of_its_file_or_a_credential(tmp_path: Path) -> None:
    (tmp_path / "smtp").write_text("secret word\nmore\n")
    assert password_of(MailSettings(password_file=tmp_path / "smtp"), None) == "secret word"
    assert password_of(MailSettings(password_file=Path("smtp")), tmp_path) == "secret word"
    for settings, credentials in (
        (MailSettings(password_file=Path("smtp")), None),
        (MailSettings(password_file=tmp_path / "none"), None),
    ):
        with pytest.raises(ConfigurationError, match="password_file"):
            password_of(settings, credentials)


def test_without_a_host_nobody_sends() -> None:
    assert Postman.of(MailSettings(), None) is None
