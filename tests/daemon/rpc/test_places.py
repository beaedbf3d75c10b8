from peerpost_daemon.rpc import EVERYTHING, Peer, Rights, RpcLimits, Scope
from peerpost_daemon.rpc.call import Caller
from peerpost_daemon.rpc.places import Places
from peerpost_daemon.rpc.rights import NOTHING

LIMITS = RpcLimits(max_clients=10, max_clients_of_user=3, reserved_clients=2, max_strangers=2)
OWNER = Caller.of(Peer(1, 1, 1), EVERYTHING)


def user(uid: int) -> Caller:
    return Caller.of(Peer(uid, 1, 1), Rights({Scope.SEND: None}))


def taken(*callers: Caller) -> Places:
    places = Places(LIMITS)
    for caller in callers:
        places.take(caller)
    return places


def test_one_user_cannot_take_all_places() -> None:
    places = taken(*[user(7)] * 3)
    assert places.missing(user(7)) is not None
    assert places.missing(user(8)) is None


def test_all_users_together_leave_places_for_the_owner() -> None:
    places = taken(*[user(uid) for uid in range(2, 10)])
    assert places.missing(user(99)) is not None
    assert places.missing(OWNER) is None


def test_strangers_share_a_few_places() -> None:
    places = taken(*[Caller.of(Peer(uid, 1, 1), NOTHING) for uid in (7, 8)])
    error = places.missing(Caller.of(Peer(9, 1, 1), NOTHING))
    assert error is not None
    assert (error.kind, error.retry_after) == ("too_many_requests", 5.0)
    assert places.missing(user(7)) is None


def test_the_owner_has_all_of_them_and_no_more() -> None:
    assert taken(*[OWNER] * 9).missing(OWNER) is None
    assert taken(*[OWNER] * 10).missing(OWNER) is not None


def test_who_left_takes_no_place() -> None:
    places = taken(*[user(7)] * 3)
    places.leave(user(7))
    assert places.missing(user(7)) is None
