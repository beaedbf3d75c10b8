#!/bin/sh
# Search the history of a channel, keep a copy of it, and bound what the daemon keeps.
#     history.sh CHANNEL WORD FILE
set -eu
channel=$1 word=$2 file=$3
peerpost search "$word" --in "$channel" --after 2020-01-01T00:00:00Z --json
peerpost history export "$channel" >"$file"
peerpost history import "$channel" <"$file" # what is here already is left out
peerpost history keep "$channel" --max-age 90d --max-count 100000
