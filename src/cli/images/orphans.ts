import type { OrphanView } from "#/model/image-views.ts";
import { briefSize } from "#/model/units.ts";
import { ImageCalls } from "#/sdk/images/image-calls.ts";
import { confirm } from "../confirm.ts";
import { column, type Result } from "../result.ts";
import type { Cli } from "../verb.ts";

/** Lists data of deregistered images, or removes that of one or of all. */
export async function orphans(cli: Cli, image?: string): Promise<Result> {
  const calls = new ImageCalls((await cli.client()).http);
  const { items } = await calls.orphans();
  const wanted = items.filter((one) => image === undefined || one.image === image);
  if (cli.options["remove"] !== true) return listed(wanted);
  const left = wanted.filter(({ snapshots, blobs }) => snapshots.length + blobs.length > 0);
  if (image !== undefined && wanted.length === 0) await calls.removeOrphan(image); // it says why not
  if (left.length === 0) return done([], "No deregistered image has left data to remove");
  const names = left.map((one) => one.image).join(", ");
  const word = image ?? "orphans";
  await confirm(cli.terminal, `remove the data of ${names}`, word, cli.options["yes"] === true);
  const removed: OrphanView[] = [];
  for (const one of left) removed.push(await calls.removeOrphan(one.image));
  return done(
    removed,
    `The snapshots of ${names} are gone; blobs go when nothing names them and nobody has put or asked for them for a day. See how far that is: canopy images orphans`,
  );
}

const done = (removed: OrphanView[], message: string): Result => ({
  type: "done",
  value: { removed: removed.map(({ image }) => image) },
  message,
});

const listed = (rows: OrphanView[]): Result => ({
  type: "table",
  rows,
  columns: [
    column<OrphanView>("image", ({ image }) => image),
    column<OrphanView>("name", ({ name }) => name, { flexible: true }),
    column<OrphanView>("snapshots", ({ snapshots }) => snapshots.map(({ id }) => id).join(", ")),
    column<OrphanView>(
      "files",
      ({ blobs }) => briefSize(blobs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      { align: "right" },
    ),
    column<OrphanView>("state", stateOf, { flexible: true }),
  ],
  empty: "No deregistered image has left data",
});

function stateOf({ removal }: OrphanView): string {
  if (!removal) return "left";
  const { freedBytes, waitsFor } = removal;
  const freed = freedBytes > 0 ? `, ${briefSize(freedBytes)} freed` : "";
  return `going${freed}${waitsFor === undefined ? "" : `: ${waitsFor}`}`;
}
