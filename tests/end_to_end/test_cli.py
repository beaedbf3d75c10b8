import json
from pathlib import Path

from tests.support.processes import Finished, run
from tests.support.site import DaemonProcess, Site, private_file

DONE, FAILED, USAGE, NO_DAEMON, LOCKED, TOO_LATE, REFUSED = range(7)
Pair = tuple[DaemonProcess, DaemonProcess]


def done(finished: Finished) -> str:
    """Return what a command that must succeed has printed."""
    assert finished.code == DONE, finished.err
    assert finished.err == ""
    return finished.out


async def test_from_init_to_shutdown_with_the_commands_alone(site: Site) -> None:
    await site.relay.start()
    token = (await site.relay.token()).encode()
    alice, bob = site.daemon("alice"), site.daemon("bob")
    for daemon in (alice, bob):
        await daemon.start(locked=True)
        passphrase = ("--passphrase-file", str(daemon.passphrase_file))
        assert "ready" in done(await daemon.peerpost("init", *passphrase))
        registered = await daemon.peerpost("register", daemon.identity, "--token", "-", stdin=token)
        assert "registered" in done(registered)
    done(await alice.peerpost("channel", "create", "ops", bob.identity))
    listed = json.loads(done(await alice.peerpost("channel", "list", "--json")))
    await bob.joined(listed["channels"][0]["channel"])

    sent = await alice.peerpost("send", "ops", "--wait", "delivered", stdin="καλημέρα\n".encode())
    id_ = done(sent).strip()
    assert "delivered" in done(await alice.peerpost("status", id_))
    listen = ("listen", "--consumer", "bot", "--count", "1", "--timeout", "20")
    assert done(await bob.peerpost(*listen)).endswith("[ops] alice@example.org: καλημέρα\n")
    assert done(await bob.peerpost("log", "ops")).endswith("[ops] alice@example.org: καλημέρα\n")
    assert "1 message in 1 channel" in done(await bob.peerpost("status"))
    assert "alice@example.org  pinned" in done(await bob.peerpost("contacts", "list"))
    assert "trusted" in done(await bob.peerpost("card", "search", alice.identity))
    done(await bob.peerpost("channel", "leave", "ops"))
    assert "stopping" in done(await bob.peerpost("shutdown"))


async def test_code_1_when_something_is_not_there(pair: Pair) -> None:
    alice, _ = pair
    sent = await alice.peerpost("send", "nowhere", "hello")
    assert (sent.code, sent.out) == (FAILED, "")
    assert "peerpost: No channel" in sent.err


async def test_code_1_when_a_message_is_given_up(pair: Pair) -> None:
    alice, _ = pair
    sent = await alice.peerpost("send", "nobody@example.org", "hello", "--wait", "sent")
    assert sent.code == FAILED
    assert "unknown_identity" in sent.err


async def test_code_2_for_wrong_usage() -> None:
    assert (await run("peerpost")).code == USAGE
    assert (await run("peerpost", "dance")).code == USAGE
    assert (await run("peerpost", "send")).code == USAGE
    assert (await run("peerpost", "register", "a@example.org", "--token", "secret")).code == USAGE


async def test_code_3_when_no_daemon_answers(tmp_path: Path) -> None:
    status = await run("peerpost", "--socket", tmp_path / "none.sock", "status")
    assert status.code == NO_DAEMON
    assert "Is peerpostd running?" in status.err


async def test_code_4_while_the_vault_is_locked_until_it_is_unlocked(site: Site) -> None:
    alice = site.daemon("alice")
    await alice.start(locked=True)
    assert (await alice.peerpost("send", "bob@example.org", "hello")).code == LOCKED
    passphrase = ("--passphrase-file", str(alice.passphrase_file))
    done(await alice.peerpost("init", *passphrase))
    done(await alice.peerpost("lock"))
    assert (await alice.peerpost("log", "ops")).code == LOCKED
    assert "ready" in done(await alice.peerpost("unlock", *passphrase))


async def test_code_5_when_the_receiver_does_not_answer_in_time(pair: Pair) -> None:
    alice, bob = pair
    await bob.stop()
    sent = await alice.peerpost(
        "send", bob.identity, "hello", "--wait", "delivered", "--timeout", "0.3"
    )
    assert sent.code == TOO_LATE
    assert (await alice.peerpost("status", sent.out.strip())).code == DONE
    assert (await alice.peerpost("listen", "--count", "1", "--timeout", "0.1")).code == TOO_LATE


async def test_code_6_when_the_relay_does_not_take_the_token(site: Site) -> None:
    await site.relay.start()
    alice = site.daemon("alice")
    await alice.start()
    token = private_file(site.folder / "token", await site.relay.token("bob@example.org"))
    registered = await alice.peerpost("register", alice.identity, "--token-file", str(token))
    assert registered.code == REFUSED
    done(await alice.peerpost("status"))


async def test_code_6_when_only_an_admin_may(pair: Pair) -> None:
    alice, bob = pair
    made = await alice.client.channel_create("ops", [bob.identity])
    await bob.joined(made["channel"])
    assert (await bob.peerpost("channel", "remove", "ops", alice.identity)).code == REFUSED
