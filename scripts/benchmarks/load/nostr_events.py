"""Write signed Nostr events, one a line; run by the interpreter that nostr-relay is installed for.

python nostr_events.py FIRST COUNT MARK BYTES
"""

import json
import sys

# Both are the other system's, in its own environment.
from aionostr.event import Event  # type: ignore[import-not-found]
from coincurve import PrivateKey  # type: ignore[import-not-found]

first, count, mark, size = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
key = PrivateKey()
public = key.public_key.format()[1:].hex()
for number in range(first, first + count):
    content = f"{mark}{number:010}".ljust(size, "x")
    event = Event(public, content, kind=1)
    event.sign(key.to_hex())
    told = {"id": event.id, "pubkey": public, "created_at": event.created_at, "kind": 1}
    sys.stdout.write(json.dumps({**told, "tags": [], "content": content, "sig": event.sig}) + "\n")
