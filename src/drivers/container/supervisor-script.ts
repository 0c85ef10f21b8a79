import { limits } from "#/base/limits.ts";
import { volumesFolder } from "./container-volumes.ts";
import { etcFiles } from "./hosts-file.ts";
import { quoted } from "../instances/quoted.ts";

/** What a supervisor is made for. All of it holds for any container of the machine, and may be made before one is asked for. */
export interface SupervisorParts {
  /** "user": it has a network of its own, with a way out; else the container's is told with its folder. */
  network: "user" | "namespace";
  /** Where its private mounts are. */
  place: string;
  /** The machine's own addresses: not to be reached by a network that goes out through it. */
  addresses: readonly string[];
  /** The machine has control groups of both versions. */
  hidesUnified: boolean;
  isMapped: boolean;
}

/** In its place: slirp4netns's control socket, and a link to the socket of the instance's metadata. */
export const controlSocket = "slirp";
export const metadataLink = "metadata";

/**
 * The words that start a supervisor: a shell in a mount namespace of its own, which makes ready what no container differs in. Then it
 * reads two lines, the folder of a container and the path of its network namespace (empty for its own), and becomes what looks after it: the
 * `launch.sh` there, which finds its helpers' process ids in `way` and `beside`. It ends when there is nothing more to
 * read, as when the agent ended, and what it started ends with it.
 */
export function supervisorCommand(parts: SupervisorParts): string[] {
  const inside = ["unshare", "--mount", "--propagation=slave"];
  const script = ["sh", "-c", supervisorScript(parts)];
  if (parts.network === "namespace") return [...inside, ...script];
  // Its way out stays where it was.
  const own = 'exec 9</proc/self/ns/net && exec "$@"';
  return ["sh", "-c", own, "sh", ...inside, "--net", ...script];
}

function supervisorScript(parts: SupervisorParts): string {
  const { place, network, isMapped } = parts;
  const owner = isMapped ? limits.containerOwnerBase : 0;
  const isOwn = network === "user";
  return `umask 022
trap : TERM INT HUP
mount -t tmpfs -o mode=755,size=1m tmpfs ${place} && cd ${place} || exit 1
${mountScript(place, mountsOf(parts))}
${etcFiles.map((name) => `: >${name}`).join("; ")}
chown ${owner}:${owner} ${etcFiles.join(" ")} &
${isOwn ? networkScript(parts) : ""}
IFS= read -r folder && IFS= read -r namespace || exit 0
exec </dev/null
cd "$folder" && exec >>launch.log 2>&1 || exit 1
${isOwn ? ". ./launch.sh" : `exec nsenter --net="$namespace" sh ./launch.sh`}
`;
}

function mountsOf({ place, hidesUnified, network }: SupervisorParts): string[] {
  const volumes = `tmpfs ${place}/${volumesFolder} tmpfs X-mount.mkdir,mode=755,size=64k,noexec,nosuid,shared`;
  return [
    // crun does not take an empty tree of version 2 beside those of version 1.
    ...(hidesUnified ? [`tmpfs ${unifiedTree} tmpfs ro,size=4k`] : []),
    volumes,
    ...(network === "user" ? [sysMount(place)] : []),
  ];
}

/** Shell that mounts what these lines say, as mount(8) reads them, in one turn. */
export const mountScript = (place: string, lines: readonly string[]) =>
  `printf %s ${quoted(lines.map((line) => `${line} 0 0\n`).join(""))} >${place}/fstab
mount -a -T ${place}/fstab || exit 1`;

/** The /sys of the network that it is mounted in. */
export const sysMount = (place: string) => `sysfs ${place}/sys sysfs X-mount.mkdir`;

export const unifiedTree = "/sys/fs/cgroup/unified";

const metadataAddress = "169.254.169.254";
const metadataPort = 65_080;

/** Whoever is root in there is not in the eyes of a namespace that the machine has made. */
export const rightsScript = `echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range`;

/** Its way out takes longest to be made: all else is done beside that. A server in there that takes port 80 of all addresses must get it. */
function networkScript({ addresses }: SupervisorParts): string {
  // It has no way out by IPv6; a line that cannot be done would end all of them.
  const own = addresses.filter((address) => !address.includes(":"));
  const closed = ["169.254.0.0/16", ...own.map((address) => `${address}/32`)];
  const withIt = "setpriv --pdeathsig KILL";
  return `beside=
trap 'kill -KILL $beside 2>/dev/null' EXIT # who was born a moment ago does not end with this yet, and may lose a milder signal
mkfifo ready
exec 8<>ready
nsenter --net=/proc/self/fd/9 ${withIt} slirp4netns --configure --mtu=65520 --disable-host-loopback --enable-sandbox \\
  --enable-seccomp --ready-fd=8 --api-socket=${controlSocket} $$ tap0 9<&9 >slirp.log 2>&1 &
way=$! beside=$!
exec 7<ready 8>&- 9<&-
${rightsScript}
ip -batch - <<. || exit 1
address replace ${metadataAddress}/32 dev lo
${closed.map((range) => `route replace unreachable ${range}`).join("\n")}
.
port=${metadataPort}
nft -f - 2>beside.log <<. || port=80
table ip canopy_metadata {
  chain output {
    type nat hook output priority -100
    ip daddr ${metadataAddress} tcp dport 80 dnat to ${metadataAddress}:${metadataPort}
  }
}
.
${withIt} socat TCP4-LISTEN:$port,bind=${metadataAddress},reuseaddr,fork,backlog=64 UNIX-CONNECT:${metadataLink} 7<&- >>beside.log 2>&1 &
beside="$way $!"
[ "$(head -c 1 <&7)" = 1 ] || { cat slirp.log >&2; exit 1; }
exec 7<&-`;
}
