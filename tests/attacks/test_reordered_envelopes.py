"""The relay brings one sender's envelopes in another order, each at a plausible position.

"Do not" and "delete it" in the other order mean something else. Both are alice's words and are shown; events say that
one was missing when the later one came, and that the earlier one came after it.
"""

from pathlib import Path

from msgspec.structs import replace

from peerpost_protocol.frames import Item, ItemKind
from tests.attacks.scene import scene


class Swapping:
    """Hold the first envelope back and bring it after the second, their positions exchanged."""

    def __init__(self) -> None:
        self.held: Item | None = None
        self.done = False

    def __call__(self, items: list[Item]) -> list[Item]:
        brought: list[Item] = []
        for item in items:
            if self.done or item.kind is not ItemKind.ENVELOPE:
                brought.append(item)
            elif self.held is None:
                self.held = item
            else:
                first = replace(item, position=self.held.position)
                brought += [first, replace(self.held, position=item.position)]
                self.done = True
        return brought


async def test_another_order_is_told(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        s.relay.rewrite(s.bob.card.id, Swapping())
        await s.alice.send(s.channel, "one")
        await s.alice.send(s.channel, "two")
        await s.bob.shows(s.channel, "two", "one")
        assert await s.bob.reasons() == ["gap", "out_of_order"]
        await s.bob_survives("two", "one")
