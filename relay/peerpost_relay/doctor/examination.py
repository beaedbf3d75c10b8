"""The doctor's round: what is looked at, in which order. Nothing is made, mended or mailed by looking.

It works beside a relay that serves and without one; of what is not there it says so and goes on.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from peerpost_protocol.check import Check
from peerpost_relay.configuration import RelayConfiguration
from peerpost_relay.doctor.certificate import certificate
from peerpost_relay.doctor.folder import disk, places, relay_key
from peerpost_relay.doctor.listeners import listeners
from peerpost_relay.doctor.post import mail
from peerpost_relay.doctor.stored import clock, store, versions
from peerpost_relay.doctor.unit import unit_state

UNIT = "peerpost-relay.service"


class Examined(Struct, frozen=True):
    """Be the doctor's answer."""

    well: bool
    checks: list[Check]


async def examine(
    data: Path, settings: RelayConfiguration, environment: Mapping[str, str] = os.environ
) -> Examined:
    """Look at everything; nothing here fails because something else does."""
    key, own_key = relay_key(data)
    checks = [
        *places(data),
        Check("unit", *unit_state(UNIT)),
        *await listeners(settings, own_key),
        clock(data),
        certificate(settings, environment),
        key,
        await store(data),
        disk(data, settings.relay),
        await versions(data),
        await mail(settings.mail, environment),
    ]
    return Examined(all(check.well for check in checks), checks)
