"""The version of the installed distribution."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _version() -> str:
    try:
        return version("peerpost")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0"


VERSION: Final = _version()
