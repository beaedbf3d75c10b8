#!/bin/sh
# Answer those who added this daemon to a channel: take the channels of these names, decline all others.
#     requests.sh NAME...
set -eu
peerpost channel consent --direct contacts --groups nobody  # from now on all but talks with contacts are asked about
peerpost channel requests --json | python3 -c '
import json, sys
for request in json.load(sys.stdin)["requests"]:
    taken = request["name"] in sys.argv[1:]
    print("accept" if taken else "decline", request["channel"])' "$@" |
    while read -r answer channel; do
        echo "$answer"
        peerpost channel "$answer" "$channel"
    done
