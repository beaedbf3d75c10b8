"""docs/protocol against the code: every field with its type and bound, every frame, limit and refusal.

A table of fields begins with a heading row that names its struct: `| # | `Hello` field | type | bound | meaning |`.
"""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec import inspect

from peerpost_protocol import (
    backup,
    content,
    envelope,
    handshake,
    history,
    limits,
    receipt,
    roster,
    signing,
    statement,
)
from peerpost_protocol.backup import lock, stream
from peerpost_protocol.card import CardBody
from peerpost_protocol.frames import (
    BackupFetch,
    CardRecord,
    ChannelState,
    ClientFrame,
    Cursor,
    Item,
    RelayFrame,
)
from peerpost_protocol.refusals import COME_BACK, MEANING, Refusal

DOCS = Path(__file__).parents[2] / "docs" / "protocol"
FRAMES = (*get_args(ClientFrame), *get_args(RelayFrame))
STRUCTS: dict[str, tuple[Any, ...]] = {
    "signing.md": (signing.Signed,),
    "card.md": (CardBody,),
    "statement.md": (statement.StatementBody, *get_args(statement.Claim)),
    "history.md": get_args(history.HistoryEntry),
    "roster.md": (
        roster.RosterEventBody,
        *get_args(roster.Change),
        roster.Member,
        roster.Policies,
    ),
    "envelope.md": (
        envelope.EnvelopeParts,
        envelope.Header,
        envelope.Checkpoint,
        envelope.Wrap,
        envelope.WrapContext,
    ),
    "content.md": (
        content.Content,
        content.Correlation,
        content.Presentation,
        content.File,
        *get_args(content.Body),
    ),
    "receipt.md": (receipt.ReceiptBody, receipt.Mark),
    "backup.md": (
        backup.BackupLock,
        backup.BackupHeader,
        *get_args(backup.BackupRecord),
        backup.DeviceRecord,
        backup.ContactCardRecord,
    ),
    "session.md": (handshake.ChallengeBody, handshake.AuthenticationBody),
    "frames.md": (
        BackupFetch,
        backup.DestructionBody,
        CardRecord,
        Item,
        Cursor,
        ChannelState,
        *FRAMES,
    ),
}
PLACES = [(name, struct) for name, structs in STRUCTS.items() for struct in structs]
WRITTEN = {limits.MAX_COUNTER: "2^53-1", limits.MAX_REQUEST: "2^32-1"}
PATTERNS = {"@": "identity", r"\w": "device name", "/": "media type"}


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


# --- what a field's type and bound are called


def span(low: int | None, high: int | None, unit: str) -> str:
    if low == high:
        return f"{high} {unit}".rstrip()
    return f"{low or 0} to {WRITTEN.get(high or 0, high)} {unit}".rstrip()


def described(kind: inspect.Type) -> tuple[str, str]:
    """Return the words for type and bound that the tables use."""
    match kind:
        case inspect.UnionType(types=types) if any(isinstance(t, inspect.NoneType) for t in types):
            (inner,) = (t for t in types if not isinstance(t, inspect.NoneType))
            noun, bound = described(inner)
            return f"{noun} or nil", bound
        case inspect.UnionType(types=types):
            return " or ".join(described(t)[0] for t in types), "-"
        case inspect.StructType(cls=cls):
            return f"`{cls.__name__}`", "-"
        case inspect.VarTupleType(item_type=item, min_length=low, max_length=high):
            noun, bound = described(item)
            each = "" if bound == "-" else f", each {bound}"
            return f"array of {noun}", span(low, high, "elements") + each
        case inspect.EnumType(cls=cls):
            values = (entry.value for entry in cls)
            return "enumeration", " ".join(f"`{v}`" for v in values)
        case _:
            return plain(kind)


def plain(kind: inspect.Type) -> tuple[str, str]:
    match kind:
        case inspect.BytesType(min_length=low, max_length=high):
            return "bytes", span(low, high, "bytes")
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            noun = next((word for mark, word in PATTERNS.items() if mark in (pattern or "")), None)
            return noun or "string", span(low, high, "characters")
        case inspect.IntType(ge=low, le=high):
            return "integer", span(low, high, "")
        case inspect.BoolType():
            return "boolean", "-"
    raise AssertionError(kind)


