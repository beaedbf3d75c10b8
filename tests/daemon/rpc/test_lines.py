from hypothesis import given
from hypothesis import strategies as st

from peerpost_daemon.rpc.lines import LineFault, Lines


def fed(*pieces: bytes, max_line: int = 8) -> list[bytes | LineFault]:
    lines = Lines(max_line)
    found: list[bytes | LineFault] = []
    for piece in pieces:
        lines.feed(piece)
        while (line := lines.next()) is not None:
            found.append(line)
    return found


def test_a_line_is_whole_when_its_newline_came() -> None:
    assert fed(b"ab", b"c\nde") == [b"abc"]


def test_empty_lines_are_passed_over() -> None:
    assert fed(b"\n\r\n\na\n\n\nb\r\n\n") == [b"a", b"b\r"]


def test_a_line_of_just_the_bound_passes() -> None:
    assert fed(b"12345678\n") == [b"12345678"]


def test_a_line_past_the_bound_is_reported_once_and_the_next_one_read() -> None:
    assert fed(b"1234567", b"89", b"0" * 50, b"\nok\n") == [LineFault.TOO_LONG, b"ok"]


def test_a_line_that_comes_whole_but_too_long_is_reported() -> None:
    assert fed(b"123456789\nok\n") == [LineFault.TOO_LONG, b"ok"]


def test_blank_lines_right_after_a_skipped_line_do_not_hide_the_next() -> None:
    assert fed(b"1234567890", b"\n\n\nok\n") == [LineFault.TOO_LONG, b"ok"]


def test_what_the_stream_ends_with_is_a_line() -> None:
    lines = Lines(8)
    lines.feed(b"abc")
    lines.finish()
    assert lines.next() == b"abc"
    assert lines.next() is None


@given(st.lists(st.binary(max_size=5)), st.integers(1, 8))
def test_lines_do_not_depend_on_how_the_bytes_arrive(pieces: list[bytes], max_line: int) -> None:
    stream = b"".join(pieces)
    wanted = [
        line if len(line) <= max_line else LineFault.TOO_LONG
        for part in stream.split(b"\n")[:-1]
        if (line := part.lstrip(b"\r"))
    ]
    found = fed(*pieces, b"", max_line=max_line)
    last = stream.rpartition(b"\n")[2]
    assert found[: len(wanted)] == wanted
    assert found[len(wanted) :] in ([], [LineFault.TOO_LONG] if len(last) > max_line else [])
