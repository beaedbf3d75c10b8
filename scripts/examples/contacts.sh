#!/bin/sh
# Look at a contact, compare its safety number, and say what is believed of it.
#     contacts.sh IDENTITY
set -eu
who=$1
peerpost card search "$who" # what the relay has; nothing is stored
number=$(peerpost verify "$who" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["safety_number"])')
# Here a person compares it with what the other side sees, by phone or by its QR code (--scan).
peerpost verify "$who" --match "$number"
peerpost contacts name "$who" colleague
peerpost contacts policy "$who" verified-only
peerpost contacts show "$who" --json

# Fingerprints that the operator hands out, like known_hosts.
list=$(mktemp)
peerpost card search "$who" --json | python3 -c '
import json, sys
for card in json.load(sys.stdin)["cards"]:
    print(card["identity"], card["fingerprint"])' >"$list"
peerpost contacts known "$list"
rm "$list"

peerpost contacts policy "$who" default
peerpost contacts block stranger@example.org
peerpost contacts unblock stranger@example.org
peerpost contacts list
