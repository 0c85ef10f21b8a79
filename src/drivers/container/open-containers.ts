import { join } from "node:path";
import type { InstanceDriver, InstanceDriverParts } from "../instance-driver.ts";
import { runCommand } from "../instances/command.ts";
import { containerDriver } from "./container.ts";

/** What this machine can do for containers. */
export interface Containers {
  /** Undefined where none can be started. */
  driver: InstanceDriver | undefined;
  /** What is missing for more, for people. */
  missing: string[];
}

/** Programs, and the Debian packages that bring them: those that every container needs, and those for more. */
const needed = {
  crun: "crun",
  unshare: "util-linux",
  ip: "iproute2",
  socat: "socat",
  setpriv: "util-linux",
};
const wanted = {
  slirp4netns: ["slirp4netns", "containers with ways out where they have no namespace"],
  nft: ["nftables", "containers that serve port 80 beside their metadata"],
  "qemu-storage-daemon": ["qemu-system-common", "volumes of containers"],
  losetup: ["mount", "volumes of containers"],
  blkid: ["util-linux", "volumes of containers"],
} as const;

/** Tries what cannot be known else: each line that comes of it is something that does not work. */
const trial = `[ "$(id -u)" = 0 ] || echo root
for name in ${[...Object.keys(needed), ...Object.keys(wanted)].join(" ")}; do
  command -v $name >/dev/null || echo $name
done
mkdir -p "$1/lower" "$1/upper" "$1/work" "$1/root"
unshare --mount true || echo mounts
unshare --user true || echo users
setpriv --pdeathsig KILL true || echo setpriv
cd "$1" && unshare --mount mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work root || echo overlay
[ -e /dev/fuse ] && [ -e /dev/loop-control ] || echo disks`;

/** Looks at the machine, and opens its containers. */
export async function openContainers(parts: InstanceDriverParts): Promise<Containers> {
  const { canStart, missing, usesOverlay } = await lookForContainers(
    parts,
    join(parts.folder, "trial"),
  );
  return { driver: canStart ? containerDriver(parts, { usesOverlay }) : undefined, missing };
}

/** What this machine lacks for containers; `folder` is made for that, and goes again. */
export async function lookForContainers(
  parts: Pick<InstanceDriverParts, "processes" | "files">,
  folder: string,
): Promise<{ canStart: boolean; missing: string[]; usesOverlay: boolean }> {
  const { output } = await runCommand(parts.processes, ["sh", "-c", trial, "sh", folder]);
  await parts.files.remove(folder);
  const absent = new Set(output.split("\n").filter(Boolean));
  const why: string[] = [];
  if (absent.has("root")) why.push("root: the agent may start no containers without");
  for (const [name, from] of Object.entries(needed))
    if (absent.has(name)) why.push(`${name}, for containers (apt-get install ${from})`);
  if (absent.has("mounts"))
    why.push(
      "mount namespaces, for containers: the kernel or what is around the agent refuses them",
    );
  if (absent.has("users"))
    why.push(
      "user namespaces, for containers: the kernel or what is around the agent refuses them",
    );
  const missing = [...why];
  for (const [name, [from, what]] of Object.entries(wanted))
    if (absent.has(name)) missing.push(`${name}, for ${what} (apt-get install ${from})`);
  if (absent.has("overlay"))
    missing.push("overlayfs: each container has a copy of its whole image, and starts slowly");
  if (absent.has("disks"))
    missing.push("/dev/fuse and /dev/loop-control, for volumes of containers");
  return { canStart: why.length === 0, missing, usesOverlay: !absent.has("overlay") };
}
