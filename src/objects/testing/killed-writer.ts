import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { silent } from "#/base/log.ts";
import { openLocalStore } from "../local/open.ts";

/**
 * Writes objects until it is killed, and says on its output what was acknowledged. The content of each follows from its
 * key and round, so that who reads it needs nothing else.
 */
const [folder = "", seed = "0"] = process.argv.slice(2);
const store = await openLocalStore({
  folder,
  clock: nodeClock,
  random: nodeRandom,
  report: silent,
  packBytesMax: 300_000,
  onBroken(error) {
    throw error;
  },
});
const owner = { ownerId: "123456789012", storageClass: "STANDARD", versioning: "off" as const };
const sizes = [40, 4096, 70_000, 131_073, 400_000];
process.stdout.write("ready\n");
await Promise.all([...Array.from({ length: 8 }, (_, worker) => write(worker)), compact()]);

async function write(worker: number): Promise<void> {
  for (let round = Number(seed); ; round++) {
    const key = `k${worker}-${round % 5}`;
    const place = { bucket: "b", key };
    const size = sizes[(round + worker) % sizes.length]!;
    const content = Buffer.alloc(size, `${key} ${round};`);
    const say = (what: string) => process.stdout.write(`${key} ${what}\n`);
    say(`?${round}`);
    if (round % 7 === 6) {
      await store.delete(place, owner);
      say("gone");
    } else if (round % 7 === 3) {
      const { uploadId } = await store.beginUpload(place, owner);
      const { etag } = await store.putPart(place, uploadId, 1, content, {});
      await store.completeUpload(place, uploadId, [{ number: 1, etag }], owner);
      say(String(round));
    } else {
      await store.put(place, content, owner);
      say(String(round));
    }
  }
}

async function compact(): Promise<void> {
  for (;;) {
    await store.compact({ shareMin: 0.8 });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
