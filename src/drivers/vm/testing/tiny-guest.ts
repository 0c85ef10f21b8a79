import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

/** What scripts/setup.mjs has unpacked, and what is made of it once for all tests of this clone. */
const cache = fileURLToPath(
  new URL("../../../../node_modules/.cache/canopy/guest", import.meta.url),
);

const unpacked = join(cache, "kernel");
const setup = fileURLToPath(new URL("../../../../scripts/setup.mjs", import.meta.url));
const busybox = "/bin/busybox";

/** In the order that they need each other. */
const modules =
  "virtio_ring virtio virtio_mmio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci failover net_failover " +
  "virtio_net virtio_blk crct10dif_common crc-t10dif crc64 crc64-rocksoft t10-pi scsi_common scsi_mod virtio_scsi " +
  "sd_mod virtio_balloon virtio-rng button evdev pvpanic pvpanic-mmio pvpanic-pci";

/** Begins, says that it is there, then takes commands at its serial port; its power button works. */
const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
echo "hello from user space"
for module in $(cat /modules/order); do insmod /modules/$module.ko; done
acpid -l /dev/null
echo "ready for commands"
exec setsid sh -c 'exec sh -i </dev/ttyS0 >/dev/ttyS0 2>&1'
`;

export interface TinyGuest {
  kernel: string;
  initrd: string;
}

/** A kernel and a busybox that runs in memory; undefined where they cannot be had. */
export function tinyGuest(): TinyGuest | undefined {
  const guest = { kernel: join(cache, "vmlinuz"), initrd: join(cache, "initrd.gz") };
  if (existsSync(guest.initrd)) return guest;
  if (!existsSync(busybox)) return undefined;
  if (!existsSync(join(unpacked, "boot")))
    execFileSync(process.execPath, [setup, "--tests"], { stdio: "inherit" });
  if (!existsSync(join(unpacked, "boot"))) return undefined;
  const image = readdirSync(join(unpacked, "boot")).find((entry) => entry.startsWith("vmlinuz"));
  const [release = ""] = readdirSync(join(unpacked, "lib/modules"));
  const modulesFolder = join(unpacked, "lib/modules", release);
  keep(guest.kernel, readFileSync(join(unpacked, "boot", image!)));
  keep(guest.initrd, gzipSync(initrd(modulesFolder), { level: 6 }));
  return guest;
}

/** Several tests may do so at once. */
function keep(path: string, content: Buffer): void {
  writeFileSync(`${path}.${process.pid}`, content);
  renameSync(`${path}.${process.pid}`, path);
}

function initrd(folder: string): Buffer {
  const found = new Map<string, string>();
  for (const entry of readdirSync(folder, { recursive: true, encoding: "utf8" }))
    if (entry.endsWith(".ko")) found.set(entry.slice(entry.lastIndexOf("/") + 1, -3), entry);
  const present = modules.split(" ").filter((name) => found.has(name));
  const power = "etc/acpi/PWRF";
  return archive([
    ...["bin", "dev", "proc", "sys", "tmp", "modules", "etc", "etc/acpi", power].map(folderEntry),
    { name: "init", mode: 0o100755, content: Buffer.from(init) },
    { name: "bin/busybox", mode: 0o100755, content: readFileSync(busybox) },
    { name: `${power}/00000080`, mode: 0o100755, content: Buffer.from("#!/bin/sh\npoweroff -f\n") },
    { name: "modules/order", mode: 0o100644, content: Buffer.from(present.join("\n")) },
    ...present.map((name) => ({
      name: `modules/${name}.ko`,
      mode: 0o100644,
      content: readFileSync(join(folder, found.get(name)!)),
    })),
  ]);
}

interface Entry {
  name: string;
  mode: number;
  content: Buffer;
}

const folderEntry = (name: string): Entry => ({ name, mode: 0o040755, content: Buffer.alloc(0) });

/** cpio's "newc" (https://www.kernel.org/doc/Documentation/early-userspace/buffer-format.txt). */
export function archive(entries: Entry[]): Buffer {
  const end = { name: "TRAILER!!!", mode: 0, content: Buffer.alloc(0) };
  return Buffer.concat(
    [...entries, end].flatMap(({ name, mode, content }, index) => {
      const fields = [index + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
      const head = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}${name}\0`;
      return [padded(Buffer.from(head, "latin1")), padded(content)];
    }),
  );
}

const padded = (bytes: Buffer) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
