import type { Jail } from "./machine.ts";

/**
 * The memory of an emulated guest is a file that lives in memory, has no name, and is open in its QEMU: who moves the guest
 * reads it there while the guest runs, and it is gone with its QEMU, however that ends. It counts as QEMU's own. Where nothing
 * may be mounted it is one of /dev/shm, which may be too small.
 */
const backing = `
root=$1 size=$2
shift 2
at=/dev/shm
if [ -n "$root" ] && mkdir -p "$root/memory" &&
  mount -t tmpfs -o "size=$size,mode=0700" tmpfs "$root/memory"
then at=$root/memory; fi
umask 077
name=$(mktemp -u "$at/canopy-XXXXXXXXXX")
exec 8<>"$name" 9<&8
rm "$name"
[ "$at" = /dev/shm ] || umount -l "$at"
exec "$@"
`;

/** In QEMU: the file that is its memory, and the same to be used as a disk. */
const [asMemory, asDisk] = [9, 8];

/** Begins a command that has a file for its memory open. */
export function openMemory(jail: Jail | undefined, memoryBytes: number): string[] {
  return ["/bin/sh", "-c", backing, "sh", jail?.root ?? "", String(memoryBytes)];
}

export function memoryArguments(memoryBytes: number): string[] {
  const file = `mem-path=/proc/self/fd/${asMemory},share=on`;
  return [
    "-object",
    `memory-backend-file,id=${memoryName},size=${memoryBytes},${file}`,
    "-add-fd",
    `fd=${asDisk},set=${asDisk}`,
  ];
}

export const memoryName = "memory";

/** As it is seen from outside: for root, or the user that its QEMU runs as. */
export const memoryPathOf = (pid: number) => `/proc/${pid}/fd/${asMemory}`;

/** The same as a disk of its QEMU's. */
export const memoryNode = {
  driver: "raw",
  "node-name": memoryName,
  discard: "unmap",
  file: {
    driver: "file",
    filename: `/dev/fdset/${asDisk}`,
    locking: "off",
    discard: "unmap",
  },
};
