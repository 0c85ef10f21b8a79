import type { InstanceDriverParts } from "../instance-driver.ts";
import { findEmulator } from "./emulator.ts";
import { probeKvm } from "./kvm-probe.ts";
import { runScript } from "./shell.ts";
import { VmDriver } from "./vm-driver.ts";

/** What this machine can do for guests with a kernel of their own. */
export interface Vms {
  /** Undefined where there is no QEMU. */
  driver: VmDriver | undefined;
  hasKvm: boolean;
  /** What is missing for more, for people. */
  missing: string[];
}

/** Looks at the machine; `folder` is for what was found out, to be asked again when the machine has been started anew. */
export async function openVms(parts: InstanceDriverParts, folder: string): Promise<Vms> {
  const kvm = await probeKvm(parts, folder);
  const emulator = await findEmulator(parts.processes, kvm === "works");
  if (!emulator)
    return {
      driver: undefined,
      hasKvm: false,
      missing: ["QEMU, for virtual machines (apt-get install qemu-system-x86 qemu-utils)"],
    };
  const missing = [];
  if (kvm === "absent")
    missing.push("KVM (/dev/kvm): virtual machines are emulated, and are about ten times slower");
  if (kvm === "broken")
    missing.push(
      "a KVM that works: /dev/kvm is there and ran no guest, so virtual machines are emulated",
    );
  if (!emulator.isPrivileged)
    missing.push(
      "root: virtual machines run as the agent's user, and see its files if they break out of QEMU",
    );
  const { code } = await runScript(parts.processes, "command -v socat && command -v qemu-img");
  if (code !== 0)
    missing.push(
      "socat and qemu-img, for the metadata and the copies of virtual machines (apt-get install socat qemu-utils)",
    );
  return { driver: new VmDriver(parts, emulator), hasKvm: emulator.hasKvm, missing };
}
