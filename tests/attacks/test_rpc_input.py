import logging
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from peerpost_daemon.rpc import Dispatcher, Registry
from tests.daemon.rpc.stage import Stage, answer, calls, request

DEEP = 100_000
HEAD = b'{"jsonrpc":"2.0","id":1,"method":"test.echo","params":'


@pytest.mark.parametrize(
    "line",
    [
        b"[" * DEEP,
        b"[" * DEEP + b"]" * DEEP,
        b'{"a":' * DEEP,
        HEAD + b"[" * DEEP + b"]" * DEEP + b"}",
        HEAD + b'{"text":' + b"[" * DEEP,
        b'{"x":' + b"[" * DEEP,
        b'{"jsonrpc":' + b"[" * DEEP,
    ],
)
async def test_deep_nesting_is_an_error_and_nothing_worse(line: bytes) -> None:
    said = await answer(Stage(), line)
    assert said["error"]["data"]["kind"] == "parse_error"


async def test_a_batch_of_millions_is_refused_before_it_is_built() -> None:
    line = b"[" + b"1," * 2_000_000 + b"1]"
    tracemalloc.start()
    try:
        said = await answer(Stage(), line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert said["error"]["data"]["kind"] == "too_large"
    assert peak < 1_000_000


@pytest.mark.parametrize(
    "line",
    [
        HEAD + b'{"text":"\xff"}}',
        HEAD + b'{"text":"\xed\xa0\x80"}}',
        HEAD + b'{"text":"\xc0\xaf"}}',
        HEAD + b'{"text":"\\ud800"}}',
        b'{"jsonrpc":"2.0","id":"\xff","method":"test.echo"}',
        b"\xef\xbb\xbf{}",
        b"\x00",
    ],
)
async def test_what_is_not_utf_8_is_refused_wherever_it_stands(line: bytes) -> None:
    said = await answer(Stage(), line)
    assert (said["id"], said["error"]["code"]) == (None, -32700)


async def test_a_number_of_many_digits_does_not_pass() -> None:
    said = await answer(Stage(), HEAD[:24] + b"9" * 1_000_000 + b"}")
    assert "error" in said


async def test_a_parameter_never_reaches_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage = Stage()
    for method in ("test.fail", "test.refuse", "test.echo", "test.none"):
        await answer(stage, request(method, text="hunter2", hunter2="hunter2"))
        await answer(stage, request(method, text="hunter2"))
    assert "internal_error" not in caplog.text
    assert "hunter2" not in caplog.text


async def test_an_unforeseen_errors_text_is_not_answered() -> None:
    said = await answer(Stage(), request("test.fail", text="hunter2"))
    assert "hunter2" not in str(said)


async def test_a_field_name_cannot_pose_as_another() -> None:
    said = await answer(Stage(), request("test.echo", **{"text": "", "a` - at `$.text": 1}))
    assert said["error"]["data"]["kind"] == "invalid_params"


async def test_a_long_method_name_is_not_echoed() -> None:
    assert len(str(await answer(Stage(), request("x." + "y" * 1_000_000)))) < 400


@given(st.binary() | st.text().map(str.encode) | st.binary().map(lambda junk: HEAD + junk))
def test_no_line_makes_the_reader_raise(line: bytes) -> None:
    work = Dispatcher(Registry(), lambda _: None).read(line, calls())
    assert work.size >= 1
