import { limits } from "#/base/limits.ts";
import { load } from "#/sdk/load.ts";
import type { Carried, Load, Slice } from "#/sdk/objects/archive/carry.ts";
import type { Cli } from "../../verb.ts";
import { labelsOf } from "../../words.ts";
import { tellTransfers, type Transfers } from "../teller.ts";
import { modeOf } from "../transfers.ts";

/** Lets the machines of the cloud bring these, as the tasks of a job; gives what came of each slice as soon as it ended. */
export async function* carryAll(
  cli: Cli,
  loads: readonly Load[],
  mark: string | undefined,
): AsyncGenerator<{ done: Carried[]; failed: Carried[] }> {
  const { terminal } = cli;
  const slices = slicesOf(loads, mark);
  const bytes = loads.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const names = new Set<string>();
  const state: Transfers = { files: loads.length, filesDone: 0, bytes, bytesDone: 0, names };
  const module = new URL("../../../sdk/objects/archive/carry.ts", import.meta.url);
  const { carry } = await load<typeof import("#/sdk/objects/archive/carry.ts")>(module, {
    client: await cli.client({ patienceMs: limits.dialMs }),
    world: terminal.world,
  });
  const labels = labelsOf(cli.options["label"] as string[] | undefined);
  const teller = tellTransfers(modeOf(cli), terminal, () => state);
  try {
    let at = 0;
    for await (const ended of carry.with({ labels }).map(slices, { errors: "values" })) {
      const slice = slices[at++]!;
      const all = Array.isArray(ended)
        ? ended
        : slice.loads.map(({ key, sizeBytes }) => ({ key, sizeBytes, error: ended.message }));
      const failed = all.filter(({ error }) => error !== undefined);
      const done = all.filter(({ error }) => error === undefined);
      state.filesDone += all.length;
      state.bytesDone += done.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      yield { done, failed };
    }
  } finally {
    teller.end();
  }
}

function slicesOf(loads: readonly Load[], mark: string | undefined): Slice[] {
  const slices: Slice[] = [];
  let bytes = Infinity;
  for (const load of loads) {
    const last = slices.at(-1);
    const isFull =
      !last ||
      last.loads.length >= limits.archiveSliceObjectsMax ||
      bytes + load.sizeBytes > limits.archiveSliceBytesMax;
    if (isFull) {
      slices.push({ loads: [load], ...(mark !== undefined && { mark }) });
      bytes = load.sizeBytes;
    } else {
      last.loads.push(load);
      bytes += load.sizeBytes;
    }
  }
  return slices;
}
