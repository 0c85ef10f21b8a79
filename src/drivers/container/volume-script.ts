import { quoted } from "../instances/quoted.ts";

/**
 * Shows a volume as a loop device, and stays until SIGTERM. It runs in a mount namespace of its own, from where the device has
 * its file. `device` tells, when all is there: this process, when it started, the device, its name, and what file system is on it.
 */
export function volumeScript(
  folder: string,
  name: string,
  node: string,
  words: readonly string[],
): string {
  return `cd ${quoted(folder)} || exit 1
umask 077
: >raw
loop=
end() {
  [ -z "$loop" ] || losetup -d "$loop"
  loop=
  kill "$daemon" 2>/dev/null
}
trap end TERM
qemu-storage-daemon --chardev socket,id=monitor,path=qmp,server=on,wait=off --monitor chardev=monitor \\
  ${words.map(quoted).join(" ")} \\
  --export type=fuse,id=export,node-name=${quoted(node)},mountpoint=raw,writable=on &
daemon=$!
while [ "$(stat -c %s raw)" = 0 ]; do
  kill -0 $daemon || exit 1
  sleep 0.01
done
loop=$(losetup --find --show raw) || { end; exit 1; }
read -r stat </proc/$$/stat
set -- \${stat##*) }
echo "$$ \${20} $loop ${name} $(blkid -p -s TYPE -o value "$loop")" >device.aside
mv device.aside device
wait $daemon
wait $daemon
end
`;
}
