import pytest

from peerpost_daemon.log_lines import BURST_LINES, Repeats
from peerpost_daemon.rpc import Peer, refusals

MALLORY, BOB = Peer(4711, 1, 99), Peer(4712, 1, 98)


def test_a_refusal_says_who_and_what(caplog: pytest.LogCaptureFixture) -> None:
    refusals.note(MALLORY, "daemon.lock", "forbidden")
    (record,) = caplog.records
    assert record.getMessage() == "refused: uid 4711 pid 99 method daemon.lock: forbidden"


def test_who_floods_the_log_hides_nobody_elses_refusals(caplog: pytest.LogCaptureFixture) -> None:
    for number in range(10 * BURST_LINES):
        refusals.note(Peer(MALLORY.uid, 1, number), f"test.method_{number}", "forbidden")
    refusals.note(BOB, "daemon.lock", "forbidden")
    repeats = Repeats(lambda: 0.0)
    written = [record for record in caplog.records if repeats.admits(record)]
    assert len(written) == BURST_LINES + 1
    assert written[-1].getMessage().startswith("refused: uid 4712 ")