def rows(struct: Any) -> list[tuple[str, str, str, str]]:
    """Return number, name, type and bound of each field of a struct."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    first = 0 if info.tag is None else 1
    return [
        (str(number), f"`{field.name}`", *described(field.type))
        for number, field in enumerate(info.fields, first)
    ]


def table(document: str, struct: Any) -> list[tuple[str, ...]]:
    """Return the document's rows for a struct; every one of them has a meaning."""
    found = re.search(
        rf"^\| # \| `{struct.__name__}` field \|.*\n\|[-| ]+\|\n((?:\|.*\n)*)",
        document,
        re.MULTILINE,
    )
    assert found, f"no table for {struct.__name__}"
    cells = [line.strip().strip("|").split(" | ") for line in found.group(1).splitlines()]
    assert all(len(row) == 5 and row[4].strip() for row in cells), cells
    return [tuple(cell.strip() for cell in row[:4]) for row in cells]


@pytest.mark.parametrize(
    ("name", "struct"), PLACES, ids=lambda value: getattr(value, "__name__", value)
)
def test_every_field_stands_in_its_document(name: str, struct: Any) -> None:
    if rows(struct):
        assert table(read(name), struct) == rows(struct)
    else:
        assert f"`{struct.__name__}` has no fields" in read(name)


@pytest.mark.parametrize("struct", FRAMES, ids=lambda struct: struct.__name__)
def test_every_frame_has_its_section(struct: Any) -> None:
    text = section(struct.__struct_config__.tag)
    sender = "client" if struct in get_args(ClientFrame) else "relay"
    assert f"- Sent by: {sender}." in text
    assert re.search(r"^- State: ", text, re.MULTILINE)
    if sender == "client":
        assert re.search(r"^- Answer: ", text, re.MULTILINE)
        assert re.search(r"^- Refusals: ", text, re.MULTILINE)


def section(tag: str) -> str:
    found = re.search(
        rf"^### `{tag}`\n(.*?)(?=^##|\Z)", read("frames.md"), re.MULTILINE | re.DOTALL
    )
    assert found, f"no section for {tag}"
    return found.group(1)


def test_no_frame_is_described_that_does_not_exist() -> None:
    tags = {struct.__struct_config__.tag for struct in FRAMES}
    assert set(re.findall(r"^### `(\w+)`$", read("frames.md"), re.MULTILINE)) == tags


def test_the_refusals_of_the_frames_exist_and_all_are_used() -> None:
    lines = re.findall(
        r"^(?:- )?(?:Refusals|Closes with|Any request): (.*)$", read("frames.md"), re.MULTILINE
    )
    named = {word for line in lines for word in re.findall(r"`(\w+)`", line)}
    assert named == set(Refusal)


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_stands_in_the_table(refusal: Refusal) -> None:
    come_back = "yes" if refusal in COME_BACK else "no"
    assert f"| `{refusal}` | {come_back} | {MEANING[refusal]} |" in read("refusals.md")


def test_no_refusal_is_described_that_does_not_exist() -> None:
    listed = re.findall(r"^\| `(\w+)` \| (?:yes|no) \|", read("refusals.md"), re.MULTILINE)
    assert listed == list(Refusal)


def bounds() -> dict[str, int]:
    return {name: value for name, value in vars(limits).items() if name.startswith("MAX_")}


def test_every_limit_stands_in_the_table() -> None:
    listed = re.findall(r"^\| `(MAX_\w+)` \| ([\d,]+) \| \S", read("limits.md"), re.MULTILINE)
    assert {name: int(value.replace(",", "")) for name, value in listed} == bounds()


def test_every_signed_type_stands_in_its_document() -> None:
    types = {value.decode() for name, value in vars(signing).items() if name.endswith("_TYPE")}
    assert set(re.findall(r"application/vnd\.peerpost\.[a-z-]+\.v1", read("signing.md"))) == types


def test_every_label_of_the_suite_stands_in_its_document() -> None:
    for label in (envelope._KEY_LABEL, envelope._COMMITMENT_LABEL, envelope._WRAP_LABEL):
        assert f"`{label.decode()}`" in read("envelope.md")


def test_every_label_of_a_backup_stands_in_its_document() -> None:
    for label in (lock._LABEL, stream._LABEL):
        assert f"`{label.rstrip(bytes(1)).decode()}`" in read("backup.md")


def test_every_document_is_reachable_and_every_link_leads_somewhere() -> None:
    for document in DOCS.glob("*.md"):
        links = re.findall(r"\]\(([\w./-]+\.md)[^)]*\)", document.read_text(encoding="utf-8"))
        assert all((DOCS / link).is_file() for link in links), document
    assert {f"({d.name})" for d in DOCS.glob("*.md") if d.name != "README.md"} <= set(
        re.findall(r"\([\w-]+\.md\)", read("README.md"))
    )
