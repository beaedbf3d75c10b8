"""Parameters made to break something: every method gets them, and answers with an error of its own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peerpost_daemon.errors import ERROR_CODES
from peerpost_daemon.methods.registry import registry_of
from tests.daemon.methods.house import BOB, House, house, message_by

NASTY: tuple[Any, ...] = (
    "",
    "\x00",
    "'; DROP TABLE message; --",
    "%",
    "_" * 64,
    "\u202e",
    "x" * 100_000,
    -1,
    2**63,
    1e308,
    True,
    None,
    [],
    [[]],
    {},
    {"a": 1},
    ["\x00"] * 3,
)
OURS = frozenset(  # what a parameter alone must never cause, whatever it says
    {
        "internal_error", "parse_error", "invalid_request", "method_not_found", "locked", "no_vault",
        "shutting_down", "storage_failed", "storage_full",
    }
)  # fmt: skip
NOT_TRIED = frozenset({"daemon.shutdown", "daemon.lock"})  # they take nothing, and end the test
GOOD: dict[str, Any] = {
    "identity": "bob@example.org",
    "members": ["bob@example.org"],
    "name": "ops",
    "channel": "ops",
    "to": "bob@example.org",
    "text": "hello",
    "message": "0198f2c0-0000-7000-8000-000000000000",
    "consumer": "bot",
    "cursor": 1,
    "subscription": 1,
    "passphrase": "correct horse",
}


@pytest.fixture
async def alice(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, max_subscriptions=10_000) as made:
        await made.open()
        yield made


def _methods(alice: House) -> list[Any]:
    return [m for m in registry_of(alice.daemon) if m.name not in NOT_TRIED]


async def test_no_parameter_makes_a_method_fail_unforeseen(alice: House) -> None:
    for method in _methods(alice):
        fields = method.params.__struct_encode_fields__
        for field in fields:
            for value in NASTY:
                given = {name: GOOD[name] for name in fields if name in GOOD} | {field: value}
                answer = await alice.ask(method.name, **given)
                kind = answer["error"]["data"]["kind"] if "error" in answer else None
                assert kind is None or kind in ERROR_CODES, (method.name, field, value, kind)
                assert kind not in OURS, (method.name, field, value, kind)
    assert (await alice.result("daemon.status"))["state"] == "ready"


async def test_a_parameter_that_nobody_knows_is_refused_by_name(alice: House) -> None:
    for method in _methods(alice):
        fields = method.params.__struct_encode_fields__
        given = {name: GOOD[name] for name in fields if name in GOOD}
        error = await alice.error(method.name, **given, surplus=1)
        assert (error["kind"], error["field"]) == ("invalid_params", "surplus"), method.name


async def test_wildcards_in_a_reference_match_nothing(alice: House) -> None:
    await alice.channel(BOB)
    for reference in ("%", "________", "*", "op_", "ops' OR '1'='1"):
        error = await alice.error("channel.show", channel=reference)
        assert error["kind"] == "unknown_channel"


async def test_a_channel_named_like_an_id_does_not_take_its_messages(alice: House) -> None:
    real = await alice.channel(BOB)
    await alice.channel(BOB, name=real.hex())
    await alice.channel(BOB, name=real.hex()[:8])
    shown = await alice.result("channel.show", channel=real.hex())
    assert shown["name"] == "ops"
    error = await alice.error("message.send", channel=real.hex()[:8], text="x")
    assert error["kind"] == "ambiguous_channel"


async def test_a_channel_named_like_a_contact_does_not_take_its_messages(alice: House) -> None:
    await alice.channel(BOB, name="carol@example.org")
    sent = await alice.result("message.send", to="carol@example.org", text="for Carol alone")
    assert sent["channel"] is None


async def test_an_identity_that_looks_like_another_is_refused(alice: House) -> None:
    for looks_like_bob in ("b\u043eb@example.org", "bob@example.org\x00", "BOB@EXAMPLE\u3002ORG"):
        error = await alice.error("message.send", to=looks_like_bob, text="x")
        assert (error["kind"], error["field"]) == ("invalid_params", "to")


async def test_no_secret_is_logged_when_parameters_are_wrong(
    alice: House, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    await alice.error("daemon.unlock", passphrase="hunter2 is wrong")
    await alice.error("account.register", identity="x", token="hunter2 token")
    await alice.error("message.send", to="x", text="hunter2 text")
    await alice.arrived(message_by(BOB, await alice.channel(BOB), "hunter2 received"))
    assert "hunter2" not in caplog.text


def test_every_kind_that_is_safe_is_documented() -> None:
    assert set(ERROR_CODES) >= OURS
