from __future__ import annotations

import inspect
import json
from pathlib import Path

import pytest

import peerpost
from peerpost import (
    Client,
    ConnectionLostError,
    LockedError,
    NoDaemonError,
    PeerpostError,
    TimeoutWaitingError,
    UsageError,
    rpc,
)
from peerpost.method import Method
from peerpost.methods import Methods
from tests.client import samples
from tests.client.answers import ANSWERS
from tests.client.recorder import HANG_UP, SILENCE, Fault, Recorder


def test_a_call_returns_the_result(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        assert client.call("daemon.status") == samples.STATUS
        assert client.status()["state"] == "ready"
    assert recorder.connections == 1


def test_only_what_is_given_is_sent(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        client.send(to="bob@example.org", text="hello", wait="sent")
    assert recorder.params("message.send") == {
        "to": "bob@example.org",
        "text": "hello",
        "wait": "sent",
    }


def test_bytes_travel_as_base64(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        client.send(channel="ops", data=b"\0\xff", media_type="image/png")
    assert recorder.params("message.send")["data"] == "AP8="


def test_positional_arguments_have_names_on_the_wire(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        client.channel_add("ops", ["carol@example.org"])
    expected = {"channel": "ops", "members": ["carol@example.org"]}
    assert recorder.params("channel.add") == expected


def test_an_argument_that_is_not_declared_is_refused_before_sending(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client, pytest.raises(TypeError, match="txet"):
        client.send(to="bob@example.org", txet="hello")  # type: ignore[call-arg]
    assert recorder.requests == []


METHODS = {name: value for name, value in inspect.getmembers(Methods) if isinstance(value, Method)}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_sent_under_its_name(name: str, recorder: Recorder) -> None:
    declared = METHODS[name]
    assert declared.__doc__
    parameters = list(inspect.signature(declared.declaration).parameters.values())[1:]
    needed = {p.name: "x" for p in parameters if p.default is inspect.Parameter.empty}
    with Client(str(recorder.path)) as client:
        getattr(client, name)(**needed)
    assert recorder.params(declared.name) == needed


def test_every_method_of_the_contract_is_declared() -> None:
    declared = {method.name for method in METHODS.values()}
    by_listeners = {"event.subscribe", "event.unsubscribe"}
    assert declared | by_listeners == set(ANSWERS)


def test_the_daemons_error_has_kind_data_and_class(recorder: Recorder) -> None:
    recorder.answers["message.send"] = Fault("locked", retry_after=2.5)
    with Client(str(recorder.path)) as client, pytest.raises(LockedError) as caught:
        client.send(to="bob@example.org", text="hello")
    assert (caught.value.kind, caught.value.retry_after) == ("locked", 2.5)
    assert str(caught.value) == "It is locked."


def test_an_error_leaves_the_connection_usable(recorder: Recorder) -> None:
    recorder.answers["channel.show"] = Fault("unknown_channel")
    with Client(str(recorder.path)) as client:
        with pytest.raises(PeerpostError):
            client.channel_show("nowhere")
        client.status()
    assert recorder.connections == 1


def test_without_a_daemon_the_error_names_the_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "none.sock")
    with Client(path) as client, pytest.raises(NoDaemonError, match=r"none\.sock"):
        client.status()


def test_a_path_too_long_for_a_socket_is_no_daemon(tmp_path: Path) -> None:
    with Client(str(tmp_path / ("x" * 200))) as client, pytest.raises(NoDaemonError):
        client.status()


def test_a_daemon_that_hangs_up_leaves_the_outcome_open(recorder: Recorder) -> None:
    recorder.answers["message.send"] = HANG_UP
    with Client(str(recorder.path)) as client:
        with pytest.raises(ConnectionLostError):
            client.send(to="bob@example.org", text="hello")
        assert client.status()  # on a new connection
    assert len(recorder.calls("message.send")) == 1


def test_a_restarted_daemon_is_found_by_the_next_call(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        recorder.answers["daemon.lock"] = HANG_UP
        client.status()
        with pytest.raises(ConnectionLostError):
            client.lock()
        recorder.stop()
        recorder.start()
        assert client.status()["state"] == "ready"


def test_an_answer_in_time_is_demanded(recorder: Recorder) -> None:
    recorder.answers["daemon.status"] = SILENCE
    with Client(str(recorder.path), timeout=0.05) as client:
        with pytest.raises(TimeoutWaitingError):
            client.status()
        assert client.lock()  # the late answer would not be taken for this one


def test_nonsense_from_the_daemon_is_an_error_of_ours() -> None:
    for line in (b"nonsense", b"[]", b"\xff", b"[" * 100_000):
        with pytest.raises(PeerpostError) as caught:
            rpc.result(rpc.parse(line))
        assert caught.value.kind == "bad_answer"


def test_an_answer_without_result_or_with_a_strange_error_is_an_error() -> None:
    for reply in ({}, {"error": 5}, {"error": {"data": 5}}):
        with pytest.raises(PeerpostError):
            rpc.result(reply)


@pytest.mark.parametrize("value", ["\ud800", float("nan")])
def test_what_json_cannot_carry_is_refused_without_repeating_it(
    value: object, recorder: Recorder
) -> None:
    with Client(str(recorder.path)) as client, pytest.raises(UsageError) as caught:
        client.call("message.send", text=value)
    assert "\ud800" not in str(caught.value)
    assert recorder.requests == []


def test_a_text_of_any_script_arrives_as_it_is(recorder: Recorder) -> None:
    text = "Zażółć 你好 🏳️‍🌈 \u2028 \t\n"
    with Client(str(recorder.path)) as client:
        client.send(channel="ops", text=text)
    assert recorder.params("message.send")["text"] == text


def test_a_request_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rpc, "MAXIMUM_REQUEST_BYTES", 100)
    with pytest.raises(PeerpostError) as caught:
        rpc.request(1, "message.send", {"text": "x" * 100})
    assert caught.value.kind == "too_large"
    assert json.loads(rpc.request(1, "a", {}))["id"] == 1


def test_every_public_name_can_be_imported_and_no_other() -> None:
    for name in peerpost.__all__:
        assert getattr(peerpost, name).__name__ == name
        assert name in dir(peerpost)
    with pytest.raises(AttributeError, match="Servant"):
        _ = peerpost.Servant
