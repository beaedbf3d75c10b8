"""Several accounts behind one socket: each request is about one, and reaches no other."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.accounts.settings import AccountSettings, check
from peerpost_daemon.errors import DaemonError
from tests.daemon.accounts.household import OPS, Household, household
from tests.daemon.methods.house import BOB, CAROL, message_by
from tests.daemon.rpc.test_http import asking


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Household]:
    async with household(tmp_path) as made:
        yield made


async def test_a_request_is_about_the_account_that_it_names(both: Household) -> None:
    mine = await both.channel(BOB, name="machines")
    theirs = await both.of_ops().channel(CAROL, name="board")
    for account, channel in (("main", mine), (OPS, theirs)):
        shown = (await both.about(account, "channel.list"))["result"]["channels"]
        assert [each["channel"] for each in shown] == [channel.hex()]
    assert [c["name"] for c in (await both.result("channel.list"))["channels"]] == ["machines"]


async def test_an_account_that_is_not_there_is_not_the_callers(both: Household) -> None:
    error = (await both.about("sales", "channel.list"))["error"]["data"]
    assert (error["kind"], error["field"]) == ("forbidden", "account")


async def test_one_that_is_locked_holds_up_no_other(both: Household) -> None:
    await both.about(OPS, "daemon.lock")
    assert (await both.about(OPS, "channel.list"))["error"]["data"]["kind"] == "locked"
    assert (await both.result("daemon.status"))["state"] == "ready"
    assert (await both.about(OPS, "daemon.status"))["result"]["state"] == "locked"


async def test_the_daemon_is_stopped_by_way_of_the_main_account_alone(both: Household) -> None:
    error = (await both.about(OPS, "daemon.shutdown"))["error"]["data"]
    assert (error["kind"], both.daemon.shutdown_wanted.is_set()) == ("forbidden", False)


async def test_subscriptions_to_both_are_told_apart(both: Household) -> None:
    mine = await both.channel(BOB)
    theirs = await both.of_ops().channel(CAROL)
    numbers = {}
    for account in ("main", OPS):
        answer = await both.about(account, "event.subscribe", consumer="bot", kinds=["message"])
        numbers[answer["result"]["subscription"]] = account
    assert len(numbers) == 2
    await both.of_ops().arrived(message_by(CAROL, theirs, "for ops"))
    first = await both.event()
    await both.arrived(message_by(BOB, mine, "for alice"))
    second = await both.event()
    heard = [(numbers[each["subscription"]], each["data"]["text"]) for each in (first, second)]
    assert heard == [(OPS, "for ops"), ("main", "for alice")]
    wrong = next(number for number, account in numbers.items() if account == OPS)
    error = (await both.about("main", "event.unsubscribe", subscription=wrong))["error"]["data"]
    assert error["kind"] == "unknown_subscription"


async def test_what_a_connection_holds_of_one_is_not_the_others(both: Household) -> None:
    draft = (await both.about("main", "file.begin", name="a.txt"))["result"]["draft"]
    params = {"draft": draft, "offset": 0, "data": ""}
    assert "result" in await both.about("main", "file.write", **params)
    error = (await both.about(OPS, "file.write", **params))["error"]["data"]
    assert error["kind"] == "unknown_file"


async def test_http_names_the_account_in_its_query(both: Household) -> None:
    theirs = await both.of_ops().channel(CAROL)
    async with asking(both.daemon.settings.socket) as client:
        client.say(f"GET /events?account={OPS}&kind=message")
        assert (await client.head())[0] == 200
        await client.event()
        await both.of_ops().arrived(message_by(CAROL, theirs, "for ops"))
        assert json.loads((await client.event())["data"])["data"]["text"] == "for ops"
    async with asking(both.daemon.settings.socket) as client:
        assert (await client.ask("GET /metrics?account=sales"))[0] == 403


async def test_an_account_that_could_not_be_opened_says_so(both: Household) -> None:
    both.service._server._dispatcher._branches.pop(OPS)
    error = (await both.about(OPS, "channel.list"))["error"]["data"]
    assert (error["kind"], error["field"]) == ("storage_failed", "account")


@pytest.mark.parametrize(
    ("names", "folders"), [(("main",), ("a",)), (("x", "x"), ("a", "b")), (("x", "y"), ("a", "a"))]
)
def test_accounts_that_cannot_be_told_apart_are_an_error(
    names: tuple[str, ...], folders: tuple[str, ...]
) -> None:
    made = [
        AccountSettings(name=name, data=Path(folder))
        for name, folder in zip(names, folders, strict=True)
    ]
    with pytest.raises(DaemonError, match="Configuration: the account"):
        check(made, Path("main"))


def test_no_account_has_the_main_ones_folder() -> None:
    with pytest.raises(DaemonError, match="another one's"):
        check([AccountSettings(name="x", data=Path("data"))], Path("data"))
