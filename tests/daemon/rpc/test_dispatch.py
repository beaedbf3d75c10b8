import asyncio
import json
import logging

import pytest

from peerpost_daemon.rpc import Dispatcher
from tests.daemon.rpc.stage import Stage, answer, calls, request


def kind_of(said: dict[str, dict[str, dict[str, str]]]) -> str:
    return said["error"]["data"]["kind"]


async def test_a_request_gets_its_result_under_its_id(stage: Stage) -> None:
    said = await answer(stage, request("test.echo", 7, text="hi"))
    assert said == {"jsonrpc": "2.0", "id": 7, "result": {"text": "hi"}}


@pytest.mark.parametrize("request_id", ["a", "", 0, -(2**63), None, "0"])
async def test_an_id_comes_back_as_it_was(stage: Stage, request_id: object) -> None:
    assert (await answer(stage, request("test.echo", request_id, text="")))["id"] == request_id


@pytest.mark.parametrize("request_id", [True, 1.5, [], {}, 2**63, "x" * 257])
async def test_an_id_of_another_type_is_refused_under_null(
    stage: Stage, request_id: object
) -> None:
    said = await answer(stage, request("test.echo", request_id, text=""))
    assert (said["id"], kind_of(said)) == (None, "invalid_request")


async def test_a_notification_is_done_and_not_answered(stage: Stage) -> None:
    line = '{"jsonrpc":"2.0","method":"test.echo","params":{"text":"x"}}'
    assert await answer(stage, line) is None
    assert len(stage.calls) == 1


@pytest.mark.parametrize("method", ["test.none", "test.refuse", "test.fail", "test.wrong"])
async def test_a_notification_that_goes_wrong_is_not_answered(stage: Stage, method: str) -> None:
    line = f'{{"jsonrpc":"2.0","method":"{method}","params":{{"text":"x"}}}}'
    assert await answer(stage, line) is None


async def test_what_is_no_json_is_a_parse_error_under_null(stage: Stage) -> None:
    for line in ("{", "nonsense", '{"jsonrpc":"2.0"', '[{"jsonrpc":', " ", '{"jsonrpc":"1",}'):
        said = await answer(stage, line)
        assert (said["id"], said["error"]["code"]) == (None, -32700), line


