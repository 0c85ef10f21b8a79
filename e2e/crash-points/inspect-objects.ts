import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { silent } from "#/base/log.ts";
import { nodeClock } from "#/base/node/clock.ts";
import { nodeRandom } from "#/base/node/random.ts";
import { openLocalStore } from "#/objects/local/open.ts";
import type { ObjectVersion } from "#/objects/object-version.ts";

/** What each key may hold: what was acknowledged last, or what was begun since. */
export type Expected = Map<string, Set<string>>;

/** Takes in a line of the workload's marks. */
export function hear(expected: Expected, line: string): void {
  const { begun, kept, holds } = JSON.parse(line) as Record<"begun" | "kept" | "holds", string>;
  if (begun) expected.set(begun, new Set([...(expected.get(begun) ?? ["gone"]), holds]));
  else expected.set(kept, new Set([holds]));
}

/** What the store of a data folder holds otherwise than expected. */
export async function faultsOf(data: string, expected: Expected): Promise<string[]> {
  const faults: string[] = [];
  const store = await openLocalStore({
    folder: join(data, "objects"),
    clock: nodeClock,
    random: nodeRandom,
    report: {
      ...silent,
      error: (message, fields) => void faults.push(`${message} ${JSON.stringify(fields)}`),
    },
    onBroken: (error) => void faults.push(String(error)),
  });
  try {
    for (const [key, allowed] of expected) {
      const place = { bucket: "b", key };
      const version = store.find(place) as ObjectVersion | undefined;
      const bytes = version && (await store.read(place, version, {}));
      const content = bytes instanceof Uint8Array || !bytes ? bytes : await buffer(bytes);
      const text = content && Buffer.from(content).toString();
      const holds = text === undefined ? "gone" : (/^\S+ ([\d.]+);/.exec(text)?.[1] ?? "torn");
      if (!allowed.has(holds))
        faults.push(`${key} holds ${holds}, not ${[...allowed].join(" or ")}`);
      const whole = text && Buffer.alloc(content!.byteLength, `${key} ${holds};`).toString();
      if (text !== whole) faults.push(`${key} is torn`);
    }
  } catch (thrown) {
    faults.push(String(thrown));
  } finally {
    await store.close();
  }
  return faults;
}
