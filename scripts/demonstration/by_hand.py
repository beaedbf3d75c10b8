"""How to go on by hand: the commands that start the same again, to be pasted into a shell."""

import shlex
import tempfile
from pathlib import Path

from tests.support.processes import command
from tests.support.site import DOMAIN, Site

BEGIN = """
The same by hand, with two members and a folder of your own:

  export PATH={bin}:$PATH
  mkdir -m 700 {folder} && cd {folder} && umask 077
  peerpost-relay serve --data relay --listen 127.0.0.1:{port} &
  peerpost-relay token create --data relay --identity '*@{domain}' >token
  for name in alice bob; do
    mkdir $name && head -c 12 /dev/urandom | base64 >$name/passphrase
    peerpostd --data $name/data --socket $name/daemon.sock --relay {url} \\
              --passphrase-file $name/passphrase &
  done
  for name in alice bob; do
    until peerpost --socket $name/daemon.sock status; do sleep 0.2; done
    peerpost --socket $name/daemon.sock register $name@{domain} --token-file token
  done
  peerpost --socket alice/daemon.sock send bob@{domain} "hello" --wait delivered
  peerpost --socket bob/daemon.sock listen --consumer me --count 1
  kill $(jobs -p)
"""

GO_ON = """
To go on with what has just been said:

  export PATH={bin}:$PATH
  cd {folder}
  peerpost-relay serve --data relay --listen 127.0.0.1:{port} &
  for name in alice bob carol; do
    peerpostd --data $name/data --socket $name/daemon.sock --relay {url} \\
              --passphrase-file $name/passphrase &
  done
  until peerpost --socket carol/daemon.sock status; do sleep 0.2; done
  peerpost --socket carol/daemon.sock log demonstration --limit 10
  peerpost --socket alice/daemon.sock send demonstration "hello" --wait delivered
  peerpost --socket carol/daemon.sock listen --consumer me --from now
  kill $(jobs -p)
"""


def by_hand(site: Site, *, keep: bool) -> str:
    """Return the commands: for the folder that is kept, or for a new one."""
    folder = site.folder if keep else Path(tempfile.gettempdir(), "peerpost-by-hand")
    return (GO_ON if keep else BEGIN).format(
        bin=shlex.quote(str(command("peerpost").parent)),
        folder=shlex.quote(str(folder)),
        port=site.relay.port,
        url=site.relay.url,
        domain=DOMAIN,
    )
