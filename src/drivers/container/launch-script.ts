import { limits } from "#/base/limits.ts";
import { giveScript } from "./container-volumes.ts";
import { instanceMark } from "./instance-mark.ts";
import { quoted } from "../instances/quoted.ts";
import { layersScript, rootMount, type RootParts } from "./root-script.ts";
import { metadataLink, mountScript, rightsScript, sysMount } from "./supervisor-script.ts";
import type { PreparedNetwork } from "../instance-driver.ts";
import type { VolumeDevice } from "./volume-device.ts";

/**
 * What a supervisor does for a container: see supervisor-script.ts. All that it mounts is gone when the last process in its namespace
 * has ended, however that was. It outlives the agent, which sees by its files what has come of it:
 *
 * - `pid`: the container's first process, as the machine sees it;
 * - `console.0` and `console.1`: what was printed, the older and the newer half of a ring;
 * - `exit`: the code with which the container ended, written last;
 * - `again`, written by the agent: when the container ends, it begins anew.
 *
 * Nothing of it is given a file of the machine as its input or output: crun makes those the container's own.
 */
export interface Launch extends RootParts {
  name: string;
  kind: "container" | "system";
  /** Where its private mounts are; its root is in there as `root`, the /sys of its network as `sys`. */
  place: string;
  /** By name, in `place`. */
  etc: Readonly<Record<string, string>>;
  /** Files of cloud-init, in `place` too. */
  seed: Readonly<Record<string, Buffer>>;
  network: PreparedNetwork;
  isMapped: boolean;
  volumes: readonly VolumeDevice[];
  /** In the environment of all that is started here. */
  mark: string;
  /** Of its control group. */
  entrances: readonly string[];
}

export function launchScript(launch: Launch): string {
  const { place, isMapped, network } = launch;
  const owner = isMapped ? limits.containerOwnerBase : 0;
  return `umask 022
trap : TERM INT HUP
export ${instanceMark}=${quoted(launch.mark)}
entrances=${quoted(launch.entrances.join(" "))}
for entrance in $entrances; do echo 0 >$entrance || exit 1; done
${network.type === "user" ? ownNetwork(network.metadataSocket, place) : rightsScript}
${layersScript(launch)}
${mountScript(place, mountsOf(launch))}
${launch.volumes.map((device) => `{ ${giveScript(place, device)}; } || exit 1`).join("\n")}
${Object.entries(launch.etc)
  .map(([name, text]) => `printf %s ${quoted(text)} >${quoted(`${place}/${name}`)}`)
  .join("\n")}
${Object.entries(launch.seed)
  .map(([name, content]) => {
    const at = quoted(`${place}/${name}`);
    return `printf %s ${quoted(content.toString("base64"))} | base64 -d >${at}; chown ${owner}:${owner} ${at}`;
  })
  .join("\n")}
ulimit -Sn ${limits.containerOpenFiles}
ring() {
  while stdbuf -o0 head -c ${limits.consoleBytesMax} >console.1; do
    [ "$(stat -c %s console.1)" = ${limits.consoleBytesMax} ] || break
    mv console.1 console.0
  done
}
${launch.kind === "system" ? delegation(launch, owner) : ""}
begin() { ${beginning(launch)}; }
life() {
  while :; do
    begin
    code=$?
    [ -e again ] || ${launch.kind === "system" ? `[ "$code" = ${endedByReboot} ] || ` : ""}break
    rm -rf again pid crun
  done
  echo "$code" >code
}
${network.type === "user" ? moveBeside : ""}
life 2>&1 | ring
${network.type === "user" ? "kill -KILL $mover $beside 2>/dev/null; beside=" : ""}
${launch.kind === "system" ? "take_back 2>/dev/null" : ""}
mv code exit
exit
`;
}

/** The signal that the kernel ends an init with that has asked for a reboot, or to be switched off: reboot(2). */
const endedByReboot = 128 + 1;
export const endedByPowerOff = 128 + 2;

/** An init talks to a terminal, and nobody ever types there. */
function beginning({ kind, name }: Launch): string {
  const run = `crun --root=crun --cgroup-manager=disabled --log=run.log run --bundle=. --pid-file=pid ${quoted(name)}`;
  return kind === "container"
    ? `: | ${run}`
    : `{ [ -p typed ] || mkfifo typed; } && script -qefc ${quoted(run)} /dev/null <>typed`;
}

/**
 * An init makes control groups of its own, below one that belongs to it. In version 1 that is one of the tree that bounds nothing; in
 * version 2 it is below the one that bounds all of this, where no other process may be.
 */
function delegation({ name }: Launch, owner: number): string {
  return `tree=/sys/fs/cgroup/systemd own=
if [ -e $tree/cgroup.procs ]; then
  own=$tree/canopy/${quoted(name)}
  mkdir -p $own && chown -R ${owner}:${owner} $own && echo $$ >$own/cgroup.procs
elif [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  tree=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
  own=$tree/own
  mkdir -p $own && chown ${owner}:${owner} $own $own/cgroup.procs $own/cgroup.subtree_control $own/cgroup.threads
  echo $$ >$own/cgroup.procs
fi
take_back() {
  echo $$ >$tree/cgroup.procs
  for try in 1 2 3 4 5; do
    find $own -depth -type d -exec rmdir {} +
    [ -e $own ] || break
    sleep 0.05
  done
}`;
}

const escaped = (path: string) => path.replaceAll("\\", "\\134").replaceAll(" ", "\\040");

/** The file systems that only this container has. */
function mountsOf(launch: Launch): string[] {
  const { place, network } = launch;
  const [source, type, options] = rootMount(launch);
  const root = `${escaped(source)} ${place}/root ${type} ${options}`;
  return network.type === "user" ? [root] : [sysMount(place), root];
}

/** What was made for any container becomes this one's. */
function ownNetwork(metadataSocket: string, place: string): string {
  return `[ -e /proc/$way/exe ] || { echo "its way out has ended" >&2; exit 1; }
ln -sfn ${quoted(metadataSocket)} ${place}/${metadataLink} &
link=$!`;
}

/** To put others into a control group waits for all that is started meanwhile: it is done when the container has begun, then also with what they have started. */
const moveBeside = `wait $link || exit 1
enter() {
  for one in "$@"; do for entrance in $entrances; do echo $one >$entrance; done; done
}
{
  sleep ${limits.supervisorsMoveMs / 1000}
  enter $beside
  for one in $beside; do enter $(cat /proc/$one/task/*/children); done
} 2>/dev/null &
mover=$!`;
