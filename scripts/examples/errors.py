#!/usr/bin/env python3
"""Send, and tell by the error's type what to do about it; the exit code is the command line's.

errors.py CHANNEL TEXT
"""

import sys

from peerpost import (
    Client,
    LockedError,
    NoDaemonError,
    PeerpostError,
    RefusedError,
    TimeoutWaitingError,
    UsageError,
)


def main(channel: str, text: str) -> int:
    """Return 0 when it has left, else the error's exit code."""
    try:
        with Client() as client:
            client.send(channel=channel, text=text, wait="sent", timeout=10)
    except NoDaemonError as error:  # ConnectionLostError too: use an idempotency_key to repeat it
        print("start the daemon, then try again")
        return error.exit_code
    except LockedError as error:
        print("unlock the vault, then try again")
        return error.exit_code
    except TimeoutWaitingError as error:
        print("it is in the outbox and leaves once it can:", error.data.get("message"))
        return error.exit_code
    except (RefusedError, UsageError) as error:
        print(f"trying again does not help: {error.kind}: {error.message}")
        return error.exit_code
    except PeerpostError as error:
        print(f"failed: {error.kind}, try again after {error.retry_after or 0} s")
        return error.exit_code
    print("sent")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
