"""The relay's doctor: each thing that can be wrong is named with what to do about it, and nothing is touched."""

import asyncio
import json
import sqlite3
import ssl
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

import peerpost.unit
import peerpost_relay.doctor.unit
from peerpost_protocol.check import Check
from peerpost_relay.configuration import RelayConfiguration
from peerpost_relay.data_folder import DataFolder
from peerpost_relay.doctor import examine
from peerpost_relay.doctor.certificate import certificate
from peerpost_relay.doctor.folder import disk, places, relay_key
from peerpost_relay.doctor.listeners import listeners
from peerpost_relay.doctor.post import mail
from peerpost_relay.doctor.stored import clock, store
from peerpost_relay.doctor.unit import judged, unit_state
from peerpost_relay.settings import RelaySettings
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.sqlite_store.schema import MIGRATIONS
from peerpost_relay.tls import TlsSettings
from tests.relay.test_process import complete, serving
from tests.support.mailbox import mailbox
from tests.support.site import private_file
from tests.support.tls_terminator import issue

YEAR_MS = 366 * 86_400_000


@pytest.fixture
async def data(tmp_path: Path) -> Path:
    """Return the folder of a relay that served and stopped."""
    folder = DataFolder(tmp_path / "relay")
    folder.key()
    await (await SqliteStore.open(folder.database)).close()
    return folder.path


def told(checks: list[Check]) -> dict[str, str]:
    return {check.check: check.result for check in checks}


async def test_all_is_looked_at_and_all_is_well(tmp_path: Path) -> None:
    async with serving(tmp_path / "relay") as relay:
        where = relay.url.removeprefix("ws://")
        found = await examine(tmp_path / "relay", RelayConfiguration(listen=(where,)), {})
    assert found.well
    looked_at = {"data_folder", "relay_key_file", "store_file", "unit", "listener", "clock", "tls"}
    looked_at |= {"relay_key", "store_integrity", "disk_space", "versions", "mail"}
    assert told(found.checks).keys() >= looked_at


def test_the_exit_code_and_the_json_are_for_monitoring(tmp_path: Path) -> None:
    sick = complete("doctor", "--data", str(tmp_path / "none"), "--json")
    assert sick.returncode == 1
    found = json.loads(sick.stdout)
    assert found["well"] is False
    assert all(check["fix"] for check in found["checks"] if check["result"] == "error")
    assert not (tmp_path / "none").exists()


async def test_a_relay_that_serves_is_found_well_from_the_command_line(tmp_path: Path) -> None:
    async with serving(tmp_path / "relay") as relay:
        where = ("--data", str(tmp_path / "relay"), "--listen", relay.url.removeprefix("ws://"))
        done = await asyncio.to_thread(complete, "doctor", *where)
    assert done.returncode == 0, done.stdout
    assert "ok       listener: " in done.stdout


async def test_what_is_open_to_others_is_named_with_the_command_that_closes_it(data: Path) -> None:
    (data / "relay.key").chmod(0o640)
    (check,) = [check for check in places(data) if check.check == "relay_key_file"]
    assert (check.result, check.fix) == ("error", f"chmod 600 {data / 'relay.key'}")


async def test_a_damaged_key_is_found(data: Path) -> None:
    (data / "relay.key").write_bytes(b"short")
    check, public = relay_key(data)
    assert (check.result, public) == ("error", None)


@pytest.mark.parametrize("spoilt", [b"no database at all " * 99, None])
async def test_a_damaged_store_is_found_and_not_touched(data: Path, spoilt: bytes | None) -> None:
    path = data / "relay.sqlite"
    whole = path.read_bytes()
    path.write_bytes(spoilt or whole[:8192] + b"\xaa" * 4096 + whole[12288:])
    before = path.read_bytes()
    check = await store(data)
    assert check.result == "error"
    assert "restore a backup" in str(check.fix)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("version", "result"), [(9999, "error"), (len(MIGRATIONS), "ok")])
async def test_a_newer_store_is_found(data: Path, version: int, result: str) -> None:
    with closing(sqlite3.connect(data / "relay.sqlite")) as db:
        db.execute(f"PRAGMA user_version={version}")
    assert (await store(data)).result == result


async def test_a_clock_that_is_far_off_is_found(data: Path) -> None:
    written_ms = (data / "relay.sqlite").stat().st_mtime_ns // 1_000_000
    times = (0, written_ms, written_ms + 2 * YEAR_MS)
    results = [clock(data, iter([now]).__next__).result for now in times]
    assert results == ["error", "ok", "error"]


