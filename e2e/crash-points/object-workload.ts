import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { silent } from "#/base/log.ts";
import { Chance } from "#/base/testing/chance.ts";
import { openLocalStore } from "#/objects/local/open.ts";

// One life of a store of objects: `object-workload.ts ROOT MARKS SEED LIFE`. It says in MARKS what it is about to do with
// a key, and when that was acknowledged; every other life ends as by kill -9.
const [root, marksFile, seed, life] = process.argv.slice(2) as [string, string, string, string];
const chance = new Chance(Number(seed) * 100 + Number(life));
const marks = openSync(marksFile, "a");
const mark = (said: object) => writeSync(marks, `${JSON.stringify(said)}\n`);
const store = await openLocalStore({
  folder: join(root, "objects"),
  clock: nodeClock,
  random: nodeRandom,
  report: silent,
  packBytesMax: 30_000,
  onBroken(error) {
    throw error;
  },
});
const owner = { ownerId: "123456789012", storageClass: "STANDARD", versioning: "off" as const };
await Promise.all(Array.from({ length: 4 }, (_, worker) => work(worker)));
if (Number(life) % 2 === 0) process.kill(process.pid, "SIGKILL");
await store.close();

async function work(worker: number): Promise<void> {
  for (let step = 0; step < 20; step++) {
    const key = `k${worker}-${chance.below(3)}`;
    const place = { bucket: "b", key };
    const round = `${life}.${worker}.${step}`;
    const what = chance.below(10);
    const holds = what === 0 ? "gone" : round;
    mark({ begun: key, holds });
    const content = Buffer.alloc(chance.pick([60, 4000, 131_100]), `${key} ${round};`);
    if (what === 0) await store.delete(place, owner);
    else if (what === 1) {
      const { uploadId } = await store.beginUpload(place, owner);
      const { etag } = await store.putPart(place, uploadId, 1, content, {});
      await store.completeUpload(place, uploadId, [{ number: 1, etag }], owner);
    } else await store.put(place, content, owner);
    mark({ kept: key, holds });
    if (chance.below(15) === 0) await store.compact({ shareMin: 0.8 });
  }
}
