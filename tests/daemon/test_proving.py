"""Proofs by e-mail through a real engine, a real relay and a real mail server."""

import asyncio
from pathlib import Path

import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.records import account as accounts
from peerpost_daemon.vault.connection import SqlConnection
from tests.relay.test_proofs import CLOSED, office
from tests.support.accounts import account

ALICE = "alice@example.org"


def _attestation(db: SqlConnection) -> str | None:
    found = accounts.find(db)
    return found.attestation if found else None


def _reason(db: SqlConnection) -> str | None:
    found = accounts.find(db)
    return found.reason if found else None


async def test_a_published_card_becomes_verified_by_its_code(tmp_path: Path) -> None:
    async with (
        office(tmp_path / "relay") as at,
        account(tmp_path / "alice", ALICE, at.relay.url) as alice,
    ):
        await alice.online()
        assert await alice.read(_attestation) == "unverified"
        await alice.engine.proving.ask_for_code()
        await alice.engine.proving.confirm(await at.box.code())
        assert await alice.read(_attestation) == "verified"


async def test_a_wrong_code_is_an_error_of_its_own(tmp_path: Path) -> None:
    async with (
        office(tmp_path / "relay") as at,
        account(tmp_path / "alice", ALICE, at.relay.url) as alice,
    ):
        await alice.online()
        with pytest.raises(DaemonError) as refused:
            await alice.engine.proving.confirm("2345-6789")
        assert (refused.value.kind, refused.value.field) == ("code_refused", "code")


async def test_codes_that_are_asked_for_too_often_are_refused_for_a_while(tmp_path: Path) -> None:
    async with (
        office(tmp_path / "relay", codes_per_card=1) as at,
        account(tmp_path / "alice", ALICE, at.relay.url) as alice,
    ):
        await alice.online()
        await alice.engine.proving.ask_for_code()
        with pytest.raises(DaemonError) as refused:
            await alice.engine.proving.ask_for_code()
        assert refused.value.kind == "too_many_requests"
        assert refused.value.retry_after


async def test_a_relay_that_needs_a_proof_mails_a_code_and_takes_the_card_with_it(
    tmp_path: Path,
) -> None:
    async with (
        office(tmp_path / "relay", CLOSED) as at,
        account(tmp_path / "alice", ALICE, at.relay.url) as alice,
    ):
        await alice.until(lambda db: _reason(db) == "proof_required")
        code = await at.box.code()
        await alice.database.write(lambda db: accounts.aim(db, None, None))
        alice.engine.prove_card("2345-6789")
        await alice.until(lambda db: _reason(db) == "code_refused")
        await alice.database.write(lambda db: accounts.aim(db, None, None))
        alice.engine.prove_card(code)
        await alice.until(lambda db: _attestation(db) == "verified")
        await alice.online()


async def test_without_a_code_another_is_mailed(tmp_path: Path) -> None:
    async with (
        office(tmp_path / "relay", CLOSED) as at,
        account(tmp_path / "alice", ALICE, at.relay.url) as alice,
    ):
        await alice.until(lambda db: _reason(db) == "proof_required")
        alice.engine.prove_card(None)
        async with asyncio.timeout(10):
            assert await at.box.code(1) != await at.box.code(2)
