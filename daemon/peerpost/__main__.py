"""Run the command line as `python -m peerpost`."""

import sys

from peerpost.cli import main

if __name__ == "__main__":
    sys.exit(main())
