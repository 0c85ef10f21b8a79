import type { Processes } from "#/base/processes.ts";
import { runScript } from "./shell.ts";

/** The QEMU of this machine, and what it can do here. */
export interface Emulator {
  version: number;
  /** It may begin as root, and so give itself up to a user and a root folder of its guest's own. */
  isPrivileged: boolean;
  /** Guests run on the processor itself; else they are emulated. */
  hasKvm: boolean;
  /** At which the processor's counter runs: a machine without timers cannot find that out when the host is busy. */
  tscKhz?: number;
}

/**
 * The rate of the processor's counter, from the best source there is: what the kernel was told, what it has measured, what
 * the processor says is its base, what it runs at now.
 */
const facts = `
qemu-system-x86_64 --version | head -n 1
id -u
for file in /sys/devices/system/cpu/cpu0/tsc_freq_khz /sys/devices/system/cpu/cpu0/cpufreq/base_frequency; do
  [ -r $file ] && echo "khz $(cat $file)"
done
dmesg 2>/dev/null | sed -n 's/.*tsc: .* \\([0-9.]*\\) MHz .*/mhz \\1/p' | tail -n 1
sed -n 's/^cpu MHz.*: /mhz /p' /proc/cpuinfo | head -n 1
`;

/** Undefined where there is no QEMU. */
export async function findEmulator(
  processes: Pick<Processes, "spawn">,
  hasKvm: boolean,
): Promise<Emulator | undefined> {
  const { output } = await runScript(processes, facts);
  const [, version] = /version (\d+\.\d+)/.exec(output) ?? [];
  if (version === undefined) return undefined;
  const [, unit, rate] = /^(khz|mhz) ([\d.]+)$/m.exec(output) ?? [];
  const tscKhz = Math.round(Number(rate) * (unit === "mhz" ? 1000 : 1));
  return {
    version: Number(version),
    isPrivileged: /^0$/m.test(output),
    hasKvm,
    ...(tscKhz > 0 && { tscKhz }),
  };
}
