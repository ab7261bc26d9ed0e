#!/bin/bash
# A FlexVolume driver as there are many: ATTACHES says whether it attaches, and the
# calls in REFUSES it does not support. What it is called with is kept in a file.
here=$(dirname "$0")
. "$here/.original.conf"
echo "$*" >>"$here/.calls"
case " $REFUSES " in
  *" $1 "*) echo '{"status": "Not supported"}'; exit 1 ;;
esac
case $1 in
  init)
    echo "{\"status\": \"Success\", \"capabilities\": {\"attach\": $ATTACHES, \"fsGroup\": true}}"
    exit 0
    ;;
  attach | waitforattach) echo '{"status": "Success", "device": "/dev/of-the-original"}'; exit 0 ;;
  mount)
    # A server that takes its time.
    while [ -e "$here/.wait" ]; do sleep 0.05; done
    mount -t tmpfs of-the-original "$2" || exit 1
    ;;
  mountdevice) mount -t tmpfs of-the-original "$2" || exit 1 ;;
  unmount | unmountdevice) umount "$2" || exit 1 ;;
esac
echo '{"status": "Success"}'
