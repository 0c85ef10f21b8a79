import type { Host } from "#/base/host.ts";
import type { Finding } from "#/doctor/finding.ts";
import { lookForContainers } from "#/drivers/container/open-containers.ts";
import { runCommand } from "#/drivers/instances/command.ts";
import { networksLack } from "#/drivers/instances/networks/open-networks.ts";
import { findEmulator } from "#/drivers/vm/emulator.ts";
import { probeKvm } from "#/drivers/vm/kvm-probe.ts";

const check = "instances";

/** What this computer can do for instances, and what to install for more. It can be a cloud without all of it. */
export async function examineHosting(
  host: Pick<Host, "clock" | "files" | "processes">,
): Promise<Finding[]> {
  const { output } = await runCommand(host.processes, ["mktemp", "-d"]);
  const folder = output.trim();
  try {
    const [containers, networks, guests, kernel] = await Promise.all([
      lookForContainers(host, `${folder}/containers`),
      networksLack(host),
      guestsFinding(host, folder),
      kernelFinding(host),
    ]);
    return [
      findingOf("containers and systems", containers.canStart, containers.missing),
      guests,
      networksFinding(networks),
      kernel,
    ];
  } finally {
    await host.files.remove(folder);
  }
}

function findingOf(what: string, isThere: boolean, missing: readonly string[]): Finding {
  if (missing.length === 0) return { check, state: "good", detail: what };
  const detail = `${isThere ? what : `No ${what}`}. Missing: ${missing.join("; ")}`;
  const packages = missing.flatMap((one) => /\(apt-get install ([^)]+)\)/.exec(one)?.[1] ?? []);
  return {
    check,
    state: "warning",
    detail,
    ...(packages.length > 0 && { remedy: `apt-get install ${[...new Set(packages)].join(" ")}` }),
  };
}

/** Without what it takes, instances still run: what they go without is said. */
function networksFinding(missing: readonly string[]): Finding {
  const found = findingOf("networks of their own", missing.length === 0, missing);
  if (missing.length === 0) return found;
  const instead =
    "Until then each instance is alone: ports of this machine lead to it, and rules for some addresses, limits of speed and hop limits do not count";
  return { ...found, detail: `${found.detail}. ${instead}` };
}

async function guestsFinding(
  host: Pick<Host, "clock" | "files" | "processes">,
  folder: string,
): Promise<Finding> {
  const { processes } = host;
  const emulator = await findEmulator(processes, false);
  if (!emulator)
    return {
      check,
      state: "warning",
      detail: "No virtual machines: QEMU is missing",
      remedy: "apt-get install qemu-system-x86 qemu-utils",
    };
  const kvm = await probeKvm(host, folder);
  const words = `virtual machines, by QEMU ${emulator.version}`;
  switch (kvm) {
    case "works":
      return { check, state: "good", detail: `${words} and KVM${await nesting(host)}` };
    case "absent":
      return {
        check,
        state: "warning",
        detail: `${words}, emulated: there is no /dev/kvm`,
        remedy: "Turn on virtualisation in the firmware, or nested virtualisation of this machine",
      };
    case "broken":
      return {
        check,
        state: "warning",
        detail: `${words}, emulated: /dev/kvm is there, and a guest that was tried did not run`,
      };
  }
}

async function nesting({ files }: Pick<Host, "files">): Promise<string> {
  for (const module of ["kvm_intel", "kvm_amd"]) {
    const content = await files.read(`/sys/module/${module}/parameters/nested`);
    const said = Buffer.from(content ?? [])
      .toString()
      .trim();
    if (said === "Y" || said === "1") return ", which guests may use again (nested)";
  }
  return "";
}

/** What its kernel has of what instances are made with. */
async function kernelFinding({ processes }: Pick<Host, "processes">): Promise<Finding> {
  const { output } = await runCommand(processes, ["sh", "-c", kernelFacts]);
  const [groups = "none", ...has] = output.trim().split("\n");
  const wanted = ["network namespaces", "user namespaces", "overlayfs", "FUSE"];
  const missing = wanted.filter((one) => !has.includes(one));
  const detail = `control groups: ${groups}; ${has.join(", ") || "nothing else"}`;
  if (missing.length === 0 && groups !== "none") return { check, state: "good", detail };
  return {
    check,
    state: "warning",
    detail: `${detail}; missing: ${missing.join(", ") || "control groups"}`,
  };
}

const kernelFacts = `
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then echo "version 2"
elif [ -e /sys/fs/cgroup/memory ]; then echo "version 1"
else echo none; fi
unshare --net true 2>/dev/null && echo "network namespaces"
unshare --user true 2>/dev/null && echo "user namespaces"
grep -qw overlay /proc/filesystems && echo overlayfs
[ -e /dev/fuse ] && echo FUSE
true
`;