async def test_json_that_is_no_request_is_an_invalid_request(stage: Stage) -> None:
    for line in ("1", '"x"', "null", "{}", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","method":1}'):
        said = await answer(stage, line)
        assert (said["id"], said["error"]["code"]) == (None, -32600), line


async def test_an_invalid_request_keeps_an_id_that_can_be_read(stage: Stage) -> None:
    said = await answer(stage, '{"jsonrpc":"1.0","method":"test.echo","id":"k"}')
    assert (said["id"], kind_of(said)) == ("k", "invalid_request")


async def test_an_unknown_method_is_named(stage: Stage) -> None:
    said = await answer(stage, request("test.none"))
    assert said["error"]["code"] == -32601
    assert "test.none" in said["error"]["message"]


@pytest.mark.parametrize(
    ("params", "field", "words"),
    [
        ('{"text":"x","extra":1}', "extra", "There is no parameter extra."),
        ("{}", "text", "The parameter text is missing."),
        ('{"text":1}', "text", "The parameter text is wrong: Expected str, got int."),
        ('{"text":"","limit":0}', "limit", "The parameter limit is wrong: Expected int >= 1."),
        ('{"text":"","members":[1]}', "members[0]", "Expected str, got int"),
        ('["x"]', None, "by name"),
        ("5", None, "by name"),
        ("null", None, "by name"),
    ],
)
async def test_a_wrong_parameter_is_named_in_plain_words(
    stage: Stage, params: str, field: str | None, words: str
) -> None:
    line = f'{{"jsonrpc":"2.0","id":1,"method":"test.echo","params":{params}}}'
    error = (await answer(stage, line))["error"]
    assert (error["code"], error["data"].get("field")) == (-32602, field)
    assert words in error["message"]


async def test_no_params_count_as_none_given(stage: Stage) -> None:
    said = await answer(stage, '{"jsonrpc":"2.0","id":1,"method":"test.echo"}')
    assert said["error"]["data"] == {"kind": "invalid_params", "field": "text"}


async def test_a_methods_own_error_keeps_its_code_and_data(stage: Stage) -> None:
    error = (await answer(stage, request("test.refuse", text="x")))["error"]
    assert (error["code"], error["message"]) == (-32031, "No room.")
    wanted = {"kind": "queue_full", "field": "to", "retry_after": 2.5, "candidates": ["x"]}
    assert error["data"] == wanted


async def test_a_closed_gate_answers_for_the_method(stage: Stage) -> None:
    stage.locked = True
    assert kind_of(await answer(stage, request("test.echo", text="x"))) == "locked"
    assert stage.calls == []


async def test_an_unforeseen_error_has_a_reference_in_answer_and_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    error = (await answer(stage, request("test.fail", text="x")))["error"]
    assert error["code"] == -32603
    assert error["data"]["reference"] in caplog.text
    assert "ValueError" in caplog.text
    assert "in fail" in caplog.text


async def test_a_result_that_was_not_promised_is_an_internal_error(stage: Stage) -> None:
    assert kind_of(await answer(stage, request("test.wrong"))) == "internal_error"


async def test_a_cancellation_from_within_a_method_is_an_internal_error(stage: Stage) -> None:
    assert kind_of(await answer(stage, request("test.cancelled"))) == "internal_error"


async def test_error_data_that_cannot_be_encoded_is_left_out(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    stage.extra = {"bad": object()}
    said = await answer(stage, request("test.refuse", text="x"))
    assert said["error"]["data"] == {"kind": "queue_full", "retry_after": 2.5}


async def test_a_batch_is_answered_as_a_list_without_its_notifications(stage: Stage) -> None:
    note = b'{"jsonrpc":"2.0","method":"test.echo","params":{"text":"n"}}'
    members = [request("test.echo", 1, text="a"), note, b"7", request("test.none", 2)]
    said = await answer(stage, b" [" + b",".join(members) + b"]")
    assert [(one["id"], "result" in one) for one in said] == [(1, True), (None, False), (2, False)]


async def test_a_batch_of_notifications_is_not_answered(stage: Stage) -> None:
    note = b'{"jsonrpc":"2.0","method":"test.echo","params":{"text":"n"}}'
    assert await answer(stage, b"[" + note + b"," + note + b"]") is None


async def test_an_empty_batch_is_one_invalid_request(stage: Stage) -> None:
    said = await answer(stage, "[]")
    assert (said["id"], kind_of(said)) == (None, "invalid_request")


async def test_a_batch_holds_a_hundred_requests_and_no_more(stage: Stage) -> None:
    one = request("test.echo", text="x")
    assert len(await answer(stage, b"[" + b",".join([one] * 100) + b"]")) == 100
    said = await answer(stage, b"[" + b",".join([one] * 101) + b"]")
    assert (said["id"], kind_of(said)) == (None, "too_large")


async def test_the_requests_of_a_batch_run_together_within_the_bound(stage: Stage) -> None:
    dispatcher = Dispatcher(stage.registry, stage.gate, max_concurrent=5)
    line = b"[" + b",".join([request("test.wait", text="x")] * 20) + b"]"
    task = asyncio.create_task(
        dispatcher.answer(dispatcher.read(line, calls()), dispatcher.slots())
    )
    await stage.began_one.wait()
    stage.let_go.set()
    said = await task
    assert said is not None
    assert (len(json.loads(said)), stage.most) == (20, 5)


async def test_a_stopping_dispatcher_says_so(stage: Stage) -> None:
    dispatcher = Dispatcher(stage.registry, stage.gate)
    dispatcher.stop()
    work = dispatcher.read(request("test.echo", 3, text="x"), calls())
    said = await dispatcher.answer(work, dispatcher.slots())
    assert said is not None
    assert json.loads(said)["error"]["data"]["kind"] == "shutting_down"
