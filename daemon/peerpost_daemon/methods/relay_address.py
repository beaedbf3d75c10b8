"""The address of a relay that a call names."""

from peerpost_daemon.errors import DaemonError
from peerpost_daemon.link import AddressError, LinkSettings, check_address
from peerpost_daemon.settings import DaemonSettings


def check_relay(url: str, settings: DaemonSettings) -> None:
    """Raise DaemonError invalid_params for what is no relay's address, or a plain one that is not allowed."""
    try:
        check_address(LinkSettings(url, settings.allow_plain))
    except AddressError as error:
        raise DaemonError("invalid_params", f"{error}.", field="relay") from None
