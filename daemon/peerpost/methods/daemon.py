"""The daemon itself."""

# mypy: disable-error-code="empty-body"

from __future__ import annotations

from peerpost.method import method

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from peerpost.types import (
        Diagnosis,
        Health,
        Status,
        Stopping,
    )


class DaemonMethods:
    """Ask of the daemon itself, and for its own description."""

    @method("daemon.status")
    def status(self) -> Status:
        """Tell how the daemon, its vault and its link to the relay are doing."""

    @method("daemon.health")
    def health(self) -> Health:
        """Tell what is not as it should be with the daemon, in every state."""

    @method("daemon.doctor")
    def doctor(self) -> Diagnosis:
        """Look at everything thoroughly: files, vault, disk, relay, clock, versions."""

    @method("daemon.unlock")
    def unlock(self, passphrase: str, *, create: bool = False) -> Status:
        """Unlock the vault, or with `create` make a new one."""

    @method("daemon.lock")
    def lock(self) -> Status:
        """Lock the vault and forget its keys."""

    @method("daemon.shutdown")
    def shutdown(self) -> Stopping:
        """Stop the daemon."""

    @method("rpc.discover")
    def discover(self) -> dict[str, Any]:
        """Return the daemon's OpenRPC document."""
