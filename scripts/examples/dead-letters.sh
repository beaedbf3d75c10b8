#!/bin/sh
# Run a command for each message of a queue; look at what it failed for, try again, give up.
#     dead-letters.sh CHANNEL COMMAND
# In a service, leave out --count: `peerpost listen` goes on.
set -eu
channel=$1 command=$2
peerpost listen --consumer jobs --channel "$channel" --from start --exec "$command" --max-attempts 1 --count 1 --timeout 30

peerpost consumers show jobs
peerpost consumers dead-letters jobs --json
peerpost consumers requeue jobs --all # for when the command is mended
peerpost listen --consumer jobs --exec "$command" --count 1 --max-attempts 1 --timeout 30
peerpost consumers discard jobs --all
peerpost consumers list --json
peerpost consumers forget jobs
