"""A list of fingerprints is read line by line, and an error names its line."""

import pytest

from peerpost_daemon import fingerprints
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.fingerprints import Listed, parse
from peerpost_daemon.views import fingerprint
from tests.support.people import person

BOB = person("bob")
SHOWN = fingerprint(BOB.card.id)


def test_lines_are_read_as_fingerprints_are_printed() -> None:
    text = f"# our hosts\n\n{BOB.identity.upper()}\t{SHOWN}  # laptop\r\n{BOB.identity} {BOB.card.id.hex()}"
    assert parse(text) == [
        Listed(BOB.identity, BOB.card.id[:20]),
        Listed(BOB.identity, BOB.card.id),
    ]


@pytest.mark.parametrize(
    "line", ["bob@example.org", "bob " + SHOWN, "bob@example.org 12", f"bob@example.org {SHOWN}0"]
)
def test_a_bad_line_is_named(line: str) -> None:
    with pytest.raises(DaemonError) as caught:
        parse(f"{BOB.identity} {SHOWN}\n{line}\n")
    assert (caught.value.kind, caught.value.extra["line"]) == ("bad_fingerprint", 2)


def test_a_list_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fingerprints, "MAX_LINES", 2)
    with pytest.raises(DaemonError):
        parse("\n\n\n")
