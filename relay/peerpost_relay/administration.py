"""What the operator's commands do to a data folder, while a relay serves it or not.

They open the same database beside the serving process; SQLite keeps the two apart, and a served
relay looks into the store for every token, so it knows a new one at once.
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from peerpost_protocol.check import Check
from peerpost_protocol.one_line import one_line
from peerpost_protocol.refusals import Refusal
from peerpost_protocol.signing import SigningKey
from peerpost_protocol.statement import Reason
from peerpost_relay import doctor, histories, tokens
from peerpost_relay.configuration import RelayConfiguration
from peerpost_relay.data_folder import DATABASE, DataFolder, existing
from peerpost_relay.errors import RefusalError, SetupError
from peerpost_relay.outcomes import Outcome
from peerpost_relay.relay import wall_clock
from peerpost_relay.sqlite_store import SqliteStore
from peerpost_relay.sqlite_store.transaction import SqliteTransaction
from peerpost_relay.store import RateClass, Token

T = TypeVar("T")

SICK = 1  # the doctor's exit code

Listing = Callable[[Path], None]


class Permission(Struct, frozen=True):
    """Say what a new token permits: a pattern of identities, for how long (ms), how many cards, how fast."""

    identity: str
    expires_in_ms: int | None
    uses: int | None
    rate: RateClass


def create_token(data: Path, permission: Permission) -> None:
    """Make a token and print it; it is stored nowhere."""
    print(make_token(data, permission))  # noqa: T201


def make_token(data: Path, permission: Permission) -> str:
    """Return a new token, of which only its digest is stored; raise MalformedError."""
    pattern = tokens.pattern_of(permission.identity)
    _new(data)
    token = tokens.make_token(os.urandom(tokens.TOKEN_BYTES))
    now_ms = wall_clock()
    span = permission.expires_in_ms
    expires_at_ms = now_ms + span if span is not None else None
    digest, uses, rate = tokens.digest_of(token), permission.uses, permission.rate
    _write(data, lambda t: t.add_token(digest, pattern, now_ms, expires_at_ms, uses, rate=rate))
    return token


def list_tokens(data: Path) -> None:
    """Print number, pattern, state, expiry and uses left of every token."""
    now_ms = wall_clock()
    _print(_token_line(token, now_ms) for token in _read(data, lambda s: s.tokens()))


def revoke_token(data: Path, number: int) -> None:
    """End a token; raise SetupError when there is no such live one."""
    existing(data)
    if not _write(data, lambda t: t.revoke_token(number, wall_clock())):
        raise SetupError(f"there is no live token {number}")


def list_cards(data: Path) -> None:
    """Print id, identity, attestation, publication and state of every card."""
    for id_, identity, attestation, published, state, ended in _read(
        data, lambda s: s.listed_cards()
    ):
        when = f" {_time(ended)}" if ended is not None else ""
        _print([f"{id_.hex()}  {identity}  {attestation}  {_time(published)}  {state}{when}"])


def revoke_card(data: Path, card: bytes, reason: Reason) -> None:
    """End a card, signed with the relay's key; a served relay closes its sessions within a second."""
    key = existing(data).key()
    _write(data, partial(_revoke, card=card, reason=reason, key=key))


def _revoke(
    transaction: SqliteTransaction, *, card: bytes, reason: Reason, key: SigningKey
) -> Outcome:
    found = transaction.card(card)
    if found is None or found.revoked_at_ms is not None:
        raise RefusalError(Refusal.UNKNOWN_CARD, "there is no live card with this id")
    return histories.rule(transaction, found, reason, key, wall_clock())


def list_channels(data: Path) -> None:
    """Print id, newest position, name and members of every channel."""
    for id_, last, roster in _read(data, lambda s: s.listed_channels()):
        members = " ".join(sorted(roster.members))
        _print([f"{id_.hex()}  {last}  {roster.name!r}  {members}"])


def examine(data: Path, settings: RelayConfiguration, *, as_json: bool) -> int:
    """Print the doctor's checks; return 0 when all is well, else 1."""
    found = asyncio.run(doctor.examine(data, settings))
    if as_json:
        _print([msgspec.json.encode(found).decode()])
    else:
        _print(line for check in found.checks for line in _check_lines(check))
    return 0 if found.well else SICK


def _check_lines(check: Check) -> Iterable[str]:
    yield one_line(f"{check.result:8} {check.check}: {check.detail}")
    if check.fix:
        yield f"         {one_line(check.fix)}"


def _token_line(token: Token, now_ms: int) -> str:
    state = "live" if tokens.is_live(token, now_ms) else "ended"
    expires = _time(token.expires_at_ms) if token.expires_at_ms is not None else "never"
    uses = token.uses_left if token.uses_left is not None else "any"
    return f"{token.number}  {token.identity}  {state}  expires {expires}  uses {uses}  rate {token.rate}"


def _time(at_ms: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at_ms / 1_000))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(line)  # noqa: T201


def _new(data: Path) -> None:
    """Say it when a store is made where none was: it may be the wrong folder."""
    if not (data / DATABASE).exists():
        print(f"peerpost-relay: a new store is made in {data}", file=sys.stderr)  # noqa: T201


def _write(data: Path, operation: Callable[[SqliteTransaction], T]) -> T:
    async def write() -> T | RefusalError:
        store = await SqliteStore.open(DataFolder(data).database)
        try:
            return (await store.write([operation]))[0]
        finally:
            await store.close()

    result = asyncio.run(write())
    if isinstance(result, RefusalError):
        raise result
    return result


def _read(data: Path, query: Callable[[SqliteTransaction], T]) -> T:
    async def read() -> T:
        store = await SqliteStore.open(existing(data).database)
        try:
            return await store.read(query)
        finally:
            await store.close()

    return asyncio.run(read())
