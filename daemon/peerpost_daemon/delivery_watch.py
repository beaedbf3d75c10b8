"""Wait for messages of this account to get somewhere, and for answers to them."""

from typing import Any, Final

from peerpost_daemon.bell import Bell
from peerpost_daemon.records import answers
from peerpost_daemon.vault.connection import SqlConnection
from peerpost_daemon.watch import Read, Watch

_RANK: Final = {"queued": 0, "sealed": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}

State = str


class DeliveryWatch(Watch):
    """Wait for messages to reach a state."""

    def __init__(self, read: Read, bell: Bell) -> None:
        super().__init__(read, bell, _states, unknown=_RANK["failed"])

    async def reached(self, message: bytes, state: State) -> None:
        """Return once the message has reached the state or has failed. Raises as `rank_reached` does."""
        await self.rank_reached(message, _RANK[state])


class AnswerWatch(Watch):
    """Wait for messages to have answers."""

    def __init__(self, read: Read, bell: Bell) -> None:
        super().__init__(read, bell, answers.counts, unknown=0)

    async def reached(self, message: bytes, count: int) -> None:
        """Return once so many have answered the message. Raises as `rank_reached` does."""
        await self.rank_reached(message, count)


def _states(db: SqlConnection, messages: list[bytes]) -> dict[bytes, int]:
    marks = ", ".join("?" * len(messages))
    rows: list[Any] = db.execute(
        f"SELECT message, state FROM outbox WHERE message IN ({marks})",  # noqa: S608  marks alone
        messages,
    ).fetchall()
    return {message: _RANK.get(state, 0) for message, state in rows}
