import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { archive, tinyGuest } from "#/drivers/vm/testing/tiny-guest.ts";
import type { Goal } from "../figures.ts";
import { InstanceCloud } from "./instance-cloud.ts";
import type { Part } from "./part.ts";
import { archiveOf, rootWith } from "./programs.ts";

const iops = 200;
const shareMax = 0.1;
const seconds = { ramp: 3, run: 10 };
const reads = 5000;
const readsPerSecondMin = 2000;

/** Random reads of 4 KiB, one after the other, that no cache answers. One line comes of it, after which a word says so. */
const fio = (device: string) =>
  `/usr/bin/fio --name=reads --filename=${device} --rw=randread --bs=4k --direct=1 --ioengine=psync --thread ` +
  `--ramp_time=${seconds.ramp} --runtime=${seconds.run} --time_based --minimal; echo fio-has-ended; sleep 100000`;
/** The eighth word of what fio prints tells how many a second (fio(1), "TERSE OUTPUT"). */
const fioSaid = /3;fio-[^;]*;reads;0;(\d+);\d+;\d+;(\d+);/;

const address = "http://169.254.169.254/latest";
/** Reads one after the other on one connection, as a program does that keeps it. */
const asks = `token=$(curl -s -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 600" ${address}/api/token)
from=$(/usr/bin/date +%s%N)
curl -s -o /dev/null -w '%{http_code}\\n' -H "X-aws-ec2-metadata-token: $token" "${address}/meta-data/instance-id#[1-${reads}]" >/tmp/codes
to=$(/usr/bin/date +%s%N)
echo "read $(grep -c '^200$' /tmp/codes) from $from to $to"; sleep 100000`;
const asked = /read (\d+) from (\d+) to (\d+)\n/;

const disk = {
  BlockDeviceMappings: [
    {
      DeviceName: "/dev/sdf",
      Ebs: { VolumeType: "io1" as const, Iops: iops, VolumeSize: 4, DeleteOnTermination: true },
    },
  ],
};

/** What instances find in there, by others' tools: the reads of their volumes, and of what they are told of themselves. */
export const inside = (networks: "user" | "full"): Part => ({
  name: `inside, ${networks} networks`,
  async measure({ folder, say }) {
    const own = join(folder, `inside-${networks}`);
    mkdirSync(own);
    const cloud = await InstanceCloud.start(join(own, "cloud"), networks);
    try {
      const perSecond = await metadataReads(cloud, own);
      const figures: Record<string, number> = {
        [`metadata${networks === "full" ? "Full" : "User"}PerSecond`]: perSecond,
      };
      const goals: Goal[] = [
        {
          what: `metadata read in a container, ${networks} networks`,
          target: `≥ ${readsPerSecondMin} a second`,
          figure: `${perSecond.toFixed(0)} a second`,
          holds: perSecond >= readsPerSecondMin,
        },
      ];
      if (networks === "full") return { figures, goals };
      say("instances: fio in a container, and in a guest");
      const container = await containerReads(cloud, own);
      const guest = await guestReads(cloud, own);
      goals.push(iopsGoal("container", container), iopsGoal("guest", guest));
      return { figures: { ...figures, containerIops: container, guestIops: guest }, goals };
    } finally {
      await cloud.stop();
    }
  },
});

function iopsGoal(where: string, found: number): Goal {
  return {
    what: `volume of ${iops} IOPS, fio in a ${where}`,
    target: `${iops} ± ${shareMax * 100} %`,
    figure: `${found} (${(((found - iops) / iops) * 100).toFixed(1)} %)`,
    holds: Math.abs(found - iops) <= iops * shareMax,
  };
}

async function metadataReads(cloud: InstanceCloud, folder: string): Promise<number> {
  const root = join(folder, "curl");
  rootWith(root, ["/usr/bin/date", "/usr/bin/curl"]);
  const image = await cloud.import(archiveOf(root, ["sh", "-c", asks]), "--name", "asks");
  await cloud.isReady(image, "c.nano");
  const [id = ""] = await cloud.launch(image, "c.nano");
  const [, count, from = "0", to = "0"] = await cloud.says(id, asked, 60_000);
  if (Number(count) !== reads) throw new Error(`Only ${count} of ${reads} were answered`);
  await cloud.terminate([id]);
  return reads / (Number(BigInt(to) - BigInt(from)) / 1e9);
}

async function containerReads(cloud: InstanceCloud, folder: string): Promise<number> {
  const root = join(folder, "fio");
  rootWith(root, ["/usr/bin/fio"]);
  const image = await cloud.import(archiveOf(root, ["sh", "-c", fio("/dev/sdf")]), "--name", "fio");
  const [id = ""] = await cloud.launch(image, "c.small", disk);
  const found = await fioReads(cloud, id);
  await cloud.terminate([id]);
  return found;
}

/** A guest that unpacks its first disk, which is an archive, into memory. */
async function guestReads(cloud: InstanceCloud, folder: string): Promise<number> {
  const { kernel, initrd } = tinyGuest()!;
  const first = join(folder, "first.raw");
  // What begins as an archive is taken for one.
  const piece = `head -c 1M /dev/zero >"$1"; tar -C "$2" -b 2048 -c . >>"$1"`;
  execFileSync("sh", ["-c", piece, "sh", first, join(folder, "fio")]);
  const mebibytes = Math.ceil(statSync(first).size / 2 ** 20);
  const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module.ko; done
dd if=/dev/vda bs=1M skip=1 count=${mebibytes} | tar -xf - -C /
${fio("/dev/sda")}
`;
  const begins = join(folder, "initrd");
  const over = archive([{ name: "init", mode: 0o100755, content: Buffer.from(init) }]);
  writeFileSync(begins, Buffer.concat([readFileSync(initrd), gzipSync(over)]));
  const boot = ["--boot-kernel", kernel, "--boot-initrd", begins, "--command-line", "quiet"];
  const image = await cloud.import(first, ...boot, "--name", "fio in a guest");
  const [id = ""] = await cloud.launch(image, "u.small", disk);
  const found = await fioReads(cloud, id);
  await cloud.terminate([id]);
  return found;
}

async function fioReads(cloud: InstanceCloud, id: string): Promise<number> {
  const [said] = await cloud.says(id, /[^]*fio-has-ended/, 180_000);
  const [, , found] = fioSaid.exec(said) ?? [];
  if (found === undefined) throw new Error(`fio did not tell how many: ${said}`);
  return Number(found);
}
