import { limits } from "#/base/limits.ts";
import { giveScript, volumesFolder } from "./container-volumes.ts";
import type { VolumeDevice } from "./volume-device.ts";
import { layersScript, rootMount, type RootParts } from "./root-script.ts";
import { quoted } from "./quoted.ts";
import type { PreparedNetwork } from "../instance-driver.ts";

/**
 * What starts a container and stays beside it: a shell in a mount namespace of its own, so that all that it mounts is gone when
 * the last process in there has ended, however that was. It outlives the agent, which sees by its files what has come of it:
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
  /** The machine's own addresses: not to be reached by a network that goes out through it. */
  addresses: readonly string[];
  isMapped: boolean;
  volumes: readonly VolumeDevice[];
  /** The machine has control groups of both versions. */
  hidesUnified: boolean;
}

export function launchScript(launch: Launch): string {
  const { folder, place, isMapped } = launch;
  const owner = isMapped ? limits.containerOwnerBase : 0;
  return `umask 022
cd ${quoted(folder)} || exit 1
trap : TERM INT HUP
${networkPart(launch)}
${layersScript(launch)}
mount -a -T fstab || exit 1
${launch.volumes.map((device) => `{ ${giveScript(place, device)}; } || exit 1`).join("\n")}
${Object.entries(launch.etc)
  .map(([name, text]) => `printf %s ${quoted(text)} >${quoted(`${place}/${name}`)}`)
  .join("\n")}
${Object.entries(launch.seed)
  .map(
    ([name, content]) =>
      `printf %s ${quoted(content.toString("base64"))} | base64 -d >${quoted(`${place}/${name}`)}`,
  )
  .join("\n")}
chown ${owner}:${owner} ${Object.keys({ ...launch.etc, ...launch.seed })
    .map((name) => quoted(`${place}/${name}`))
    .join(" ")} &
${networkWait(launch)}
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
life 2>&1 | ring
${launch.network.type === "user" ? "kill $beside" : ""}
${launch.kind === "system" ? "take_back 2>/dev/null" : ""}
mv code exit
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

/** Of the file systems that are mounted first, for mount(8). */
export function launchMounts(launch: Launch): string {
  const { place, hidesUnified } = launch;
  const line = (source: string, at: string, type: string, options: string) =>
    `${escaped(source)} ${escaped(at)} ${type} ${options} 0 0\n`;
  const [rootSource, rootType, rootOptions] = rootMount(launch);
  return (
    line("tmpfs", place, "tmpfs", "mode=755,size=1m") +
    // crun does not take an empty tree of version 2 beside those of version 1.
    (hidesUnified ? line("tmpfs", unifiedTree, "tmpfs", "ro,size=4k") : "") +
    line(
      "tmpfs",
      `${place}/${volumesFolder}`,
      "tmpfs",
      "X-mount.mkdir,mode=755,size=64k,noexec,nosuid,shared",
    ) +
    line("sysfs", `${place}/sys`, "sysfs", "X-mount.mkdir") +
    line(rootSource, `${place}/root`, rootType, rootOptions)
  );
}

const escaped = (path: string) => path.replaceAll("\\", "\\134").replaceAll(" ", "\\040");

export const unifiedTree = "/sys/fs/cgroup/unified";

const metadataAddress = "169.254.169.254";
const metadataPort = 65_080;

function networkPart({ network, addresses }: Launch): string {
  // Whoever is root in there is not in the eyes of a namespace that the machine has made.
  const rights = `echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range`;
  // Of a namespace the network's own side answers at the address of metadata.
  if (network.type === "namespace") return rights;
  const isLong = Buffer.byteLength(network.metadataSocket) > socketPathBytesMax;
  const path = isLong ? "metadata" : network.metadataSocket;
  const to = quoted(`UNIX-CONNECT:${path}`);
  // A server in there that takes port 80 of all addresses must get it.
  const metadata = `(
  ${isLong ? `ln -sfn ${quoted(network.metadataSocket)} metadata` : ":"}
  port=${metadataPort}
  nft -f - <<. || port=80
table ip canopy_metadata
delete table ip canopy_metadata
table ip canopy_metadata {
  chain output {
    type nat hook output priority -100
    ip daddr ${metadataAddress} tcp dport 80 dnat to ${metadataAddress}:${metadataPort}
  }
}
.
  exec socat TCP4-LISTEN:$port,bind=${metadataAddress},reuseaddr,fork,backlog=64 ${to}
) >beside.log 2>&1 &
beside="$beside $!"`;
  // It has no way out by IPv6; a line that cannot be done would end all of them.
  const own = addresses.filter((address) => !address.includes(":"));
  const closed = ["169.254.0.0/16", ...own.map((address) => `${address}/32`)];
  return `mkfifo ready
exec 8<>ready
(
  nsenter --net=/proc/self/fd/9 slirp4netns --configure --mtu=65520 --disable-host-loopback --enable-sandbox \\
    --enable-seccomp --ready-fd=8 --api-socket=slirp $$ tap0
  echo 0 >&8
) >slirp.log 2>&1 &
beside=$!
${rights}
ip -batch - <<. || exit 1
address replace ${metadataAddress}/32 dev lo
${closed.map((range) => `route replace unreachable ${range}`).join("\n")}
.
${metadata}`;
}

/** Its way out takes longest to be made: all else is done beside that. */
function networkWait({ network }: Launch): string {
  if (network.type === "namespace") return "";
  return `[ "$(head -c 1 <&8)" = 1 ] || exit 1
exec 8>&- 9>&-`;
}

/** The words that start it, in the namespaces that it needs. */
export function launchCommand({ network }: Pick<Launch, "network">, script: string): string[] {
  const inside = ["unshare", "--mount", "--propagation=slave"];
  if (network.type === "namespace") {
    const { namespace = "" } = network;
    const path = namespace.includes("/") ? namespace : `/run/netns/${namespace}`;
    return ["nsenter", `--net=${path}`, ...inside, "sh", script];
  }
  // Its way out stays where it was.
  const own = 'exec 9</proc/self/ns/net && exec "$@"';
  return ["sh", "-c", own, "sh", ...inside, "--net", "sh", script];
}

/** What the kernel takes as the path of a Unix socket, less the byte that ends it. */
const socketPathBytesMax = 107;
