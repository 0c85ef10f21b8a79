import { createHash } from "node:crypto";
import { limits } from "#/base/limits.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { PreparedDisk, PreparedNetwork } from "../instance-driver.ts";
import { volumeSecret } from "../instances/volume-secret.ts";
import { blockNodes, diskDevice } from "./disk-nodes.ts";
import type { Emulator } from "./emulator.ts";
import type { Jail, MachineType } from "./machine.ts";
import { memoryArguments, memoryName, openMemory } from "./memory-backing.ts";
import { showPrograms, socketInJail, userNetwork } from "./user-network.ts";

/** All that decides how QEMU is started. */
export interface GuestPlan {
  emulator: Emulator;
  type: MachineType;
  order: InstanceOrder;
  /** Files of what it boots; without, it boots from its disk. */
  boot?: { kernel: string; initrd?: string; commandLine: string };
  disks: readonly PreparedDisk[];
  /** By volume, the file with its key. */
  secretFiles: ReadonlyMap<string, string>;
  network: PreparedNetwork;
  jail?: Jail;
  /** It does not begin by itself: its disks are to be limited first. */
  isHeld: boolean;
  /** Its memory comes from elsewhere. */
  waitsForMemory: boolean;
}

/** The command that starts a guest. Keys and what they open are never in it; paths are as they are before its jail closes. */
export function commandLine(plan: GuestPlan): string[] {
  const { emulator, type, order, boot, network, jail } = plan;
  const memoryMiB = Math.floor(order.memoryBytes / 2 ** 20);
  return [
    network.namespace === undefined ? [] : ["nsenter", `--net=${namespaceFile(network.namespace)}`],
    emulator.hasKvm ? [] : openMemory(jail, memoryMiB * 2 ** 20),
    jail && network.type === "user" ? showPrograms(jail, network.metadataSocket) : [],
    ["qemu-system-x86_64"],
    ["-name", `guest=${order.instance}`],
    ["-nodefaults", "-no-user-config", "-display", "none"],
    ["-M", emulator.hasKvm ? type : `${type},memory-backend=${memoryName}`],
    accelerator(emulator),
    ["-m", `${memoryMiB}M`, "-smp", String(order.vcpus)],
    emulator.hasKvm ? [] : memoryArguments(memoryMiB * 2 ** 20),
    ["-rtc", "base=utc"],
    ["-action", "reboot=reset,shutdown=pause,panic=pause"],
    ["-qmp", "unix:monitor,server=on,wait=off"],
    [
      "-chardev",
      "socket,id=console,path=console,server=on,wait=off,logfile=console.log,logappend=on",
    ],
    ["-serial", "chardev:console"],
    identity(plan),
    plan.disks.flatMap((disk, index) => diskArguments(plan, disk, index === 0)),
    devices(plan).flatMap((device) => ["-device", JSON.stringify(device)]),
    networkArguments(plan),
    boot ? kernelArguments(boot) : [],
    confinement(plan),
    plan.isHeld ? ["-S"] : [],
    plan.waitsForMemory ? ["-incoming", "defer"] : [],
  ].flat();
}

const namespaceFile = (namespace: string) =>
  namespace.startsWith("/") ? namespace : `/run/netns/${namespace}`;

function accelerator({ hasKvm }: Emulator): string[] {
  return hasKvm
    ? ["-accel", "kvm", "-cpu", "host"]
    : ["-accel", `tcg,tb-size=${limits.emulatorCodeMiB}`, "-cpu", "max"];
}

/** Its name in the tables of the firmware, beginning as EC2's do: by that cloud-init knows where it is. */
function identity({ type, order }: GuestPlan): string[] {
  if (type === "microvm") return [];
  const uuid = uuidOf(order.instance);
  return [
    "-uuid",
    uuid,
    "-smbios",
    `type=1,manufacturer=Canopy,product=${order.kind},serial=${uuid},uuid=${uuid}`,
  ];
}

export function uuidOf(instance: string): string {
  const hex = `ec2${createHash("sha256").update(instance).digest("hex").slice(0, 29)}`;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function diskArguments(plan: GuestPlan, disk: PreparedDisk, isRoot: boolean): string[] {
  const file = plan.secretFiles.get(disk.volume);
  const objects = file === undefined ? [] : [volumeSecret(disk.volume, { file })];
  return [
    ...objects.flatMap((object) => ["-object", JSON.stringify(object)]),
    ...blockNodes(disk).flatMap((node) => ["-blockdev", JSON.stringify(node)]),
  ].concat(
    isRoot ? ["-device", JSON.stringify(diskDevice(disk, { isRoot, type: plan.type }))] : [],
  );
}

function devices({ type, disks }: GuestPlan): object[] {
  const bus = type === "microvm" ? "device" : "pci";
  return [
    { driver: `virtio-scsi-${bus}`, id: "scsi" },
    ...disks.slice(1).map((disk) => diskDevice(disk, { isRoot: false, type })),
    { driver: `virtio-rng-${bus}` },
    { driver: `virtio-balloon-${bus}`, "deflate-on-oom": true, "free-page-reporting": true },
    ...(type === "q35" ? [{ driver: "pvpanic" }, { driver: "VGA", edid: false }] : []),
  ];
}

function networkArguments({ type, order, network, jail }: GuestPlan): string[] {
  if (network.type === "namespace" && network.tap === undefined) return [];
  const nic = {
    driver: type === "microvm" ? "virtio-net-device" : "virtio-net-pci",
    ...(type === "q35" && { romfile: "" }),
    netdev: "net",
    mac: order.network.mac,
  };
  const behind =
    network.tap === undefined
      ? userNetwork(order.network, network, jail ? socketInJail : network.metadataSocket)
      : `tap,id=net,ifname=${network.tap},script=no,downscript=no`;
  return ["-netdev", behind, "-device", JSON.stringify(nic)];
}

function kernelArguments({
  kernel,
  initrd,
  commandLine: words,
}: NonNullable<GuestPlan["boot"]>): string[] {
  return [
    "-kernel",
    kernel,
    ...(initrd === undefined ? [] : ["-initrd", initrd]),
    ...(words === "" ? [] : ["-append", words]),
  ];
}

/**
 * System calls that it never needs are closed to it; it gives itself up to a user and a root folder of its own when all that it
 * begins with is open. Starting programs stays possible only where its network needs one.
 */
function confinement({ emulator, jail, network }: GuestPlan): string[] {
  const hasPrograms = network.type === "user";
  const spawn = hasPrograms ? "allow" : "deny";
  // Becoming somebody else is one of these, as is a session of its own, which those programs are given.
  const elevate = jail || hasPrograms ? "allow" : "deny";
  const sandbox = [
    "-sandbox",
    `on,obsolete=deny,elevateprivileges=${elevate},spawn=${spawn},resourcecontrol=deny`,
  ];
  if (!jail) return sandbox;
  const user = `${jail.user}:${jail.user}`;
  if (emulator.version >= 9.1)
    return [...sandbox, "-run-with", `chroot=${escaped(jail.root)},user=${user}`];
  return [...sandbox, "-chroot", jail.root, "-runas", user];
}

/** A comma ends a value, two are one in it. */
export const escaped = (value: string) => value.replaceAll(",", ",,");
