"""Other tables while the daemon runs: who loses something loses it at once."""

from pathlib import Path

from peerpost_daemon.rpc import Scope
from tests.daemon.rpc.stage import connected, request
from tests.support.access import given, house_of_another


async def test_a_connection_whose_rights_change_is_ended(tmp_path: Path) -> None:
    async with house_of_another(tmp_path, given(Scope.RECEIVE)) as alice:
        await alice.result("event.subscribe")
        alice.service.admit(alice.service.tables((given(Scope.SEND),)))
        assert await alice.client.reader.read() == b""
        async with connected(alice.daemon.settings.socket) as again:
            error = (await again.ask(request("channel.list")))["error"]
            assert error["data"] == {"kind": "forbidden", "scope": "receive"}


async def test_a_connection_whose_rights_stay_goes_on(tmp_path: Path) -> None:
    async with house_of_another(tmp_path, given(Scope.RECEIVE)) as alice:
        alice.service.admit(alice.service.tables((given(Scope.RECEIVE),)))
        assert await alice.result("channel.list") == {"channels": []}
