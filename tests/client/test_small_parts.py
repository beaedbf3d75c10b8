"""Lines, paths, durations: the parts that need no daemon."""

from __future__ import annotations

import os

import pytest

from peerpost import PeerpostError, lines, paths
from peerpost.durations import duration
from peerpost.lines import LineBuffer


def test_lines_are_cut_wherever_the_bytes_are_cut() -> None:
    buffer, taken = LineBuffer(), []
    for byte in b"one\n\ntwo\nthr":
        buffer.feed(bytes([byte]))
        while (line := buffer.take()) is not None:
            taken.append(line)
    assert taken == [b"one", b"", b"two"]


def test_several_lines_may_come_at_once() -> None:
    buffer = LineBuffer()
    buffer.feed(b"one\ntwo\n")
    assert [buffer.take(), buffer.take(), buffer.take()] == [b"one", b"two", None]


def test_a_line_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAXIMUM_LINE_BYTES", 10)
    buffer = LineBuffer()
    buffer.feed(b"x" * 10)
    with pytest.raises(PeerpostError) as caught:
        buffer.feed(b"x")
    assert caught.value.kind == "bad_answer"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PEERPOST_SOCKET": "/a/b", "XDG_RUNTIME_DIR": "/run/user/1"}, "/a/b"),
        ({"XDG_RUNTIME_DIR": "/run/user/1/"}, "/run/user/1/peerpost/daemon.sock"),
        ({"XDG_RUNTIME_DIR": "relative"}, "/home/a/.local/state/peerpost/daemon.sock"),
        ({}, "/home/a/.local/state/peerpost/daemon.sock"),
    ],
)
def test_the_socket_is_found(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PEERPOST_SOCKET", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/a", **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(paths, "SYSTEM_SOCKET", "/does/not/exist")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert paths.socket_path() == expected


def test_root_and_hosts_with_a_system_daemon_use_the_system_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("PEERPOST_SOCKET", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert paths.socket_path() == "/run/peerpost/daemon.sock"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(paths, "SYSTEM_SOCKET", "/")
    assert paths.socket_path() == "/"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("2d", 172800),
        ("1w", 604800),
    ],
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "0", "-1", "nan", "inf", "1y", "1 hour", "1e99"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - argparse names the argument
        duration(text)
