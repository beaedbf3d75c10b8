from peerpost_daemon.link.backoff import Backoff
from peerpost_daemon.link.session import Ending
from peerpost_daemon.link.settings import LinkSettings

SETTINGS = LinkSettings("wss://relay.example.org")
LOST = Ending("connection_lost", "")


def test_delays_double_up_to_the_longest() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    delays = [backoff.delay(LOST) for _ in range(12)]
    assert delays[:4] == [0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == 30.0


def test_jitter_is_full() -> None:
    assert Backoff(SETTINGS, lambda: 0.0).delay(LOST) == 0.0


def test_a_reset_begins_with_the_shortest_delay() -> None:
    backoff = Backoff(SETTINGS, lambda: 1.0)
    backoff.delay(LOST)
    backoff.reset()
    assert backoff.delay(LOST) == 0.1


def test_the_relay_s_wish_is_kept_within_a_bound() -> None:
    backoff = Backoff(SETTINGS, lambda: 0.0)
    assert backoff.delay(Ending("idle", "", retry_after_ms=2_000)) == 2.0
    assert backoff.delay(Ending("idle", "", retry_after_ms=2**53 - 1)) == 300.0


def test_an_ending_that_no_time_heals_waits_longest() -> None:
    assert Backoff(SETTINGS, lambda: 1.0).delay(Ending("x", "", come_back=False)) == 30.0
