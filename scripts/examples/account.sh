#!/bin/sh
# Begin an account on a daemon with an empty vault, and leave what an empty machine would need.
#     account.sh IDENTITY TOKEN_FILE PASSPHRASE_FILE BACKUP_FILE
# The files are readable by their owner alone. The first one has a token of the relay's operator.
set -eu
identity=$1 token=$2 passphrase=$3 backup=$4
peerpost register "$identity" --token-file "$token" --device laptop
peerpost devices list --json

peerpost backup --passphrase-file "$passphrase" # at the relay
peerpost backup --new-passphrase --passphrase-file "$passphrase"
peerpost backup --show --json
peerpost backup --destroy
peerpost backup --to "$backup" --passphrase-file "$passphrase" # or in a file

peerpost lock
peerpost unlock --passphrase-file "$passphrase"
peerpost health || true # 1: there are findings
peerpost doctor --json || true
