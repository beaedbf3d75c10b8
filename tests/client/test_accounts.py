"""Which of a daemon's accounts is asked: by the client, by the environment, by the command."""

from __future__ import annotations

import pytest

from peerpost import AsyncClient, Client
from peerpost.handling import variables
from tests.client.conftest import Run
from tests.client.recorder import Fault, Recorder


def named(recorder: Recorder) -> list[object]:
    return [request.get("account") for request in recorder.requests]


def test_a_client_names_its_account_in_every_request(recorder: Recorder) -> None:
    with Client(str(recorder.path), account="shop") as client:
        client.status()
        with client.listen(timeout=5.0, consumer="bot") as listener:
            assert listener.is_open
    assert set(named(recorder)) == {"shop"}


async def test_so_does_the_one_for_asyncio(recorder: Recorder) -> None:
    async with AsyncClient(str(recorder.path), account="shop") as client:
        await client.status()
        async with client.listen(consumer="bot"):
            pass
    assert set(named(recorder)) == {"shop"}


def test_without_a_name_there_is_none(recorder: Recorder) -> None:
    with Client(str(recorder.path)) as client:
        client.status()
    assert "account" not in recorder.requests[0]


@pytest.mark.parametrize("where", ["before", "after", "environment"])
def test_a_command_takes_it_from_option_and_environment(
    recorder: Recorder, run: Run, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    option = ["--account", "shop"]
    if where == "environment":
        monkeypatch.setenv("PEERPOST_ACCOUNT", "shop")
    before, after = (option if where == each else [] for each in ("before", "after"))
    assert run(*before, "status", *after) == 0
    assert named(recorder) == ["shop"]


def test_what_a_handler_starts_asks_the_same_account() -> None:
    event = {"kind": "link", "cursor": 1, "data": {}}
    told = variables(event, "/run/s", "shop")  # type: ignore[arg-type]
    assert told["PEERPOST_ACCOUNT"] == "shop"
    assert "PEERPOST_ACCOUNT" not in variables(event, "/run/s")  # type: ignore[arg-type]


def test_what_access_refuses_is_exit_code_6(
    recorder: Recorder, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder.answers["daemon.lock"] = Fault("forbidden", scope="admin")
    assert run("lock") == 6
    assert "forbidden" in capsys.readouterr().err
