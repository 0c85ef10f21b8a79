import { within } from "#/base/clock.ts";
import type { Host } from "#/base/host.ts";
import { limits } from "#/base/limits.ts";
import { systemPath } from "../instances/command.ts";

/**
 * Whether guests run on the processor itself. That /dev/kvm is there tells little: what stands behind it may refuse, or
 * interpret the guest's kernel instruction by instruction. So a tiny firmware is run that does what kernels do at their start
 * and emulations of a part of the processor stumble over (64 bits, a breakpoint, an exchange of 16 bytes, the state of the
 * vector unit, a count of 2^27), and then says hello by the code that QEMU ends with.
 */
export async function probeKvm(
  parts: Pick<Host, "clock" | "files" | "processes">,
  folder: string,
): Promise<"works" | "absent" | "broken"> {
  const { files } = parts;
  if (!(await files.stat("/dev/kvm"))) return "absent";
  const boot = Buffer.from((await files.read("/proc/sys/kernel/random/boot_id")) ?? []).toString();
  const kept = `${folder}/kvm.json`;
  const known = knownOf(await files.read(kept));
  if (known?.boot === boot) return known.works ? "works" : "broken";
  await files.makeFolder(folder);
  const works = await runProbe(parts, folder, ["kvm", "host"]);
  await files.write(kept, JSON.stringify({ boot, works } satisfies Known));
  return works ? "works" : "broken";
}

/** What was found out since the machine has started. */
interface Known {
  boot: string;
  works: boolean;
}

/** Undefined for what is damaged too: it is found out again. */
function knownOf(content: Uint8Array | undefined): Known | undefined {
  try {
    return content && (JSON.parse(Buffer.from(content).toString()) as Known);
  } catch {
    return undefined;
  }
}

/** True when the firmware has said hello in time. */
export async function runProbe(
  { clock, files, processes }: Pick<Host, "clock" | "files" | "processes">,
  folder: string,
  [accelerator, processor]: [accelerator: string, processor: string],
): Promise<boolean> {
  const image = `${folder}/kvm-probe.bin`;
  await files.write(image, firmware());
  const { ended, signal } = processes.spawn(
    [
      ...`qemu-system-x86_64 -M pc -accel ${accelerator} -cpu ${processor} -m 16M -nodefaults`.split(
        " ",
      ),
      ...`-display none -no-reboot -device isa-debug-exit,iobase=0xf4,iosize=4 -bios`.split(" "),
      image,
    ],
    { folder, env: { PATH: systemPath } },
  );
  const said = await within(
    clock,
    limits.kvmProbeMs,
    ended.catch(() => undefined),
  );
  signal("SIGKILL");
  await files.remove(image);
  return said?.code === hello;
}

/** QEMU ends with twice what was written to its port, and one. */
const hello = 0x55 * 2 + 1;

/** 64 KiB that end where the processor begins: there it is sent to the beginning of them. */
function firmware(): Uint8Array {
  const image = Buffer.alloc(0x10000);
  Buffer.from(probe, "base64").copy(image);
  image.set([0xea, 0x00, 0x00, 0x00, 0xf0], 0xfff0); // ljmp $0xf000, $0
  return image;
}

/** Of kvm-probe.s, as that says. */
const probe =
  "+i5mDwEWeAEPIMAMAQ8iwGbqGAAPAAgAZrgQAI7YjsCO0L8AAAEAuQAwAAAxwPzzqscFAAABAAMQAQDHBQAQAQADIAEAxwUA" +
  "IAEAgwAAALgAAAEADyLYuCAGAAAPIuC5gAAAwA8yDQABAAAPMA8gwA0CAACAg+D7DyLA6oIADwAYALwAkAAAvwBAAQCNBCVT" +
  "AQ8AZolHMGbHRzIYAGbHRzQAjsHoEGaJRzZIx0c4AAAAAA8BHCV+AQ8AMdvMg/sBD4WGAAAAvwBQAQBIxwcFAAAASMdHCAYA" +
  "AAC4BQAAALoGAAAAuwcAAAC5CAAAAPBID8cPdVdIgz8HdVG4AQAAAA+iD7rhGnMuDyDgDQAABAAPIuAxyTHSuAMAAAAPAdG/" +
  "AGABALgDAAAAD64nuAMAAAAx0g+uL7kAAAAI/8l1/LhVAAAAZrr0AO/06/24KgAAAOvx/8NIz5AAAAAAAAAAAP//AAAAms8A" +
  "//8AAACSzwD//wAAAJqvAB8AWAEPAD8AAEABAAAAAAA=";
