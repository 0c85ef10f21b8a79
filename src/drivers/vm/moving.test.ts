import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { heard, Typist, VmRig } from "./testing/rig.ts";
import { tinyGuest } from "./testing/tiny-guest.ts";

const guest = tinyGuest();
const skip = guest ? false : "there is no kernel for guests here";
const [here, there] = guest
  ? [await VmRig.make(guest), await VmRig.make(guest)]
  : [undefined!, undefined!];
after(() => Promise.all([here?.close(), there?.close()]));

const key = Buffer.alloc(32, 9).toString("base64");

/** Writes memory all the time, and says of each piece whether it is as it was written. */
const writer =
  "(until [ -e /tmp/enough ]; do dd if=/dev/urandom of=/tmp/new bs=64k count=30 2>/dev/null; " +
  "md5sum /tmp/new > /tmp/sum; sleep 0.1; md5sum -c /tmp/sum; done)";

for (const kind of ["microvm", "vm"] as const) {
  test(
    `a ${kind} moves with its disk to another machine while it runs, and keeps its memory in a file`,
    { skip },
    async (t) => {
      const driver = await here.driver();
      const root = here.disk(`vol-000000000000000${kind.length}`, "/dev/xvda");
      const order = here.order({ kind, memoryBytes: 256 << 20, disks: [root] });
      const folder = here.instanceFolder(order);
      const first = await driver.start(folder, order, here.means([root]));
      await heard(first, "ready for commands");
      const typist = new Typist(first, folder);
      await typist.run(
        "echo remembered > /tmp/word; echo written | dd of=/dev/vda bs=512 conv=sync 2>/dev/null; sync",
      );
      await typist.run(`${writer} > /tmp/found & sleep 1`);
      const port = Promise.withResolvers<number>();
      const copy = there.disk(root.volume, "/dev/xvda");
      const thereFolder = there.instanceFolder(order);
      const waits = { address: "127.0.0.1", key, withDisks: true, onWaiting: port.resolve };
      const comes = (await there.driver()).start(thereFolder, order, {
        ...there.means([copy]),
        awaitsMigration: waits,
      });
      const otherKey = Buffer.alloc(32, 8).toString("base64");
      const address = "127.0.0.1";
      await assert.rejects(
        first.migrate!({ address, port: await port.promise, key: otherKey, withDisks: true }),
      );
      assert.match(await typist.run("echo goes on"), /goes on/);
      const { pauseMs } = await first.migrate!({
        address: "127.0.0.1",
        port: await port.promise,
        key,
        withDisks: true,
      });
      t.diagnostic(`stood still for ${pauseMs.toFixed(0)} ms`);
      assert.ok(pauseMs > 0 && pauseMs < 20_000, `stood still for ${pauseMs} ms`);
      const second = await comes;
      await first.stop(0);
      const typistThere = new Typist(second, thereFolder);
      assert.match(
        await typistThere.run("cat /tmp/word; head -c 8 /dev/vda"),
        /remembered\s+written/,
      );
      const found = await typistThere.run("touch /tmp/enough; wait; sort /tmp/found | uniq -c");
      assert.match(found, /\d+ \/tmp\/new: OK/);
      assert.doesNotMatch(found, /FAILED/);
      const file = join(there.folder, "memory.zst");
      const uptime = (said: string) => Number(/up:(\d+)/.exec(said)?.[1]);
      const upFor = uptime(await typistThere.run("echo up:$(cut -d. -f1 /proc/uptime)"));
      await second.hibernate!({ path: file, key });
      const third = await (
        await there.driver()
      ).start(thereFolder, order, {
        ...there.means([copy]),
        resumesFrom: { path: file, key, isGiven: async () => void (await rm(file)) },
      });
      const said = await new Typist(third, thereFolder).run(
        "cat /tmp/word; echo up:$(cut -d. -f1 /proc/uptime)",
      );
      assert.match(said, /remembered/);
      assert.ok(upFor > 0 && uptime(said) >= upFor, `up for ${upFor} s, then ${said}`);
      await third.stop(0);
    },
  );
}
