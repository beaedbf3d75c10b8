#!/bin/sh
# Fetch the files of the newest messages of a conversation into a folder; what is there stays as it is.
#     files.sh CHANNEL FOLDER
set -eu
channel=$1 folder=$2
peerpost log "$channel" --limit 20 --json | python3 -c '
import json, sys
for message in json.load(sys.stdin)["messages"]:
    if message["files"] and not message["mine"]:
        print(message["message"])' |
    while read -r message; do
        peerpost save "$message" --to "$folder" --timeout 10m || echo "$message is left out" >&2
    done
