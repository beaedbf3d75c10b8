"""A local user who has one account of a daemon with several names another, or begins with one and goes on with another.

Nothing of an account is shown to, or done for, a caller whose tables do not name it, by no method; an account of others
cannot be told from one that is not there. Ids, numbers and consumers of one account mean nothing in another.
"""

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peerpost_daemon.access.settings import AccessSettings, check
from peerpost_daemon.errors import DaemonError
from peerpost_daemon.methods.registry import registry_of
from peerpost_daemon.rpc import Scope
from tests.daemon.accounts.household import OPS, Household, household
from tests.daemon.methods.house import CAROL, message_by
from tests.support.access import SECRET

SCOPES = tuple(Scope)


@pytest.fixture
async def mallory(tmp_path: Path) -> AsyncIterator[Household]:
    """Return a daemon whose caller has everything of the account `ops`, and nothing of Alice's."""
    table = AccessSettings(uid=os.geteuid(), scopes=SCOPES, accounts=(OPS,))
    async with household(tmp_path, table, owners=frozenset()) as made:
        yield made


async def test_no_method_reaches_another_account(mallory: Household) -> None:
    for method in registry_of(mallory.daemon):
        for account in ("main", "sales"):
            error = (await mallory.about(account, method.name))["error"]
            assert error["data"] == {"kind": "forbidden", "field": "account"}, method.name


async def test_without_a_name_the_callers_own_account_is_meant(mallory: Household) -> None:
    await mallory.channel(CAROL, name="board")
    assert await mallory.result("channel.list") == {"channels": []}


async def test_ids_of_another_account_mean_nothing(mallory: Household) -> None:
    theirs = await mallory.channel(CAROL, name="board")
    await mallory.arrived(message_by(CAROL, theirs, SECRET))
    for method, params in (
        ("message.list", {"channel": theirs.hex()}),
        ("message.search", {"query": "merger"}),
        ("event.subscribe", {"consumer": "bot", "from": "start"}),
    ):
        assert SECRET not in json.dumps(await mallory.about(OPS, method, **params))


async def test_a_subscription_to_one_account_does_not_hear_another(mallory: Household) -> None:
    theirs = await mallory.channel(CAROL)
    own = await mallory.of_ops().channel(CAROL)
    await mallory.result("event.subscribe", kinds=["message"])
    await mallory.arrived(message_by(CAROL, theirs, SECRET))
    await mallory.of_ops().arrived(message_by(CAROL, own, "for ops"))
    assert (await mallory.event())["data"]["text"] == "for ops"


async def test_administering_one_account_does_not_stop_the_others(mallory: Household) -> None:
    assert (await mallory.error("daemon.shutdown"))["kind"] == "forbidden"
    assert not mallory.daemon.shutdown_wanted.is_set()
    assert not mallory.ops.shutdown_wanted.is_set()


def test_a_table_that_forgets_the_account_gives_none_by_mistake() -> None:
    with pytest.raises(DaemonError, match="name those"):
        check([AccessSettings(uid=7, scopes=SCOPES)], [OPS])
    with pytest.raises(DaemonError, match="there is no account"):
        check([AccessSettings(uid=7, scopes=SCOPES, accounts=("opps",))], [OPS])
