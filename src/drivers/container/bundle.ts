import { limits } from "#/base/limits.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { ImageRun } from "#/model/image.ts";
import { HostingError } from "../instances/hosting-error.ts";
import { systemPath } from "../instances/command.ts";
import { seedFolder } from "./cloud-init-seed.ts";
import { type Account, accountOf } from "./accounts.ts";
import { etcFiles } from "./hosts-file.ts";
import { seccompFor } from "./seccomp.ts";
import type { Layer } from "../instances/layers.ts";
import type { VolumeDevice } from "./volume-device.ts";

interface BundleMount {
  destination: string;
  type: string;
  source: string;
  options: readonly string[];
}

export interface BundleParts {
  order: InstanceOrder;
  layers: readonly Layer[];
  /** Where its root is, and the /sys of its network namespace. */
  root: string;
  sys: string;
  /** Its own /etc/hosts, /etc/resolv.conf and /etc/hostname are in this folder. */
  etc: string;
  /** Files of cloud-init, in the same folder. */
  seed: readonly string[];
  /** What is to be in its /volumes. */
  volumes: { source: string; devices: readonly VolumeDevice[] };
  /** Its root is nobody on the machine. */
  isMapped: boolean;
}

/** Docker's default (https://docs.docker.com/engine/security/#linux-kernel-capabilities). */
const capabilities = (
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE NET_RAW SETFCAP SETGID SETPCAP SETUID " +
  "SYS_CHROOT"
).split(" ");

/** What an init needs beside, in a user namespace of its own: to mount, and to end its own machine. */
const initCapabilities =
  "DAC_READ_SEARCH IPC_LOCK IPC_OWNER LEASE LINUX_IMMUTABLE NET_ADMIN SYS_ADMIN SYS_BOOT SYS_NICE SYS_PTRACE SYS_RESOURCE SYS_TTY_CONFIG".split(
    " ",
  );

const maskedPaths = (
  "/proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi " +
  "/proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware"
).split(" ");

const readonlyPaths = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split(" ");

/**
 * The config of an OCI bundle (https://github.com/opencontainers/runtime-spec/blob/main/config.md). Memory, processors and
 * processes are bounded around all of it, and its network namespace is the one that it is started in.
 */
export function bundleOf(parts: BundleParts): object {
  const { order, isMapped } = parts;
  const isSystem = order.kind === "system";
  const run = runOf(order);
  const account = isSystem ? rootAccount : accountOf(run.user, parts.layers);
  const caps = [...capabilities, ...(isSystem && isMapped ? initCapabilities : [])]
    .filter((name) => isMapped || name !== "MKNOD")
    .map((name) => `CAP_${name}`);
  const sets = account.uid === 0 ? { effective: caps, permitted: caps } : {};
  const mapping = [
    { containerID: 0, hostID: limits.containerOwnerBase, size: limits.containerOwnersMax },
  ];
  return {
    ociVersion: "1.0.0",
    process: {
      terminal: isSystem,
      user: { uid: account.uid, gid: account.gid, additionalGids: account.groups },
      args: argsOf(order, run),
      env: envOf(order, run, account),
      cwd: run.folder || "/",
      capabilities: { bounding: caps, ...sets },
      noNewPrivileges: !isSystem,
    },
    root: { path: parts.root, readonly: false },
    hostname: order.network.hostname || order.instance,
    mounts: [...mountsOf(parts, isSystem), ...seedMounts(parts), ...volumeMounts(parts)],
    linux: {
      // What comes to /volumes later comes in.
      rootfsPropagation: "rslave",
      namespaces: ["pid", "ipc", "uts", "mount", "cgroup", ...(isMapped ? ["user"] : [])].map(
        (type) => ({ type }),
      ),
      ...(isMapped ? { uidMappings: mapping, gidMappings: mapping } : {}),
      seccomp: seccompFor(isSystem && isMapped ? "system" : "container"),
      maskedPaths: isSystem
        ? maskedPaths.filter((path) => path !== "/proc/interrupts")
        : maskedPaths,
      readonlyPaths: isSystem ? [] : readonlyPaths,
    },
  };
}

const rootAccount: Account = { uid: 0, gid: 0, groups: [], home: "/root" };

const nothingSaid: ImageRun = {
  entrypoint: [],
  command: [],
  env: [],
  folder: "/",
  user: "",
  ports: [],
  stopSignal: "",
};

export function runOf({ root }: InstanceOrder): ImageRun {
  return root.type === "files" ? { ...nothingSaid, ...root.run } : nothingSaid;
}

function argsOf({ kind }: InstanceOrder, run: ImageRun): string[] {
  const args = [...run.entrypoint, ...run.command];
  if (args.length > 0) return args;
  if (kind === "system") return ["/sbin/init"];
  throw new HostingError(
    "Client.InvalidImage",
    "Cannot start the image as a container as it must have an entrypoint or a command: it has neither",
  );
}

function envOf(
  { kind, network, instance }: InstanceOrder,
  run: ImageRun,
  account: Account,
): string[] {
  const names = new Set(run.env.map((entry) => entry.split("=")[0]));
  const own = {
    PATH: systemPath,
    HOSTNAME: network.hostname || instance,
    HOME: account.home,
    // By which an init knows that it has no hardware to look after (https://systemd.io/CONTAINER_INTERFACE/).
    ...(kind === "system" ? { container: "oci", TERM: "linux" } : {}),
  };
  const given = Object.entries(own).filter(([name]) => !names.has(name));
  return [...given.map(([name, value]) => `${name}=${value}`), ...run.env];
}

function seedMounts({ seed, etc }: BundleParts): BundleMount[] {
  return seed.map((name) => ({
    destination: `${seedFolder}/${name}`,
    type: "bind",
    source: `${etc}/${name}`,
    options: ["bind", "ro", "nosuid", "noexec", "nodev"],
  }));
}

function volumeMounts({ volumes }: BundleParts): BundleMount[] {
  const all = { destination: "/volumes", type: "bind", source: volumes.source };
  return [
    { ...all, options: ["bind", "rslave", "nosuid"] },
    // As programs know disks, too.
    ...volumes.devices.map(({ name, type }) => ({
      destination: type ? `/volumes/${name}` : `/dev/${name}`,
      type: "bind",
      source: `${volumes.source}/${name}`,
      options: ["bind", "nosuid", ...(type ? ["nodev"] : ["noexec"])],
    })),
  ];
}

function mountsOf({ sys, etc }: BundleParts, isSystem: boolean): BundleMount[] {
  const quiet = ["nosuid", "noexec", "nodev"];
  const own = (file: string) => ({
    destination: `/etc/${file}`,
    type: "bind",
    source: `${etc}/${file}`,
    options: ["bind", "rw", ...quiet],
  });
  const memory = (destination: string, options: string[]): BundleMount => ({
    destination,
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", ...options],
  });
  return [
    { destination: "/proc", type: "proc", source: "proc", options: quiet },
    memory("/dev", ["strictatime", "mode=755", "size=65536k"]),
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    memory("/dev/shm", [
      "noexec",
      "nodev",
      "mode=1777",
      `size=${limits.containerSharedMemoryBytes}`,
    ]),
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
    { destination: "/sys", type: "bind", source: sys, options: ["rbind", "ro", ...quiet] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [...quiet, "relatime", isSystem ? "rw" : "ro"],
    },
    // systemd has these as it likes them; on others they do no harm.
    ...(isSystem ? [memory("/run", ["nodev", "mode=755"]), memory("/run/lock", ["nodev"])] : []),
    ...etcFiles.map(own),
  ];
}
