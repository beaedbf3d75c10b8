from peerpost_protocol.clock import AHEAD_MS, BEHIND_MS, EARLIEST_MS, far_off

WRITTEN_MS = EARLIEST_MS + AHEAD_MS


def test_a_clock_that_fits_to_the_store_is_right() -> None:
    for now_ms in (WRITTEN_MS - BEHIND_MS, WRITTEN_MS, WRITTEN_MS + AHEAD_MS):
        assert far_off(now_ms, WRITTEN_MS) is None


def test_a_clock_without_a_battery_is_far_off_before_there_is_a_store() -> None:
    assert far_off(0, None) == "the clock says 1970-01-01, before this program was made"
    assert far_off(EARLIEST_MS, None) is None


def test_a_clock_behind_the_store_is_far_off() -> None:
    said = far_off(WRITTEN_MS - BEHIND_MS - 1, WRITTEN_MS)
    assert said == "the clock says 2026-12-31, but the store was written on 2027-01-02"


def test_a_clock_years_after_the_store_is_far_off() -> None:
    assert "more than a year after" in str(far_off(WRITTEN_MS + AHEAD_MS + 1, WRITTEN_MS))
