from typing import Any

import pytest
from msgspec import Struct

from peerpost_daemon.rpc import Call, Method, Registry, Requires, Scope
from tests.daemon.rpc.stage import Echo, Echoed


async def echo(params: Echo, call: Call) -> Echoed:
    """Say it again.

    And more.
    """
    return Echoed(params.text)


class Loose(Struct):
    text: str = ""


def declared(**changes: Any) -> Method:
    fields = {"name": "test.echo", "params": Echo, "result": Echoed, "handler": echo}
    return Method(**{**fields, "summary": "Say.", "scope": Scope.SEND, **changes})


def test_types_and_summary_come_from_the_handler() -> None:
    method = Method.of("test.echo", echo, scope=Scope.SEND, errors=("locked",))
    assert (method.params, method.result, method.summary) == (Echo, Echoed, "Say it again.")
    assert method.requires is Requires.ACCOUNT


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "echo"},
        {"name": "Test.Echo"},
        {"summary": ""},
        {"params": Loose},
        {"params": dict},
        {"result": int},
        {"errors": ("nonsense",)},
    ],
)
def test_a_bad_declaration_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        declared(**changes)


def test_a_handler_without_types_is_refused() -> None:
    async def bare(params, call):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        """Do."""

    with pytest.raises(TypeError, match=r"\(params: P, call: Call\) -> R"):
        Method.of("test.bare", bare, scope=Scope.SEND)


def test_a_name_is_registered_once() -> None:
    registry = Registry([declared()])
    with pytest.raises(TypeError, match="twice"):
        registry.add(declared())


def test_the_decorator_registers_and_returns_the_handler() -> None:
    registry = Registry()
    assert registry.method("test.echo", scope=Scope.ADMIN)(echo) is echo
    assert [method.name for method in registry] == ["test.echo"]
    assert len(registry) == 1
