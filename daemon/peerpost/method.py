"""One declaration of a method that serves the blocking and the asyncio client.

A `Method` is a descriptor: read from a Client it is a function, read from an AsyncClient a
coroutine function, with the parameters and the result that its declaration names.
"""

from __future__ import annotations

from binascii import b2a_base64

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

    from peerpost.async_client import AsyncClient
    from peerpost.client import Client

    P = ParamSpec("P")
    R = TypeVar("R")
else:  # importing typing would cost a quarter of the start-up
    P = R = None

    class Generic:
        """Stand in for typing.Generic at run time."""

        def __class_getitem__(cls, _parameters: object) -> type:
            """Return the class itself."""
            return cls

    def overload(function: object) -> object:
        """Stand in for typing.overload at run time."""
        return function


class Method(Generic[P, R]):
    """Bind an RPC method's name to the declaration of its parameters and result."""

    def __init__(self, name: str, declaration: Callable[Concatenate[Any, P], R]) -> None:
        self.name = name
        self.declaration = self.__wrapped__ = declaration
        self.__doc__ = declaration.__doc__
        code = declaration.__code__
        self.positional = code.co_varnames[1 : code.co_argcount]

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload  # ruff sees the overload of run time only, hence F811
    def __get__(  # noqa: F811
        self, client: Client, owner: type
    ) -> Callable[P, R]: ...
    @overload
    def __get__(  # noqa: F811
        self, client: AsyncClient, owner: type
    ) -> Callable[P, Coroutine[Any, Any, R]]: ...
    def __get__(  # noqa: F811
        self, client: Client | AsyncClient | None, owner: type
    ) -> object:
        """Return the method of one client: a call with what was given, None meaning not given."""
        if client is None:
            return self

        def bound(*args: Any, **params: Any) -> object:  # noqa: ANN401 - P describes them
            self.declaration(client, *args, **params)  # refuses arguments it does not declare
            params.update(zip(self.positional, args, strict=False))
            given = {name: _wire(value) for name, value in params.items() if value is not None}
            return client.call(self.name, **given)

        return bound


def method(name: str) -> Callable[[Callable[Concatenate[Any, P], R]], Method[P, R]]:
    """Declare a method: the decorated function's signature is all there is to it."""
    return lambda declaration: Method(name, declaration)


def _wire(value: object) -> object:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return b2a_base64(value, newline=False).decode("ascii")
    return value
