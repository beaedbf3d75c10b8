import json
import logging

import pytest

from peerpost_daemon.errors import CallerGone
from peerpost_daemon.rpc import Call
from tests.daemon.rpc.stage import Echoed, Recorder, a_call


def call(outbound: Recorder | None = None) -> Call:
    return a_call(outbound)


async def test_a_notification_has_no_id() -> None:
    outbound = Recorder()
    await call(outbound).notify("event", Echoed("x"))
    wanted = {"jsonrpc": "2.0", "method": "event", "params": {"text": "x"}}
    assert [json.loads(line) for line in outbound.lines] == [wanted]


async def test_nobody_is_notified_after_the_end() -> None:
    ended = call()
    ended.close()
    with pytest.raises(CallerGone):
        await ended.notify("event", Echoed("x"))


def test_callbacks_run_once_and_in_order() -> None:
    one, seen = call(), list[int]()
    one.on_close(lambda: seen.append(1))
    one.on_close(lambda: seen.append(2))
    one.close()
    one.close()
    assert (seen, one.closed) == ([1, 2], True)


def test_a_forgotten_callback_does_not_run() -> None:
    one, seen = call(), list[int]()
    one.on_close(lambda: seen.append(1))()
    one.close()
    assert seen == []


def test_a_callback_registered_after_the_end_runs_at_once() -> None:
    one, seen = call(), list[int]()
    one.close()
    one.on_close(lambda: seen.append(1))
    assert seen == [1]


def test_a_failing_callback_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)
    one, seen = call(), list[int]()

    def fail() -> None:
        raise ValueError("secret")

    one.on_close(fail)
    one.on_close(lambda: seen.append(2))
    one.close()
    assert seen == [2]
    assert "secret" not in caplog.text
