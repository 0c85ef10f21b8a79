import { messageOf } from "#/base/errors.ts";
import type { Files } from "#/base/files.ts";
import type { InstanceOrder } from "#/model/hosting.ts";
import type { ImageBlob, ImageBoot } from "#/model/image.ts";
import { isKernel, kernelRule } from "#/model/kernel.ts";
import type { BlobAccess } from "../driver.ts";
import { HostingError } from "../instances/hosting-error.ts";
import type { Emulator } from "./emulator.ts";
import type { MachineType } from "./machine.ts";

export interface GuestBoot {
  kernel: string;
  initrd?: string;
  commandLine: string;
}

/** The files that a guest is started with; undefined for one that boots from its disk. Throws HostingError. */
export async function bootOf(
  { blobs, files }: { blobs: BlobAccess; files: Files },
  order: InstanceOrder,
  machine: { type: MachineType; emulator: Emulator },
): Promise<GuestBoot | undefined> {
  const fileOf = (blob: ImageBlob, what: string) => fetched(blobs, order, blob, what);
  const { root } = order;
  if (root.type === "unikernel") {
    const kernel = await fileOf(root.kernel, "kernel");
    await check(files, kernel);
    return { kernel, commandLine: root.commandLine };
  }
  const boot: ImageBoot | undefined = root.boot;
  if (!boot) {
    if (machine.type === "q35") return undefined;
    throw new HostingError(
      "Client.InvalidImage",
      "Cannot start a microvm as its image must name a kernel: it has none, and a microvm has no firmware that would find one",
    );
  }
  const kernel = await fileOf(boot.kernel, "kernel");
  await check(files, kernel);
  const initrd = boot.initrd && (await fileOf(boot.initrd, "initial RAM disk"));
  const commandLine = linuxCommandLine(boot.commandLine, order, machine);
  return { kernel, commandLine, ...(initrd !== undefined && { initrd }) };
}

/**
 * What a Linux needs to know of the machine beside what its image says: where it prints, what it begins from, and that a
 * processor that is emulated needs no proof of its clock (which fails when the host is busy, and without other clocks ends
 * the boot).
 */
function linuxCommandLine(
  own: string,
  order: InstanceOrder,
  { type, emulator }: { type: MachineType; emulator: Emulator },
): string {
  const words = own.split(/\s+/).filter(Boolean);
  const names = new Set(words.map((word) => word.split("=", 1)[0]));
  const given = words.some((word) => word.startsWith("console=ttyS0")) ? [] : ["console=ttyS0"];
  if (order.disks.length > 0) given.push("root=/dev/vda", "rw");
  if (type === "microvm") given.push("panic=-1", "reboot=t");
  if (!emulator.hasKvm) {
    given.push("no_timer_check", "tsc=reliable", "mitigations=off", "random.trust_cpu=on");
    if (emulator.tscKhz !== undefined) given.push(`tsc_early_khz=${emulator.tscKhz}`);
  }
  const wanted = given.filter((word) => {
    const [name = ""] = word.split("=", 1);
    return name === "console" || !(names.has(name) || (name === "rw" && names.has("ro")));
  });
  return [...wanted, ...words].join(" ");
}

async function fetched(
  blobs: BlobAccess,
  { imageProject }: InstanceOrder,
  { key }: ImageBlob,
  what: string,
): Promise<string> {
  try {
    return (await blobs.fetch(imageProject, key)).path;
  } catch (thrown) {
    throw new HostingError(
      "Client.InvalidSnapshot.NotFound",
      `Cannot start the guest as its ${what} is not to be had: ${messageOf(thrown)}`,
      { cause: thrown },
    );
  }
}

async function check(files: Files, path: string): Promise<void> {
  const read = async (offset: number, length: number) =>
    (await files.read(path, { offset, length })) ?? new Uint8Array();
  if (await isKernel(read)) return;
  throw new HostingError(
    "Client.InvalidImage",
    `Cannot start the guest as its kernel must be ${kernelRule}: it is none`,
  );
}
