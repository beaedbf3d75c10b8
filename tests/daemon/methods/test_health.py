"""daemon.health and daemon.doctor over the socket, in every state of the vault."""

from typing import Any

import pytest

from peerpost_daemon.link import LinkState, LinkStatus
from peerpost_daemon.records import account as accounts
from peerpost_daemon.records import alarms
from tests.daemon.methods.house import BOB, RELAY, House
from tests.support.people import NOW_MS


def kinds(answer: dict[str, Any]) -> set[str]:
    """Return the kinds of the findings that do not depend on this machine's disk."""
    return {finding["kind"] for finding in answer["findings"]} - {"disk_low"}


def results(diagnosis: dict[str, Any]) -> dict[str, str]:
    return {check["check"]: check["result"] for check in diagnosis["checks"]}


async def test_a_daemon_without_a_vault_is_not_well(bare: House) -> None:
    health = await bare.result("daemon.health")
    assert (health["well"], health["state"], health["outbox"]) == (False, "no_vault", None)
    assert kinds(health) == {"no_vault"}


async def test_health_works_while_locked(alice: House) -> None:
    await alice.result("daemon.lock")
    health = await alice.result("daemon.health")
    assert (kinds(health), health["schema"]) == ({"locked"}, None)
    assert health["storage"]["vault_bytes"] > 0
    assert health["storage"]["check"] == "quick"


async def test_what_waits_is_shown_with_its_age(alice: House) -> None:
    await alice.result("message.send", to=BOB.identity, text="hello")
    moment = alice.daemon.clock()
    alice.daemon.clock = lambda: moment + 300_000
    health = await alice.result("daemon.health")
    assert health["outbox"]["queued_bytes"] == 5
    assert health["outbox"]["oldest_queued_age_ms"] == 300_000
    assert kinds(health) == {"outbox_stuck"}


async def test_the_link_is_shown_as_it_is(alice: House) -> None:
    alice.plan.engines[-1].link_status = LinkStatus(
        LinkState.ONLINE, NOW_MS, RELAY, round_trip_ms=1.5, heard_ago_ms=70, clock_skew_ms=-90_000
    )
    health = await alice.result("daemon.health")
    assert (health["link"]["heard_ago_ms"], health["link"]["round_trip_ms"]) == (70, 1.5)
    assert kinds(health) == {"clock_skew"}


async def test_an_alarm_is_shown_until_it_is_old(alice: House) -> None:
    await alice.daemon.write(lambda db: alarms.sound(db, "relay_rolled_back", "detail", NOW_MS))
    assert kinds(await alice.result("daemon.health")) == {"relay_rolled_back"}
    alice.daemon.clock = lambda: NOW_MS + 8 * 86_400_000
    assert kinds(await alice.result("daemon.health")) == set()


async def test_on_a_vault_that_cannot_be_written_reads_go_on_and_health_says_so(
    alice: House,
) -> None:
    await _query_only(alice, "ON")
    refused = await alice.error("message.send", to=BOB.identity, text="hello")
    assert refused["kind"] == "storage_failed"
    assert (await alice.result("daemon.status"))["state"] == "ready"
    assert kinds(await alice.result("daemon.health")) == {"storage_failed"}
    await _query_only(alice, "OFF")
    assert kinds(await alice.result("daemon.health")) == set()
    await alice.result("message.send", to=BOB.identity, text="hello")


async def _query_only(who: House, word: str) -> None:
    """Let the vault's writing connection write no more, or again."""
    await who.daemon.database._writing.call(
        lambda db: db.execute(f"PRAGMA query_only = {word}").fetchall()
    )


@pytest.mark.parametrize("locked", [False, True])
async def test_status_and_health_say_the_same(alice: House, locked: bool) -> None:
    await alice.result("message.send", to=BOB.identity, text="hello")
    if locked:
        await alice.result("daemon.lock")
    status, health = await alice.result("daemon.status"), await alice.result("daemon.health")
    assert status["state"] == health["state"]
    assert status["relay"]["url"] == health["link"]["url"]
    assert status["relay"]["state"] == health["link"]["state"]
    assert status["outbox"]["queued"] == (health["outbox"] or {"queued": 0})["queued"]


async def test_the_doctor_looks_at_everything(alice: House) -> None:
    found = await alice.result("daemon.doctor")
    checks = results(found)
    well = {"data_directory", "key_file", "vault", "socket_directory", "socket"}
    assert {checks[name] for name in well | {"vault_integrity", "versions"}} == {"ok"}
    assert (checks["clock"], checks["relay"]) == ("skipped", "error")
    health = await alice.result("daemon.health")
    assert health["storage"]["check"] == "full"


async def test_the_doctor_says_how_to_close_what_is_open(alice: House) -> None:
    alice.daemon.settings.key_file.chmod(0o644)
    found = await alice.result("daemon.doctor")
    (check,) = [check for check in found["checks"] if check["check"] == "key_file"]
    assert check["result"] == "error"
    assert check["fix"] == f"chmod 600 {alice.daemon.settings.key_file}"


async def test_of_a_locked_vault_the_doctor_says_that_and_blames_no_relay(alice: House) -> None:
    await alice.result("daemon.lock")
    found = await alice.result("daemon.doctor")
    checks = results(found)
    assert (checks["relay"], checks["clock"], checks["vault_integrity"]) == ("skipped",) * 3
    assert kinds(found) == {"locked"}


async def test_a_clock_that_is_nearly_right_has_no_sign(alice: House) -> None:
    alice.plan.engines[-1].link_status = LinkStatus(
        LinkState.ONLINE, NOW_MS, RELAY, round_trip_ms=1.5, heard_ago_ms=70, clock_skew_ms=-20
    )
    found = await alice.result("daemon.doctor")
    (clock,) = [check for check in found["checks"] if check["check"] == "clock"]
    assert clock["detail"] == "less than 0.1 s from here to the relay's clock"


async def test_the_doctor_names_the_key_of_a_relay_that_has_just_let_us_in(alice: House) -> None:
    await alice.daemon.write(
        lambda db: accounts.accepted(db, bytes(31) + b"x", b"an epoch", "verified")
    )
    found = await alice.result("daemon.doctor")
    (key,) = [check for check in found["checks"] if check["check"] == "relay_key"]
    assert (key["result"], key["detail"]) == ("ok", "00" * 31 + "78")


async def test_the_doctor_comes_without_a_vault(bare: House) -> None:
    found = await bare.result("daemon.doctor")
    assert results(found)["vault_integrity"] == "skipped"
    assert kinds(found) == {"no_vault"}


async def test_the_doctor_finds_a_page_that_was_changed(alice: House) -> None:
    await alice.daemon.write(lambda db: db.execute("CREATE TABLE big (x)").rowcount)
    await alice.daemon.write(
        lambda db: db.execute("INSERT INTO big VALUES (randomblob(60000))").rowcount
    )
    await alice.daemon.database.checkpoint()
    path = alice.daemon.settings.vault
    with path.open("r+b") as file:
        file.seek(-6000, 2)
        file.write(b"x" * 16)
    found = await alice.result("daemon.doctor")
    assert results(found)["vault_integrity"] == "error"
    assert "vault_damaged" in kinds(await alice.result("daemon.health"))
