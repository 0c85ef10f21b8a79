import { matchesGlob, join } from "node:path";
import { CanopyError } from "#/base/errors.ts";
import { briefSize } from "#/model/units.ts";
import type { ObjectName } from "#/sdk/objects/place.ts";
import { sealedSize } from "#/sdk/objects/sealed/seal.ts";
import { filesBelow, planSync, type Entry } from "#/sdk/objects/sync.ts";
import { confirm } from "../confirm.ts";
import type { Cli, Done } from "../verb.ts";
import { countOf } from "../words.ts";
import { bringing, copied, downloaded, uploaded, type Bringing } from "./cp.ts";
import { removeKeys } from "./rm.ts";
import { asPrefix, fileBelow, requireObject, sideOf, type Side } from "./sides.ts";
import { doneOf, runTransfers, type Transfer } from "./transfers.ts";

interface SyncOptions {
  delete?: boolean;
  yes?: boolean;
  dryRun?: boolean;
  sizeOnly?: boolean;
  exclude?: string[];
  decrypt?: string;
}

/** Makes one side like the other. */
export async function sync(cli: Cli, fromWord: string, toWord: string): Promise<Done> {
  const [from, to] = [sideOf(cli, fromWord), sideOf(cli, toWord)];
  requireObject(from, to);
  const how = await bringing(cli, false, from, to);
  const options = cli.options as SyncOptions;
  const [here, there] = [await entriesOf(how, from), await entriesOf(how, to)];
  const plan = planSync(here, there, { sizeOnly: options.sizeOnly === true });
  const removals = options.delete === true ? plan.removals : [];
  const bytes = plan.transfers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (options.dryRun === true) {
    const rows = [
      ...plan.transfers.map(({ path, sizeBytes, why }) => ({
        action: "copy",
        path,
        why,
        sizeBytes,
      })),
      ...removals.map((path) => ({ action: "remove", path, why: "gone", sizeBytes: 0 })),
    ];
    const lines = rows.map(({ action, path, why }) => `${action}\t${path}\t${why}\n`);
    return {
      type: "text",
      value: { actions: rows, unchanged: plan.unchanged },
      text: () => lines.join(""),
      note: `${countOf(plan.transfers.length)} to copy, ${briefSize(bytes)}; ${countOf(removals.length)} to remove; ${countOf(plan.unchanged)} as they are`,
    };
  }
  if (removals.length > 0) {
    const what = `remove ${countOf(removals.length)} ${removals.length === 1 ? "object" : "objects"} from ${toWord}`;
    await confirm(cli.terminal, what, String(removals.length), options.yes);
  }
  const transfers = plan.transfers.map((entry) => transferOf(how, from, to, entry));
  const done = await runTransfers(cli, transfers, { files: transfers.length, bytes });
  await removeAll(how, to, removals);
  return doneOf(cli, done, "copied", { removed: removals.length, unchanged: plan.unchanged });
}

async function entriesOf({ cli, client, master }: Bringing, side: Side): Promise<Entry[]> {
  const { exclude = [], decrypt } = cli.options as SyncOptions;
  const isSealed = master !== undefined || decrypt !== undefined;
  const isWanted = ({ path }: Entry) => !exclude.some((glob) => matchesGlob(path, glob));
  const { files } = cli.terminal.world;
  if (side.type === "pipe")
    throw new CanopyError(
      "invalid",
      "Cannot make a pipe like a folder: give a folder instead of '-'",
    );
  if (side.type === "file") {
    const entries: Entry[] = [];
    for await (const entry of filesBelow(files, side.path)) {
      // What is sealed is larger there than it is here.
      const sealed = isSealed && {
        sizeBytes: sealedSize(entry.sizeBytes),
        plainBytes: entry.sizeBytes,
      };
      if (isWanted(entry)) entries.push({ ...entry, ...sealed });
    }
    return entries;
  }
  const prefix = asPrefix(side.name);
  const entries: Entry[] = [];
  for await (const { key, sizeBytes, modifiedMs } of client.objects(prefix)) {
    const entry = { path: key.slice(prefix.key.length), sizeBytes, modifiedMs };
    if (!key.endsWith("/") && isWanted(entry)) entries.push(entry);
  }
  return entries;
}

function transferOf(how: Bringing, from: Side, to: Side, entry: Entry): Transfer {
  const { path, sizeBytes, modifiedMs } = entry;
  const below = ({ name }: { name: ObjectName }): ObjectName => {
    const { bucket, key } = asPrefix(name);
    return { bucket, key: `${key}${path}` };
  };
  if (from.type === "object" && to.type === "object")
    return copied(how, below(from), below(to), sizeBytes);
  if (from.type === "object") {
    const folder = (to as { path: string }).path;
    return downloaded(how, below(from), () => fileBelow(folder, path), sizeBytes);
  }
  const file = join((from as { path: string }).path, path);
  return uploaded(how, file, below(to as { name: ObjectName }), {
    sizeBytes: entry.plainBytes ?? sizeBytes,
    modifiedMs,
  });
}

async function removeAll({ cli, client }: Bringing, to: Side, paths: string[]): Promise<void> {
  if (to.type === "object") {
    const { bucket, key } = asPrefix(to.name);
    const keys = paths.map((path) => `${key}${path}`);
    const [first] = (await removeKeys(client, bucket, keys)).failed;
    if (first) throw new CanopyError("forbidden", `Cannot remove ${first.key}: ${first.message}`);
    return;
  }
  for (const path of paths)
    await cli.terminal.world.files.remove(fileBelow((to as { path: string }).path, path));
}
