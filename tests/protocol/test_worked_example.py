"""docs/protocol/worked-example.md: every value recomputed, step by step, beside what the package makes.

The steps use hashes and ciphers only, in the words of the specification, so that the example proves the document and
not the code. `tests/vectors/worked-example.json` holds the same values for other implementations.
"""

import hmac
import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_encrypt,
    crypto_scalarmult_base,
    crypto_sign,
    crypto_sign_seed_keypair,
)

from peerpost_protocol import hpke
from peerpost_protocol.card import Card, DeviceKeys, issue_card, open_card
from peerpost_protocol.content import Text
from peerpost_protocol.envelope import Placement, parse_envelope, seal, unseal, verify_envelope
from peerpost_protocol.frames import (
    Authenticate,
    ChallengeFrame,
    ClientFrame,
    Hello,
    Publish,
    RelayFrame,
    encode_frame,
)
from peerpost_protocol.handshake import (
    Challenge,
    sign_authentication,
    sign_challenge,
    verify_authentication,
)
from peerpost_protocol.receipt import Mark, ReceiptBody, parse_receipt, sign_receipt, verify_receipt
from peerpost_protocol.roster import (
    Create,
    Member,
    Role,
    Roster,
    RosterEvent,
    apply_event,
    sign_event,
)
from peerpost_protocol.signing import Signed, SigningKey

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "protocol" / "worked-example.md"
VECTORS = ROOT / "tests" / "vectors" / "worked-example.json"
FENCE = re.compile(r"^```hex (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTH = 64

CREATED_AT_MS, SENT_AT_MS = 1_750_000_000_000, 1_750_000_001_000
STORED_AT_MS, CHALLENGED_AT_MS = 1_750_000_002_000, 1_750_000_003_000
TYPE = "application/vnd.peerpost.{}.v1"
Values = dict[str, bytes]


def counting_from(first: int, length: int = 32) -> bytes:
    """Return bytes that count up from `first`, as the example's secrets do."""
    return bytes((first + n) % 256 for n in range(length))


SEEDS: Values = {
    "alice.signing_seed": counting_from(0x00),
    "alice.encryption_private": counting_from(0x20),
    "bob.signing_seed": counting_from(0x40),
    "bob.encryption_private": counting_from(0x60),
    "relay.signing_seed": counting_from(0x80),
    "channel.nonce": counting_from(0xA0),
    "message.id": counting_from(0x10, 16),
    "content_secret": counting_from(0xC0),
    "alice.ephemeral_seed": counting_from(0xE0),
    "bob.ephemeral_seed": counting_from(0x30),
    "ciphertext.nonce": counting_from(0x50, 24),
    "client_nonce": counting_from(0x70),
    "relay_nonce": counting_from(0x90),
}


# --- the steps, in the words of the specification


def packed(*elements: object) -> bytes:
    return msgspec.msgpack.encode(elements)


def encoding(kind: str, payload: bytes) -> bytes:
    type_ = TYPE.format(kind).encode()
    return b"DSSEv1 %d %b %d %b" % (len(type_), type_, len(payload), payload)


def signature(seed: bytes, kind: str, payload: bytes) -> bytes:
    return crypto_sign(encoding(kind, payload), crypto_sign_seed_keypair(seed)[1])[:64]


def expanded(secret: bytes, label: str) -> bytes:
    return hmac.digest(secret, label.encode() + b"\x01", "sha256")


def statement(values: Values, name: str, signer: str, kind: str, payload: bytes) -> None:
    """Add payload, encoding, signature and identifier of a signed statement."""
    values[f"{name}.payload"] = payload
    values[f"{name}.encoding"] = encoding(kind, payload)
    values[f"{name}.signature"] = signature(values[f"{signer}.signing_seed"], kind, payload)
    values[f"{name}.id"] = sha256(values[f"{name}.encoding"]).digest()


def add_card(values: Values, who: str) -> None:
    signing = crypto_sign_seed_keypair(values[f"{who}.signing_seed"])[0]
    encryption = crypto_scalarmult_base(values[f"{who}.encryption_private"])
    values |= {f"{who}.signing_key": signing, f"{who}.encryption_key": encryption}
    body = (f"{who}@example.org", "laptop", signing, encryption, CREATED_AT_MS, None, None)
    statement(values, f"{who}.card", who, "card", packed(*body))


def add_channel(values: Values) -> None:
    members = (
        ("alice@example.org", "owner", (values["alice.card.id"],)),
        ("bob@example.org", "member", (values["bob.card.id"],)),
    )
    change = ("create", "ops", False, members, values["channel.nonce"])
    body = (None, 0, None, values["alice.card.id"], CREATED_AT_MS, change)
    statement(values, "channel", "alice", "roster-event", packed(*body))


def add_content(values: Values) -> None:
    text = ("text", "hello bob")
    body = (values["alice.card.id"], values["channel.id"], 1, None, None, text, None)
    values["content"] = packed(*body)
    values["content.padded"] = (values["content"] + b"\x80").ljust(256, b"\x00")
    secret = values["content_secret"]
    values["content_key"] = expanded(secret, "peerpost sealed v1 content key")
    values["key_commitment"] = expanded(secret, "peerpost sealed v1 key commitment")


def add_wrap(values: Values, who: str) -> tuple[bytes, bytes, bytes]:
    context = packed(
        values["channel.id"],
        values["channel.id"],
        values["alice.card.id"],
        1,
        values["message.id"],
        values["key_commitment"],
        values[f"{who}.card.id"],
    )
    info = b"peerpost sealed v1 wrap " + context
    enc, wrapped = hpke.seal(
        values[f"{who}.encryption_key"],
        info,
        b"",
        values["content_secret"],
        ephemeral_seed=values[f"{who}.ephemeral_seed"],
    )
    values |= {
        f"{who}.wrap.info": info,
        f"{who}.wrap.enc": enc,
        f"{who}.wrap.sealed": wrapped,
    }
    return values[f"{who}.card.id"], enc, wrapped


def add_envelope(values: Values) -> None:
    values["wraps"] = packed(add_wrap(values, "alice"), add_wrap(values, "bob"))
    values["wraps_digest"] = sha256(values["wraps"]).digest()
    channel, sender, message = values["channel.id"], values["alice.card.id"], values["message.id"]
    place = (1, 1, channel, 0, channel, sender, 1, None, message, SENT_AT_MS, None)
    header = packed(*place, values["key_commitment"], values["wraps_digest"], None)
    nonce, key = values["ciphertext.nonce"], values["content_key"]
    padded = values["content.padded"]
    cipher = nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(padded, header, nonce, key)
    values |= {"header": header, "ciphertext": cipher}
    statement(values, "envelope", "alice", "envelope", header + sha256(cipher).digest())
    values["envelope"] = packed(header, values["wraps"], cipher, values["envelope.signature"])


def add_receipt(values: Values) -> None:
    marks = ((values["alice.card.id"], 1, values["envelope.id"], ()),)
    body = (values["channel.id"], values["bob.card.id"], 2, STORED_AT_MS, marks)
    statement(values, "receipt", "bob", "receipt", packed(*body))


def add_handshake(values: Values) -> None:
    relay = crypto_sign_seed_keypair(values["relay.signing_seed"])[0]
    values["relay.signing_key"] = relay
    ours, theirs = values["client_nonce"], values["relay_nonce"]
    parts = (relay, ours, theirs, CHALLENGED_AT_MS)
    statement(values, "challenge", "relay", "challenge", packed(*parts))
    card = values["bob.card.id"]
    statement(values, "authentication", "bob", "authentication", packed(*parts, card))
    proof, answer = values["challenge.signature"], values["authentication.signature"]
    values["frame.hello"] = packed("hello", 1, ours, "example")
    values["frame.challenge"] = packed("challenge", relay, theirs, CHALLENGED_AT_MS, proof)
    values["frame.authenticate"] = packed("authenticate", card, answer)
    values["frame.publish"] = packed("publish", 7, values["envelope"])


def recomputed() -> Values:
    values = dict(SEEDS)
    for who in ("alice", "bob"):
        add_card(values, who)
    for add in (add_channel, add_content, add_envelope, add_receipt, add_handshake):
        add(values)
    return values


VALUES = recomputed()


# --- what the package makes of the same seeds


def keys_of(who: str) -> DeviceKeys:
    return DeviceKeys(SEEDS[f"{who}.signing_seed"], SEEDS[f"{who}.encryption_private"])


def card_of(who: str) -> Card:
    return issue_card(keys_of(who), f"{who}@example.org", "laptop", CREATED_AT_MS)


def channel_event() -> RosterEvent:
    members = (
        Member("alice@example.org", Role.OWNER, (card_of("alice").id,)),
        Member("bob@example.org", Role.MEMBER, (card_of("bob").id,)),
    )
    change = Create("ops", direct=False, members=members, nonce=SEEDS["channel.nonce"])
    return sign_event(keys_of("alice").signing, card_of("alice"), None, change, CREATED_AT_MS)


def roster() -> Roster:
    return apply_event(None, channel_event())


def drawing(*names: str) -> Callable[[int], bytes]:
    """Return a random source that gives the example's secrets in the order of the drawing."""
    draws: Iterator[bytes] = iter([SEEDS[name] for name in names])
    return lambda _length: next(draws)


def as_signed(name: str) -> Signed:
    return Signed(VALUES[f"{name}.payload"], VALUES[f"{name}.signature"])


def test_the_cards_are_the_ones_of_the_example() -> None:
    for who in ("alice", "bob"):
        assert open_card(as_signed(f"{who}.card")) == card_of(who)
        assert card_of(who).id == VALUES[f"{who}.card.id"]


def test_the_channel_is_the_one_of_the_example() -> None:
    assert channel_event().signed == as_signed("channel")
    assert roster().channel == roster().head == VALUES["channel.id"]


def test_the_envelope_is_the_one_of_the_example() -> None:
    place = Placement(roster().channel, 0, roster().head, 1, None, SEEDS["message.id"], SENT_AT_MS)
    draws = ("content_secret", "alice.ephemeral_seed", "bob.ephemeral_seed", "ciphertext.nonce")
    data, id_ = seal(
        keys_of("alice"),
        card_of("alice"),
        [card_of("alice"), card_of("bob")],
        place,
        Text("hello bob"),
        random_bytes=drawing(*draws),
    )
    assert (data, id_) == (VALUES["envelope"], VALUES["envelope.id"])


def test_bob_reads_the_envelope_of_the_example() -> None:
    envelope = verify_envelope(parse_envelope(VALUES["envelope"]), card_of("alice"))
    content = unseal(envelope, card_of("bob").id, SEEDS["bob.encryption_private"])
    assert content.body == Text("hello bob")


def test_the_receipt_is_the_one_of_the_example() -> None:
    mark = Mark(card_of("alice").id, 1, VALUES["envelope.id"], ())
    body = ReceiptBody(roster().channel, card_of("bob").id, 2, STORED_AT_MS, (mark,))
    signed = sign_receipt(keys_of("bob").signing, body)
    assert signed == as_signed("receipt")
    assert verify_receipt(parse_receipt(signed), card_of("bob")).body == body


def test_the_handshake_is_the_one_of_the_example() -> None:
    relay, bob = SigningKey(SEEDS["relay.signing_seed"]), card_of("bob")
    ours, theirs = SEEDS["client_nonce"], SEEDS["relay_nonce"]
    challenge = Challenge(relay.public, ours, theirs, CHALLENGED_AT_MS)
    proof = sign_challenge(relay, challenge)
    answer = sign_authentication(keys_of("bob").signing, challenge, bob.id)
    verify_authentication(challenge, bob, answer)
    frames: dict[str, ClientFrame | RelayFrame] = {
        "hello": Hello(1, ours, "example"),
        "challenge": ChallengeFrame(relay.public, theirs, CHALLENGED_AT_MS, proof),
        "authenticate": Authenticate(bob.id, answer),
        "publish": Publish(7, VALUES["envelope"]),
    }
    for name, frame in frames.items():
        assert encode_frame(frame) == VALUES[f"frame.{name}"], name


# --- the document and the vectors


def block(name: str) -> str:
    """Return the fenced block of a value as the document shows it."""
    text = VALUES[name].hex()
    lines = (text[at : at + WIDTH] for at in range(0, len(text), WIDTH))
    return f"```hex {name}\n" + "".join(f"{line}\n" for line in lines) + "```"


def refreshed(document: str) -> str:
    """Return the document with every value recomputed."""
    return FENCE.sub(lambda found: block(found.group(1)), document)


def test_the_document_shows_every_value_and_no_other() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert sorted(found.group(1) for found in FENCE.finditer(text)) == sorted(VALUES)
    assert refreshed(text) == text


def test_the_vectors_hold_the_same_values() -> None:
    vectors = json.loads(VECTORS.read_text(encoding="utf-8"))
    assert vectors == {name: value.hex() for name, value in VALUES.items()}
