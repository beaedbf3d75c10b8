"""What a method is, declared once: the call is checked and the document written from it."""

import enum
import inspect
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, get_type_hints

import msgspec
from msgspec import Raw, Struct

from peerpost_daemon.errors import ERROR_CODES, DaemonError
from peerpost_daemon.rpc.call import Call
from peerpost_daemon.rpc.rights import Reach, Scope

Handler = Callable[[Any, Call], Awaitable[Struct]]
_AnyHandler = TypeVar("_AnyHandler", bound=Handler)

_NAME: Final = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*")
_MISSING: Final = re.compile(r"Object missing required field `(.*?)`(?: - at `\$\.?(.*)`)?")
_UNKNOWN: Final = re.compile(
    r"Object contains unknown field `(.*?)`(?: - at `\$\.?(.*)`)?", re.DOTALL
)
_WRONG: Final = re.compile(r"(.*) - at `\$\.?(.*)`", re.DOTALL)


class Requires(enum.Enum):
    """What has to be there before a method can work."""

    NOTHING = "nothing"
    VAULT = "vault"  # an unlocked vault
    ACCOUNT = "account"  # and an account in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method of the public interface; construction refuses one that is not well declared.

    ``handler`` is ``async def (params, call) -> result`` and raises DaemonErrors of the ``errors``
    kinds; those of the gate need not be listed. Raises TypeError for a wrong declaration.
    """

    name: str
    params: type[Struct]
    result: type[Struct]
    handler: Handler
    summary: str
    scope: Scope
    reach: Reach = Reach.ACCOUNT
    requires: Requires = Requires.ACCOUNT
    errors: tuple[str, ...] = ()
    decoder: msgspec.json.Decoder[Struct] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._check()
        object.__setattr__(self, "decoder", msgspec.json.Decoder(self.params))

    def _check(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise TypeError(f"{self.name!r} is not a method name of the form noun.verb")
        if not self.summary:
            raise TypeError(f"{self.name} has no summary")
        for struct in (self.params, self.result):
            if not (isinstance(struct, type) and issubclass(struct, Struct)):
                raise TypeError(f"{self.name} takes and returns structs, not {struct!r}")
        if not self.params.__struct_config__.forbid_unknown_fields:
            raise TypeError(f"{self.name} lets unknown parameters pass")
        if not (isinstance(self.scope, Scope) and isinstance(self.reach, Reach)):
            raise TypeError(f"{self.name} has no scope or no reach")
        if unknown := set(self.errors) - set(ERROR_CODES):
            raise TypeError(f"{self.name} raises unknown kinds {sorted(unknown)}")

    @classmethod
    def of(
        cls,
        name: str,
        handler: Handler,
        *,
        scope: Scope,
        reach: Reach = Reach.ACCOUNT,
        requires: Requires = Requires.ACCOUNT,
        errors: tuple[str, ...] = (),
    ) -> "Method":
        """Declare a method from its handler: types from the annotations, summary from the docstring.

        Raises TypeError if the handler lacks them.
        """
        hints = get_type_hints(handler)
        arguments = list(inspect.signature(handler).parameters)
        if len(arguments) != 2 or arguments[0] not in hints or "return" not in hints:
            raise TypeError(f"the handler of {name} is not (params: P, call: Call) -> R")
        summary = (inspect.getdoc(handler) or "").partition("\n")[0]
        return cls(
            name=name,
            params=hints[arguments[0]],
            result=hints["return"],
            handler=handler,
            summary=summary,
            scope=scope,
            reach=reach,
            requires=requires,
            errors=errors,
        )

    def read_params(self, raw: Raw | msgspec.UnsetType) -> Struct:
        """Return the typed parameters; none at all count as an empty object.

        Raises DaemonError invalid_params, whose field names the parameter at fault.
        """
        text = b"{}" if isinstance(raw, msgspec.UnsetType) else raw
        try:
            return self.decoder.decode(text)
        except msgspec.ValidationError as error:
            raise _complaint(str(error)) from None
        except (msgspec.DecodeError, RecursionError):
            message = "The parameters cannot be read or nest too deeply."
            raise DaemonError("invalid_params", message) from None


def _complaint(reason: str) -> DaemonError:
    """Put msgspec's reason in plain words and name the field."""
    if found := _UNKNOWN.fullmatch(reason):
        name = _path(found[2], found[1])
        return _invalid(name, f"There is no parameter {name}.")
    if found := _MISSING.fullmatch(reason):
        name = _path(found[2], found[1])
        return _invalid(name, f"The parameter {name} is missing.")
    if found := _WRONG.fullmatch(reason):
        says = found[1].replace("`", "")
        return _invalid(found[2], f"The parameter {found[2]} is wrong: {says}.")
    return _invalid(None, "Parameters are given by name, in an object.")


def _path(parent: str | None, name: str) -> str:
    return f"{parent}.{name}" if parent else name


def _invalid(name: str | None, message: str) -> DaemonError:
    return DaemonError("invalid_params", message, field=name)


class Registry:
    """Hold the methods of the daemon by name; a name is taken once."""

    def __init__(self, methods: Iterable[Method] = ()) -> None:
        self._methods: dict[str, Method] = {}
        for method in methods:
            self.add(method)

    def add(self, method: Method) -> None:
        """Register a method. Raises TypeError if its name is taken."""
        if method.name in self._methods:
            raise TypeError(f"{method.name} is registered twice")
        self._methods[method.name] = method

    def method(
        self,
        name: str,
        *,
        scope: Scope,
        reach: Reach = Reach.ACCOUNT,
        requires: Requires = Requires.ACCOUNT,
        errors: tuple[str, ...] = (),
    ) -> Callable[[_AnyHandler], _AnyHandler]:
        """Register the decorated handler; see Method.of."""

        def register(handler: _AnyHandler) -> _AnyHandler:
            made = Method.of(
                name, handler, scope=scope, reach=reach, requires=requires, errors=errors
            )
            self.add(made)
            return handler

        return register

    def __getitem__(self, name: str) -> Method:
        return self._methods[name]

    def get(self, name: str) -> Method | None:
        """Return the method of that name, if there is one."""
        return self._methods.get(name)

    def __iter__(self) -> Iterator[Method]:
        return iter(sorted(self._methods.values(), key=lambda method: method.name))

    def __len__(self) -> int:
        return len(self._methods)
