"""SIGHUP: the whole configuration is read anew, certificate, key and the mail server's password with it.

Everything is read and checked before anything is changed: what is wrong leaves the old settings in force. What cannot
change while the relay runs is named.
"""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import structs

from peerpost_protocol.configuration import renewed
from peerpost_relay import log_lines
from peerpost_relay.configuration import RelayConfiguration
from peerpost_relay.errors import SetupError
from peerpost_relay.mail import Postman
from peerpost_relay.mail_settings import CREDENTIALS_VARIABLE
from peerpost_relay.relay import Relay
from peerpost_relay.tls import Tls, load

log = logging.getLogger(__name__)

Read = Callable[[], RelayConfiguration]


class Reloading:
    """Hold the configuration in force, and take another."""

    def __init__(
        self,
        relay: Relay,
        tls: Tls | None,
        settings: RelayConfiguration,
        read: Read,
        environment: Mapping[str, str],
    ) -> None:
        self._relay = relay
        self._tls = tls
        self._settings = settings
        self._read = read
        self._environment = environment

    def reload(self) -> str:
        """Read and apply; return what there is to say of it."""
        try:
            said = self._reload()
        except SetupError as error:
            log.error("the old settings stay: %s", error)  # noqa: TRY400  the sentence says it all
            return f"the old settings stay: {error}"
        log.info("SIGHUP: %s", said)
        return said

    def _reload(self) -> str:
        after, environment = self._read(), self._environment
        certificate = load(after.tls, environment) if after.tls.certificate else None
        postman = Postman.of(after.mail, credentials_of(environment))
        outcome = renewed(self._settings, self._startable(after))
        now = outcome.now
        log_lines.begin(now.log_level, now.log_format, self._environment)
        if self._tls is not None and certificate is not None:
            self._tls.apply(now.tls, certificate)
        self._relay.apply(now.relay, now.edge, postman)
        self._settings = now
        return str(outcome)

    def _startable(self, after: RelayConfiguration) -> RelayConfiguration:
        """Leave as they are what only a start begins or ends: TLS and mail."""
        before, later = self._settings, []
        if (before.tls.certificate is None) is not (after.tls.certificate is None):
            after, later = structs.replace(after, tls=before.tls), ["tls"]
        if bool(before.mail.host) is not bool(after.mail.host):
            after, later = structs.replace(after, mail=before.mail), [*later, "mail"]
        if later:
            log.warning("%s begins or ends at the next start only", " and ".join(later))
        return after


def credentials_of(environment: Mapping[str, str]) -> Path | None:
    """Return the folder in which systemd gives us secrets."""
    named = environment.get(CREDENTIALS_VARIABLE)
    return Path(named) if named else None
