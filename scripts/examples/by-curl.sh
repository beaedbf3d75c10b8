#!/bin/sh
# Talk to the daemon where nothing of peerpost can be installed: HTTP on its Unix socket.
#     by-curl.sh CHANNEL TEXT
set -eu
daemon() {
    curl --silent --show-error --unix-socket "$PEERPOST_SOCKET" "$@"
}

# Texts are data: let a program quote them.
request=$(python3 -c '
import json, sys
params = {"channel": sys.argv[1], "text": sys.argv[2]}
print(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "message.send", "params": params}))' "$1" "$2")
daemon --data "$request" http://peerpost/rpc

daemon --data '{"jsonrpc":"2.0","id":2,"method":"daemon.status"}' http://peerpost/rpc
daemon --data '{"jsonrpc":"2.0","id":3,"method":"rpc.discover"}' http://peerpost/rpc | head -c 60
daemon http://peerpost/health | head -c 60

# Events as they come; here until the first message.
folder=$(mktemp -d)
mkfifo "$folder/events"
curl --silent --no-buffer --unix-socket "$PEERPOST_SOCKET" \
    'http://peerpost/events?kind=message&kind=message.status&from=start' >"$folder/events" &
grep --max-count=1 '^data: .*"kind":"message"' <"$folder/events"
kill $!
rm -r "$folder"
