import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { seen } from "../testing/seen.ts";
import { heard, Typist, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const rig = guest ? await VmRig.make(guest) : undefined!;
after(() => rig?.close());

const key = Buffer.alloc(32, 7).toString("base64");

test(
  "a microvm outlives its agent, takes and gives back volumes, and tells that it has shut itself down",
  { skip },
  async () => {
    const driver = await rig.driver();
    const root = rig.diskOnBase("vol-0000000000000001", "/dev/xvda", "root");
    const order = rig.order({ disks: [root] });
    const folder = rig.instanceFolder(order);
    const first = await driver.start(folder, order, rig.means([root]));
    await heard(first, "ready for commands");
    first.leave!();
    const again = await (await rig.driver()).find(folder, order);
    assert.ok(again);
    const typist = new Typist(again, folder);
    assert.match(await typist.run("cat /proc/partitions"), /65536 vda/);
    const data = rig.disk("vol-0000000000000002", "/dev/sdf", { iops: 100, key });
    await again.attach(data);
    await again.attach(data); // is there already
    assert.match(await typist.run("sleep 0.3; cat /proc/partitions"), /65536 sda/);
    await again.changed({ ...data, order: { ...data.order, sizeBytes: 96 << 20 } });
    assert.match(
      await typist.run("sleep 0.3; echo 1 > /sys/block/sda/device/rescan; cat /sys/block/sda/size"),
      /196608/,
    );
    await again.detach(data.volume);
    assert.doesNotMatch(await typist.run("sleep 0.3; cat /proc/partitions"), /sda/);
    const other = rig.diskOnBase("vol-0000000000000003", "/dev/sdg", "base");
    await again.attach(other);
    assert.match(await typist.run("sleep 0.3; head -c 4 /dev/vda /dev/sda"), /root[^]*base/);
    assert.ok(again.use()!.memoryBytes > 64 << 20);
    const [one, two] = [await again.terminal({}), await again.terminal({})];
    await one.write("echo answer $((6 * 7))\n");
    await seen(one, /answer 42/);
    await seen(two, /answer 42/);
    one.close();
    await two.write("echo again $((7 * 7))\n");
    await seen(two, /again 49/);
    two.close();
    await assert.rejects(again.terminal({ command: ["ls"] }), /must be a container/);
    await typist.type("poweroff -f");
    assert.deepEqual(await again.ended, { by: "itself" });
    assert.equal(existsSync(join(folder, "jail")), false);
  },
);

test("start() says what is wrong with an image, and leaves nothing", { skip }, async () => {
  const driver = await rig.driver();
  const order = rig.order();
  const folder = rig.instanceFolder(order);
  const blob = (path: string) => ({ key: path, sizeBytes: 0 });
  const booting = (kernel: string) =>
    ({ type: "disk", boot: { kernel: blob(kernel), commandLine: "" } }) as const;
  for (const [root, reasonCode] of [
    [booting("none"), "Client.InvalidSnapshot.NotFound"],
    [booting("/bin/sh.nothing"), "Client.InvalidImage"],
    [{ type: "disk" }, "Client.InvalidImage"],
  ] as const)
    await assert.rejects(driver.start(folder, { ...order, root }, rig.means()), { reasonCode });
  assert.equal(existsSync(join(folder, "machine.json")), false);
});
