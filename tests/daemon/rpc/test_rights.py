import pytest

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.rpc import EVERYTHING, Reach, Rights, Scope
from peerpost_daemon.rpc.rights import NOTHING

OPS = frozenset({"ops"})


@pytest.mark.parametrize("scope", Scope)
def test_the_owner_may_everything_and_a_stranger_nothing(scope: Scope) -> None:
    for reach in Reach:
        EVERYTHING.check(scope, reach)
        with pytest.raises(DaemonError) as caught:
            NOTHING.check(scope, reach)
        assert caught.value.data() == {"kind": "forbidden", "scope": scope.value}


def test_who_is_kept_to_channels_cannot_reach_over_the_account() -> None:
    rights = Rights({Scope.SEND: OPS, Scope.RECEIVE: None})
    rights.check(Scope.SEND, Reach.CHANNELS)
    rights.check(Scope.RECEIVE, Reach.ACCOUNT)
    with pytest.raises(DaemonError, match="whole account"):
        rights.check(Scope.SEND, Reach.ACCOUNT)


def test_without_a_scope_there_is_no_channel_for_it() -> None:
    rights = Rights({Scope.SEND: OPS})
    assert rights.channels(Scope.SEND) == OPS
    assert rights.channels(Scope.RECEIVE) == frozenset()


def test_a_users_names_are_its_own() -> None:
    one, other = Rights({}, "uid:1:"), Rights({}, "uid:11:")
    assert one.kept("bot") != other.kept("bot")
    assert (one.told(one.kept("bot")), one.told(other.kept("bot"))) == ("bot", None)
    assert EVERYTHING.told(one.kept("bot")) == "uid:1:bot"
