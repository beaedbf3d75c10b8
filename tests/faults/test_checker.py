"""The checker itself: silent on clean histories, and it finds every fault that is planted."""

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.faults.checker import Given, Said, Verdict, judge

MEMBER = "carol"


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Said], list[Given]]:
    """Draw what two senders said in two channels and a log that keeps every promise."""
    streams = [(s, c) for s in ("alice", "bob") for c in ("one", "two")]
    counts = {stream: draw(st.integers(0, 5)) for stream in streams}
    assume(any(counts.values()))
    said = [
        Said(sender, channel, n, f"{sender} {channel} {n}", f"{sender}-{channel}-{n}")
        for (sender, channel), count in counts.items()
        for n in range(count)
    ]
    order = draw(st.permutations(said))
    left = {
        stream: [one for one in said if (one.sender, one.channel) == stream] for stream in streams
    }
    log = []
    for cursor, turn in enumerate(order, 1):
        one = left[(turn.sender, turn.channel)].pop(0)
        log.append(Given(cursor, str(one.message), one.sender, one.channel, one.text))
    for at in draw(st.lists(st.integers(0, len(log) - 1), max_size=3)):
        log.insert(draw(st.integers(at, len(log))), log[at])  # given again, later
    return said, _in_first_order(log)


def _in_first_order(log: list[Given]) -> list[Given]:
    """Keep repetitions, but let each first one stand in the order of the cursors."""
    seen: set[int] = set()
    first = iter(sorted({g.cursor: g for g in log}.values(), key=lambda g: g.cursor))
    fixed = []
    for entry in log:
        if entry.cursor in seen:
            fixed.append(entry)
            continue
        fresh = next(first)
        seen.add(fresh.cursor)
        fixed.append(fresh)
    return fixed


def faults(verdict: Verdict) -> set[str]:
    """Return the kinds of faults that were found."""
    kinds = ("lost", "duplicated", "invented", "misordered")
    return {kind for kind in kinds if getattr(verdict, kind)}


@given(histories())
def test_a_clean_history_raises_no_alarm(history: tuple[list[Said], list[Given]]) -> None:
    said, log = history
    verdict = judge(MEMBER, said, log)
    assert verdict.is_clean, verdict
    assert verdict.expected == verdict.given == len(said)


@given(histories(), st.data())
def test_what_was_not_acknowledged_may_come_or_not(
    history: tuple[list[Said], list[Given]], data: st.DataObject
) -> None:
    said, log = history
    unsure = data.draw(st.sampled_from(said))
    said = [replace(one, message=None) if one is unsure else one for one in said]
    without = [entry for entry in log if entry.message != unsure.message]
    assert judge(MEMBER, said, log).is_clean
    assert judge(MEMBER, said, without).is_clean


@given(histories(), st.data())
def test_a_lost_message_is_found(
    history: tuple[list[Said], list[Given]], data: st.DataObject
) -> None:
    said, log = history
    gone = data.draw(st.sampled_from(said))
    verdict = judge(MEMBER, said, [entry for entry in log if entry.message != gone.message])
    assert len(verdict.lost) == 1
    assert faults(verdict) == {"lost"}


@given(histories(), st.data())
def test_a_message_under_two_cursors_is_found(
    history: tuple[list[Said], list[Given]], data: st.DataObject
) -> None:
    said, log = history
    twice = data.draw(st.sampled_from(log))
    verdict = judge(MEMBER, said, [*log, replace(twice, cursor=len(log) + 100)])
    assert len(verdict.duplicated) == 1
    assert faults(verdict) == {"duplicated"}


@given(histories(), st.data())
def test_one_line_as_two_messages_is_found(
    history: tuple[list[Said], list[Given]], data: st.DataObject
) -> None:
    said, log = history
    twice = data.draw(st.sampled_from(log))
    said = [replace(one, message=None) if one.message == twice.message else one for one in said]
    other = replace(twice, cursor=len(log) + 100, message="another id")
    assert judge(MEMBER, said, [*log, other]).duplicated


@given(histories(), st.data(), st.sampled_from(["text", "sender", "channel", "message"]))
def test_an_invented_message_is_found(
    history: tuple[list[Said], list[Given]], data: st.DataObject, what: str
) -> None:
    said, log = history
    entry = data.draw(st.sampled_from(log))
    words = {"message": "forged", what: "forged"}
    forged = replace(entry, cursor=len(log) + 100, **words)
    assert judge(MEMBER, said, [*log, forged]).invented


@given(histories(), st.data())
def test_a_sender_s_order_that_is_broken_is_found(
    history: tuple[list[Said], list[Given]], data: st.DataObject
) -> None:
    said, log = history
    firsts = list({entry.message: entry for entry in log}.values())
    later = data.draw(st.sampled_from(firsts))
    before = [g for g in firsts if (g.sender, g.channel) == (later.sender, later.channel)]
    assume(before[0] is not later)
    moved = [later, *(g for g in firsts if g is not later)]
    verdict = judge(MEMBER, said, [replace(g, cursor=n) for n, g in enumerate(moved, 1)])
    assert faults(verdict) == {"misordered"}


def test_two_messages_under_one_cursor_are_found() -> None:
    said = [Said("alice", "one", n, str(n), f"m{n}") for n in range(2)]
    log = [Given(7, f"m{n}", "alice", "one", str(n)) for n in range(2)]
    assert judge(MEMBER, said, log).duplicated


def test_own_messages_count_only_where_they_are_given() -> None:
    said = [Said(MEMBER, "one", 0, "mine", "m0")]
    assert judge(MEMBER, said, []).is_clean
    assert judge(MEMBER, said, [], own=True).lost
