"""The examples by family do what they say, as real processes at one relay and two daemons.

Those that a guide shows are run by test_guides.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from peerpost import errors
from peerpost.cli import EXIT_MEANINGS
from peerpost.client import Client
from peerpost.method import Method
from scripts.generation.interface import interface
from tests.support.processes import RUN_SECONDS, Finished, command, environment
from tests.support.site import DaemonProcess, Site, private_file

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "scripts/examples"
MAXIMUM_LINES = 60
ACCOUNTS = ("work", "spare", "phone")  # further ones of bob's daemon, without an identity

SUBSCRIBING = {"event.subscribe": "listen", "event.unsubscribe": "listen"}
ACKNOWLEDGING = {"event.ack": "ack", "event.nack": "nack"}
COMMANDS = {
    "account.backup": "backup",
    "account.backup_destroy": "backup --destroy",
    "account.backup_passphrase": "backup --new-passphrase",
    "account.backup_show": "backup --show",
    "account.register": "register",
    "account.restore": "restore",
    "channel.accept": "channel",  # requests.sh chooses between the two
    "channel.add": "channel add",
    "channel.alias": "channel alias",
    "channel.ban": "channel ban",
    "channel.consent": "channel consent",
    "channel.create": "channel create",
    "channel.decline": "channel",
    "channel.leave": "channel leave",
    "channel.list": "channel list",
    "channel.policy": "channel policy",
    "channel.remove": "channel remove",
    "channel.rename": "channel rename",
    "channel.requests": "channel requests",
    "channel.role": "channel role",
    "channel.show": "channel show",
    "channel.topic": "channel topic",
    "channel.unban": "channel unban",
    "consumer.list": "consumers list",
    "contact.block": "contacts block",
    "contact.known": "contacts known",
    "contact.name": "contacts name",
    "contact.policy": "contacts policy",
    "contact.safety_number": "verify",
    "contact.show": "contacts show",
    "contact.unblock": "contacts unblock",
    "contact.verify": "verify",
    "daemon.doctor": "doctor",
    "daemon.health": "health",
    "daemon.lock": "lock",
    "daemon.unlock": "unlock",
}
"""What calls the methods that no example in Python calls; tests/client holds each against the method."""

NOT_SHOWN = {
    "card.endorse": "account.approve vouches too, and compares a code: a second word is refused",
    "daemon.shutdown": "it would end the daemon of the other examples; test_errors runs it",
    "account.prove": "it needs a relay with an e-mail server; test_keys_service runs it",
}


@dataclass(frozen=True)
class Run:
    """Be one run of an example: what it is given, what it has to say, how it ends."""

    example: str
    given: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    code: int = 0
    who: str = "alice"
    account: str = ""


RUNS = (
    Run("channels.sh", ("{bob}",), ("bob@example.org admin",)),
    Run("requests.sh", ("deploy",), ("accept", "decline"), who="bob"),
    Run("messages.sh", ("ops", "{bob}"), ("The disk of db2 is full", "Thank you", "is cancelled")),
    Run("threads.py", ("ops",), ("bob@example.org: disk?", "answered in the thread")),
    Run("schedule.py", ("ops",), ("failed",)),
    Run("direct.py", ("{bob}", "hello"), ("alice@example.org: hello",)),
    Run("dead-letters.sh", ("ops", "false"), ("1 dead letters",)),
    Run("consumer.py", ("{bob}", "3"), ("3 9", "4 16", "dead: x 3 attempts", "1 come again")),
    Run("files.py", ("{bob}", "{folder}"), ("here 1000000 bytes", "load 0.42")),
    Run("files.sh", ("alice@example.org", "{folder}"), ("load.txt",), who="bob"),
    Run("history.py", ("ops", "disk*", "{folder}/py"), ("messages exported", "0 imported")),
    Run("history.sh", ("ops", "disk", "{folder}/sh"), ("disk?",)),
    Run("contacts.sh", ("{bob}",), ("verified", "blocked")),
    Run("accept.py", ("{bob}",)),
    Run("errors.sh", ("ops", "hello"), ("sent",)),
    Run("errors.sh", ("nobody-knows-it", "hello"), ("failed: unknown_channel",), code=1),
    Run("errors.sh", ("ops", "hello"), ("start the daemon",), code=3, who="nobody"),
    Run("errors.py", ("ops", "hello"), ("sent",)),
    Run("errors.py", ("", "hello"), ("trying again does not help: invalid_params",), code=2),
    Run("errors.py", ("ops", "hello"), ("start the daemon",), code=3, who="nobody"),
    Run("by-curl.sh", ("ops", 'so "quoted" it is'), ('"status":"queued"', '"kind":"message"')),
    Run(
        "account.sh",
        ("work@example.org", "{token}", "{passphrase}", "{folder}/backup"),
        ("laptop",),
        who="bob",
        account="work",
    ),
    Run(
        "restore.sh",
        ("{folder}/backup", "{passphrase}"),
        ("work@example.org",),
        who="bob",
        account="spare",
    ),
    Run("devices.py", ("{socket}", "phone", "{token}"), ("phone live", "renewed: True")),
    Run("watch.py", ("9",), ("message: bob@example.org: disk?", "receipt:")),
)


@dataclass(frozen=True)
class Office:
    """Be alice and bob, who have a channel `ops`, and what the examples are given."""

    folder: Path
    given: dict[str, str]

    async def run(self, run: Run) -> Finished:
        """Run an example as its reader does."""
        own = {
            "PATH": f"{command('peerpost').parent}:{os.environ['PATH']}",
            "PEERPOST_SOCKET": str(self.folder / run.who / "daemon.sock"),
            "HOME": str(self.folder),
        }
        own |= {"PEERPOST_ACCOUNT": run.account} if run.account else {}
        process = await asyncio.create_subprocess_exec(
            FOLDER / run.example,
            *(given.format(**self.given) for given in run.given),
            env=environment() | own,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(RUN_SECONDS):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return Finished(process.returncode, out.decode(), err.decode())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Office]:
    """Be the office that all examples are run in, one after the other."""
    folder = tmp_path_factory.mktemp("office")
    async with Site(folder) as site:
        await site.relay.start()
        alice, bob = site.daemon("alice"), site.daemon("bob")
        token = await site.relay.token()
        await asyncio.gather(alice.start(), _with_accounts(bob))
        for each in (alice, bob):
            await each.client.register(each.identity, token=token)
        await _talk(alice, bob)
        given = {
            "bob": bob.identity,
            "socket": str(bob.socket),
            "token": str(private_file(folder / "token", token)),
            "passphrase": str(bob.passphrase_file),
            "folder": str(folder),
        }
        yield Office(folder, given)


async def _with_accounts(bob: DaemonProcess) -> None:
    tables = (
        f'[[accounts]]\nname = "{name}"\ndata = "{bob.folder / name}"\n'
        f'relay = "{bob.relay}"\npassphrase_file = "{bob.passphrase_file}"\n'
        for name in ACCOUNTS
    )
    file = private_file(bob.folder / "peerpostd.toml", "\n".join(tables))
    where = ("--config", file, "--data", bob.data, "--socket", bob.socket, "--relay", bob.relay)
    await bob.process.start(*where, "--passphrase-file", bob.passphrase_file)


async def _talk(alice: DaemonProcess, bob: DaemonProcess) -> None:
    """Let there be a channel, a talk, and two channels that bob is asked about."""
    await alice.client.send(to=bob.identity, text="3", wait="delivered")
    ops = await alice.client.channel_create("ops", [bob.identity])
    await bob.joined(ops["channel"])
    await bob.client.send(channel="ops", text="disk?", wait="delivered")
    for text in ("3", "x", "4"):
        await bob.client.send(to=alice.identity, text=text, wait="delivered")
    await bob.client.channel_consent(groups="nobody")
    for name in ("deploy", "spam"):
        channel = await alice.client.channel_create(name, [bob.identity])
        await bob.event("channel", channel=channel["channel"], change="requested")


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.example}-{run.code}")
async def test_an_example_does_what_it_says(office: Office, run: Run) -> None:
    done = await office.run(run)
    assert done.code == run.code, done.out + done.err
    assert [said for said in run.says if said not in done.out] == [], done.out + done.err


def _examples() -> dict[str, str]:
    there = (path for path in FOLDER.iterdir() if path.suffix in {".py", ".sh"})
    return {path.name: path.read_text() for path in there}


def test_examples_to_copy_are_short_and_in_the_index() -> None:
    index = (FOLDER / "README.md").read_text()
    assert [name for name in _examples() if f"]({name})" not in index] == []
    long = [name for name in {run.example for run in RUNS} if _lines(name) > MAXIMUM_LINES]
    assert long == []


def _lines(name: str) -> int:
    return len((FOLDER / name).read_text().splitlines())


def test_every_method_is_in_an_example() -> None:
    python = "".join(text for name, text in _examples().items() if name.endswith(".py"))
    shell = "".join(text for name, text in _examples().items() if name.endswith(".sh"))
    names = {m.name: name for name, m in _declared().items()} | SUBSCRIBING | ACKNOWLEDGING
    missing = {
        method
        for method in (each["name"] for each in interface()["methods"])
        if not re.search(rf"\.{names.get(method, method)}\(", python)
        and not re.search(rf"\bpeerpost {COMMANDS.get(method, 'call ' + method)}\b", shell)
        and f'"method":"{method}"' not in shell
    }
    assert missing == set(NOT_SHOWN)


def _declared() -> dict[str, Method[..., object]]:
    there = {name: getattr(Client, name) for name in dir(Client)}
    return {name: method for name, method in there.items() if isinstance(method, Method)}


def test_every_kind_of_event_is_in_an_example() -> None:
    watch = _examples()["watch.py"]
    kinds = [each["kind"] for each in interface()["x-notifications"]]
    assert [kind for kind in kinds if f'"{kind}"' not in watch] == []


def test_every_type_of_error_and_exit_code_is_in_an_example() -> None:
    python, shell = _examples()["errors.py"], _examples()["errors.sh"]
    types = {error.__name__ for error in (*errors.CLASSES.values(), errors.PeerpostError)}
    assert [name for name in types if name not in python] == []
    answered = {int(code) for code in re.findall(r"^    (\d+)\)", shell, re.MULTILINE)}
    assert answered == set(EXIT_MEANINGS) - {errors.PeerpostError.exit_code}  # that is `*`
