"""Configuration: one frozen struct says every setting's name, default, bound and meaning; the rest follows from it.

`read` turns the text of a TOML file, environment variables and options into that struct; `example` writes the file with
every setting in it, `reference` the page for `docs/`. Pure: whoever calls reads the file and the environment.
"""

from peerpost_protocol.configuration.reading import MAX_CONFIGURATION, changed, check_owner, read
from peerpost_protocol.configuration.renewing import Renewed, renewed
from peerpost_protocol.configuration.setting import Live, Seconds, Setting, settings_of
from peerpost_protocol.configuration.writing import example, reference

__all__ = [
    "MAX_CONFIGURATION",
    "Live",
    "Renewed",
    "Seconds",
    "Setting",
    "changed",
    "check_owner",
    "example",
    "read",
    "reference",
    "renewed",
    "settings_of",
]
