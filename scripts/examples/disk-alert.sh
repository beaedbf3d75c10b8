#!/bin/sh
# Tell a channel when the disk of a folder is fuller than a percentage; for cron.
#     disk-alert.sh CHANNEL [FOLDER] [PERCENT]
set -eu
channel=$1 folder=${2:-/} most=${3:-90}
used=$(df -P "$folder" | awk 'NR == 2 { sub("%", "", $5); print $5 }')
[ "$used" -lt "$most" ] && exit 0
# One message an hour for a folder, however often cron calls.
peerpost send "$channel" "the disk of $folder is $used % full" --key "disk-$folder-$(date -u +%Y%m%d%H)"