async def test_a_disk_that_fills_is_found(data: Path) -> None:
    assert disk(data, RelaySettings(blob_free_bytes_min=2**62)).result == "warning"
    assert disk(data, RelaySettings(blob_free_bytes_min=1)).result == "ok"


async def test_a_listener_of_another_relay_is_found(tmp_path: Path) -> None:
    async with serving(tmp_path) as relay:
        settings = RelayConfiguration(listen=(relay.url.removeprefix("ws://"), "127.0.0.1:1"))
        other, silent = await listeners(settings, "another key")
    assert "another relay" in other.detail
    assert (silent.result, silent.fix) == ("error", "Start the relay; its log says why it stopped.")


def secured(folder: Path, days: float = 365) -> TlsSettings:
    files = folder / "tls.pem", folder / "tls.key"
    issue(*files, begins=timedelta(days=-9), days=days)
    return TlsSettings(certificate=files[0], key=files[1])


@pytest.mark.parametrize(
    ("days", "address", "result", "said"),
    [
        (365, "wss://localhost", "ok", "fits its key"),
        (5, None, "warning", "4 days left"),
        (-1, None, "error", "has expired: renew it"),
        (365, "wss://relay.example.org", "error", "relay.example.org is no name of it"),
    ],
)
def test_a_certificate_is_judged(
    tmp_path: Path, days: float, address: str | None, result: str, said: str
) -> None:
    settings = RelayConfiguration(tls=secured(tmp_path, days), address=address)
    check = certificate(settings, {})
    assert (check.result, said in check.detail) == (result, True)


def test_a_key_of_another_certificate_is_found(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    tls = TlsSettings(certificate=secured(first).certificate, key=secured(second).key)
    assert "does not fit" in certificate(RelayConfiguration(tls=tls), {}).detail


async def test_a_certificate_that_is_not_presented_yet_is_found(tmp_path: Path) -> None:
    tls = secured(tmp_path)
    files = ("--set", f"tls.certificate={tls.certificate}", "--set", f"tls.key={tls.key}")
    async with serving(tmp_path / "relay", *files) as relay:
        settings = RelayConfiguration(listen=(relay.url.removeprefix("wss://"),), tls=tls)
        (before,) = await listeners(settings, relay.key)
        secured(tmp_path)
        (after,) = await listeners(settings, relay.key)
    assert (before.result, after.result) == ("ok", "warning")
    assert after.fix == "systemctl reload peerpost-relay"


async def test_the_mail_server_is_greeted_and_gets_no_mail(tmp_path: Path) -> None:
    issue(tmp_path / "m.pem", tmp_path / "m.key")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "m.pem", tmp_path / "m.key")
    login = {"host": "localhost", "security": "starttls", "ca_file": tmp_path / "m.pem"}
    login |= {"username": "relay"}
    right, wrong = (private_file(tmp_path / word, word) for word in ("right", "wrong"))
    async with mailbox(tls=context, password="right") as box:
        well = await mail(box.settings(**login, password_file=right), {})
        refused = await mail(box.settings(**login, password_file=wrong), {})
        silent = await mail(box.settings(port=1), {})
        assert box.tries == 0
    assert (well.result, refused.result, silent.result) == ("ok", "error", "error")
    assert "refuses the login" in refused.detail
    assert not {"right", "wrong"} & set(refused.detail.split())


@pytest.mark.parametrize(
    ("said", "result", "fix"),
    [
        ({"LoadState": "not-found"}, "warning", "scripts/install writes it."),
        ({"LoadState": "loaded", "ActiveState": "failed"}, "error", "journalctl -u x"),
        (
            {"LoadState": "loaded", "ActiveState": "active", "NeedDaemonReload": "yes"},
            *("warning", "systemctl daemon-reload"),
        ),
        (
            {"LoadState": "loaded", "ActiveState": "inactive"},
            *("warning", "systemctl enable --now x"),
        ),
        (
            {"LoadState": "loaded", "ActiveState": "active", "NRestarts": "3"},
            *("warning", "journalctl -u x"),
        ),
        ({"LoadState": "loaded", "ActiveState": "active", "NRestarts": "0"}, "ok", None),
    ],
)
def test_a_unit_is_judged(said: dict[str, str], result: str, fix: str | None) -> None:
    verdict = judged("x", "systemctl", said)
    assert (verdict[0], verdict[2]) == (result, fix)


def test_without_systemd_no_unit_is_looked_for(tmp_path: Path) -> None:
    assert unit_state("x", booted=str(tmp_path / "none"))[0] == "skipped"


def test_both_doctors_ask_systemd_in_the_same_way() -> None:
    modules = (peerpost.unit, peerpost_relay.doctor.unit)
    one, other = (Path(str(module.__file__)).read_bytes() for module in modules)
    assert one == other
