from pathlib import Path

from tests.daemon.methods.house import ALICE, PASSPHRASE, RELAY, House, house
from tests.daemon.rpc.stage import connected, request


async def test_a_daemon_without_a_vault_says_so(bare: House) -> None:
    status = await bare.result("daemon.status")
    assert (status["state"], status["account"]) == ("no_vault", None)
    assert status["relay"]["state"] == "off"
    assert (await bare.error("account.show"))["kind"] == "no_vault"


async def test_a_vault_is_made_once(bare: House) -> None:
    status = await bare.result("daemon.unlock", passphrase=PASSPHRASE, create=True)
    assert status["state"] == "ready"
    again = await bare.error("daemon.unlock", passphrase="another", create=True)
    assert again["kind"] == "vault_exists"


async def test_there_is_nothing_to_unlock_without_a_vault(bare: House) -> None:
    assert (await bare.error("daemon.unlock", passphrase="x"))["kind"] == "no_vault"


async def test_a_locked_vault_opens_for_its_passphrase_alone(alice: House) -> None:
    assert (await alice.result("daemon.lock"))["state"] == "locked"
    assert (await alice.error("contact.list"))["kind"] == "locked"
    assert (await alice.error("daemon.unlock", passphrase="wrong"))["kind"] == "wrong_passphrase"
    status = await alice.result("daemon.unlock", passphrase=PASSPHRASE)
    assert status["account"]["identity"] == ALICE.identity


async def test_unlocking_an_open_vault_checks_the_passphrase(alice: House) -> None:
    assert (await alice.result("daemon.unlock", passphrase=PASSPHRASE))["state"] == "ready"
    assert (await alice.error("daemon.unlock", passphrase="wrong"))["kind"] == "wrong_passphrase"
    assert len(alice.plan.engines) == 1


async def test_locking_twice_is_no_fault(alice: House) -> None:
    await alice.result("daemon.lock")
    assert (await alice.result("daemon.lock"))["state"] == "locked"
    assert alice.plan.said.count(("close",)) == 1


async def test_a_database_without_its_key_file_is_given_no_new_key(alice: House) -> None:
    await alice.result("daemon.lock")
    alice.daemon.settings.key_file.rename(alice.daemon.settings.data / "elsewhere")
    refused = await alice.error("daemon.unlock", passphrase="new", create=True)
    assert refused["kind"] == "storage_failed"
    assert not alice.daemon.settings.key_file.exists()


async def test_the_status_shows_link_and_counts(alice: House) -> None:
    await alice.result("message.send", to="bob@example.org", text="hello")
    status = await alice.result("daemon.status")
    assert status["relay"]["url"] == RELAY
    assert status["relay"]["state"] == "connecting"
    assert status["outbox"] == {"queued": 1, "unacknowledged": 0}
    assert (status["messages"], status["channels"]) == (1, 0)


async def test_a_shutdown_is_answered(bare: House) -> None:
    assert await bare.result("daemon.shutdown") == {"stopping": True}
    assert bare.daemon.shutdown_wanted.is_set()


async def test_a_request_that_waits_ends_when_the_vault_is_locked(alice: House) -> None:
    alice.client.say(request("message.send", 77, to="bob@example.org", text="x", wait="sent"))
    async with connected(alice.daemon.settings.socket) as other:
        await other.ask(request("daemon.lock", 1))
    answer = await alice.client.hear()
    assert (answer["id"], answer["error"]["data"]["kind"]) == (77, "locked")


async def test_what_was_queued_survives_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as first:
        await first.open()
        sent = await first.result("message.send", to="bob@example.org", text="hello")
    async with house(tmp_path) as second:
        await second.result("daemon.unlock", passphrase=PASSPHRASE)
        assert await second.result("message.status", message=sent["message"]) == sent


async def test_a_stopping_daemon_lets_nobody_wait(tmp_path: Path) -> None:
    async with house(tmp_path, drain_seconds=30.0) as made:
        await made.open()
        line = request("message.send", 5, to="bob@example.org", text="x", wait="read")
        made.client.say(line)
        await made.result("daemon.status")
    answer = await made.client.hear() if not made.client.reader.at_eof() else None
    assert answer is None or answer["error"]["data"]["kind"] == "shutting_down"
