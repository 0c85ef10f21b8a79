import { createHash } from "node:crypto";
import type { Processes } from "#/base/processes.ts";
import type { PreparedDisk } from "../instance-driver.ts";
import { HostingError } from "../instances/hosting-error.ts";
import type { Jail } from "./machine.ts";
import { runScript } from "./shell.ts";

/**
 * The only files that a guest's QEMU sees once it runs: an empty root folder with its volumes in it, at the paths that they
 * have outside, so that a path means the same before and after the jail closes. A volume is linked into it, or bound where
 * it is on another disk. All belong to a user that no other guest has.
 */
export function jailOf(folder: string, instance: string): Jail {
  const number = createHash("sha256").update(instance).digest().readUInt32BE(0);
  return { root: `${folder}/jail`, user: firstUser + (number % users) };
}

/** Far from those of people and services, and from those that user namespaces are given. */
const firstUser = 0x40000000;
const users = 0x20000000;

/** $root and $user, and what is left are files. */
const begin = "root=$1 user=$2; shift 2; umask 022\n";

const raze = `
if [ -d "$root" ]; then
  while read -r _ at _; do
    case $at in "$root"/*) umount "$at" ;; esac
  done < /proc/mounts
  rm -rf --one-file-system "$root"
fi
`;

const build = `
set -e
mkdir -p "$root/passage"
chown "$user:$user" "$root/passage"
chmod 0700 "$root/passage"
`;

const admit = `
set -e
for file; do
  inside=$root$file
  mkdir -p "\${inside%/*}"
  [ "$file" -ef "$inside" ] && continue
  rm -f "$inside"
  chown "$user:$user" "$file"
  chmod 0600 "$file"
  ln "$file" "$inside" 2>/dev/null || { : > "$inside"; mount --bind "$file" "$inside"; }
done
`;

/** What volumes stand on belongs to nobody, and is changed by nobody. */
const show = `
set -e
for file; do
  inside=$root$file
  mkdir -p "\${inside%/*}"
  [ "$file" -ef "$inside" ] && continue
  rm -f "$inside"
  chmod 0444 "$file"
  ln "$file" "$inside" 2>/dev/null || { : > "$inside"; mount --bind -o ro "$file" "$inside"; }
done
`;

const expel = `
for file; do
  umount "$root$file" 2>/dev/null
  rm -f "$root$file"
done
`;

type Shell = Pick<Processes, "spawn">;

/** Makes it anew, with these disks in it. Throws HostingError. */
export async function buildJail(
  shell: Shell,
  jail: Jail,
  disks: readonly PreparedDisk[],
): Promise<void> {
  await must(shell, begin + raze + build, jail, []);
  await admitToJail(shell, jail, disks);
}

/** Lets it see these too. Throws HostingError. */
export async function admitToJail(
  shell: Shell,
  jail: Jail,
  disks: readonly PreparedDisk[],
): Promise<void> {
  const bases = disks.flatMap(({ below }) => below ?? []);
  if (bases.length > 0) await must(shell, begin + show, jail, bases);
  if (disks.length > 0)
    await must(
      shell,
      begin + admit,
      jail,
      disks.map(({ path }) => path),
    );
}

/** A file in it that was made from outside. */
export async function giveToJail(shell: Shell, jail: Jail, file: string): Promise<void> {
  await must(shell, `${begin}chown "$user:$user" "$1"; chmod 0600 "$1"`, jail, [file]);
}

export async function expelFromJail(
  shell: Shell,
  jail: Jail,
  files: readonly string[],
): Promise<void> {
  await runScript(shell, begin + expel, jail.root, String(jail.user), ...files);
}

/** Nothing of it stays; what it showed does. */
export async function razeJail(shell: Shell, jail: Jail): Promise<void> {
  await runScript(shell, begin + raze, jail.root, String(jail.user));
}

async function must(
  shell: Shell,
  script: string,
  { root, user }: Jail,
  files: readonly string[],
): Promise<void> {
  const { code, errors } = await runScript(shell, script, root, String(user), ...files);
  if (code === 0) return;
  throw new HostingError(
    "Server.InternalError",
    `Cannot make a root folder of its own for a guest: ${errors.trim()}`,
  );
}
