"""What became of a conversation: every line that was said, beside what each member's vault holds.

sent        lines this member said
received    lines of the others that the consumer was given
verified    those of them with the text, the sender and the card that belong to the message id
in order    each sender's lines stand in the vault in the order they were said
duplicates  messages the vault or the consumer holds twice, or that nobody said
lost        lines that the vault or the consumer does not hold
again       events given again after a crash, which `at least once` allows
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from peerpost import AsyncClient
from peerpost.types import Message

if TYPE_CHECKING:
    from tests.support.participant import Participant

PAGE = 500  # messages of one call
MEGABYTE = 1_000_000
COLUMNS = ("", "sent", "received", "verified", "in order", "duplicates", "lost", "again", "memory")


@dataclass(frozen=True)
class Said:
    """Be a line that a daemon has taken: its number in the text and the id it was given."""

    number: int
    message: str
    identity: str
    card: str
    text: str


@dataclass(frozen=True)
class Row:
    """Be one member's part of the account."""

    identity: str
    expected: int
    sent: int
    received: int
    verified: int
    in_order: bool
    duplicates: int
    lost: int
    again: int
    refused: int
    resident_bytes: int | None

    @property
    def is_perfect(self) -> bool:
        """Tell whether every line came exactly once, verified and in order."""
        complete = self.received == self.verified == self.expected
        return complete and self.in_order and not (self.duplicates or self.lost or self.refused)

    def cells(self) -> tuple[str, ...]:
        """Return what stands in the table."""
        order = "yes" if self.in_order else "NO"
        counts = (self.sent, self.received, self.verified)
        rest = (self.duplicates, self.lost, self.again)
        memory = megabytes(self.resident_bytes)
        return (self.identity, *map(str, counts), order, *map(str, rest), memory)


async def vault_of(client: AsyncClient, channel: str) -> list[Message]:
    """Return every message of a channel that a daemon holds, in its order."""
    found: list[Message] = []
    more = True
    while more:
        after = found[-1]["cursor"] if found else 0
        page = await client.message_list(channel, after=after, limit=PAGE)
        found += page["messages"]
        more = page["more"]
    return found


async def account_of(member: Participant, channel: str, said: Sequence[Said]) -> Row:
    """Compare what one member has with everything that was said."""
    daemon = member.daemon
    vault = [message["message"] for message in await vault_of(daemon.client, channel)]
    lines = {line.message: line for line in said}
    others = {id_: line for id_, line in lines.items() if line.identity != daemon.identity}
    heard = member.heard
    strangers = (heard.keys() - others.keys()) | (set(vault) - lines.keys())
    return Row(
        identity=daemon.identity,
        expected=len(others),
        sent=len(member.said),
        received=len(heard),
        verified=sum(belongs(heard[id_], line) for id_, line in others.items() if id_ in heard),
        in_order=in_order(lines, vault) and in_order(lines, heard),
        duplicates=len(vault) - len(set(vault)) + member.twice + len(strangers),
        lost=len((lines.keys() - set(vault)) | (others.keys() - heard.keys())),
        again=member.redelivered,
        refused=len(member.refused),
        resident_bytes=daemon.process.resident_bytes(),
    )


def belongs(message: Message, line: Said) -> bool:
    """Tell whether a message is what was said, under the card of the one who said it."""
    placed = message["sequence"] is not None and message["position"] is not None
    said = (message["from"], message["from_card"], message["text"])
    return placed and said == (line.identity, line.card, line.text)


def in_order(lines: dict[str, Said], ids: Iterable[str]) -> bool:
    """Tell whether each sender's lines come in the order they were said."""
    last: dict[str, int] = {}
    for line in (lines[id_] for id_ in ids if id_ in lines):
        if line.number < last.get(line.identity, -1):
            return False
        last[line.identity] = line.number
    return True


def table(rows: Sequence[Row], relay_bytes: int | None) -> str:
    """Return the account as people read it."""
    relay = ("relay", *[""] * (len(COLUMNS) - 2), megabytes(relay_bytes))
    cells = [COLUMNS, *(row.cells() for row in rows), relay]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths) for row in cells)


def megabytes(count: int | None) -> str:
    """Return a number of bytes as people read it."""
    return "?" if count is None else f"{count / MEGABYTE:.0f} MB"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = (f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return "  ".join([f"{cells[0]:<{len(first)}}", *rest]).rstrip()
