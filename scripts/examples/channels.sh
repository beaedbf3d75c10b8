#!/bin/sh
# Make a channel with another member, give it roles and rules, and leave it.
#     channels.sh MEMBER
set -eu
member=$1 channel=releases

peerpost channel create "$channel"
peerpost channel add "$channel" "$member" --role reader
peerpost channel role "$channel" "$member" admin
peerpost channel topic "$channel" "What goes out this week"
peerpost channel policy "$channel" --post admin --add admin --expire-after 30d
peerpost channel rename "$channel" shipping
channel=shipping

# A name of its own on this daemon: it stays when somebody renames the channel.
peerpost channel alias "$channel" ship
peerpost channel show ship --json | python3 -c '
import json, sys
for member in json.load(sys.stdin)["members"]:
    print(member["identity"], member["role"])'

# Removed members read nothing that is sent from now on; banned ones are not added again.
peerpost channel remove ship "$member"
peerpost channel ban ship "$member"
peerpost channel unban ship "$member"
peerpost channel leave ship
peerpost channel list --json | python3 -c 'import json, sys; print(len(json.load(sys.stdin)["channels"]), "channels")'
