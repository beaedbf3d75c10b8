"""What is generated is current, and every setting says what it is."""

import pytest
from msgspec import Struct

from peerpost_daemon.configuration import DaemonConfiguration
from peerpost_protocol.configuration import settings_of
from peerpost_relay.configuration import RelayConfiguration
from scripts.generation import DOCUMENTS, outdated


def test_generated_documents_are_current() -> None:
    assert DOCUMENTS
    assert outdated() == []  # else: scripts/generate


@pytest.mark.parametrize("declared", [DaemonConfiguration, RelayConfiguration])
def test_every_setting_says_what_it_is(declared: type[Struct]) -> None:
    assert [one.path for one in settings_of(declared) if not one.description] == []
