"""The certificate: readable, of its key, for the relay's address, and for how long."""

import time
from collections.abc import Mapping
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from peerpost_protocol.check import Check, failed, passed, skipped
from peerpost_relay.configuration import RelayConfiguration, address_of
from peerpost_relay.errors import SetupError
from peerpost_relay.tls import (
    CREDENTIALS_VARIABLE,
    Certificate,
    TlsSettings,
    expiry_warning,
    is_local,
    load,
)

_NAME_FIX = "Have a certificate made for that name, or mend the setting `address`."


def certificate(settings: RelayConfiguration, environment: Mapping[str, str]) -> Check:
    """Judge the files that the settings name."""
    tls = settings.tls
    if tls.certificate is None:
        return _none(settings)
    if _is_credential(tls) and CREDENTIALS_VARIABLE not in environment:
        return skipped("tls", "its files are credentials, which the unit alone sees")
    try:
        found = load(tls, environment)
    except SetupError as error:
        return failed("tls", f"{error}.", "Put right what it names, then: systemctl reload.")
    return _judged(found, settings.address)


def _judged(found: Certificate, address: str | None) -> Check:
    names = ", ".join(found.names)
    now = time.time()
    detail = f"for {names or 'no name'}, {found.days_left(now)} days left, fits its key"
    host = urlsplit(address).hostname if address else None
    if host and not any(_covers(name, host) for name in found.names):
        return failed("tls", f"{detail}, but {host} is no name of it.", _NAME_FIX)
    if expiry_warning(found, now):
        return failed("tls", detail, "Renew it now.", severity="warning")
    return passed("tls", detail)


def _none(settings: RelayConfiguration) -> Check:
    others = [one for one in settings.listen if not is_local(address_of(one)[0])]
    if others:
        return skipped("tls", f"a proxy must end it: plain ws:// on {', '.join(others)}")
    return skipped("tls", "plain ws:// on this host alone")


def _is_credential(tls: TlsSettings) -> bool:
    return any(path is not None and path.name == str(path) for path in (tls.certificate, tls.key))


def _covers(name: str, host: str) -> bool:
    """Tell whether a name of a certificate is the host's; a star stands for one label."""
    if not name.startswith("*."):
        return name.lower() == host.lower()
    return host.count(".") == name.count(".") and fnmatchcase(host.lower(), name.lower())
