"""docs/configuration.md: every setting of daemon and relay."""

from peerpost_daemon.configuration import DaemonConfiguration
from peerpost_protocol.configuration import reference
from peerpost_relay.configuration import RelayConfiguration

PAGE = """\
# Configuration

Made by `scripts/generate` from `DaemonConfiguration` and `RelayConfiguration`.

Each process reads one TOML file. What is given later wins: the defaults below, the file, the environment, options.

- The daemon's file is `--config FILE`, else `$PEERPOSTD_CONFIG`, else `~/.config/peerpost/peerpostd.toml`, else
  `/etc/peerpost/peerpostd.toml`; the relay's `--config FILE`, else `$PEERPOST_RELAY_CONFIG`, else
  `/etc/peerpost/relay.toml`.
- In the environment a setting is `PEERPOSTD_MAX_QUEUED=1000`, or `PEERPOST_RELAY_EDGE_BACKLOG=100` for `backlog` of
  `[edge]`.
- As an option it is `--set max_queued=1000`, or `--set edge.backlog=100`; those used most have options of their own.
- `peerpostd --check-config` and `peerpost-relay serve --check-config` say whether all of it holds;
  `peerpostd --example-config` and `peerpost-relay serve --example-config` print a file with every setting in it.

Values are written as in TOML; a text needs no quotes in a variable or an option. A setting that does not exist is an
error that names the nearest one that does, and so is a variable with one of the two prefixes. A file that others than
its reader and root can write is refused. A wrong configuration ends either process with exit code 2.

At `systemctl reload` (SIGHUP) both processes read all of it again. What is `live` below takes effect; what says
`restart` waits for the next start, and is named in a line of the log. When anything in it is wrong, everything stays as
it was, and the log and `systemctl status` say why.

## Daemon

{daemon}
## Relay

{relay}"""


def configuration_page() -> str:
    """Return the page."""
    return PAGE.format(daemon=reference(DaemonConfiguration), relay=reference(RelayConfiguration))
