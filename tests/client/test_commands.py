"""Each command once: what it asks of the daemon, and what it prints."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.client import samples
from tests.client.conftest import Run
from tests.client.recorder import Recorder

Case = tuple[list[str], str, dict[str, object], str]
BOB = "bob@example.org"
CASES: list[Case] = [
    (["lock"], "daemon.lock", {}, "locked"),
    (["shutdown"], "daemon.shutdown", {}, "stopping"),
    (["status"], "daemon.status", {}, "1 queued, 2 unacknowledged"),
    (["status", "abc"], "message.status", {"message": "abc"}, "on its way"),
    (["send", BOB, "hi"], "message.send", {"to": BOB, "text": "hi"}, samples.ID),
    (["send", "ops", "hi"], "message.send", {"channel": "ops", "text": "hi"}, samples.ID),
    (["log", "ops"], "message.list", {"channel": "ops"}, "[ops] bob@example.org: the disk is"),
    (["log", BOB], "message.list", {"channel": "e" * 64}, "the disk is full"),
    (["log", "ops", "--from", BOB], "message.list", {"channel": "ops", "sender": BOB}, "the disk"),
    (["log", "ops", "--thread", "a"], "message.list", {"channel": "ops", "thread": "a"}, "disk"),
    (["log", "ops", "--page", "khHD"], "message.list", {"channel": "ops", "page": "khHD"}, "disk"),
    (
        ["history", "keep", "ops", "--max-age", "1m"],
        "message.retention",
        {"channel": "ops", "max_age": 60},
        "ops: all, 60 seconds",
    ),
    (
        ["search", "disk", "is full", "--in", "ops", "--from", BOB, "--limit", "3"],
        "message.search",
        {"query": 'disk "is full"', "channel": "ops", "sender": BOB, "limit": 3},
        "[ops] bob@example.org: the disk",
    ),
    (["react", "a", "+1"], "message.react", {"message": "a", "emoji": "+1"}, "+1 carol@example"),
    (
        ["react", "a", "+1", "--withdraw"],
        "message.react",
        {"message": "a", "emoji": "+1", "withdraw": True},
        "the disk",
    ),
    (["edit", "a", "hi"], "message.edit", {"message": "a", "text": "hi"}, "the disk is full"),
    (["delete", "a"], "message.delete", {"message": "a"}, "the disk is full"),
    (["cancel", "a"], "message.cancel", {"message": "a"}, "is cancelled"),
    (["card", "search", BOB], "card.search", {"identity": BOB}, "not trusted"),
    (["contacts", "list"], "contact.list", {}, "bob@example.org  pinned, 1 card"),
    (["contacts", "show", BOB], "contact.show", {"identity": BOB}, "pinned, unverified, first"),
    (["contacts", "accept", BOB], "contact.accept", {"identity": BOB}, "pinned"),
    (
        ["contacts", "accept", BOB, "--card", "cc"],
        "contact.accept",
        {"identity": BOB, "card": "cc"},
        "pinned",
    ),
    (["contacts", "block", BOB], "contact.block", {"identity": BOB}, "blocked"),
    (["contacts", "unblock", BOB], "contact.unblock", {"identity": BOB}, "pinned"),
    (
        ["contacts", "name", BOB, "bobby"],
        "contact.name",
        {"identity": BOB, "alias": "bobby"},
        "bob@example.org (bobby)  pinned",
    ),
    (["contacts", "name", BOB], "contact.name", {"identity": BOB}, "bob@example.org"),
    (
        ["contacts", "policy", BOB, "pin"],
        "contact.policy",
        {"identity": BOB, "policy": "pin"},
        "bob@example.org  pin",
    ),
    (["contacts", "policy", "ops", "default"], "contact.policy", {"channel": "ops"}, "ops  pin"),
    (["link", "a@b.org"], "account.link", {"identity": "a@b.org"}, "11111 22222 33333 44444"),
    (["prove"], "account.prove", {}, "alice@example.org"),
    (["prove", "2345", "6789"], "account.prove", {"code": "2345 6789"}, "alice@example.org"),
    (["devices", "rotate"], "account.rotate", {}, "laptop  "),
    (["devices", "list"], "account.devices", {}, "phone  unendorsed"),
    (
        ["devices", "approve", "11111", "22222"],
        "account.approve",
        {"code": "11111 22222"},
        "code 11111 22222 33333 44444",
    ),
    (
        ["devices", "remove", "phone", "--reason", "lost"],
        "card.revoke",
        {"card": samples.CARD, "reason": "lost"},
        "phone  revoked",
    ),
    (["verify", BOB], "contact.safety_number", {"identity": BOB}, "11111 22222"),
    (
        ["verify", BOB, "--match", "11111 22222"],
        "contact.verify",
        {"identity": BOB, "safety_number": "11111 22222"},
        "verified",
    ),
    (["channel", "list"], "channel.list", {}, "ops  active, 2 members"),
    (["channel", "show", "ops"], "channel.show", {"channel": "ops"}, "alice@example.org  owner"),
    (
        ["channel", "create", "ops", BOB],
        "channel.create",
        {"name": "ops", "members": [BOB]},
        "active",
    ),
    (["channel", "create", "ops"], "channel.create", {"name": "ops", "members": []}, "active"),
    (["channel", "add", "ops", BOB], "channel.add", {"channel": "ops", "members": [BOB]}, "ops"),
    (
        ["channel", "remove", "ops", BOB],
        "channel.remove",
        {"channel": "ops", "members": [BOB]},
        "ops",
    ),
    (
        ["channel", "add", "ops", BOB, "--role", "reader"],
        "channel.add",
        {"channel": "ops", "members": [BOB], "role": "reader"},
        "ops",
    ),
    (
        ["channel", "role", "ops", BOB, "reader"],
        "channel.role",
        {"channel": "ops", "identity": BOB, "role": "reader"},
        "ops",
    ),
    (
        ["channel", "rename", "ops", "night"],
        "channel.rename",
        {"channel": "ops", "name": "night"},
        "ops",
    ),
    (
        ["channel", "topic", "ops", "what runs at night"],
        "channel.topic",
        {"channel": "ops", "topic": "what runs at night"},
        "topic: what runs at night",
    ),
    (
        ["channel", "policy", "ops", "--post", "admin", "--expire-after", "7d"],
        "channel.policy",
        {"channel": "ops", "post": "admin", "expire_after": 604800.0},
        "messages are kept for 604800 s",
    ),
    (
        ["channel", "policy", "ops", "--expire-after", "never"],
        "channel.policy",
        {"channel": "ops", "expire_after": 0.0},
        "only admins post",
    ),
    (
        ["channel", "ban", "ops", BOB],
        "channel.ban",
        {"channel": "ops", "identities": [BOB]},
        "mallory@example.org  banned",
    ),
    (
        ["channel", "unban", "ops", BOB],
        "channel.unban",
        {"channel": "ops", "identities": [BOB]},
        "ops",
    ),
    (
        ["channel", "requests"],
        "channel.requests",
        {},
        "2 members, from mallory@example.org, 3 waiting and more",
    ),
    (["channel", "accept", "ops"], "channel.accept", {"channel": "ops"}, "ops"),
    (
        ["channel", "decline", "ops", "--block"],
        "channel.decline",
        {"channel": "ops", "block": True},
        "is declined; mallory@example.org is blocked now",
    ),
    (
        ["channel", "consent", "--groups", "contacts"],
        "channel.consent",
        {"groups": "contacts"},
        "direct anyone, groups contacts",
    ),
    (
        ["channel", "alias", "ops", "night"],
        "channel.alias",
        {"channel": "ops", "alias": "night"},
        "called night here",
    ),
    (["channel", "leave", "ops"], "channel.leave", {"channel": "ops"}, "left"),
    (["read", "ops"], "message.mark_read", {"channel": "ops"}, "ops is read up to 7, the others"),
    (
        ["read", "Bob@example.org", "--up-to", "abc"],
        "message.mark_read",
        {"channel": BOB, "up_to": "abc"},
        "read",
    ),
    (["consumers", "list"], "consumer.list", {}, "bot  at 17, 3 behind, 2 in flight"),
    (["consumers", "show", "bot"], "consumer.show", {"consumer": "bot"}, "queue of 60 s"),
    (["consumers", "forget", "bot"], "consumer.remove", {"consumer": "bot"}, "bot is forgotten"),
    (
        ["consumers", "dead-letters", "bot", "--limit", "5"],
        "event.dead_letters",
        {"consumer": "bot", "limit": 5},
        "4  (5 attempts, late)",
    ),
    (["consumers", "requeue", "bot", "--all"], "event.requeue", {"consumer": "bot"}, "1 dead"),
    (
        ["consumers", "discard", "bot", "4"],
        "event.discard",
        {"consumer": "bot", "cursor": 4},
        "1 dead",
    ),
    (["call", "account.show"], "account.show", {}, '"state": "registered"'),
    (["call", "channel.show", '{"channel":"x"}'], "channel.show", {"channel": "x"}, '"ops"'),
    (["register", "a@b.org"], "account.register", {"identity": "a@b.org"}, "registered"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case[0]))
def test_a_command_asks_and_shows(
    case: Case, recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, method, params, shown = case
    assert run(*arguments) == 0
    assert recorder.params(method) == params
    assert shown in capsys.readouterr().out


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case[0]))
def test_with_json_the_result_is_printed_as_it_is(
    case: Case, recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, method, *_ = case
    assert run(*arguments, "--json") == 0
    assert json.loads(capsys.readouterr().out) == recorder.answers[method]


def test_register_passes_everything_on(recorder: Recorder, run: Run, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("secret-token\n")
    token.chmod(0o600)
    options = ["--device", "db1", "--relay", "ws://r", "--timeout", "1m"]
    assert run("register", "a@b.org", "--token-file", str(token), *options) == 0
    assert recorder.params("account.register") == {
        "identity": "a@b.org",
        "token": "secret-token",
        "device": "db1",
        "relay": "ws://r",
        "timeout": 60,
    }


def test_a_pending_account_is_done_with_a_remark(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["account.register"] = samples.ACCOUNT | {"state": "pending"}
    assert run("register", "a@b.org") == 0
    assert "goes on trying" in capsys.readouterr().err


@pytest.mark.parametrize(("command", "create"), [("init", {"create": True}), ("unlock", {})])
def test_a_passphrase_comes_from_a_file(
    command: str, create: dict[str, bool], recorder: Recorder, run: Run, tmp_path: Path
) -> None:
    secret = tmp_path / "passphrase"
    secret.write_text("correct horse\n")
    secret.chmod(0o400)
    assert run(command, "--passphrase-file", str(secret)) == 0
    passed = {name: value for name, value in recorder.params("daemon.unlock").items() if value}
    assert passed == {"passphrase": "correct horse", **create}


def test_log_passes_its_bounds_on_and_tells_how_to_go_on(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["message.list"] = {"messages": [samples.MESSAGE], "more": True}
    assert run("log", "ops", "--limit", "1", "--after", "3") == 0
    assert recorder.params("message.list") == {"channel": "ops", "limit": 1, "after": 3}
    assert "--after 17" in capsys.readouterr().err
    assert run("log", "ops") == 0
    assert "--before 17" in capsys.readouterr().err


def test_log_of_a_stranger_is_an_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("log", "stranger@example.org") == 1
    assert "no conversation with stranger@example.org" in capsys.readouterr().err


def test_log_of_oneself_shows_the_notes_to_oneself(recorder: Recorder, run: Run) -> None:
    notes = samples.DIRECT | {"channel": "a" * 64, "members": [samples.member("alice@example.org")]}
    recorder.answers["channel.list"] = {"channels": [samples.DIRECT, notes]}
    assert run("log", "Alice@example.org") == 0
    assert recorder.params("message.list") == {"channel": "a" * 64}


@pytest.mark.parametrize(("data", "size"), [("AAAA", "3 bytes"), ("AA==", "1 byte")])
def test_data_is_shown_by_its_type(
    data: str, size: str, recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    message = {"kind": "data", "text": None, "data": data, "media_type": "image/png"}
    recorder.answers["message.list"] = {"messages": [samples.MESSAGE | message], "more": False}
    assert run("log", "ops") == 0
    assert f"<image/png, {size}>" in capsys.readouterr().out


def test_a_locked_vault_is_not_said_to_be_empty(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("lock") == 0
    assert "stored" not in capsys.readouterr().out


def test_one_is_singular(recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    recorder.answers["daemon.status"] = samples.STATUS | {"messages": 1, "channels": 2}
    assert run("status") == 0
    assert "1 message in 2 channels" in capsys.readouterr().out


def test_call_reads_parameters_from_standard_input(
    recorder: Recorder, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"passphrase": "x"}'))
    assert run("call", "daemon.unlock", "-") == 0
    assert recorder.params("daemon.unlock") == {"passphrase": "x"}


@pytest.mark.parametrize("params", ["{", "[]", "[" * 100_000])
def test_call_wants_an_object(params: str, recorder: Recorder, run: Run) -> None:
    assert run("call", "daemon.status", params) == 2
    assert recorder.requests == []


def test_a_choice_of_dead_letters_names_one_or_all(recorder: Recorder, run: Run) -> None:
    assert run("consumers", "requeue", "bot") == 2
    assert run("consumers", "discard", "bot", "4", "--all") == 2
    assert recorder.requests == []


@pytest.fixture
def secret(tmp_path: Path) -> str:
    file = tmp_path / "passphrase"
    file.write_text("a passphrase of a backup\n")
    file.chmod(0o600)
    return str(file)


PASSPHRASE: dict[str, object] = {"passphrase": "a passphrase of a backup"}
BACKUPS: list[Case] = [
    (["backup"], "account.backup", PASSPHRASE, "version 3 at the relay: 70000 bytes, 12 messages"),
    (
        ["backup", "--to", "/x", "--without-messages"],
        "account.backup",
        PASSPHRASE | {"file": "/x", "messages": False},
        "version 3",
    ),
    (["backup", "--new-passphrase"], "account.backup_passphrase", PASSPHRASE, "another passphrase"),
    (["backup", "--show"], "account.backup_show", {}, "fetched "),
    (["backup", "--destroy"], "account.backup_destroy", {}, "version 3 destroyed"),
    (
        ["restore", "--from", "/x", "--relay", "wss://relay.example.org"],
        "account.restore",
        PASSPHRASE | {"file": "/x", "relay": "wss://relay.example.org"},
        "alice@example.org restored from version 3: 2 contacts, 1 channel, 12 messages",
    ),
]


@pytest.mark.parametrize("case", BACKUPS)
def test_backups_by_command(
    case: Case, secret: str, recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, method, params, printed = case
    assert run(*arguments, "--passphrase-file", secret) == 0
    assert recorder.params(method) == params
    assert printed in capsys.readouterr().out


def test_a_passphrase_of_a_backup_is_no_argument(recorder: Recorder, run: Run) -> None:
    assert run("backup", "a passphrase of a backup") == 2
    assert recorder.requests == []
