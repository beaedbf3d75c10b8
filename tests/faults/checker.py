"""Decide from what was said and what was given whether a promise was broken.

In the manner of Jepsen's checkers for sets and queues: nothing is asked of the system itself. A
sender writes down each message before it sends it and notes the answer when there is one. A
consumer writes down every event it is given, in the order in which it came, repetitions included.

lost        acknowledged to its sender, and never given to this member
duplicated  given as two events: under two cursors, or one line of the sender as two messages
invented    never sent, or not by this sender, in this channel, with this text
misordered  given for the first time after a later one of the same sender in the same channel

A message that was sent and never acknowledged may be there or not: both are right. An event that
is given again under its own cursor is what `at least once` allows: it is counted, and no fault.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Said:
    """Be a message that somebody sent: the sender's count in its channel, and the text.

    `message` is the id that the daemon answered with; None: it never answered.
    """

    sender: str
    channel: str
    number: int
    text: str
    message: str | None


@dataclass(frozen=True)
class Given:
    """Be a message that a consumer was given under a cursor."""

    cursor: int
    message: str
    sender: str
    channel: str
    text: str


@dataclass(frozen=True)
class Verdict:
    """Be what is wrong with what one member was given; texts name the messages."""

    member: str
    expected: int
    given: int
    again: int
    lost: list[str] = field(default_factory=list)
    duplicated: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    misordered: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Tell whether every promise was kept."""
        return not (self.lost or self.duplicated or self.invented or self.misordered)


def judge(member: str, said: Sequence[Said], log: Iterable[Given], *, own: bool = False) -> Verdict:
    """Compare a member's log with what was said; `own`: the member is given its own messages too."""
    entries = list(log)
    wanted = [one for one in said if own or one.sender != member]
    by_text = {(one.sender, one.channel, one.text): one for one in wanted}
    first, duplicated, again = _first_given(entries)
    known = [(given, by_text.get((given.sender, given.channel, given.text))) for given in first]
    meant = [(given, one) for given, one in known if one is not None and _answers(given, one)]
    lines = [_name(one) for _, one in meant]
    present = set(lines)
    acknowledged = [one for one in wanted if one.message is not None]
    return Verdict(
        member=member,
        expected=len(acknowledged),
        given=len(first),
        again=again,
        lost=[_name(one) for one in acknowledged if _name(one) not in present],
        duplicated=duplicated + [line for line, times in Counter(lines).items() if times > 1],
        invented=[f"{g.sender}: {g.text!r}" for g, o in known if o is None or not _answers(g, o)],
        misordered=_misordered([one for _, one in meant]),
    )


def _first_given(entries: Iterable[Given]) -> tuple[list[Given], list[str], int]:
    """Return each message as it was first given, those under two cursors, and the repetitions."""
    cursors: dict[str, int] = {}
    events: dict[int, str] = {}
    first, duplicated, again = [], [], 0
    for given in entries:
        if events.setdefault(given.cursor, given.message) != given.message:
            duplicated.append(f"cursor {given.cursor}: {given.message}")
        elif cursors.get(given.message) == given.cursor:
            again += 1
        elif given.message in cursors:
            duplicated.append(f"{given.sender}: {given.text!r}")
        else:
            cursors[given.message] = given.cursor
            first.append(given)
    return first, duplicated, again


def _answers(given: Given, said: Said) -> bool:
    return said.message in (None, given.message)


def _misordered(given: Iterable[Said]) -> list[str]:
    last: dict[tuple[str, str], int] = {}
    wrong = []
    for one in given:
        stream = (one.sender, one.channel)
        if one.number < last.get(stream, one.number):
            wrong.append(_name(one))
        last[stream] = max(one.number, last.get(stream, one.number))
    return wrong


def _name(said: Said) -> str:
    return f"{said.sender} in {said.channel[:8]}: {said.number}"


def table(verdicts: Iterable[Verdict]) -> str:
    """Return the verdicts as people read them."""
    head = f"{'member':24} expected  given  again  lost  duplicated  invented  misordered"
    rows = [
        f"{v.member:24} {v.expected:8}  {v.given:5}  {v.again:5}  {len(v.lost):4}  "
        f"{len(v.duplicated):10}  {len(v.invented):8}  {len(v.misordered):10}"
        for v in verdicts
    ]
    return "\n".join([head, *rows])
