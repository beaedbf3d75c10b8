"""Certificate and key: what is refused at the start, what is taken anew, and what stays."""

import asyncio
import logging
import signal
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from peerpost_relay.configuration import configured
from peerpost_relay.errors import ConfigurationError, SetupError
from peerpost_relay.tls import Tls, TlsSettings, check_plain, load
from tests.relay.edge import listening
from tests.relay.test_process import serving
from tests.support.tls_terminator import issue

A_YEAR = 365


@pytest.fixture
def settings(tmp_path: Path) -> TlsSettings:
    return made(tmp_path)


def made(
    folder: Path, *, begins: timedelta = timedelta(days=-30), days: float = A_YEAR
) -> TlsSettings:
    certificate, key = folder / "relay.pem", folder / "relay.key"
    issue(certificate, key, begins=begins, days=days)
    return TlsSettings(certificate=certificate, key=key)


def trusting(settings: TlsSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=settings.certificate)


async def greeted(url: str, trusted: ssl.SSLContext) -> None:
    async with connect(url, ssl=trusted, proxy=None, ping_interval=None):
        pass


def test_a_certificate_says_until_when_and_for_whom_it_is(settings: TlsSettings) -> None:
    found = load(settings)
    assert (found.days_left(found.ends_at - 90_000), found.names) == (1, ("localhost",))


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"has expired: renew it"):
        load(made(tmp_path, days=-1))


def test_a_certificate_of_the_future_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="not valid yet: look at the clock"):
        load(made(tmp_path, begins=timedelta(days=1)))


def test_a_key_of_another_certificate_is_refused(settings: TlsSettings, tmp_path: Path) -> None:
    issue(tmp_path / "other.pem", tmp_path / "other.key")
    with pytest.raises(SetupError, match=r"other.key does not fit the certificate"):
        load(TlsSettings(certificate=settings.certificate, key=tmp_path / "other.key"))


def test_a_file_that_is_missing_or_no_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"relay.pem cannot be read \(No such file"):
        load(TlsSettings(certificate=tmp_path / "relay.pem"))
    (tmp_path / "relay.pem").touch(0o600)
    with pytest.raises(SetupError, match="no certificate and key in PEM"):
        load(TlsSettings(certificate=tmp_path / "relay.pem"))


def test_a_key_that_everybody_may_read_is_refused(settings: TlsSettings) -> None:
    assert settings.key is not None
    settings.key.chmod(0o644)
    with pytest.raises(SetupError, match="everybody may read the TLS key"):
        load(settings)


def test_a_bare_name_is_a_credential(tmp_path: Path) -> None:
    made(tmp_path)
    named = TlsSettings(certificate=Path("relay.pem"), key=Path("relay.key"))
    assert load(named, {"CREDENTIALS_DIRECTORY": str(tmp_path)}).names == ("localhost",)
    with pytest.raises(ConfigurationError, match="there are no credentials"):
        load(named, {})


@pytest.mark.parametrize(("days", "said"), [(A_YEAR, 0), (13.5, 1), (15.5, 0)])
def test_a_certificate_that_will_soon_end_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, days: float, said: int
) -> None:
    tls = Tls(made(tmp_path, days=days))
    tls.check()
    assert [r.message for r in caplog.records] == [
        "the certificate expires in 13 days: renew it"
    ] * said


async def test_new_files_serve_the_connections_that_come_after_them(
    settings: TlsSettings, tmp_path: Path
) -> None:
    tls = Tls(settings)
    before = trusting(settings)
    async with listening(ssl_context=tls.context) as place:
        url = f"wss://localhost:{place.bound.port}/v1"
        await greeted(url, before)
        made(tmp_path)
        tls.check()
        await greeted(url, trusting(settings))
        with pytest.raises(ssl.SSLCertVerificationError):
            await greeted(url, before)


async def test_files_that_cannot_be_used_replace_nothing(
    settings: TlsSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tls, before = Tls(settings), trusting(settings)
    made(tmp_path, days=-1)
    assert "has expired" in (tls.reload() or "")
    assert "the certificate in use stays" in caplog.text
    async with listening(ssl_context=tls.context) as place:
        await greeted(f"wss://localhost:{place.bound.port}/v1", before)


def test_nothing_is_loaded_while_nothing_changes(
    settings: TlsSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    Tls(settings).check()
    assert caplog.text == ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "unix:/run/relay.sock"])
def test_plain_is_spoken_on_this_host(host: str) -> None:
    check_plain(host, TlsSettings())


@pytest.mark.parametrize("listen", ["0.0.0.0:8437", "[::]:8437", "relay.example.org:8437"])
def test_plain_is_refused_where_others_can_reach_it(listen: str) -> None:
    with pytest.raises(ConfigurationError, match=r"without TLS: set tls.certificate and tls.key"):
        configured(None, [f'listen=["{listen}"]'], {})
    assert configured(None, [f'listen=["{listen}"]', "tls.allow_plain=true"], {})


async def test_the_process_speaks_tls_and_takes_new_files_at_sighup(tmp_path: Path) -> None:
    settings = made(tmp_path)
    options = (f"tls.certificate={settings.certificate}", f"tls.key={settings.key}")
    given = [word for option in options for word in ("--set", option)]
    async with serving(tmp_path / "data", *given) as relay:
        assert relay.url.startswith("wss://127.0.0.1:")
        url = f"wss://localhost:{relay.url.rpartition(':')[2]}/v1"
        await greeted(url, trusting(settings))
        made(tmp_path)
        relay.process.send_signal(signal.SIGHUP)
        assert relay.process.stderr is not None
        async with asyncio.timeout(10):
            while b"the certificate was loaded" not in await relay.process.stderr.readline():
                pass
        await greeted(url, trusting(settings))
