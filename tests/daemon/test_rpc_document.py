"""The public interface is all there, describes itself, and docs/rpc.md says all of it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args

import pytest

from peerpost_daemon.errors import ERROR_CODES
from peerpost_daemon.methods.event import Kind
from peerpost_daemon.methods.registry import EVENT_TYPES, registry_of
from tests.daemon.methods.house import House, house

_NOUNS = {
    "daemon": ("status", "health", "doctor", "unlock", "lock", "shutdown"),
    "account": (
        "register",
        "show",
        "link",
        "prove",
        "devices",
        "approve",
        "rotate",
        "backup",
        "backup_show",
        "backup_passphrase",
        "backup_destroy",
        "restore",
    ),
    "card": ("search", "show", "endorse", "revoke"),
    "contact": (
        "list",
        "show",
        "safety_number",
        "accept",
        "verify",
        "block",
        "unblock",
        "name",
        "policy",
        "known",
    ),
    "channel": (
        *("create", "list", "show", "add", "remove", "leave"),
        *("role", "rename", "topic", "policy", "ban", "unban"),
        *("requests", "accept", "decline", "consent", "alias"),
    ),
    "message": (
        "send",
        "status",
        "list",
        "show",
        "mark_read",
        "react",
        "edit",
        "delete",
        "cancel",
        "search",
        "export",
        "import",
        "retention",
    ),
    "event": ("subscribe", "ack", "nack", "unsubscribe", "dead_letters", "requeue", "discard"),
    "consumer": ("list", "show", "remove"),
    "file": ("begin", "write", "show", "fetch", "read", "save"),
    "rpc": ("discover",),
}
METHODS = frozenset(f"{noun}.{verb}" for noun, verbs in _NOUNS.items() for verb in verbs)
EVENTS = frozenset(
    [
        "message",
        "message.changed",
        "message.status",
        "receipt",
        "channel",
        "contact.changed",
        "quarantine",
        "link",
        "file",
        "daemon",
        "backup",
    ]
)
DOCUMENT = (Path(__file__).parents[2] / "docs" / "rpc.md").read_text()


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path) as opened:
        yield opened


def _section(method: str) -> str:
    found = re.search(
        rf"^### `{re.escape(method)}`\n(.*?)(?=^##)", DOCUMENT, re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/rpc.md has no section {method}"
    return found[1]


async def test_every_method_is_registered(made: House) -> None:
    assert {method.name for method in registry_of(made.daemon)} == METHODS


def test_every_kind_of_event_is_described_and_can_be_asked_for() -> None:
    assert {event.kind for event in EVENT_TYPES} == EVENTS == set(get_args(Kind))


async def test_the_interface_describes_itself(made: House) -> None:
    found = await made.result("rpc.discover")
    assert {method["name"] for method in found["methods"]} == METHODS
    assert {event["kind"] for event in found["x-notifications"]} == EVENTS
    send = next(method for method in found["methods"] if method["name"] == "message.send")
    assert {"to", "channel", "text", "data"} <= {param["name"] for param in send["params"]}


async def test_the_document_shows_every_method_with_its_parameters_and_errors(made: House) -> None:
    for method in registry_of(made.daemon):
        section = _section(method.name)
        for name in (*method.params.__struct_encode_fields__, *method.errors):
            assert f"`{name}`" in section, f"{method.name}: {name}"
        assert f'"method":"{method.name}"' in section
        assert '"result":' in section


async def test_the_document_shows_every_member_of_every_result(made: House) -> None:
    for method in registry_of(made.daemon):
        if method.name != "rpc.discover":
            for name in method.result.__struct_encode_fields__:
                assert f"`{name}`" in DOCUMENT, f"{method.name}: {name}"


def test_the_document_shows_every_error_with_its_code() -> None:
    for kind, code in ERROR_CODES.items():
        assert f"| `{kind}` | {code} |" in DOCUMENT


def test_the_document_shows_every_event_with_its_data() -> None:
    for event in EVENT_TYPES:
        described = DOCUMENT.partition("## Events\n")[2]
        row = re.search(rf"^\| `{re.escape(event.kind)}` \|.*$", described, re.MULTILINE)
        assert row, event.kind
        if event.kind != "message":
            for name in event.data.__struct_encode_fields__:
                assert f"`{name}`" in row[0], f"{event.kind}: {name}"


def test_the_document_names_nothing_that_is_not_there() -> None:
    assert set(re.findall(r"^### `(.*)`$", DOCUMENT, re.MULTILINE)) == METHODS
