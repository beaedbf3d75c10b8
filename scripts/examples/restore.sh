#!/bin/sh
# Be the account of a backup again, on a daemon with an empty vault.
#     restore.sh BACKUP_FILE PASSPHRASE_FILE
# Where the old machine still runs, the relay takes it off: a card has one holder.
set -eu
peerpost restore --from "$1" --passphrase-file "$2"
peerpost call account.show
