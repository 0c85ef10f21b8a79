#!/bin/sh
# Makes a disk image of a folder and keeps it, compressed, as an object:
#   save.sh FOLDER s3://BUCKET/KEY [SIZE]
# Nothing of it is written to this computer's disk but the image itself, which is sparse.
set -eu
folder=$1 object=$2 size=${3:-512M}
canopy=${CANOPY:-canopy}
image=$(mktemp)
trap 'rm -f "$image"' EXIT
truncate -s "$size" "$image"
/usr/sbin/mkfs.ext4 -q -F -d "$folder" -L lecture "$image"
sha256sum < "$image" | cut -d' ' -f1 | $canopy objects cp - "$object.sha256" --progress quiet
zstd -q -3 -c "$image" | $canopy objects cp - "$object" --content-type application/zstd
