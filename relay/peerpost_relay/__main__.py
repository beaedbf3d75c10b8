"""Run the command as `python -m peerpost_relay`."""

import sys

from peerpost_relay.commands import main

sys.exit(main())
