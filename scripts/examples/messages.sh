#!/bin/sh
# Say something, answer it, change it, take it back; and what is to be said later.
#     messages.sh CHANNEL MEMBER
set -eu
channel=$1 member=$2

alert=$(peerpost send "$channel" "The disk of db1 is full" --title Disk --priority high --tag disk \
    --mention "$member" --wait sent)
answer=$(peerpost reply "$alert" "I am looking at it")
peerpost reply "$answer" "Thank you" --markdown # in the same thread: that of the first message
peerpost react "$alert" 👀
peerpost react "$alert" 👀 --withdraw
peerpost edit "$alert" "The disk of db2 is full"
peerpost delete "$answer"
peerpost log "$channel" --thread "$alert"
peerpost read "$channel"
peerpost status "$alert" --json

# The same key is the same message, however often it is sent.
peerpost send "$channel" "Backup is done" --key backup-monday --expires-in 1h
peerpost send "$channel" "Backup is done" --key backup-monday --expires-in 1h

later=$(peerpost send "$channel" "Still full?" --at "$(date -u -d '+1 hour' +%Y-%m-%dT%H:%M:%SZ)")
peerpost cancel "$later"
