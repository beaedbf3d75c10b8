#!/bin/sh
# Handle one message for `peerpost listen --exec`: the event is JSON on standard input, its ids are in PEERPOST_*.
# Never put a message's text into a command line: read it as data, as here.
set -eu
text=$(python3 -c 'import json, sys; print(json.load(sys.stdin)["data"]["text"] or "")')
case "$text" in
    restart) echo "would restart, as $PEERPOST_FROM asks" ;;
    *) echo "nothing to do for $PEERPOST_FROM" ;;
esac
