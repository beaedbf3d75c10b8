from typing import Any

import pytest

from peerpost_daemon.errors import ERROR_CODES
from peerpost_daemon.rpc import EventType, register_discover
from tests.daemon.rpc.stage import Echoed, Stage, answer, request


@pytest.fixture
async def found(stage: Stage) -> dict[str, Any]:
    events = [EventType("message", Echoed, "Something was said.")]
    register_discover(stage.registry, events, "1.2")
    result: dict[str, Any] = (await answer(stage, request("rpc.discover")))["result"]
    return result


async def test_every_method_is_described_itself_included(
    stage: Stage, found: dict[str, Any]
) -> None:
    assert (found["openrpc"], found["info"]["version"]) == ("1.3.2", "1.2")
    names = [method["name"] for method in found["methods"]]
    assert names == [method.name for method in stage.registry]
    assert "rpc.discover" in names


async def test_parameters_are_described_required_ones_first(found: dict[str, Any]) -> None:
    (echo,) = (method for method in found["methods"] if method["name"] == "test.echo")
    required = [(one["name"], one["required"]) for one in echo["params"]]
    assert required == [("text", True), ("limit", False), ("members", False)]
    assert echo["params"][1]["schema"]["maximum"] == 500
    assert echo["result"]["schema"] == {"$ref": "#/components/schemas/Echoed"}
    assert (echo["summary"], echo["paramStructure"]) == ("Say it again.", "by-name")


async def test_every_error_is_described_with_its_kind(found: dict[str, Any]) -> None:
    errors = found["components"]["errors"]
    assert {kind: error["code"] for kind, error in errors.items()} == dict(ERROR_CODES)


async def test_a_methods_errors_include_those_of_its_gate(found: dict[str, Any]) -> None:
    (echo,) = (method for method in found["methods"] if method["name"] == "test.echo")
    assert {"$ref": "#/components/errors/locked"} in echo["errors"]


async def test_notifications_are_described(found: dict[str, Any]) -> None:
    (event,) = found["x-notifications"]
    assert event["kind"] == "message"
    assert event["schema"]["$ref"].endswith("Echoed")
    assert "Echoed" in found["components"]["schemas"]
