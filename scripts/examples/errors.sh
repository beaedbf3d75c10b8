#!/bin/sh
# Send, and tell by the exit code what to do about it.
#     errors.sh CHANNEL TEXT
set -u
code=0
said=$(peerpost send "$1" "$2" --wait sent --timeout 10 --json 2>&1) || code=$?
case $code in
    0) echo "sent" ;;
    2) echo "mend the call: $said" ;;
    3) echo "start the daemon, then try again" ;;
    4) echo "unlock the vault, then try again" ;;
    5) echo "it is in the outbox and leaves once it can: do not send it again" ;;
    6) echo "ask for permission: $said" ;;
    *) # 1, and whatever a later version adds: `kind` says more
        printf 'failed: %s\n' "$(printf '%s' "$said" | python3 -c 'import json, sys; print(json.load(sys.stdin)["kind"])')"
        ;;
esac
exit "$code"
