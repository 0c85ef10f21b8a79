import { agentMark, agentMarkDigits } from "#/model/agent-mark.ts";

/**
 * What is run on hosts, for any POSIX shell on Linux. All of it is under ~/.canopy/CLOUD:
 *   programs/DIGEST/agent.js …   the agent
 *   node-VERSION                 Node, where the host has none
 *   machines/SITE/HOST/ORDER/    one machine; HOST is in it as homes may be shared by many hosts
 * "launched" in a machine's folder holds its agent's process id and start time: it is made by that very
 * process before it becomes the agent, and only if it is not there, so that one agent starts at most.
 */
export interface RemotePlace {
  readonly cloudId: string;
  readonly site: string;
  readonly host: string;
}

export interface RemoteStart {
  readonly order: string;
  readonly digest: string;
  /** Where it is on the host; what was copied there when undefined. */
  readonly node: string | undefined;
  readonly nodeVersion: string;
  readonly urls: readonly string[];
  readonly token: string;
  readonly milliCpus: number;
  readonly memoryBytes: number;
}

/** Says that the host has no agent to start. */
export const noProgramExit = 69;

/** One word for a shell, whatever it holds. */
export function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function prelude({ cloudId, site, host }: RemotePlace): string {
  const own = host.replaceAll(/[^A-Za-z0-9.-]/g, "_");
  return `set -u
base="$HOME/.canopy/${cloudId}"
machines="$base/machines/${site}/${own}"
started() { line=$(sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null) || return 0; set -- $line; [ "$1" = Z ] || echo "\${20}"; }
alive() { pid=; at=; read -r pid at 2>/dev/null <"$1/launched"; [ -n "$at" ] && [ "$(started "$pid")" = "$at" ]; }
`;
}

/** Prints what the host is, then each machine that it holds. */
export function lookScript(place: RemotePlace, program: { digest: string; nodeVersion: string }) {
  return `${prelude(place)}
node=-
for found in "$base/node-${program.nodeVersion}" "$(command -v node)"; do
  major=$(LD_LIBRARY_PATH="$base/programs/${program.digest}/lib" "$found" -p 'process.versions.node.split(".")[0]' 2>/dev/null) || continue
  [ "$major" -ge 26 ] && node=$found && break
done
[ -f "$base/programs/${program.digest}/agent.js" ] && has=yes || has=no
echo "host $(uname -s) $(uname -m) $(getconf _NPROCESSORS_ONLN) $(awk '/^MemTotal:/ { print $2 }' /proc/meminfo) $has $node"
for folder in "$machines"/*/; do
  [ -d "$folder" ] || continue
  state=ended
  if alive "$folder"; then [ -f "$folder/identity.json" ] && state=running || state=booting
  elif [ ! -f "$folder/launched" ]; then state=booting; pid=0; fi
  [ "$state" = ended ] && words=$(tail -n 1 "$folder/agent.log" 2>/dev/null | cut -c 1-500) || words=
  echo "machine $(basename "$folder") $state \${pid:-0} $(stat -c %Y "$folder/made" 2>/dev/null || echo 0) $words"
done
`;
}

/** Unpacks the agent from standard input. The machine's folder keeps a release elsewhere from removing it again. */
export function agentCommand(place: RemotePlace, order: string, digest: string): string {
  const unpack = `${prelude(place)}set -e
mkdir -p "$machines/${order}" "$base/programs"
aside=$(mktemp -d "$base/programs/aside-XXXXXX")
tar -xzf - -C "$aside"
[ -d "$base/programs/${digest}" ] || mv "$aside" "$base/programs/${digest}"
rm -rf "$aside"
`;
  return `exec sh -c ${quoted(unpack)}`;
}

/** Unpacks Node from standard input. */
export function nodeCommand(place: RemotePlace, order: string, version: string): string {
  const unpack = `${prelude(place)}set -e
mkdir -p "$machines/${order}"
aside=$(mktemp "$base/aside-XXXXXX")
gunzip -c > "$aside"
chmod 755 "$aside"
mv "$aside" "$base/node-${version}"
`;
  return `exec sh -c ${quoted(unpack)}`;
}

/** Starts the agent of an order unless it was started before, and prints its process id. */
export function startScript(place: RemotePlace, start: RemoteStart): string {
  const { order, digest, node, nodeVersion, urls, token, milliCpus, memoryBytes } = start;
  const agent = `"$CANOPY_NODE" "$CANOPY_PROGRAM/agent.js" --url ${quoted(urls.join(","))} --folder "$CANOPY_FOLDER" --cpus ${milliCpus / 1000} --memory ${memoryBytes}`;
  const launch = `set -C
at=$(sed "s/^.*) //" /proc/$$/stat | cut -d" " -f20)
echo "$$ $at" 2>/dev/null > "$CANOPY_FOLDER/launched" || exit 0
exec ${agent}`;
  return `${prelude(place)}
folder="$machines/${order}"
mkdir -p "$folder"
chmod 700 "$HOME/.canopy" "$base" "$folder"
[ -f "$folder/made" ] || : > "$folder/made"
if [ ! -f "$folder/launched" ]; then
  [ -f "$base/programs/${digest}/agent.js" ] || exit ${noProgramExit}
  export CANOPY_NODE=${node === undefined ? `"$base/node-${nodeVersion}"` : quoted(node)} CANOPY_PROGRAM="$base/programs/${digest}" CANOPY_FOLDER="$folder"
  export CANOPY_JOIN_TOKEN=${quoted(token)}
  "$CANOPY_NODE" --version >/dev/null 2>&1 || export LD_LIBRARY_PATH="$CANOPY_PROGRAM/lib"
  cd /
  setsid nohup sh -c ${quoted(launch)} </dev/null >>"$folder/agent.log" 2>&1 &
  left=100
  until [ -s "$folder/launched" ] || [ "$left" -eq 0 ]; do left=$((left - 1)); sleep 0.05; done
fi
read -r pid at <"$folder/launched" && echo "$pid"
`;
}

/**
 * Ends the agent of an order and removes its folder; with the last machine, all that was copied. What an agent that had
 * to be killed leaves behind are its tasks: they carry its mark, and are in cages of that name where it may make some.
 */
export function releaseScript(place: RemotePlace, order: string, endMs: number): string {
  return `${prelude(place)}
folder="$machines/${order}"
left=${Math.ceil(endMs / 100)}
if alive "$folder"; then
  kill -TERM "$pid"
  while alive "$folder"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || kill -KILL "$pid"
    sleep 0.1
  done
fi
mark=canopy-$(printf %s "$folder" | sha256sum | cut -c 1-${agentMarkDigits})
for cage in $(find /sys/fs/cgroup -depth -type d -path "*/$mark*" 2>/dev/null); do
  for pid in $(cat "$cage/cgroup.procs" 2>/dev/null); do kill -KILL "$pid"; done
done
left=50
while [ "$left" -gt 0 ]; do
  tasks=$(grep -lzx "${agentMark}=$mark" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3)
  [ -n "$tasks" ] || break
  kill -KILL $tasks 2>/dev/null
  left=$((left - 1))
  sleep 0.1
done
find /sys/fs/cgroup -depth -type d -path "*/$mark*" -exec rmdir {} + 2>/dev/null
rm -rf "$folder"
rmdir -p "$machines" 2>/dev/null
[ -d "$base/machines" ] || rm -rf "$base"
rmdir "$HOME/.canopy" 2>/dev/null
exit 0
`;
}
