import { join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import type { ImageView } from "#/model/image-views.ts";
import { parseSize } from "#/model/units.ts";
import { packed } from "#/sdk/images/archive-import.ts";
import { bringDisk } from "#/sdk/images/disk-import.ts";
import type { ImportParts } from "#/sdk/images/import-parts.ts";
import type { Cli } from "../verb.ts";
import { requireFreeNames } from "./free-names.ts";
import { must } from "./must.ts";
import { register } from "./import.ts";

interface DebianOptions {
  name?: string;
  suite?: string;
  packages?: string;
  mirror?: string;
  size?: string;
  as?: "system" | "vm" | "both";
  description?: string;
}

/** What every one has: an init, a way in, and what makes an instance of it its owner's. */
const basis = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "openssh-server",
  "sudo",
  "cloud-init",
  "iproute2",
];
/** Names and addresses come by the network; the file system grows with its volume. */
const forGuests = ["linux-image-cloud-amd64", "e2fsprogs", "cloud-guest-utils", "isc-dhcp-client"];
const commonly = ["ca-certificates", "udev", "netbase", "ifupdown"];

/**
 * Done to the tree in "$1" before it is packed. Each instance makes host keys and an id of its own; data is asked for at the
 * metadata service and nowhere else. The locale is one that is there: cloud-init would take one that nobody has made, and fail.
 */
const finish = `#!/bin/sh
set -e
rm -f "$1"/etc/ssh/ssh_host_*
: > "$1/etc/machine-id"
mkdir -p "$1/etc/cloud/cloud.cfg.d"
cat > "$1/etc/cloud/cloud.cfg.d/90-canopy.cfg" <<'END'
datasource_list: [ NoCloud, Ec2, None ]
datasource:
  Ec2:
    strict_id: false
    metadata_urls: [ "http://169.254.169.254" ]
locale: C.UTF-8
END
rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/*
`;

/**
 * Builds Debian by mmdebstrap: as layers for system containers, and as a disk with a kernel for virtual machines, whose file
 * system is made of the tree without being mounted.
 */
export async function buildDebian(cli: Cli, parts: ImportParts): Promise<ImageView[]> {
  const options = cli.options as DebianOptions;
  const { suite = "bookworm", as = "both", packages = "" } = options;
  const { name = `debian-${suite}`, description } = options;
  if (!/^[a-z0-9.+-]{1,40}$/.test(suite))
    throw new CanopyError("invalid", `Cannot build Debian '${suite}' as that is no suite of it`);
  const more = packages.split(",").filter(Boolean);
  const hasVm = as !== "system";
  const vmName = as === "vm" && options.name !== undefined ? name : `${name}-vm`;
  await requireFreeNames(cli, [...(as === "vm" ? [] : [name]), ...(hasVm ? [vmName] : [])]);
  const [tree, hook] = [join(parts.folder, "root.tar"), join(parts.folder, "finish")];
  await parts.world.files.write(hook, finish, { mode: 0o755 });
  await must(cli, [
    "mmdebstrap",
    "--quiet",
    "--variant=minbase",
    `--include=${[...basis, ...commonly, ...(hasVm ? forGuests : []), ...more].join(",")}`,
    `--customize-hook=${hook}`,
    suite,
    tree,
    ...(options.mirror === undefined ? [] : [options.mirror]),
  ]);
  const said = { ...(description !== undefined && { description }) };
  const images: ImageView[] = [];
  if (as !== "vm") {
    const { key } = await parts.client.putBlob(packed(parts.world.files.stream(tree)));
    const run = { entrypoint: ["/sbin/init"], stopSignal: "SIGRTMIN+3" };
    const source = { type: "files" as const, layers: [key], run };
    images.push(await register(cli, { name, kinds: ["system", "container"], source }, said));
  }
  if (!hasVm) return images;
  const source = await diskOf(cli, parts, tree);
  images.push(await register(cli, { name: vmName, kinds: ["vm", "microvm"], source }, said));
  return images;
}

async function diskOf(cli: Cli, parts: ImportParts, tree: string) {
  const { folder, client, world } = parts;
  const { size = "2GiB" } = cli.options as DebianOptions;
  const [root, disk] = [join(folder, "root"), join(folder, "disk.raw")];
  await must(cli, ["sh", "-c", makeDisk, "sh", tree, root, disk, String(parseSize(size)), folder]);
  const kernel = await client.putBlob(world.files.stream(join(folder, "vmlinuz")));
  const initrd = await client.putBlob(world.files.stream(join(folder, "initrd")));
  const { manifest } = await bringDisk(parts, { path: disk, format: "raw" });
  return {
    type: "disk" as const,
    disks: [{ device: "/dev/sda1", manifest }],
    boot: {
      kernel: kernel.key,
      initrd: initrd.key,
      commandLine: "root=/dev/vda rw console=ttyS0 net.ifnames=0",
    },
  };
}

/**
 * The tree, and then a disk of it, without a mount. Only a disk has a root to be mounted: a container's is there, and so is its
 * /etc/hosts. A guest writes its own name into that, as a network that QEMU plays to it answers for no names.
 */
export const makeDisk = `
set -e
tree=$1 root=$2 disk=$3 size=$4 folder=$5
mkdir "$root"
tar -C "$root" -xpf "$tree" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*'
printf '/dev/root / ext4 defaults 0 1\\n' > "$root/etc/fstab"
echo 'manage_etc_hosts: localhost' > "$root/etc/cloud/cloud.cfg.d/91-canopy-guest.cfg"
cp "$(ls "$root"/boot/vmlinuz-* | tail -n 1)" "$folder/vmlinuz"
cp "$(ls "$root"/boot/initrd.img-* | tail -n 1)" "$folder/initrd"
truncate -s "$size" "$disk"
mkfs.ext4 -q -F -L root -E lazy_itable_init=1 -d "$root" "$disk"
rm -rf "$root"
`;
