#!/bin/sh
# Restores a disk image that save.sh has kept as a block file, and checks it to the last bit:
#   restore.sh s3://BUCKET/KEY IMAGE
# It can be mounted (mount -o loop,ro IMAGE /mnt), given to a virtual machine, or read with debugfs.
set -eu
object=$1 image=$2
canopy=${CANOPY:-canopy}
$canopy objects cp "$object" "$image.zst"
zstd -q -d -f --sparse --rm "$image.zst" -o "$image"
wanted=$($canopy objects cat "$object.sha256")
found=$(sha256sum < "$image" | cut -d' ' -f1)
[ "$wanted" = "$found" ] || { echo "the image is $found, not $wanted" >&2; exit 1; }
/usr/sbin/e2fsck -fn "$image" > /dev/null 2>&1 || { echo "the image's file system is damaged" >&2; exit 1; }
echo "$image is as it was saved: $found"
