"""tests/vectors/history.json: a history and a checkpoint recomputed step by step, in the words of the specification.

Alice's laptop begins, endorses a phone, and is replaced; its successor revokes the phone, and the operator revokes the
successor. The steps use hashes and signatures only; then the package reads the same entries and comes to the same end.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import cast

import msgspec
import pytest
from nacl.bindings import crypto_scalarmult_base, crypto_sign, crypto_sign_seed_keypair

from peerpost_protocol.checkpoint import checkpoint_of
from peerpost_protocol.errors import HistoryError
from peerpost_protocol.frames import HistoryPage, decode_relay_frame
from peerpost_protocol.history import CardState, History, open_history

VECTOR = Path(__file__).parents[1] / "vectors" / "history.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "protocol" / "history.md"
IDENTITY = "alice@example.org"
STRANGER = "bob@example.org"
BEGAN, STATED, RULED = range(3)
AT_MS = 1_750_000_000_000
SEEDS = {
    "relay": 0x80,
    "laptop": 0x00,
    "phone": 0x40,
    "new laptop": 0xC0,
}
Values = dict[str, bytes]


def seed(name: str, *, encrypts: bool = False) -> bytes:
    """Return 32 bytes that count up, as the secrets of the worked example do."""
    first = SEEDS[name] + (0x20 if encrypts else 0)
    return bytes((first + n) % 256 for n in range(32))


def public(name: str) -> bytes:
    return crypto_sign_seed_keypair(seed(name))[0]


def packed(*elements: object) -> bytes:
    return msgspec.msgpack.encode(elements)


def encoding(kind: str, payload: bytes) -> bytes:
    type_ = f"application/vnd.peerpost.{kind}.v1".encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


def identifier(kind: str, payload: bytes) -> bytes:
    return sha256(encoding(kind, payload)).digest()


def signed(values: Values, name: str, signer: str, kind: str, payload: bytes) -> bytes:
    """Add payload, signature and id of what somebody has signed; return its id."""
    secret = crypto_sign_seed_keypair(seed(signer))[1]
    values[f"{name}.payload"] = payload
    values[f"{name}.signature"] = crypto_sign(encoding(kind, payload), secret)[:64]
    values[f"{name}.id"] = identifier(kind, payload)
    return values[f"{name}.id"]


def card(values: Values, name: str, endorser: bytes | None, predecessor: bytes | None) -> bytes:
    encrypts = crypto_scalarmult_base(seed(name, encrypts=True))
    device = name.removeprefix("new ")
    payload = packed(IDENTITY, device, public(name), encrypts, AT_MS, endorser, predecessor)
    return signed(values, f"{name}.card", name, "card", payload)


def entry(values: Values, position: int, kind: int, previous: bytes, subject: bytes) -> bytes:
    place = bytes([kind]) + position.to_bytes(8, "big")
    id_ = identifier("history-entry", place + previous + subject)
    values[f"entry {position}.id"] = id_
    return id_


def computed() -> Values:
    """Return every value, made as the documents say."""
    values: Values = {}
    laptop = card(values, "laptop", None, None)
    phone = card(values, "phone", laptop, None)
    new = card(values, "new laptop", None, laptop)
    head = entry(values, 0, BEGAN, bytes(32), laptop)
    said = (
        ("laptop", laptop, phone, ("endorse",)),
        ("laptop", laptop, new, ("succeed",)),
        ("new laptop", new, phone, ("revoke", "lost")),
    )
    for position, (signer, author, subject, claim) in enumerate(said, 1):
        payload = packed(author, subject, IDENTITY, AT_MS + position, position, head, claim)
        id_ = signed(values, f"statement {position}", signer, "statement", payload)
        head = entry(values, position, STATED, head, id_)
    ruling = packed(public("relay"), new, IDENTITY, AT_MS + 4, 4, head, ("revoke", "compromised"))
    id_ = signed(values, "statement 4", "relay", "operator-statement", ruling)
    head = entry(values, 4, RULED, head, id_)
    values["relay.signing_key"] = public("relay")
    rows = b""
    for identity, length, known in ((IDENTITY, 5, head), (STRANGER, 0, bytes(32))):
        rows += len(identity).to_bytes(2, "big") + identity.encode()
        rows += length.to_bytes(8, "big") + known
    values["checkpoint.rows"] = rows
    values["checkpoint.root"] = identifier("checkpoint", rows)
    values["frame.history_page"] = page(values)
    return values


def page(values: Values) -> bytes:
    """Return the relay's whole answer to `read_history`."""

    def of(name: str) -> tuple[bytes, bytes]:
        return values[f"{name}.payload"], values[f"{name}.signature"]

    entries = (
        ("began", of("laptop.card")),
        ("stated", of("statement 1"), of("phone.card")),
        ("stated", of("statement 2"), of("new laptop.card")),
        ("stated", of("statement 3"), None),
        ("ruled", of("statement 4")),
    )
    return packed("history_page", 7, IDENTITY, entries, len(entries))


def vector() -> Values:
    stored = cast("dict[str, str]", json.loads(VECTOR.read_text()))
    return {name: bytes.fromhex(value) for name, value in stored.items()}


def test_every_value_is_what_the_steps_make() -> None:
    assert vector() == computed()


def opened(count: int = 5) -> History:
    values = vector()
    frame = decode_relay_frame(values["frame.history_page"])
    assert isinstance(frame, HistoryPage)
    history = open_history(frame.entries[:count], values["relay.signing_key"])
    assert history is not None
    return history


@pytest.mark.parametrize("count", range(1, 6))
def test_the_package_comes_to_the_same_heads(count: int) -> None:
    assert opened(count).head == vector()[f"entry {count - 1}.id"]


def test_the_package_reads_who_counts() -> None:
    values, history = vector(), opened()
    names = ("laptop", "phone", "new laptop")
    states = [history.state(values[f"{name}.card.id"]) for name in names]
    assert states == [CardState.REPLACED, CardState.REVOKED, CardState.REVOKED]
    assert [card.id for card in opened(3).live] == [
        values["phone.card.id"],
        values["new laptop.card.id"],
    ]


def test_the_package_makes_the_same_checkpoint() -> None:
    made = checkpoint_of((STRANGER, IDENTITY), {IDENTITY: opened()})
    assert (made.size, made.root) == (5, vector()["checkpoint.root"])


def test_entries_in_another_order_are_refused() -> None:
    frame = decode_relay_frame(vector()["frame.history_page"])
    assert isinstance(frame, HistoryPage)
    first, second, third, *_ = frame.entries
    with pytest.raises(HistoryError):
        open_history((first, third, second), vector()["relay.signing_key"])


def test_the_document_shows_these_ids() -> None:
    shown = DOCUMENT.read_text()
    for name, value in vector().items():
        if name.startswith("entry ") or name == "checkpoint.root":
            assert f"| `{name}` | `{value.hex()}` |" in shown, name
