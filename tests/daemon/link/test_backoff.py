from peerpost_daemon.link.actions import Ending
from peerpost_daemon.link.backoff import Backoff
from peerpost_daemon.link.settings import LinkSettings

SETTINGS = LinkSettings("wss://relay.example.org")
LOST = Ending("connection_lost", "")


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    delays = [backoff.delay(LOST) for _ in range(12)]
    assert delays[:4] == [0.5, 1.0, 2.0, 4.0]
    assert delays[-1] == 30.0


def test_jitter_is_full() -> None:
    assert Backoff(SETTINGS, lambda: 0.0).delay(LOST) == 0.0


def test_a_reset_begins_with_the_shortest_delay() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    backoff.delay(LOST)
    backoff.reset()
    assert backoff.delay(LOST) == SETTINGS.first_delay


def test_a_session_that_lasted_as_long_as_the_next_delay_may_be_begins_anew() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    for _ in range(3):
        backoff.delay(LOST)
    backoff.lasted(3.9)
    assert backoff.delay(LOST) == 4.0
    backoff.lasted(8.0)
    assert backoff.delay(LOST) == SETTINGS.first_delay


def test_a_steady_session_begins_anew_after_any_delays() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    for _ in range(12):
        backoff.delay(LOST)
    backoff.lasted(SETTINGS.steady_seconds)
    assert backoff.delay(LOST) == SETTINGS.first_delay


def test_sessions_that_end_at_once_are_begun_ever_more_rarely() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    delays = []
    for _ in range(12):
        backoff.lasted(0.1)
        delays.append(backoff.delay(LOST))
    assert delays[-1] == SETTINGS.longest_delay


def test_the_relay_s_wish_is_kept_within_a_bound() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.0)
    assert backoff.delay(Ending("idle", "", retry_after_ms=2_000)) == 2.0
    assert backoff.delay(Ending("idle", "", retry_after_ms=2**53 - 1)) == 300.0


def test_an_ending_that_no_time_heals_waits_longest() -> None:
    assert Backoff(SETTINGS, lambda: 1.0).delay(Ending("x", "", come_back=False)) == 30.0
